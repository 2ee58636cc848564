// Debugging with real values: a launch configuration that says `"sandboxAgent.realValues": true` gets them as its environment. A
// configuration is a file that agents can write, and other extensions can start one: the user sees what would run, and says yes.
import * as vscode from 'vscode';
import { isTest } from '../commands/command';
import type { Sessions } from '../sessions';
import { realConfirmed } from '../terminal/profiles';

const OPTION = 'sandboxAgent.realValues';

/** What says most about what would run, first: a debugger fills in much more. All of it is shown. */
const TELLING = [
  'program',
  'module',
  'command',
  'args',
  'runtimeExecutable',
  'runtimeArgs',
  'cwd',
  'env',
  'envFile',
  'url',
];

function shown(configuration: Readonly<Record<string, unknown>>): string[] {
  const line = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const told = TELLING.filter((key) => configuration[key] !== undefined);
  const rest = Object.fromEntries(Object.entries(configuration).filter(([key]) => !told.includes(key)));
  return [...told.map((key) => `${key}: ${line(configuration[key])}`), `all else: ${JSON.stringify(rest)}`];
}

export function registerDebugging(sessions: Sessions, context: vscode.ExtensionContext): vscode.Disposable {
  /** What the user said yes to in this window, word for word. */
  const confirmed = new Set<string>();
  return vscode.debug.registerDebugConfigurationProvider('*', {
    // With variables substituted: what is shown is what runs. The values are in no file and no setting.
    resolveDebugConfigurationWithSubstitutedVariables: async (folder, configuration) => {
      const { [OPTION]: wanted, ...rest } = configuration;
      if (wanted !== true) return configuration;
      const entry = await sessions.pick(folder?.uri);
      if (!entry || entry.failure !== undefined) {
        void vscode.window.showErrorMessage(
          vscode.l10n.t(
            'The configuration asks for real values, and Sandbox Agent has none for this folder: nothing was started. See its view, or take "{0}" out.',
            OPTION,
          ),
        );
        return undefined;
      }
      const lines = shown(rest);
      const key = JSON.stringify([entry.workspaceFolder.uri.toString(), ...lines]);
      if (!isTest(context) && !confirmed.has(key)) {
        if (!(await realConfirmed(entry, lines))) return undefined;
        confirmed.add(key);
      }
      const cwd = typeof rest['cwd'] === 'string' ? rest['cwd'] : undefined;
      const real = await entry.session.realEnvironment(cwd);
      // What the configuration sets by name is the user's own word; but a debugger may have read dummies from an `envFile`.
      const dummies = new Set((await entry.session.secrets()).map(({ dummy }) => dummy));
      const { env = {} } = rest as { env?: Readonly<Record<string, string>> };
      const own = Object.fromEntries(Object.entries(env).filter(([, value]) => !dummies.has(value)));
      return { ...rest, env: { ...real, ...own } };
    },
  });
}

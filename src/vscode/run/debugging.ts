// Debugging with real values: a launch configuration that says `"sandboxAgent.realValues": true` gets them as its environment. A
// configuration is a file that agents can write, and other extensions can start one: the user sees what would run, and says yes.
import * as vscode from 'vscode';
import { isTest } from '../commands/command';
import type { Sessions } from '../sessions';
import { realConfirmed } from '../terminal/profiles';

const OPTION = 'sandboxAgent.realValues';

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
      const text = JSON.stringify(rest, undefined, 2);
      const key = `${entry.workspaceFolder.uri.toString()} ${text}`;
      if (!isTest(context) && !confirmed.has(key)) {
        if (!(await realConfirmed(entry, text, 'lines'))) return undefined;
        confirmed.add(key);
      }
      const cwd = typeof rest['cwd'] === 'string' ? rest['cwd'] : undefined;
      const real = await entry.session.realEnvironment(cwd);
      // What the configuration sets by name is the user's own word.
      const { env } = rest as { env?: Readonly<Record<string, string>> };
      return { ...rest, env: { ...real, ...env } } as unknown as vscode.DebugConfiguration;
    },
  });
}

// Terminals: one kind for agents (proxy, certificate, dummies), one for the user's own work (real values, no proxy). Ordinary
// terminals are left alone unless a setting says otherwise. A terminal with real values opens on the user's word only.
import * as vscode from 'vscode';
import { settings } from '../context';
import { isTest } from '../commands/command';
import type { FolderEntry, Sessions } from '../sessions';

export function agentTerminal({ workspaceFolder, session }: FolderEntry, label: string): vscode.TerminalOptions {
  return {
    name: 'Sandbox Agent',
    iconPath: new vscode.ThemeIcon('shield'),
    cwd: workspaceFolder.uri,
    env: session.processEnvironment(label) ?? {},
    isTransient: true,
  };
}

export async function realTerminal({ workspaceFolder, session }: FolderEntry): Promise<vscode.TerminalOptions> {
  return {
    name: vscode.l10n.t('Real Values'),
    iconPath: new vscode.ThemeIcon('warning'),
    color: new vscode.ThemeColor('terminal.ansiYellow'),
    cwd: workspaceFolder.uri,
    env: await session.realEnvironment(),
    isTransient: true,
    message: vscode.l10n.t(
      'This terminal holds your real secrets, and its traffic does not go through the proxy. It is for your own app and tests: do not start an agent here.',
    ),
  };
}

/** Commands and profiles can be called by other extensions: a person sees what would run, and says yes. */
export async function realConfirmed(
  { workspaceFolder }: FolderEntry,
  /** In lines: each is shown as one, whatever it holds. */
  command: string | readonly string[] | undefined,
): Promise<boolean> {
  const run = command === undefined ? vscode.l10n.t('Open') : vscode.l10n.t('Run');
  const detail = [
    ...(command === undefined ? [] : [[command].flat().map(visible).join('\n')]),
    vscode.l10n.t(
      'What runs there can read the real values and send them anywhere: its traffic does not go through the proxy. Go on only if you asked for it, and start no agent there.',
    ),
  ].join('\n\n');
  const answer = await vscode.window.showWarningMessage(
    command === undefined
      ? vscode.l10n.t('Open a terminal with the real values of {0}?', workspaceFolder.name)
      : vscode.l10n.t('Run this with the real values of {0}?', workspaceFolder.name),
    { modal: true, detail },
    run,
  );
  return answer === run;
}

/** Line breaks and control characters as escapes: what is shown is all that runs. */
function visible(command: string): string {
  return command.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

export function registerTerminals(sessions: Sessions, context: vscode.ExtensionContext): vscode.Disposable {
  const provide = async (
    make: (entry: FolderEntry) => Promise<vscode.TerminalOptions | undefined> | vscode.TerminalOptions,
    needsProxy: boolean,
  ) => {
    const entry = await sessions.pick();
    if (!entry || entry.failure !== undefined) return undefined;
    if (needsProxy && entry.session.state.kind !== 'running') await entry.session.start(settings.startOptions());
    if (needsProxy && entry.session.state.kind !== 'running') {
      void vscode.window.showErrorMessage(
        vscode.l10n.t('The proxy does not run, so the terminal was not opened: agents in it would not be guarded.'),
      );
      return undefined;
    }
    const options = await make(entry);
    return options && new vscode.TerminalProfile(options);
  };
  const subscription = sessions.onDidChange(() => applyToAll(sessions, context));
  applyToAll(sessions, context);
  return vscode.Disposable.from(
    { dispose: () => subscription.dispose() },
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('sandboxAgent.allTerminals')) applyToAll(sessions, context);
    }),
    vscode.window.registerTerminalProfileProvider('sandboxAgent.agent', {
      provideTerminalProfile: () => provide((entry) => agentTerminal(entry, 'terminal'), true),
    }),
    vscode.window.registerTerminalProfileProvider('sandboxAgent.real', {
      provideTerminalProfile: () =>
        provide(
          async (entry) =>
            isTest(context) || (await realConfirmed(entry, undefined)) ? realTerminal(entry) : undefined,
          false,
        ),
    }),
  );
}

/** Per folder, never kept over a reload: a dead port would break every terminal. */
function applyToAll(sessions: Sessions, context: vscode.ExtensionContext): void {
  context.environmentVariableCollection.persistent = false;
  for (const { workspaceFolder, session, failure } of sessions.all) {
    const collection = context.environmentVariableCollection.getScoped({ workspaceFolder });
    collection.persistent = false;
    const environment =
      settings.allTerminals() && failure === undefined ? session.agentEnvironment('terminal') : undefined;
    const wanted = Object.entries(environment ?? {});
    let current = 0;
    collection.forEach(() => {
      current++;
    });
    if (wanted.length === current && wanted.every(([name, value]) => collection.get(name)?.value === value)) continue;
    collection.clear();
    collection.description = new vscode.MarkdownString(
      vscode.l10n.t('Routes terminals through Sandbox Agent (setting `sandboxAgent.allTerminals`).'),
    );
    // Shell rc files run later and may export the real key again: applied once more when the shell is ready.
    for (const [name, value] of wanted)
      collection.replace(name, value, { applyAtProcessCreation: true, applyAtShellIntegration: true });
  }
}

// Commands that start something: Claude Code with the dummies, or the user's own program with the real values.
import * as vscode from 'vscode';
import { findProgram } from '../../host/tools';
import { settings } from '../context';
import type { FolderEntry } from '../sessions';
import { agentTerminal, realConfirmed, realTerminal } from '../terminal/profiles';
import { type Command, isTest } from './command';

/** Running, or started now; undefined when it could not be. */
async function running(entry: FolderEntry | undefined): Promise<FolderEntry | undefined> {
  if (!entry || entry.failure !== undefined) return undefined;
  if (entry.session.state.kind !== 'running') await entry.session.start(settings.startOptions());
  if (entry.session.state.kind === 'running') return entry;
  void vscode.window.showErrorMessage(
    vscode.l10n.t('The proxy does not run, so the agent was not started: its traffic would not be guarded.'),
  );
  return undefined;
}

export const launchClaude: Command = async ({ sessions }) => {
  const entry = await running(await sessions.pick());
  if (!entry) return;
  if ((await findProgram('claude')) === undefined) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t(
        '"claude" is not on the PATH. Install Claude Code, or start your agent in the terminal profile "Sandbox Agent".',
      ),
    );
    return;
  }
  const key = entry.session.agentEnvironment('claude')?.['ANTHROPIC_API_KEY'];
  if (key !== undefined)
    void vscode.window.showInformationMessage(
      vscode.l10n.t(
        'Claude Code may ask once whether to use the API key from the environment: it is the stand-in, say yes.',
      ),
    );
  const terminal = vscode.window.createTerminal({ ...agentTerminal(entry, 'claude'), name: 'Claude Code' });
  terminal.show();
  terminal.sendText('claude');
};

/** Argument: a command, such as a key binding has; the user sees it and says yes. Nothing: the user types it. */
export const runReal: Command = async ({ sessions, context }, argument) => {
  const entry = await sessions.pick();
  if (!entry || entry.failure !== undefined) return;
  const given = typeof argument === 'string' ? argument : undefined;
  const command =
    given ??
    (await vscode.window.showInputBox({
      title: vscode.l10n.t('Run with Real Values'),
      prompt: vscode.l10n.t(
        'A command of your own, such as "npm test". It gets the real values as its environment, and no proxy. Do not start an agent in it.',
      ),
    }));
  if (command === undefined || command.trim() === '') return;
  if (given !== undefined && !isTest(context) && !(await realConfirmed(entry, given))) return;
  const terminal = vscode.window.createTerminal(await realTerminal(entry));
  terminal.show();
  terminal.sendText(command);
};

export const copyEnvironment: Command = async ({ sessions }) => {
  const entry = await running(await sessions.pick());
  const environment = entry?.session.agentEnvironment('other');
  if (!environment) return;
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  await vscode.env.clipboard.writeText(
    `${Object.entries(environment)
      .map(([name, value]) => `export ${name}=${quote(value)}`)
      .join('\n')}\n`,
  );
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      'The proxy environment is on the clipboard, for a POSIX shell. It holds a token of this workspace, and no real value.',
    ),
  );
};

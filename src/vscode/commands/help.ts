// Show Log, Doctor, and the actions behind the status bar.
import * as vscode from 'vscode';
import type { Command } from './command';

export const showLog: Command = ({ log }) => {
  log.show();
  return Promise.resolve();
};

export const doctor: Command = async ({ sessions }) => {
  const entry = await sessions.pick();
  if (!entry) return undefined;
  const lines = await entry.session.doctor();
  const mark = { ok: '✓', warning: '!', problem: '✗' };
  const text = [
    `# Doctor: ${entry.workspaceFolder.name}`,
    '',
    ...lines.flatMap(({ status, what, fix }) => [`${mark[status]} ${what}`, ...(fix ? [`    → ${fix}`] : [])]),
    '',
  ].join('\n');
  await vscode.window.showTextDocument(
    await vscode.workspace.openTextDocument({ content: text, language: 'markdown' }),
    { preview: true },
  );
  return lines;
};

export const actions: Command = async ({ sessions }) => {
  const entry = await sessions.pick();
  if (!entry) return;
  const runs = entry.session.state.kind === 'running';
  const item = (label: string, icon: string, command: string) => ({
    label: `$(${icon}) ${label}`,
    command: `sandboxAgent.${command}`,
  });
  const choice = await vscode.window.showQuickPick(
    [
      ...(entry.alarms.all.length > 0 ? [item(vscode.l10n.t('Show Alarms'), 'bell', 'showAlarms')] : []),
      ...(runs
        ? [
            item(vscode.l10n.t('Stop'), 'debug-stop', 'stop'),
            item(vscode.l10n.t('Launch Claude Code'), 'terminal', 'launchClaude'),
          ]
        : [item(vscode.l10n.t('Start'), 'play', 'start')]),
      item(vscode.l10n.t('Protect Workspace'), 'shield', 'protect'),
      item(vscode.l10n.t('Run with Real Values'), 'run', 'runReal'),
      ...(entry.session.loan === undefined
        ? [item(vscode.l10n.t('Restore for a While'), 'unlock', 'restoreForAWhile')]
        : [item(vscode.l10n.t('Put the Dummies Back'), 'lock', 'putDummiesBack')]),
      item(vscode.l10n.t('Show Flows'), 'list-tree', 'showFlows'),
      item(vscode.l10n.t('Open Policy'), 'law', 'openPolicy'),
      item(vscode.l10n.t('Doctor'), 'pulse', 'doctor'),
    ],
    { placeHolder: `Sandbox Agent: ${entry.workspaceFolder.name}, ${entry.session.state.kind}` },
  );
  if (choice) await vscode.commands.executeCommand(choice.command);
};

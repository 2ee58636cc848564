// Show Alarms: all that was raised in this window, the newest first; one that is chosen is asked about again beside its flow.
import * as vscode from 'vscode';
import { agentInWords, describeFinding } from '../../core/flows/describe';
import { tell } from '../alarms';
import type { Command } from './command';
import { openFlow } from './flows';

export const showAlarms: Command = async (deps) => {
  const entry = await deps.sessions.pick();
  if (!entry) return;
  const items = entry.alarms.all.map((alarm) => ({
    label: `$(${alarm.seen ? 'circle-outline' : 'bell-dot'}) ${alarm.flow.host}`,
    description: `${agentInWords(alarm.flow)}, ${new Date(alarm.flow.startedAt).toLocaleTimeString()}`,
    detail: describeFinding(alarm.finding),
    alarm,
  }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No alarm was raised in this window.'));
    return;
  }
  const choice = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Alarms of {0}', entry.workspaceFolder.name),
    matchOnDetail: true,
  });
  entry.alarms.markSeen();
  if (!choice) return;
  await openFlow(deps, { kind: 'flow', entry, flow: choice.alarm.flow });
  void tell(deps, entry, choice.alarm);
};

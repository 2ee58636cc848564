// Which finding a command is about: of the flow whose row it was called on, or chosen among the alarms. What an argument says is
// looked up in what we recorded ourselves: any extension can call a command, with a flow of its own making.
import * as vscode from 'vscode';
import { type Alarm, isAlarm } from '../../core/flows/alarms';
import { agentInWords, placeInWords } from '../../core/flows/describe';
import type { FindingKind } from '../../core/secrets/types';
import type { FolderEntry, Sessions } from '../sessions';
import type { FlowNode } from '../views/flowNodes';

export interface ChosenFinding extends Pick<Alarm, 'flow' | 'finding'> {
  readonly entry: FolderEntry;
}

export async function chosenFinding(
  sessions: Sessions,
  argument: unknown,
  kind: FindingKind,
  title: string,
): Promise<ChosenFinding | undefined> {
  const node = argument as Partial<FlowNode> | undefined;
  const entry = sessions.all.find((one) => one === node?.entry) ?? (await sessions.pick());
  if (!entry || entry.failure !== undefined) return undefined;
  const id = node?.kind === 'flow' ? node.flow?.id : undefined;
  const flow = id === undefined ? undefined : (entry.flows.get(id) ?? entry.alarms.flow(id));
  const found = flow
    ? flow.findings.map((finding) => ({ entry, flow, finding }))
    : entry.alarms.all.map((alarm) => ({ entry, flow: alarm.flow, finding: alarm.finding }));
  const items = found
    .filter(({ finding }) => finding.kind === kind && isAlarm(finding))
    .map((one) => ({
      label: `${one.finding.secret} → ${one.flow.host}`,
      description: `${agentInWords(one.flow)}, ${placeInWords(one.finding.place)}`,
      one,
    }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No request of this window asked for that.'));
    return undefined;
  }
  if (items.length === 1 && flow) return items[0]!.one;
  return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.one;
}

// Nodes of the flow tree: a host and a request. What they say comes from the flow; the colour is the decision's.
import * as vscode from 'vscode';
import { isAlarm } from '../../core/flows/alarms';
import { describeFinding, flowOrigin, flowOutcome, isLeak, maskedSecrets } from '../../core/flows/describe';
import type { Flow } from '../../core/flows/flow';
import type { FindingKind } from '../../core/secrets/types';
import type { HostGroup } from '../../core/flows/group';
import type { FolderEntry } from '../sessions';

export interface HostNode {
  readonly kind: 'host';
  readonly entry: FolderEntry;
  readonly group: HostGroup;
}

export interface FlowNode {
  readonly kind: 'flow';
  readonly entry: FolderEntry;
  readonly flow: Flow;
}

export function hostItem({ entry, group }: HostNode, several: boolean): vscode.TreeItem {
  const item = new vscode.TreeItem(group.host, vscode.TreeItemCollapsibleState.Expanded);
  item.id = `${entry.workspaceFolder.uri.toString()} ${group.host}`;
  const parts = [`${group.flows.length}`];
  if (group.injected > 0) parts.push(vscode.l10n.t('{0} injected', group.injected));
  if (group.blocked > 0) parts.push(vscode.l10n.t('{0} blocked', group.blocked));
  item.description = `${parts.join(', ')}${several ? ` · ${entry.workspaceFolder.name}` : ''}`;
  item.iconPath = new vscode.ThemeIcon('globe');
  item.contextValue = 'sandboxAgent.host';
  item.accessibilityInformation = {
    label: `${group.host}, ${vscode.l10n.t('{0} requests', group.flows.length)}, ${parts.slice(1).join(', ')}`,
  };
  return item;
}

export function flowItem({ entry, flow }: FlowNode): vscode.TreeItem {
  const status = flow.status ?? (flow.outcome === 'open' ? '…' : '–');
  const item = new vscode.TreeItem(
    `${flow.method} ${status} ${flow.kind === 'request' ? flow.path : `:${flow.port}`}`,
    vscode.TreeItemCollapsibleState.None,
  );
  item.id = `${entry.workspaceFolder.uri.toString()} ${flow.id}`;
  const outcome = flowOutcome(flow);
  item.description = shortOutcome(flow);
  item.iconPath = icon(flow);
  const leaked = flow.findings.some(isLeak) ? '.leak' : '';
  const alarm = (kind: FindingKind) => flow.findings.some((finding) => finding.kind === kind && isAlarm(finding));
  const asks = `${alarm('dummy-unbound') ? '.unbound' : ''}${alarm('foreign-credential') ? '.foreign' : ''}`;
  item.contextValue = `sandboxAgent.flow${flow.decision?.rule === undefined ? '' : '.rule'}${leaked}${asks}`;
  item.command = {
    command: 'sandboxAgent.openFlow',
    title: vscode.l10n.t('Open Flow'),
    arguments: [{ kind: 'flow', entry, flow }],
  };
  item.tooltip = tooltip(flow, outcome);
  item.accessibilityInformation = {
    label: [`${flow.method} ${flowOrigin(flow)}${flow.path}`, status, outcome, item.description].join(', '),
  };
  return item;
}

/** What the icon does not say, the telling part first: a side bar is narrow. The tooltip and the document say all. */
function shortOutcome({ outcome, injected, decision, findings, error }: Flow): string {
  const rule = decision?.rule === undefined ? undefined : vscode.l10n.t('rule {0}', decision.rule + 1);
  switch (outcome) {
    case 'allowed':
    case 'open':
      return [
        ...injected,
        ...maskedSecrets(findings).map((name) => vscode.l10n.t('masked {0}', name)),
        rule ?? vscode.l10n.t('no rule'),
      ].join(' · ');
    case 'blocked': {
      const finding = findings.find(({ action }) => action === 'blocked');
      if (finding) return vscode.l10n.t('{0} in {1}', finding.secret, finding.place);
      if (error) return error.code;
      return rule === undefined ? vscode.l10n.t('no rule') : [rule, decision?.description].filter(Boolean).join(' · ');
    }
    case 'failed':
      return error?.code ?? vscode.l10n.t('failed');
    case 'aborted':
      return vscode.l10n.t('aborted');
  }
}

function icon(flow: Flow): vscode.ThemeIcon {
  const colored = (name: string, color: string) => new vscode.ThemeIcon(name, new vscode.ThemeColor(color));
  // An alarm is seen among a hundred ordinary refusals.
  const alarm = flow.findings.find(isAlarm);
  if (alarm) return colored('report', alarm.action === 'masked' ? 'charts.orange' : 'charts.red');
  switch (flow.outcome) {
    case 'blocked':
      return colored('circle-slash', 'charts.red');
    case 'failed':
      return colored('error', 'errorForeground');
    case 'aborted':
      return new vscode.ThemeIcon('debug-disconnect');
    case 'open':
      return new vscode.ThemeIcon('loading~spin');
    case 'allowed':
      if (flow.injected.length > 0) return colored('key', 'charts.green');
      if (flow.decision && flow.decision.action !== flow.decision.effective)
        return colored('question', 'charts.yellow');
      return colored('check', 'charts.green');
  }
}

function tooltip(flow: Flow, outcome: string): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendCodeblock(`${flow.method} ${flowOrigin(flow)}${flow.path}`, 'http');
  text.appendText(`${outcome}\n`);
  if (flow.decision) text.appendText(`${flow.decision.reason}\n`);
  for (const finding of flow.findings) text.appendText(`${describeFinding(finding)}\n`);
  if (flow.error) text.appendText(`${flow.error.message}\n`);
  const { totalMs } = flow.timing;
  text.appendText(
    `${flow.agent}${flow.process ? ` (${flow.process.name}, process ${flow.process.pid})` : ''}${totalMs === undefined ? '' : `, ${Math.round(totalMs)} ms`}, ${flow.responseBytes} bytes`,
  );
  return text;
}

// The Flows view: requests by host, live. Bursts are drawn at most ten times a second; the badge counts blocks and alarms not
// yet seen.
import * as vscode from 'vscode';
import { groupByHost } from '../../core/flows/group';
import { VIEW } from '../context';
import type { Sessions } from '../sessions';
import { type FlowNode, type HostNode, flowItem, hostItem } from './flowNodes';

const REFRESH_MS = 100;

export function registerFlowsView(sessions: Sessions): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const view = vscode.window.createTreeView<HostNode | FlowNode>(VIEW.flows, {
    showCollapseAll: true,
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => {
        if (!node)
          return sessions.all.flatMap((entry) =>
            groupByHost(entry.flows.flows).map((group): HostNode => ({ kind: 'host', entry, group })),
          );
        return node.kind === 'host'
          ? node.group.flows.map((flow): FlowNode => ({ kind: 'flow', entry: node.entry, flow }))
          : [];
      },
      getTreeItem: (node) => (node.kind === 'host' ? hostItem(node, sessions.all.length > 1) : flowItem(node)),
    },
  });
  let seenBlocks = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    timer = undefined;
    const blocked = sessions.all.reduce((sum, { flows }) => sum + flows.totals.blocked, 0);
    if (view.visible) seenBlocks = blocked;
    const fresh = blocked - seenBlocks;
    const alarms = sessions.all.reduce((sum, entry) => sum + entry.alarms.unseen, 0);
    const tooltip = [
      ...(fresh > 0 ? [vscode.l10n.t('{0} blocked requests', fresh)] : []),
      ...(alarms > 0 ? [vscode.l10n.t('{0} alarms', alarms)] : []),
    ].join(', ');
    // An alarm stays until somebody looked at it, also where the view was open all the time.
    view.badge = tooltip === '' ? undefined : { value: Math.max(fresh, alarms), tooltip };
    changed.fire();
  };
  const soon = () => (timer ??= setTimeout(draw, REFRESH_MS));
  const watched = new WeakSet();
  const watch = () => {
    for (const { flows, alarms } of sessions.all) {
      if (watched.has(flows)) continue;
      watched.add(flows);
      flows.onDidChange(() => void soon());
      if (watched.has(alarms)) continue;
      watched.add(alarms);
      alarms.onDidChange(() => void soon());
    }
    soon();
  };
  watch();
  const subscription = sessions.onDidChange(watch);
  return vscode.Disposable.from(
    view,
    changed,
    view.onDidChangeVisibility(() => void soon()),
    {
      dispose: () => {
        subscription.dispose();
        clearTimeout(timer);
      },
    },
  );
}

// One item: what holds the agents of the folder in front of the user. A warning colour only when an agent is routed and
// nothing enforces. Alarms that nobody looked at are counted.
import * as vscode from 'vscode';
import { stateText } from './sessionView';
import type { FolderEntry, Sessions } from '../sessions';

/** Many may come at once. */
const REFRESH_MS = 100;

export function registerStatusBar(sessions: Sessions): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('sandboxAgent.status', vscode.StatusBarAlignment.Left, 50);
  item.name = 'Sandbox Agent';
  item.command = 'sandboxAgent.actions';
  const draw = () => {
    const entry = sessions.of(vscode.window.activeTextEditor?.document.uri) ?? sessions.all[0];
    if (!entry) {
      item.hide();
      return;
    }
    const { icon, text, tooltip, warn } = describe(entry);
    const alarms = alarmText(entry);
    item.text = `$(${icon}) ${text}${alarms === undefined ? '' : ` $(bell-dot) ${alarms}`}`;
    const label = alarms === undefined ? tooltip : `${alarms}. ${tooltip}`;
    item.tooltip = label;
    item.accessibilityInformation = { label: `Sandbox Agent: ${label}` };
    item.backgroundColor = warn ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    item.show();
  };
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      draw();
    }, REFRESH_MS);
  };
  const watched = new WeakSet();
  const watch = () => {
    draw();
    for (const { alarms } of sessions.all) {
      if (watched.has(alarms)) continue;
      watched.add(alarms);
      alarms.onDidChange(soon);
    }
  };
  const subscription = sessions.onDidChange(watch);
  watch();
  return vscode.Disposable.from(item, vscode.window.onDidChangeActiveTextEditor(draw), {
    dispose: () => {
      subscription.dispose();
      clearTimeout(timer);
    },
  });
}

function alarmText({ alarms: { unseen } }: FolderEntry): string | undefined {
  if (unseen === 0) return undefined;
  return unseen === 1 ? vscode.l10n.t('1 alarm') : vscode.l10n.t('{0} alarms', unseen);
}

function describe({ workspaceFolder, session, failure }: FolderEntry): {
  icon: string;
  text: string;
  tooltip: string;
  warn: boolean;
} {
  const { state } = session;
  const name = workspaceFolder.name;
  if (failure !== undefined)
    return { icon: 'error', text: vscode.l10n.t('Not protected'), tooltip: failure, warn: true };
  switch (state.kind) {
    case 'running': {
      const { mode } = session.policy.state.policy;
      const text = mode === 'monitor' ? vscode.l10n.t('Monitoring') : vscode.l10n.t('Guarded');
      const what = vscode.l10n.t(
        '{0}: agents are {1}, policy in mode {2}, 127.0.0.1:{3}',
        name,
        state.level,
        mode,
        state.port,
      );
      return { icon: mode === 'monitor' ? 'eye' : 'shield', text, tooltip: what, warn: mode === 'monitor' };
    }
    case 'failed':
      return { icon: 'error', text: vscode.l10n.t('Proxy failed'), tooltip: state.message, warn: true };
    case 'stopped':
      return {
        icon: 'shield',
        text: vscode.l10n.t('Off'),
        tooltip: vscode.l10n.t('{0}: the proxy does not run; agents talk to the network directly', name),
        warn: false,
      };
    case 'starting':
    case 'stopping':
      return { icon: 'loading~spin', text: state.kind, tooltip: `${name}: ${stateText(state)}`, warn: false };
  }
}

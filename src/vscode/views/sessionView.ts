// The Session view: state and level in honest words, what is swapped, the policy and what waits for approval.
import * as vscode from 'vscode';
import type { Level, SessionState } from '../../host/api';
import { VIEW } from '../context';
import { markText } from '../commands/rotate';
import type { FolderEntry, Sessions } from '../sessions';

type Node =
  | { readonly kind: 'folder'; readonly entry: FolderEntry }
  | {
      readonly kind: 'row';
      readonly item: vscode.TreeItem;
      readonly children: readonly Node[];
      readonly entry?: FolderEntry;
      readonly secret?: string;
    };

/** Totals need not be drawn as often as the flows. */
const REFRESH_MS = 500;

export function registerSessionView(sessions: Sessions): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const view = vscode.window.createTreeView<Node>(VIEW.session, {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => children(sessions, node),
      getTreeItem: (node) => (node.kind === 'row' ? node.item : folderItem(node.entry)),
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed.fire();
    }, REFRESH_MS);
  };
  const watched = new WeakSet();
  const watch = () => {
    changed.fire();
    for (const { flows } of sessions.all) {
      if (watched.has(flows)) continue;
      watched.add(flows);
      flows.onDidChange(soon);
    }
  };
  const subscription = sessions.onDidChange(watch);
  watch();
  return vscode.Disposable.from(
    view,
    changed,
    new vscode.Disposable(() => {
      subscription.dispose();
      clearTimeout(timer);
    }),
  );
}

function children(sessions: Sessions, node: Node | undefined): Node[] {
  if (node) return node.kind === 'row' ? [...node.children] : [...rows(node.entry)];
  // Until something was protected or started, the welcome text with its one button says more than a tree.
  const shown = sessions.all.filter(
    ({ session, secrets, failure }) => session.state.kind !== 'stopped' || secrets.length > 0 || failure !== undefined,
  );
  if (shown.length === 0) return [];
  if (sessions.all.length === 1) return [...rows(shown[0]!)];
  return sessions.all.map((entry) => ({ kind: 'folder', entry }));
}

function folderItem({ workspaceFolder, session }: FolderEntry): vscode.TreeItem {
  const item = new vscode.TreeItem(workspaceFolder.name, vscode.TreeItemCollapsibleState.Expanded);
  item.description = stateText(session.state);
  item.iconPath = new vscode.ThemeIcon('root-folder');
  item.id = workspaceFolder.uri.toString();
  return item;
}

function rows(entry: FolderEntry): readonly Node[] {
  const { session, failure, locked } = entry;
  if (failure !== undefined)
    return [
      row(locked ? vscode.l10n.t('The vault is locked') : vscode.l10n.t('Not protected'), {
        icon: locked ? 'lock' : 'error',
        ...(locked ? { command: 'sandboxAgent.unlockVault' } : {}),
        color: 'errorForeground',
        description: failure,
        tooltip: failure,
      }),
    ];
  return [
    stateRow(session.state),
    ...levelRows(session.state),
    secretsRow(entry),
    ...loanRows(entry),
    ...realRows(entry),
    ...environmentRows(entry),
    ...policyRows(entry),
    flowsRow(entry),
  ];
}

function stateRow(state: SessionState): Node {
  switch (state.kind) {
    case 'running':
      return row(vscode.l10n.t('Running'), {
        icon: 'pass',
        color: 'charts.green',
        description: `127.0.0.1:${state.port}`,
      });
    case 'stopped':
      return row(vscode.l10n.t('Stopped'), {
        icon: 'circle-outline',
        description: vscode.l10n.t('agents connect directly'),
        tooltip: vscode.l10n.t('The proxy does not run: agents talk to the network directly, unseen and unlimited.'),
        command: 'sandboxAgent.start',
      });
    case 'starting':
      return row(vscode.l10n.t('Starting'), { icon: 'loading~spin' });
    case 'stopping':
      return row(vscode.l10n.t('Stopping'), { icon: 'loading~spin' });
    case 'failed':
      return row(vscode.l10n.t('Failed'), {
        icon: 'error',
        color: 'errorForeground',
        description: state.message,
        tooltip: state.message,
        command: 'sandboxAgent.showLog',
      });
  }
}

const LEVELS: Readonly<Record<Level, readonly [description: string, tooltip: string]>> = {
  off: ['nothing is held', 'The proxy does not run.'],
  routed: [
    'can be bypassed',
    'Proxy variables and certificate in the agents\u2019 settings and terminals. This stops accidents and untargeted injection. An agent that sets out to get around it can connect past the proxy, and runs as the same user as this editor.',
  ],
  'confined commands': [
    'for shell commands',
    'Claude Code\u2019s own sandbox holds its shell commands; this proxy is their only way out. The agent process itself, its hooks and MCP servers are not confined.',
  ],
};

function levelRows(state: SessionState): readonly Node[] {
  if (state.kind !== 'running') return [];
  const [description, tooltip] = LEVELS[state.level];
  return [
    row(vscode.l10n.t('Level: {0}', state.level), {
      icon: state.level === 'routed' ? 'shield' : 'lock',
      description,
      tooltip,
    }),
  ];
}

function secretsRow(entry: FolderEntry): Node {
  const { secrets } = entry;
  const nodes = secrets.map(({ name, dummy, hosts, in: places, files, fromEnvironment, marked }) => {
    const bound = hosts.length > 0;
    const tooltip = new vscode.MarkdownString();
    tooltip.appendMarkdown(`**${name}**\n\n`);
    tooltip.appendText(
      `${bound ? `Goes to ${hosts.join(', ')} in ${places.join(', ')}.` : 'Bound to no host: it is never put in. Bind it under "secrets:" in the policy.'}\n`,
    );
    tooltip.appendText(
      `Stand-in: ${dummy}\nIn: ${[...files, ...(fromEnvironment ? ['the inherited environment'] : [])].join(', ')}`,
    );
    if (marked) tooltip.appendText(`\n${markText(marked)}`);
    return row(name, {
      icon: marked ? 'sync' : bound ? 'key' : 'warning',
      description: marked
        ? vscode.l10n.t('to be rotated')
        : bound
          ? hosts.join(', ')
          : vscode.l10n.t('bound to no host'),
      tooltip,
      contextValue: 'sandboxAgent.secret',
      target: { entry, secret: name },
    });
  });
  return row(
    secrets.length === 1 ? vscode.l10n.t('1 secret swapped') : vscode.l10n.t('{0} secrets swapped', secrets.length),
    {
      icon: 'key',
      children: nodes,
      ...(nodes.length === 0 ? { command: 'sandboxAgent.protect' } : {}),
    },
  );
}

/** Values that are still real and should not be: after an edit, a branch switch, a new file. */
function realRows({ scan, session }: FolderEntry): readonly Node[] {
  const real = scan?.values.filter(({ ticked, file }) => ticked && file !== undefined) ?? [];
  if (real.length === 0 || session.loan) return [];
  return [
    row(real.length === 1 ? vscode.l10n.t('1 value still real') : vscode.l10n.t('{0} values still real', real.length), {
      icon: 'warning',
      color: 'list.warningForeground',
      description: [...new Set(real.map(({ name }) => name))].join(', '),
      command: 'sandboxAgent.protect',
    }),
  ];
}

/** They are in the files by the user's word, and go again. */
function loanRows({ session }: FolderEntry): readonly Node[] {
  if (!session.loan) return [];
  return [
    row(vscode.l10n.t('Real values in the files for a while'), {
      icon: 'unlock',
      color: 'list.warningForeground',
      description: session.loan.files.join(', '),
      command: 'sandboxAgent.putDummiesBack',
    }),
  ];
}

/** What the editor inherited: whoever starts an agent hands it on. */
function environmentRows({ environment }: FolderEntry): readonly Node[] {
  if (environment.length === 0) return [];
  const real = environment.filter(({ swapped }) => !swapped);
  const nodes = environment.map(({ name, swapped, reason }) =>
    row(name, {
      icon: swapped ? 'key' : 'warning',
      description: swapped ? vscode.l10n.t('dummy for agents') : vscode.l10n.t('real for agents'),
      tooltip: `${name}: ${reason}`,
      ...(swapped ? {} : { command: 'sandboxAgent.protect' }),
    }),
  );
  return [
    row(vscode.l10n.t('Environment'), {
      icon: real.length > 0 ? 'warning' : 'symbol-variable',
      description: vscode.l10n.t('{0} dummies, {1} real', environment.length - real.length, real.length),
      children: nodes,
    }),
  ];
}

function policyRows({ session }: FolderEntry): readonly Node[] {
  const { policy, pending } = session.policy.state;
  const mode = {
    monitor: vscode.l10n.t('lets through what no rule allows, and marks it'),
    ask: vscode.l10n.t('blocks what no rule allows (nobody to ask yet)'),
    enforce: vscode.l10n.t('blocks what no rule allows'),
  }[policy.mode];
  const rules = [
    row(vscode.l10n.t('Policy: {0}', policy.mode), {
      icon: 'law',
      description:
        policy.rules.length === 1 ? vscode.l10n.t('1 rule') : vscode.l10n.t('{0} rules', policy.rules.length),
      tooltip: vscode.l10n.t('Mode {0}: {1}.', policy.mode, mode),
      command: 'sandboxAgent.openPolicy',
    }),
  ];
  if (pending) {
    rules.push(
      row(
        pending.valid ? vscode.l10n.t('A policy change waits for you') : vscode.l10n.t('The policy file has errors'),
        {
          icon: 'warning',
          color: 'list.warningForeground',
          tooltip: vscode.l10n.t('The approved text stays in force until you decide: show the difference.'),
          contextValue: 'sandboxAgent.pending',
          command: 'sandboxAgent.showPolicyDifference',
        },
      ),
    );
  }
  return rules;
}

function flowsRow({ flows }: FolderEntry): Node {
  const { seen, blocked, injected } = flows.totals;
  return row(seen === 1 ? vscode.l10n.t('1 request') : vscode.l10n.t('{0} requests', seen), {
    icon: 'list-tree',
    description: vscode.l10n.t('{0} blocked, {1} injected', blocked, injected),
    command: 'sandboxAgent.showFlows',
  });
}

interface RowOptions {
  readonly icon: string;
  readonly color?: string;
  readonly description?: string;
  readonly tooltip?: string | vscode.MarkdownString;
  readonly command?: string;
  readonly contextValue?: string;
  /** What commands of the context menu get. */
  readonly target?: { readonly entry: FolderEntry; readonly secret: string };
  readonly children?: readonly Node[];
}

function row(
  label: string,
  { icon, color, description, tooltip, command, contextValue, target, children: nodes = [] }: RowOptions,
): Node {
  const item = new vscode.TreeItem(
    label,
    nodes.length > 0 ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None,
  );
  item.iconPath = new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  if (description !== undefined) item.description = description;
  item.tooltip = tooltip ?? (description === undefined ? label : `${label}: ${description}`);
  if (command !== undefined) item.command = { command, title: label };
  if (contextValue !== undefined) item.contextValue = contextValue;
  item.accessibilityInformation = { label: description === undefined ? label : `${label}, ${description}` };
  return { kind: 'row', item, children: nodes, ...target };
}

export function stateText(state: SessionState): string {
  return state.kind === 'running' ? `${state.kind}, ${state.level}` : state.kind;
}

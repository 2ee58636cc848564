// Read-only documents: a flow, and the two policy texts of the difference. They show; nothing is decided by what a URI holds.
import * as vscode from 'vscode';
import { describeFlow } from '../../core/flows/describe';
import { SCHEME } from '../context';
import type { FolderEntry, Sessions } from '../sessions';
import type { FlowNode } from '../views/flowNodes';

export function flowUri({ entry, flow }: Pick<FlowNode, 'entry' | 'flow'>): vscode.Uri {
  return vscode.Uri.from({
    scheme: SCHEME.flow,
    path: `/${flow.method} ${flow.host} ${flow.id}.http`,
    query: JSON.stringify({ folder: entry.workspaceFolder.uri.toString(), id: flow.id }),
  });
}

export function approvedUri({ workspaceFolder }: FolderEntry): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME.approved, path: '/policy.yaml', query: workspaceFolder.uri.toString() });
}

/** The text is in the URI: what the user looks at stays as it is, whatever happens to the file. */
export function pendingUri({ workspaceFolder }: FolderEntry, text: string): vscode.Uri {
  const query = JSON.stringify({ folder: workspaceFolder.uri.toString(), text });
  return vscode.Uri.from({ scheme: SCHEME.pending, path: '/policy.yaml', query });
}

export function registerDocuments(sessions: Sessions): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const subscription = sessions.onDidChange(() => {
    for (const entry of sessions.all) changed.fire(approvedUri(entry));
  });
  return vscode.Disposable.from(
    changed,
    { dispose: () => subscription.dispose() },
    vscode.workspace.registerTextDocumentContentProvider(SCHEME.flow, {
      provideTextDocumentContent: (uri) => {
        const { folder, id } = JSON.parse(uri.query) as { folder: string; id: number };
        const entry = sessions.of(vscode.Uri.parse(folder));
        // What an alarm is about is kept longer than the list of flows.
        const flow = entry?.flows.get(id) ?? entry?.alarms.flow(id);
        return flow ? describeFlow(flow) : vscode.l10n.t('This flow is no longer kept.');
      },
    }),
    vscode.workspace.registerTextDocumentContentProvider(SCHEME.pending, {
      provideTextDocumentContent: (uri) => (JSON.parse(uri.query) as { text: string }).text,
    }),
    vscode.workspace.registerTextDocumentContentProvider(SCHEME.approved, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) =>
        sessions.of(vscode.Uri.parse(uri.query))?.session.policy.state.approvedText ?? '',
    }),
  );
}

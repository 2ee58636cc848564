// The policy editor: a custom editor on the YAML document. Undo, save and difference are the document's; edits are splices of
// the text. What the user does in the panel is a command of ours: the text is saved and approved in one step.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import {
  type EditResult,
  addRule,
  moveRule,
  removeRule,
  setDefault,
  setMode,
  updateRule,
} from '../../core/policy/edit';
import { parsePolicy } from '../../core/policy/parse';
import type { Rule } from '../../core/policy/types';
import type { EditorModel, FromPolicyEditor, ToPolicyEditor } from '../../protocol/policyEditorMessages';
import type { FolderEntry, Sessions } from '../sessions';

export function registerPolicyEditor(context: vscode.ExtensionContext, sessions: Sessions): vscode.Disposable {
  return vscode.window.registerCustomEditorProvider(
    'sandboxAgent.policyEditor',
    new PolicyEditorProvider(context.extensionUri, sessions),
    { webviewOptions: { retainContextWhenHidden: true } },
  );
}

class PolicyEditorProvider implements vscode.CustomTextEditorProvider {
  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly sessions: Sessions,
  ) {}

  async resolveCustomTextEditor(document: vscode.TextDocument, panel: vscode.WebviewPanel): Promise<void> {
    await this.sessions.ready;
    const { webview } = panel;
    const media = vscode.Uri.joinPath(this.extensionUri, 'media');
    const dist = vscode.Uri.joinPath(this.extensionUri, 'dist');
    webview.options = { enableScripts: true, localResourceRoots: [media, dist] };
    webview.html = page(
      webview,
      vscode.Uri.joinPath(dist, 'policyEditor.js'),
      vscode.Uri.joinPath(media, 'policyEditor.css'),
    );
    const send = (message: ToPolicyEditor) => void webview.postMessage(message);
    const show = () => send({ type: 'model', model: this.#model(document) });
    let queue = Promise.resolve();
    const disposables = [
      webview.onDidReceiveMessage((message: FromPolicyEditor) => {
        if (message.type === 'ready') show();
        // One after the other: an edit is made against the text that the one before left.
        else queue = queue.then(() => this.#handle(document, message, send)).catch(() => undefined);
      }),
      vscode.workspace.onDidChangeTextDocument((event) => event.document === document && show()),
      vscode.workspace.onDidSaveTextDocument((saved) => saved === document && show()),
    ];
    const subscription = this.sessions.onDidChange(show);
    panel.onDidDispose(() => {
      subscription.dispose();
      for (const disposable of disposables) disposable.dispose();
    });
  }

  #entry(document: vscode.TextDocument): FolderEntry | undefined {
    const entry = this.sessions.of(document.uri);
    return entry?.failure === undefined && entry?.session.policy.state.file === document.uri.fsPath ? entry : undefined;
  }

  #model(document: vscode.TextDocument): EditorModel {
    const text = document.getText();
    const { policy, problems } = parsePolicy(text);
    const entry = this.#entry(document);
    const approved = entry?.session.policy.state.approvedText;
    return {
      policy: policy && { mode: policy.mode, default: policy.default, rules: policy.rules.map(toRow) },
      problems: problems.map(({ severity, message, line, column }) => ({ severity, message, line, column })),
      approval: text === approved ? 'approved' : document.isDirty ? 'unsaved' : 'waiting',
      hosts: [...new Set(entry?.flows.flows.map(({ host }) => host) ?? [])],
    };
  }

  async #handle(
    document: vscode.TextDocument,
    message: Exclude<FromPolicyEditor, { type: 'ready' }>,
    send: (message: ToPolicyEditor) => void,
  ): Promise<void> {
    if (message.type === 'command') {
      await this.#command(document, message.command);
      return;
    }
    const entry = this.#entry(document);
    const before = document.getText();
    // Only on top of what is in force: approving a row must never approve a stranger's change with it.
    if (entry?.session.policy.state.approvedText !== before) {
      send({
        type: 'refused',
        message: vscode.l10n.t(
          'This text is not the approved one. Approve it, or put the approved text back, before you edit rows.',
        ),
      });
      return;
    }
    const result = apply(before, message);
    if (!result.ok) {
      send({ type: 'refused', message: result.error.message });
      return;
    }
    const { splice, text } = result.value;
    const edit = new vscode.WorkspaceEdit();
    edit.replace(
      document.uri,
      new vscode.Range(document.positionAt(splice.start), document.positionAt(splice.end)),
      splice.text,
    );
    await vscode.workspace.applyEdit(edit);
    // Approved before it is saved: the watcher then sees the text that is in force.
    await entry.session.policy.approve(text);
    await document.save();
  }

  async #command(
    document: vscode.TextDocument,
    command: Extract<FromPolicyEditor, { type: 'command' }>['command'],
  ): Promise<void> {
    const entry = this.#entry(document);
    switch (command) {
      case 'openAsText':
        await vscode.commands.executeCommand('vscode.openWith', document.uri, 'default');
        return;
      case 'showDifference':
        await vscode.commands.executeCommand('sandboxAgent.showPolicyDifference', entry && { entry });
        return;
      case 'approve':
        await vscode.commands.executeCommand('sandboxAgent.approvePolicy', entry && { entry });
        return;
      case 'putBack':
        await vscode.commands.executeCommand('sandboxAgent.rejectPolicy', entry && { entry });
    }
  }
}

function apply(text: string, message: Exclude<FromPolicyEditor, { type: 'ready' | 'command' }>): EditResult {
  switch (message.type) {
    case 'add':
      return addRule(text, message.rule, { at: message.at });
    case 'update':
      return updateRule(text, message.index, message.rule);
    case 'remove':
      return removeRule(text, message.index);
    case 'move':
      return moveRule(text, message.from, message.to);
    case 'mode':
      return setMode(text, message.mode);
    case 'default':
      return setDefault(text, message.action);
  }
}

function toRow({ type, description, match, addresses }: Rule): NonNullable<EditorModel['policy']>['rules'][number] {
  return { type, description, host: match.host, port: match.port, method: match.method, path: match.path, addresses };
}

function page(webview: vscode.Webview, script: vscode.Uri, style: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${webview.asWebviewUri(style).toString()}">
<title>Policy</title>
</head>
<body><main id="root"></main><script nonce="${nonce}" src="${webview.asWebviewUri(script).toString()}"></script></body>
</html>`;
}

// The policy editor: a custom editor on the YAML document. Undo, save and difference are the document's; edits are splices of
// the text. What the user does in the panel is a command of ours: the text is saved and approved in one step. It must never
// approve a text that somebody else had a hand in.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import {
  addRule,
  type EditResult,
  moveRule,
  removeRule,
  setDefault,
  setMode,
  updateRule,
} from '../../core/policy/edit';
import { lintPolicy } from '../../core/policy/lint';
import { parsePolicy } from '../../core/policy/parse';
import { newRuleOf, samePolicy, sameRule } from '../../core/policy/ruleText';
import type {
  EditorModel,
  FromPolicyEditor,
  PolicyEdit,
  PolicyEditorCommand,
  ToPolicyEditor,
} from '../../protocol/policyEditorMessages';
import { folderArgument } from '../commands/command';
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
    // While an edit is under way the document is unsaved, then unapproved: nothing that a user should see.
    let underWay = 0;
    const show = (answer?: ToPolicyEditor['answer']) => {
      if (underWay > 0) return;
      const message: ToPolicyEditor = { type: 'model', model: this.#model(document), answer };
      void webview.postMessage(message);
    };
    let queue = Promise.resolve();
    const subscription = this.sessions.onDidChange(() => show());
    const disposables = [
      webview.onDidReceiveMessage((message: FromPolicyEditor) => {
        if (message.type === 'ready') show();
        else if (message.type === 'command') void this.#command(document, message);
        // One after the other: an edit is made against the text that the one before left.
        else
          queue = queue.then(async () => {
            underWay++;
            const refusal = await this.#edit(document, message).catch((error: unknown) =>
              error instanceof Error ? error.message : String(error),
            );
            underWay--;
            show(refusal === undefined ? { ok: true } : { ok: false, message: refusal });
          });
      }),
      vscode.workspace.onDidChangeTextDocument((event) => event.document === document && show()),
      vscode.workspace.onDidSaveTextDocument((saved) => saved === document && show()),
      { dispose: () => subscription.dispose() },
    ];
    panel.onDidDispose(() => {
      for (const disposable of disposables) disposable.dispose();
    });
    webview.html = page(
      webview,
      vscode.Uri.joinPath(dist, 'policyEditor.js'),
      vscode.Uri.joinPath(media, 'policyEditor.css'),
    );
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
    const findings = (policy ? lintPolicy(policy, []) : []).map(({ severity, message, range }) => {
      const { line, character } = document.positionAt(range.start);
      return { severity, message, line: line + 1, column: character + 1 };
    });
    return {
      policy: policy && { mode: policy.mode, default: policy.default, rules: policy.rules.map(newRuleOf) },
      problems: [
        ...problems.map(({ severity, message, line, column }) => ({ severity, message, line, column })),
        ...findings,
      ],
      approval: !entry ? 'foreign' : text === approved ? 'approved' : document.isDirty ? 'unsaved' : 'waiting',
      hosts: [...new Set(entry?.flows.flows.map(({ host }) => host) ?? [])].sort(),
    };
  }

  /** Makes an edit, saves it and approves it. Returns why not, in words for the user. */
  async #edit(document: vscode.TextDocument, message: PolicyEdit): Promise<string | undefined> {
    const entry = this.#entry(document);
    const before = document.getText();
    if (!entry) return vscode.l10n.t('This is not the policy of an open folder: edit it as text.');
    const { policy: control } = entry.session;
    // Only on top of what is in force: approving a row must never approve a stranger's change with it.
    if (control.state.approvedText !== before)
      return vscode.l10n.t(
        'This text is not the approved one. Approve it, or put the approved text back, before you edit rows.',
      );
    if ('expected' in message) {
      const rule = control.state.policy.rules[message.index];
      if (!rule || !sameRule(newRuleOf(rule), message.expected))
        return vscode.l10n.t('The rules changed meanwhile: look at them again.');
    }
    const result = apply(before, message);
    if (!result.ok) return result.error.message;
    const { splice, text } = result.value;
    if (text === before) return undefined;
    const range = new vscode.Range(document.positionAt(splice.start), document.positionAt(splice.end));
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, range, splice.text);
    if (!(await vscode.workspace.applyEdit(edit)) || document.getText() !== text)
      return vscode.l10n.t('The editor did not take the change.');
    if (!(await document.save()))
      return vscode.l10n.t('The policy could not be saved, so the change is not in force. The file may have changed.');
    // Formatters may have a say when a file is saved; what they leave is approved if it says the same.
    const saved = document.getText();
    const read = parsePolicy(saved).policy;
    if (saved !== text && !(read && samePolicy(read, parsePolicy(text).policy!)))
      return vscode.l10n.t('The text changed while it was saved: look at the difference and approve it.');
    await control.approve(saved);
    return undefined;
  }

  async #command(document: vscode.TextDocument, message: PolicyEditorCommand): Promise<void> {
    const entry = this.#entry(document);
    const about = entry && folderArgument(entry, document.getText());
    switch (message.command) {
      case 'openAsText': {
        const at = message.at && new vscode.Position(message.at.line - 1, message.at.column - 1);
        const options = at ? { selection: new vscode.Range(at, at) } : {};
        await vscode.commands.executeCommand('vscode.openWith', document.uri, 'default', options);
        return;
      }
      case 'showDifference':
        await vscode.commands.executeCommand('sandboxAgent.showPolicyDifference', about);
        return;
      case 'approve':
        await vscode.commands.executeCommand('sandboxAgent.approvePolicy', about);
        return;
      case 'putBack':
        await vscode.commands.executeCommand('sandboxAgent.rejectPolicy', about);
    }
  }
}

function apply(text: string, message: PolicyEdit): EditResult {
  switch (message.type) {
    case 'add':
      return addRule(text, message.rule, { at: message.at });
    case 'update':
      return updateRule(text, message.index, message.rule);
    case 'remove':
      return removeRule(text, message.index);
    case 'move':
      return moveRule(text, message.index, message.to);
    case 'mode':
      return setMode(text, message.mode);
    case 'default':
      return setDefault(text, message.action);
  }
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

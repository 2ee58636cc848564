// The lightbulb on a URL or host name in any file: block it.
import * as vscode from 'vscode';
import { findHosts } from '../../core/policy/findHosts';
import type { Sessions } from '../sessions';

export function registerHostQuickFix(sessions: Sessions): vscode.Disposable {
  return vscode.languages.registerCodeActionsProvider(
    [{ scheme: 'file' }, { scheme: 'untitled' }],
    { provideCodeActions: (document, range) => actions(sessions, document, range) },
    { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
  );
}

function actions(sessions: Sessions, document: vscode.TextDocument, range: vscode.Range): vscode.CodeAction[] {
  if (!sessions.of(document.uri) && sessions.all.length === 0) return [];
  const line = document.lineAt(range.start.line);
  const hosts = findHosts(line.text.slice(0, 10_000)).filter(
    ({ start, end }) =>
      range.start.character <= end && (range.end.line > range.start.line || range.end.character >= start),
  );
  return [...new Set(hosts.map(({ host }) => host))].map((host) => {
    const action = new vscode.CodeAction(
      vscode.l10n.t('Quick fix: Block host {0}', host),
      vscode.CodeActionKind.QuickFix,
    );
    action.command = {
      command: 'sandboxAgent.blockHost',
      title: action.title,
      arguments: [host, document.uri.toString()],
    };
    return action;
  });
}

// Diagnostics of the policy file: errors and warnings at their line and column, a change that waits, and hosts that were seen
// and that no rule speaks of, each with its quick fix.
import * as vscode from 'vscode';
import { lintPolicy } from '../../core/policy/lint';
import { parsePolicy } from '../../core/policy/parse';
import type { Severity } from '../../core/policy/types';
import type { FolderEntry, Sessions } from '../sessions';

const SOURCE = 'Sandbox Agent';
const WAIT_MS = 300;
const SEVERITY: Readonly<Record<Severity, vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
};

/** Carries the host of `unused-host` to the quick fix. */
class HostDiagnostic extends vscode.Diagnostic {
  constructor(
    range: vscode.Range,
    message: string,
    readonly host: string,
  ) {
    super(range, message, vscode.DiagnosticSeverity.Information);
  }
}

export function registerPolicyDiagnostics(sessions: Sessions): vscode.Disposable {
  const collection = vscode.languages.createDiagnosticCollection('sandboxAgent');
  let timer: NodeJS.Timeout | undefined;
  const update = async () => {
    timer = undefined;
    for (const entry of sessions.all) if (entry.failure === undefined) await check(entry, collection);
  };
  const soon = () => (timer ??= setTimeout(() => void update(), WAIT_MS));
  const watched = new WeakSet();
  const watch = () => {
    for (const { flows } of sessions.all) {
      if (watched.has(flows)) continue;
      watched.add(flows);
      flows.onDidChange(() => void soon());
    }
    soon();
  };
  const subscription = sessions.onDidChange(watch);
  watch();
  return vscode.Disposable.from(
    collection,
    { dispose: () => subscription.dispose() },
    { dispose: () => clearTimeout(timer) },
    vscode.workspace.onDidChangeTextDocument(({ document }) => isPolicy(sessions, document.uri) && soon()),
    vscode.workspace.onDidOpenTextDocument((document) => isPolicy(sessions, document.uri) && soon()),
    vscode.languages.registerCodeActionsProvider(
      { scheme: 'file', pattern: '**/policy.yaml' },
      { provideCodeActions: (document, _, context) => fixes(document, context) },
      { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
    ),
  );
}

const isPolicy = (sessions: Sessions, uri: vscode.Uri) =>
  sessions.all.some(({ session, failure }) => failure === undefined && session.policy.state.file === uri.fsPath);

async function check(entry: FolderEntry, collection: vscode.DiagnosticCollection): Promise<void> {
  const { state } = entry.session.policy;
  const uri = vscode.Uri.file(state.file);
  let document: vscode.TextDocument;
  try {
    document = await vscode.workspace.openTextDocument(uri);
  } catch {
    collection.delete(uri); // no file yet
    return;
  }
  const text = document.getText();
  const { policy, problems } = parsePolicy(text);
  const rangeOf = ({ start, end }: { readonly start: number; readonly end: number }) =>
    new vscode.Range(document.positionAt(start), document.positionAt(end));
  const diagnostics = problems.map(({ severity, code, message, range }) =>
    make(new vscode.Diagnostic(rangeOf(range), message, SEVERITY[severity]), code),
  );
  for (const { severity, code, message, range, host } of policy ? lintPolicy(policy, unruledHosts(entry)) : []) {
    diagnostics.push(
      make(
        host === undefined
          ? new vscode.Diagnostic(rangeOf(range), message, SEVERITY[severity])
          : new HostDiagnostic(document.lineAt(0).range, message, host),
        code,
      ),
    );
  }
  if (text === state.pending?.text) {
    diagnostics.push(
      make(
        new vscode.Diagnostic(
          document.lineAt(0).range,
          vscode.l10n.t('This text waits for your approval; the approved text is in force.'),
          vscode.DiagnosticSeverity.Warning,
        ),
        'pending',
      ),
    );
  }
  collection.set(uri, diagnostics);
}

function make(diagnostic: vscode.Diagnostic, code: string): vscode.Diagnostic {
  diagnostic.source = SOURCE;
  diagnostic.code = code;
  return diagnostic;
}

/** Hosts of recorded requests that no rule decided. */
function unruledHosts({ flows }: FolderEntry): string[] {
  return [
    ...new Set(
      flows.flows
        .filter(({ kind, decision }) => kind === 'request' && decision?.rule === undefined)
        .map(({ host }) => host),
    ),
  ];
}

function fixes(document: vscode.TextDocument, context: vscode.CodeActionContext): vscode.CodeAction[] {
  return context.diagnostics.flatMap((diagnostic) => {
    if (diagnostic.source !== SOURCE) return [];
    // The editor hands back copies: what a copy lost is in the message.
    const host =
      diagnostic instanceof HostDiagnostic
        ? diagnostic.host
        : diagnostic.code === 'unused-host'
          ? diagnostic.message.split(' ')[0]
          : undefined;
    if (host !== undefined)
      return [
        fix(vscode.l10n.t('Quick fix: Block host {0}', host), 'blockHost', diagnostic, [host, document.uri.toString()]),
      ];
    if (diagnostic.code !== 'pending') return [];
    return [
      fix(vscode.l10n.t('Show the difference'), 'showPolicyDifference', diagnostic),
      fix(vscode.l10n.t('Approve this text'), 'approvePolicy', diagnostic),
      fix(vscode.l10n.t('Put the approved text back'), 'rejectPolicy', diagnostic),
    ];
  });
}

function fix(title: string, command: string, diagnostic: vscode.Diagnostic, args: unknown[] = []): vscode.CodeAction {
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.command = { command: `sandboxAgent.${command}`, title, arguments: args };
  action.diagnostics = [diagnostic];
  return action;
}

// Diagnostics of the policy file: errors and warnings at their line and column, a change that waits, and hosts that were seen
// and that no rule speaks of, each with its quick fix. Every fix is a command of ours; none edits the text behind the user.
import * as vscode from 'vscode';
import type { Flow } from '../../core/flows/flow';
import { type LintFinding, lintPolicy } from '../../core/policy/lint';
import { parsePolicy } from '../../core/policy/parse';
import { pathOf } from '../../core/policy/paths';
import type { PolicyRequest, Severity, TextRange } from '../../core/policy/types';
import { folderArgument } from '../commands/command';
import type { FolderEntry, Sessions } from '../sessions';

const SOURCE = 'Sandbox Agent';
const WAIT_MS = 300;
/** A list that nobody reads to its end is a wall. */
const MAX_HOSTS = 20;
const MAX_FIXES = 3;
const SEVERITY: Readonly<Record<Severity, vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
};

export function registerPolicyDiagnostics(sessions: Sessions): vscode.Disposable {
  const diagnostics = new PolicyDiagnostics(sessions);
  return vscode.Disposable.from(
    diagnostics,
    vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, diagnostics, {
      providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
    }),
  );
}

class PolicyDiagnostics implements vscode.Disposable, vscode.CodeActionProvider {
  readonly #collection = vscode.languages.createDiagnosticCollection('sandboxAgent');
  readonly #watched = new WeakSet<FolderEntry>();
  /** What the diagnostics of a folder were made from, to make none twice. */
  readonly #made = new Map<FolderEntry, string>();
  readonly #disposables: readonly { dispose(): unknown }[];
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly sessions: Sessions) {
    const subscription = sessions.onDidChange(() => this.#watch());
    this.#disposables = [
      this.#collection,
      { dispose: () => subscription.dispose() },
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (this.#entryOf(document.uri)) this.#soon();
      }),
      vscode.workspace.onDidOpenTextDocument((document) => {
        if (this.#entryOf(document.uri)) this.#soon();
      }),
    ];
    this.#watch();
  }

  provideCodeActions(
    document: vscode.TextDocument,
    _: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const entry = this.#entryOf(document.uri);
    if (!entry) return [];
    return diagnostics.filter(({ source }) => source === SOURCE).flatMap((one) => fixes(entry, document, one));
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #entryOf(uri: vscode.Uri): FolderEntry | undefined {
    return this.sessions.all.find(
      ({ session, failure }) => failure === undefined && session.policy.state.file === uri.fsPath,
    );
  }

  #watch(): void {
    for (const entry of this.sessions.all) {
      if (this.#watched.has(entry)) continue;
      this.#watched.add(entry);
      entry.flows.onDidChange(() => this.#soon());
    }
    for (const entry of this.#made.keys()) {
      if (this.sessions.all.includes(entry)) continue;
      this.#made.delete(entry);
      this.#collection.delete(vscode.Uri.file(entry.session.policy.state.file));
    }
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const entry of this.sessions.all) if (entry.failure === undefined) void this.#check(entry);
    }, WAIT_MS);
  }

  async #check(entry: FolderEntry): Promise<void> {
    const { state } = entry.session.policy;
    const uri = vscode.Uri.file(state.file);
    const document = await vscode.workspace.openTextDocument(uri).then(
      (opened) => opened,
      () => undefined, // no file yet
    );
    const text = document?.getText();
    const hosts = unruled(entry.flows.flows).map(({ host }) => host);
    const pending = text !== undefined && text === entry.session.policy.state.pending?.text;
    const from = JSON.stringify([text, pending, hosts]);
    if (this.#made.get(entry) === from) return;
    this.#made.set(entry, from);
    if (document) this.#collection.set(uri, diagnose(document, hosts, pending));
    else this.#collection.delete(uri);
  }
}

function diagnose(document: vscode.TextDocument, hosts: readonly string[], pending: boolean): vscode.Diagnostic[] {
  const top = document.lineAt(0).range;
  const make = (severity: Severity, code: string, message: string, range: TextRange | undefined) => {
    const at = range ? new vscode.Range(document.positionAt(range.start), document.positionAt(range.end)) : top;
    const diagnostic = new vscode.Diagnostic(at, message, SEVERITY[severity]);
    diagnostic.source = SOURCE;
    diagnostic.code = code;
    return diagnostic;
  };
  const { policy, problems } = parsePolicy(document.getText());
  const findings: readonly LintFinding[] = policy ? lintPolicy(policy, hosts) : [];
  const waiting = vscode.l10n.t('This text waits for your approval; the approved text is in force.');
  return [
    ...(pending ? [make('warning', 'pending', waiting, undefined)] : []),
    ...problems.map(({ severity, code, message, range }) => make(severity, code, message, range)),
    ...findings.map(({ severity, code, message, range, host }) =>
      make(severity, code, message, host === undefined ? range : undefined),
    ),
  ];
}

/** Hosts of recorded requests that no rule decided, the newest last, each with its newest different requests. */
function unruled(flows: readonly Flow[]): { readonly host: string; readonly requests: readonly PolicyRequest[] }[] {
  const found = new Map<string, Map<string, PolicyRequest>>();
  for (const { kind, decision, scheme, host, port, method, path, agent } of flows) {
    if (kind !== 'request' || decision?.rule !== undefined) continue;
    const requests = found.get(host) ?? new Map<string, PolicyRequest>();
    const key = `${method} ${port} ${pathOf(path)}`;
    requests.delete(key);
    requests.set(key, { scheme, host, port, method, path, agent });
    found.set(host, requests);
  }
  return [...found]
    .slice(-MAX_HOSTS)
    .map(([host, requests]) => ({ host, requests: [...requests.values()].slice(-MAX_FIXES).reverse() }));
}

function fixes(entry: FolderEntry, document: vscode.TextDocument, diagnostic: vscode.Diagnostic): vscode.CodeAction[] {
  const folder = document.uri.toString();
  const fix = (title: string, command: string, ...args: readonly unknown[]) => {
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.command = { command: `sandboxAgent.${command}`, title, arguments: [...args] };
    action.diagnostics = [diagnostic];
    return action;
  };
  if (diagnostic.code === 'pending') {
    // Arguments of code actions can be read by whoever asks for them: names and text, no sessions.
    const about = folderArgument(entry, document.getText());
    return [
      fix(vscode.l10n.t('Show the difference'), 'showPolicyDifference', about),
      fix(vscode.l10n.t('Approve this text'), 'approvePolicy', about),
      fix(vscode.l10n.t('Put the approved text back'), 'rejectPolicy', about),
    ];
  }
  if (diagnostic.code !== 'unused-host') return [];
  // The editor hands back copies of diagnostics: the host is found again by the message that it begins.
  const seen = unruled(entry.flows.flows).find(({ host }) => diagnostic.message.startsWith(`${host} `));
  if (!seen) return [];
  return [
    fix(vscode.l10n.t('Quick fix: Block host {0}', seen.host), 'blockHost', seen.host, folder),
    ...seen.requests.map((request) =>
      fix(
        vscode.l10n.t('Quick fix: Allow narrowly: {0} {1}{2}', request.method, request.host, pathOf(request.path)),
        'allowRequest',
        folder,
        request,
      ),
    ),
  ];
}

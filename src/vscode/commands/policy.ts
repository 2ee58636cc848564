// The policy: open it, and decide about a change that nobody of us made.
import * as vscode from 'vscode';
import { approvedUri } from '../documents/readOnly';
import type { FolderEntry } from '../sessions';
import { type Command, type Deps, entryOf } from './command';

export const openPolicy: Command = async ({ sessions }) => {
  const entry = await sessions.pick();
  if (!entry || entry.failure !== undefined) return;
  await entry.session.policy.ensureFile();
  await vscode.commands.executeCommand(
    'vscode.openWith',
    vscode.Uri.file(entry.session.policy.state.file),
    'sandboxAgent.policyEditor',
  );
};

async function pending({ sessions }: Deps, argument: unknown): Promise<FolderEntry | undefined> {
  const waiting = sessions.all.filter(
    ({ session, failure }) => failure === undefined && session.policy.state.pending !== undefined,
  );
  return entryOf(argument) ?? (waiting.length === 1 ? waiting[0] : sessions.pick());
}

export const showPolicyDifference: Command = async (deps, argument) => {
  const entry = await pending(deps, argument);
  if (!entry) return;
  await vscode.commands.executeCommand(
    'vscode.diff',
    approvedUri(entry),
    vscode.Uri.file(entry.session.policy.state.file),
    vscode.l10n.t('Policy: in force ↔ waiting for approval'),
  );
};

export const approvePolicy: Command = async (deps, argument) => {
  const entry = await pending(deps, argument);
  const text = entry?.session.policy.state.pending?.text;
  if (!entry || text === undefined) return;
  const problems = await entry.session.policy.approve(text);
  const error = problems.find(({ severity }) => severity === 'error');
  if (error)
    void vscode.window.showErrorMessage(
      vscode.l10n.t('The policy was not approved: line {0}: {1}', error.line, error.message),
    );
};

export const rejectPolicy: Command = async (deps, argument) => {
  const entry = await pending(deps, argument);
  await entry?.session.policy.reject();
};

/** Tells once about each text that waits; the difference is what the user decides on. */
export function announcePending(deps: Deps): vscode.Disposable {
  const told = new Set<string>();
  const subscription = deps.sessions.onDidChange(() => {
    for (const entry of deps.sessions.all) {
      const waiting = entry.failure === undefined ? entry.session.policy.state.pending : undefined;
      if (!waiting || told.has(waiting.text)) continue;
      told.add(waiting.text);
      if (!waiting.valid) continue; // the diagnostics and the view say it; nothing to approve
      const show = vscode.l10n.t('Show Difference');
      const approve = vscode.l10n.t('Approve');
      const back = vscode.l10n.t('Put Back');
      void vscode.window
        .showWarningMessage(
          vscode.l10n.t(
            'The policy of {0} was changed, and not by a command of yours. The approved text stays in force until you decide.',
            entry.workspaceFolder.name,
          ),
          show,
          approve,
          back,
        )
        .then((action) => {
          if (action === show) return showPolicyDifference(deps, { entry });
          if (action === approve) return approveExactly(entry, waiting.text);
          return action === back ? rejectPolicy(deps, { entry }) : undefined;
        });
    }
  });
  return new vscode.Disposable(() => subscription.dispose());
}

/** What was asked about, even if the file changed again while the question stood. */
async function approveExactly({ session }: FolderEntry, text: string): Promise<void> {
  await session.policy.approve(text);
}

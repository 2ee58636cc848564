// The policy: open it, and decide about a change that nobody of us made. What is approved is exactly the text that was shown,
// whatever the file holds by then; it must never be approved unseen.
import * as vscode from 'vscode';
import { parsePolicy } from '../../core/policy/parse';
import type { Policy } from '../../core/policy/types';
import { approvedUri, pendingUri } from '../documents/readOnly';
import type { FolderEntry } from '../sessions';
import { type Command, type Deps, entryOf, type FolderArgument, folderArgument, isTest } from './command';

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
  await sessions.ready;
  // The editor may know of a change before our own watcher does: what counts is what the file holds now.
  for (const { session, failure } of sessions.all) if (failure === undefined) await session.policy.refresh();
  const waiting = sessions.all.filter(
    ({ session, failure }) => failure === undefined && session.policy.state.pending !== undefined,
  );
  const named = entryOf(sessions, argument);
  const entry = named ?? (waiting.length === 1 ? waiting[0] : await sessions.pick());
  if (!entry || waiting.includes(entry)) return entry;
  void vscode.window.showInformationMessage(
    vscode.l10n.t('No policy change waits in {0}: the file holds what is in force.', entry.workspaceFolder.name),
  );
  return undefined;
}

/** Between two texts that stay as they are, also when the file changes while the user looks. */
async function showDifference(entry: FolderEntry, text: string): Promise<void> {
  await vscode.commands.executeCommand(
    'vscode.diff',
    approvedUri(entry),
    pendingUri(entry, text),
    vscode.l10n.t('Policy: in force ↔ waiting for approval'),
    { preview: true },
  );
}

/** A difference that was decided shows two equal texts. */
async function closeDifferences(entry: FolderEntry): Promise<void> {
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(
      ({ input }) =>
        input instanceof vscode.TabInputTextDiff && input.original.toString() === approvedUri(entry).toString(),
    );
  await vscode.window.tabGroups.close(tabs);
}

export const showPolicyDifference: Command = async (deps, argument) => {
  const entry = await pending(deps, argument);
  const text = entry?.session.policy.state.pending?.text;
  if (entry && text !== undefined) await showDifference(entry, text);
};

/** Argument: the folder, and the text that the user saw where the button was. `unattended` answers in a test. */
export const approvePolicy: Command = async (deps, argument) => {
  const entry = await pending(deps, argument);
  const waiting = entry?.session.policy.state.pending;
  if (!entry || !waiting) return;
  const { text } = waiting;
  const error = waiting.problems.find(({ severity }) => severity === 'error');
  if (!waiting.valid) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t(
        'The policy was not approved, the approved text stays in force: line {0}: {1} Repair the file, or put the approved text back.',
        error?.line ?? 1,
        error?.message ?? '',
      ),
    );
    return;
  }
  const { text: seen, unattended } = (argument ?? {}) as Partial<FolderArgument> & { readonly unattended?: unknown };
  if (unattended !== true || !isTest(deps.context)) {
    if (typeof seen === 'string' && seen !== text) {
      await showDifference(entry, text);
      void vscode.window.showWarningMessage(
        vscode.l10n.t(
          'The policy file changed after you looked at it, so nothing was approved. This is the difference now: approve it if you want it.',
        ),
      );
      return;
    }
    await showDifference(entry, text);
    if (!(await confirmed(entry, text))) return;
  }
  await entry.session.policy.approve(text);
  await closeDifferences(entry);
};

async function confirmed({ workspaceFolder, session }: FolderEntry, text: string): Promise<boolean> {
  const approve = vscode.l10n.t('Approve');
  const next = parsePolicy(text).policy;
  const detail = [
    ...(next ? [summary(session.policy.state.policy, next)] : []),
    vscode.l10n.t('The text on the right becomes the policy in force, for the next request on.'),
  ].join('\n\n');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Approve the policy change of {0} that is shown?', workspaceFolder.name),
    { modal: true, detail },
    approve,
  );
  return answer === approve;
}

/** What a person should see first of a difference: what opens or closes everything. */
function summary(before: Policy, after: Policy): string {
  const count = ({ rules }: Policy) => vscode.l10n.t('{0} rules', rules.length);
  const said = (policy: Policy) =>
    [vscode.l10n.t('mode {0}', policy.mode), vscode.l10n.t('default {0}', policy.default), count(policy)].join(', ');
  return vscode.l10n.t('In force: {0}. Shown: {1}.', said(before), said(after));
}

export const rejectPolicy: Command = async (deps, argument) => {
  const entry = await pending(deps, argument);
  if (!entry) return;
  await entry.session.policy.reject();
  await closeDifferences(entry);
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
      const approve = vscode.l10n.t('Approve…');
      const back = vscode.l10n.t('Put Back');
      const about = folderArgument(entry, waiting.text);
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
          if (action === show) return showPolicyDifference(deps, about);
          if (action === approve) return approvePolicy(deps, about);
          return action === back ? rejectPolicy(deps, about) : undefined;
        });
    }
  });
  return new vscode.Disposable(() => subscription.dispose());
}

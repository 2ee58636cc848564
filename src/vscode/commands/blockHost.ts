// Block Host: from a flow, a host, a lightbulb, or typed. The rule is first in the policy, approved by being our own edit, and
// counts for the next request.
import * as vscode from 'vscode';
import { canonicalHost, splitAuthority } from '../../core/base/host';
import { addRule, removeRule } from '../../core/policy/edit';
import { blockHostRule, blockedAlready } from '../../core/policy/suggest';
import type { FolderEntry } from '../sessions';
import type { FlowNode, HostNode } from '../views/flowNodes';
import type { Command } from './command';
import { writePolicy } from './writePolicy';

/** Argument: a tree node, or the host as text with the folder's URI behind it; nothing: ask. */
export const blockHost: Command = async ({ sessions }, argument, folder) => {
  const node = typeof argument === 'object' && argument !== null ? (argument as FlowNode | HostNode) : undefined;
  const named = node
    ? node.kind === 'flow'
      ? node.flow.host
      : node.group.host
    : typeof argument === 'string'
      ? argument
      : await ask();
  if (named === undefined || named === '') return;
  const entry = node?.entry ?? (await sessions.pick(typeof folder === 'string' ? vscode.Uri.parse(folder) : undefined));
  if (!entry || entry.failure !== undefined) return;
  const host = canonical(named);
  if (host === undefined) {
    void vscode.window.showErrorMessage(vscode.l10n.t('"{0}" is not a host.', named));
    return;
  }
  await block(entry, host);
};

async function block({ session }: FolderEntry, host: string): Promise<void> {
  const { policy } = session;
  await policy.ensureFile();
  if (policy.state.pending) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t(
        'The policy file holds a change that waits for you. Approve it or put the approved text back first; then block {0}.',
        host,
      ),
    );
    return;
  }
  if (blockedAlready(policy.state.policy, host) !== undefined) {
    void vscode.window.showInformationMessage(vscode.l10n.t('{0} is blocked already.', host));
    return;
  }
  const before = policy.state.approvedText;
  const edited = addRule(before, blockHostRule(host), { at: 0 });
  if (!edited.ok) {
    void vscode.window.showErrorMessage(vscode.l10n.t('The policy could not be changed: {0}', edited.error.message));
    return;
  }
  if (!(await writePolicy(policy, edited.value.text))) return;
  const undo = vscode.l10n.t('Undo');
  void vscode.window
    .showInformationMessage(
      vscode.l10n.t('{0} is blocked. The next request to it gets a 403 that says why.', host),
      undo,
    )
    .then(async (action) => {
      if (action !== undo) return;
      const { approvedText } = policy.state;
      const index = blockedAlready(policy.state.policy, host);
      const back =
        approvedText === edited.value.text
          ? before
          : index === undefined
            ? undefined
            : textOf(removeRule(approvedText, index));
      if (back !== undefined) await writePolicy(policy, back);
    });
}

const textOf = (result: ReturnType<typeof removeRule>) => (result.ok ? result.value.text : undefined);

function canonical(text: string): string | undefined {
  const split = splitAuthority(
    text
      .trim()
      .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
      .replace(/[/?#].*$/s, ''),
  );
  const host = split.ok ? canonicalHost(split.value.host) : undefined;
  return host?.ok ? host.value.host : undefined;
}

function ask(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: vscode.l10n.t('Block Host'),
    prompt: vscode.l10n.t('A host name, an address, or a URL'),
    validateInput: (text) =>
      text === '' || canonical(text) !== undefined ? undefined : vscode.l10n.t('This is not a host.'),
  });
}

// Allow Narrowly: the narrowest rule that one recorded request needs, at the end of the policy. It widens what an agent may
// do, and commands can be called by other extensions, so a person confirms it each time.
import * as vscode from 'vscode';
import { addRule } from '../../core/policy/edit';
import { evaluate } from '../../core/policy/evaluate';
import { describe } from '../../core/policy/explain';
import { allowRule } from '../../core/policy/suggest';
import type { PolicyRequest } from '../../core/policy/types';
import type { Command } from './command';
import { writePolicy } from './writePolicy';

/** Arguments: the URI of the folder as text, and the request. */
export const allowRequest: Command = async ({ sessions }, folder, argument) => {
  const request = argument as PolicyRequest | undefined;
  if (typeof folder !== 'string' || typeof request?.host !== 'string') return;
  const entry = await sessions.pick(vscode.Uri.parse(folder));
  if (!entry || entry.failure !== undefined) return;
  const { policy } = entry.session;
  if (policy.state.pending) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t(
        'The policy file holds a change that waits for you. Approve it or put the approved text back first.',
      ),
    );
    return;
  }
  const what = describe(request);
  const decision = evaluate(policy.state.policy, request);
  if (decision.rule !== undefined) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('A rule speaks of this request already: {0}', decision.reason),
    );
    return;
  }
  const allow = vscode.l10n.t('Allow');
  const detail = vscode.l10n.t(
    'A rule for exactly this host, method and path is added to the policy and counts at once.',
  );
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Allow {0}?', what),
    { modal: true, detail },
    allow,
  );
  if (answer !== allow) return;
  const edited = addRule(policy.state.approvedText, allowRule(request));
  if (!edited.ok) {
    void vscode.window.showErrorMessage(vscode.l10n.t('The policy could not be changed: {0}', edited.error.message));
    return;
  }
  await writePolicy(policy, edited.value.text);
};

// Our own edits of the policy. One that was not written is never reported as done.
import * as vscode from 'vscode';
import type { PolicyControl } from '../../host/api';

/** Whether the text is in the file and in force. Otherwise the person was told why not. Rejects with `FileError`. */
export async function writePolicy(policy: PolicyControl, text: string): Promise<boolean> {
  const problem = (await policy.write(text)).find(({ severity }) => severity === 'error');
  if (problem) {
    void vscode.window.showErrorMessage(vscode.l10n.t('The policy could not be changed: {0}', problem.message));
  }
  return problem === undefined;
}

// Restore Real Values: every byte back, and the proxy stopped if the user wants that too.
import * as vscode from 'vscode';
import type { RestoreReport } from '../../host/api';
import { saveFiles } from '../documents/envDocuments';
import { type Command, isTest } from './command';

/** `{ unattended: true }` answers the question in a test. */
export const restore: Command = async ({ sessions, log, context }, argument) => {
  const entry = await sessions.pick();
  if (!entry || entry.failure !== undefined) return undefined;
  const unattended = isTest(context) && (argument as { unattended?: boolean } | undefined)?.unattended === true;
  if (!unattended) {
    const yes = vscode.l10n.t('Restore');
    const detail = vscode.l10n.t(
      'The real values go back into the files, where agents can read them. The proxy goes on running if it does.',
    );
    if (
      (await vscode.window.showWarningMessage(
        vscode.l10n.t('Restore the real values of {0}?', entry.workspaceFolder.name),
        { modal: true, detail },
        yes,
      )) !== yes
    )
      return undefined;
  }
  const report = await entry.session.restore();
  await sessions.update(entry);
  for (const { file, reason } of report.failed) log.error(`${file} was not restored: ${reason}`);
  if (unattended) return report;
  if (report.unsaved.length > 0) {
    const save = vscode.l10n.t('Save and Restore');
    const question = vscode.l10n.t(
      '{0} has unsaved changes: its real values are back in the editor, and the file holds dummies until you save it. The vault keeps the values.',
      report.unsaved.join(', '),
    );
    void vscode.window.showWarningMessage(question, save).then(async (action) => {
      if (action !== save) return;
      await saveFiles(entry, report.unsaved);
      await vscode.commands.executeCommand('sandboxAgent.restore');
    });
    return report;
  }
  const count = report.restored.length + report.merged.length;
  if (report.failed.length > 0)
    void vscode.window
      .showErrorMessage(
        vscode.l10n.t(
          'Not everything could be restored; what is missing stays in the vault. {0}',
          named(report.failed),
        ),
        vscode.l10n.t('Show Log'),
      )
      .then((action) => action && log.show());
  else
    void vscode.window.showInformationMessage(
      count === 0
        ? vscode.l10n.t('Nothing was swapped.')
        : count === 1
          ? vscode.l10n.t('1 file holds its real values again.')
          : vscode.l10n.t('{0} files hold their real values again.', count),
    );
  return report;
};

/** A message has room for a few; the log names all. The reasons hold no value. */
function named(failed: RestoreReport['failed']): string {
  const shown = failed.slice(0, 3).map(({ file, reason }) => `${file}: ${reason}`);
  const more = failed.length - shown.length;
  return [...shown, ...(more > 0 ? [vscode.l10n.t('And {0} more.', more)] : [])].join(' ');
}

// Restore for a While, for programs that read the env files themselves (compose, deploy tools): the real values go into the files
// and the dummies come back by the user's word, by the clock, or when the window closes.
import * as vscode from 'vscode';
import { settings } from '../context';
import { type Command, isTest } from './command';

/** `{ unattended: true }` answers the question in a test. */
export const restoreForAWhile: Command = async ({ sessions, log, context }, argument) => {
  const entry = await sessions.pick();
  if (!entry || entry.failure !== undefined) return undefined;
  const minutes = settings.restoreMinutes();
  const unattended = isTest(context) && (argument as { unattended?: boolean } | undefined)?.unattended === true;
  if (!unattended) {
    const yes = vscode.l10n.t('Restore for {0} Minutes', minutes);
    const detail = vscode.l10n.t(
      'The real values go into the files, where agents can read them too, for programs that read the files themselves. The dummies come back after {0} minutes, when you click on the clock in the status bar, or when this window closes.',
      minutes,
    );
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('Put the real values of {0} into its files for a while?', entry.workspaceFolder.name),
      { modal: true, detail },
      yes,
    );
    if (answer !== yes) return undefined;
  }
  const report = await entry.session.lend(minutes);
  await sessions.update(entry);
  for (const { file, reason } of report.failed) log.error(`${file} was not restored: ${reason}`);
  if (entry.session.loan === undefined)
    void vscode.window.showInformationMessage(vscode.l10n.t('No file holds a dummy: nothing was changed.'));
  else if (report.failed.length > 0)
    void vscode.window
      .showWarningMessage(
        vscode.l10n.t('Not every file has its real values: {0}', report.failed.map(({ file }) => file).join(', ')),
        vscode.l10n.t('Show Log'),
      )
      .then((action) => action && log.show());
  return report;
};

/** Of the folder that has them lent; where another program did, that is said. */
export const putDummiesBack: Command = async ({ sessions, log }) => {
  const lent = sessions.all.filter(({ session }) => session.loan !== undefined);
  const entry = lent.length === 1 ? lent[0] : await sessions.pick();
  const loan = entry?.session.loan;
  if (!entry || !loan) return undefined;
  if (!loan.own) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('Another window or program restored these values for a while: its end brings the dummies back.'),
    );
    return undefined;
  }
  const report = await entry.session.takeBack();
  await sessions.update(entry);
  for (const { name, file, reason } of report.refused)
    log.error(`${name} in ${file ?? 'the environment'} is still real: ${reason}`);
  if (report.refused.length > 0)
    void vscode.window
      .showErrorMessage(
        vscode.l10n.t('{0} values are still real in the files.', report.refused.length),
        vscode.l10n.t('Show Log'),
      )
      .then((action) => action && log.show());
  return report;
};

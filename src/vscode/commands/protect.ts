// Protect Workspace: shows what would be swapped and why, lets the user change it, swaps, and offers to start.
import * as vscode from 'vscode';
import type { ScannedValue } from '../../host/api';
import { settings } from '../context';
import type { FolderEntry } from '../sessions';
import { saveFiles } from '../documents/envDocuments';
import { type Command, isTest } from './command';

interface Choice extends vscode.QuickPickItem {
  readonly value?: ScannedValue;
}

/** `{ ids: 'ticked' }` answers the questions in a test: the ticked values, and start. */
export const protect: Command = async ({ sessions, log, context }, argument) => {
  const entry = await sessions.pick();
  if (!entry || entry.failure !== undefined) return undefined;
  const scan = await vscode.window.withProgress(
    { location: { viewId: 'sandboxAgent.session' }, title: vscode.l10n.t('Looking for secrets') },
    () => entry.session.scan(),
  );
  for (const { file, reason } of scan.skipped) log.warn(`${file} was not looked at: ${reason}`);
  const unattended = isTest(context) && (argument as { ids?: string } | undefined)?.ids === 'ticked';
  if (scan.values.length === 0) {
    if (!unattended) offerStart(entry, vscode.l10n.t('No secrets were found in .env files.'));
    return undefined;
  }
  const chosen = unattended ? scan.values.filter(({ ticked }) => ticked) : await choose(scan.values);
  if (!chosen || chosen.length === 0) return undefined;
  if (!unattended && !(await confirmed(chosen, scan.warnings))) return undefined;
  const report = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Swapping {0} values', chosen.length) },
    () => entry.session.protect(chosen.map(({ id }) => id)),
  );
  await sessions.update(entry);
  offerSave(entry, report.unsaved);
  for (const { name, file, reason } of report.refused)
    log.warn(`${name} in ${file ?? 'the environment'} was not swapped: ${reason}`);
  for (const { name, where } of report.copies) log.warn(`A copy of ${name} is left: ${where}`);
  if (unattended) {
    await entry.session.start(settings.startOptions());
    return report;
  }
  if (report.refused.length > 0 || report.copies.length > 0) {
    const text = [
      ...(report.refused.length > 0 ? [vscode.l10n.t('{0} values could not be swapped', report.refused.length)] : []),
      ...(report.copies.length > 0
        ? [vscode.l10n.t('{0} copies are left in other files or in git', report.copies.length)]
        : []),
    ].join('; ');
    void vscode.window.showWarningMessage(`${text}.`, vscode.l10n.t('Show Log')).then((action) => action && log.show());
  }
  offerStart(
    entry,
    report.swapped.length === 1
      ? vscode.l10n.t('1 value is swapped. The real one is in the vault.')
      : vscode.l10n.t('{0} values are swapped. The real ones are in the vault.', report.swapped.length),
  );
  return report;
};

/** They were changed in the editor and not saved: that is the user's to do. */
function offerSave(entry: FolderEntry, files: readonly string[]): void {
  if (files.length === 0) return;
  const save = vscode.l10n.t('Save');
  void vscode.window
    .showWarningMessage(
      vscode.l10n.t(
        '{0} has unsaved changes: the dummies stand in the editor. On disk the real values stay, where agents can read them, until you save.',
        files.join(', '),
      ),
      save,
    )
    .then((action) => (action === save ? saveFiles(entry, files) : undefined));
}

async function choose(values: readonly ScannedValue[]): Promise<readonly ScannedValue[] | undefined> {
  const items: Choice[] = [];
  let heading: string | undefined;
  for (const value of values) {
    const place =
      value.store === undefined
        ? (value.file ?? vscode.l10n.t('inherited environment'))
        : vscode.l10n.t('{0}, for every folder', value.store);
    if (place !== heading) items.push({ label: place, kind: vscode.QuickPickItemKind.Separator });
    heading = place;
    items.push({
      label: value.name,
      description: [
        value.line > 0 ? vscode.l10n.t('line {0}', value.line) : '',
        value.inComment ? vscode.l10n.t('in a comment') : '',
      ]
        .filter((part) => part !== '')
        .join(', '),
      detail: `${value.reason.charAt(0).toUpperCase()}${value.reason.slice(1)}`,
      picked: value.ticked,
      value,
    });
  }
  const picked = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    ignoreFocusOut: true,
    matchOnDetail: true,
    title: vscode.l10n.t('Sandbox Agent: which values become dummies?'),
    placeHolder: vscode.l10n.t('Ticked values are swapped for dummies; unticked ones stay real'),
  });
  return picked?.flatMap(({ value }) => value ?? []);
}

async function confirmed(chosen: readonly ScannedValue[], warnings: readonly string[]): Promise<boolean> {
  const files = [...new Set(chosen.flatMap(({ store, file }) => store ?? file ?? []))];
  const swap = vscode.l10n.t('Swap');
  const detail = [
    vscode.l10n.t(
      'Changed: {0}. Restore Real Values gives every byte back.',
      files.length > 0 ? files.join(', ') : vscode.l10n.t('no file'),
    ),
    vscode.l10n.t('Your own app and tests see dummies too: run them with "Run with Real Values".'),
    ...warnings,
  ].join('\n\n');
  return (
    (await vscode.window.showInformationMessage(
      chosen.length === 1
        ? vscode.l10n.t('Swap 1 value for a dummy?')
        : vscode.l10n.t('Swap {0} values for dummies?', chosen.length),
      { modal: true, detail },
      swap,
    )) === swap
  );
}

function offerStart(entry: FolderEntry, text: string): void {
  if (entry.session.state.kind === 'running') {
    void vscode.window.showInformationMessage(text);
    return;
  }
  const start = vscode.l10n.t('Start the Proxy');
  void vscode.window
    .showInformationMessage(text, start)
    .then((action) => action === start && vscode.commands.executeCommand('sandboxAgent.start'));
}

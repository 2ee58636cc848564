// Real values that turn up again in a protected folder: said in one notification, with Undo where they were swapped at once and
// a way to protect the others. Never a value in a message.
import * as vscode from 'vscode';
import type { FoundReal, FoundValue } from '../host/api';
import type { FolderEntry, Sessions } from './sessions';

/** Looks out for them until the session ends. */
export async function watchRealValues(
  entry: FolderEntry,
  sessions: Sessions,
  log: vscode.LogOutputChannel,
): Promise<void> {
  const { session, workspaceFolder } = entry;
  session.onDidFindReal((found) => {
    for (const { name, file, line, reason } of found.values)
      log.warn(`[${workspaceFolder.name}] ${name} in ${file}, line ${line}: ${reason}`);
    for (const { name, file, fileGone } of found.missing)
      log.warn(
        `[${workspaceFolder.name}] ${name}: ${fileGone ? 'the file is gone' : 'its dummy is gone from the file'} (${file}); the vault has its value`,
      );
    void tell(found, log).then((undone) => (undone ? sessions.update(entry) : undefined));
    void sessions.update(entry);
  });
  await session.watchFiles({ autoSwap: true });
}

/** Whether files have their real values again. */
async function tell(found: FoundReal, log: vscode.LogOutputChannel): Promise<boolean> {
  const text = sentences(found).join(' ');
  if (text === '') return false;
  const undo = vscode.l10n.t('Undo');
  const protect = vscode.l10n.t('Protect…');
  const show = vscode.l10n.t('Show Log');
  const open = found.values.some(({ swapped, kind }) => !swapped && kind !== 'revoked');
  const actions = [...(found.undo ? [undo] : []), ...(open ? [protect] : []), show];
  const calm = found.values.every(({ swapped, tracked }) => swapped && !tracked) && found.missing.length === 0;
  const answer = await (calm
    ? vscode.window.showInformationMessage(text, ...actions)
    : vscode.window.showWarningMessage(text, ...actions));
  if (answer === show) log.show();
  if (answer === protect) await vscode.commands.executeCommand('sandboxAgent.protect');
  if (answer !== undo || !found.undo) return false;
  const { undone, failed } = await found.undo();
  if (undone.length > 0)
    void vscode.window.showInformationMessage(
      vscode.l10n.t('{0} holds its real values again, and is left so. Agents can read them.', undone.join(', ')),
    );
  for (const { reason } of failed) void vscode.window.showWarningMessage(reason);
  return true;
}

function sentences({ values, missing }: FoundReal): string[] {
  const swapped = values.filter((value) => value.swapped);
  const returned = values.filter((value) => !value.swapped && value.kind === 'returned');
  const fresh = values.filter((value) => !value.swapped && value.kind === 'new');
  const revoked = values.filter(({ kind }) => kind === 'revoked');
  const tracked = [...new Set(values.flatMap((value) => (value.tracked ? value.file : [])))];
  return [
    ...(swapped.length > 0
      ? [vscode.l10n.t('{0} was real again: the dummy stands there again, as before.', places(swapped))]
      : []),
    ...(returned.length > 0 ? [vscode.l10n.t('{0} is real again, where agents can read it.', places(returned))] : []),
    ...(fresh.length > 0 ? [vscode.l10n.t('{0} is new and not protected: agents can read it.', places(fresh))] : []),
    ...(revoked.length > 0
      ? [vscode.l10n.t('{0} holds a value that was rotated: programs that use it fail.', places(revoked))]
      : []),
    ...(tracked.length > 0
      ? [vscode.l10n.t('Git tracks {0}: take it out of git, and change the value at the provider.', tracked.join(', '))]
      : []),
    ...(missing.length > 0
      ? [
          vscode.l10n.t(
            'Only the vault has {0} now: its dummy is gone from {1}.',
            [...new Set(missing.map(({ name }) => name))].join(', '),
            [...new Set(missing.map(({ file }) => file))].join(', '),
          ),
        ]
      : []),
  ];
}

/** A message has room for a few; the log names all. */
function places(values: readonly FoundValue[]): string {
  const shown = [...new Set(values.map(({ name, file }) => `${name} (${file})`))];
  const more = shown.length - 3;
  return `${shown.slice(0, 3).join(', ')}${more > 0 ? vscode.l10n.t(', and {0} more', more) : ''}`;
}

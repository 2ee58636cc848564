// Env files that are open in this window with unsaved changes, for the swap: their text is changed by an edit that the user can
// undo, and stays unsaved. Nothing is saved, closed or reverted here.
import { realpathSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { FileError } from '../../files/atomicFile';
import type { OpenDocuments } from '../../host/openDocuments';
import type { FolderEntry } from '../sessions';

export const envDocuments: OpenDocuments = {
  unsaved: (file) => {
    const document = find(file);
    return document && Buffer.from(document.getText(), 'utf8');
  },
  replace: async (file, before, after) => {
    const document = find(file);
    const name = vscode.workspace.asRelativePath(file);
    if (!document || Buffer.compare(Buffer.from(document.getText(), 'utf8'), before) !== 0)
      throw new FileError('changed', `${name} was changed in the editor meanwhile. It was left as it is; try again.`);
    if (document.encoding !== 'utf8' && document.encoding !== 'utf8bom')
      throw new FileError(
        'other',
        `${name} is open with unsaved changes, and not in UTF-8 (${document.encoding}). It was left as it is; save it and try again.`,
      );
    const text = Buffer.from(after).toString('utf8');
    const edit = new vscode.WorkspaceEdit();
    for (const [range, replacement] of difference(document, text)) edit.replace(document.uri, range, replacement);
    const isDone = (await vscode.workspace.applyEdit(edit)) && document.getText() === text;
    if (!isDone)
      throw new FileError(
        'changed',
        `The text of ${name} could not be changed in the editor. Look at it there; save it and try again.`,
      );
  },
};

/** Saves files (relative to the folder) that are open with unsaved changes, since the user said so. */
export async function saveFiles({ session }: FolderEntry, files: readonly string[]): Promise<void> {
  for (const file of files) await find(path.join(session.folder, file))?.save();
}

/** Also where one path leads through links and the other does not. */
function find(file: string): vscode.TextDocument | undefined {
  const dirty = vscode.workspace.textDocuments.filter(({ isDirty, uri }) => isDirty && uri.scheme === 'file');
  if (dirty.length === 0) return undefined;
  const real = realOf(file);
  return dirty.find(({ uri }) => uri.fsPath === file || realOf(uri.fsPath) === real);
}

function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** Line by line where the number of lines stays: cursors and folds stay where they are. */
function difference(document: vscode.TextDocument, text: string): [vscode.Range, string][] {
  const now = document.getText().split('\n');
  const next = text.split('\n');
  if (now.length !== next.length) {
    const end = document.positionAt(document.getText().length);
    return [[new vscode.Range(new vscode.Position(0, 0), end), text]];
  }
  return next.flatMap((line, at): [vscode.Range, string][] => {
    const old = now[at]!;
    if (old === line) return [];
    const limit = Math.min(old.length, line.length);
    let head = 0;
    while (head < limit && old[head] === line[head]) head++;
    let tail = 0;
    while (tail < limit - head && old[old.length - 1 - tail] === line[line.length - 1 - tail]) tail++;
    return [[new vscode.Range(at, head, at, old.length - tail), line.slice(head, line.length - tail)]];
  });
}

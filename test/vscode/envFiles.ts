// Real values that turn up again, and files that are open with unsaved changes: real documents, real files, real watches.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { FoundReal } from '../../src/host/api';
import { onlyEntry, setting, type Test } from './harness';

const command = (name: string, ...args: unknown[]) => vscode.commands.executeCommand(`sandboxAgent.${name}`, ...args);

/** The next report of the watcher, after `act`. */
async function found(act: () => unknown): Promise<FoundReal> {
  const { session } = await onlyEntry();
  const report = new Promise<FoundReal>((resolve) => {
    const subscription = session.onDidFindReal((one) => {
      subscription.dispose();
      resolve(one);
    });
  });
  await act();
  return report;
}

const names = ({ values }: FoundReal) => values.map(({ name, file, swapped }) => [name, file, swapped]);

async function envFile(): Promise<string> {
  return path.join((await onlyEntry()).session.folder, '.env');
}

/** The `.env` in an editor, with a line that nobody saved. */
async function dirty(line: string): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(await envFile());
  await vscode.window.showTextDocument(document);
  const edit = new vscode.WorkspaceEdit();
  edit.insert(document.uri, document.positionAt(document.getText().length), line);
  assert.ok(await vscode.workspace.applyEdit(edit));
  assert.equal(document.isDirty, true);
  return document;
}

async function revert(document: vscode.TextDocument): Promise<void> {
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand('workbench.action.files.revert');
  assert.equal(document.isDirty, false);
}

export const envFileTests: readonly Test[] = [
  [
    'a real value that is back in a file is swapped for the same dummy, and Undo gives it back',
    async () => {
      const file = await envFile();
      const swapped = readFileSync(file, 'utf8');
      const report = await found(() => writeFileSync(file, setting.env));
      assert.deepEqual(names(report), [['DEMO_API_KEY', '.env', true]]);
      assert.equal(readFileSync(file, 'utf8'), swapped);
      assert.deepEqual(await report.undo!(), { undone: ['.env'], failed: [] });
      assert.equal(readFileSync(file, 'utf8'), setting.env);
      await command('protect', { ids: 'ticked' });
      assert.equal(readFileSync(file, 'utf8'), swapped);
    },
  ],
  [
    'a real value in an unsaved document is swapped in the document, which stays unsaved; the file is not written',
    async () => {
      const { session } = await onlyEntry();
      const file = await envFile();
      const swapped = readFileSync(file, 'utf8');
      const document = await dirty(`COPY=${setting.real}\n`);
      const other = path.join(session.folder, 'other.env');
      const report = await found(() => writeFileSync(other, `OTHER=${setting.real}\n`));
      assert.deepEqual(names(report).sort(), [
        ['DEMO_API_KEY', '.env', true],
        ['DEMO_API_KEY', 'other.env', true],
      ]);
      assert.ok(!document.getText().includes(setting.real) && document.getText().includes('COPY=demo_'));
      assert.equal(document.isDirty, true);
      assert.equal(readFileSync(file, 'utf8'), swapped);
      assert.ok(!readFileSync(other, 'utf8').includes(setting.real));
      rmSync(other);
      await revert(document);
      assert.equal(document.getText(), swapped);
    },
  ],
  [
    'Restore and Protect change an unsaved document through the editor, and the file when it is saved',
    async () => {
      const { session } = await onlyEntry();
      const file = await envFile();
      const swapped = readFileSync(file, 'utf8');
      const document = await dirty('NOTE=mine\n');
      const first = await session.restore();
      assert.deepEqual(first.unsaved, ['.env']);
      assert.equal(document.getText(), `${setting.env}NOTE=mine\n`);
      assert.equal(document.isDirty, true);
      assert.equal(readFileSync(file, 'utf8'), swapped);
      await document.save();
      assert.deepEqual((await session.restore()).failed, []);
      assert.equal(readFileSync(file, 'utf8'), `${setting.env}NOTE=mine\n`);
      await dirty('MORE=1\n');
      const report = (await command('protect', { ids: 'ticked' })) as { unsaved: string[] };
      assert.deepEqual(report.unsaved, ['.env']);
      assert.ok(!document.getText().includes(setting.real) && document.getText().endsWith('NOTE=mine\nMORE=1\n'));
      assert.equal(document.isDirty, true);
      assert.equal(readFileSync(file, 'utf8'), `${setting.env}NOTE=mine\n`);
      await document.save();
      assert.ok(!readFileSync(file, 'utf8').includes(setting.real));
      assert.deepEqual((await session.restore()).failed, []);
      assert.equal(readFileSync(file, 'utf8'), `${setting.env}NOTE=mine\nMORE=1\n`);
      writeFileSync(file, setting.env);
      await session.scan();
      await command('protect', { ids: 'ticked' });
      assert.ok(!readFileSync(file, 'utf8').includes(setting.real));
    },
  ],
];

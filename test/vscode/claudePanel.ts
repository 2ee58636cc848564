// The setting that the panel of Claude Code reads: written while the proxy runs, taken back to the byte; what the user wrote
// meanwhile stays; what a crash left is taken back. A stand-in with the real identifier is installed for it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { openStateFolder } from '../../src/host/stateFolder';
import type { WiringEntry, WiringJournal } from '../../src/files/wiring';
import { holdsVariables, type Variable } from '../../src/vscode/panelSettings';
import { extensionApi, onlyEntry, type Test } from './harness';

const KEY = 'claudeCode.environmentVariables';
const command = (name: string) => vscode.commands.executeCommand(`sandboxAgent.${name}`);

const settingsFile = async () => path.join((await onlyEntry()).session.folder, '.vscode', 'settings.json');
const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

/** Waits until the file holds what it should: it is written and taken back behind the state of the session. */
async function fileIs(file: string, condition: (text: string | undefined) => boolean): Promise<void> {
  const watcher = vscode.workspace.createFileSystemWatcher(
    new vscode.RelativePattern(vscode.Uri.file(path.dirname(path.dirname(file))), '**'),
  );
  await new Promise<void>((resolve) => {
    const look = () => {
      if (condition(read(file))) resolve();
    };
    for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete]) event(look);
    look();
  });
  watcher.dispose();
}

/** Ours are there, with the running proxy. */
async function wired(file: string): Promise<void> {
  const { session } = await onlyEntry();
  const ours = Object.entries(session.agentEnvironment('claude')!).map(([name, value]) => ({ name, value }));
  await fileIs(file, (text) => text !== undefined && holdsVariables(text, ours));
}

export const claudePanelTests: readonly Test[] = [
  [
    "the panel's variables are written, kept from git, and gone with file and folder after Stop",
    async () => {
      const { session } = await onlyEntry();
      const file = await settingsFile();
      await wired(file);
      const variables = (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Variable[]>)[KEY]!;
      assert.deepEqual(
        Object.fromEntries(variables.map(({ name, value }) => [name, value])),
        session.agentEnvironment('claude'),
      );
      execFileSync('git', ['check-ignore', '-q', '.vscode/settings.json'], { cwd: session.folder });
      await command('stop');
      await fileIs(file, (text) => text === undefined);
      assert.equal(existsSync(path.dirname(file)), false);
      assert.throws(() =>
        execFileSync('git', ['check-ignore', '-q', '.vscode/settings.json'], { cwd: session.folder }),
      );
    },
  ],
  [
    'a file of the user is given back to the byte, and edits made while the proxy ran stay',
    async () => {
      const file = await settingsFile();
      mkdirSync(path.dirname(file));
      const own = `{\n  // mine\n  "editor.tabSize": 3,\n  "${KEY}": [\n    { "name": "FOO", "value": "1" } // keep\n  ]\n}\n`;
      writeFileSync(file, own);
      await command('start');
      await wired(file);
      assert.ok(readFileSync(file, 'utf8').includes('{ "name": "FOO", "value": "1" }, // keep\n'));
      await command('stop');
      await fileIs(file, (text) => text === own);
      await command('start');
      await wired(file);
      writeFileSync(
        file,
        readFileSync(file, 'utf8')
          .replace('"editor.tabSize": 3', '"editor.tabSize": 8')
          .replace(
            '{ "name": "FOO", "value": "1" }',
            '{ "name": "FOO", "value": "2" }, { "name": "BAR", "value": "3" }',
          ),
      );
      await command('stop');
      const edited = own
        .replace('"editor.tabSize": 3', '"editor.tabSize": 8')
        .replace('{ "name": "FOO", "value": "1" }', '{ "name": "FOO", "value": "2" }, { "name": "BAR", "value": "3" }');
      await fileIs(file, (text) => text === edited);
      rmSync(path.dirname(file), { recursive: true });
    },
  ],
  [
    'what a window left that ended without taking it back is taken back, and that of a living one is not',
    async () => {
      const entry = await onlyEntry();
      const { sessions } = await extensionApi();
      const { directory } = await openStateFolder(entry.session.folder);
      const file = await settingsFile();
      await command('start');
      await wired(file);
      const [journal] = readdirSync(directory).filter((name) => name.startsWith('panel-wiring.'));
      const settings = readFileSync(file, 'utf8');
      const { entries } = JSON.parse(readFileSync(path.join(directory, journal!), 'utf8')) as WiringJournal;
      await command('stop');
      await fileIs(file, (text) => text === undefined);
      const leave = (pid: number, left: string) => {
        mkdirSync(path.dirname(left), { recursive: true });
        writeFileSync(left, settings);
        writeFileSync(
          path.join(directory, `panel-wiring.${pid}.json`),
          JSON.stringify({
            version: 1,
            entries: entries.map((one) => (one.file === file ? { ...one, file: left } : one)),
          }),
        );
      };
      /** One look from beginning to end: what is left by the dead is gone after it. */
      const looked = async (name: string) => {
        const dead = path.join(path.dirname(file), name);
        leave(deadPid(), dead);
        await sessions.update(entry);
        await fileIs(dead, (text) => text === undefined);
      };
      await looked('first.json'); // Stop's own look has ended then
      // The server that this extension host belongs to lives as long as it does.
      leave(process.ppid, file);
      await looked('second.json');
      await looked('third.json');
      assert.ok(read(file) === settings, 'what a living window wrote was taken back');
      leave(deadPid(), file);
      rmSync(path.join(directory, `panel-wiring.${process.ppid}.json`));
      await sessions.update(entry);
      await fileIs(file, (text) => text === undefined);
      assert.equal(existsSync(path.dirname(file)), false);
      await command('start');
    },
  ],
  [
    'a link that came with the repository is not written through: the token stays out of where it leads',
    async () => {
      const entry = await onlyEntry();
      const { sessions } = await extensionApi();
      const { folder } = entry.session;
      const { directory } = await openStateFolder(folder);
      const file = await settingsFile();
      await command('stop');
      // The folder goes a moment after the file.
      await fileIs(file, (text) => text === undefined && !existsSync(path.dirname(file)));
      const elsewhere = mkdtempSync(path.join(os.tmpdir(), 'elsewhere-'));
      symlinkSync(elsewhere, path.dirname(file));
      await command('start');
      // Looks are taken one after the other: the one that follows the start has ended when a later one has taken this back.
      for (const name of ['first.json', 'second.json']) {
        const left = path.join(folder, name);
        writeFileSync(left, '{}\n');
        const one: WiringEntry = { file: left, before: undefined, after: '{}\n', madeFolders: [], kind: 'claude' };
        writeFileSync(
          path.join(directory, `panel-wiring.${deadPid()}.json`),
          JSON.stringify({ version: 1, entries: [one] }),
        );
        await sessions.update(entry);
        await fileIs(left, (text) => text === undefined);
      }
      assert.deepEqual(readdirSync(elsewhere), []);
      unlinkSync(path.dirname(file));
      await sessions.update(entry);
      await wired(file);
    },
  ],
];

/** Of a process that was, and is not. */
function deadPid(): number {
  return Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }));
}

// The user's own work with real values: debugging, tasks, and Restore for a While. Processes report hashes, so that no real value
// is written by a test.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import {
  extensionApi,
  hash,
  onlyEntry,
  type SeenEnvironment,
  seenCommand,
  setting,
  type Test,
  until,
  written,
} from './harness';

const command = (name: string, ...args: unknown[]) => vscode.commands.executeCommand(`sandboxAgent.${name}`, ...args);

async function debugged(name: string, extra: object): Promise<SeenEnvironment> {
  const { workspaceFolder } = await onlyEntry();
  const file = `${setting.seen}.${name}.json`;
  const started = await vscode.debug.startDebugging(
    workspaceFolder,
    {
      type: 'node',
      request: 'launch',
      name,
      program: setting.seen,
      args: [file],
      runtimeExecutable: process.execPath,
      env: { OWN: 'mine', ELECTRON_RUN_AS_NODE: '1' },
      ...extra,
    },
    { noDebug: true },
  );
  assert.ok(started);
  return JSON.parse(await written(file)) as SeenEnvironment;
}

export const realRunTests: readonly Test[] = [
  [
    'a debug configuration gets the real values where it says so, and only there',
    async () => {
      const plain = await debugged('plain', {});
      assert.equal(plain['DEMO_API_KEY'], undefined);
      const real = await debugged('real', { 'sandboxAgent.realValues': true });
      assert.equal(real['DEMO_API_KEY'], hash(setting.real));
      assert.equal(real['OWN'], hash('mine'));
      const named = await debugged('named', {
        'sandboxAgent.realValues': true,
        env: { DEMO_API_KEY: 'mine', ELECTRON_RUN_AS_NODE: '1' },
      });
      assert.equal(named['DEMO_API_KEY'], hash('mine'));
      const { session } = await onlyEntry();
      const { dummy } = (await session.secrets()).find(({ name }) => name === 'DEMO_API_KEY')!;
      const fromFile = await debugged('file', {
        'sandboxAgent.realValues': true,
        env: { DEMO_API_KEY: dummy, ELECTRON_RUN_AS_NODE: '1' },
      });
      assert.equal(fromFile['DEMO_API_KEY'], hash(setting.real));
    },
  ],
  [
    'a task of the type sandbox-agent runs its command with the real values, which no task holds',
    async () => {
      const { session } = await onlyEntry();
      const folder = path.join(session.folder, '.vscode');
      const file = `${setting.seen}.task.json`;
      const made = mkdirSync(folder, { recursive: true }) !== undefined;
      const task = { type: 'sandbox-agent', label: 'seen', command: seenCommand(file) };
      writeFileSync(path.join(folder, 'tasks.json'), JSON.stringify({ version: '2.0.0', tasks: [task] }));
      try {
        let found: vscode.Task | undefined;
        // The editor reads the file in its own time.
        while (!found) found = (await vscode.tasks.fetchTasks()).find(({ name }) => name === 'seen');
        const ended = new Promise<void>((resolve) => {
          const subscription = vscode.tasks.onDidEndTask(({ execution }) => {
            if (execution.task.name !== 'seen') return;
            subscription.dispose();
            resolve();
          });
        });
        const execution = await vscode.tasks.executeTask(found);
        const seen = JSON.parse(await written(file)) as SeenEnvironment;
        assert.equal(seen['DEMO_API_KEY'], hash(setting.real));
        assert.equal(seen['HTTPS_PROXY'], process.env['HTTPS_PROXY'] && hash(process.env['HTTPS_PROXY']));
        await ended;
        assert.ok(!JSON.stringify(execution.task.definition).includes(setting.real));
      } finally {
        rmSync(made ? folder : path.join(folder, 'tasks.json'), { recursive: true });
      }
    },
  ],
  [
    'Restore for a While puts the real values into the files, and Put the Dummies Back takes them out again',
    async () => {
      const { session } = await onlyEntry();
      const file = path.join(session.folder, '.env');
      const swapped = readFileSync(file, 'utf8');
      await command('restoreForAWhile', { unattended: true });
      assert.equal(readFileSync(file, 'utf8'), setting.env);
      assert.ok(session.loan?.own);
      await command('putDummiesBack');
      assert.equal(readFileSync(file, 'utf8'), swapped);
      assert.equal(session.loan, undefined);
    },
  ],
  [
    'a window that closes takes the real values back',
    async () => {
      const { session } = await onlyEntry();
      const file = path.join(session.folder, '.env');
      const swapped = readFileSync(file, 'utf8');
      await command('restoreForAWhile', { unattended: true });
      const changed = until(session.onDidChangeLoan, () => session.loan === undefined);
      const { sessions } = await extensionApi();
      await sessions.close();
      await changed;
      assert.equal(readFileSync(file, 'utf8'), swapped);
    },
  ],
];

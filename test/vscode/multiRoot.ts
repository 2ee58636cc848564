// Two folders in one workspace: a session, a vault and a proxy each.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { FolderEntry } from '../../src/vscode/sessions';
import { extensionApi, runAll } from './harness';

/** A folder whose session opens when `release` is called: its policy is a pipe, and reading it waits for a writer. */
function slowFolder(folder: string): { readonly uri: vscode.Uri; readonly release: () => void } {
  const policy = path.join(folder, '.sandbox-agent', 'policy.yaml');
  mkdirSync(path.dirname(policy), { recursive: true });
  execFileSync('mkfifo', [policy]);
  const release = () => {
    writeFileSync(policy, 'version: 1\n');
    rmSync(policy);
  };
  return { uri: vscode.Uri.file(folder), release };
}

/** Changes the folders of the workspace, and waits until that has happened. */
async function folders(start: number, remove: number, ...add: readonly vscode.Uri[]): Promise<void> {
  const changed = new Promise<void>((resolve) => {
    const subscription = vscode.workspace.onDidChangeWorkspaceFolders(() => {
      subscription.dispose();
      resolve();
    });
  });
  assert.ok(vscode.workspace.updateWorkspaceFolders(start, remove, ...add.map((uri) => ({ uri }))));
  await changed;
}

export function run(): Promise<void> {
  return runAll([
    [
      'each folder has its own vault, proxy and port',
      async () => {
        const { sessions } = await extensionApi();
        await sessions.ready;
        assert.equal(sessions.all.length, 2);
        const before = sessions.all.map(({ session }) => readFileSync(path.join(session.folder, '.env'), 'utf8'));
        const ports: number[] = [];
        for (const { session } of sessions.all) {
          const scan = await session.scan();
          await session.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
          await session.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
          assert.equal(session.state.kind, 'running');
          ports.push(session.state.port);
        }
        assert.equal(new Set(ports).size, 2);
        const names = await Promise.all(
          sessions.all.map(async ({ session }) => (await session.secrets()).map(({ name }) => name)),
        );
        assert.deepEqual(names, [['DEMO_API_KEY'], ['OTHER_TOKEN']]);
        for (const { session } of sessions.all) {
          await session.stop();
          await session.restore();
        }
        assert.deepEqual(
          sessions.all.map(({ session }) => readFileSync(path.join(session.folder, '.env'), 'utf8')),
          before,
        );
      },
    ],
    [
      'a folder that is being opened is opened once, in its place, and not kept when it goes meanwhile',
      async () => {
        const { sessions } = await extensionApi();
        const base = path.dirname(sessions.all[0]!.session.folder);
        const slow = slowFolder(path.join(base, 'slow'));
        const gone = slowFolder(path.join(base, 'gone'));
        const quick = vscode.Uri.file(path.join(base, 'quick'));
        mkdirSync(quick.fsPath);
        const seen = new Set<FolderEntry>();
        const subscription = sessions.onDidChange(() => {
          for (const entry of sessions.all) seen.add(entry);
        });
        await folders(2, 0, slow.uri, gone.uri);
        await folders(4, 0, quick);
        await folders(3, 1);
        slow.release();
        gone.release();
        await sessions.ready;
        subscription.dispose();
        const names = () => sessions.all.map(({ workspaceFolder }) => path.basename(workspaceFolder.uri.fsPath));
        assert.deepEqual(names().slice(2), ['slow', 'quick']);
        assert.equal(sessions.all.length, 4);
        assert.equal(seen.size, 4);
        await folders(2, 2);
        await sessions.ready;
        assert.equal(sessions.all.length, 2);
      },
    ],
  ]);
}

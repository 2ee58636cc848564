// A workspace that the user has not trusted: nothing is read, written or started.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { extensionApi, runAll, setting } from './harness';

export function run(): Promise<void> {
  return runAll([
    [
      'opens no session, and its commands change nothing',
      async () => {
        assert.equal(vscode.workspace.isTrusted, false);
        const { sessions } = await extensionApi();
        await sessions.ready;
        assert.deepEqual(sessions.all, []);
        const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
        await vscode.commands.executeCommand('sandboxAgent.protect', { ids: 'ticked' });
        await vscode.commands.executeCommand('sandboxAgent.start');
        assert.equal(readFileSync(path.join(folder, '.env'), 'utf8'), setting.env);
        assert.equal(existsSync(path.join(folder, '.claude')), false);
      },
    ],
  ]);
}

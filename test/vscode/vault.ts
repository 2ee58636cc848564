// The vault in the editor and on the command line: encrypted by one, opened by the other; locked visibly without a key; exported,
// imported, rotated. The command line is the built one, in a process of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import manifest from '../../package.json';
import type { FindingKind } from '../../src/core/secrets/types';
import type { VaultStatus } from '../../src/host/api';
import { flowItem } from '../../src/vscode/views/flowNodes';
import { extensionApi, onlyEntry, setting, type Test } from './harness';

const command = (name: string, ...args: unknown[]) => vscode.commands.executeCommand(`sandboxAgent.${name}`, ...args);

/** The command line on the same folder, with the recovery code in its environment. */
async function cli(args: readonly string[], code = ''): Promise<{ readonly ok: boolean; readonly text: string }> {
  const { session } = await onlyEntry();
  const script = path.join(
    vscode.extensions.getExtension('sandbox-agent.sandbox-agent')!.extensionPath,
    'dist',
    'cli.js',
  );
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1', SANDBOX_AGENT_RECOVERY_CODE: code };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd: session.folder, env }, (error, stdout, stderr) =>
      resolve({ ok: error === null, text: stdout + stderr }),
    );
  });
}

const vaultFile = async () => (await (await onlyEntry()).session.vault.status()).file;
let code = '';

export const vaultTests: readonly Test[] = [
  [
    'the context menu of a flow offers Mark for Rotation where a real value was seen, and only there',
    async () => {
      const entry = await onlyEntry();
      const [flow] = entry.flows.flows;
      assert.ok(flow);
      const item = (kind: FindingKind) =>
        flowItem({
          kind: 'flow',
          entry,
          flow: { ...flow, findings: [{ kind, secret: 'DEMO_API_KEY', place: 'response body', action: 'masked' }] },
        });
      const { when } = manifest.contributes.menus['view/item/context'].find(
        (one) => one.command === 'sandboxAgent.markForRotation' && one.when.includes('flow'),
      )!;
      const pattern = new RegExp(/\/(.*)\//.exec(when)![1]!);
      assert.match(item('echo-redacted').contextValue!, pattern);
      assert.match(item('real-value').contextValue!, pattern);
      assert.doesNotMatch(item('dummy-unbound').contextValue!, pattern);
    },
  ],
  [
    'Encrypt Vault needs the recovery code typed back; then no value is in the file, and the command line opens it by the code',
    async () => {
      const file = await vaultFile();
      await command('encryptVault', { code: () => undefined });
      await command('encryptVault', {
        code: (shown: string) => shown.replace(/.$/, (char) => (char === 'A' ? 'B' : 'A')),
      });
      assert.ok(readFileSync(file, 'utf8').includes(setting.real));
      const status = (await command('encryptVault', { code: (shown: string) => (code = shown) })) as VaultStatus;
      assert.ok(status.encrypted && status.keptInStore);
      assert.ok(!readFileSync(file, 'utf8').includes(setting.real));
      const closed = await cli(['vault', 'status', '--json']);
      assert.equal(closed.ok, false);
      assert.match(closed.text, /encrypted and no key/);
      const opened = await cli(['vault', 'status', '--json'], code);
      assert.ok(opened.ok, opened.text);
      assert.equal((JSON.parse(opened.text) as VaultStatus).secrets, status.secrets);
      assert.equal((await onlyEntry()).encrypted, true);
    },
  ],
  [
    'a vault that the command line encrypted is locked here, visibly and with nothing done, until the code is typed',
    async () => {
      const { sessions } = await extensionApi();
      assert.ok((await cli(['vault', 'decrypt'], code)).ok);
      const encrypted = await cli(['vault', 'encrypt'], code);
      assert.ok(encrypted.ok, encrypted.text);
      const before = readFileSync(path.join((await onlyEntry()).session.folder, '.env'), 'utf8');
      sessions.typedCode = () => undefined;
      assert.match(String(await command('unlockVault')), /vault of this folder is encrypted and no key/);
      const locked = await onlyEntry();
      assert.ok(locked.locked && locked.failure);
      assert.equal(await command('protect', { ids: 'ticked' }), undefined);
      assert.equal(readFileSync(path.join(locked.session.folder, '.env'), 'utf8'), before);
      sessions.typedCode = () => code;
      assert.equal(await command('unlockVault'), undefined);
      sessions.typedCode = undefined;
      const entry = await onlyEntry();
      assert.equal(entry.failure, undefined);
      const status = await entry.session.vault.status();
      // From now on without a question.
      assert.ok(status.encrypted && status.keptInStore);
      await command('start');
      assert.equal(entry.session.state.kind, 'running');
    },
  ],
  [
    'Export Vault writes one sealed file, and Import Vault knows what is here already',
    async () => {
      const file = path.join(path.dirname(setting.report), 'vault.export');
      rmSync(file, { force: true });
      const passphrase = 'four words of a test';
      assert.equal(await command('exportVault', { file, passphrase }), file);
      assert.ok(!readFileSync(file, 'utf8').includes(setting.real));
      const report = (await command('importVault', { file, passphrase })) as { added: unknown[]; known: number };
      assert.deepEqual(report.added, []);
      assert.ok(report.known > 0);
      assert.equal(await command('importVault', { file, passphrase: 'another passphrase' }), undefined);
      rmSync(file);
    },
  ],
  [
    'Mark for Rotation and Rotate Secret: the mark is shown until the new value stands behind the same dummy',
    async () => {
      const { session } = await onlyEntry();
      const secret = async () => (await session.secrets()).find(({ name }) => name === 'DEMO_API_KEY')!;
      const { dummy } = await secret();
      const finding = { kind: 'echo-redacted', secret: 'DEMO_API_KEY', place: 'response body', action: 'masked' };
      const flow = { id: 7, host: 'localhost', findings: [finding] };
      await command('markForRotation', { flow, reason: 'seen in a test' });
      assert.equal((await secret()).marked?.reason, 'seen in a test');
      const value = setting.real.replace(/.{4}$/, (end) => `${end.slice(1)}0ff00`);
      await command('rotateSecret', { secret: 'DEMO_API_KEY', value });
      assert.equal((await secret()).marked, undefined);
      assert.equal((await secret()).dummy, dummy);
      assert.equal((await session.vault.status()).revoked, 1);
      await command('stop');
      await session.restore();
      assert.ok(readFileSync(path.join(session.folder, '.env'), 'utf8').includes(value));
    },
  ],
  [
    'Decrypt Vault makes it a plain file again, which the command line opens without a code',
    async () => {
      const status = (await command('decryptVault', { yes: true })) as VaultStatus;
      assert.equal(status.encrypted, false);
      assert.ok((await cli(['vault', 'status'])).ok);
      writeFileSync(path.join((await onlyEntry()).session.folder, '.env'), setting.env);
    },
  ],
];

// The encrypted vault: real files, the key in a store and by recovery code, damage, and kill -9 at every operation of both
// conversions.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeRecoveryCode, readRecoveryCode } from '../../src/host/recoveryCode';
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import { VaultError, type VaultErrorReason } from '../../src/host/vaultCipher';
import { type Bundle, bundle } from '../support/bundle';
import { FileKeyStore } from '../support/fileKeyStore';
import { byCode, openVault, protectTicked, restoreAll } from '../support/vaults';
import { ANTHROPIC, GITHUB, TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
afterEach(() => workspace.remove());

const code = makeRecoveryCode();
const values = new RegExp(`${ANTHROPIC}|${GITHUB}`);

async function encrypted(store?: FileKeyStore) {
  workspace = new TestWorkspace();
  const opened = await openVault(workspace, store ? { store } : {});
  await protectTicked(opened);
  await opened.vault.prepareEncryption(code).confirm(code);
  return opened;
}

async function rejects(promise: Promise<unknown>, reason: VaultErrorReason): Promise<VaultError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(VaultError);
  expect((error as VaultError).reason).toBe(reason);
  // What it means for safety is said in each.
  expect((error as VaultError).message).toMatch(/Nothing was changed|stays|left as it was/);
  expect((error as VaultError).message).not.toMatch(values);
  expect((error as VaultError).message).not.toContain(code);
  return error as VaultError;
}

describe('a recovery code', () => {
  beforeAll(() => {
    workspace = new TestWorkspace({});
  });

  it('is read in any way of writing, and a slip is noticed', () => {
    for (let i = 0; i < 50; i++) {
      const made = makeRecoveryCode();
      expect(made).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
      expect(
        readRecoveryCode(` ${made.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}`),
      ).toBe(made);
      expect(readRecoveryCode(made.slice(1))).toBeUndefined();
    }
    // One wrong character in 4096 may pass the check: not each of 200.
    const slips = Array.from({ length: 200 }, () => {
      const made = makeRecoveryCode();
      return readRecoveryCode((made.startsWith('A') ? 'B' : 'A') + made.slice(1));
    });
    expect(slips.filter((slip) => slip !== undefined).length).toBeLessThan(5);
  });
});

describe('encryption', () => {
  it('is switched on only where the code that was shown is typed', async () => {
    workspace = new TestWorkspace();
    const opened = await openVault(workspace);
    await protectTicked(opened);
    const before = readFileSync(opened.state.vault, 'utf8');
    const pending = opened.vault.prepareEncryption();
    await rejects(pending.confirm(makeRecoveryCode()), 'not-confirmed');
    await rejects(pending.confirm(''), 'not-confirmed');
    expect(readFileSync(opened.state.vault, 'utf8')).toBe(before);
    await pending.confirm(pending.code.toLowerCase());
    expect(opened.vault.isEncrypted).toBe(true);
    await rejects(opened.vault.prepareEncryption().confirm('x'), 'not-confirmed');
    await rejects(opened.vault.prepareEncryption(code).confirm(code), 'already');
  });

  it('leaves no value, name, file or dummy readable, and restores every byte by the code alone', async () => {
    const { state, vault } = await encrypted();
    const text = readFileSync(state.vault, 'utf8');
    expect(text).not.toMatch(values);
    for (const secret of vault.secrets) expect(text).not.toContain(secret.dummy);
    expect(text).not.toMatch(/ANTHROPIC|\.env/);
    expect(statSync(state.vault).mode & 0o777).toBe(0o600);
    await restoreAll(await openVault(workspace, byCode(code)));
    expect(workspace.untouched()).toBe(true);
    // It stays encrypted, and holds no record.
    expect(readFileSync(state.vault, 'utf8').split('\n')).toHaveLength(2);
  });

  it('asks for the code only where the key store has no key, and gives the key to a store that has none', async () => {
    workspace = new TestWorkspace({});
    const store = new FileKeyStore(path.join(workspace.base, 'keys.json'));
    workspace.remove();
    await encrypted();
    let asked = 0;
    const keys = {
      store: new FileKeyStore(path.join(workspace.base, 'keys.json')),
      recoveryCode: () => {
        asked++;
        return Promise.resolve(code);
      },
    };
    expect(store.size).toBe(0);
    expect((await openVault(workspace, keys)).vault.isKeptInStore).toBe(true);
    expect((await openVault(workspace, keys)).vault.secrets).toHaveLength(2);
    expect(asked).toBe(1);
    // The editor deletes what it cannot decrypt: then the code is asked for again.
    rmSync(path.join(workspace.base, 'keys.json'));
    const opened = await openVault(workspace, keys);
    expect(asked).toBe(2);
    await restoreAll(opened);
    expect(workspace.untouched()).toBe(true);
  });

  it('refuses a key store that keeps nothing', async () => {
    workspace = new TestWorkspace();
    const store = { get: async () => undefined, set: async () => undefined, delete: async () => undefined };
    const opened = await openVault(workspace, { store });
    await protectTicked(opened);
    const before = readFileSync(opened.state.vault, 'utf8');
    await rejects(opened.vault.prepareEncryption(code).confirm(code), 'key-store');
    expect(readFileSync(opened.state.vault, 'utf8')).toBe(before);
  });

  it('says which code was wrong in which way, and changes nothing', async () => {
    const { state } = await encrypted();
    const before = readFileSync(state.vault);
    await rejects(openVault(workspace), 'locked');
    await rejects(openVault(workspace, byCode(undefined)), 'locked');
    await rejects(openVault(workspace, byCode(makeRecoveryCode())), 'wrong-code');
    await rejects(openVault(workspace, byCode('hunter2')), 'mistyped-code');
    expect(readFileSync(state.vault).equals(before)).toBe(true);
  });

  it('is undone, with the key taken out of the store', async () => {
    workspace = new TestWorkspace({});
    const base = workspace.base;
    const store = new FileKeyStore(path.join(path.dirname(base), `${path.basename(base)}-keys.json`));
    workspace.remove();
    const opened = await encrypted(store);
    expect(store.size).toBe(1);
    await opened.vault.decrypt();
    expect(store.size).toBe(0);
    rmSync(path.join(path.dirname(base), `${path.basename(base)}-keys.json`));
    await rejects(opened.vault.decrypt(), 'already');
    expect(readFileSync(opened.state.vault, 'utf8')).toMatch(/^\{"op":"secret"/);
    await restoreAll(await openVault(workspace));
    expect(workspace.untouched()).toBe(true);
  });

  it('is seen by a process that had the plain vault open, and the other way round', async () => {
    workspace = new TestWorkspace();
    const first = await openVault(workspace, byCode(code));
    await protectTicked(first);
    const second = await openVault(workspace);
    await second.vault.prepareEncryption(code).confirm(code);
    await first.vault.refresh();
    expect(first.vault.isEncrypted).toBe(true);
    await second.vault.decrypt();
    await restoreAll(first);
    expect(first.vault.isEncrypted).toBe(false);
    expect(workspace.untouched()).toBe(true);
  });
});

describe('an encrypted journal', () => {
  it('is appended to, a line at a time, and forgets a torn last line', async () => {
    const opened = await encrypted();
    const before = readFileSync(opened.state.vault, 'utf8');
    workspace.write('more/.env', `ANTHROPIC_API_KEY=${ANTHROPIC.replace('Host0', 'More0')}\n`);
    await protectTicked(opened);
    const after = readFileSync(opened.state.vault, 'utf8');
    expect(after.startsWith(before)).toBe(true);
    expect(after.split('\n').length).toBe(before.split('\n').length + 3);
    for (const cut of [1, 2, 40]) {
      writeFileSync(opened.state.vault, after + after.split('\n')[1]!.slice(0, cut));
      expect((await openVault(workspace, byCode(code))).vault.secrets).toHaveLength(3);
    }
    // Torn in the middle of its last line: that record is as if never written, and the next one takes its place.
    writeFileSync(opened.state.vault, after.slice(0, -7));
    const torn = await openVault(workspace, byCode(code));
    expect(torn.vault.unsettled.map(({ file }) => file)).toEqual(['more/.env']);
    await restoreAll(torn);
    expect(workspace.untouched()).toBe(true);
    expect(workspace.read('more/.env')).toContain('More0');
  });

  const damages: readonly (readonly [string, (text: string) => string, RegExp])[] = [
    ['a changed line', (text) => text.replace(/(\n.{30})(.)/, (_, a: string, b: string) => a + (b === 'A' ? 'B' : 'A')), /Line 2 of .* is damaged/],
    ['a line taken out', (text) => text.split('\n').filter((_, i) => i !== 2).join('\n'), /Line 3 of .* is damaged/],
    ['two lines changed about', (text) => text.split('\n').map((line, i, all) => (i === 1 ? all[2]! : i === 2 ? all[1]! : line)).join('\n'), /Line 2 of .* is damaged/],
    ['garbage in between', (text) => text.replace('\n', '\ngarbage\n'), /Line 2 of .* is damaged/],
    ['a plain line in between', (text) => text.replace('\n', '\n{"op":"abort","file":".env"}\n'), /Line 2 of .* is damaged/],
    ['a first line cut off', (text) => text.slice(0, 60), /first line .* damaged or cut off/],
    ['a first line without its end', (text) => text.split('\n')[0]!, /first line .* damaged or cut off/],
    ['a few bytes', (text) => text.slice(0, 7), /first line .* damaged or cut off/],
    ['another version', (text) => text.replace('"version":1', '"version":2'), /newer version/],
    ['no keys', (text) => text.replace(/"keys":\[.*\]/, '"keys":[]'), /not the one of this vault/],
    ['a derivation that eats all memory', (text) => text.replace(/"n":\d+/, '"n":1073741824'), /damaged/],
  ]; // prettier-ignore
  it.each(damages)('with %s is refused in words, and left as it is', async (_, damage, expected) => {
    const { state } = await encrypted();
    const damaged = damage(readFileSync(state.vault, 'utf8'));
    writeFileSync(state.vault, damaged);
    const error = await openVault(workspace, byCode(code)).then(
      () => new Error('opened'),
      (thrown: unknown) => thrown as Error,
    );
    expect(error.message).toMatch(expected);
    expect(error.message).not.toMatch(values);
    expect(readFileSync(state.vault, 'utf8')).toBe(damaged);
  });
});

describe('a vault of version 0.1.0', () => {
  it('restores the folder, encrypts, and decrypts', async () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const state = await openStateFolder(workspace.folder, workspace.stateRoot);
    const dummy = `ghp_${'d'.repeat(36)}`;
    const bytes = readFileSync(workspace.file('.env'));
    const { createHash } = await import('node:crypto');
    const sha = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
    const swapped = `GITHUB_TOKEN=${dummy}\n`;
    // As version 0.1.0 wrote it, field by field.
    const lines = [
      { op: 'secret', name: 'GITHUB_TOKEN', value: GITHUB, dummy, provider: 'github', hosts: ['api.github.com'], in: ['header:authorization'], fromEnvironment: false },
      { op: 'begin', file: '.env', before: sha(bytes), after: sha(swapped), pairs: [{ dummy, raw: GITHUB }], temporary: workspace.file('.env.x.tmp') },
      { op: 'end', file: '.env' },
    ]; // prettier-ignore
    writeFileSync(state.vault, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
    workspace.write('.env', swapped);
    const { vault } = await openVault(workspace);
    await vault.prepareEncryption(code).confirm(code);
    await vault.decrypt();
    expect(readFileSync(state.vault, 'utf8')).toBe(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await restoreAll(await openVault(workspace));
    expect(readFileSync(workspace.file('.env')).equals(bytes)).toBe(true);
  });
});

describe('killed while converting', () => {
  let crashing: Bundle;
  beforeAll(async () => {
    crashing = await bundle('crashingVault');
  });
  afterAll(() => crashing.remove());

  it.each(['encrypt', 'decrypt'] as const)(
    'at every operation of %s, nothing is lost',
    async (what) => {
      let operations = 0;
      for (let at = 1; operations === 0; at++) {
        workspace = new TestWorkspace();
        const keys = path.join(workspace.base, 'keys.json');
        const store = new FileKeyStore(keys);
        const opened = await openVault(workspace, { store });
        await protectTicked(opened);
        if (what === 'decrypt') await opened.vault.prepareEncryption(code).confirm(code);
        const { stdout, stderr, signal } = spawnSync(
          process.execPath,
          [crashing.script, what, workspace.folder, workspace.stateRoot, String(at)],
          { encoding: 'utf8', env: { ...process.env, STORE: keys, GIVEN: code } },
        );
        if (signal !== 'SIGKILL') operations = Number(/operations (\d+)/.exec(stdout)?.[1] ?? Number.NaN);
        expect(stderr).toBe('');
        // By the code alone, as if the store were gone; and by the store.
        const byTheCode = await openVault(workspace, byCode(code));
        expect(byTheCode.vault.byValue(ANTHROPIC)).toBeDefined();
        const byStore = await openVault(workspace, { store });
        expect(byStore.vault.isEncrypted).toBe(byTheCode.vault.isEncrypted);
        await restoreAll(byStore);
        expect(workspace.untouched()).toBe(true);
        expect(readdirSync(opened.state.directory).filter((name) => /\.tmp$|\.lock$/.test(name))).toEqual([]);
        if (operations === 0) workspace.remove();
      }
      expect(operations).toBeGreaterThanOrEqual(5);
    },
    120_000,
  );
});

describe('sandbox-agent vault', () => {
  const cli = path.join(import.meta.dirname, '../../dist/cli.js');
  function run(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const env = { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg, ...environment };
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
      cwd: workspace.folder,
      env,
      encoding: 'utf8',
      input: '',
    });
    return { status, stdout, stderr, all: stdout + stderr };
  }

  it('encrypts with a code that the user has, restores with it, and without it says what to do', () => {
    workspace = new TestWorkspace();
    run(['protect', '--yes']);
    const alone = run(['vault', 'encrypt']);
    expect(alone.status).toBe(1);
    expect(alone.stderr).toMatch(/stays as it was.*new-code/);
    const own = run(['vault', 'new-code']).stdout.trim();
    const environment = { SANDBOX_AGENT_RECOVERY_CODE: own };
    expect(run(['vault', 'encrypt'], { SANDBOX_AGENT_RECOVERY_CODE: 'secret' }).stderr).toMatch(/not a recovery code/);
    expect(run(['vault', 'status', '--json']).stdout).toMatch(/"encrypted": false/);
    expect(run(['vault', 'encrypt'], environment).status).toBe(0);
    const locked = run(['restore']);
    expect(locked.status).toBe(1);
    expect(locked.stderr).toMatch(/encrypted and no key.*SANDBOX_AGENT_RECOVERY_CODE/);
    expect(workspace.untouched()).toBe(false);
    expect(JSON.parse(run(['vault', 'status', '--json'], environment).stdout)).toMatchObject({
      encrypted: true,
      keptInStore: false,
      secrets: 2,
      files: ['.env', 'packages/web/.env.local'],
    });
    const restored = run(['restore'], environment);
    expect(restored.status).toBe(0);
    expect(workspace.untouched()).toBe(true);
    expect(run(['vault', 'decrypt', '.'], environment).status).toBe(0);
    expect(run(['vault', 'status']).stdout).toMatch(/not encrypted/);
    expect(run(['vault', 'frob']).status).toBe(2);
  });

  it('shows a fresh code on a terminal, and goes on when it is typed back', () => {
    workspace = new TestWorkspace();
    run(['protect', '--yes']);
    const terminal = (answer: string) => {
      const script = `
import pty, os, sys, re
out = b''
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
sent = False
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data: break
    out += data
    if not sent and b'switch encryption on:' in out:
        code = re.search(rb'(?:[0-9A-Z]{4}-){6}[0-9A-Z]{4}', out).group(0)
        os.write(fd, (code if '${answer}' == 'code' else b'no') + b'\\r')
        sent = True
print(out.decode().count('-') , os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(out.decode())`;
      const env = { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg };
      const argv = ['-c', script, process.execPath, cli, 'vault', 'encrypt'];
      return spawnSync('python3', argv, { cwd: workspace.folder, env, encoding: 'utf8' }).stdout;
    };
    expect(terminal('no')).toMatch(/ 1\n[^]*stays unencrypted/);
    expect(run(['vault', 'status']).stdout).toMatch(/not encrypted/);
    const out = terminal('code');
    expect(out).toMatch(/ 0\n/);
    // Shown once; what was typed is not.
    expect(out.match(/(?:[0-9A-Z]{4}-){6}/g)).toHaveLength(1);
    const shown = /(?:[0-9A-Z]{4}-){6}[0-9A-Z]{4}/.exec(out)![0];
    expect(run(['restore'], { SANDBOX_AGENT_RECOVERY_CODE: shown }).status).toBe(0);
    expect(workspace.untouched()).toBe(true);
  });

  it('is the same vault for a session', async () => {
    const opened = await encrypted();
    const again = await Vault.open(opened.state, undefined, byCode(code));
    expect(again.secrets.map(({ name }) => name)).toEqual(opened.vault.secrets.map(({ name }) => name));
  });
});

// Scan, swap and restore on real files, with a real vault.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { JsonLog } from '../../src/files/jsonLog';
import { Protector } from '../../src/host/protect';
import { restoreFolder } from '../../src/host/restore';
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import { bundle } from '../support/bundle';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
afterEach(() => workspace.remove());

async function open(environment: NodeJS.ProcessEnv = {}) {
  const state = await openStateFolder(workspace.folder, workspace.stateRoot);
  const vault = await Vault.open(state);
  return {
    state,
    vault,
    deps: { folder: state.folder, vault, environment },
    protector: new Protector({ folder: state.folder, vault, environment }),
  };
}

async function protectAll(environment: NodeJS.ProcessEnv = {}) {
  const opened = await open(environment);
  const scan = await opened.protector.scan();
  const report = await opened.protector.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  return { ...opened, scan, report };
}

describe('protect and restore', () => {
  it('swap the ticked values, keep every other byte, and give everything back', async () => {
    workspace = new TestWorkspace();
    const { vault, deps, scan, report } = await protectAll();
    expect(scan.files).toEqual(['.env', 'packages/web/.env.local']);
    expect(report.refused).toEqual([]);
    expect(scan.values.find(({ name }) => name === 'DATABASE_URL')?.ticked).toBe(false);
    const all = Object.keys(FILES).map((name) => workspace.read(name));
    expect(all.join()).not.toContain(ANTHROPIC);
    expect(all.join()).not.toContain(GITHUB);
    expect(all.join()).toContain('s3cr3tPassw0rd99');
    expect(all.map((text) => text.length)).toEqual(Object.values(FILES).map((text) => text.length));
    // The same value got the same dummy in both files.
    const anthropic = vault.byValue(ANTHROPIC)!;
    expect(all.filter((text) => text.includes(anthropic.dummy))).toHaveLength(2);
    const restored = await restoreFolder(deps);
    expect(restored).toMatchObject({ restored: ['.env', 'packages/web/.env.local'], merged: [], failed: [] });
    expect(workspace.untouched()).toBe(true);
    expect(vault.secrets).toEqual([]);
  });

  it('keep mode and symlink, and follow the link to its file', async () => {
    workspace = new TestWorkspace({ 'config/real.env': `STRIPE_SECRET_KEY=sk_test_51AbCdEfGhIjKlMnOpQrStUvWx\n` });
    chmodSync(workspace.file('config/real.env'), 0o640);
    symlinkSync('config/real.env', workspace.file('.env'));
    const { deps } = await protectAll();
    expect(lstatSync(workspace.file('.env')).isSymbolicLink()).toBe(true);
    expect(statSync(workspace.file('config/real.env')).mode & 0o777).toBe(0o640);
    expect(workspace.read('config/real.env')).not.toContain('51AbCdEfGhIjKlMnOpQrStUvWx');
    await restoreFolder(deps);
    expect(workspace.read('config/real.env')).toContain('51AbCdEfGhIjKlMnOpQrStUvWx');
    expect(lstatSync(workspace.file('.env')).isSymbolicLink()).toBe(true);
  });

  it('leave alone what leads out of the folder', async () => {
    workspace = new TestWorkspace({});
    const outside = path.join(workspace.base, 'outside.env');
    writeFileSync(outside, FILES['.env']!);
    symlinkSync(outside, workspace.file('.env'));
    const { scan } = await protectAll();
    expect(scan.skipped[0]?.file).toBe('.env');
    expect(readFileSync(outside, 'utf8')).toBe(FILES['.env']);
  });

  it('keep edits that were made while protected', async () => {
    workspace = new TestWorkspace();
    const { deps } = await protectAll();
    workspace.write('.env', `${readFileSync(workspace.file('.env'), 'utf8')}ADDED=later\n`);
    const report = await restoreFolder(deps);
    expect(report.merged).toEqual(['.env']);
    expect(readFileSync(workspace.file('.env'), 'utf8')).toBe(`${FILES['.env']!}ADDED=later\n`);
  });

  it('follow a dummy into another env file, and a renamed one', async () => {
    workspace = new TestWorkspace();
    const { deps } = await protectAll();
    workspace.write('.env.copy', readFileSync(workspace.file('.env')));
    renameSync(workspace.file('packages/web/.env.local'), workspace.file('packages/web/.env.production'));
    const report = await restoreFolder(deps);
    expect(report.failed).toEqual([]);
    expect(readFileSync(workspace.file('.env.copy'), 'utf8')).toBe(FILES['.env']);
    expect(readFileSync(workspace.file('packages/web/.env.production'), 'utf8')).toBe(FILES['packages/web/.env.local']);
  });

  it('keep the values of a deleted file in the vault', async () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const { deps, state } = await protectAll();
    rmSync(workspace.file('.env'));
    const report = await restoreFolder(deps);
    expect(report.failed).toMatchObject([{ file: '.env' }]);
    expect((await Vault.open(state)).byValue(GITHUB)).toBeDefined();
  });

  it('keep a value whose dummy is gone from its file, say so, and give it back when the dummy is', async () => {
    workspace = new TestWorkspace({ '.env': `A_TOKEN=${GITHUB}\nANTHROPIC_API_KEY=${ANTHROPIC}\n` });
    const { deps, state, vault } = await protectAll();
    const [first, second] = workspace.read('.env').split('\n');
    workspace.write('.env', `${first!}\n`);
    const report = await restoreFolder(deps);
    expect(report).toMatchObject({ merged: ['.env'], failed: [{ file: '.env' }] });
    // The way back is named, by the dummy.
    expect(report.failed[0]?.reason).toContain(second);
    expect(workspace.read('.env')).toBe(`A_TOKEN=${GITHUB}\n`);
    expect((await Vault.open(state)).byValue(ANTHROPIC)).toBeDefined();
    // What was given back is not kept.
    expect(vault.byValue(GITHUB)).toBeUndefined();
    // Again, with nothing to do: still there.
    expect((await restoreFolder(deps)).failed).toHaveLength(1);
    workspace.write('.env', `A_TOKEN=${GITHUB}\n${second!}\n`);
    expect(await restoreFolder(deps)).toMatchObject({ restored: ['.env'], failed: [] });
    expect(workspace.read('.env')).toBe(`A_TOKEN=${GITHUB}\nANTHROPIC_API_KEY=${ANTHROPIC}\n`);
    expect(readFileSync(state.vault, 'utf8')).toBe('');
  });

  it('keep every value of a file that was truncated', async () => {
    workspace = new TestWorkspace();
    const { deps, state } = await protectAll();
    workspace.write('.env', 'FOO=1\n');
    workspace.write('packages/web/.env.local', '');
    const { failed } = await restoreFolder(deps);
    expect(failed.map(({ file }) => file)).toEqual(['.env', 'packages/web/.env.local']);
    expect(JSON.stringify(failed)).not.toMatch(new RegExp(`${ANTHROPIC}|${GITHUB}`));
    const again = await Vault.open(state);
    expect(again.byValue(ANTHROPIC)).toBeDefined();
    expect(again.byValue(GITHUB)).toBeDefined();
  });

  it('let a value go that stands in the file again by the hand of the user', async () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const { deps, state } = await protectAll();
    workspace.write('.env', `GITHUB_TOKEN=${GITHUB}\n`);
    expect((await restoreFolder(deps)).failed).toEqual([]);
    expect((await Vault.open(state)).secrets).toEqual([]);
  });

  it('write nothing through a link that leads out of the folder since', async () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const { deps, state } = await protectAll();
    const outside = path.join(workspace.base, 'outside');
    renameSync(workspace.file('.env'), outside);
    symlinkSync(outside, workspace.file('.env'));
    expect((await restoreFolder(deps)).failed).toMatchObject([{ file: '.env' }]);
    expect(readFileSync(outside, 'utf8')).not.toContain(GITHUB);
    expect((await Vault.open(state)).byValue(GITHUB)).toBeDefined();
  });

  it('take a file that has two names once', async () => {
    workspace = new TestWorkspace({ '.env.local': `GITHUB_TOKEN=${GITHUB}\n` });
    symlinkSync('.env.local', workspace.file('.env'));
    const { scan, report, deps } = await protectAll();
    expect(scan.files).toEqual(['.env.local']);
    expect(report).toMatchObject({ swapped: [{ name: 'GITHUB_TOKEN', file: '.env.local' }], refused: [] });
    await restoreFolder(deps);
    expect(workspace.read('.env')).toBe(`GITHUB_TOKEN=${GITHUB}\n`);
  });

  it('never take the dummy of another process for a secret', async () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const first = await open();
    // Both look, then both swap; the file holds what the other one wrote when it is looked at again.
    const second = await open();
    const before = await second.protector.scan();
    await first.protector.scan();
    await first.protector.protect(before.values.map(({ id }) => id));
    const rescan = await second.protector.scan();
    expect(rescan.values).toEqual([]);
    expect(second.vault.secrets).toHaveLength(1);
    // A scan from before the other one's swap, on bytes that happen to be the same as now.
    const stale = await open();
    rmSync(stale.state.vault);
    const blind = new Protector({ ...stale.deps, vault: await Vault.open(stale.state) });
    const offered = await blind.scan();
    expect(offered.values.length).toBeGreaterThan(0);
    writeFileSync(
      stale.state.vault,
      second.vault.secrets.map((secret) => `${JSON.stringify({ op: 'secret', ...secret })}\n`).join(''),
      { mode: 0o600 },
    );
    const report = await blind.protect(offered.values.map(({ id }) => id));
    expect(report.swapped).toEqual([]);
    expect(report.refused[0]?.reason).toMatch(/dummy already/);
  });

  it('take a value typed over a dummy as a new secret', async () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const { vault, deps } = await protectAll();
    const next = `${GITHUB.slice(0, -1)}3`;
    workspace.write('.env', `GITHUB_TOKEN=${next}\n`);
    const again = new Protector(deps);
    const scan = await again.scan();
    expect(scan.values).toHaveLength(1);
    await again.protect(scan.values.map(({ id }) => id));
    expect(vault.byValue(next)).toBeDefined();
    await restoreFolder(deps);
    expect(workspace.read('.env')).toBe(`GITHUB_TOKEN=${next}\n`);
    // The old one stands nowhere else: it is not thrown away unasked.
    expect(vault.secrets.map(({ value }) => value)).toEqual([GITHUB]);
  });

  it('refuse a file that changed since the scan', async () => {
    workspace = new TestWorkspace();
    const { protector } = await open();
    const scan = await protector.scan();
    workspace.write('.env', 'OTHER=1\n');
    const report = await protector.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
    expect(report.refused.map(({ file }) => file)).toContain('.env');
    expect(workspace.read('.env')).toBe('OTHER=1\n');
  });

  it('leave a read-only file alone and say so', async () => {
    workspace = new TestWorkspace();
    // Root may write everything: then the swap is done by somebody else, whom all of it belongs to.
    const asRoot = process.getuid?.() === 0;
    mkdirSync(workspace.stateRoot, { recursive: true });
    chmodSync(workspace.base, 0o755);
    if (asRoot) execFileSync('chown', ['-R', '65534:65534', workspace.folder, workspace.stateRoot]);
    chmodSync(workspace.file('.env'), 0o400);
    const script = await bundle('crashingProtect');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [script.script, 'protect', workspace.folder, workspace.stateRoot, '0'],
      { encoding: 'utf8', cwd: '/', ...(asRoot ? { uid: 65534, gid: 65534 } : {}) },
    );
    script.remove();
    expect(stderr).toBe('');
    expect(stdout).toMatch(/refused \.env: \.env cannot be written/);
    expect(readFileSync(workspace.file('.env'), 'utf8')).toBe(FILES['.env']);
    expect(workspace.read('packages/web/.env.local')).not.toContain(GITHUB);
  });

  it('untick what git tracks, and list the copies in files and in history', async () => {
    workspace = new TestWorkspace();
    workspace.git('init', '-q');
    workspace.write('notes.txt', `the key is ${ANTHROPIC}`);
    workspace.git('add', 'packages', 'notes.txt');
    workspace.git('commit', '-qm', 'oops');
    const { scan, report } = await protectAll();
    expect(scan.values.filter(({ file }) => file === 'packages/web/.env.local').every(({ ticked }) => !ticked)).toBe(
      true,
    );
    expect(report.copies.map(({ where }) => where).sort()).toEqual([
      expect.stringMatching(/^git history, commit [0-9a-f]+$/),
      'notes.txt',
      'packages/web/.env.local',
    ]);
    expect(JSON.stringify(report)).not.toContain(ANTHROPIC);
  });

  it('take agent keys of the environment in', async () => {
    workspace = new TestWorkspace({});
    const { vault, report } = await protectAll({
      ANTHROPIC_API_KEY: ANTHROPIC,
      HOME: '/home/me',
      SECRET_SAUCE: 'ordinary',
    });
    expect(report.swapped).toEqual([{ name: 'ANTHROPIC_API_KEY', file: 'environment' }]);
    expect(vault.secrets).toMatchObject([
      { name: 'ANTHROPIC_API_KEY', fromEnvironment: true, hosts: ['api.anthropic.com'] },
    ]);
  });

  it('take AWS keys in, which requests are signed with; their ids stay', async () => {
    const id = ['AKIA', 'QWERTYUI2345ASDF'].join('');
    const key = (seed: string) => ['r34lS3cretAcc3ss', `K3y+${seed}0123456`, '789abcdefgh'].join('/');
    workspace = new TestWorkspace({
      '.env': `AWS_ACCESS_KEY_ID=${id}\nAWS_SECRET_ACCESS_KEY=${key('a')}\nR2_SECRET_ACCESS_KEY=${key('b')}\n`,
    });
    const { vault } = await protectAll({ AWS_ACCESS_KEY_ID: id, DEV_AWS_SECRET_ACCESS_KEY: key('c') });
    expect(workspace.read('.env')).toContain(`AWS_ACCESS_KEY_ID=${id}\n`);
    expect(workspace.read('.env')).not.toContain('r34lS3cret');
    const bound = vault.secrets.map(({ name, hosts, in: places }) => `${name} ${hosts[0]!} ${places.join(' ')}`);
    expect(bound.sort()).toEqual([
      'AWS_SECRET_ACCESS_KEY *.amazonaws.com aws4',
      'DEV_AWS_SECRET_ACCESS_KEY *.amazonaws.com aws4',
      'R2_SECRET_ACCESS_KEY *.r2.cloudflarestorage.com aws4',
    ]);
  });

  it('warn about what reads the file itself', async () => {
    workspace = new TestWorkspace({
      '.env': 'A=1\n',
      'compose.yaml': 'services:\n  web:\n    env_file: .env\n',
      'package.json': '{"scripts":{"deploy":"wrangler secret bulk .env"}}',
    });
    const { protector } = await open();
    const { warnings } = await protector.scan();
    expect(warnings.join()).toMatch(/compose\.yaml[^]*wrangler/);
  });
});

describe('the vault', () => {
  it('is for the user alone, outside the workspace', async () => {
    workspace = new TestWorkspace();
    const { state } = await protectAll();
    expect(statSync(state.vault).mode & 0o777).toBe(0o600);
    expect(statSync(state.directory).mode & 0o777).toBe(0o700);
    expect(state.directory.startsWith(workspace.folder)).toBe(false);
  });

  it('is shared: what one process protected another restores', async () => {
    workspace = new TestWorkspace();
    await protectAll();
    const { deps } = await open();
    await restoreFolder(deps);
    expect(workspace.untouched()).toBe(true);
  });

  it('leaves a key of the environment real that could never be put back', async () => {
    workspace = new TestWorkspace({});
    // One header holds its id and its token: no place that a value is put into.
    const token = ['pscale', 'tkn', 'AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0AbCdE'].join('_');
    const { protector } = await open({ PLANETSCALE_SERVICE_TOKEN: token });
    const { values } = await protector.scan();
    expect(values.filter(({ file }) => file === undefined)).toMatchObject([
      { name: 'PLANETSCALE_SERVICE_TOKEN', ticked: false, reason: expect.stringContaining('not put back') as string },
    ]);
  });

  it('survives a torn last line, and refuses a damaged one', async () => {
    workspace = new TestWorkspace();
    const { state } = await protectAll();
    const text = readFileSync(state.vault, 'utf8');
    writeFileSync(state.vault, `${text}{"op":"secr`);
    const { deps } = await open();
    await restoreFolder(deps);
    expect(workspace.untouched()).toBe(true);
    writeFileSync(state.vault, `garbage\n${text}`);
    await expect(Vault.open(state)).rejects.toThrow(/damaged/);
    expect(readFileSync(state.vault, 'utf8')).toBe(`garbage\n${text}`);
  });

  it('makes a new file durable with the name it has in its folder', async () => {
    workspace = new TestWorkspace({});
    const operations: string[] = [];
    const log = new JsonLog<number>(path.join(workspace.base, 'new.jsonl'), {
      fault: (operation) => void operations.push(operation),
    });
    await log.append(1);
    expect(operations).toEqual(['log-open', 'log-write', 'log-sync', 'log-sync-folder']);
    operations.length = 0;
    await log.append(2);
    expect(operations).not.toContain('log-sync-folder');
    expect(await log.read()).toEqual([1, 2]);
  });

  it('leaves no temporary files behind', async () => {
    workspace = new TestWorkspace();
    const { deps, state } = await protectAll();
    await restoreFolder(deps);
    mkdirSync(workspace.file('empty'));
    expect(readdirSync(workspace.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(readdirSync(state.directory).filter((name) => name.endsWith('.tmp') || name.endsWith('.lock'))).toEqual([]);
  });
});

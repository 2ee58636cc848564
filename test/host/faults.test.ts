// A disk that is full, read-only or failing, at each single operation and from there on: nothing is lost, and it is said in
// words. And the order of writes and syncs, which is what a power cut leaves.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultHook } from '../../src/files/atomicFile';
import { Protector } from '../../src/host/protect';
import { makeRecoveryCode } from '../../src/host/recoveryCode';
import { restoreFolder } from '../../src/host/restore';
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import { exportVault } from '../../src/host/vaultExport';
import { bundle } from '../support/bundle';
import { PASSPHRASE, vaultAction } from '../support/vaultActions';
import { byCode, openVault, protectTicked, restoreAll } from '../support/vaults';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

const restoreScript = path.join(import.meta.dirname, '../../dist/restore.mjs');
const VALUES = new RegExp(`${ANTHROPIC}|${GITHUB}`);
const code = makeRecoveryCode();
const NEW = GITHUB.replace('Z9y8', 'New1');

const workspaces: TestWorkspace[] = [];
afterEach(() => {
  for (const workspace of workspaces.splice(0)) workspace.remove();
});

function make(files?: Readonly<Record<string, string>>): TestWorkspace {
  const workspace = new TestWorkspace(files);
  workspaces.push(workspace);
  return workspace;
}

/** Fails at the n-th operation, or from it on. */
class FailingDisk {
  operations: string[] = [];
  readonly fault: FaultHook = (operation) => {
    this.operations.push(operation);
    const count = this.operations.length;
    if (count === this.at || (this.lasting && count > this.at))
      throw Object.assign(new Error(`${this.code}: a fault of the tests`), { code: this.code });
  };

  constructor(
    private readonly at: number,
    private readonly code: string,
    private readonly lasting: boolean,
  ) {}
}

async function act(what: string, workspace: TestWorkspace, given: string, fault: FaultHook): Promise<string[]> {
  const state = await openStateFolder(workspace.folder, workspace.stateRoot);
  const vault = await Vault.open(state, fault, byCode(code));
  const deps = { folder: state.folder, vault, environment: {}, restoreScript, fault };
  if (what === 'restore') return (await restoreFolder(deps)).failed.map(({ reason }) => reason);
  if (what !== 'protect') {
    await vaultAction(what, state.folder, vault, given, fault);
    return [];
  }
  const protector = new Protector(deps);
  const scan = await protector.scan();
  const before = new Map(scan.files.map((file) => [file, readFileSync(workspace.file(file), 'utf8')]));
  const report = await protector.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  // What is reported is what is.
  for (const { file } of report.refused) expect(readFileSync(workspace.file(file!), 'utf8')).toBe(before.get(file!));
  for (const { file } of report.swapped) expect(readFileSync(workspace.file(file), 'utf8')).not.toBe(before.get(file));
  return report.refused.map(({ reason }) => reason);
}

/** What a person is told: which file, what it means, what to do. */
function expectWords(message: string, errno: string): void {
  expect(message).not.toMatch(VALUES);
  expect(message).toContain(`(${errno})`);
  expect(message).toMatch(/[Nn]othing was changed/);
  expect(message).toMatch(/try again/);
}

const ONCE = ['ENOSPC', false] as const;
const FULL = ['ENOSPC', true] as const;
const EVERY = [ONCE, FULL, ['EROFS', true], ['EIO', false]] as const;

describe.each([
  ['protect', 20, EVERY],
  ['restore', 15, EVERY],
  ['encrypt', 5, [ONCE, FULL]],
  ['decrypt', 5, [FULL]],
  ['rotate', 5, [ONCE, FULL]],
  ['import', 5, [FULL]],
  ['export', 5, [FULL]],
] as const)('%s', (what, least, faults) => {
  it.each(faults)(
    'with %s at every operation (lasting: %s) loses nothing',
    async (errno, lasting) => {
      let done = false;
      let tried = 0;
      for (let at = 1; !done; at++) {
        const workspace = make();
        const file = path.join(workspace.base, 'x.export');
        if (what !== 'protect') {
          const opened = await openVault(workspace);
          await protectTicked(opened);
          if (what === 'decrypt') await opened.vault.prepareEncryption(code).confirm(code);
          if (what === 'import') {
            await exportVault(opened.deps, file, PASSPHRASE);
            rmSync(opened.state.vault);
          }
        }
        const disk = new FailingDisk(at, errno, lasting);
        const given = { encrypt: code, rotate: NEW, import: file, export: file }[what as string] ?? '';
        const said = await act(what, workspace, given, disk.fault).catch((error: unknown) => [
          (error as Error).message,
        ]);
        done = disk.operations.length < at;
        tried++;
        // A folder that could not be synced, or a last record that the next settle adds, is no failure of the whole.
        for (const message of said) expectWords(message, errno);
        if (done) expect(said).toEqual([]);
        // The disk is well again.
        const after = await openVault(workspace, byCode(code));
        if (what === 'import' && after.vault.secrets.length === 0) await act(what, workspace, file, () => undefined);
        const rotated = (await openVault(workspace, byCode(code))).vault.byValue(NEW) !== undefined;
        await restoreAll(await openVault(workspace, byCode(code)));
        for (const [name, content] of Object.entries(FILES))
          expect(readFileSync(workspace.file(name), 'utf8')).toBe(rotated ? content.replace(GITHUB, NEW) : content);
        expect(readdirSync(workspace.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
        expect(readdirSync(after.state.directory).filter((name) => /\.(?:tmp|lock)/.test(name))).toEqual([]);
        workspaces.splice(0).forEach((old) => old.remove());
      }
      expect(tried).toBeGreaterThan(least);
    },
    240_000,
  );
});

describe('the order of writes, for a power cut', () => {
  it('value, read back, journal, file, journal: each durable before the next', async () => {
    const workspace = make({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const disk = new FailingDisk(0, '', false);
    await act('protect', workspace, '', disk.fault);
    const whole = ['create', 'write', 'sync', 'rename', 'sync-folder'];
    const line = ['log-open', 'log-write', 'log-sync'];
    // The vault is a new file: its name is synced as well. Then the way back, and only then the file of the user.
    const expected = [...line, 'log-sync-folder', ...whole, ...whole, ...line, ...whole, ...line];
    expect(disk.operations).toEqual(expected);
    const restoring = new FailingDisk(0, '', false);
    await act('restore', workspace, '', restoring.fault);
    // giving · the file · restored · the vault without it.
    expect(restoring.operations).toEqual([...line, ...whole, ...line, ...whole]);
  });
});

const asRoot = process.getuid?.() === 0 && process.platform === 'linux';

/** A file system of its own; undefined where this machine does not let us mount. */
function mount(directory: string, options: string): (() => void) | undefined {
  mkdirSync(directory, { recursive: true });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]).status !== 0) return undefined;
  return () => void execFileSync('umount', [directory]);
}

function fill(directory: string): () => void {
  const filler = path.join(directory, 'filler');
  for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Smaller pieces.
    }
  }
  return () => rmSync(filler);
}

describe.runIf(asRoot)('a real file system', () => {
  it('that is full under the vault: nothing is swapped, and it is said', async ({ skip }) => {
    const workspace = make();
    const umount = mount(workspace.xdg, 'size=512k');
    if (!umount) skip('mounting is not allowed here');
    try {
      await openVault(workspace);
      const free = fill(workspace.xdg);
      const said = await act('protect', workspace, '', () => undefined).catch((error: unknown) => [
        (error as Error).message,
      ]);
      expect(said.length).toBeGreaterThan(0);
      for (const message of said) expectWords(message, 'ENOSPC');
      expect(workspace.untouched()).toBe(true);
      free();
      expect(await act('protect', workspace, '', () => undefined)).toEqual([]);
      const full = fill(workspace.xdg);
      // Also the way back needs a line in the journal first.
      await act('restore', workspace, '', () => undefined).catch(() => undefined);
      full();
      await restoreAll(await openVault(workspace));
      expect(workspace.untouched()).toBe(true);
    } finally {
      umount!();
    }
  });

  it('that is full under the workspace: the file stays, the values stay, and later everything comes back', async ({
    skip,
  }) => {
    const workspace = make();
    const umount = mount(workspace.folder, 'size=256k');
    if (!umount) skip('mounting is not allowed here');
    try {
      for (const [name, content] of Object.entries(FILES)) workspace.write(name, content);
      let free = fill(workspace.folder);
      const refused = await act('protect', workspace, '', () => undefined);
      expect(refused.length).toBeGreaterThan(0);
      for (const message of refused) expectWords(message, 'ENOSPC');
      expect(workspace.untouched()).toBe(true);
      free();
      expect(await act('protect', workspace, '', () => undefined)).toEqual([]);
      free = fill(workspace.folder);
      const failed = await act('restore', workspace, '', () => undefined);
      expect(failed.length).toBeGreaterThan(0);
      for (const message of failed) expectWords(message, 'ENOSPC');
      expect((await openVault(workspace)).vault.byValue(ANTHROPIC)).toBeDefined();
      free();
      await restoreAll(await openVault(workspace));
      expect(workspace.untouched()).toBe(true);
    } finally {
      umount!();
    }
  });

  it('that became read-only: refused in words, and given back when it is writable again', async ({ skip }) => {
    const workspace = make();
    const umount = mount(workspace.folder, 'size=1m');
    if (!umount) skip('mounting is not allowed here');
    const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, workspace.folder]);
    try {
      for (const [name, content] of Object.entries(FILES)) workspace.write(name, content);
      remount('ro');
      const refused = await act('protect', workspace, '', () => undefined);
      for (const message of refused) expectWords(message, 'EROFS');
      expect(refused.length).toBeGreaterThan(0);
      remount('rw');
      expect(await act('protect', workspace, '', () => undefined)).toEqual([]);
      remount('ro');
      const failed = await act('restore', workspace, '', () => undefined);
      for (const message of failed) expectWords(message, 'EROFS');
      expect(failed).toHaveLength(2);
      remount('rw');
      await restoreAll(await openVault(workspace));
      expect(workspace.untouched()).toBe(true);
    } finally {
      umount!();
    }
  });

  it('where another user may not write, neither the vault nor the folder: refused in words', async () => {
    const workspace = make();
    const script = await bundle('crashingProtect');
    chmodSync(workspace.base, 0o755);
    mkdirSync(workspace.stateRoot, { recursive: true });
    const run = () =>
      spawnSync(process.execPath, [script.script, 'protect', workspace.folder, workspace.stateRoot, '0'], {
        encoding: 'utf8',
        cwd: '/',
        uid: 65534,
        gid: 65534,
      });
    const noState = run();
    expect(noState.stdout + noState.stderr).toMatch(
      /cannot be written \(EACCES\)\. Nothing was changed; give yourself/,
    );
    // A state folder of one's own, a workspace of somebody else.
    execFileSync('chown', ['-R', '65534:65534', workspace.stateRoot]);
    const noFolder = run();
    expect(noFolder.stdout).toMatch(/refused \.env: \.env cannot be written \(EACCES\)/);
    expect(workspace.untouched()).toBe(true);
    script.remove();
  });
});

describe('large folders', () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      i % 100 === 0 ? `K${i}_TOKEN=${GITHUB.replace('Z9y8', String(1000 + i / 100))}` : `SETTING_${i}="value ${i}"`,
    ).join('\r\n');

  it.each([
    ['10,000 lines', lines(10_000)],
    ['5 MB', `${lines(10_000)}\n#${'x'.repeat(5 * 1024 * 1024)}`],
  ])(
    'a file of %s takes as many file operations as a small one',
    async (_, content) => {
      const small = make({ '.env': lines(200) });
      const disk = new FailingDisk(0, '', false);
      await act('protect', small, '', disk.fault);
      const large = make({ '.env': content });
      const other = new FailingDisk(0, '', false);
      await act('protect', large, '', other.fault);
      expect(other.operations).toEqual(disk.operations);
      expect(large.read('.env')).not.toMatch(/ghp_1000y/);
      expect(statSync(large.file('.env')).size).toBe(content.length);
      await restoreAll(await openVault(large));
      expect(large.read('.env') === content).toBe(true);
    },
    60_000,
  );

  it('a monorepo with links between its packages: each file once, each link a link', async () => {
    const workspace = make({ 'apps/api/.env': `GITHUB_TOKEN=${GITHUB}\n`, 'apps/web/package.json': '{}' });
    execFileSync('ln', ['-s', '../api/.env', workspace.file('apps/web/.env')]);
    execFileSync('ln', ['-s', 'apps', workspace.file('packages')]);
    execFileSync('ln', ['-s', '..', workspace.file('apps/loop')]);
    cpSync(workspace.file('apps/api/.env'), workspace.file('.env'));
    const opened = await openVault(workspace);
    await protectTicked(opened);
    expect(opened.vault.files.map(({ file }) => file).sort()).toEqual(['.env', 'apps/api/.env']);
    expect(workspace.read('apps/web/.env')).toBe(workspace.read('.env'));
    expect(workspace.read('.env')).not.toContain(GITHUB);
    await restoreAll(opened);
    expect(workspace.read('apps/web/.env')).toBe(`GITHUB_TOKEN=${GITHUB}\n`);
  });
});

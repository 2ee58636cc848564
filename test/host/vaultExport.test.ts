// A vault taken to another machine: another state folder and another path, the same repository contents.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeRecoveryCode } from '../../src/host/recoveryCode';
import { rotateSecret } from '../../src/host/rotate';
import { ExportError, exportVault, importVault } from '../../src/host/vaultExport';
import { type Bundle, bundle } from '../support/bundle';
import { PASSPHRASE } from '../support/vaultActions';
import { byCode, openVault, protectTicked, restoreAll } from '../support/vaults';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

const workspaces: TestWorkspace[] = [];
afterEach(() => {
  for (const workspace of workspaces.splice(0)) workspace.remove();
});

function make(files?: Readonly<Record<string, string>>): TestWorkspace {
  const workspace = new TestWorkspace(files);
  workspaces.push(workspace);
  return workspace;
}

/** A protected folder, its export, and its contents on another machine. */
async function exported() {
  const workspace = make();
  const here = await openVault(workspace);
  await protectTicked(here);
  const file = path.join(workspace.base, 'vault.export');
  await exportVault(here.deps, file, PASSPHRASE);
  return { workspace, here, file };
}

function elsewhere(workspace: TestWorkspace): TestWorkspace {
  const other = make({});
  cpSync(workspace.folder, other.folder, { recursive: true });
  return other;
}

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => {
      expect(error).toBeInstanceOf(ExportError);
      expect((error as Error).message).toMatch(/Nothing was (?:changed|written)|nothing was written/);
      expect((error as Error).message).not.toContain(PASSPHRASE);
      return (error as ExportError).reason;
    },
  );

describe('an export', () => {
  it('holds nothing readable, is for the user alone, and overwrites nothing', async () => {
    const { file, here } = await exported();
    const text = readFileSync(file, 'utf8');
    expect(text).not.toMatch(new RegExp(`${ANTHROPIC}|${GITHUB}|ANTHROPIC|env`));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await reasonOf(exportVault(here.deps, file, PASSPHRASE))).toBe('exists');
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(await reasonOf(exportVault(here.deps, `${file}.2`, 'short'))).toBe('weak-passphrase');
    expect(existsSync(`${file}.2`)).toBe(false);
  });

  it('restores the same contents on another machine, from a plain and into an encrypted vault', async () => {
    const { workspace, file } = await exported();
    const other = elsewhere(workspace);
    expect(other.untouched()).toBe(false);
    const code = makeRecoveryCode();
    const there = await openVault(other, byCode(code));
    await there.vault.prepareEncryption(code).confirm(code);
    const report = await importVault(there.deps, file, PASSPHRASE);
    expect(report).toEqual({
      added: ['ANTHROPIC_API_KEY', 'GITHUB_TOKEN'],
      known: 0,
      renamed: [],
      refused: [],
      files: ['.env', 'packages/web/.env.local'],
    });
    // Again: nothing to add, and nothing is written.
    const before = readFileSync(there.state.vault);
    expect(await importVault(there.deps, file, PASSPHRASE)).toMatchObject({ added: [], known: 2, files: [] });
    expect(readFileSync(there.state.vault).equals(before)).toBe(true);
    await restoreAll(await openVault(other, byCode(code)));
    expect(other.untouched()).toBe(true);
  });

  it('is added to what is there: the same name with another value is kept beside, and said', async () => {
    const { file } = await exported();
    const mine = GITHUB.replace('Z9y8', 'Mine');
    const other = make({ '.env': `GITHUB_TOKEN=${mine}\n` });
    const there = await openVault(other);
    await protectTicked(there);
    const report = await importVault(there.deps, file, PASSPHRASE);
    expect(report.renamed).toEqual([{ name: 'GITHUB_TOKEN', as: 'GITHUB_TOKEN_2' }]);
    expect(there.vault.secrets.find(({ name }) => name === 'GITHUB_TOKEN')?.value).toBe(mine);
    expect(there.vault.byValue(GITHUB)?.name).toBe('GITHUB_TOKEN_2');
  });

  it('knows both dummies where both machines had protected the same value', async () => {
    const { workspace, file } = await exported();
    const other = make();
    const there = await openVault(other);
    await protectTicked(there);
    await importVault(there.deps, file, PASSPHRASE);
    // A file of the first machine comes over: its dummies are others.
    mkdirSync(other.file('theirs'));
    cpSync(workspace.file('.env'), other.file('theirs/.env'));
    await restoreAll(there);
    expect(other.untouched()).toBe(true);
    expect(readFileSync(other.file('theirs/.env'), 'utf8')).toBe(FILES['.env']);
  });

  it('does not overwrite the value of a dummy that was rotated on one side', async () => {
    const { workspace, file } = await exported();
    const other = elsewhere(workspace);
    const there = await openVault(other);
    await importVault(there.deps, file, PASSPHRASE);
    const rotated = GITHUB.replace('Z9y8', 'Rot8');
    await rotateSecret(there.deps, 'GITHUB_TOKEN', rotated, 'leaked', new Date(0));
    const report = await importVault(there.deps, file, PASSPHRASE);
    expect(report.refused.map(({ name }) => name)).toEqual(['GITHUB_TOKEN']);
    expect(report.refused[0]!.reason).not.toContain(GITHUB);
    expect(there.vault.secrets.find(({ name }) => name === 'GITHUB_TOKEN')?.value).toBe(rotated);
    await restoreAll(there);
    expect(other.read('packages/web/.env.local')).toContain(rotated);
  });

  it('says what to do where the dummies were taken for secrets and swapped again', async () => {
    const { workspace, file } = await exported();
    const other = elsewhere(workspace);
    const there = await openVault(other);
    await protectTicked(there);
    const report = await importVault(there.deps, file, PASSPHRASE);
    expect(report.refused.map(({ reason }) => reason).join()).toMatch(/Restore this folder first/);
    await restoreAll(there);
    expect(await importVault(there.deps, file, PASSPHRASE)).toMatchObject({ refused: [] });
    await restoreAll(there);
    expect(other.untouched()).toBe(true);
  });

  it('that is damaged, foreign or opened with another passphrase changes nothing', async () => {
    const { file } = await exported();
    const other = make();
    const there = await openVault(other);
    await protectTicked(there);
    const before = readFileSync(there.state.vault);
    const text = readFileSync(file, 'utf8');
    const tried = path.join(other.base, 'tried');
    const cases: readonly (readonly [string, string])[] = [
      [text.slice(0, -40), 'not-an-export'],
      ['{}', 'not-an-export'],
      ['', 'not-an-export'],
      [text.replace(/"n":\d+/, '"n":1099511627776'), 'not-an-export'],
      [text.replace('"version":1', '"version":9'), 'newer'],
      [text.replace(/(.)"\}\n$/, (_, last: string) => `${last === 'A' ? 'B' : 'A'}"}\n`), 'wrong-passphrase'],
      [text.replace(/"salt":"./, '"salt":"_'), 'wrong-passphrase'],
    ];
    for (const [content, reason] of cases) {
      writeFileSync(tried, content);
      expect(await reasonOf(importVault(there.deps, tried, PASSPHRASE))).toBe(reason);
    }
    expect(await reasonOf(importVault(there.deps, file, `${PASSPHRASE}.`))).toBe('wrong-passphrase');
    expect(await reasonOf(importVault(there.deps, `${file}.nowhere`, PASSPHRASE))).toBe('missing');
    expect(readFileSync(there.state.vault).equals(before)).toBe(true);
    await restoreAll(there);
  });

  it('by the command line, with the passphrase in the environment and nobody to ask', () => {
    const workspace = make();
    const other = make({});
    const cli = path.join(import.meta.dirname, '../../dist/cli.js');
    const run = (at: TestWorkspace, args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
      spawnSync(process.execPath, [cli, ...args], {
        cwd: at.folder,
        env: { PATH: process.env['PATH'], HOME: at.base, XDG_STATE_HOME: at.xdg, ...environment },
        encoding: 'utf8',
        input: '',
      });
    run(workspace, ['protect', '--yes']);
    const file = path.join(workspace.base, 'x');
    const environment = { SANDBOX_AGENT_PASSPHRASE: PASSPHRASE };
    const alone = run(workspace, ['vault', 'export', file]);
    expect(alone.status).toBe(2);
    expect(alone.stderr).toMatch(/SANDBOX_AGENT_PASSPHRASE/);
    expect(run(workspace, ['vault', 'export'], environment).status).toBe(2);
    expect(run(workspace, ['vault', 'export', file], environment).status).toBe(0);
    cpSync(workspace.folder, other.folder, { recursive: true });
    const imported = run(other, ['vault', 'import', file, '.'], environment);
    expect(imported.stdout).toMatch(/2 secrets came in/);
    expect(imported.stdout + imported.stderr).not.toMatch(new RegExp(`${ANTHROPIC}|${GITHUB}`));
    expect(run(other, ['restore']).status).toBe(0);
    expect(other.untouched()).toBe(true);
  });
});

describe('killed', () => {
  let crashing: Bundle;
  beforeAll(async () => {
    crashing = await bundle('crashingVault');
  });
  afterAll(() => crashing.remove());

  it.each(['export', 'import'] as const)(
    'at every operation of %s, both vaults restore',
    async (what) => {
      let operations = 0;
      for (let at = 1; operations === 0; at++) {
        const workspace = make();
        const here = await openVault(workspace);
        await protectTicked(here);
        const file = path.join(workspace.base, 'x.export');
        if (what === 'import') await exportVault(here.deps, file, PASSPHRASE);
        const other = make({ 'own/.env': `GITHUB_TOKEN=${GITHUB.replace('Z9y8', 'Mine')}\n` });
        await protectTicked(await openVault(other));
        cpSync(workspace.folder, other.folder, { recursive: true });
        const target = what === 'import' ? other : workspace;
        const { stdout, stderr, signal } = spawnSync(
          process.execPath,
          [crashing.script, what, target.folder, target.stateRoot, String(at)],
          { encoding: 'utf8', env: { ...process.env, GIVEN: file } },
        );
        expect(stderr).toBe('');
        if (signal !== 'SIGKILL') operations = Number(/operations (\d+)/.exec(stdout)?.[1] ?? Number.NaN);
        // All of it or nothing of it; a second try completes it.
        if (what === 'export' && !existsSync(file)) await exportVault(here.deps, file, PASSPHRASE);
        const there = await openVault(other);
        expect([1, 3]).toContain(there.vault.secrets.length);
        await importVault(there.deps, file, PASSPHRASE);
        await restoreAll(there);
        await restoreAll(here);
        expect([workspace.untouched(), other.untouched()]).toEqual([true, true]);
        expect(other.read('own/.env')).toContain('Mine');
        expect(readdirSync(there.state.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      }
      expect(operations).toBeGreaterThanOrEqual(5);
    },
    120_000,
  );
});

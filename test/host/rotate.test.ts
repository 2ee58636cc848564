// Rotation: the new value behind the same dummy in every file and in the proxy's list, the old one revoked.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/core/secrets/redact';
import { FolderSession } from '../../src/host/folderSession';
import { RotateError, rotateSecret } from '../../src/host/rotate';
import { type Bundle, bundle } from '../support/bundle';
import { openVault, protectTicked, restoreAll } from '../support/vaults';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
afterEach(() => workspace.remove());

const NEW = GITHUB.replace('Z9y8', 'New1');
const REVOKED = 'GITHUB_TOKEN (revoked)';

async function protectedVault(files?: Readonly<Record<string, string>>) {
  workspace = new TestWorkspace(files);
  const opened = await openVault(workspace);
  await protectTicked(opened);
  const rotate = (value: string, name = 'GITHUB_TOKEN') =>
    rotateSecret(opened.deps, name, value, undefined, new Date(0));
  return { ...opened, rotate };
}

describe('rotate', () => {
  it('changes no file, gives the new value back, and keeps the old one as revoked', async () => {
    const { vault, rotate, deps, state } = await protectedVault();
    const file = 'packages/web/.env.local';
    const swapped = workspace.read(file);
    const { dummy } = vault.byValue(GITHUB)!;
    expect(await rotate(NEW)).toEqual({ name: 'GITHUB_TOKEN', revoked: REVOKED, files: [file] });
    expect(workspace.read(file)).toBe(swapped);
    const old = vault.byValue(GITHUB)!;
    expect(old).toMatchObject({ name: REVOKED, hosts: [], in: [], revoked: { of: 'GITHUB_TOKEN' } });
    expect(old.dummy).not.toBe(dummy);
    expect(Object.keys(FILES).some((name) => workspace.read(name).includes(old.dummy))).toBe(false);
    expect(vault.byValue(NEW)).toMatchObject({ name: 'GITHUB_TOKEN', dummy });
    expect(vault.byValue(NEW)?.hosts).toContain('api.github.com');
    expect(vault.inUse(GITHUB)?.name).toBe('GITHUB_TOKEN');
    // Both are taken out of what comes back.
    const redactor = createRedactor(vault.secrets);
    expect(redactor.text(`${GITHUB} ${NEW}`)).toBe(`${old.dummy} ${dummy}`);
    await restoreAll({ deps, state, vault });
    expect(readFileSync(workspace.file(file), 'utf8')).toBe(FILES[file]!.replace(GITHUB, NEW));
    expect(readFileSync(workspace.file('.env'), 'utf8')).toBe(FILES['.env']);
    // Still known after everything was given back.
    expect(vault.secrets.map(({ name }) => name)).toEqual([REVOKED]);
  });

  it('twice keeps both old values', async () => {
    const { vault, rotate } = await protectedVault();
    await rotate(NEW);
    await rotate(NEW.replace('New1', 'New2'));
    expect(vault.secrets.filter(({ revoked }) => revoked).map(({ value }) => value)).toEqual([GITHUB, NEW]);
    await expect(rotate(GITHUB)).rejects.toThrow(/value of GITHUB_TOKEN \(revoked\) already/);
  });

  it('follows the new value into a renamed file and an edited one', async () => {
    const { rotate, ...opened } = await protectedVault({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    await rotate(NEW);
    workspace.write('.env.copy', workspace.read('.env'));
    workspace.write('.env', `${workspace.read('.env')}ADDED=1\n`);
    await restoreAll(opened);
    expect(workspace.read('.env')).toBe(`GITHUB_TOKEN=${NEW}\nADDED=1\n`);
    expect(workspace.read('.env.copy')).toBe(`GITHUB_TOKEN=${NEW}\n`);
  });

  it('writes the new value as its place needs it, and restores exactly what is then read', async () => {
    const password = 'Xk4mQz7pLw9vRt2n';
    const files = {
      '.env': `GIT_URL=https://me:${password}@git.example.com/x\nSERVICE_PASSWORD='${password}'\n`,
    };
    const { rotate, vault, ...opened } = await protectedVault(files);
    const { name } = vault.byValue(password)!;
    await rotate('p@ss w0rd/#1$-Yz', name);
    await restoreAll({ ...opened, vault });
    expect(workspace.read('.env')).toBe(
      `GIT_URL=https://me:${encodeURIComponent('p@ss w0rd/#1$-Yz')}@git.example.com/x\nSERVICE_PASSWORD='p@ss w0rd/#1$-Yz'\n`,
    );
  });

  const refusals: readonly (readonly [string, string, string, RegExp])[] = [
    ['an unknown name', 'NOPE', NEW, /these are there: ANTHROPIC_API_KEY, GITHUB_TOKEN/],
    ['the same value', 'GITHUB_TOKEN', GITHUB, /the value that GITHUB_TOKEN has/],
    ['the value of another', 'GITHUB_TOKEN', ANTHROPIC, /the value of ANTHROPIC_API_KEY already/],
    ['a short value', 'GITHUB_TOKEN', 'Zq3', /shorter than 12/],
    ['a line end', 'GITHUB_TOKEN', `${NEW}\nX=1`, /line end/],
    ['spaces around', 'GITHUB_TOKEN', ` ${NEW}`, /space/],
    ['what the place would read in another way', 'GITHUB_TOKEN', 'abcdefgh #ijklmnop', /single quotes/],
    ['a quote', 'GITHUB_TOKEN', `"${NEW}`, /single quotes/],
  ];
  it.each(refusals)('refuses %s, and changes nothing', async (_, name, value, expected) => {
    const { rotate, state } = await protectedVault();
    const before = readFileSync(state.vault);
    const error = await rotate(value, name).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RotateError);
    expect((error as Error).message).toMatch(expected);
    expect((error as Error).message).toMatch(/Nothing was changed/);
    expect((error as Error).message).not.toContain(value);
    expect(readFileSync(state.vault).equals(before)).toBe(true);
  });

  it('refuses a dummy as the new value', async () => {
    const { rotate, vault } = await protectedVault();
    await expect(rotate(vault.byValue(ANTHROPIC)!.dummy)).rejects.toThrow(/holds a dummy/);
  });
});

describe('a session', () => {
  async function session(environment: NodeJS.ProcessEnv = {}) {
    const opened = new FolderSession({
      folder: workspace.folder,
      proxyScript: path.join(import.meta.dirname, '../../dist/proxy.js'),
      preloadScript: undefined,
      environment,
      stateRoot: workspace.stateRoot,
      home: workspace.base,
      what: 'a test',
    });
    await opened.open();
    return opened;
  }

  it('marks, shows the mark, rotates, and hands agents and commands the right one', async () => {
    workspace = new TestWorkspace({});
    const environment = { GITHUB_TOKEN: GITHUB };
    const folder = await session(environment);
    const scan = await folder.scan();
    await folder.protect(scan.values.map(({ id }) => id));
    await folder.vault.markForRotation('GITHUB_TOKEN', 'seen leaking');
    const [marked] = await folder.secrets();
    expect(marked).toMatchObject({ name: 'GITHUB_TOKEN', marked: { reason: 'seen leaking' } });
    const lines = (await folder.doctor()).map(({ what }) => what).join('\n');
    expect(lines).toMatch(/GITHUB_TOKEN is marked for rotation since \d{4}-\d\d-\d\d: seen leaking/);
    await folder.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
    expect(folder.state.kind).toBe('running');
    await folder.vault.rotate('GITHUB_TOKEN', NEW);
    const after = await folder.secrets();
    expect(after.map(({ name }) => name)).toEqual(['GITHUB_TOKEN']);
    expect(after[0]?.marked).toBeUndefined();
    // The shell that we were started from still has the old one.
    expect(folder.agentEnvironment('terminal')!['GITHUB_TOKEN']).toBe(marked!.dummy);
    expect((await folder.realEnvironment())['GITHUB_TOKEN']).toBe(NEW);
    expect(await folder.vault.status()).toMatchObject({ secrets: 1, revoked: 1 });
    await folder.stop();
    folder.dispose();
  });

  it('by the command line, from standard input', () => {
    workspace = new TestWorkspace();
    const cli = path.join(import.meta.dirname, '../../dist/cli.js');
    const run = (args: readonly string[], input = '') =>
      spawnSync(process.execPath, [cli, ...args], {
        cwd: workspace.folder,
        env: { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg },
        encoding: 'utf8',
        input,
      });
    run(['protect', '--yes']);
    expect(run(['rotate']).status).toBe(2);
    expect(run(['rotate', 'GITHUB_TOKEN', '--mark']).status).toBe(2);
    expect(run(['rotate', 'GITHUB_TOKEN']).stderr).toMatch(/No new value was given/);
    expect(run(['rotate', 'GITHUB_TOKEN', '--mark', '--reason', 'seen leaking']).status).toBe(0);
    expect(run(['doctor']).stdout).toMatch(/marked for rotation/);
    const done = run(['rotate', 'GITHUB_TOKEN', '.'], `${NEW}\n`);
    expect(done.status).toBe(0);
    expect(done.stdout + done.stderr).not.toMatch(new RegExp(`${NEW}|${GITHUB}`));
    expect(run(['restore']).status).toBe(0);
    expect(workspace.read('packages/web/.env.local')).toContain(`GITHUB_TOKEN=${NEW}\n`);
  });
});

describe('killed', () => {
  let crashing: Bundle;
  beforeAll(async () => {
    crashing = await bundle('crashingVault');
  });
  afterAll(() => crashing.remove());

  it('at every operation of rotate, the old or the new value comes back, and neither is lost', async () => {
    let operations = 0;
    const seen = new Set<boolean>();
    for (let at = 1; operations === 0; at++) {
      workspace = new TestWorkspace();
      const opened = await openVault(workspace);
      await protectTicked(opened);
      const { stdout, stderr, signal } = spawnSync(
        process.execPath,
        [crashing.script, 'rotate', workspace.folder, workspace.stateRoot, String(at)],
        { encoding: 'utf8', env: { ...process.env, GIVEN: NEW } },
      );
      expect(stderr).toBe('');
      if (signal !== 'SIGKILL') operations = Number(/operations (\d+)/.exec(stdout)?.[1] ?? Number.NaN);
      const after = await openVault(workspace);
      const rotated = after.vault.byValue(NEW) !== undefined;
      seen.add(rotated);
      expect(after.vault.byValue(GITHUB)).toBeDefined();
      await restoreAll(after);
      const text = readFileSync(workspace.file('packages/web/.env.local'), 'utf8');
      expect(text).toBe(FILES['packages/web/.env.local']!.replace(GITHUB, rotated ? NEW : GITHUB));
      if (operations === 0) rmSync(workspace.base, { recursive: true });
    }
    expect([...seen].sort()).toEqual([false, true]);
    expect(operations).toBeGreaterThanOrEqual(5);
  }, 120_000);
});

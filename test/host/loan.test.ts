// Restore for a while: real values in the files, the vault keeps them, and the same dummies come back: by the user's word, by the
// clock, by the end of the command, and after a kill by whoever opens the folder next.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { FolderSession } from '../../src/host/folderSession';
import { ownerNow } from '../../src/host/lock';
import { Protector } from '../../src/host/protect';
import { restoreFolder } from '../../src/host/restore';
import { openVault, protectTicked, restoreAll } from '../support/vaults';
import { sessionOf } from '../support/sessions';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

const dist = path.join(import.meta.dirname, '../../dist');
const sessions: FolderSession[] = [];
let workspace: TestWorkspace;
afterEach(() => {
  for (const session of sessions.splice(0)) session.dispose();
  workspace.remove();
});

async function open(): Promise<FolderSession> {
  const session = made();
  await session.open();
  return session;
}

function made(): FolderSession {
  const session = sessionOf(workspace);
  sessions.push(session);
  return session;
}

async function protectedSession(): Promise<FolderSession> {
  workspace = new TestWorkspace();
  const session = await open();
  const scan = await session.scan();
  await session.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  return session;
}

const texts = () => Object.keys(FILES).map((name) => workspace.read(name));

function cli(args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg };
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(dist, 'cli.js'), ...args], {
    cwd: workspace.folder,
    env,
    encoding: 'utf8',
    input: '',
  });
  return { status, stdout, all: stdout + stderr };
}

it('puts the same dummies back where they stood, and keeps what was edited meanwhile', async () => {
  const session = await protectedSession();
  const swapped = texts();
  expect((await session.lend(10)).failed).toEqual([]);
  expect(workspace.untouched()).toBe(true);
  expect(session.loan).toMatchObject({ own: true, files: Object.keys(FILES) });
  expect((await session.takeBack()).refused).toEqual([]);
  expect(texts()).toEqual(swapped);
  expect(session.loan).toBeUndefined();
  await session.lend(10);
  workspace.write('.env', `${FILES['.env']!}MORE=1\n`);
  await session.takeBack();
  expect(workspace.read('.env')).toBe(`${swapped[0]!}MORE=1\n`);
  expect((await session.restore()).failed).toEqual([]);
  expect(workspace.read('.env')).toBe(`${FILES['.env']!}MORE=1\n`);
  expect(await session.secrets()).toEqual([]);
});

it('ends by itself when the time is over, and says so', async () => {
  const session = await protectedSession();
  const swapped = texts();
  const notice = new Promise<string>((resolve) => void session.onDidNotice(({ message }) => resolve(message)));
  await session.lend(0.001);
  expect(await notice).toMatch(/time is over.*dummies are back/);
  expect(texts()).toEqual(swapped);
});

it('is not swapped by the watcher, nor protected, nor lent twice; a restore makes it last', async () => {
  const session = await protectedSession();
  const found: string[] = [];
  session.onDidFindReal(({ values }) => found.push(...values.map(({ name }) => name)));
  await session.watchFiles({ autoSwap: true, quietMs: 20 });
  await session.lend(10);
  const { values } = await session.scan();
  await expect(session.protect(values.map(({ id }) => id))).rejects.toThrow(/for a while.*Nothing was changed/);
  await expect(session.lend(10)).rejects.toThrow(/for a while/);
  expect(workspace.untouched()).toBe(true);
  expect(found).toEqual([]);
  await session.restore();
  expect(session.loan).toBeUndefined();
  expect(await session.secrets()).toEqual([]);
  expect(workspace.untouched()).toBe(true);
  expect((await session.takeBack()).swapped).toEqual([]);
  expect(workspace.untouched()).toBe(true);
});

it('survives a rotation and an import: the new value is what the dummy stands for', async () => {
  const session = await protectedSession();
  const swapped = texts();
  await session.lend(10);
  const fresh = GITHUB.replace('Z9y8', 'N3w0');
  await session.vault.rotate('GITHUB_TOKEN', fresh);
  expect(session.loan).toBeDefined();
  // The file has the old value, which is worth nothing now: it is left, and said by the watcher.
  await session.takeBack();
  expect(workspace.read('.env')).toBe(swapped[0]);
  expect(workspace.read('packages/web/.env.local')).toContain(GITHUB);
});

it('run --restore gives the command the real files, its exit code to the caller, and the dummies back', async () => {
  const session = await protectedSession();
  const swapped = texts();
  const script = `const text = require('fs').readFileSync('.env', 'utf8'); console.log(text.includes('sk-ant-api03-Host0')); process.exit(7)`;
  const ran = cli(['run', '--restore', '--', process.execPath, '-e', script]);
  expect(ran.status).toBe(7);
  expect(ran.stdout).toBe('true\n');
  expect(texts()).toEqual(swapped);
  // While another one has them, it does not run, and does not end the other's time.
  await session.lend(10);
  const refused = cli(['run', '--restore', '--', process.execPath, '-e', '0']);
  expect(refused.status).toBe(1);
  expect(refused.all).toMatch(/for a while/);
  expect(workspace.untouched()).toBe(true);
});

it('whose owner was killed is ended by the next one that opens the folder', async () => {
  const session = await protectedSession();
  const swapped = texts();
  session.dispose();
  // The command kills the command line that lent the values.
  const killed = cli(['run', '--restore', '--', 'sh', '-c', 'kill -9 $PPID']);
  expect(killed.status).toBeNull();
  expect(workspace.untouched()).toBe(true);
  const next = await open();
  expect(texts()).toEqual(swapped);
  expect(next.loan).toBeUndefined();
  await next.restore();
  expect(workspace.untouched()).toBe(true);
});

it('of a session that is gone while its process lives is ended when the folder is opened again', async () => {
  const session = await protectedSession();
  const swapped = texts();
  await session.lend(10);
  session.dispose();
  await open();
  expect(texts()).toEqual(swapped);
});

it('is ended by a start that opens the folder as well', async () => {
  const session = await protectedSession();
  const swapped = texts();
  await session.lend(10);
  session.dispose();
  const next = made();
  await next.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
  expect(next.state.kind).toBe('running');
  expect(texts()).toEqual(swapped);
  await next.stop();
});

it('that failed half way is taken back whole', async () => {
  workspace = new TestWorkspace();
  const opened = await openVault(workspace);
  await protectTicked(opened);
  const swapped = texts();
  let renames = 0;
  const { failed } = await restoreFolder({
    ...opened.deps,
    lend: { owner: ownerNow('a test') },
    fault: (operation) => {
      if (operation === 'rename' && ++renames === 2) throw new Error('a test');
    },
  });
  expect(failed).toHaveLength(1);
  expect(texts().filter((text, i) => text === swapped[i])).toHaveLength(1);
  expect((await new Protector(opened.deps).takeBack()).refused).toEqual([]);
  expect(texts()).toEqual(swapped);
  expect(opened.vault.loan).toBeUndefined();
  await restoreAll(opened);
  expect(workspace.untouched()).toBe(true);
});

it('denies the files to agents while they hold real values', async () => {
  const session = await protectedSession();
  await session.start({ level: 'routed', claudeSettings: 'local', confinedChain: 'proxy' });
  const settings = () => readFileSync(workspace.file('.claude/settings.local.json'), 'utf8');
  expect(settings()).not.toContain('.env)');
  await session.lend(10);
  expect(settings()).toContain(`Read(/${workspace.file('.env')})`);
  expect(settings()).not.toContain(ANTHROPIC);
  await session.takeBack();
  expect(settings()).not.toContain(`Read(/${workspace.file('.env')})`);
  await session.stop();
});

// The watcher of a protected folder: real git, real files, real watches. Every wait is for an event.
import { renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { FoundReal, WatchOptions } from '../../src/host/api';
import { FolderSession } from '../../src/host/folderSession';
import { TestDocuments } from '../support/documents';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
const sessions: FolderSession[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.dispose();
  workspace.remove();
});

const OTHER = GITHUB.replace('Z9y8', 'Oth3');

interface Watched {
  readonly session: FolderSession;
  /** The next report, also one that has come already. */
  readonly next: () => Promise<FoundReal>;
  /** Reports that nobody has asked for. */
  readonly pending: readonly FoundReal[];
}

async function open(documents?: TestDocuments): Promise<FolderSession> {
  const session = new FolderSession({
    folder: workspace.folder,
    proxyScript: path.join(import.meta.dirname, '../../dist/proxy.js'),
    preloadScript: undefined,
    environment: {},
    stateRoot: workspace.stateRoot,
    home: workspace.base,
    what: 'a test',
    ...(documents ? { documents } : {}),
  });
  sessions.push(session);
  await session.open();
  return session;
}

async function protect(session: FolderSession, which: 'ticked' | 'all' = 'ticked'): Promise<void> {
  const scan = await session.scan();
  const ids = scan.values.filter(({ ticked }) => which === 'all' || ticked).map(({ id }) => id);
  const { refused } = await session.protect(ids);
  expect(refused).toEqual([]);
}

async function watch(session: FolderSession, options: WatchOptions = {}): Promise<Watched> {
  const pending: FoundReal[] = [];
  const waiting: ((report: FoundReal) => void)[] = [];
  session.onDidFindReal((report) => {
    expect(JSON.stringify(report)).not.toMatch(new RegExp(`${ANTHROPIC}|${GITHUB}|${OTHER}`));
    const next = waiting.shift();
    if (next) next(report);
    else pending.push(report);
  });
  await session.watchFiles({ quietMs: 50, ...options });
  const next = () =>
    new Promise<FoundReal>((resolve) => {
      const report = pending.shift();
      if (report) resolve(report);
      else waiting.push(resolve);
    });
  return { session, next, pending };
}

const brief = ({ values }: FoundReal) =>
  values.map(({ name, file, kind, swapped, tracked }) => [name, file, kind, swapped, tracked]);

describe('a real value that turns up', () => {
  it('by an edit, a new file and a new folder is reported, by name, file and reason', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    const { next } = await watch(session);
    const swapped = workspace.read('.env');
    // Pasted back by the user.
    workspace.write('.env', FILES['.env']!);
    const edited = await next();
    expect(brief(edited)).toEqual([['ANTHROPIC_API_KEY', '.env', 'returned', false, false]]);
    expect(edited.values[0]!.reason).toMatch(/where agents can read it/);
    expect(edited.undo).toBeUndefined();
    workspace.write('.env', swapped);
    // A value of another kind, in a folder that was not there.
    workspace.write('services/api/.env', `GITHUB_TOKEN=${OTHER}\n`);
    expect(brief(await next())).toEqual([['GITHUB_TOKEN', 'services/api/.env', 'new', false, false]]);
    workspace.write('services/api/.env.local', `A=1\nCOPY=${GITHUB}\n`);
    expect(brief(await next())).toEqual([['GITHUB_TOKEN', 'services/api/.env.local', 'returned', false, false]]);
  });

  it('is swapped at once for the same dummy on wish, with an undo that is respected', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    const swapped = workspace.read('.env');
    const { mtimeMs } = statSync(workspace.file('packages/web/.env.local'));
    const { next, pending } = await watch(session, { autoSwap: true });
    workspace.write('.env', FILES['.env']!);
    const report = await next();
    expect(brief(report)).toEqual([['ANTHROPIC_API_KEY', '.env', 'returned', true, false]]);
    expect(workspace.read('.env')).toBe(swapped);
    expect(await report.undo!()).toEqual({ undone: ['.env'], failed: [] });
    expect(workspace.read('.env')).toBe(FILES['.env']);
    // What was undone stays; another value of the same file does not.
    workspace.write('.env', `${FILES['.env']!}COPY=${GITHUB}\n`);
    expect(brief(await next())).toEqual([['GITHUB_TOKEN', '.env', 'returned', true, false]]);
    expect(workspace.read('.env')).toContain(ANTHROPIC);
    expect(workspace.read('.env')).not.toContain(GITHUB);
    expect(pending).toEqual([]);
    expect(statSync(workspace.file('packages/web/.env.local')).mtimeMs).toBe(mtimeMs);
    expect((await session.restore()).failed).toEqual([]);
    expect(workspace.read('.env')).toBe(`${FILES['.env']!}COPY=${GITHUB}\n`);
    expect(workspace.untouched({ 'packages/web/.env.local': FILES['packages/web/.env.local']! })).toBe(true);
  });

  it('beside its own dummy, on a new line, is swapped as well', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    const swapped = workspace.read('.env');
    const { next } = await watch(session, { autoSwap: true });
    workspace.write('.env', `AGAIN=${ANTHROPIC}\n${swapped}`);
    expect(brief(await next())).toEqual([['ANTHROPIC_API_KEY', '.env', 'returned', true, false]]);
    expect(workspace.read('.env')).not.toContain(ANTHROPIC);
    expect((await session.restore()).failed).toEqual([]);
    expect(workspace.read('.env')).toBe(`AGAIN=${ANTHROPIC}\n${FILES['.env']!}`);
  });

  it('is not undone over a later edit', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    const { next } = await watch(session, { autoSwap: true });
    workspace.write('.env', FILES['.env']!);
    const { undo } = await next();
    workspace.write('.env', `${workspace.read('.env')}MORE=1\n`);
    const { failed } = await undo!();
    expect(failed[0]?.reason).toMatch(/changed since it was swapped.*no value is lost/);
    expect(workspace.read('.env')).not.toContain(ANTHROPIC);
  });

  it('that is new is only reported, also with autoSwap, and so is the file under an unsaved text', async () => {
    workspace = new TestWorkspace();
    const documents = new TestDocuments();
    const session = await open(documents);
    await protect(session);
    documents.texts.set(workspace.file('.env'), `${workspace.read('.env')}NOTE=mine\n`);
    const { next } = await watch(session, { autoSwap: true });
    workspace.write('.env', `${FILES['.env']!}GITHUB_TOKEN=${OTHER}\n`);
    expect(brief(await next()).sort()).toEqual([
      ['ANTHROPIC_API_KEY', '.env', 'returned', false, false],
      ['GITHUB_TOKEN', '.env', 'new', false, false],
    ]);
    expect(workspace.read('.env')).toContain(OTHER);
    expect(workspace.read('.env')).toContain(ANTHROPIC);
  });

  it('in an unsaved text is swapped there, and the text stays unsaved; undo gives it back', async () => {
    workspace = new TestWorkspace();
    const documents = new TestDocuments();
    const session = await open(documents);
    await protect(session);
    const swapped = workspace.read('.env');
    const { next, pending } = await watch(session, { autoSwap: true });
    const typed = `${swapped}COPY=${ANTHROPIC}\nGITHUB_TOKEN=${OTHER}\n`;
    documents.texts.set(workspace.file('.env'), typed);
    workspace.write('other.env', 'A=1\n');
    const report = await next();
    // What is being typed is no news yet.
    expect(brief(report)).toEqual([['ANTHROPIC_API_KEY', '.env', 'returned', true, false]]);
    expect(documents.texts.get(workspace.file('.env'))).toContain(OTHER);
    expect(documents.texts.get(workspace.file('.env'))).not.toContain(ANTHROPIC);
    expect(workspace.read('.env')).toBe(swapped);
    expect(await report.undo!()).toEqual({ undone: ['.env'], failed: [] });
    expect(documents.texts.get(workspace.file('.env'))).toBe(typed);
    documents.save(workspace.file('.env'));
    expect(brief(await next())).toEqual([['GITHUB_TOKEN', '.env', 'new', false, false]]);
    expect(pending).toEqual([]);
  });

  it('that was rotated is reported as such and left alone', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    await session.vault.rotate('GITHUB_TOKEN', OTHER);
    const { next } = await watch(session, { autoSwap: true });
    workspace.write('old.env', `GITHUB_TOKEN=${GITHUB}\n`);
    const report = await next();
    expect(brief(report)).toEqual([['GITHUB_TOKEN', 'old.env', 'revoked', false, false]]);
    expect(workspace.read('old.env')).toContain(GITHUB);
  });

  it('was real before and unticked: that is nobody’s news, nor is what a restore gives back', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    const { next, pending } = await watch(session, { autoSwap: true });
    await session.restore();
    expect(workspace.untouched()).toBe(true);
    await protect(session);
    workspace.write('new.env', `GITHUB_TOKEN=${OTHER}\n`);
    // The first report of all is this one.
    expect(brief(await next())).toEqual([['GITHUB_TOKEN', 'new.env', 'new', false, false]]);
    expect(pending).toEqual([]);
  });

  it('before the watch began is reported where the vault knows it', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    workspace.write('.env', `${FILES['.env']!}GITHUB_TOKEN=${OTHER}\n`);
    const { next } = await watch(session);
    expect(brief(await next())).toContainEqual(['ANTHROPIC_API_KEY', '.env', 'returned', false, false]);
  });
});

describe('git', () => {
  it('stash pop brings an untracked file back: swapped again, with the same dummy', async () => {
    workspace = new TestWorkspace();
    workspace.git('init', '-q');
    workspace.git('commit', '-q', '--allow-empty', '-m', 'first');
    workspace.git('stash', 'push', '-qu');
    const session = await open();
    workspace.write('.env', FILES['.env']!);
    await protect(session);
    const swapped = workspace.read('.env');
    const { next } = await watch(session, { autoSwap: true });
    rmSync(workspace.file('.env'));
    const gone = await next();
    expect(gone.missing).toEqual([{ name: 'ANTHROPIC_API_KEY', file: '.env', fileGone: true }]);
    expect(gone.values).toEqual([]);
    workspace.git('stash', 'pop', '-q');
    const back = await next();
    // The other file of the stash has a value that was never protected, and the same one in a comment.
    expect(brief(back)).toContainEqual(['ANTHROPIC_API_KEY', '.env', 'returned', true, false]);
    expect(brief(back)).toContainEqual(['ANTHROPIC_API_KEY', 'packages/web/.env.local', 'returned', true, false]);
    expect(brief(back)).toContainEqual(['GITHUB_TOKEN', 'packages/web/.env.local', 'new', false, false]);
    expect(workspace.read('.env')).toBe(swapped);
    await session.restore();
    expect(workspace.untouched()).toBe(true);
  });

  it('checkout of a branch that tracks the file: warned about, and swapped only where the user had swapped it', async () => {
    workspace = new TestWorkspace({ '.env': 'A=1\n' });
    workspace.git('init', '-q', '-b', 'main');
    workspace.write('.gitignore', 'local.env\n');
    workspace.git('add', '-f', '.env', '.gitignore');
    workspace.git('commit', '-qm', 'clean');
    workspace.git('checkout', '-qb', 'leaky');
    workspace.write('.env', `GITHUB_TOKEN=${GITHUB}\n`);
    workspace.git('commit', '-qam', 'oops');
    workspace.git('checkout', '-q', 'main');
    workspace.write('local.env', `GITHUB_TOKEN=${GITHUB}\n`);
    const session = await open();
    await protect(session);
    const { next } = await watch(session, { autoSwap: true });
    workspace.git('checkout', '-q', 'leaky');
    const report = await next();
    expect(brief(report)).toEqual([['GITHUB_TOKEN', '.env', 'returned', false, true]]);
    expect(report.values[0]!.reason).toMatch(/git tracks the file.*take the file out of git/);
    // Left as it is: git would call it changed, and refuse the way back.
    workspace.git('checkout', '-q', 'main');
    expect(workspace.read('.env')).toBe('A=1\n');
  });

  it('checkout of the file itself, which the user had swapped although it is tracked', async () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    workspace.git('init', '-q');
    workspace.git('add', '-f', '.env');
    workspace.git('commit', '-qm', 'oops');
    const session = await open();
    await protect(session, 'all');
    const swapped = workspace.read('.env');
    const { next } = await watch(session, { autoSwap: true });
    workspace.git('checkout', '-q', '--', '.env');
    expect(brief(await next())).toEqual([['GITHUB_TOKEN', '.env', 'returned', true, true]]);
    expect(workspace.read('.env')).toBe(swapped);
  });
});

describe('a dummy that is gone', () => {
  it('is reported by name; a renamed file is followed without a word', async () => {
    workspace = new TestWorkspace();
    const session = await open();
    await protect(session);
    const { next, pending } = await watch(session);
    renameSync(workspace.file('packages/web/.env.local'), workspace.file('packages/web/.env.production'));
    // The value of its comment stands in the other file still.
    workspace.write(
      'packages/web/.env.production',
      workspace.read('packages/web/.env.production').replace(/^export.*\n/, ''),
    );
    const report = await next();
    expect(report.missing).toEqual([{ name: 'GITHUB_TOKEN', file: 'packages/web/.env.local', fileGone: true }]);
    expect(pending).toEqual([]);
  });
});

describe('a monorepo', () => {
  it('with many folders is watched in those that hold env files first', async () => {
    const many = Object.fromEntries(Array.from({ length: 450 }, (_, i) => [`a/${i}/src/x.txt`, '']));
    workspace = new TestWorkspace({ ...many, 'z/deep/down/.env': `GITHUB_TOKEN=${GITHUB}\n` });
    const session = await open();
    await protect(session);
    const { next } = await watch(session, { autoSwap: true });
    workspace.write('z/deep/down/.env', `GITHUB_TOKEN=${GITHUB}\n`);
    expect(brief(await next())).toEqual([['GITHUB_TOKEN', 'z/deep/down/.env', 'returned', true, false]]);
  });
});

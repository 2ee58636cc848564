// Credential stores outside the folder: swapped on wish only, restored byte for byte, never by two folders, never through a link
// that somebody put there; the rest is shown by kind and denied to agents.
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FolderSession } from '../../src/host/folderSession';
import { TestWorkspace } from '../support/workspace';

const SECRET = 'Zq7-vX2.kP9_mN4rT6wB8yC1';
const NETRC = `# mine\r\nmachine api.example login me password ${SECRET}\nmachine other.example password short\n`;
const NPMRC = `//npm.example/:_authToken=npm_token_Zq7vX2kP9mN4rT6wB8\n//npm.example/:_auth=dXNlcjpwYXNzd29yZGFuZG1vcmU=\n`;

const workspaces: TestWorkspace[] = [];
const sessions: FolderSession[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.dispose();
  for (const workspace of workspaces.splice(0)) workspace.remove();
});

async function open(workspace: TestWorkspace, home: string, environment: NodeJS.ProcessEnv = {}, root = workspace) {
  const session = new FolderSession({
    folder: workspace.folder,
    proxyScript: path.join(import.meta.dirname, '../../dist/proxy.js'),
    preloadScript: undefined,
    environment,
    stateRoot: root.stateRoot,
    home,
    what: 'a test',
  });
  sessions.push(session);
  await session.open();
  return session;
}

function workspaceWith(files: Readonly<Record<string, string>> = {}): TestWorkspace {
  const workspace = new TestWorkspace({ 'a.txt': '' });
  workspaces.push(workspace);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(workspace.base, name)), { recursive: true });
    writeFileSync(path.join(workspace.base, name), text, { mode: 0o600 });
  }
  return workspace;
}

const stored = async (session: FolderSession) =>
  (await session.scan()).values.filter(({ store, hosts }) => store !== undefined && hosts.length > 0);

describe('a store', () => {
  it('is listed unticked, swapped when chosen, denied while real, and restored byte for byte', async () => {
    const workspace = workspaceWith({ '.netrc': NETRC, '.npmrc': NPMRC });
    const session = await open(workspace, workspace.base);
    const scan = await session.scan();
    expect(scan.values.map(({ name, store, ticked }) => [name, store, ticked])).toEqual([
      ['NETRC_API_EXAMPLE', '~/.netrc', false],
      ['NETRC_OTHER_EXAMPLE', '~/.netrc', false],
      ['NPMRC_NPM_EXAMPLE', '~/.npmrc', false],
      ['NPMRC_NPM_EXAMPLE_AUTH', '~/.npmrc', false],
    ]);
    const report = await session.protect((await stored(session)).map(({ id }) => id));
    expect(report.refused).toEqual([]);
    expect(report.swapped).toHaveLength(2);
    const netrc = path.join(workspace.base, '.netrc');
    expect(readFileSync(netrc, 'utf8')).not.toContain(SECRET);
    expect(readFileSync(netrc, 'utf8')).toHaveLength(NETRC.length);
    expect(await session.secrets()).toContainEqual(
      expect.objectContaining({ name: 'NETRC_API_EXAMPLE', hosts: ['api.example'], in: ['basic'], files: [netrc] }),
    );
    expect((await session.restore()).failed).toEqual([]);
    expect(readFileSync(netrc, 'utf8')).toBe(NETRC);
    expect(readFileSync(path.join(workspace.base, '.npmrc'), 'utf8')).toBe(NPMRC);
    expect(await session.secrets()).toEqual([]);
  });

  it('with dummies of another folder is not swapped again, until it was restored there', async () => {
    const one = workspaceWith({ '.netrc': NETRC });
    const two = workspaceWith();
    const first = await open(one, one.base);
    const second = await open(two, one.base, {}, one);
    const before = await stored(second);
    await first.protect((await stored(first)).map(({ id }) => id));
    const dummies = readFileSync(path.join(one.base, '.netrc'), 'utf8');
    // Also with a choice that was made before.
    expect((await second.protect(before.map(({ id }) => id))).refused).toHaveLength(1);
    const scan = await second.scan();
    expect(scan.values).toEqual([]);
    expect(scan.skipped).toEqual([{ file: '~/.netrc', reason: expect.stringMatching(/restore it there/) as string }]);
    expect(readFileSync(path.join(one.base, '.netrc'), 'utf8')).toBe(dummies);
    await first.restore();
    const { refused } = await second.protect((await stored(second)).map(({ id }) => id));
    expect(refused).toEqual([]);
    await second.restore();
    expect(readFileSync(path.join(one.base, '.netrc'), 'utf8')).toBe(NETRC);
  });

  it('that became a link into the folder gets no real value through it', async () => {
    const workspace = workspaceWith({ '.netrc': NETRC });
    const session = await open(workspace, workspace.base);
    await session.protect((await stored(session)).map(({ id }) => id));
    const netrc = path.join(workspace.base, '.netrc');
    renameSync(netrc, workspace.file('caught'));
    symlinkSync(workspace.file('caught'), netrc);
    const { failed } = await session.restore();
    expect(failed.map(({ file }) => file)).toContain(netrc);
    expect(workspace.read('caught')).not.toContain(SECRET);
    expect((await session.secrets()).map(({ name }) => name)).toContain('NETRC_API_EXAMPLE');
  });

  it('that is a link itself, or was moved by a variable, is found where it is', async () => {
    const workspace = workspaceWith({
      'dotfiles/netrc': NETRC,
      'gh/hosts.yml': `ghe.example:\n    oauth_token: ${SECRET}\n`,
    });
    symlinkSync(path.join(workspace.base, 'dotfiles/netrc'), path.join(workspace.base, '.netrc'));
    const session = await open(workspace, workspace.base, { GH_CONFIG_DIR: path.join(workspace.base, 'gh') });
    expect((await stored(session)).map(({ store }) => store)).toEqual([
      '~/.netrc',
      path.join(workspace.base, 'gh/hosts.yml'),
    ]);
    await session.protect((await stored(session)).map(({ id }) => id));
    expect(readFileSync(path.join(workspace.base, 'dotfiles/netrc'), 'utf8')).not.toContain(SECRET);
    // The same value has the same dummy.
    expect(await session.secrets()).toHaveLength(1);
    await session.restore();
    expect(readFileSync(path.join(workspace.base, 'dotfiles/netrc'), 'utf8')).toBe(NETRC);
  });
});

describe('Doctor and the agents', () => {
  it('names the kinds of credentials, denies the real ones, and not the swapped one', async () => {
    const workspace = workspaceWith({
      '.netrc': NETRC.replace(/machine other.*\n/, ''),
      '.aws/credentials': `[default]\naws_secret_access_key = ${SECRET}\n`,
      'codex/auth.json': JSON.stringify({ OPENAI_API_KEY: SECRET }),
    });
    const session = await open(workspace, workspace.base, { CODEX_HOME: path.join(workspace.base, 'codex') });
    const said = async () => JSON.stringify(await session.doctor());
    expect(await said()).toMatch(/~\/\.aws\/credentials holds access keys/);
    expect(await said()).toMatch(/codex\/auth\.json holds an OpenAI API key/);
    expect(await said()).toMatch(/~\/\.netrc holds the password for api\.example, which agents can read/);
    expect(await said()).not.toContain(SECRET);
    await session.start({ level: 'routed', claudeSettings: 'local', confinedChain: 'proxy' });
    const settings = () => readFileSync(workspace.file('.claude/settings.local.json'), 'utf8');
    for (const file of ['.netrc', '.aws/credentials', 'codex/auth.json'])
      expect(settings()).toContain(`Read(/${path.join(workspace.base, file)})`);
    await session.protect((await stored(session)).map(({ id }) => id));
    expect(settings()).not.toContain(`Read(/${path.join(workspace.base, '.netrc')})`);
    expect(settings()).toContain(`Read(/${path.join(workspace.base, '.aws/credentials')})`);
    expect(await said()).toMatch(/\.netrc holds the password for api\.example: dummies/);
    await session.stop();
    await session.restore();
  });
});

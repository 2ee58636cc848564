// A folder's session with the real forked proxy: settings written and taken back, ports, tokens, owners, the policy file.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notice, StartOptions } from '../../src/host/api';
import { FolderSession } from '../../src/host/folderSession';
import { ANTHROPIC, TestWorkspace } from '../support/workspace';

const dist = path.join(import.meta.dirname, '../../dist');
const ROUTED: StartOptions = { level: 'routed', claudeSettings: 'local', confinedChain: 'proxy' };
const LOCAL = '.claude/settings.local.json';

let workspace: TestWorkspace;
const sessions: FolderSession[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    await session.stop();
    session.dispose();
  }
  workspace.remove();
});

async function open(
  environment: NodeJS.ProcessEnv = {},
  script = path.join(dist, 'proxy.js'),
): Promise<{ session: FolderSession; notices: Notice[] }> {
  const session = new FolderSession({
    folder: workspace.folder,
    proxyScript: script,
    preloadScript: path.join(dist, 'preload.cjs'),
    environment,
    stateRoot: workspace.stateRoot,
    what: 'a test',
  });
  const notices: Notice[] = [];
  session.onDidNotice((notice) => notices.push(notice));
  sessions.push(session);
  await session.open();
  return { session, notices };
}

const port = (session: FolderSession) => (session.state.kind === 'running' ? session.state.port : 0);
const accepts = (at: number) =>
  new Promise<boolean>((resolve) => {
    const socket = net.connect(at, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
/** Resolves when a file appears or goes. */
async function fileIs(file: string, there: boolean): Promise<void> {
  while (existsSync(file) !== there) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('start and stop', () => {
  it('write the settings for the user alone, exclude them from git, and take everything back', async () => {
    workspace = new TestWorkspace();
    workspace.git('init', '-q');
    const exclude = workspace.file('.git/info/exclude');
    const before = existsSync(exclude) ? readFileSync(exclude, 'utf8') : undefined;
    const { session } = await open();
    await session.start(ROUTED);
    expect(session.state).toMatchObject({ kind: 'running', level: 'routed' });
    expect(statSync(workspace.file(LOCAL)).mode & 0o777).toBe(0o600);
    expect(
      execFileSync('git', ['status', '--porcelain', '--untracked-files=all'], {
        cwd: workspace.folder,
        encoding: 'utf8',
      }),
    ).not.toContain('.claude');
    await session.stop();
    expect(existsSync(workspace.file('.claude'))).toBe(false);
    expect(existsSync(exclude) ? readFileSync(exclude, 'utf8') : undefined).toBe(before);
    expect(await accepts(port(session))).toBe(false);
  });

  it('find the same port and tokens again', async () => {
    workspace = new TestWorkspace();
    const first = await open();
    await first.session.start(ROUTED);
    const url = first.session.agentEnvironment('claude')!['HTTPS_PROXY'];
    await first.session.stop();
    const second = await open();
    await second.session.start(ROUTED);
    expect(second.session.agentEnvironment('claude')!['HTTPS_PROXY']).toBe(url);
    expect(second.session.agentEnvironment('terminal')!['HTTPS_PROXY']).not.toBe(url);
  });

  it('take another port when theirs is taken, and say what that means', async () => {
    workspace = new TestWorkspace();
    const first = await open();
    await first.session.start(ROUTED);
    const taken = port(first.session);
    await first.session.stop();
    const squatter = net.createServer().listen(taken, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { session, notices } = await open();
    await session.start(ROUTED);
    expect(port(session)).not.toBe(taken);
    expect(notices.map(({ message }) => message).join()).toMatch(/taken by another program.*must be started again/);
    await new Promise((resolve) => squatter.close(resolve));
  });

  it('refuse a folder that somebody else serves', async () => {
    workspace = new TestWorkspace();
    const { session } = await open();
    await session.start(ROUTED);
    const other = await open();
    await other.session.start(ROUTED);
    expect(other.session.state).toMatchObject({ kind: 'failed', reason: 'owned-elsewhere' });
    expect(await accepts(port(session))).toBe(true);
    expect(existsSync(workspace.file(LOCAL))).toBe(true);
  });

  it('give up after crashes in a row, with the settings taken back', async () => {
    workspace = new TestWorkspace();
    const crashing = path.join(workspace.base, 'crashing.js');
    writeFileSync(
      crashing,
      `process.on('message', (m) => { if (m.type === 'configure') { process.send({ type: 'listening', host: '127.0.0.1', port: 4, openPort: undefined }); setTimeout(() => process.exit(7), 30); } }); process.send({ type: 'ready', version: 1 });`,
    );
    const { session } = await open({}, crashing);
    const states: string[] = [];
    const failed = new Promise<void>((resolve) => {
      session.onDidChangeState((state) => {
        states.push(state.kind);
        if (state.kind === 'failed' && state.retryAt === undefined) resolve();
      });
    });
    await session.start(ROUTED);
    await failed;
    expect(session.state).toMatchObject({ kind: 'failed', reason: 'proxy-crashed' });
    expect(states.filter((kind) => kind === 'running').length).toBeGreaterThan(3);
    expect(existsSync(workspace.file('.claude'))).toBe(false);
  });

  it('leave nothing of the proxy behind when the owner goes away without a word', async () => {
    workspace = new TestWorkspace();
    const { session } = await open();
    await session.start(ROUTED);
    expect(existsSync(workspace.file(LOCAL))).toBe(true);
    const at = port(session);
    session.dispose();
    await fileIs(workspace.file('.claude'), false);
    while (await accepts(at)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('take settings back that a crash of everything left behind', async () => {
    workspace = new TestWorkspace();
    const { session } = await open();
    await session.start(ROUTED);
    // Both processes gone at once: the journal is all there is.
    const [child] = execFileSync('pgrep', ['-P', String(process.pid), '-f', 'dist/proxy.js'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const stateFolder = path.join(
      workspace.stateRoot,
      'folders',
      readdirSync(path.join(workspace.stateRoot, 'folders'))[0]!,
    );
    const journal = readFileSync(path.join(stateFolder, 'wiring.json'), 'utf8');
    const settings = readFileSync(workspace.file(LOCAL), 'utf8');
    await session.stop();
    expect(child).toMatch(/^\d+$/);
    mkdirSync(workspace.file('.claude'));
    writeFileSync(workspace.file(LOCAL), settings);
    writeFileSync(path.join(stateFolder, 'wiring.json'), journal);
    await open();
    expect(existsSync(workspace.file(LOCAL))).toBe(false);
  });
});

describe("Claude Code's settings", () => {
  it.each([
    ['tracked by git', '{}', true, /tracked by git/],
    ['not JSON', '{ nope', false, /not valid JSON/],
    ['of another shape', '{ "env": [] }', false, /another type/],
  ])('are left alone when the file is %s, and the user is told', async (_, content, track, expected) => {
    workspace = new TestWorkspace({ [LOCAL]: content });
    workspace.git('init', '-q');
    if (track) workspace.git('add', '-f', LOCAL);
    const { session, notices } = await open();
    await session.start(ROUTED);
    expect(session.state.kind).toBe('running');
    expect(workspace.read(LOCAL)).toBe(content);
    expect(notices.map(({ message }) => message).join()).toMatch(expected);
  });

  it('of the user are merged and given back byte for byte, also when edited meanwhile', async () => {
    const own = '{\n\t// mine\n\t"env": { "NO_PROXY": "*" }, // hm\n\t"model": "opus"\n}\n';
    workspace = new TestWorkspace({ [LOCAL]: own });
    const { session } = await open();
    await session.start(ROUTED);
    expect(workspace.read(LOCAL)).toContain('"NO_PROXY": "localhost,127.0.0.1,::1"');
    await session.stop();
    expect(workspace.read(LOCAL)).toBe(own);
    await session.start(ROUTED);
    workspace.write(LOCAL, workspace.read(LOCAL).replace('"opus"', '"sonnet"'));
    await session.stop();
    const after = workspace.read(LOCAL);
    expect(after).toContain('"sonnet"');
    expect(after).toContain('"NO_PROXY": "*"');
    expect(after).toContain('// mine');
    expect(after).not.toContain('HTTPS_PROXY');
  });

  it('are noticed by Doctor when somebody changes them back', async () => {
    workspace = new TestWorkspace();
    const { session } = await open();
    await session.start(ROUTED);
    workspace.write(LOCAL, '{}');
    expect(
      (await session.doctor())
        .filter(({ status }) => status === 'problem')
        .map(({ what }) => what)
        .join(),
    ).toMatch(/no longer holds/);
  });

  it('hold the sandbox block only for confined commands, where the tools are and the policy enforces', async () => {
    workspace = new TestWorkspace();
    const { session, notices } = await open();
    await session.start({ ...ROUTED, level: 'confined commands' });
    // The default policy monitors: an allow-list would contradict it.
    expect(session.state).toMatchObject({ level: 'routed' });
    expect(notices.length).toBeGreaterThan(0);
    expect(workspace.read(LOCAL)).not.toContain('sandbox"');
    await session.stop();
    await session.policy.write(
      'version: 1\nmode: enforce\nrules:\n  - type: allow\n    condition: { match: { host: api.anthropic.com } }\n',
    );
    await session.start({ ...ROUTED, level: 'confined commands', confinedChain: 'httpProxyPort' });
    if (session.state.kind !== 'running' || session.state.level === 'routed') {
      expect(notices.at(-1)?.message).toMatch(/bwrap|socat/);
      return;
    }
    const settings = JSON.parse(workspace.read(LOCAL)) as {
      sandbox: { enabled: boolean; network: { allowedDomains: string[]; httpProxyPort: number } };
    };
    expect(settings.sandbox).toMatchObject({
      enabled: true,
      failIfUnavailable: true,
      allowUnsandboxedCommands: false,
      network: { allowedDomains: ['api.anthropic.com'] },
    });
    expect(await accepts(settings.sandbox.network.httpProxyPort)).toBe(true);
  });
});

describe('the policy file', () => {
  it('is made with defaults, in force at once, and never overwritten', async () => {
    workspace = new TestWorkspace();
    const { session } = await open();
    await session.policy.ensureFile();
    expect(session.policy.state).toMatchObject({ pending: undefined, policy: { mode: 'monitor' } });
    const text = workspace.read('.sandbox-agent/policy.yaml');
    await session.policy.ensureFile();
    expect(workspace.read('.sandbox-agent/policy.yaml')).toBe(text);
  });

  it('waits for approval when it was there first, and what was approved survives a restart', async () => {
    const brought = 'version: 1\nmode: enforce\nrules: []\n';
    workspace = new TestWorkspace({ '.sandbox-agent/policy.yaml': brought });
    const first = await open();
    expect(first.session.policy.state.pending?.text).toBe(brought);
    expect(first.session.policy.state.policy.mode).toBe('monitor');
    await first.session.policy.approve(brought);
    workspace.write('.sandbox-agent/policy.yaml', 'version: 1\nmode: monitor\nrules: []\n');
    const { session } = await open();
    expect(session.policy.state.policy.mode).toBe('enforce');
    expect(session.policy.state.pending?.valid).toBe(true);
  });

  it('never opens anything when it is invalid', async () => {
    workspace = new TestWorkspace();
    const { session } = await open();
    await session.policy.write('version: 1\nmode: enforce\nrules: []\n');
    expect((await session.policy.write('rules: [')).length).toBeGreaterThan(0);
    expect(session.policy.state.policy.mode).toBe('enforce');
    expect(workspace.read('.sandbox-agent/policy.yaml')).toContain('enforce');
  });
});

it('environments hold dummies, and the real ones only where that was asked for', async () => {
  workspace = new TestWorkspace();
  const { session } = await open({ ANTHROPIC_API_KEY: ANTHROPIC });
  const scan = await session.scan();
  await session.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  await session.start(ROUTED);
  const agent = session.agentEnvironment('claude')!;
  expect(agent['ANTHROPIC_API_KEY']).toMatch(/^sk-ant-api03-/);
  expect(JSON.stringify(agent)).not.toContain(ANTHROPIC);
  expect((await session.realEnvironment())['ANTHROPIC_API_KEY']).toBe(ANTHROPIC);
  expect(readFileSync(workspace.file(LOCAL), 'utf8')).not.toContain(ANTHROPIC);
  await session.restore();
});

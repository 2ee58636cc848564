// A folder's session with the real forked proxy: settings written and taken back, ports, tokens, owners, the policy file.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notice, StartOptions } from '../../src/host/api';
import { FolderSession } from '../../src/host/folderSession';
import { bundle } from '../support/bundle';
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
    home: workspace.base,
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
    expect(states.filter((kind) => kind === 'starting').length).toBeGreaterThan(3);
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
    // Killed between the temporary file, with the token in it, and the rename.
    const { entries } = JSON.parse(journal) as { entries: { temporary?: string }[] };
    const temporary = entries.find((entry) => entry.temporary !== undefined)!.temporary!;
    expect(path.dirname(temporary)).toBe(workspace.file('.claude'));
    writeFileSync(temporary, settings);
    writeFileSync(path.join(stateFolder, 'wiring.json'), journal);
    await open();
    expect(existsSync(workspace.file('.claude'))).toBe(false);
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

  it('that were an empty file are taken back when it was edited meanwhile', async () => {
    workspace = new TestWorkspace({ [LOCAL]: '' });
    const { session } = await open();
    await session.start(ROUTED);
    workspace.write(LOCAL, workspace.read(LOCAL).replace('{', '{\n  "model": "opus",'));
    await session.stop();
    expect(JSON.parse(workspace.read(LOCAL))).toEqual({ model: 'opus' });
  });

  it('are not written through a linked folder into a file that git tracks', async () => {
    workspace = new TestWorkspace({ 'docs/site/settings.local.json': '{}' });
    symlinkSync('docs/site', workspace.file('.claude'));
    workspace.git('init', '-q');
    workspace.git('add', '-f', '.');
    const { session, notices } = await open();
    await session.start(ROUTED);
    expect(workspace.read('docs/site/settings.local.json')).toBe('{}');
    expect(notices.map(({ message }) => message).join()).toMatch(/tracked by git/);
  });

  it('are written through a linked folder where git does not track the file, and excluded by its real name', async () => {
    workspace = new TestWorkspace({ 'docs/site/x': '' });
    symlinkSync('docs/site', workspace.file('.claude'));
    workspace.git('init', '-q');
    const { session } = await open();
    await session.start(ROUTED);
    expect(workspace.read('docs/site/settings.local.json')).toContain('HTTPS_PROXY');
    expect(readFileSync(workspace.file('.git/info/exclude'), 'utf8')).toContain('/docs/site/settings.local.json\n');
    await session.stop();
    expect(existsSync(workspace.file('docs/site/settings.local.json'))).toBe(false);
    expect(existsSync(workspace.file('docs/site/x'))).toBe(true);
  });

  it('are not written out of the folder, nor where git does not answer', async () => {
    workspace = new TestWorkspace();
    const outside = path.join(workspace.base, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, workspace.file('.claude'));
    const { session, notices } = await open();
    await session.start(ROUTED);
    expect(readdirSync(outside)).toEqual([]);
    expect(notices.map(({ message }) => message).join()).toMatch(/leads out of the folder/);
    await session.stop();
    rmSync(workspace.file('.claude'));
    // A repository that git refuses to read.
    workspace.write('.git/HEAD', 'nonsense');
    await session.start(ROUTED);
    expect(session.state.kind).toBe('running');
    expect(existsSync(workspace.file(LOCAL))).toBe(false);
    expect(notices.map(({ message }) => message).join()).toMatch(/git does not say/);
  });

  it('deny the vault, credential stores and files with real values, never a swapped file', async () => {
    workspace = new TestWorkspace({
      '.env': `ANTHROPIC_API_KEY=${ANTHROPIC}\n`,
      'db/.env': 'DATABASE_URL=postgres://app:s3cr3tPassw0rd99@localhost/db\n',
      'public/.env': 'PORT=3000\n',
    });
    writeFileSync(path.join(workspace.base, '.netrc'), 'machine x login y password z\n');
    const { session } = await open();
    const deny = () =>
      (JSON.parse(workspace.read(LOCAL)) as { permissions: { deny: string[] } }).permissions.deny.map((rule) =>
        rule.replace(workspace.base, '').replace(/folders\/[0-9a-f]+/, 'ID'),
      );
    await session.start(ROUTED);
    const always = ['Read(//state/sandbox-agent/ID/**)', 'Read(//.netrc)'];
    expect(deny()).toEqual([...always, 'Read(//work space/.env)', 'Read(//work space/db/.env)']);
    const scan = await session.scan();
    await session.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
    expect(deny()).toEqual([...always, 'Read(//work space/db/.env)']);
    await session.restore();
    expect(deny()).toContain('Read(//work space/.env)');
  });

  it('say of a hostile repository what is held and what is not', async () => {
    workspace = new TestWorkspace({
      '.claude/settings.json': JSON.stringify({ env: { NO_PROXY: '*', ANTHROPIC_AUTH_TOKEN: 'x' } }),
    });
    const { session, notices } = await open();
    await session.start(ROUTED);
    const said = () => notices.map(({ message }) => message).join('\n');
    expect(said()).toMatch(/NO_PROXY.*takes precedence/);
    expect(said()).toMatch(/ANTHROPIC_AUTH_TOKEN.*nothing of ours takes that back/);
    await session.stop();
    notices.length = 0;
    await session.start({ ...ROUTED, claudeSettings: 'none' });
    expect(said()).toMatch(/NO_PROXY.*nothing of ours takes that back/);
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

describe('the policy file and what is in the way', () => {
  const FILE = '.sandbox-agent/policy.yaml';
  const ENFORCE = 'version: 1\nmode: enforce\nrules: []\n';

  it.each(['the file', 'its folder'])('is neither read nor written where %s leads out of the folder', async (which) => {
    workspace = new TestWorkspace();
    const outside = path.join(workspace.base, 'outside');
    mkdirSync(outside);
    const victim = path.join(outside, 'policy.yaml');
    writeFileSync(victim, 'ssh-ed25519 the only key\n');
    if (which === 'the file') {
      mkdirSync(workspace.file('.sandbox-agent'));
      symlinkSync(victim, workspace.file(FILE));
    } else symlinkSync(outside, workspace.file('.sandbox-agent'));
    const { session, notices } = await open();
    expect(session.policy.state.pending).toBeUndefined();
    await expect(session.policy.reject()).rejects.toThrow(/leads out of the folder/);
    await expect(session.policy.write(ENFORCE)).rejects.toThrow(/leads out of the folder/);
    await session.start(ROUTED);
    expect(session.state.kind).toBe('running');
    expect(notices.map(({ message }) => message).join()).toMatch(/leads out of the folder.*is in force/);
    expect(session.policy.state.policy.mode).toBe('monitor');
    expect(readFileSync(victim, 'utf8')).toBe('ssh-ed25519 the only key\n');
    expect(readdirSync(outside)).toEqual(['policy.yaml']);
  });

  it('keeps an edit that was saved a moment ago, which no watcher has told of', async () => {
    workspace = new TestWorkspace();
    const { session } = await open();
    await session.policy.ensureFile();
    const saved = `${workspace.read(FILE)}# an edit of the user\n`;
    workspace.write(FILE, saved);
    expect(await session.policy.write(ENFORCE)).toMatchObject([{ severity: 'error', code: 'waiting-change' }]);
    expect(workspace.read(FILE)).toBe(saved);
    expect(session.policy.state).toMatchObject({ policy: { mode: 'monitor' }, pending: { text: saved } });
  });

  it('approves the text that was shown and no later one', async () => {
    workspace = new TestWorkspace({ [FILE]: ENFORCE });
    const { session } = await open();
    const shown = session.policy.state.pending!.text;
    const later = `${ENFORCE}# and one thing more\n`;
    workspace.write(FILE, later);
    await session.policy.approve(shown);
    expect(session.policy.state).toMatchObject({ approvedText: ENFORCE, pending: { text: later } });
  });

  it('may lie in a folder that cannot be written: the proxy runs, and what is missing is said', async () => {
    workspace = new TestWorkspace({ '.env': 'A=1\n', '.claude/x': '' });
    const asRoot = process.getuid?.() === 0;
    const nobody = asRoot ? { uid: 65534, gid: 65534 } : {};
    mkdirSync(workspace.stateRoot, { recursive: true });
    chmodSync(workspace.base, 0o755);
    for (const folder of ['.', '.claude']) chmodSync(workspace.file(folder), 0o555);
    if (asRoot) chownSync(workspace.stateRoot, 65534, 65534);
    const readOnly = await bundle('readOnlySession');
    const proxy = path.join(path.dirname(readOnly.script), 'proxy.js');
    copyFileSync(path.join(dist, 'proxy.js'), proxy);
    chmodSync(proxy, 0o644);
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [readOnly.script, workspace.folder, workspace.stateRoot, proxy],
      { encoding: 'utf8', cwd: '/', env: { PATH: process.env['PATH'], HOME: workspace.stateRoot }, ...nobody },
    );
    readOnly.remove();
    for (const folder of ['.', '.claude']) chmodSync(workspace.file(folder), 0o755);
    expect(stderr).toBe('');
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ state: { kind: 'running' }, mode: 'monitor', after: 'monitor' });
    expect(result['refused']).toMatch(/cannot be written/);
    expect((result['notices'] as string[]).join('\n')).toMatch(
      /policy\.yaml cannot be written \(EACCES\).*default, is in force[^]*settings\.local\.json was not written.*cannot be written/,
    );
    expect(existsSync(workspace.file(FILE))).toBe(false);
  });
});

it('a running proxy learns what another process protects', async () => {
  workspace = new TestWorkspace({ '.env': `ANTHROPIC_API_KEY=${ANTHROPIC}\n` });
  const origin = http.createServer((request, response) => response.end(String(request.headers['x-api-key'])));
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const { port: originPort } = origin.address() as net.AddressInfo;
  const { session } = await open();
  await session.policy.write(`version: 1
rules:
  - type: allow
    addresses: any
    condition: { match: { host: "127.0.0.1", port: any } }
secrets:
  ANTHROPIC_API_KEY: { hosts: ["127.0.0.1"], in: ["header:x-api-key"] }
`);
  await session.start(ROUTED);
  execFileSync(process.execPath, [path.join(dist, 'cli.js'), 'protect', '--yes', workspace.folder], {
    env: { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg },
    stdio: 'ignore',
  });
  const dummy = /=(.*)/.exec(workspace.read('.env'))![1]!;
  expect(dummy).not.toBe(ANTHROPIC);
  const proxy = new URL(session.agentEnvironment('claude')!['HTTP_PROXY']!);
  // What the origin got. (In its answer the real value is a dummy again.)
  const seen: string[] = [];
  origin.on('request', (request) => seen.push(String(request.headers['x-api-key'])));
  const send = () =>
    new Promise<void>((resolve, reject) => {
      const authorization = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64');
      http
        .get(
          {
            host: '127.0.0.1',
            port: proxy.port,
            path: `http://127.0.0.1:${originPort}/`,
            headers: {
              host: `127.0.0.1:${originPort}`,
              'x-api-key': dummy,
              'proxy-authorization': `Basic ${authorization}`,
            },
          },
          (response) => response.resume().on('end', resolve),
        )
        .on('error', reject);
    });
  // The watch takes a moment; without it this never ends.
  while (seen.at(-1) !== ANTHROPIC) await send();
  expect((await session.secrets()).map(({ name }) => name)).toEqual(['ANTHROPIC_API_KEY']);
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
});

it('a key that changed in the environment leaves the dummies in files known', async () => {
  const changed = ANTHROPIC.replace('Host0', 'Rota0');
  const third = ANTHROPIC.replace('Host0', 'Third');
  workspace = new TestWorkspace({ '.env': `ANTHROPIC_API_KEY=${ANTHROPIC}\n` });
  const first = await open({ ANTHROPIC_API_KEY: ANTHROPIC });
  const scan = await first.session.scan();
  await first.session.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  const inFile = /=(.*)/.exec(workspace.read('.env'))![1]!;
  const dummies = [inFile];
  for (const value of [changed, third]) {
    const { session } = await open({ ANTHROPIC_API_KEY: value });
    await session.start({ ...ROUTED, claudeSettings: 'none' });
    const dummy = session.agentEnvironment('claude')!['ANTHROPIC_API_KEY']!;
    expect(dummy).not.toBe(value);
    expect(dummies).not.toContain(dummy);
    dummies.push(dummy);
    const secrets = await session.secrets();
    // The file's is injected, noticed and redacted as before; of the environment's, the one of now.
    expect(secrets.map((secret) => secret.dummy).sort()).toEqual([inFile, dummy].sort());
    expect((await session.scan()).values).toEqual([]);
    expect((await session.realEnvironment())['ANTHROPIC_API_KEY']).toBe(ANTHROPIC);
    await session.stop();
  }
  const last = await open({ ANTHROPIC_API_KEY: third });
  expect((await last.session.restore()).failed).toEqual([]);
  expect(workspace.read('.env')).toBe(`ANTHROPIC_API_KEY=${ANTHROPIC}\n`);
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

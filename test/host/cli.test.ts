// The command line as a user calls it: the built dist/cli.js, its output and its exit codes.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

const cli = path.join(import.meta.dirname, '../../dist/cli.js');
let workspace: TestWorkspace;
afterEach(() => workspace.remove());

function run(args: readonly string[], environment: NodeJS.ProcessEnv = {}, cwd = workspace.folder) {
  const env = { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg, ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd,
    env,
    encoding: 'utf8',
    input: '',
  });
  return { status, stdout, stderr, all: stdout + stderr };
}

describe('scan, protect, restore', () => {
  it('show by name, swap only when told to, and give back', () => {
    workspace = new TestWorkspace();
    const scan = run(['scan']);
    expect(scan.status).toBe(0);
    expect(scan.stdout).toMatch(/\[x\] ANTHROPIC_API_KEY \(line 3\).*api\.anthropic\.com/);
    expect(scan.stdout).toMatch(/\[ \] DATABASE_URL/);
    const asked = run(['protect']);
    expect(asked.status).toBe(1);
    expect(workspace.untouched()).toBe(true);
    const done = run(['protect', '--yes']);
    expect(done.status).toBe(0);
    expect(workspace.untouched()).toBe(false);
    expect(run(['protect', '--yes']).stdout).toMatch(/Nothing to swap/);
    const restored = run(['restore']);
    expect(restored.stdout).toBe('restored .env\nrestored packages/web/.env.local\n');
    expect(workspace.untouched()).toBe(true);
    expect(scan.all + asked.all + done.all + restored.all).not.toMatch(new RegExp(`${ANTHROPIC}|${GITHUB}`));
  });

  it('take the stores of the home folder only with --stores, and give them back', () => {
    workspace = new TestWorkspace();
    const netrc = path.join(workspace.base, '.netrc');
    const text = 'machine api.example login me password Zq7-vX2.kP9_mN4rT6wB8yC1\n';
    writeFileSync(netrc, text);
    expect(run(['scan']).stdout).toMatch(/~\/\.netrc\n {2}\[ \] NETRC_API_EXAMPLE.*every program of every folder/);
    run(['protect', '--yes', '--all']);
    expect(readFileSync(netrc, 'utf8')).toBe(text);
    expect(run(['protect', '--yes', '--stores']).status).toBe(0);
    expect(readFileSync(netrc, 'utf8')).not.toBe(text);
    expect(run(['restore']).status).toBe(0);
    expect(readFileSync(netrc, 'utf8')).toBe(text);
    expect(workspace.untouched()).toBe(true);
  });

  it('print one JSON document', () => {
    workspace = new TestWorkspace();
    const declined = run(['protect', '--json']);
    expect(declined.status).toBe(1);
    expect(JSON.parse(declined.stdout)).toMatchObject({ swapped: [], copies: [] });
    expect(declined.stdout).toMatch(/--yes/);
    expect(JSON.parse(run(['scan', '--json']).stdout)).toMatchObject({ files: ['.env', 'packages/web/.env.local'] });
    expect(JSON.parse(run(['protect', '--yes', '--json']).stdout)).toMatchObject({ refused: [] });
    expect(JSON.parse(run(['restore', '--json']).stdout)).toMatchObject({ failed: [] });
    expect(workspace.untouched()).toBe(true);
  });
});

describe('run', () => {
  it('hands dummies and the proxy to the command, passes its exit code, and restores', () => {
    workspace = new TestWorkspace();
    const { status, stdout } = run([
      'run',
      '--',
      process.execPath,
      '-e',
      'console.log(require("fs").readFileSync(".env", "utf8"), process.env.HTTPS_PROXY, require("fs").existsSync(".claude/settings.local.json")); process.exit(7)',
    ]);
    expect(status).toBe(7);
    expect(stdout).not.toContain(ANTHROPIC);
    expect(stdout).toMatch(/http:\/\/claude:[^@]+@127\.0\.0\.1:\d+ true/);
    expect(workspace.untouched()).toBe(true);
  });

  it('leaves a folder protected that was protected before', () => {
    workspace = new TestWorkspace();
    run(['protect', '--yes']);
    run(['run', '--', process.execPath, '-e', '0']);
    expect(workspace.untouched()).toBe(false);
    run(['restore']);
    expect(workspace.untouched()).toBe(true);
  });

  it('--real hands the real values of the folder it runs in as environment, and no proxy', () => {
    workspace = new TestWorkspace();
    run(['protect', '--yes']);
    const print = [
      '--',
      process.execPath,
      '-e',
      'console.log(process.env.ANTHROPIC_API_KEY, process.env.GITHUB_TOKEN, process.env.HTTPS_PROXY)',
    ];
    expect(run(['run', '--real', ...print]).stdout).toBe(`${ANTHROPIC} undefined undefined\n`);
    const web = run(['run', '--real', '--dir', workspace.folder, ...print], {}, workspace.file('packages/web'));
    expect(web.stdout).toBe(`undefined ${GITHUB} undefined\n`);
    expect(workspace.untouched()).toBe(false);
    run(['restore']);
  });

  it('--real still has a value whose line is gone, and restore says where it is', () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    run(['protect', '--yes']);
    workspace.write('.env', 'FOO=1\n');
    const restored = run(['restore']);
    expect(restored.status).toBe(1);
    expect(restored.stderr).toMatch(/stay in the vault: GITHUB_TOKEN=ghp_/);
    expect(restored.all).not.toContain(GITHUB);
    const { stdout } = run(['run', '--real', '--', process.execPath, '-e', 'console.log(process.env.GITHUB_TOKEN)']);
    expect(stdout).toBe(`${GITHUB}\n`);
  });

  it('restores a folder whose vault holds nothing but values that found no place', () => {
    workspace = new TestWorkspace({ '.env': `GITHUB_TOKEN=${GITHUB}\n` });
    run(['protect', '--yes']);
    workspace.write('.env', `ANTHROPIC_API_KEY=${ANTHROPIC}\n`);
    run(['restore']);
    const { stdout } = run([
      'run',
      '--',
      process.execPath,
      '-e',
      'console.log(require("fs").readFileSync(".env", "utf8"))',
    ]);
    expect(stdout).not.toContain(ANTHROPIC);
    expect(workspace.read('.env')).toBe(`ANTHROPIC_API_KEY=${ANTHROPIC}\n`);
  });
});

describe('doctor', () => {
  it('finds the proxy that another process runs for the folder', () => {
    workspace = new TestWorkspace();
    const doctor = ['--', process.execPath, cli, 'doctor', '--json'];
    const lines = JSON.parse(run(['run', ...doctor]).stdout) as { status: string; what: string }[];
    expect(lines).toContainEqual(
      expect.objectContaining({
        status: 'ok',
        what: expect.stringMatching(/listens on 127\.0\.0\.1:\d+, run by command line \(process \d+\)/) as unknown,
      }),
    );
    const after = run(['doctor']);
    expect(after.status).toBe(1);
    expect(after.stdout).toMatch(/The proxy does not run/);
  });
});

describe('check and test', () => {
  const POLICY = `version: 1
rules:
  - type: block
    description: No gists
    condition: { match: { host: api.github.com, path: /gists/** } }
  - type: allow
    condition: { match: { host: api.github.com } }
tests:
  - { request: "GET https://api.github.com/user", expect: allow }
  - { request: "POST https://api.github.com/gists", expect: block }
`;

  it('say what the policy says, and why', () => {
    workspace = new TestWorkspace({ 'p.yaml': POLICY });
    const allowed = run(['check', 'GET', 'https://api.github.com/user', '--policy', 'p.yaml']);
    expect(allowed.status).toBe(0);
    const blocked = run(['check', 'GET', 'https://api.github.com/x/%2e%2e/gists/1', '--policy', 'p.yaml', '--json']);
    expect(blocked.status).toBe(1);
    expect(JSON.parse(blocked.stdout)).toMatchObject({ action: 'block', effective: 'block', rule: { index: 0 } });
    expect(run(['test', '--policy', 'p.yaml']).status).toBe(0);
    writeFileSync(workspace.file('p.yaml'), POLICY.replace('expect: allow', 'expect: block'));
    expect(run(['test', '--policy', 'p.yaml']).status).toBe(1);
  });

  it('use the approved text, not what stands in the file', () => {
    workspace = new TestWorkspace({ '.sandbox-agent/policy.yaml': POLICY });
    const { stdout, stderr } = run(['check', 'GET', 'https://api.github.com/user', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ action: 'block', effective: 'allow' });
    expect(stderr).toMatch(/waits for approval/);
  });
});

describe('wrong use ends with 2 and a sentence', () => {
  it.each([
    [[], /sandbox-agent/],
    [['frobnicate'], /no command/],
    [['flows'], /not in this version/],
    [['scan', '--frob'], /frob/],
    [['check', 'GET'], /METHOD URL/],
    [['check', 'GET', 'ftp://x'], /not a URL/],
    [['run'], /which command/],
    [['run', '--sandbox', '--', 'true'], /not in this version/],
    [['proxy', '--listen', 'nowhere'], /--listen HOST:PORT/],
    [['proxy', '--listen', '127.0.0.1:65536', '--state', 's', '--policy', 'p'], /not a port/],
    [['proxy', '--listen', '0.0.0.0:0', '--state', 's', '--policy', 'p', '--no-auth'], /was not started/],
    [['proxy', '--listen', '[::]:0', '--state', 's', '--policy', 'p', '--no-auth'], /was not started/],
    [['scan', 'nowhere'], /There is no folder nowhere/],
    [['protect', 'nowhere', '--json'], /There is no folder nowhere/],
    [['run', '--dir', 'nowhere', '--', 'true'], /There is no folder nowhere/],
  ])('%j', (args, expected) => {
    workspace = new TestWorkspace({});
    const { status, all } = run(args);
    expect(status).toBe(2);
    expect(all).toMatch(expected);
  });

  it('names a file where a folder should be', () => {
    workspace = new TestWorkspace();
    const { status, stderr } = run(['scan', '.env']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/not a folder/);
  });

  it('prints an error as JSON where JSON was asked for', () => {
    workspace = new TestWorkspace({});
    expect(JSON.parse(run(['protect', 'nowhere', '--json']).stdout)).toMatchObject({
      error: expect.stringMatching(/There is no folder/) as unknown,
    });
  });

  it('goes on when nobody reads its output any more', () => {
    workspace = new TestWorkspace();
    const script = `"${process.execPath}" "${cli}" protect --yes | true; exit \${PIPESTATUS[0]}`;
    const env = { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg };
    const { status, stderr } = spawnSync('bash', ['-c', script], { cwd: workspace.folder, env, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(workspace.read('.env')).not.toContain(ANTHROPIC);
    run(['restore']);
    expect(workspace.untouched()).toBe(true);
  });

  it('says that headers are not matched', () => {
    workspace = new TestWorkspace({});
    expect(run(['check', 'GET', 'https://x.example/', '-H', 'a: b']).stderr).toMatch(/not matched/);
    expect(run(['--help']).stdout).toMatch(/-H HEADER[^]*headers are not matched/);
  });

  it('refuses secrets that others can read', () => {
    workspace = new TestWorkspace({ 'p.yaml': 'version: 1\nrules: []\n', 's.json': '[]' });
    chmodSync(workspace.file('s.json'), 0o644);
    const { status, stderr } = run([
      'proxy',
      '--listen',
      '127.0.0.1:0',
      '--state',
      'state',
      '--policy',
      'p.yaml',
      '--secrets',
      's.json',
    ]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/chmod 600/);
  });

  it('writes the files of the test as they are', () => {
    workspace = new TestWorkspace();
    expect(workspace.untouched(FILES)).toBe(true);
  });
});

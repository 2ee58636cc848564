// Real clients through the real command line's proxy, with the environment that agents get: curl, git, Python, Node.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentEnvironment } from '../../src/core/agents/environment';
import { upstreamRoots, writeBundle } from '../../src/host/authority';
import { DUMMY, REAL } from '../support/guarded';
import { testAuthority, testLeaf } from '../support/pki';

const root = path.join(import.meta.dirname, '../..');
const base = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-clients-'));
const ca = testAuthority('origin CA of the clients');
const leaf = testLeaf(ca);
const seen: { url: string; authorization: string | undefined; body: string }[] = [];
let proxy: ChildProcess;
let env: NodeJS.ProcessEnv = {};
let origin: https.Server;
let url = '';

const works = (command: string, ...args: string[]) => {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const run = (command: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}) =>
  new Promise<string>((resolve) =>
    execFile(command, [...args], { env: { ...env, ...extra }, cwd: base }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    ),
  );

beforeAll(async () => {
  // Serves /hello, and a bare git repository over the dumb protocol.
  const repository = path.join(base, 'repo');
  mkdirSync(repository);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      cwd: repository,
      stdio: 'ignore',
    });
  if (works('git', '--version')) {
    git('init', '-q');
    writeFileSync(path.join(repository, 'file.txt'), 'cloned through the proxy\n');
    git('add', '.');
    git('commit', '-qm', 'one');
    git('update-server-info');
  }
  origin = https.createServer({ cert: leaf.cert, key: leaf.key }, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ url: request.url!, authorization: request.headers.authorization, body });
      const file = path.join(repository, request.url!.split('?')[0]!.replace('/repo', ''));
      if (request.url!.startsWith('/repo/.git/')) {
        const content = statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : undefined;
        response.writeHead(content ? 200 : 404).end(content);
      } else
        response.end(
          JSON.stringify({
            ok: request.headers.authorization === `Bearer ${REAL}`,
            sha: createHash('sha256').update(body).digest('hex').slice(0, 8),
          }),
        );
    });
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  url = `https://localhost:${(origin.address() as AddressInfo).port}`;
  writeFileSync(path.join(base, 'origin-ca.pem'), ca.cert);
  writeFileSync(
    path.join(base, 'policy.yaml'),
    'version: 1\nmode: enforce\nrules:\n  - type: block\n    condition: { match: { host: localhost, port: any, path: /blocked } }\n  - type: allow\n    addresses: any\n    condition: { match: { host: localhost, port: any } }\n',
  );
  writeFileSync(
    path.join(base, 'secrets.json'),
    JSON.stringify([
      { name: 'API_KEY', value: REAL, dummy: DUMMY, hosts: ['localhost'], in: ['header:authorization', 'basic'] },
    ]),
    { mode: 0o600 },
  );
  const state = path.join(base, 'state');
  proxy = spawn(
    process.execPath,
    [
      path.join(root, 'dist/cli.js'),
      'proxy',
      '--listen',
      '127.0.0.1:0',
      '--state',
      state,
      '--policy',
      'policy.yaml',
      '--secrets',
      'secrets.json',
      '--flows',
      'flows.jsonl',
    ],
    {
      cwd: base,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: path.join(base, 'origin-ca.pem') },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const line = await new Promise<string>((resolve) =>
    proxy.stdout!.once('data', (text: Buffer) => resolve(text.toString())),
  );
  const { listening, token } = JSON.parse(line) as { listening: string; token: string };
  const bundleFile = path.join(base, 'bundle.pem');
  await writeBundle(bundleFile, await upstreamRoots({}), readFileSync(path.join(state, 'ca.pem'), 'utf8'));
  const wiring = agentEnvironment({
    host: '127.0.0.1',
    port: Number(listening.split(':')[1]),
    label: 'agent',
    token,
    caFile: path.join(state, 'ca.pem'),
    bundleFile,
    preload: path.join(root, 'dist/preload.cjs'),
    dummies: { API_KEY: DUMMY },
    inherited: {},
  });
  // The origin is on this machine; agents' NO_PROXY leaves that out.
  env = { PATH: process.env['PATH'], HOME: base, ...wiring, NO_PROXY: '', no_proxy: '' };
});

afterAll(async () => {
  const ended = new Promise((resolve) => proxy.once('exit', resolve));
  proxy.kill('SIGTERM');
  await ended;
  await new Promise((resolve) => origin.close(resolve));
  rmSync(base, { recursive: true, force: true });
});

describe.skipIf(!works('curl', '--version'))('curl', () => {
  it('gets the key injected, follows a block with its reason, and uploads', async () => {
    expect(await run('curl', ['-sS', '-H', `Authorization: Bearer ${DUMMY}`, `${url}/hello`])).toContain('"ok":true');
    expect(await run('curl', ['-sS', `${url}/blocked`])).toMatch(/sandbox_agent_blocked[^]*localhost/);
    const body = 'x'.repeat(300_000);
    writeFileSync(path.join(base, 'body'), body);
    const sha = createHash('sha256').update(body).digest('hex').slice(0, 8);
    expect(
      await run('curl', ['-sS', '--data-binary', '@body', '-H', 'Expect: 100-continue', `${url}/upload`]),
    ).toContain(sha);
  });

  it('puts credentials of a URL into Basic, where the password is the dummy', async () => {
    await run('curl', ['-sS', '-u', `user:${DUMMY}`, `${url}/basic`]);
    expect(seen.find((request) => request.url === '/basic')?.authorization).toBe(`Basic ${btoa(`user:${REAL}`)}`);
  });
});

describe.skipIf(!works('git', '--version'))('git', () => {
  it('clones over https', async () => {
    await run('git', ['clone', '-q', `${url}/repo/.git`, 'clone']);
    expect(readFileSync(path.join(base, 'clone', 'file.txt'), 'utf8')).toBe('cloned through the proxy\n');
  });
});

describe.skipIf(!works('python3', '-c', 'import requests'))('Python requests', () => {
  it('gets the key injected', async () => {
    expect(
      await run('python3', [
        '-c',
        `import requests; print(requests.get("${url}/hello", headers={"Authorization": "Bearer ${DUMMY}"}).text)`,
      ]),
    ).toContain('"ok":true');
  });
});

describe.skipIf(!works('python3', '--version'))('Python urllib', () => {
  it('gets the key injected', async () => {
    const code = `import urllib.request as u; print(u.urlopen(u.Request("${url}/hello", headers={"Authorization": "Bearer ${DUMMY}"})).read().decode())`;
    expect(await run('python3', ['-c', code])).toContain('"ok":true');
  });
});

/** Node binaries to try: this one, and a newer one where the VS Code tests brought it. */
const nodes = [process.execPath];
const tools = path.join(root, '.vscode-test');
for (const name of statSync(tools, { throwIfNoEntry: false }) ? readdirSync(tools) : []) {
  const binary = path.join(tools, name, 'node_modules/.bin/node');
  if (name.startsWith('code-server') && works(binary, '--version')) nodes.push(binary);
}

describe.each(nodes.map((binary) => [execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim(), binary]))(
  'Node %s',
  (_, binary) => {
    const code = () =>
      `fetch('${url}/hello', { headers: { authorization: 'Bearer ${DUMMY}' } }).then(async (r) => console.log(await r.text()))`;

    it('fetch gets the key injected, and nothing lands in its output', async () => {
      expect(await run(binary, ['-e', code()])).toMatch(/^\{"ok":true[^\n]*\n$/);
    });

    it('a program that takes no part in it runs as ever', async () => {
      expect(await run(binary, ['-e', 'console.log(1)'])).toBe('1\n');
    });
  },
);

it('no flow holds the real value', async () => {
  const flows = readFileSync(path.join(base, 'flows.jsonl'), 'utf8');
  expect(flows).toContain('"injected":["API_KEY"]');
  expect(flows).not.toContain(REAL);
  expect(flows).not.toContain(btoa(REAL).slice(4, -4));
});

it('SIGHUP reloads the policy, a changed file alone does not', async () => {
  writeFileSync(path.join(base, 'policy.yaml'), 'version: 1\nmode: enforce\nrules: []\n');
  expect(await run(process.execPath, ['-e', `fetch('${url}/hello').then((r) => console.log(r.status))`])).toBe('200\n');
  proxy.kill('SIGHUP');
  let status = '';
  for (let i = 0; i < 50 && status !== '403\n'; i++)
    status = await run(process.execPath, ['-e', `fetch('${url}/hello').then((r) => console.log(r.status))`]);
  expect(status).toBe('403\n');
});

it('SIGUSR1 opens no inspector', async () => {
  proxy.kill('SIGUSR1');
  expect(await run(process.execPath, ['-e', `fetch('${url}/hello').then((r) => console.log(r.status))`])).toBe('403\n');
  expect(
    await run(process.execPath, [
      '-e',
      `require('net').connect(9229, '127.0.0.1').on('error', (e) => console.log(e.code)).on('connect', () => { console.log('open'); process.exit(); })`,
    ]),
  ).toBe('ECONNREFUSED\n');
});

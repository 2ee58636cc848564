// A company's proxy between us and the world: who is asked for what, what goes past it, and what its refusals become.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ParentProxy } from '../../src/core/base/parentProxy';
import { admitting } from '../../src/proxy/tokens';
import { compileNoProxy } from '../../src/proxy/upstream/noProxy';
import { HttpMitmProxyEngine } from '../engines/httpMitmProxy';
import { DUMMY, GuardedFixture, REAL, SECRET } from '../support/guarded';
import { ParentProxyServer } from '../support/parentProxy';
import { testAuthority, testLeaf } from '../support/pki';
import { connectRaw, connectTls } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { AUTH, OpenHandlers, WireFixture } from '../support/wire';

const HOST = 'api.example';
const originCa = testAuthority('origin CA');
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function world(options: {
  readonly kind?: 'http' | 'socks5';
  readonly url?: (port: number) => string;
  readonly parent?: Partial<ParentProxy>;
  readonly tls?: boolean;
  readonly parentCa?: ReturnType<typeof testAuthority>;
  /** What names resolve to here. Not given: nothing resolves but the parent's own. */
  readonly resolved?: readonly string[];
}) {
  const origin = new RawOrigin(testLeaf(originCa, HOST));
  const originPort = await origin.listen();
  const { kind = 'http', tls = false, parentCa = originCa } = options;
  const parent = new ParentProxyServer(kind, () => originPort, tls ? testLeaf(parentCa) : undefined);
  const port = await parent.listen();
  const url = options.url?.(port) ?? `${tls ? 'https' : kind}://localhost:${port}`;
  const looked: string[] = [];
  const wire = await WireFixture.open({
    upstreamCa: [originCa.cert],
    parent: { url, noProxy: '', ca: [], ...options.parent },
    lookup: async (name) => {
      looked.push(name);
      if (/(?:^|\.)localhost$/.test(name)) return ['127.0.0.1'];
      if (options.resolved) return options.resolved;
      throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    },
  });
  wire.handlers.addresses = 'public';
  closing.push(
    () => origin.close(),
    () => parent.close(),
    () => wire.close(),
  );
  return { origin, originPort, parent, wire, looked };
}

const get = async (wire: WireFixture, host = HOST) => {
  const client = await wire.connect(`${host}:443`);
  return client.write(wire.get('', undefined, host)).response();
};

describe.each([
  ['http', { kind: 'http' }],
  ['https', { kind: 'http', tls: true }],
  ['socks5', { kind: 'socks5' }],
] as const)('a parent that speaks %s', (_, options) => {
  it('gets the name, and the upstream is verified through it', async () => {
    const { wire, parent, origin, looked } = await world(options);
    expect(await get(wire)).toMatch(/^HTTP\/1\.1 200 /);
    expect(origin.heads).toHaveLength(1);
    expect(parent.asked[0]).toMatch(
      options.kind === 'socks5'
        ? /^api\.example:443$/
        : /^CONNECT api\.example:443 HTTP\/1\.1\r\nHost: api\.example:443\r\n\r\n$/,
    );
    // Where it may lead is asked here too, once: it does not resolve, which is what a parent is for.
    expect(await get(wire)).toMatch(/ 200 /);
    expect(looked.filter((name) => name !== 'localhost')).toEqual([HOST]);
  });

  it('sends its user and password, percent-decoded', async () => {
    const scheme = 'tls' in options ? 'https' : options.kind;
    const { wire, parent } = await world({ ...options, url: (port) => `${scheme}://me%40x:p%3Aw@localhost:${port}` });
    expect(await get(wire)).toMatch(/ 200 /);
    if (options.kind === 'socks5') expect(parent.logins).toEqual(['me@x:p:w']);
    else expect(parent.asked[0]).toContain(`\r\nProxy-Authorization: Basic ${btoa('me@x:p:w')}\r\n`);
  });

  it('carries tunnels, with what the server says first', async () => {
    const { wire, parent } = await world(options);
    parent.behind = 'SSH-2.0-x\r\n';
    wire.handlers.tunnel = true;
    const client = await connectRaw(wire.proxyPort);
    client.write(`CONNECT ${HOST}:22 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
    expect(await client.until((text) => text.endsWith('SSH-2.0-x\r\n'))).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
  });
});

it('carries plain http through CONNECT too', async () => {
  const plain = new RawOrigin();
  const port = await plain.listen();
  closing.push(() => plain.close());
  const parent = new ParentProxyServer('http', () => port);
  await parent.listen();
  const wire = await WireFixture.open({ parent: { url: `localhost:${parent.port}`, noProxy: '', ca: [] } });
  closing.push(
    () => parent.close(),
    () => wire.close(),
  );
  const client = await connectRaw(wire.proxyPort);
  const text = await client
    .write(`GET http://${HOST}/x HTTP/1.1\r\nHost: ${HOST}\r\nProxy-Authorization: ${AUTH}\r\n\r\n`)
    .response();
  expect(text).toMatch(/ 200 /);
  expect(parent.asked[0]).toMatch(/^CONNECT api\.example:80 /);
  expect(plain.heads[0]).toMatch(/^GET \/x HTTP/);
  client.socket.destroy();
});

describe('what goes past the parent', () => {
  it('is what NO_PROXY names, by our own resolver and with its addresses checked', async () => {
    const { wire, parent, looked } = await world({
      parent: { noProxy: 'other.example, .example' },
      resolved: ['127.0.0.1'],
    });
    const text = await get(wire);
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(text).toContain('private-address');
    expect(looked).toEqual([HOST]);
    expect(parent.asked).toEqual([]);
  });

  it('is everything on this machine: there it would be another machine', async () => {
    const { wire, parent } = await world({});
    for (const host of ['localhost', 'x.localhost', '127.0.0.1', '[::1]'])
      expect(await get(wire, host)).toContain('private-address');
    expect(parent.asked).toEqual([]);
  });

  it.each([
    ['*', 'any.example', true],
    ['example.com', 'example.com', true],
    ['example.com', 'www.example.com', true],
    ['.example.com', 'example.com', true],
    ['example.com.', 'a.example.com', true],
    ['EXAMPLE.com', 'example.com', true],
    ['example.com', 'nonexample.com', false],
    ['a.example, b.example', 'b.example', true],
    ['a.example b.example', 'b.example', true],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['192.168.1.1', '192.168.1.1', true],
    ['fe80::/10', 'fe80::1', true],
    ['[::1]', '::1', true],
    ['*.example.com', 'a.example.com', false],
    ['a.example, *', 'b.example', false],
    ['example.com:8080', 'example.com', false],
    ['', 'example.com', false],
  ])('NO_PROXY=%s and %s: %s', (text, host, expected) => {
    expect(compileNoProxy(text)(host)).toBe(expected);
  });
});

describe('addresses', () => {
  it.each(['10.0.0.1', '169.254.169.254', '[fd00::1]'])(
    'a literal is judged by us: %s is refused and nobody asked',
    async (host) => {
      const { wire, parent } = await world({});
      expect(await get(wire, host)).toContain('private-address');
      expect(parent.asked).toEqual([]);
      wire.handlers.addresses = 'any';
      parent.answer = 'HTTP/1.1 403 No\r\n\r\n';
      expect(await get(wire, host)).toContain('parent-refused');
    },
  );
});

describe('a name that the parent would resolve', () => {
  it.each([[['10.0.0.1']], [['127.0.0.1', '::1']], [['169.254.169.254', 'fd00::1']]])(
    'goes nowhere when it is %j here, unless the rule says so',
    async (resolved) => {
      const { wire, parent } = await world({ resolved });
      const text = await get(wire);
      expect(text).toMatch(/^HTTP\/1\.1 403 /);
      expect(text).toContain('private-address');
      expect(parent.asked).toEqual([]);
      wire.handlers.addresses = 'any';
      expect(await get(wire)).toMatch(/ 200 /);
    },
  );

  it('goes on with one public address among them', async () => {
    const { wire, parent } = await world({ resolved: ['10.0.0.1', '93.184.216.34'] });
    expect(await get(wire)).toMatch(/ 200 /);
    expect(parent.asked).toHaveLength(1);
  });
});

describe('a parent that does not connect', () => {
  it.each([
    ['HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n', 'parent-authentication', 'HTTPS_PROXY'],
    ['HTTP/1.1 403 Forbidden\r\n\r\n', 'parent-refused', 'ask whoever runs that proxy'],
    ['HTTP/1.1 503 Busy\r\n\r\n', 'parent-failed', 'status 503'],
    ['SSH-2.0-OpenSSH\r\n\r\n', 'parent-failed', 'not HTTP'],
    ['HTTP/1.1 200 OK\nX: y\n\n', 'parent-failed', 'not HTTP'],
    ['', 'parent-failed', 'closed the connection'],
  ])('%j', async (answer, code, words) => {
    const { wire, parent } = await world({ url: (port) => `http://me:hunter2@localhost:${port}` });
    parent.answer = answer;
    const text = await get(wire);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain(`"code":"${code}"`);
    expect(text).toContain(words);
    expect(text).toContain(`localhost:${parent.port}`);
    expect(text).not.toMatch(/hunter2|me:/);
    expect(wire.handlers.ends[0]!.how).toMatchObject({ kind: 'failed', code });
  });

  it.each([
    ['login', 'parent-authentication'],
    [String.fromCharCode(5, 2, 0, 1, 0, 0, 0, 0, 0, 0), 'parent-refused'],
    [String.fromCharCode(5, 5, 0, 1, 0, 0, 0, 0, 0, 0), 'parent-failed'],
    [String.fromCharCode(4, 0, 0, 0, 0, 0, 0, 0), 'parent-failed'],
  ])('SOCKS5: %j', async (answer, code) => {
    const { wire, parent } = await world({ kind: 'socks5', url: (port) => `socks5h://me:hunter2@localhost:${port}` });
    parent.answer = answer;
    const text = await get(wire);
    expect(text).toContain(`"code":"${code}"`);
    expect(text).not.toContain('hunter2');
  });

  it('is not there', async () => {
    const { wire } = await world({ url: () => 'http://localhost:1' });
    expect(await get(wire)).toContain('"code":"parent-connect-refused"');
  });

  it('shows a certificate that does not verify, or one of a CA that only it may have', async () => {
    const parentCa = testAuthority('CA of the parent');
    const { wire, parent } = await world({ tls: true, parentCa });
    expect(await get(wire)).toContain('"code":"parent-tls-unverified"');
    expect(parent.asked).toEqual([]);
    const trusted = await world({ tls: true, parentCa, parent: { ca: [parentCa.cert] } });
    expect(await get(trusted.wire)).toMatch(/ 200 /);
  });

  it('verifies the upstream whatever the parent does', async () => {
    const { wire, parent, origin } = await world({});
    const impostor = new RawOrigin(testLeaf(testAuthority('somebody else'), HOST));
    const port = await impostor.listen();
    closing.push(() => impostor.close());
    Object.assign(parent, { upstreamPort: () => port });
    expect(await get(wire)).toContain('"code":"tls-unverified"');
    expect([...origin.heads, ...impostor.heads]).toEqual([]);
  });
});

describe('loops', () => {
  it('a parent that is one of our own listeners', async () => {
    const parent = new ParentProxyServer('http', () => 1);
    const port = await parent.listen();
    const wire = await WireFixture.open({
      parent: { url: `http://127.0.0.1:${port}`, noProxy: '', ca: [] },
      listeners: new Set([{ host: '127.0.0.1', port }]),
    });
    closing.push(
      () => parent.close(),
      () => wire.close(),
    );
    expect(await get(wire)).toMatch(/^HTTP\/1\.1 508 /);
    expect(parent.sockets).toEqual([]);
  });

  it('our own port, by a name that a parent on this machine would resolve', async () => {
    const { wire, parent } = await world({});
    const client = await wire.connect(`${HOST}:${wire.proxyPort}`);
    const own = `${HOST}:${wire.proxyPort}`;
    expect(await client.write(wire.get('', undefined, own)).response(10)).toMatch(/^HTTP\/1\.1 508 /);
    expect(parent.asked).toEqual([]);
  });
});

it('works behind http-mitm-proxy as the intercepting parent, with the key injected', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-parent-'));
  const companyCa = testAuthority('intercepting company CA');
  const handlers = new OpenHandlers();
  const origin = new RawOrigin(testLeaf(originCa, HOST));
  const originPort = await origin.listen();
  const parent = new HttpMitmProxyEngine(
    {
      authenticate: admitting({ label: 'company' }),
      ca: companyCa,
      upstreamCa: [originCa.cert],
      handlers,
      lookup: async () => ['127.0.0.1'],
    },
    directory,
  );
  const { port } = await parent.listen({ host: '127.0.0.1', port: 0 });
  const fixture = await GuardedFixture.open(
    'wire',
    `version: 1
rules:
  - { type: block, condition: { match: { host: ${HOST}, port: any, path: /blocked } } }
  - { type: allow, condition: { match: { host: ${HOST}, port: any } } }
`,
    [{ ...SECRET, hosts: [HOST] }],
    { upstreamCa: [companyCa.cert], parent: { url: `http://127.0.0.1:${port}`, noProxy: '', ca: [] } },
  );
  const ask = async (line: string, fields = '') => {
    const authority = `${HOST}:${originPort}`;
    const client = await fixture.connect(authority);
    return client.write(`${line} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n${fields}\r\n`).end();
  };
  expect(await ask('GET /v1', `x-api-key: ${DUMMY}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(origin.heads[0]).toContain(REAL);
  expect(handlers.requests[0]!.target.host).toBe(HOST);
  expect(await ask('GET /blocked')).toMatch(/^HTTP\/1\.1 403 /);
  expect(handlers.requests).toHaveLength(1);
  await fixture.close();
  await parent.close();
  await origin.close();
  rmSync(directory, { recursive: true, force: true });
});

it('is taken from the environment by the command line, unless it is ours', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-cli-parent-'));
  const origin = new RawOrigin(testLeaf(originCa, HOST));
  const originPort = await origin.listen();
  const parent = new ParentProxyServer('http', () => originPort);
  const parentPort = await parent.listen();
  writeFileSync(path.join(directory, 'origin-ca.pem'), originCa.cert);
  writeFileSync(
    path.join(directory, 'policy.yaml'),
    `- { type: allow, condition: { match: { host: ${HOST}, port: any } } }\n`,
  );
  const run = spawn(
    process.execPath,
    [
      path.join(import.meta.dirname, '../../dist/cli.js'),
      'proxy',
      ...['--listen', '127.0.0.1:0', '--state', 'state', '--policy', 'policy.yaml'],
    ],
    {
      cwd: directory,
      env: {
        PATH: process.env['PATH'],
        NODE_EXTRA_CA_CERTS: path.join(directory, 'origin-ca.pem'),
        https_proxy: 'http://claude:token@127.0.0.1:1',
        HTTPS_PROXY: `http://me:pw@127.0.0.1:${parentPort}`,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const line = await new Promise<string>((resolve) => run.stdout.once('data', (text: Buffer) => resolve(String(text))));
  const { listening, token, ca } = JSON.parse(line) as { listening: string; token: string; ca: string };
  const client = await connectTls({
    proxyPort: Number(listening.split(':')[1]),
    authority: `${HOST}:443`,
    auth: `Basic ${btoa(`agent:${token}`)}`,
    ca: readFileSync(ca, 'utf8'),
  });
  expect(await client.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`).response()).toMatch(/ 200 /);
  expect(parent.asked[0]).toContain(`Basic ${btoa('me:pw')}`);
  client.socket.destroy();
  const ended = new Promise((resolve) => run.once('exit', resolve));
  run.kill('SIGTERM');
  await ended;
  await parent.close();
  await origin.close();
  rmSync(directory, { recursive: true });
});

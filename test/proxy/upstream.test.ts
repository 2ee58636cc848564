// The way to an upstream: which address is dialled, which TLS is spoken, what a rule says of it, and what no engine dials.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Listener } from '../../src/proxy/engine';
import { admitting } from '../../src/proxy/tokens';
import { Attempt } from '../../src/proxy/upstream/attempt';
import { connectFirst, interleave } from '../../src/proxy/upstream/happyEyeballs';
import { UpstreamPool } from '../../src/proxy/upstream/pool';
import { WireEngine } from '../../src/proxy/wire/wireEngine';
import { DUMMY, GuardedFixture, REAL } from '../support/guarded';
import { testAuthority, testLeaf } from '../support/pki';
import { connectRaw, connectTls } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { AUTH, WireFixture } from '../support/wire';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Listens on one address of this machine. */
async function listenOn(host: string, port = 0): Promise<{ port: number; sockets: net.Socket[] }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => sockets.push(socket.on('error', () => undefined).resume()));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as net.AddressInfo).port, sockets };
}

describe('Happy Eyeballs', () => {
  it.each([
    [
      ['::1', '::2', '1.1.1.1'],
      ['::1', '1.1.1.1', '::2'],
    ],
    [
      ['1.1.1.1', '::1', '2.2.2.2', '::2'],
      ['1.1.1.1', '::1', '2.2.2.2', '::2'],
    ],
    [
      ['1.1.1.1', '2.2.2.2'],
      ['1.1.1.1', '2.2.2.2'],
    ],
    [[], []],
  ])('%j becomes %j', (addresses, expected) => {
    expect(interleave(addresses)).toEqual(expected);
  });

  it('goes on at once where an address refuses, without the stagger', async () => {
    const { port } = await listenOn('127.0.0.3');
    const began = performance.now();
    const socket = await connectFirst(['127.0.0.1', '127.0.0.2', '127.0.0.3'], port, 'x', new Attempt());
    expect(socket.remoteAddress).toBe('127.0.0.3');
    expect(performance.now() - began).toBeLessThan(250);
    socket.destroy();
  });

  it('goes on after the stagger where an address does not answer, and destroys what it left', async () => {
    const { port } = await listenOn('127.0.0.2');
    const attempt = new Attempt();
    const opened: net.Socket[] = [];
    const own = attempt.own.bind(attempt);
    attempt.own = (socket) => {
      opened.push(socket);
      return own(socket);
    };
    // 192.0.2.0/24 is for documentation (RFC 5737): nobody answers there. Where that fails at once, there is no stagger to see.
    const socket = await connectFirst(['192.0.2.1', '127.0.0.2'], port, 'x', attempt);
    expect(socket.remoteAddress).toBe('127.0.0.2');
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    socket.destroy();
  });

  it('says why the last one failed', async () => {
    const { port } = await listenOn('127.0.0.1');
    await expect(connectFirst(['127.0.0.2', '127.0.0.3'], port, 'x.example', new Attempt())).rejects.toMatchObject({
      code: 'connect-refused',
      message: 'x.example refused the connection.',
    });
  });

  it('tries no other address when the certificate of the winner does not verify', async () => {
    const good = testAuthority('good');
    const second = await listenOn('127.0.0.2');
    const port = second.port;
    const server = tls.createServer(testLeaf(testAuthority('bad'), 'x.example'));
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const wire = await WireFixture.open({
      upstreamCa: [good.cert],
      lookup: async () => ['127.0.0.1', '127.0.0.2'],
    });
    closing.push(
      () => new Promise((resolve) => server.close(resolve)),
      () => wire.close(),
    );
    const client = await wire.connect(`x.example:${port}`);
    expect(await client.write(wire.get('', undefined, `x.example:${port}`)).response(10)).toContain('tls-unverified');
    expect(second.sockets).toHaveLength(0);
  });
});

describe('DNS', () => {
  it('is asked once a request, and only the address that was checked is dialled', async () => {
    const looked: string[] = [];
    // A name that changes its answer (DNS rebinding): the second one would be let in if it were asked for again.
    const answers = [['8.8.8.8', '127.0.0.1'], ['127.0.0.1']];
    const wire = await WireFixture.open({
      timeouts: { connectMs: 100 },
      lookup: async (name) => {
        looked.push(name);
        return answers.shift() ?? [];
      },
    });
    closing.push(() => wire.close());
    wire.handlers.addresses = 'public';
    const client = await wire.connect(`x.example:${wire.originPort}`);
    const request = wire.get('', undefined, `x.example:${wire.originPort}`);
    expect(await client.write(request).response(10)).toMatch(/^HTTP\/1\.1 50[24] /);
    expect(looked).toEqual(['x.example']);
    expect(wire.origin.connections).toHaveLength(0);
    expect(await client.write(request).response(10)).toContain('private-address');
    expect(looked).toHaveLength(2);
    expect(wire.origin.connections).toHaveLength(0);
  });

  it('is not asked for a host that the policy refuses, by either way in', async () => {
    const looked: string[] = [];
    const fixture = await GuardedFixture.open('wire', 'version: 1\nrules: []\n', [], {
      lookup: async (name) => {
        looked.push(name);
        return ['127.0.0.1'];
      },
    });
    closing.push(() => fixture.close());
    const inside = await fixture.connect('evil.example:443');
    expect(await inside.write('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n').response(10)).toMatch(/ 403 /);
    const plain = await connectRaw(fixture.proxyPort);
    expect(
      await plain
        .write(`GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: ${AUTH}\r\n\r\n`)
        .response(10),
    ).toMatch(/ 403 /);
    plain.socket.destroy();
    expect(looked).toEqual([]);
  });
});

describe('our own listeners', () => {
  it('of one service are out of reach of each other, as long as they listen', async () => {
    const listeners = new Set<Listener>();
    const wire = await WireFixture.open({ listeners });
    closing.push(() => wire.close());
    const second = new WireEngine({
      authenticate: admitting({ label: 'sandbox' }),
      ca: wire.proxyCa,
      upstreamCa: [],
      handlers: wire.handlers,
      listeners,
    });
    const { port } = await second.listen({ host: '127.0.0.1', port: 0 });
    const ask = async (host: string) => {
      const client = await connectRaw(wire.proxyPort);
      const head = `GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}:${port}\r\nProxy-Authorization: ${AUTH}\r\n\r\n`;
      const text = await client.write(head).response(10);
      client.socket.destroy();
      return text;
    };
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::ffff:127.0.0.1]', '0.0.0.0'])
      expect(await ask(host)).toMatch(/^HTTP\/1\.1 508 /);
    wire.handlers.tunnel = true;
    await expect(wire.connect(`localhost:${port}`)).rejects.toThrow(/508/);
    await second.close(0);
    expect(listeners.size).toBe(1);
    expect(await ask('127.0.0.1')).toContain('connect-refused');
  });
});

it('an engine on every address of this machine is reached by none of them', async () => {
  const wire = await WireFixture.open();
  closing.push(() => wire.close());
  const listeners = new Set<Listener>();
  const everywhere = new WireEngine({
    authenticate: admitting({ label: 'x' }),
    ca: wire.proxyCa,
    upstreamCa: [],
    handlers: wire.handlers,
    listeners,
  });
  closing.push(() => everywhere.close(0));
  const { port } = await everywhere.listen({ host: '0.0.0.0', port: 0 });
  const own = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  for (const { address } of own.filter(({ family }) => family === 'IPv4')) {
    const client = await connectRaw(port);
    const text = await client
      .write(`GET http://${address}:${port}/ HTTP/1.1\r\nHost: ${address}:${port}\r\n\r\n`)
      .response(9);
    expect(text).toMatch(/^HTTP\/1\.1 508 /);
    client.socket.destroy();
  }
});

describe('the pool', () => {
  it('keeps connections of different TLS options apart, and knows equal ones', () => {
    const client = { label: 'x' };
    const target = { scheme: 'https', host: 'a.example', port: 443 } as const;
    const key = (options: object | undefined) =>
      UpstreamPool.key({
        target,
        client,
        addresses: 'public',
        tls: options && { ca: [], client: undefined, insecure: false, ...options },
      });
    const keys = [undefined, {}, { insecure: true }, { ca: ['x'] }, { client: { cert: 'c', key: 'k' } }].map(key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(key({ ca: ['x'] })).toBe(keys[3]);
    expect(keys.join()).not.toContain('"k"');
  });
});

describe('upstream: in a rule', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-upstream-'));
  const privateCa = testAuthority('private CA');
  const clientCa = testAuthority('CA of clients');
  const client = testLeaf(clientCa, 'client.example');
  const origin = new RawOrigin(testLeaf(privateCa));
  let port: number;
  const seen: (string | undefined)[] = [];
  const mutual = tls.createServer(
    { ...testLeaf(privateCa), ca: clientCa.cert, requestCert: true, rejectUnauthorized: false },
    (socket) => {
      seen.push((socket.getPeerCertificate() as Partial<tls.PeerCertificate>).subjectaltname);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    },
  );
  beforeEach(async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'ca.pem'), `# the lab\n${privateCa.cert}`);
    writeFileSync(path.join(folder, 'other.pem'), testAuthority('other').cert);
    writeFileSync(path.join(folder, 'client.pem'), client.cert + client.key);
    writeFileSync(path.join(folder, 'cert.pem'), client.cert);
    writeFileSync(path.join(folder, 'key.pem'), client.key);
    writeFileSync(path.join(folder, 'wrong-key.pem'), testLeaf(clientCa, 'x').key);
    writeFileSync(path.join(folder, 'text.pem'), 'no certificate');
    port = await origin.listen();
    origin.heads.length = 0;
    origin.connections.length = 0;
    seen.length = 0;
    await new Promise<void>((resolve) => mutual.listen(0, '127.0.0.1', resolve));
    closing.push(
      () => rmSync(folder, { recursive: true, force: true }),
      () => origin.close(),
      () => new Promise((resolve) => mutual.close(resolve)),
    );
  });

  async function open(upstream: string, more = '') {
    const fixture = await GuardedFixture.open('wire', 'rules: []');
    closing.push(() => fixture.close());
    fixture.guard.folder = folder;
    const rule = `{ type: allow, addresses: any, ${more} condition: { match: { host: localhost, port: any } }`;
    expect(fixture.setPolicy(`- ${rule}${upstream === '' ? '' : `, upstream: ${upstream}`} }\n`)).toBe(true);
    const ask = async (at: number, fields = '') => {
      const connection = await fixture.connect(`localhost:${at}`);
      return connection.write(`GET / HTTP/1.1\r\nHost: localhost:${at}\r\nConnection: close\r\n${fields}\r\n`).end();
    };
    return { fixture, ask };
  }

  it('ca: adds to the roots, and takes none away', async () => {
    const { fixture, ask } = await open('{ ca: ca.pem }');
    expect(await ask(port, `x-api-key: ${DUMMY}\r\n`)).toMatch(/ 200 /);
    expect(origin.heads[0]).toContain(REAL);
    expect(await ask(fixture.originPort)).toMatch(/ 200 /);
  });

  it.each(['', '{ ca: other.pem }'])('ca: %j does not let another in', async (upstream) => {
    const { ask } = await open(upstream);
    expect(await ask(port)).toContain('tls-unverified');
    expect(origin.heads).toHaveLength(0);
  });

  it.each(['client.pem', '{ cert: cert.pem, key: key.pem }'])('clientCert: %s is shown', async (file) => {
    const { ask } = await open(`{ ca: ca.pem, clientCert: ${file} }`);
    expect(await ask((mutual.address() as net.AddressInfo).port)).toMatch(/ 200 /);
    expect(seen).toEqual(['DNS:client.example']);
  });

  it('clientCert: none is shown where the rule names none', async () => {
    const { ask } = await open('{ ca: ca.pem }');
    expect(await ask((mutual.address() as net.AddressInfo).port)).toMatch(/ 200 /);
    expect(seen).toEqual([undefined]);
  });

  it('insecure: lets a request through and injects nothing', async () => {
    const { fixture, ask } = await open('{ insecure: lab }');
    expect(await ask(port)).toMatch(/ 200 /);
    const refused = await ask(port, `x-api-key: ${DUMMY}\r\n`);
    expect(refused).toMatch(/^HTTP\/1\.1 403 /);
    expect(refused).toContain('not verified');
    expect(origin.heads).toHaveLength(1);
    const flows = await fixture.until((all) => all.some(({ outcome }) => outcome === 'blocked'));
    expect(flows[1]!.findings).toMatchObject([{ kind: 'dummy-unverified', action: 'blocked' }]);
    expect(flows[1]!.injected).toEqual([]);
  });

  it('insecure: is no longer in force on a pooled connection once the rule is changed', async () => {
    const { fixture, ask } = await open('{ insecure: lab }');
    const keep = await fixture.connect(`localhost:${port}`);
    const request = `GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`;
    expect(await keep.write(request).response()).toMatch(/ 200 /);
    fixture.setPolicy('- { type: allow, addresses: any, condition: { match: { host: localhost, port: any } } }\n');
    fixture.engine.reconsider();
    expect(await keep.write(request).response(10)).toContain('tls-unverified');
    expect(await ask(port)).toContain('tls-unverified');
    expect(origin.heads).toHaveLength(1);
  });

  it.each([
    ['{ ca: missing.pem }', '\\"missing.pem\\" cannot be read (ENOENT)'],
    ['{ ca: . }', 'is not a file'],
    ['{ ca: text.pem }', 'holds no certificate'],
    ['{ ca: [ca.pem, key.pem] }', '\\"key.pem\\" holds no certificate'],
    ['{ ca: ca.pem, clientCert: cert.pem }', 'is not a certificate with its key'],
    ['{ ca: ca.pem, clientCert: { cert: cert.pem, key: wrong-key.pem } }', 'is not a certificate with its key'],
    ['{ ca: ca.pem, clientCert: { cert: cert.pem, key: missing.pem } }', '\\"missing.pem\\" cannot be read'],
    ['{ ca: pipe }', 'is not a file'],
  ])('%s: its requests fail with words, nothing is sent', async (upstream, words) => {
    if (upstream.includes('pipe')) {
      if (process.platform === 'win32') return;
      execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    }
    const { fixture, ask } = await open(upstream);
    const text = await ask(port);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain('upstream-file');
    expect(text).toContain(words);
    expect(text).not.toContain('BEGIN');
    expect(origin.connections.every(({ received }) => received === '')).toBe(true);
    expect(fixture.guard.unusable).toHaveLength(1);
    const [flow] = await fixture.until((all) => all.length === 1);
    expect(flow).toMatchObject({ outcome: 'failed', status: 502, error: { code: 'upstream-file' } });
  });

  it('names an absolute file, and one of the home', async () => {
    const { ask } = await open(`{ ca: ${path.join(folder, 'ca.pem')} }`);
    expect(await ask(port)).toMatch(/ 200 /);
    const { fixture } = await open('{ ca: ~/sandbox-agent-does-not-exist.pem }');
    expect(fixture.guard.unusable[0]![1]).toContain('"~/sandbox-agent-does-not-exist.pem" cannot be read');
  });

  it('a relative file without a folder is an error', async () => {
    const fixture = await GuardedFixture.open(
      'wire',
      '- { type: allow, upstream: { ca: ca.pem }, condition: { match: { host: a.example } } }',
    );
    closing.push(() => fixture.close());
    expect(fixture.guard.unusable[0]![1]).toContain('is relative');
  });

  it('websocket: refuse is answered 426 with what to speak instead, requests pass', async () => {
    const { fixture, ask } = await open('', 'websocket: refuse,');
    const upgrade =
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const connection = await connectTls({
      proxyPort: fixture.proxyPort,
      authority: fixture.authority,
      auth: AUTH,
      ca: fixture.proxyCa.cert,
    });
    const text = await connection
      .write(`GET /v1/responses HTTP/1.1\r\nHost: ${fixture.authority}\r\nConnection: Upgrade\r\n${upgrade}\r\n`)
      .response(50);
    expect(text).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
    expect(text).toMatch(/\r\nupgrade: HTTP\/1\.1\r\n/);
    expect(text).toMatch(/\r\nconnection: Upgrade\r\n/);
    expect(fixture.origin.heads).toHaveLength(0);
    expect(await ask(fixture.originPort)).toMatch(/ 200 /);
    const flows = await fixture.until((all) => all.some(({ outcome }) => outcome === 'blocked'));
    expect(flows[0]).toMatchObject({ status: 426 });
    connection.socket.destroy();
  });
});

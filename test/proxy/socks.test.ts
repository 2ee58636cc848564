// SOCKS5 on the same port as HTTP: who gets in, what is refused and how, and that what comes after is the way of a CONNECT.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admitting, authenticator } from '../../src/proxy/tokens';
import { SocksHandshake } from '../../src/proxy/wire/socks5';
import { WireEngine } from '../../src/proxy/wire/wireEngine';
import { DUMMY, GuardedFixture, REAL } from '../support/guarded';
import { connectRaw } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { connectSocks, greeting, login, request, say, secureRaw } from '../support/socks';
import { TOKEN, WireFixture } from '../support/wire';
import { works } from '../support/works';

let wire: WireFixture;
beforeEach(async () => {
  wire = await WireFixture.open();
});
afterEach(() => wire.close());

describe('the handshake', () => {
  it('leads to TLS with a leaf for the name, and to HTTP inside', async () => {
    const { client, reply } = await connectSocks(wire.proxyPort, { host: 'localhost', port: wire.originPort });
    expect(reply).toBe(0);
    const secure = await secureRaw(client, 'localhost', wire.proxyCa.cert);
    expect(await secure.write(wire.get()).response()).toMatch(/ 200 /);
    expect(wire.handlers.requests[0]).toMatchObject({
      label: 'claude',
      target: { scheme: 'https', host: 'localhost', port: wire.originPort },
    });
    secure.socket.destroy();
  });

  it('leads to plain HTTP inside where the client speaks it', async () => {
    const plain = new RawOrigin();
    const port = await plain.listen();
    const { client } = await connectSocks(wire.proxyPort, { host: [127, 0, 0, 1], port });
    expect(await client.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`).response()).toMatch(/ 200 /);
    expect(wire.handlers.requests[0]!.target.scheme).toBe('http');
    client.socket.destroy();
    await plain.close();
  });

  it('may come in one piece, with the first bytes of what is inside, or byte by byte', async () => {
    const plain = new RawOrigin();
    const port = await plain.listen();
    const all = Buffer.concat([
      greeting(0, 2),
      login(),
      request({ host: 'localhost', port }),
      Buffer.from(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`),
    ]);
    const once = await connectRaw(wire.proxyPort);
    once.socket.write(all);
    await once.until((text) => text.endsWith('ok'));
    expect(once.take()).toMatch(/^\x05\x02\x01\x00\x05\x00\x00\x01\x00{6}HTTP\/1\.1 200 /);
    const slow = await connectRaw(wire.proxyPort);
    slow.socket.setNoDelay(true);
    for (const byte of all) await new Promise((resolve) => slow.socket.write(Buffer.from([byte]), resolve));
    expect(await slow.until((text) => text.endsWith('ok'))).toMatch(/HTTP\/1\.1 200 /);
    for (const { socket } of [once, slow]) socket.destroy();
    await plain.close();
  });

  it.each([
    ['no authentication only', greeting(0), [5, 0xff]],
    ['GSSAPI only', greeting(1), [5, 0xff]],
    ['no method', greeting(), [5, 0xff]],
  ])('refuses a client that offers %s', async (_, bytes, expected) => {
    const client = await connectRaw(wire.proxyPort);
    expect(await say(client, bytes, 99)).toEqual(expected);
    expect(client.closed).toBe(true);
  });

  it.each([
    ['another token', 'claude', 'wrong'],
    ['another label', 'codex', TOKEN],
    ['an empty one', '', ''],
    ['the two run together', `claude:${TOKEN}`, ''],
  ])('refuses %s, records nothing', async (_, user, password) => {
    const client = await connectRaw(wire.proxyPort);
    await say(client, greeting(2), 2);
    expect(await say(client, login(user, password), 99)).toEqual([1, 1]);
    expect(client.closed).toBe(true);
    expect(wire.handlers.refusals).toEqual([]);
  });

  it.each([
    ['BIND', { command: 2, host: 'localhost' }, 7, 'socks-command'],
    ['UDP ASSOCIATE', { command: 3, host: 'localhost' }, 7, 'socks-command'],
    ['an address of another type', { host: [1, 2, 3, 4, 5] }, 8, 'socks-request'],
    ['port 0', { host: 'localhost', port: 0 }, 2, 'bad-authority'],
    ['an empty name', { host: '' }, 2, 'bad-authority'],
  ])('refuses %s with the right reply', async (_, what, reply, code) => {
    const answered = await connectSocks(wire.proxyPort, { port: 443, ...what });
    expect(answered.reply).toBe(reply);
    await answered.client.end();
    expect(wire.handlers.refusals).toEqual([code]);
  });

  it.each([
    ['at its first byte', Buffer.from([5])],
    ['after the greeting', greeting(2)],
    ['after the password', Buffer.concat([greeting(2), login()])],
  ])('ends when a client stops %s', async (_, bytes) => {
    const impatient = await WireFixture.open({ timeouts: { handshakeMs: 100 } });
    const client = await connectRaw(impatient.proxyPort);
    client.socket.write(bytes);
    await client.end();
    expect(client.closed).toBe(true);
    await impatient.close();
  });

  it('ends with the engine, at every stage', async () => {
    const engine = new WireEngine({
      authenticate: authenticator([{ label: 'claude', token: TOKEN }]),
      ca: wire.proxyCa,
      upstreamCa: [],
      handlers: wire.handlers,
    });
    const { port } = await engine.listen({ host: '127.0.0.1', port: 0 });
    const [silent, begun, waiting] = await Promise.all([connectRaw(port), connectRaw(port), connectRaw(port)]);
    await say(begun, greeting(2), 2);
    await say(waiting, greeting(2), 2);
    await say(waiting, login(), 2);
    await engine.close(60_000);
    for (const client of [silent, begun, waiting]) await client.end();
  });
});

describe('the parser', () => {
  const run = (pieces: readonly Buffer[]) => {
    const handshake = new SocksHandshake(authenticator([{ label: 'claude', token: TOKEN }]));
    const said: Buffer[] = [];
    for (const [at, piece] of pieces.entries()) {
      const step = handshake.feed(piece);
      if (step.say) said.push(step.say);
      if (step.kind === 'more') continue;
      const rest = step.kind === 'connect' ? Buffer.concat([step.rest, ...pieces.slice(at + 1)]) : undefined;
      return { ...step, say: undefined, said: Buffer.concat(said).toString('hex'), rest: rest?.toString('hex') };
    }
    return { kind: 'more', said: Buffer.concat(said).toString('hex') };
  };
  const valid = Buffer.concat([
    greeting(0, 2),
    login(),
    request({ host: 'a.example', port: 443 }),
    Buffer.from('rest'),
  ]);

  it('says the same however the bytes are cut, and throws for none', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((tail) => Buffer.from([5, ...tail])),
      // One byte of a good handshake changed.
      fc.record({ at: fc.nat(valid.length - 1), value: fc.nat(255) }).map(({ at, value }) => {
        const changed = Buffer.from(valid);
        changed[at] = value;
        return changed;
      }),
    );
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(60), { maxLength: 6 }), (all, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
        const pieces = at.slice(1).map((end, i) => all.subarray(at[i], end));
        expect(run(pieces)).toEqual(run([all]));
      }),
      { numRuns: 3_000 },
    );
    expect(run([valid])).toMatchObject({ kind: 'connect', target: { host: 'a.example', port: 443 } });
  });
});

describe('without authentication', () => {
  it('takes a client that offers none, and one that sends a password', async () => {
    const engine = new WireEngine({
      authenticate: admitting({ label: 'sandbox' }),
      ca: wire.proxyCa,
      upstreamCa: [wire.originCa.cert],
      handlers: wire.handlers,
    });
    const { port } = await engine.listen({ host: '127.0.0.1', port: 0 });
    const client = await connectRaw(port);
    expect(await say(client, greeting(0, 2), 2)).toEqual([5, 0]);
    expect((await say(client, request({ host: 'localhost', port: wire.originPort }), 10))[1]).toBe(0);
    const secure = await secureRaw(client, 'localhost', wire.proxyCa.cert);
    expect(await secure.write(wire.get()).response()).toMatch(/ 200 /);
    const other = await connectSocks(port, {
      user: 'any',
      password: 'thing',
      host: 'localhost',
      port: wire.originPort,
    });
    expect(other.reply).toBe(0);
    expect(wire.handlers.requests[0]!.label).toBe('sandbox');
    for (const { socket } of [secure, other.client]) socket.destroy();
    await engine.close(0);
  });
});

describe('what the handlers say of a connection', () => {
  it('is an answer: reply 2', async () => {
    wire.handlers.connect = () => ({
      kind: 'answer',
      answer: { status: 403, reason: 'Forbidden', headers: [], body: '' },
    });
    const { reply, client } = await connectSocks(wire.proxyPort, { host: 'localhost', port: 443 });
    expect(reply).toBe(2);
    await client.end();
  });

  it('is a tunnel: nothing is said before it is open, and why it is not', async () => {
    wire.handlers.tunnel = true;
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const replies: (number | undefined)[] = [];
    const ask = async (host: string, at: number) => {
      const { reply, client } = await connectSocks(wire.proxyPort, { host, port: at });
      replies.push(reply);
      client.socket.destroy();
    };
    await ask('localhost', port);
    await ask('does-not-exist.invalid', 22);
    await ask('localhost', wire.proxyPort);
    wire.handlers.addresses = 'public';
    await ask('localhost', port);
    expect(replies).toEqual([5, 4, 2, 2]);
    expect(wire.handlers.ends.map(({ how }) => how.kind === 'failed' && how.code)).toEqual([
      'connect-refused',
      'dns',
      'loop',
      'private-address',
    ]);
  });
});

describe.skipIf(!works('curl', '--version'))('curl', () => {
  it('comes in by SOCKS5 for https and http, with the key injected, and sees the 403 of the policy', async () => {
    const fixture = await GuardedFixture.open(
      'wire',
      `version: 1
rules:
  - { type: block, condition: { match: { host: localhost, port: any, path: /blocked } } }
  - { type: allow, addresses: any, condition: { match: { host: localhost, port: any } } }
`,
    );
    const plain = new RawOrigin();
    const port = await plain.listen();
    const base = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-socks-'));
    writeFileSync(path.join(base, 'ca.pem'), fixture.proxyCa.cert);
    const curl = (...args: string[]) =>
      new Promise<string>((resolve) =>
        execFile(
          'curl',
          [
            '-sS',
            '--socks5-hostname',
            `127.0.0.1:${fixture.proxyPort}`,
            '--cacert',
            path.join(base, 'ca.pem'),
            ...args,
          ],
          { env: { PATH: process.env['PATH'] } },
          (_, stdout, stderr) => resolve(stdout + stderr),
        ),
      );
    const user = ['--proxy-user', `claude:${TOKEN}`];
    const url = `https://localhost:${fixture.originPort}`;
    expect(await curl(...user, '--http1.1', '-H', `x-api-key: ${DUMMY}`, `${url}/x`)).toBe('ok');
    expect(fixture.origin.heads[0]).toContain(REAL);
    expect(await curl(...user, '--http2', '-H', `x-api-key: ${DUMMY}`, `${url}/x`)).toBe('ok');
    expect(fixture.origin.heads[1]).toContain(REAL);
    expect(await curl(...user, `http://localhost:${port}/y`)).toBe('ok');
    expect(await curl(...user, '--http1.1', `${url}/blocked`)).toContain('sandbox_agent_blocked');
    expect(await curl('--proxy-user', 'claude:wrong', `${url}/x`)).toMatch(/^curl: \(97\)/);
    expect(await curl(`${url}/x`)).toMatch(/^curl: \(97\)/);
    rmSync(base, { recursive: true });
    await plain.close();
    await fixture.close();
  });
});

// Clients over HTTP/1.1 that are slow, silent, in a hurry or gone: what the proxy holds for them, how long it waits, and what it
// still brings to its end.
import { Writable } from 'node:stream';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EngineOptions } from '../../src/proxy/engine';
import { authenticator } from '../../src/proxy/tokens';
import { Batcher } from '../../src/proxy/wire/put';
import { RawClient, connectRaw } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { AUTH, TOKEN, WireFixture } from '../support/wire';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(options: Partial<EngineOptions> = {}): Promise<WireFixture> {
  const wire = await WireFixture.open(options);
  closing.push(() => wire.close());
  return wire;
}

async function raw(port: number): Promise<RawClient> {
  const client = await connectRaw(port);
  closing.push(() => client.socket.destroy());
  return client;
}

async function plainOrigin(): Promise<RawOrigin & { port: number }> {
  const origin = new RawOrigin();
  closing.push(() => origin.close());
  return Object.assign(origin, { port: await origin.listen() });
}

/** A client that keeps its side open when the other ends. */
async function halfOpen(wire: WireFixture, secure: boolean): Promise<RawClient> {
  const socket = net.connect({ port: wire.proxyPort, host: '127.0.0.1', allowHalfOpen: true });
  closing.push(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  if (!secure) return new RawClient(socket);
  socket.write(`CONNECT ${wire.authority} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  const inside = tls.connect({ socket, ca: wire.proxyCa.cert, servername: 'localhost', ALPNProtocols: ['http/1.1'] });
  await new Promise((resolve) => inside.once('secureConnect', resolve));
  return new RawClient(inside);
}

/** Asks the proxy something and waits for the answer, on a connection of its own: what others sent before was read by then. */
async function asking(wire: WireFixture): Promise<() => Promise<void>> {
  const client = await raw(wire.proxyPort);
  return async () => {
    const text = await client.write('GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n').until((all) => all.endsWith('}\n'));
    client.take();
    expect(text).toMatch(/^HTTP\/1\.1 407 /);
  };
}

const plainGet = (port: number, extra = '', method = 'GET') =>
  `${method} http://localhost:${port}/ HTTP/1.1\r\nHost: localhost:${port}\r\nProxy-Authorization: ${AUTH}\r\n${extra}\r\n`;
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const SWITCHED = `HTTP/1.1 101 Switching Protocols\r\n${UPGRADE}\r\n`;
const REFUSAL = { status: 403, reason: 'Forbidden', headers: [], body: '{}' };

describe('answers that are not read', () => {
  const COUNT = 60_000;

  /** Until nothing moves any more. */
  async function settled(wire: WireFixture, count: () => number): Promise<number> {
    const ask = await asking(wire);
    for (let before = -1; ;) {
      const now = count();
      if (now === before) return now;
      before = now;
      for (let i = 0; i < 50; i++) await ask();
    }
  }

  it('stop the reading of further requests, and go on when they are read: without a token', async () => {
    let asked = 0;
    const real = authenticator([{ label: 'claude', token: TOKEN }]);
    const authenticate = {
      required: true,
      byHeader: (header: string | undefined) => {
        if (header === 'Basic none') asked++;
        return real.byHeader(header);
      },
      byPassword: real.byPassword.bind(real),
    };
    const wire = await open({ authenticate });
    const client = await raw(wire.proxyPort);
    const one = 'GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic none\r\n\r\n';
    const answer = await client.write(one).until((text) => text.endsWith('}\n'));
    client.take();
    client.socket.pause();
    client.write(one.repeat(COUNT));
    expect(await settled(wire, () => asked)).toBeLessThan(COUNT);
    client.socket.resume();
    await client.until((text) => text.length === answer.length * COUNT);
    expect(client.received).toHaveLength(answer.length * COUNT);
  });

  it('stop the reading of further requests, and go on when they are read: refused inside TLS', async () => {
    const wire = await open();
    wire.handlers.answer = { ...REFUSAL, body: 'x'.repeat(400) };
    const client = await wire.connect();
    const one = wire.get();
    const answer = await client.write(one).until((text) => text.endsWith('x'.repeat(400)));
    client.take();
    client.socket.pause();
    client.write(one.repeat(COUNT));
    expect(await settled(wire, () => wire.handlers.requests.length)).toBeLessThan(COUNT);
    client.socket.resume();
    await client.until((text) => text.length === answer.length * COUNT);
    expect(client.received).toHaveLength(answer.length * COUNT);
  });
});

describe('behind a refused body', () => {
  it('the next request is served, also where it comes with the body', async () => {
    const wire = await open();
    wire.handlers.answer = REFUSAL;
    const client = await wire.connect();
    expect(await client.write(wire.get('Content-Length: 5\r\n', 'POST / HTTP/1.1')).response()).toMatch(/ 403 /);
    wire.handlers.answer = undefined;
    expect(await client.write(`hello${wire.get()}`).response()).toMatch(/ 200 /);
  });

  it('the next request is served after a dial that failed', async () => {
    let fail: (error: Error) => void = () => undefined;
    const failed = new Promise<string[]>((_, reject) => (fail = reject));
    failed.catch(() => undefined);
    const wire = await open({ lookup: () => failed });
    const client = await wire.connect('slow.example:443');
    const post = wire.get('Content-Length: 5\r\n', 'POST / HTTP/1.1', 'slow.example');
    client.write(`${post}hello${wire.get('', undefined, 'slow.example')}`);
    while (wire.handlers.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    fail(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    await client.until((text) => text.split(' 502 ').length === 3);
    expect(wire.handlers.requests).toHaveLength(2);
  });
});

describe('a client that is silent', () => {
  const MS = 800;

  it('is let go before its first byte, and in the middle of a head', async () => {
    const wire = await open({ timeouts: { handshakeMs: MS } });
    const silent = await raw(wire.proxyPort);
    const half = await raw(wire.proxyPort);
    half.write('GET http://loc');
    const inside = await wire.connect();
    inside.write('GET / HT');
    const later = await wire.connect();
    expect(await later.write(wire.get()).response()).toMatch(/ 200 /);
    later.write('GET / HT');
    for (const client of [silent, half, inside, later]) expect(await client.end()).toBe('');
  });

  it('does not gain time with each byte of a head', async () => {
    const wire = await open({ timeouts: { handshakeMs: MS } });
    const ask = await asking(wire);
    const slow = await raw(wire.proxyPort);
    slow.write('GET http://a/');
    while (!slow.closed) {
      slow.write('a');
      await ask();
    }
    expect(slow.received).toBe('');
  });

  it('may be silent between two requests, and while it is answered', async () => {
    const wire = await open({ timeouts: { handshakeMs: MS } });
    const idle = await wire.connect();
    expect(await idle.write(`\r\n${wire.get()}\r\n`).response()).toMatch(/ 200 /);
    const waits = await wire.connect();
    wire.origin.onRequest = () => undefined;
    waits.write(wire.get());
    await wire.origin.until(() => wire.origin.heads.length === 2);
    for (let i = 0; i < 2; i++) await (await raw(wire.proxyPort)).end();
    wire.origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await waits.response()).toMatch(/ 200 /);
    wire.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await idle.write(wire.get()).response()).toMatch(/ 200 /);
  });

  it('is let go when the rest of a refused body does not come', async () => {
    const wire = await open({ timeouts: { idleMs: MS } });
    wire.handlers.answer = REFUSAL;
    const client = await wire.connect();
    client.write(`${wire.get('Content-Length: 5\r\n', 'POST / HTTP/1.1')}he`);
    expect(await client.end()).toMatch(/ 403 .*\r\n[^]*\{\}$/);
  });

  it('is let go when its WebSocket has ended and it does not', async () => {
    const wire = await open();
    const origin = await plainOrigin();
    origin.onRequest = ({ socket }) => socket.end(SWITCHED);
    const client = await halfOpen(wire, false);
    client.write(plainGet(origin.port, UPGRADE));
    await new Promise((resolve) => client.socket.once('end', resolve));
    const ask = await asking(wire);
    while (!client.closed) {
      client.write('x');
      await ask();
    }
    expect(client.received).toMatch(/^HTTP\/1\.1 101 /);
  });
});

it('a client that breaks off while it is looked up harms nobody', async () => {
  let admit: (yes: boolean) => void = () => undefined;
  const first = new Promise<boolean>((resolve) => (admit = resolve));
  let asked = 0;
  const wire = await open({ admit: () => (asked++ === 0 ? first : Promise.resolve(true)) });
  const uncaught: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  closing.push(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  });
  const client = await raw(wire.proxyPort);
  client.write('x');
  const ask = await asking(wire);
  await ask();
  client.socket.resetAndDestroy();
  for (let i = 0; i < 5; i++) await ask();
  admit(true);
  await ask();
  expect(uncaught).toEqual([]);
});

describe('an orderly end of the proxy', () => {
  /** Longer than the test may take. */
  const GRACE = 60_000;

  it('brings the exchange under way to its end, says that it was the last, and serves no other', async () => {
    const wire = await open();
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    client.write(wire.get() + wire.get());
    await wire.origin.until(() => wire.origin.heads.length === 1);
    const closed = wire.engine.close(GRACE);
    wire.origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.end()).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    await closed;
    expect(wire.handlers.requests).toHaveLength(1);
  });

  it('ends the connection of an answer whose head was out already', async () => {
    const wire = await open();
    wire.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no');
    const client = await wire.connect();
    await client.write(wire.get()).until((text) => text.endsWith('o'));
    const closed = wire.engine.close(GRACE);
    wire.origin.connections[0]!.socket.write('k');
    expect(await client.end()).toMatch(/ok$/);
    await closed;
  });

  it('does not wait for a TLS handshake', async () => {
    const wire = await open();
    const after: RawClient[] = [];
    for (const more of ['', '\x16\x03\x01']) {
      const client = await raw(wire.proxyPort);
      client.write(`CONNECT ${wire.authority} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
      await client.until((text) => text.includes('Established'));
      client.write(more);
      after.push(client);
    }
    await (
      await asking(wire)
    )();
    await wire.engine.close(GRACE);
    for (const client of after) await client.end();
  });
});

describe('bytes right behind a WebSocket handshake', () => {
  it.each([
    ['a few', 5],
    ['more than is held', 300_000],
  ])('go on with the switch: %s', async (_, count) => {
    const wire = await open();
    const early = 'e'.repeat(count);
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    client.write(wire.get(UPGRADE) + early);
    await wire.origin.until(() => wire.origin.heads.length === 1);
    // Held by now, as far as it is read at all.
    const ask = await asking(wire);
    for (let i = 0; i < 20; i++) await ask();
    const connection = wire.origin.connections[0]!;
    connection.socket.write(SWITCHED);
    await wire.origin.until(() => connection.received.length === connection.received.indexOf('\r\n\r\n') + 4 + count);
    client.write('later');
    await wire.origin.until(() => connection.received.endsWith('elater'));
  });
});

describe('a client that ends its side', () => {
  it.each([
    ['without TLS', false],
    ['inside TLS', true],
  ])('behind a request that was its last gets the answer: %s', async (_, secure) => {
    const wire = await open();
    const origin = secure ? wire.origin : await plainOrigin();
    origin.onRequest = () => undefined;
    const client = await halfOpen(wire, secure);
    const request = 'Connection: close\r\n';
    client.write(secure ? wire.get(request) : plainGet((origin as RawOrigin & { port: number }).port, request));
    client.socket.end();
    await origin.until(() => origin.heads.length === 1);
    const ask = await asking(wire);
    for (let i = 0; i < 5; i++) await ask();
    expect(wire.handlers.ends).toEqual([]);
    origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.end()).toMatch(/ 200 .*\r\n[^]*ok$/);
    expect(wire.handlers.ends).toMatchObject([{ how: { kind: 'complete' } }]);
  });

  it('and is gone altogether ends the upstream, as soon as something is written for it', async () => {
    const wire = await open();
    wire.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
    const client = await wire.connect();
    await client.write(wire.get('Connection: close\r\n')).until((text) => text.includes('\r\n\r\n'));
    client.socket.destroy();
    const ask = await asking(wire);
    while (wire.origin.closed === 0) {
      wire.origin.connections[0]!.socket.write('x');
      await ask();
    }
    expect(wire.handlers.ends).toMatchObject([{ how: { kind: 'aborted' } }]);
  });

  it.each([
    ['in the middle of a body', 'Connection: close\r\nContent-Length: 5\r\n', 'he'],
    ['of a connection that was to go on', '', ''],
    ['before its WebSocket opened', UPGRADE, ''],
  ])('%s has broken off', async (_, extra, body) => {
    const wire = await open();
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    client.write(wire.get(extra, body === '' ? undefined : 'POST / HTTP/1.1') + body);
    await wire.origin.until(() => wire.origin.heads.length === 1);
    client.socket.end();
    await wire.origin.until(() => wire.origin.closed === 1);
    expect(wire.handlers.ends).toMatchObject([{ how: { kind: 'aborted' } }]);
  });
});

describe('writes of one tick', () => {
  it('leave, and later ones too, when a stream or its listener throws', () => {
    const written: string[] = [];
    const stream = (name: string) =>
      new Writable({
        write: (_chunk: Buffer, _, done) => {
          written.push(name);
          done();
        },
      });
    const [first, bad, last] = [stream('first'), stream('bad'), stream('last')];
    vi.spyOn(bad, 'write').mockImplementation(() => {
      throw new Error('of a listener');
    });
    const ticks: (() => void)[] = [];
    const spy = vi.spyOn(process, 'nextTick').mockImplementation((tick) => {
      ticks.push(tick as () => void);
    });
    closing.push(() => spy.mockRestore());
    const batcher = new Batcher();
    for (const each of [first, bad, last]) batcher.put(each, 'x');
    expect(() => ticks.shift()!()).toThrow('of a listener');
    ticks.shift()!();
    batcher.put(first, 'x');
    for (const tick of ticks.splice(0)) tick();
    spy.mockRestore();
    expect(written).toEqual(['first', 'last', 'first']);
  });
});

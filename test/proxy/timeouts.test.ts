// The time-outs of the upstream side, each with its name, its setting, and what it leaves alone.
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { EngineOptions } from '../../src/proxy/engine';
import { connectRaw } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { AUTH, WireFixture } from '../support/wire';

let wire: WireFixture;
afterEach(() => wire.close());
const open = async (timeouts: EngineOptions['timeouts'], more: Partial<EngineOptions> = {}) =>
  (wire = await WireFixture.open({ timeouts, ...more }));

/** Waits as long as the time-out that a request without an answer runs into. */
async function aTimeout(of = wire): Promise<void> {
  const client = await of.connect();
  expect(await client.write(of.get('', 'GET /never HTTP/1.1')).response(100)).toMatch(/^HTTP\/1\.1 504 /);
}

/** A port that accepts connections and says nothing, so that a TLS handshake never ends. */
async function silence(): Promise<{ port: number; close(): Promise<unknown>; sockets: net.Socket[] }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined).resume();
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as net.AddressInfo).port, close, sockets };
}

describe('connect', () => {
  it('bounds a TLS handshake that does not end, and closes what was open', async () => {
    await open({ connectMs: 150 });
    const silent = await silence();
    const client = await wire.connect(`localhost:${silent.port}`);
    const text = await client.write(wire.get('', undefined, `localhost:${silent.port}`)).response(100);
    expect(text).toMatch(/^HTTP\/1\.1 504 /);
    expect(text).toContain('"code":"connect-timeout"');
    expect(text).toContain('150 milliseconds');
    expect(text).toContain('sandboxAgent.timeouts.connect');
    expect(text).toContain('Nothing was sent.');
    for (const socket of silent.sockets)
      if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
    await silent.close();
  });

  it('bounds a look-up that does not answer', async () => {
    await open({ connectMs: 100 }, { lookup: () => new Promise(() => undefined) });
    const client = await wire.connect('slow.example:443');
    expect(await client.write(wire.get('', undefined, 'slow.example')).response(100)).toContain('connect-timeout');
  });

  it('bounds a tunnel', async () => {
    await open({ connectMs: 100 }, { lookup: () => new Promise(() => undefined) });
    wire.handlers.tunnel = true;
    await expect(wire.connect('slow.example:22')).rejects.toThrow(/504/);
    expect(wire.handlers.ends[0]!.how).toMatchObject({ kind: 'failed', code: 'connect-timeout' });
  });
});

describe('head', () => {
  it('ends a request whose answer does not begin', async () => {
    await open({ headMs: 150 });
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    const text = await client.write(wire.get('Content-Length: 2\r\n', 'POST / HTTP/1.1')).write('ab').response(100);
    expect(text).toMatch(/^HTTP\/1\.1 504 /);
    expect(text).toContain('"code":"head-timeout"');
    expect(text).toContain('sandboxAgent.timeouts.head');
    await wire.origin.until(() => wire.origin.closed === 1);
  });

  it('is over with the first byte of an answer, and counts anew for each request of a connection', async () => {
    await open({ headMs: 200 });
    const client = await wire.connect();
    wire.origin.onRequest = ({ socket }, head) =>
      head.startsWith('GET /never') || socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n');
    client.write(wire.get());
    await wire.origin.until(() => wire.origin.heads.length === 1);
    await aTimeout();
    wire.origin.connections[0]!.socket.write('\r\nok');
    expect(await client.response()).toMatch(/ 200 .*\r\n[^]*ok$/);
    wire.origin.onRequest = () => undefined;
    const post = wire.get('Content-Length: 1\r\n', 'POST / HTTP/1.1');
    expect(await client.write(post).write('x').response(100)).toContain('head-timeout');
    expect(wire.origin.connections).toHaveLength(2); // its own, and that of `aTimeout`
  });

  it('counts from the last byte of the request that went out', async () => {
    await open({ headMs: 600 });
    const client = await wire.connect();
    wire.origin.onRequest = () => undefined;
    const other = await WireFixture.open({ timeouts: { headMs: 250 } });
    other.origin.onRequest = () => undefined;
    const half = () => aTimeout(other);
    client.write(wire.get('Content-Length: 3\r\n', 'POST / HTTP/1.1'));
    // Two halves of the time pass between bytes, more than the whole in all.
    for (const sent of ['a', 'ab', 'abc']) {
      client.write(sent.slice(-1));
      await wire.origin.until(() => wire.origin.connections[0]?.received.endsWith(sent) === true);
      await half();
    }
    wire.origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.response()).toMatch(/ 200 /);
    await other.close();
  });
});

describe('idle', () => {
  it('cuts an answer that stops in the middle, as a cut', async () => {
    await open({ idleMs: 150 });
    wire.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    const client = await wire.connect();
    const text = await client.write(wire.get()).end();
    expect(text).toMatch(/half$/);
    expect(wire.handlers.ends[0]!.how).toMatchObject({ kind: 'failed', code: 'idle-timeout' });
    expect(JSON.stringify(wire.handlers.ends[0]!.how)).toContain('sandboxAgent.timeouts.idle');
  });

  it('is a 504 before the answer', async () => {
    await open({ idleMs: 100 });
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    const text = await client.write(wire.get()).response(100);
    expect(text).toMatch(/^HTTP\/1\.1 504 /);
    expect(text).toContain('idle-timeout');
  });

  it('leaves a tunnel alone', async () => {
    await open({ idleMs: 100, headMs: 100 });
    const plain = new RawOrigin();
    const port = await plain.listen();
    wire.handlers.tunnel = true;
    const client = await connectRaw(wire.proxyPort);
    client.write(`CONNECT localhost:${port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
    await client.until((text) => text.includes('Established'));
    client.take();
    wire.handlers.tunnel = false;
    wire.origin.onRequest = () => undefined;
    for (let i = 0; i < 2; i++) await aTimeout();
    expect(await client.write('GET / HTTP/1.1\r\n\r\n').response()).toMatch(/ 200 /);
    client.socket.destroy();
    await plain.close();
  });
});

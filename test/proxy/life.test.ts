// What the proxy lives through: many open streams, many hosts, large bodies, slow peers, clients that leave at every stage, a
// new policy and the end, with work under way on each kind of connection. Memory is measured on a process of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { authenticator } from '../../src/proxy/tokens';
import { WireEngine } from '../../src/proxy/wire/wireEngine';
import { CountingHandlers, eventually } from '../support/counting';
import { FramePeer, good } from '../support/frames';
import { GuardedFixture } from '../support/guarded';
import { Http2Origin, openHttp2Socket, openSession, request } from '../support/http2';
import { testLeaf } from '../support/pki';
import { ProxyProcess } from '../support/proxyProcess';
import { RawClient, connectRaw, connectTls } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { WebSocketOrigin, connectWebSocket } from '../support/webSockets';
import { AUTH, OpenHandlers, TOKEN, WireFixture } from '../support/wire';

const MIB = 1024 * 1024;
const LONG = process.env['LONG'] === '1';
const ANY =
  'version: 1\nmode: enforce\nrules:\n  - { type: allow, addresses: any, condition: { match: { host: localhost, port: any } } }\n';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** As many at once as a machine bears. */
async function each<T>(count: number, atOnce: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      made[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return made;
}

describe('a process', () => {
  let proxy: ProxyProcess;
  let streamOrigin: https.Server;
  let origin2: Http2Origin;
  const ports = { http1: 0, http2: 0 };
  const sockets = new Set<net.Socket>();
  const chunk = Buffer.alloc(MIB, 'chunk ');

  beforeAll(async () => {
    proxy = await ProxyProcess.start(ANY);
    const { cert, key } = testLeaf(proxy.originCa);
    streamOrigin = https.createServer({ cert, key }, (incoming, outgoing) => {
      if (incoming.url === '/events') {
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.write('data: 1\n\n');
        return;
      }
      if (incoming.method === 'POST') {
        let total = 0;
        incoming.on('data', (bytes: Buffer) => (total += bytes.length));
        incoming.on('end', () => outgoing.end(String(total)));
        return;
      }
      let left = Number(incoming.url!.slice(1));
      outgoing.writeHead(200, { 'content-length': left * MIB });
      const push = () => {
        while (left > 0) {
          left--;
          if (!outgoing.write(chunk)) {
            outgoing.once('drain', push);
            return;
          }
        }
        outgoing.end();
      };
      push();
    });
    streamOrigin.on('connection', (socket: net.Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => streamOrigin.listen(0, '127.0.0.1', resolve));
    ports.http1 = (streamOrigin.address() as net.AddressInfo).port;
    origin2 = new Http2Origin(proxy.originCa, { settings: { maxConcurrentStreams: 2_000 }, maxSessionMemory: 1_000 });
    origin2.onStream = (stream, headers) => {
      if (headers[':method'] === 'POST') {
        let total = 0;
        stream.on('data', (bytes: Buffer) => (total += bytes.length));
        stream.on('end', () => {
          stream.respond({ ':status': 200 });
          stream.end(String(total));
        });
        return;
      }
      // Of a request that nobody read, Node resets the stream as soon as it was written to the end, END_STREAM sent or not.
      stream.resume();
      stream.respond({ ':status': 200 });
      if (headers[':path'] === '/events') {
        stream.write('data: 1\n\n');
        return;
      }
      let left = Number(headers[':path']!.slice(1));
      const push = () => {
        while (left > 0 && !stream.destroyed) {
          left--;
          if (!stream.write(chunk)) {
            stream.once('drain', push);
            return;
          }
        }
        stream.end();
      };
      push();
    };
    ports.http2 = await origin2.listen();
  });
  afterAll(async () => {
    expect(proxy.log).toEqual([]);
    for (const socket of sockets) socket.destroy();
    streamOrigin.close();
    await origin2.close();
    await proxy.close();
  });

  const where = (port: number) => ({
    proxyPort: proxy.proxyPort,
    proxyCa: proxy.proxyCa,
    authority: `localhost:${port}`,
  });
  const client = (port: number) => connectTls({ ...where(port), auth: AUTH, ca: proxy.proxyCa.cert });
  const report = (what: string, mib: number | undefined) =>
    console.log(`${what}: ${mib === undefined ? 'not measured here' : `${mib.toFixed(1)} MiB`}`);

  // Bodies first: what many streams left behind as free memory would hide their growth.

  /** The most that the process held beyond what it held before, in MiB. */
  async function peak(work: () => Promise<void>): Promise<number | undefined> {
    const before = proxy.rss();
    if (before === undefined) {
      await work();
      return undefined;
    }
    let most = before;
    const timer = setInterval(() => (most = Math.max(most, proxy.rss() ?? 0)), 20);
    await work().finally(() => clearInterval(timer));
    return most - before;
  }

  const SIZE = LONG ? 1_024 : 256;
  it.each([
    ['HTTP/1.1 to HTTP/1.1', 'http1', 'http1', SIZE],
    ['HTTP/2 to HTTP/1.1', 'http2', 'http1', SIZE / 4],
    ['HTTP/2 to HTTP/2', 'http2', 'http2', SIZE / 4],
  ] as const)(
    'moves large bodies down and up in flat memory, %s',
    async (what, from, to, size) => {
      const down = await peak(() => transfer(from, ports[to], size, false));
      const up = await peak(() => transfer(from, ports[to], size, true));
      report(`${size} MiB down, ${what}, at most`, down);
      report(`${size} MiB up, ${what}, at most`, up);
      // What a collector lets grow before it looks, far below what was moved.
      if (down !== undefined && up !== undefined)
        expect(Math.max(down, up)).toBeLessThan(LONG ? 160 : Math.min(160, size * 0.75 + 60));
    },
    LONG ? 300_000 : 60_000,
  );

  async function transfer(from: 'http1' | 'http2', port: number, mib: number, up: boolean): Promise<void> {
    const target = up ? '/upload' : `/${mib}`;
    const length = mib * MIB;
    if (from === 'http1') {
      const { socket } = await client(port);
      socket.removeAllListeners('data');
      const outgoing = http.request({
        createConnection: () => socket,
        path: target,
        method: up ? 'POST' : 'GET',
        headers: { host: `localhost:${port}`, ...(up ? { 'content-length': length } : {}) },
      });
      await exchange(outgoing, new Promise((resolve) => outgoing.once('response', resolve)), up, mib);
      socket.destroy();
      return;
    }
    const session = await openSession(where(port), {
      maxSessionMemory: 1_000,
      settings: { initialWindowSize: 4 * MIB },
    });
    const stream = session.request({ ':path': target, ':method': up ? 'POST' : 'GET' }, { endStream: !up });
    await exchange(stream, new Promise((resolve) => stream.once('response', () => resolve(stream))), up, mib);
    session.destroy();
  }

  async function exchange(
    out: NodeJS.WritableStream,
    answer: Promise<NodeJS.ReadableStream>,
    up: boolean,
    mib: number,
  ): Promise<void> {
    if (up)
      for (let i = 0; i < mib; i++) if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve));
    out.end();
    const incoming = await answer;
    let total = 0;
    let text = '';
    for await (const bytes of incoming) {
      total += (bytes as Buffer).length;
      if (up) text += String(bytes);
    }
    expect(up ? Number(text) : total).toBe(mib * MIB);
  }

  it('holds 1,000 streams of events over HTTP/1.1', async () => {
    const before = proxy.rss();
    const clients = await each(1_000, 32, async () => {
      const made = await client(ports.http1);
      made.write(`GET /events HTTP/1.1\r\nHost: localhost:${ports.http1}\r\n\r\n`);
      await made.until((text) => text.includes('data: 1'));
      return made;
    });
    const after = proxy.rss();
    if (before !== undefined && after !== undefined) {
      console.log(`1,000 SSE streams, HTTP/1.1: ${(((after - before) * 1024) / 1_000).toFixed(0)} KiB of RSS each`);
      expect(after - before).toBeLessThan(200);
    }
    expect(clients.filter(({ received }) => received.startsWith('HTTP/1.1 200 '))).toHaveLength(1_000);
    for (const { socket } of clients) socket.destroy();
  }, 60_000);

  it('holds 1,000 streams of events over HTTP/2', async () => {
    const before = proxy.rss();
    const peers = await each(4, 4, async () => new FramePeer(await openHttp2Socket(where(ports.http2)), 'client'));
    for (const peer of peers)
      for (let i = 0; i < 250; i++) peer.headers(2 * i + 1, good(`localhost:${ports.http2}`, [], 'GET', '/events'), 1);
    for (const peer of peers)
      await peer.until(() => Array.from({ length: 250 }, (_, i) => peer.received(2 * i + 1)).every((n) => n > 0));
    const after = proxy.rss();
    if (before !== undefined && after !== undefined) {
      console.log(`1,000 SSE streams, HTTP/2: ${(((after - before) * 1024) / 1_000).toFixed(0)} KiB of RSS each`);
      expect(after - before).toBeLessThan(100);
    }
    for (const { socket } of peers) socket.destroy();
  }, 60_000);

  it('serves 10,000 hosts with a bounded store of certificates', async () => {
    let middle: number | undefined;
    // 400 domains: more certificates than the store holds, and many hosts that share one.
    await each(10_000, 32, async (i) => {
      if (i === 4_000) middle = proxy.rss();
      const host = `h${String(i).padStart(5, '0')}.d${i % 400}.zone.localhost`;
      if (i % 50 !== 0) {
        const raw = await connectRaw(proxy.proxyPort);
        raw.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
        expect(await raw.until((text) => text.includes('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 200 /);
        raw.socket.destroy();
        return;
      }
      // The whole way: no rule allows it, so nobody looks its name up.
      const made = await connectTls({
        proxyPort: proxy.proxyPort,
        authority: `${host}:443`,
        auth: AUTH,
        ca: proxy.proxyCa.cert,
      });
      expect(await made.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response(10)).toMatch(/^HTTP\/1\.1 403 /);
      made.socket.destroy();
    });
    const after = proxy.rss();
    report('10,000 hosts, beyond what 4,000 took', after! - middle!);
    if (after !== undefined && middle !== undefined) expect(after - middle).toBeLessThan(60);
  }, 120_000);
});

describe('slow peers', () => {
  let wire: WireFixture;
  let origin: Http2Origin | undefined;
  let session: http2.ClientHttp2Session | undefined;
  afterEach(async () => {
    session?.destroy();
    await wire.close();
    await origin?.close();
    origin = session = undefined;
  });

  /** Until a count has not moved for a while: nobody tells of standing still. */
  async function standsStill(count: () => number): Promise<number> {
    for (let before = -1, since = performance.now(); performance.now() - since < 250; await turn())
      if (count() !== before) {
        before = count();
        since = performance.now();
      }
    return count();
  }

  it.each([
    ['HTTP/1.1', 'HTTP/1.1'],
    ['HTTP/2', 'HTTP/1.1'],
    ['HTTP/2', 'HTTP/2'],
  ])('an origin that does not read holds the client, %s to %s, until it does', async (from, to) => {
    wire = await WireFixture.open();
    const size = 64 * MIB;
    let resume = () => {};
    let arrived = 0;
    if (to === 'HTTP/2') {
      origin = new Http2Origin(wire.originCa);
      origin.onStream = (stream) => {
        stream.pause();
        stream.on('data', (bytes: Buffer) => (arrived += bytes.length));
        stream.pause();
        stream.on('end', () => {
          stream.respond({ ':status': 200 });
          stream.end('ok');
        });
        resume = () => stream.resume();
      };
      wire.originPort = await origin.listen();
    } else {
      wire.origin.onRequest = ({ socket, received }, head) => {
        arrived = received.length - head.length;
        socket.removeAllListeners('data');
        socket.pause();
        resume = () => {
          socket.on('data', (bytes: Buffer) => {
            arrived += bytes.length;
            if (arrived >= size) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          });
          socket.resume();
        };
      };
    }
    let sent = 0;
    let out: NodeJS.WritableStream;
    let answered: Promise<unknown>;
    if (from === 'HTTP/1.1') {
      const client = await wire.connect();
      client.write(wire.get(`Content-Length: ${size}\r\n`, 'POST / HTTP/1.1'));
      out = client.socket;
      answered = client.response();
    } else {
      session = await openSession(wire);
      const stream = session.request({ ':method': 'POST', ':path': '/', 'content-length': size });
      stream.on('error', () => undefined);
      out = stream;
      answered = new Promise((resolve) => stream.once('response', resolve));
    }
    const chunk = Buffer.alloc(65_536);
    const push = () => {
      while (sent < size) {
        sent += chunk.length;
        if (!out.write(chunk)) {
          out.once('drain', push);
          return;
        }
      }
    };
    push();
    // Kernels hold some megabytes on each of two hops, we a little.
    expect(await standsStill(() => sent)).toBeLessThan(32 * MIB);
    resume();
    if (from === 'HTTP/2') {
      await eventually(
        () => sent === size,
        10_000,
        () => `${sent} sent`,
      );
      out.end();
    }
    await answered;
    expect(arrived).toBe(size);
  });

  it('a client that does not read holds the origin, HTTP/1.1 to HTTP/1.1, and gets all of it later', async () => {
    wire = await WireFixture.open();
    const size = 64 * MIB;
    let sent = 0;
    wire.origin.onRequest = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const push = () => {
        while (sent < size) {
          sent += 65_536;
          if (!socket.write(Buffer.alloc(65_536))) {
            socket.once('drain', push);
            return;
          }
        }
      };
      push();
    };
    const client = await wire.connect();
    let received = 0;
    client.socket.removeAllListeners('data');
    client.socket.pause();
    client.write(wire.get());
    await wire.origin.until(() => wire.origin.heads.length === 1);
    expect(await standsStill(() => sent)).toBeLessThan(32 * MIB);
    await new Promise<void>((resolve) => {
      client.socket.on('data', (bytes: Buffer) => {
        received += bytes.length;
        if (received > size) resolve();
      });
      client.socket.resume();
    });
    expect(received - size).toBeLessThan(200);
  });
});

describe('a client that leaves', () => {
  let wire: WireFixture;
  let counting: CountingHandlers;
  beforeAll(async () => {
    counting = new CountingHandlers(new OpenHandlers());
    wire = await WireFixture.open({ handlers: counting });
    wire.origin.onRequest = ({ socket }, head) => {
      if (head.includes('/slow')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      else if (!head.includes('/silent') && head.startsWith('GET'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    };
  });
  afterAll(() => wire.close());
  const connect = () => `CONNECT ${wire.authority} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`;
  const heard = (text: string) => (client: RawClient) => client.until((got) => got.includes(text));

  type Stage = (leave: (socket: net.Socket) => void) => Promise<unknown>;
  const raw =
    (bytes: () => string, wait: (client: RawClient) => Promise<unknown>): Stage =>
    async (leave) => {
      const client = await connectRaw(wire.proxyPort);
      client.write(bytes());
      await wait(client);
      leave(client.socket);
    };
  const inside =
    (bytes: () => string, wait: (client: RawClient) => Promise<unknown>): Stage =>
    async (leave) => {
      const client = await wire.connect();
      client.write(bytes());
      await wait(client);
      leave(client.socket);
    };
  const atOrigin = (count: number) => () => wire.origin.until(() => wire.origin.heads.length > count);
  const stages: readonly (readonly [string, Stage])[] = [
    ['before a byte', raw(() => '', turn)],
    ['in the middle of CONNECT', raw(() => connect().slice(0, 20), turn)],
    ['behind CONNECT, before its answer', raw(connect, async () => undefined)],
    ['behind the answer to CONNECT', raw(connect, heard('Established'))],
    [
      'in the middle of a handshake',
      raw(() => `${connect()}\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`, heard('Established')),
    ],
    ['behind the handshake', inside(() => '', turn)],
    ['in the middle of a head', inside(() => wire.get().slice(0, 10), turn)],
    [
      'behind a head',
      inside(
        () => wire.get('', 'GET /silent HTTP/1.1'),
        async () => undefined,
      ),
    ],
    [
      'while the origin thinks',
      inside(
        () => wire.get('', 'GET /silent HTTP/1.1'),
        () => atOrigin(wire.origin.heads.length)(),
      ),
    ],
    [
      'in the middle of a body',
      inside(
        () => `${wire.get('Content-Length: 50\r\n', 'POST / HTTP/1.1')}half`,
        () => atOrigin(wire.origin.heads.length)(),
      ),
    ],
    ['in the middle of an answer', inside(() => wire.get('', 'GET /slow HTTP/1.1'), heard('half'))],
    ['between two requests', inside(() => wire.get(), heard('ok'))],
  ];
  it.each(
    stages.flatMap(([stage, go]) =>
      (
        [
          [
            'resets',
            (socket: net.Socket) => (socket instanceof tls.TLSSocket ? socket.destroy() : socket.resetAndDestroy()),
          ],
          ['ends', (socket: net.Socket) => void socket.end()],
        ] as const
      ).map(([how, leave]) => [stage, how, go, leave] as const),
    ),
  )('%s (%s) leaves nothing behind', async (_stage, how, go, leave) => {
    let left: net.Socket | undefined;
    await go((socket) => {
      left = socket;
      leave(socket);
    });
    // One that only ended its side may still wait for an answer: that is its right.
    if (how === 'ends') setTimeout(() => left?.destroy(), 50);
    await eventually(
      () => counting.open === 0,
      3_000,
      () => `${counting.open} open`,
    );
    expect(counting.endedTwice).toBe(0);
    // What a request that is gone was sent on is not used again; the next one is served.
    const next = await wire.connect();
    expect(await next.write(wire.get()).response()).toMatch(/ 200 [^]*ok$/);
    next.socket.destroy();
  });
});

describe('work under way on every kind of connection', () => {
  const POLICY = (more: string) => `version: 1
mode: enforce
rules:
${more}  - type: allow
    addresses: any
    condition: { match: { host: localhost, port: any } }
  - type: tunnel
    addresses: any
    condition: { match: { host: "127.0.0.1", port: any } }
`;
  let fixture: GuardedFixture;
  let origin2: Http2Origin;
  let webSockets: WebSocketOrigin;
  let echo: net.Server;
  let session: http2.ClientHttp2Session;
  const finish: (() => void)[] = [];
  const events: string[] = [];

  afterEach(async () => {
    session.destroy();
    echo.close();
    await fixture.close();
    await origin2.close();
    await webSockets.close();
  });

  /** Two of each: one under `/goes`, one under `/stays`. Closes are noted in `events`. */
  async function everything() {
    finish.length = events.length = 0;
    fixture = await GuardedFixture.open('wire', POLICY(''));
    const note = (what: string) => () => void events.push(what);
    fixture.origin.onRequest = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
      finish.push(() => socket.write('3\r\ntwo\r\n0\r\n\r\n'));
    };
    origin2 = new Http2Origin(fixture.originCa);
    origin2.onStream = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('one');
      finish.push(() => void stream.end('two'));
    };
    const port2 = await origin2.listen();
    webSockets = new WebSocketOrigin(fixture.originCa);
    const socketPort = await webSockets.listen();
    echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const where = (port: number) => ({
      proxyPort: fixture.proxyPort,
      proxyCa: fixture.proxyCa,
      ca: fixture.proxyCa.cert,
      auth: AUTH,
      authority: `localhost:${port}`,
    });
    const http1 = await Promise.all(
      ['/goes', '/stays'].map(async (path) => {
        const client = await fixture.connect();
        client.socket.on('close', note(`http1 ${path}`));
        client.write(`GET ${path} HTTP/1.1\r\nHost: ${fixture.authority}\r\n\r\n`);
        await client.until((text) => text.includes('one'));
        return client;
      }),
    );
    session = await openSession(where(port2));
    const streams = ['/goes', '/stays'].map((path) => ({ path, answer: request(session, { ':path': path }) }));
    for (const { path, answer } of streams) answer.then(note(`http2 ${path} whole`), note(`http2 ${path} cut`));
    await eventually(
      () => finish.length === 4,
      5_000,
      () => `${finish.length} begun`,
    );
    const webSocket = await connectWebSocket(where(socketPort));
    webSocket.socket.on('close', note('webSocket'));
    const tunnel = await connectRaw(fixture.proxyPort);
    const authority = `127.0.0.1:${(echo.address() as net.AddressInfo).port}`;
    tunnel.write(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
    await tunnel.until((text) => text.includes('Established'));
    tunnel.take();
    tunnel.socket.on('close', note('tunnel'));
    return { http1, streams, webSocket, tunnel };
  }

  it('a policy cuts what it now refuses and nothing else', async () => {
    const { http1, streams, webSocket, tunnel } = await everything();
    const block = (match: string) => `  - type: block\n    condition: { match: ${match} }\n`;
    const goes = block('{ host: localhost, port: any, path: /goes }');
    fixture.setPolicy(POLICY(goes));
    fixture.engine.reconsider();
    await eventually(
      () => events.length >= 2,
      5_000,
      () => events.join(),
    );
    expect([...events].sort()).toEqual(['http1 /goes', 'http2 /goes cut']);
    const socket = block('{ host: localhost, port: any, path: /socket }');
    fixture.setPolicy(POLICY(goes + socket));
    fixture.engine.reconsider();
    await eventually(
      () => events.length >= 3,
      5_000,
      () => events.join(),
    );
    expect(events.at(-1)).toBe('webSocket');
    // The tunnel goes on, and then does not.
    expect(await tunnel.write('still here').until((text) => text === 'still here')).toBe('still here');
    fixture.setPolicy(POLICY(goes + socket + block('{ host: "127.0.0.1", port: any }')));
    fixture.engine.reconsider();
    await tunnel.end();
    expect(webSocket.closed).toBeDefined();
    for (const end of finish) end();
    expect(await streams[1]!.answer).toMatchObject({ status: 200, body: 'onetwo' });
    expect(await http1[1]!.until((text) => text.endsWith('0\r\n\r\n'))).toContain('two');
    expect(http1[1]!.closed).toBe(false);
    expect(http1[0]!.received).not.toContain('0\r\n\r\n');
  });

  it('a drain lets requests end, takes no new ones, and cuts the rest after its time', async () => {
    const { http1, streams, webSocket, tunnel } = await everything();
    const began = performance.now();
    const closed = fixture.engine.close(600);
    await turn();
    await expect(connectRaw(fixture.proxyPort)).rejects.toThrow();
    expect(await tunnel.write('still here').until((text) => text === 'still here')).toBe('still here');
    for (const end of finish) end();
    for (const { answer } of streams) expect(await answer).toMatchObject({ body: 'onetwo' });
    for (const client of http1) expect(await client.until((text) => text.endsWith('0\r\n\r\n'))).toContain('two');
    expect(performance.now() - began).toBeLessThan(550);
    expect(events).not.toContain('tunnel');
    await closed;
    await tunnel.end();
    await webSocket.close();
    await Promise.all(http1.map((client) => client.end()));
    const flows = await fixture.until((all) => all.every(({ outcome }) => outcome !== 'open'));
    expect(flows.filter(({ outcome }) => outcome === 'allowed').length).toBeGreaterThanOrEqual(4);
    expect(flows.filter(({ error }) => error?.code === 'stopped').length).toBeGreaterThanOrEqual(1);
  });
});

it('a cut on a Unix socket closes it: there is no reset to send', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-unix-'));
  const wire = await WireFixture.open();
  const origin = new RawOrigin();
  const port = await origin.listen();
  origin.onRequest = ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.destroy());
  };
  const engine = new WireEngine({
    authenticate: authenticator([{ label: 'claude', token: TOKEN }]),
    ca: wire.proxyCa,
    upstreamCa: [],
    handlers: wire.handlers,
  });
  const socketPath = path.join(directory, 'proxy.sock');
  await engine.listenAt(socketPath);
  const client = new RawClient(net.connect(socketPath));
  const target = `localhost:${port}`;
  client.write(`GET http://${target}/ HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
  expect(await client.end()).toMatch(/half$/);
  await engine.close(0);
  await wire.close();
  await origin.close();
  rmSync(directory, { recursive: true, force: true });
});

// HTTP/2 where one side goes silent, stops half-way, does not read or asks for more than there is: what is held stays bounded,
// and what was taken comes back for the others. Real sockets.
import type http2 from 'node:http2';
import net from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EngineOptions, Handlers } from '../../src/proxy/engine';
import { ByteQueue } from '../../src/proxy/http2/byteQueue';
import { ACK, ErrorCode, Flag, FrameType, PREFACE, Setting } from '../../src/proxy/http2/frames';
import { Http2Server } from '../../src/proxy/wire/http2Server';
import { FrameOrigin, FramePeer, good, openFrames } from '../support/frames';
import { Http2Origin, openSession, request } from '../support/http2';
import { WireFixture } from '../support/wire';

const EndStream = Flag.EndStream;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

async function wireOf(options: Partial<EngineOptions> = {}): Promise<WireFixture> {
  const wire = await WireFixture.open(options);
  closing.push(() => wire.close());
  return wire;
}
async function frameClient(wire: WireFixture): Promise<FramePeer> {
  const client = await openFrames(wire);
  closing.push(() => client.socket.destroy());
  return client;
}
async function session(wire: WireFixture): Promise<http2.ClientHttp2Session> {
  const made = await openSession(wire, { maxSessionMemory: 200 });
  closing.push(() => made.destroy());
  return made;
}
async function http2Origin(wire: WireFixture, options: http2.SecureServerOptions = {}): Promise<Http2Origin> {
  const origin = new Http2Origin(wire.originCa, options);
  wire.originPort = await origin.listen();
  closing.push(() => origin.close());
  return origin;
}
async function frameOrigin(wire: WireFixture): Promise<FrameOrigin> {
  const origin = new FrameOrigin(wire.originCa);
  wire.originPort = await origin.listen();
  closing.push(() => origin.close());
  return origin;
}
/** Another upstream for the fixture, in TCP. Returns what connected to it. */
async function upstreamOf(wire: WireFixture, accept: (socket: net.Socket) => unknown): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  wire.originPort = (server.address() as net.AddressInfo).port;
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return sockets;
}
/** Once it has, all that was sent before was read. */
async function answersPing(peer: FramePeer): Promise<void> {
  peer.send(FrameType.Ping, 0, 0, Buffer.alloc(8));
  await peer.until(() => peer.frames.some(({ type, flags }) => type === (FrameType.Ping as number) && flags === ACK));
}
/** Held by JavaScript, buffers included, once what is not held was collected. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
const codeOf = ({ body }: { readonly body: string }) => (JSON.parse(body) as { error: { code: string } }).error.code;
const turn = () => new Promise((resolve) => setImmediate(resolve));
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

describe('a client', () => {
  it('that does not read our answers is not read either, and gets them when it does', async () => {
    const wire = await wireOf();
    wire.handlers.answer = { status: 403, reason: 'Forbidden', headers: [], body: 'x'.repeat(8 * 1024) };
    const client = await frameClient(wire);
    client.settings([Setting.InitialWindowSize, 0x7fffffff]).windowUpdate(0, 0x7fff0000 - 1);
    await client.until(() =>
      client.frames.some(({ type, flags }) => type === (FrameType.Settings as number) && flags === ACK),
    );
    client.socket.pause();
    const all = 4_000;
    for (let i = 0; i < all; i++) client.headers(2 * i + 1, good(wire.authority), EndStream);
    // Until what others do takes a while without another one of these.
    const other = await session(wire);
    const asked = () => wire.handlers.requests.length;
    for (let before = -1; before !== asked();) {
      before = asked() + 20;
      for (let i = 0; i < 20; i++) await request(other, { ':path': '/' });
    }
    // 1 MiB of ours, and what kernels hold.
    expect(asked()).toBeLessThan(2_500);
    client.socket.resume();
    await client.until(() => client.endedStreams === all);
  });

  it('whose body comes octet by octet has it passed whole, and costs no more than its octets', async () => {
    const wire = await wireOf();
    const origin = await frameOrigin(wire);
    origin.onRequest = () => undefined;
    const real = wire.originPort;
    let open: (() => void) | undefined;
    await upstreamOf(wire, (near) => {
      near.pause();
      open = () => {
        near.pipe(net.connect(real, '127.0.0.1')).pipe(near);
      };
    });
    const client = await frameClient(wire);
    client.headers(1, good(wire.authority, [], 'POST'));
    const held = memory();
    const body = Array.from({ length: 45_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
    for (const letter of body) client.data(1, letter);
    client.data(1, '', EndStream);
    await answersPing(client);
    await until(() => open !== undefined);
    expect(memory() - held).toBeLessThan(2_000_000);
    open?.();
    await until(() => origin.peers[0]?.ended(1) === true);
    expect(origin.peers[0]!.body(1)).toBe(body);
  });

  it('whose octets wait for the window of the upstream costs no more than they are', async () => {
    const wire = await wireOf();
    const origin = await frameOrigin(wire);
    origin.onRequest = (peer, id) => {
      peer.settings([Setting.InitialWindowSize, 10]);
      peer.headers(id, [[':status', '200']], EndStream);
    };
    const client = await frameClient(wire);
    expect(await client.headers(1, good(wire.authority), EndStream).outcome(1)).toBe('200');
    const [upstream] = origin.peers;
    origin.onRequest = () => undefined;
    client.headers(3, good(wire.authority, [], 'POST'));
    const held = memory();
    const body = '0123456789abcdef!'.repeat(2_500);
    for (const letter of body) client.data(3, letter);
    client.data(3, '', EndStream);
    await answersPing(client);
    await until(() => upstream!.received(3) === 10);
    expect(memory() - held).toBeLessThan(2_000_000);
    upstream!.windowUpdate(3, 100_000);
    await upstream!.until(() => upstream!.ended(3));
    expect(upstream!.body(3)).toBe(body);
  });

  it.each([1, 3, 100, 20_000])('has pieces of %i octets held in few buffers, in order', (size) => {
    const queue = new ByteQueue();
    const read = Buffer.alloc(64 * 1024, 'abcdefghijklmnopqrstuvwxyz');
    const total = 400_000;
    for (let at = 0; at < total; at += size) queue.push(read.subarray(at % 26, (at % 26) + Math.min(size, total - at)));
    expect(queue.length).toBe(total);
    expect(queue.pieces).toBeLessThan(2 * (total / 16_384) + 20);
    const out: Buffer[] = [];
    for (let most = 1; queue.length > 0; most = (most * 7) % 20_000) out.push(Buffer.from(queue.shift(most)));
    expect(Buffer.concat(out).equals(Buffer.alloc(total, 'abcdefghijklmnopqrstuvwxyz'))).toBe(true);
  });

  it('that floods with octets is told to calm down', async () => {
    const wire = await wireOf();
    const client = await frameClient(wire);
    wire.origin.onRequest = () => undefined;
    client.headers(1, good(wire.authority, [], 'POST'));
    for (let i = 0; i < 150_000 && !client.closed; i++) {
      client.data(1, 'x');
      if (i % 2_000 === 0) await turn();
    }
    expect(await client.goAway()).toBe(ErrorCode.EnhanceYourCalm);
  });

  it('has a while for its preface and settings, and no longer', async () => {
    const handlers = {} as Handlers;
    const deps = { handlers, openUpstream: () => Promise.reject(new Error('unused')), handshakeMs: 150 };
    const target = { scheme: 'https', host: 'localhost', port: 443 } as const;
    const server = net.createServer((socket) => new Http2Server(socket, target, { label: 'x' }, deps, () => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const connect = () => {
      const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
      closing.push(() => socket.destroy());
      return socket.on('error', () => undefined);
    };
    const whole = new FramePeer(connect(), 'client');
    const settings = Buffer.from([0, 0, 0, FrameType.Settings, 0, 0, 0, 0, 0]);
    const half = [Buffer.alloc(0), PREFACE.subarray(0, 10), PREFACE, Buffer.concat([PREFACE, settings.subarray(0, 8)])];
    await Promise.all(
      half.map((bytes) => {
        const socket = connect().resume();
        socket.write(bytes);
        return new Promise((resolve) => socket.once('close', resolve));
      }),
    );
    // Older than they were.
    await answersPing(whole);
  });
});

describe('fields of the hop to this proxy', () => {
  it('go no further, with HTTP/1.1 behind as with HTTP/2', async () => {
    const wire = await wireOf();
    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nProxy-Authenticate: Basic\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok');
    const fields = { ':path': '/', 'proxy-authorization': 'Basic c2VjcmV0', 'x-kept': '1' };
    const first = await request(await session(wire), fields);
    expect(first.headers).toMatchObject({ 'x-kept': '1' });
    expect(first.headers['proxy-authenticate']).toBeUndefined();
    expect(wire.origin.heads[0]).toContain('x-kept: 1');
    expect(wire.origin.heads[0]).not.toMatch(/proxy-auth/i);
    const origin = await http2Origin(wire);
    let seen: http2.IncomingHttpHeaders = {};
    origin.onStream = (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 200, 'proxy-authenticate': 'Basic', 'x-kept': '1' });
      stream.end();
    };
    const second = await request(await session(wire), fields);
    expect(second.headers).toMatchObject({ 'x-kept': '1' });
    expect(second.headers['proxy-authenticate']).toBeUndefined();
    expect(seen).toMatchObject({ 'x-kept': '1' });
    expect(seen['proxy-authorization']).toBeUndefined();
  });
});

describe('an upstream', () => {
  it('that answers and never opens its window keeps no stream taken', async () => {
    const wire = await wireOf({ timeouts: { connectMs: 1_000 } });
    const origin = await frameOrigin(wire);
    const greeted = new Set<FramePeer>();
    origin.onRequest = (peer, id, fields) => {
      if (!greeted.has(peer)) peer.settings([Setting.InitialWindowSize, 10], [Setting.MaxConcurrentStreams, 2]);
      greeted.add(peer);
      if (fields.some(([name, value]) => name === ':method' && value === 'GET')) {
        peer.headers(id, [[':status', '200']], EndStream);
        return;
      }
      const before = peer.onFrame;
      peer.onFrame = (frame) => {
        before?.(frame);
        if (frame.type !== (FrameType.Data as number) || frame.id !== id) return;
        peer.onFrame = before;
        peer.headers(id, [[':status', '200']], EndStream);
      };
    };
    const client = await frameClient(wire);
    expect(await client.headers(1, good(wire.authority), EndStream).outcome(1)).toBe('200');
    for (let id = 3; id < 63; id += 2) {
      client.headers(id, good(wire.authority, [], 'POST')).data(id, 'x'.repeat(2_000), EndStream);
      expect(await client.outcome(id)).toBe('200');
    }
    // All but the first of a session, which did not know the window yet.
    const resets = origin.peers.flatMap(({ frames }) =>
      frames.filter(({ type }) => type === (FrameType.RstStream as number)),
    );
    expect(resets.length).toBeGreaterThan(20);
  });

  it('whose waiters went away gives its room to those who still wait', async () => {
    const wire = await wireOf({ timeouts: { connectMs: 2_500 } });
    const origin = await http2Origin(wire, { settings: { maxConcurrentStreams: 1 } });
    const held: http2.ServerHttp2Stream[] = [];
    origin.onStream = (stream, headers) => {
      if (headers[':path'] === '/hold') held.push(stream);
      else {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      }
    };
    const client = await session(wire);
    await request(client, { ':path': '/' });
    for (let i = 1; i <= 6; i++) {
      client.request({ ':path': '/hold' }).on('error', () => undefined);
      await until(() => held.length === i);
    }
    const asked = (path: string) => wire.handlers.requests.some(({ head }) => head.path === path);
    const left = Array.from({ length: 3 }, (_, i) =>
      client.request({ ':path': `/left${i}` }).on('error', () => undefined),
    );
    await until(() => asked('/left2'));
    const waiting = request(client, { ':path': '/waits' });
    await until(() => asked('/waits'));
    for (const stream of left) stream.close(8);
    await wire.handlers.until(() => wire.handlers.ends.filter(({ how }) => how.kind === 'aborted').length === 3);
    held[0]!.respond({ ':status': 200 });
    held[0]!.end();
    expect(await waiting).toMatchObject({ status: 200, body: 'ok' });
    expect(origin.sessions).toHaveLength(6);
  });

  it.each([
    ['upstream-reset', (socket: net.Socket) => socket.end()],
    ['connect-timeout', () => undefined],
  ])('that cannot be dialled says so to all who waited: %s', async (code, accept) => {
    const wire = await wireOf({ timeouts: { connectMs: 300 } });
    const sockets = await upstreamOf(wire, accept);
    const client = await frameClient(wire);
    const ids = [1, 3, 5];
    for (const id of ids) client.headers(id, good(wire.authority), EndStream);
    await client.until(() => ids.every((id) => client.ended(id)));
    expect(ids.map((id) => codeOf({ body: client.body(id) }))).toEqual([code, code, code]);
    expect(sockets).toHaveLength(1);
  });
});

describe('a session that is dead without a word', () => {
  /** An origin behind a wire that can be cut so that nobody hears of it. */
  async function behindWire(timeouts: EngineOptions['timeouts']) {
    const wire = await wireOf({ timeouts });
    const origin = await http2Origin(wire);
    const cut = new Set<net.Socket>();
    const real = wire.originPort;
    const sockets = await upstreamOf(wire, (near) => {
      const far = net.connect(real, '127.0.0.1');
      const pass = (from: net.Socket, to: net.Socket) => {
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.on('data', (bytes: Buffer) => cut.has(near) || to.write(bytes));
      };
      pass(near, far);
      pass(far, near);
    });
    return { wire, origin, sockets, cut };
  }
  /** As if so much time had passed on the clock on the wall. */
  function later(ms: number): void {
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
  }

  it('is left after the first request that ran out of time', async () => {
    const { wire, sockets, cut } = await behindWire({ headMs: 300 });
    const client = await session(wire);
    expect(await request(client, { ':path': '/' })).toMatchObject({ status: 200 });
    cut.add(sockets[0]!);
    expect(codeOf(await request(client, { ':path': '/' }))).toBe('head-timeout');
    expect(await request(client, { ':path': '/' })).toMatchObject({ status: 200 });
    expect(sockets).toHaveLength(2);
    await until(() => sockets[0]!.destroyed);
  });

  it('is left before a request is lost on it, and what was under way is not sent twice', async () => {
    const { wire, origin, sockets, cut } = await behindWire({ connectMs: 400 });
    const paths: string[] = [];
    origin.onStream = (stream, headers) => {
      paths.push(String(headers[':path']));
      if (headers[':path'] === '/hold') return;
      stream.respond({ ':status': 200 });
      stream.end('ok');
    };
    const client = await session(wire);
    expect(await request(client, { ':path': '/' })).toMatchObject({ status: 200 });
    const held = request(client, { ':path': '/hold' });
    await until(() => paths.includes('/hold'));
    cut.add(sockets[0]!);
    later(60_000);
    const posts = ['/a', '/b'].map((path) => request(client, { ':method': 'POST', ':path': path }, 'body'));
    expect((await Promise.all(posts)).map(({ status }) => status)).toEqual([200, 200]);
    const lost = await held;
    expect([lost.status, codeOf(lost)]).toEqual([502, 'upstream-reset']);
    expect(lost.body).toContain('does not answer any more');
    expect(paths.sort()).toEqual(['/', '/a', '/b', '/hold']);
    expect(sockets).toHaveLength(2);
  });

  it('is not one that was only silent: it answers a PING and is used again', async () => {
    const { wire, origin, sockets } = await behindWire({});
    const client = await session(wire);
    await request(client, { ':path': '/' });
    let pings = 0;
    origin.sessions[0]!.on('ping', () => pings++);
    await request(client, { ':path': '/' });
    expect(pings).toBe(0);
    later(60_000);
    const answers = await Promise.all([1, 2, 3].map(() => request(client, { ':path': '/' })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(pings).toBe(1);
    expect(sockets).toHaveLength(1);
  });
});

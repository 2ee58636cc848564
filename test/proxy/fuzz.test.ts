// 10,000 broken conversations over all front doors, with clients and origins that truncate, damage and reset at any stage. After
// it the process serves a good request on each door, every exchange ended once, no secret is where it does not belong, and
// nothing is left behind. FUZZ_SEED=… runs others, FUZZ_ONLY=… one of them, FUZZ_COUNT=… more.
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Guard } from '../../src/proxy/pipeline/guard';
import { Pipeline } from '../../src/proxy/pipeline/pipeline';
import { FRAME_HEADER, PREFACE } from '../../src/proxy/http2/frames';
import { authenticator } from '../../src/proxy/tokens';
import { WireEngine } from '../../src/proxy/wire/wireEngine';
import { CountingHandlers, eventually, heapInUse, openSockets } from '../support/counting';
import { type FieldPairs, block, good, openFrames } from '../support/frames';
import { DUMMY, REAL, SECRET } from '../support/guarded';
import { Random, generate, mutate } from '../support/http1Grammar';
import { testAuthority, testLeaf } from '../support/pki';
import { connectRaw, connectTls } from '../support/rawClient';
import { greeting, login, request as socksRequest, connectSocks, secureRaw } from '../support/socks';
import { frame as webSocketFrame } from '../support/webSockets';
import { AUTH, TOKEN } from '../support/wire';

const SEED = Number(process.env['FUZZ_SEED'] ?? 7_070_707);
const COUNT = Number(process.env['FUZZ_COUNT'] ?? 10_000);
const ONLY = process.env['FUZZ_ONLY'];
const AT_ONCE = 24;
const POLICY = `version: 1
mode: enforce
rules:
  - type: block
    condition: { match: { host: localhost, port: any, path: "/blocked/**" } }
  - type: allow
    addresses: any
    condition: { match: { host: [localhost, "127.0.0.1"], port: any } }
`;

const proxyCa = testAuthority('proxy CA of the fuzz test');
const originCa = testAuthority('origin CA of the fuzz test');
const guard = new Guard();
guard.setSecrets([SECRET]);
guard.setPolicy(POLICY);
const handlers = new CountingHandlers(new Pipeline(guard, () => undefined));
const engine = new WireEngine({
  authenticate: authenticator([{ label: 'claude', token: TOKEN }]),
  ca: proxyCa,
  upstreamCa: [originCa.cert],
  handlers,
  timeouts: { headMs: 3_000, idleMs: 5_000, handshakeMs: 3_000, connectMs: 3_000 },
});

// --- origins that misbehave, and behave once `calm` is set

let calm = true;
const origins: net.Server[] = [];
const originSockets = new Set<net.Socket>();
const ports = { plain: 0, secure: 0, h2: 0, elsewhere: 0 };
/** What the host that no secret is bound to received. */
let elsewhere = '';
const faults: string[] = [];
let chaos = new Random(SEED);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

function http1Origin(socket: net.Socket, hear?: (text: string) => void): void {
  originSockets.add(socket);
  socket.on('close', () => originSockets.delete(socket));
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    const chunk = bytes.toString('latin1');
    hear?.(chunk);
    text = (text + chunk).slice(-100_000);
    if (!text.includes('\r\n\r\n')) return;
    const head = text;
    text = '';
    if (calm) {
      socket.write(/upgrade: websocket/i.test(head) ? SWITCH + webSocketFrame(0x81, 'hi') : OK, 'latin1');
      return;
    }
    if (/upgrade: websocket/i.test(head) && chaos.chance(0.7)) {
      socket.write(SWITCH + frames(chaos, ''), 'latin1');
      if (chaos.chance(0.2)) socket.destroy();
      return;
    }
    switch (chaos.below(9)) {
      case 0:
        if (socket instanceof tls.TLSSocket) socket.destroy();
        else socket.resetAndDestroy();
        return;
      case 1:
        return; // silence
      case 2:
        socket.end(generate(chaos, 'response').text, 'latin1');
        return;
      case 3: {
        const { text: answer } = generate(chaos, 'response');
        socket.write(answer.slice(0, chaos.below(answer.length)), 'latin1', () => socket.destroy());
        return;
      }
      case 4:
        socket.write(`HTTP/1.1 200 ${REAL}\r\nX-Echo: ${REAL}\r\nTransfer-Encoding: chunked\r\n\r\n`, 'latin1');
        for (let at = 0, size = 0; at < REAL.length; at += size) {
          size = 1 + chaos.below(REAL.length - at);
          socket.write(`${size.toString(16)}\r\n${REAL.slice(at, at + size)}\r\n`, 'latin1');
        }
        if (chaos.chance(0.5)) socket.write('0\r\n\r\n');
        else socket.destroy();
        return;
      case 5:
        socket.write(mutate(chaos, OK), 'latin1');
        return;
      default:
        socket.write(OK, 'latin1');
    }
  });
}

/** Frames that answer nothing in particular. */
function http2Origin(socket: net.Socket): void {
  originSockets.add(socket);
  socket.on('close', () => originSockets.delete(socket));
  socket.on('error', () => undefined);
  socket.write(rawFrame(4, 0, 0, Buffer.alloc(0)));
  let buffer: Buffer = Buffer.alloc(0);
  let skipped = false;
  socket.on('data', (bytes: Buffer) => {
    buffer = Buffer.concat([buffer, bytes]);
    if (!skipped && buffer.length >= PREFACE.length) {
      buffer = buffer.subarray(PREFACE.length);
      skipped = true;
    }
    while (skipped && buffer.length >= FRAME_HEADER) {
      const length = buffer.readUIntBE(0, 3);
      if (buffer.length < FRAME_HEADER + length) return;
      const id = buffer.readUInt32BE(5);
      if (buffer[3] === 1) {
        const answer = Buffer.concat([
          rawFrame(1, 4, id, block([[':status', '200']])),
          rawFrame(0, 1, id, Buffer.from('ok')),
        ]);
        if (calm || chaos.chance(0.4)) socket.write(answer);
        else if (chaos.chance(0.2)) socket.destroy();
        else
          socket.write(
            randomFrames(
              chaos,
              [
                [':status', '200'],
                ['x-echo', REAL],
              ],
              id,
            ),
          );
      }
      buffer = buffer.subarray(FRAME_HEADER + length);
    }
  });
}

// --- clients that misbehave

function rawFrame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEADER);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

const noise = (random: Random, most: number) =>
  Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)));

function randomFrames(random: Random, fields: FieldPairs, id: number): Buffer {
  const frames: Buffer[] = [];
  for (let left = 1 + random.below(10); left > 0; left--) {
    const on = random.mostly([id, id + 2 * random.below(6)], [0, 2, id - 2 < 0 ? 1 : id - 2, 0x7fffffff], 0.1);
    const flags = random.mostly([0, 1, 4, 5], [8, 0x20, 0x2d, 255], 0.15);
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2: {
        const list = random.chance(0.7)
          ? fields
          : fields.map(
              ([name, value]) =>
                [
                  random.chance(0.1) ? mutate(random, name) : name,
                  random.chance(0.1) ? mutate(random, value) : value,
                ] as const,
            );
        const bytes = random.chance(0.9) ? block(list) : noise(random, 60);
        frames.push(rawFrame(1, random.chance(0.8) ? flags | 4 : flags, on, bytes));
        break;
      }
      case 3:
      case 4:
        frames.push(rawFrame(0, flags, on, random.chance(0.3) ? Buffer.from(DUMMY) : noise(random, 300)));
        break;
      case 5:
        frames.push(rawFrame(3, 0, on, noise(random, 6)));
        break;
      case 6:
        frames.push(rawFrame(4, random.below(2), random.chance(0.9) ? 0 : on, noise(random, 14)));
        break;
      case 7:
        frames.push(
          rawFrame(
            8,
            0,
            random.chance(0.5) ? 0 : on,
            Buffer.from([0, random.below(2) * 127, random.below(256), random.below(256)]),
          ),
        );
        break;
      case 8:
        frames.push(rawFrame(9, flags, on, noise(random, 60)));
        break;
      default:
        frames.push(rawFrame(random.below(12), flags, on, noise(random, 40)));
    }
  }
  return Buffer.concat(frames);
}

/** WebSocket frames; `mask`: four characters from a client. */
function frames(random: Random, mask: string): string {
  let out = '';
  for (let left = random.below(8); left > 0; left--) {
    const payload = random.pick(['hello', '', DUMMY, REAL, 'x'.repeat(200), '\x03\xe8bye', 'y'.repeat(70_000)]);
    const first = random.mostly([0x81, 0x82, 0x01, 0x80, 0x89, 0x88], [0xc1, 0xb1, 0x83, 0x8b, 0x09, 0x00], 0.1);
    out += webSocketFrame(first, payload, random.chance(0.95) ? mask : mask === '' ? 'abcd' : '');
  }
  return random.chance(0.2) ? mutate(random, out) : out;
}

const authLine = (random: Random) =>
  random.mostly(
    [`Proxy-Authorization: ${AUTH}\r\n`],
    ['', 'Proxy-Authorization: Basic x\r\n', `Proxy-Authorization: ${AUTH}\r\nProxy-Authorization: ${AUTH}\r\n`],
    0.08,
  );

/** A request of the grammar, for this host, often with a dummy and often good but for one octet. */
function someRequest(random: Random, host: string, absolute: boolean): string {
  const prefix = absolute ? `http://${host}` : '';
  if (random.chance(0.4)) {
    const { text } = generate(random, 'request');
    const aimed = text.replace(/h\.example(?::80)?/g, host);
    return absolute ? aimed.replace(/^(\S+ )\//, `$1${prefix}/`).replace('\r\n', `\r\n${authLine(random)}`) : aimed;
  }
  const path = random.pick(['/', '/a?b=c', '/blocked/x', `/?key=${DUMMY}`, '/%2e%2e/x']);
  const body = random.pick(['', '', 'hello', `x${DUMMY}`, 'z'.repeat(5_000)]);
  const framing =
    body === ''
      ? ''
      : random.chance(0.5)
        ? `Content-Length: ${body.length}\r\n\r\n${body}`
        : `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const head = `${body === '' ? 'GET' : 'POST'} ${prefix}${path} HTTP/1.1\r\nHost: ${host}\r\n${absolute ? authLine(random) : ''}${random.pick(['', `x-api-key: ${DUMMY}\r\n`, `Authorization: Bearer ${DUMMY}\r\n`, 'Expect: 100-continue\r\n'])}`;
  const text = head + (framing === '' ? '\r\n' : framing);
  return random.chance(0.4) ? mutate(random, text) : text;
}

const upgrade = (host: string) =>
  `GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nx-api-key: ${DUMMY}\r\n\r\n`;

function inside(random: Random, host: string): string {
  if (random.chance(0.3)) return upgrade(host) + frames(random, 'mask');
  let out = '';
  for (let left = 1 + random.below(3); left > 0; left--) out += someRequest(random, host, false);
  return out;
}

/** Writes in random pieces, perhaps not all of it, and hears what comes until nothing does or it has had enough. */
async function converse(random: Random, socket: net.Socket, bytes: Buffer): Promise<void> {
  let received = '';
  socket.on('data', (chunk: Buffer) => (received = (received + chunk.toString('latin1')).slice(-200_000)));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const end = random.chance(0.25) ? random.below(bytes.length + 1) : bytes.length;
  for (let at = 0; at < end && !socket.destroyed;) {
    const size = random.chance(0.5) ? end - at : 1 + random.below(end - at);
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
  }
  switch (random.below(4)) {
    case 0:
      socket.destroy();
      break;
    case 1:
      if (!(socket instanceof tls.TLSSocket)) socket.resetAndDestroy();
      else socket.destroy();
      break;
    case 2:
      socket.end();
  }
  const timer = setTimeout(() => socket.destroy(), 5 + random.below(30));
  await closed;
  clearTimeout(timer);
  if (received.includes(REAL)) faults.push('a client received the real value');
}

let hello: Buffer = Buffer.alloc(0);

const DOORS = ['plain', 'connect', 'handshake', 'tunnelled', 'tls', 'http2', 'socks'] as const;

async function conversation(index: number): Promise<void> {
  const random = new Random(SEED * 100_003 + index);
  // Doors with a handshake cost a hundred times as much as the others.
  const door = random.chance(0.14)
    ? random.pick(['tls', 'http2'] as const)
    : random.pick(DOORS.filter((name) => name !== 'tls' && name !== 'http2'));
  const wrong = random.chance(0.1);
  const host = (port: number) => (wrong ? `127.0.0.1:${ports.elsewhere}` : `localhost:${port}`);
  const raw = net.connect(engine_port, '127.0.0.1');
  raw.on('error', () => undefined);
  const connect = (authority: string) =>
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authLine(random)}\r\n`;
  switch (door) {
    case 'plain':
      await converse(
        random,
        raw,
        Buffer.from(
          someRequest(random, host(ports.plain), true) +
            (random.chance(0.3) ? someRequest(random, host(ports.plain), true) : ''),
          'latin1',
        ),
      );
      return;
    case 'connect':
      await converse(
        random,
        raw,
        Buffer.from(
          mutate(random, mutate(random, connect(host(ports.plain))) + inside(random, host(ports.plain))),
          'latin1',
        ),
      );
      return;
    case 'tunnelled':
      await converse(
        random,
        raw,
        Buffer.from(connect(host(ports.plain)) + inside(random, host(ports.plain)), 'latin1'),
      );
      return;
    case 'handshake': {
      const record = random.chance(0.8)
        ? Buffer.from(mutate(random, hello.toString('latin1')), 'latin1')
        : Buffer.concat([Buffer.from([22, 3, 1]), noise(random, 200)]);
      await converse(
        random,
        raw,
        Buffer.concat([Buffer.from(connect(host(ports.secure)), 'latin1'), record, noise(random, 20)]),
      );
      return;
    }
    case 'socks': {
      const target = wrong ? { host: [127, 0, 0, 1], port: ports.elsewhere } : { host: 'localhost', port: ports.plain };
      const steps = Buffer.concat([greeting(2), login(), socksRequest(target)]).toString('latin1');
      const whole = (random.chance(0.5) ? mutate(random, steps) : steps) + inside(random, host(ports.plain));
      await converse(random, raw, Buffer.from(whole, 'latin1'));
      return;
    }
    case 'tls':
    case 'http2': {
      const authority = wrong
        ? `127.0.0.1:${ports.elsewhere}`
        : `localhost:${random.chance(0.5) ? ports.h2 : ports.secure}`;
      raw.write(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
      await new Promise((resolve) => raw.once('data', resolve).once('close', resolve));
      const secure = tls.connect({
        socket: raw,
        rejectUnauthorized: false,
        servername: wrong ? '' : 'localhost',
        ALPNProtocols: [door === 'tls' ? 'http/1.1' : 'h2'],
      });
      secure.on('error', () => undefined);
      if (random.chance(0.1)) raw.destroy(); // in the handshake
      const opened = await new Promise<boolean>((resolve) => {
        const over = setTimeout(() => resolve(false), 2_000); // a socket that was gone before says nothing
        secure.once('close', () => resolve(false)).once('secureConnect', () => resolve(true));
        secure.once('secureConnect', () => clearTimeout(over)).once('close', () => clearTimeout(over));
      });
      if (!opened) {
        raw.destroy();
        return;
      }
      if (door === 'tls') {
        await converse(random, secure, Buffer.from(inside(random, authority), 'latin1'));
        return;
      }
      const fields = good(
        authority,
        [
          random.pick([
            ['x-api-key', DUMMY],
            ['x', 'y'],
            ['content-length', '5'],
          ] as const),
        ],
        random.pick(['GET', 'POST']),
        random.pick(['/', '/blocked/x', `/?key=${DUMMY}`]),
      );
      const begin = Buffer.concat([PREFACE, rawFrame(4, 0, 0, Buffer.alloc(0)), rawFrame(1, 4, 1, block(fields))]);
      const whole = Buffer.concat([begin, randomFrames(random, fields, 3)]);
      await converse(
        random,
        secure,
        random.chance(0.2) ? Buffer.from(mutate(random, whole.toString('latin1')), 'latin1') : whole,
      );
    }
  }
}

let engine_port = 0;
const uncaught: unknown[] = [];
const note = (error: unknown) => uncaught.push(error);

beforeAll(async () => {
  const leaf = testLeaf(originCa);
  const listen = async (server: net.Server) => {
    origins.push(server.on('tlsClientError', () => undefined).on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as net.AddressInfo).port;
  };
  ports.plain = await listen(net.createServer((socket) => http1Origin(socket)));
  ports.secure = await listen(
    tls.createServer({ ...leaf, ALPNProtocols: ['http/1.1'] }, (socket) => http1Origin(socket)),
  );
  ports.h2 = await listen(tls.createServer({ ...leaf, ALPNProtocols: ['h2'] }, http2Origin));
  ports.elsewhere = await listen(
    net.createServer((socket) => http1Origin(socket, (text) => (elsewhere = (elsewhere + text).slice(-5_000_000)))),
  );
  engine_port = (await engine.listen({ host: '127.0.0.1', port: 0 })).port;
  // A real ClientHello, to be damaged.
  const catcher = net.createServer((socket) =>
    socket.once('data', (bytes: Buffer) => ((hello = bytes), socket.destroy())).on('error', () => undefined),
  );
  const port = await listen(catcher);
  await new Promise((resolve) =>
    tls
      .connect({ port, host: '127.0.0.1', servername: 'localhost' })
      .on('error', () => undefined)
      .once('close', resolve),
  );
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
});

afterAll(async () => {
  process.removeListener('uncaughtException', note);
  process.removeListener('unhandledRejection', note);
  for (const socket of originSockets) socket.destroy();
  await engine.close(0);
  for (const server of origins) server.close();
});

const underWay = new Set<number>();

async function run(from: number, to: number): Promise<void> {
  let next = from;
  const worker = async () => {
    while (next < to) {
      const index = next++;
      underWay.add(index);
      await conversation(index);
      underWay.delete(index);
    }
  };
  // What hangs is named.
  const stuck = setTimeout(() => console.log('Under way after a minute:', [...underWay].join()), 90_000);
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  clearTimeout(stuck);
}

/** A good request on each door. */
async function everyDoorServes(): Promise<void> {
  calm = true;
  const where = { proxyPort: engine_port, proxyCa, ca: proxyCa.cert, auth: AUTH };
  const secure = `localhost:${ports.secure}`;
  const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nx-api-key: ${DUMMY}\r\n\r\n`;
  const plain = await connectRaw(engine_port);
  const absolute = `GET http://localhost:${ports.plain}/ HTTP/1.1\r\nHost: localhost:${ports.plain}\r\nProxy-Authorization: ${AUTH}\r\n\r\n`;
  expect(await plain.write(absolute).response()).toMatch(/^HTTP\/1\.1 200 [^]*ok$/);
  const inner = await connectTls({ ...where, authority: secure });
  expect(await inner.write(get(secure)).response()).toMatch(/^HTTP\/1\.1 200 [^]*ok$/);
  const { client, reply } = await connectSocks(engine_port, { host: 'localhost', port: ports.secure });
  expect(reply).toBe(0);
  const socks = await secureRaw(client, 'localhost', proxyCa.cert);
  expect(await socks.write(get(secure)).response()).toMatch(/^HTTP\/1\.1 200 [^]*ok$/);
  const webSocket = await connectTls({ ...where, authority: secure });
  const greeted = webSocketFrame(0x81, 'hi');
  expect(await webSocket.write(upgrade(secure)).until((text) => text.endsWith(greeted))).toMatch(/^HTTP\/1\.1 101 /);
  for (const port of [ports.secure, ports.h2]) {
    const peer = await openFrames({ proxyPort: engine_port, proxyCa, authority: `localhost:${port}` });
    peer.headers(1, good(`localhost:${port}`), 1);
    await peer.until(() => peer.ended(1));
    expect([await peer.outcome(1), peer.body(1)]).toEqual(['200', 'ok']);
    peer.socket.destroy();
  }
  for (const { socket } of [plain, inner, socks, webSocket]) socket.destroy();
}

/** Idle upstreams are let go by their ends; nothing else should be there. */
async function settle(sockets: number): Promise<void> {
  const left = () => `${handlers.open} exchanges, ${openSockets()} sockets (${sockets} before)`;
  await eventually(() => handlers.open === 0, 8_000, left);
  for (const socket of originSockets) socket.destroy();
  await eventually(() => openSockets() <= sockets, 8_000, left);
}

it(`${COUNT} broken conversations leave the process as it was`, async () => {
  if (ONLY !== undefined) {
    calm = false;
    await conversation(Number(ONLY));
    expect(uncaught).toEqual([]);
    return;
  }
  await everyDoorServes();
  const sockets = openSockets() - originSockets.size;
  // What is made once and kept (contexts, compiled code) is made by the first of them.
  calm = false;
  await run(0, COUNT / 10);
  calm = true;
  await settle(Math.max(0, sockets));
  const heap = heapInUse();
  calm = false;
  chaos = new Random(SEED + 1);
  await run(COUNT / 10, COUNT);
  await everyDoorServes();
  await settle(Math.max(0, sockets));
  expect(uncaught).toEqual([]);
  expect(faults).toEqual([]);
  expect(handlers.endedTwice).toBe(0);
  expect(handlers.ended).toBe(handlers.begun);
  expect(elsewhere).not.toContain(REAL);
  const grown = (heapInUse() - heap) / 1024 / 1024;
  console.log(
    `Fuzz, FUZZ_SEED=${SEED}: ${handlers.begun} exchanges, ${handlers.refusals} refusals, heap ${grown.toFixed(1)} MiB more than after a tenth`,
  );
  // It was of use: many came through, many did not.
  expect(handlers.begun).toBeGreaterThan(COUNT / 10);
  expect(handlers.refusals).toBeGreaterThan(COUNT / 20);
  expect(elsewhere).not.toBe('');
  expect(grown).toBeLessThan(12);
}, 180_000);

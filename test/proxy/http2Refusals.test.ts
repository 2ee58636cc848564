// What HTTP/2 peers must not get through: malformed requests, broken frames, floods and malformed answers, in raw frames over
// real TLS. Nothing of a refused request reaches an origin, others are served meanwhile, and no half answer looks whole.
import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType, Setting } from '../../src/proxy/http2/frames';
import { HpackDecoder } from '../../src/proxy/http2/hpack';
import {
  type FieldPairs,
  FrameOrigin,
  type FramePeer,
  block,
  good,
  indexed,
  integer,
  openFrames,
  word,
} from '../support/frames';
import { Http2Origin, openHttp2Socket } from '../support/http2';
import { RawOrigin } from '../support/rawOrigin';
import { testLeaf } from '../support/pki';
import { WireFixture } from '../support/wire';

const MIB = 1024 * 1024;
const EndStream = Flag.EndStream;
const EndHeaders = Flag.EndHeaders;
const Padded = Flag.Padded;

/** A session and a stream of it that are as good as ever. */
async function isServed(fixture: WireFixture): Promise<void> {
  const other = await openFrames(fixture);
  other.headers(1, good(fixture.authority), EndStream);
  await other.until(() => other.ended(1));
  expect([await other.outcome(1), other.body(1)]).toEqual(['200', 'ok']);
  other.socket.destroy();
}

/** An upstream that never finishes its handshake: nothing of a body is passed on. */
async function silentUpstream(): Promise<{ authority: string; close: () => void }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { authority: `localhost:${(server.address() as net.AddressInfo).port}`, close };
}

describe('a malformed request', () => {
  let fixture: WireFixture;
  let client: FramePeer;
  let authority: string;
  beforeAll(async () => {
    fixture = await WireFixture.open();
    authority = fixture.authority;
  });
  beforeEach(async () => {
    client = await openFrames(fixture);
  });
  afterEach(() => client.socket.destroy());
  afterAll(() => fixture.close());

  const without = (name: string) => (at: string) => good(at).filter(([field]) => field !== name);
  const withField = (name: string, value: string) => (at: string) => good(at, [[name, value]]);
  const cases: readonly (readonly [what: string, fields: (authority: string) => FieldPairs])[] = [
    ['an upper-case field name', withField('X-Upper', '1')],
    ['an empty field name', withField('', '1')],
    ['a field name with a space', withField('x y', '1')],
    ['a field name with a colon inside', withField('x:y', '1')],
    ['a field name with a NUL', withField('x\0', '1')],
    ['a field name that is not ASCII', withField('x\xe9', '1')],
    ['connection', withField('connection', 'close')],
    ['keep-alive', withField('keep-alive', '1')],
    ['proxy-connection', withField('proxy-connection', 'close')],
    ['transfer-encoding', withField('transfer-encoding', 'chunked')],
    ['upgrade', withField('upgrade', 'websocket')],
    ['te other than trailers', withField('te', 'gzip')],
    ['te with a list', withField('te', 'trailers, gzip')],
    [
      'a pseudo-field behind a field',
      (at) => [
        [':method', 'GET'],
        ['x', '1'],
        [':scheme', 'https'],
        [':authority', at],
        [':path', '/'],
      ],
    ],
    ['an unknown pseudo-field', withField(':x', '1')],
    ['a pseudo-field of responses', (at) => [[':status', '200'], ...good(at)]],
    ...[':method', ':scheme', ':authority', ':path'].map(
      (name) => [`${name} twice`, (at: string) => [good(at).find(([field]) => field === name)!, ...good(at)]] as const,
    ),
    ['no :method', without(':method')],
    ['no :scheme', without(':scheme')],
    ['no :path', without(':path')],
    ['no :authority and no host', without(':authority')],
    ['an empty :method', (at) => good(at, [], '')],
    ['a :method with a space', (at) => good(at, [], 'GET /evil HTTP/1.1\r\nx:')],
    ['an empty :path', (at) => good(at, [], 'GET', '')],
    ['a :path with a space', (at) => good(at, [], 'GET', '/a b')],
    ['a :path that smuggles a line', (at) => good(at, [], 'GET', '/ HTTP/1.1\r\nx: y')],
    ['a :path with a fragment', (at) => good(at, [], 'GET', '/a#b')],
    ['a :path without a slash', (at) => good(at, [], 'GET', 'evil')],
    ['a :path that is a URL', (at) => good(at, [], 'GET', 'https://evil.example/')],
    ['* with another method than OPTIONS', (at) => good(at, [], 'GET', '*')],
    ['another :scheme', (at) => good(at).map(([name, value]) => [name, name === ':scheme' ? 'http' : value] as const)],
    [
      'two Content-Lengths',
      (at) =>
        good(
          at,
          [
            ['content-length', '0'],
            ['content-length', '0'],
          ],
          'POST',
        ),
    ],
    ['a list of Content-Lengths', (at) => good(at, [['content-length', '0, 0']], 'POST')],
    ['a signed Content-Length', (at) => good(at, [['content-length', '+0']], 'POST')],
    ['a Content-Length in hex', (at) => good(at, [['content-length', '0x0']], 'POST')],
    ['a Content-Length past all numbers', (at) => good(at, [['content-length', '9'.repeat(30)]], 'POST')],
    ['a Content-Length with nothing behind it', (at) => good(at, [['content-length', '5']], 'POST')],
    [
      'two hosts',
      (at) =>
        good(at, [
          ['host', at],
          ['host', 'evil.example'],
        ]),
    ],
    [
      'the same host twice',
      (at) =>
        good(at, [
          ['host', at],
          ['host', at],
        ]),
    ],
    ['a NUL in a value', withField('x', 'a\0b')],
    ['a CR in a value', withField('x', 'a\rb')],
    ['a LF in a value', withField('x', 'a\nb')],
    ['a line smuggled in a value', withField('x', 'a\r\ntransfer-encoding: chunked')],
    ['a leading space in a value', withField('x', ' a')],
    ['a trailing tab in a value', withField('x', 'a\t')],
    ['DEL in a value', withField('x', 'a\x7f')],
    [
      'CONNECT',
      () => [
        [':method', 'CONNECT'],
        [':authority', 'evil.example:443'],
      ],
    ],
    [
      'CONNECT to the very host',
      (at) => [
        [':method', 'CONNECT'],
        [':authority', at],
      ],
    ],
    [':protocol without CONNECT', (at) => [[':protocol', 'websocket'], ...good(at)]],
  ];
  it.each(cases)('is refused: %s', async (_, fields) => {
    const before = fixture.origin.heads.length;
    const outcome = await client.headers(1, fields(authority), EndStream).outcome(1);
    expect(outcome).toMatch(/^(?:reset 1|400|421|501)$/);
    // The session lives, and a good request on it is served.
    expect(await client.headers(3, good(authority), EndStream).outcome(3)).toBe('200');
    expect(fixture.origin.heads).toHaveLength(before + 1);
  });

  const disguises: readonly (readonly [string, (authority: string) => FieldPairs])[] = [
    ['another name', () => good('evil.example')],
    ['another port', () => good('localhost:1')],
    ['the name as a prefix', (at) => good(`localhost.evil.example:${at.split(':')[1]!}`)],
    ['the name as a suffix', (at) => good(`evil.${at}`)],
    ['a user name', (at) => good(`user@${at}`)],
    ['the name as a user name', (at) => good(`${at}@evil.example`)],
    ['a NUL', (at) => good(`localhost\0.evil.example:${at.split(':')[1]!}`)],
    ['a path', (at) => good(`${at}/evil`)],
    ['a list', (at) => good(`${at}, evil.example`)],
    ['an address', (at) => good(`127.0.0.1:${at.split(':')[1]!}`)],
    ['a host beside a good :authority', (at) => good(at, [['host', 'evil.example']])],
    [
      'a host without :authority',
      (at) => [...good(at).filter(([name]) => name !== ':authority'), ['host', 'evil.example']],
    ],
    ['an empty :authority beside a host', (at) => good('', [['host', at]])],
  ];
  it.each(disguises)('is refused for its host: %s', async (_, fields) => {
    const before = fixture.origin.heads.length;
    expect(await client.headers(1, fields(authority), EndStream).outcome(1)).toMatch(/^(?:421|400|reset 1)$/);
    expect(await client.headers(3, good(authority), EndStream).outcome(3)).toBe('200');
    expect(fixture.origin.heads).toHaveLength(before + 1);
  });

  it('is told 421 where another host is named', async () => {
    expect(await client.headers(1, good('evil.example'), EndStream).outcome(1)).toBe('421');
    expect(client.body(1)).toContain('identity-mismatch');
  });

  it('does not make its neighbours’ authority trusted', async () => {
    // What was checked once is remembered: another text must be checked again.
    expect(await client.headers(1, good(authority), EndStream).outcome(1)).toBe('200');
    expect(await client.headers(3, good('evil.example'), EndStream).outcome(3)).toBe('421');
    expect(await client.headers(5, good(authority), EndStream).outcome(5)).toBe('200');
  });

  it('gets 501 for a WebSocket by extended CONNECT, and the session lives', async () => {
    const websocket: FieldPairs = [
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
      [':scheme', 'https'],
      [':authority', authority],
      [':path', '/chat'],
      ['sec-websocket-version', '13'],
    ];
    expect(await client.headers(1, websocket).outcome(1)).toBe('501');
    expect(client.body(1)).toContain('extended-connect');
    // Nobody said that it was on offer (RFC 8441, 3).
    const settings = client.frames.find(({ type, flags }) => type === (FrameType.Settings as number) && flags === 0)!;
    for (let at = 0; at < settings.payload.length; at += 6) expect(settings.payload.readUInt16BE(at)).not.toBe(8);
    expect(await client.headers(3, good(authority), EndStream).outcome(3)).toBe('200');
  });

  it.each([
    ['a pseudo-field', [':path', '/evil']],
    ['an upper-case name', ['X-T', '1']],
    ['transfer-encoding', ['transfer-encoding', 'chunked']],
    ['content-length', ['content-length', '3']],
    ['host', ['host', 'evil.example']],
    ['authorization', ['authorization', 'Bearer x']],
    ['a line break', ['x-t', 'a\r\nb: c']],
  ] as const)('is refused for its trailers: %s', async (_, trailer) => {
    fixture.origin.onRequest = ({ socket }, head) => {
      if (head.startsWith('GET')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    };
    const connections = fixture.origin.connections.length;
    client
      .headers(1, good(authority, [], 'POST'))
      .data(1, 'body')
      .headers(1, [trailer], EndStream);
    expect(await client.outcome(1)).toBe('reset 1');
    for (const { received, socket } of fixture.origin.connections.slice(connections)) {
      expect(received).not.toMatch(/\r\n0\r\n/);
      expect(received).not.toContain('evil');
      if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
    }
    expect(await client.headers(3, good(authority), EndStream).outcome(3)).toBe('200');
  });

  it('is refused when trailers do not end it', async () => {
    client.headers(1, good(authority, [], 'POST')).headers(1, [['x', '1']]);
    expect(await client.outcome(1)).toBe('reset 1');
  });

  it('is told 431 when its fields are longer than 64 KiB', async () => {
    const entry = indexed('x', 'y'.repeat(3000));
    const bytes = Buffer.concat([block(good(authority)), entry, Buffer.alloc(30, 0xbe)]);
    client.send(FrameType.Headers, EndHeaders | EndStream, 1, bytes);
    expect(await client.outcome(1)).toBe('431');
    expect(await client.headers(3, good(authority), EndStream).outcome(3)).toBe('200');
  });
});

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('a body that is not as long as it says, to an origin of %s', (kind) => {
  let fixture: WireFixture;
  let origin: Http2Origin | undefined;
  let client: FramePeer;
  const whole: string[] = [];
  beforeAll(async () => {
    fixture = await WireFixture.open();
    if (kind === 'HTTP/1.1') return;
    origin = new Http2Origin(fixture.originCa);
    origin.onStream = (stream, headers) => {
      let body = '';
      stream.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      stream.on('end', () => {
        // Node ends a stream in order only when END_STREAM came.
        if (!stream.aborted) whole.push(`${headers[':method']!} ${body}`);
        if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true });
      });
    };
    fixture.originPort = await origin.listen();
  });
  beforeEach(async () => {
    whole.length = 0;
    client = await openFrames(fixture);
  });
  afterEach(() => client.socket.destroy());
  afterAll(async () => {
    await fixture.close();
    await origin?.close();
  });

  const SMUGGLED = 'GET /evil HTTP/1.1\r\nHost: localhost\r\n\r\n';
  it.each([
    ['shorter', 50, (peer: FramePeer) => peer.data(1, 'hello', EndStream)],
    ['longer', 5, (peer: FramePeer) => peer.data(1, `hello${SMUGGLED}`, EndStream)],
    ['longer, in a second frame', 5, (peer: FramePeer) => peer.data(1, 'hello').data(1, SMUGGLED, EndStream)],
    ['longer than nothing', 0, (peer: FramePeer) => peer.data(1, SMUGGLED, EndStream)],
    ['ended by trailers too early', 50, (peer: FramePeer) => peer.data(1, 'hello').headers(1, [['x', '1']], EndStream)],
    ['ended by an empty frame', 5, (peer: FramePeer) => peer.data(1, '', EndStream)],
  ])('is refused: %s', async (_, length, send) => {
    const { authority, handlers } = fixture;
    const before = handlers.ends.length;
    fixture.origin.onRequest = () => undefined;
    const connections = fixture.origin.connections.length;
    client.headers(1, good(authority, [['content-length', String(length)]], 'POST'));
    send(client);
    expect(await client.outcome(1)).toBe('reset 1');
    await handlers.until(() => handlers.ends.length > before);
    expect(handlers.ends.at(-1)!.how).toEqual({ kind: 'aborted' });
    expect(whole).toEqual([]);
    for (const { received, socket } of fixture.origin.connections.slice(connections)) {
      expect(received).not.toContain('GET /evil');
      // Never handed to another exchange: what follows on it would be read as this body.
      if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
    }
    fixture.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.headers(3, good(authority), EndStream).outcome(3)).toBe('200');
  });
});

describe('frames that break the protocol end the connection', () => {
  let fixture: WireFixture;
  let client: FramePeer;
  beforeAll(async () => {
    fixture = await WireFixture.open();
  });
  beforeEach(async () => {
    client = await openFrames(fixture);
  });
  afterEach(() => client.socket.destroy());
  afterAll(() => fixture.close());

  const open = (peer: FramePeer, at: string) => peer.headers(1, good(at, [], 'POST'));
  const cases: readonly (readonly [string, ErrorCode, (peer: FramePeer, authority: string) => unknown])[] = [
    ['DATA on an idle stream', ErrorCode.Protocol, (peer) => peer.data(1, 'x')],
    ['DATA on stream 0', ErrorCode.Protocol, (peer) => peer.data(0, 'x')],
    ['DATA on an even stream', ErrorCode.Protocol, (peer) => peer.data(2, 'x')],
    ['RST_STREAM on an idle stream', ErrorCode.Protocol, (peer) => peer.reset(5)],
    ['RST_STREAM on stream 0', ErrorCode.Protocol, (peer) => peer.reset(0)],
    [
      'RST_STREAM of another size',
      ErrorCode.FrameSize,
      (peer, at) => open(peer, at).send(FrameType.RstStream, 0, 1, Buffer.alloc(5)),
    ],
    ['WINDOW_UPDATE on an idle stream', ErrorCode.Protocol, (peer) => peer.windowUpdate(7, 1)],
    ['WINDOW_UPDATE of 0', ErrorCode.Protocol, (peer) => peer.windowUpdate(0, 0)],
    ['WINDOW_UPDATE beyond the limit', ErrorCode.FlowControl, (peer) => peer.windowUpdate(0, 0x7fffffff)],
    [
      'WINDOW_UPDATE of another size',
      ErrorCode.FrameSize,
      (peer) => peer.send(FrameType.WindowUpdate, 0, 0, Buffer.alloc(3)),
    ],
    ['HEADERS on stream 0', ErrorCode.Protocol, (peer, at) => peer.headers(0, good(at), EndStream)],
    ['HEADERS on an even stream', ErrorCode.Protocol, (peer, at) => peer.headers(2, good(at), EndStream)],
    [
      'HEADERS with more padding than frame',
      ErrorCode.Protocol,
      (peer) => peer.send(FrameType.Headers, EndHeaders | Padded, 1, Buffer.from([9, 0x82])),
    ],
    [
      'HEADERS with a length of padding and nothing else',
      ErrorCode.Protocol,
      (peer) => peer.send(FrameType.Headers, EndHeaders | Padded, 1),
    ],
    [
      'HEADERS too short for its priority',
      ErrorCode.Protocol,
      (peer) => peer.send(FrameType.Headers, EndHeaders | Flag.Priority, 1, Buffer.alloc(3)),
    ],
    [
      'DATA with more padding than frame',
      ErrorCode.Protocol,
      (peer, at) => open(peer, at).send(FrameType.Data, Padded, 1, Buffer.from([3, 0, 0])),
    ],
    ['a frame larger than 16 KiB', ErrorCode.FrameSize, (peer, at) => open(peer, at).data(1, Buffer.alloc(16_385))],
    [
      'CONTINUATION that continues nothing',
      ErrorCode.Protocol,
      (peer) => peer.send(FrameType.Continuation, EndHeaders, 1),
    ],
    [
      'CONTINUATION of another stream',
      ErrorCode.Protocol,
      (peer, at) =>
        peer.send(FrameType.Headers, EndStream, 1, block(good(at))).send(FrameType.Continuation, EndHeaders, 3),
    ],
    [
      'a frame inside a field block',
      ErrorCode.Protocol,
      (peer, at) =>
        peer.send(FrameType.Headers, EndStream, 1, block(good(at))).send(FrameType.Ping, 0, 0, Buffer.alloc(8)),
    ],
    [
      'a second HEADERS inside a field block',
      ErrorCode.Protocol,
      (peer, at) => peer.send(FrameType.Headers, EndStream, 1, block(good(at))).headers(3, good(at), EndStream),
    ],
    [
      'PUSH_PROMISE of a client',
      ErrorCode.Protocol,
      (peer, at) => open(peer, at).send(FrameType.PushPromise, EndHeaders, 1, word(2)),
    ],
    ['SETTINGS on a stream', ErrorCode.Protocol, (peer) => peer.send(FrameType.Settings, 0, 1)],
    ['SETTINGS of 5 octets', ErrorCode.FrameSize, (peer) => peer.send(FrameType.Settings, 0, 0, Buffer.alloc(5))],
    [
      'a SETTINGS acknowledgement with a payload',
      ErrorCode.FrameSize,
      (peer) => peer.send(FrameType.Settings, 1, 0, Buffer.alloc(6)),
    ],
    ['ENABLE_PUSH of 2', ErrorCode.Protocol, (peer) => peer.settings([Setting.EnablePush, 2])],
    [
      'an initial window beyond the limit',
      ErrorCode.FlowControl,
      (peer) => peer.settings([Setting.InitialWindowSize, 0x80000000]),
    ],
    ['a MAX_FRAME_SIZE below the least', ErrorCode.Protocol, (peer) => peer.settings([Setting.MaxFrameSize, 16_383])],
    ['a MAX_FRAME_SIZE above the most', ErrorCode.Protocol, (peer) => peer.settings([Setting.MaxFrameSize, 0x1000000])],
    ['PING on a stream', ErrorCode.Protocol, (peer) => peer.send(FrameType.Ping, 0, 1, Buffer.alloc(8))],
    ['PING of 7 octets', ErrorCode.FrameSize, (peer) => peer.send(FrameType.Ping, 0, 0, Buffer.alloc(7))],
    ['PRIORITY of 4 octets', ErrorCode.FrameSize, (peer) => peer.send(FrameType.Priority, 0, 1, Buffer.alloc(4))],
    ['GOAWAY on a stream', ErrorCode.Protocol, (peer) => peer.send(FrameType.GoAway, 0, 1, Buffer.alloc(8))],
    ['GOAWAY that is too short', ErrorCode.FrameSize, (peer) => peer.send(FrameType.GoAway, 0, 0, Buffer.alloc(7))],
    [
      'an HPACK index that is not there',
      ErrorCode.Compression,
      (peer) => peer.send(FrameType.Headers, EndHeaders | EndStream, 1, Buffer.from('ff00', 'hex')),
    ],
    [
      'an HPACK string without end',
      ErrorCode.Compression,
      (peer) => peer.send(FrameType.Headers, EndHeaders | EndStream, 1, Buffer.from('007f', 'hex')),
    ],
    [
      'an HPACK table larger than agreed',
      ErrorCode.Compression,
      (peer) => peer.send(FrameType.Headers, EndHeaders | EndStream, 1, integer(0x20, 5, 4097)),
    ],
    [
      'an HPACK list past all measure',
      ErrorCode.Compression,
      (peer, at) =>
        peer.send(
          FrameType.Headers,
          EndHeaders | EndStream,
          1,
          Buffer.concat([block(good(at)), indexed('x', 'y'.repeat(4000)), Buffer.alloc(300, 0xbe)]),
        ),
    ],
    [
      'HPACK broken in trailers',
      ErrorCode.Compression,
      (peer, at) => open(peer, at).send(FrameType.Headers, EndHeaders | EndStream, 1, Buffer.from('80', 'hex')),
    ],
  ];
  it.each(cases)('%s', async (_, code, send) => {
    const before = fixture.origin.heads.length;
    send(client, fixture.authority);
    // `open` may have reached the origin with its head: a body that never ends is no request.
    expect(await client.goAway()).toBe(code);
    await client.end();
    expect(fixture.origin.heads.slice(before).filter((head) => head.startsWith('GET'))).toEqual([]);
  });

  it('bytes that are no preface', async () => {
    const raw = await openHttp2Socket(fixture);
    raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    raw.resume();
    await new Promise((resolve) => raw.once('close', resolve));
    await isServed(fixture);
  });

  it('a first frame that is not SETTINGS', async () => {
    const raw = await openHttp2Socket(fixture);
    raw.write(
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]),
        Buffer.alloc(8),
      ]),
    );
    raw.resume();
    await new Promise((resolve) => raw.once('close', resolve));
  });

  it('more data than the window of the connection', async () => {
    const { authority, close } = await silentUpstream();
    const peer = await openFrames({ proxyPort: fixture.proxyPort, proxyCa: fixture.proxyCa, authority });
    // As many streams as it takes: each within its own window.
    for (let id = 1, sent = 0; sent <= 17 * MIB && !peer.closed; id += 2) {
      peer.headers(id, good(authority, [], 'POST'));
      for (let i = 0; i < 32; i++, sent += 16_000) peer.data(id, Buffer.alloc(16_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await peer.goAway()).toBe(ErrorCode.FlowControl);
    await isServed(fixture);
    close();
  });
});

describe('frames that break the rules of one stream end that stream', () => {
  let fixture: WireFixture;
  let client: FramePeer;
  beforeAll(async () => {
    fixture = await WireFixture.open();
    fixture.origin.onRequest = ({ socket }, head) => {
      if (head.startsWith('GET')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else socket.pause();
    };
  });
  beforeEach(async () => {
    client = await openFrames(fixture);
  });
  afterEach(() => client.socket.destroy());
  afterAll(() => fixture.close());

  it.each([
    ['WINDOW_UPDATE of 0', ErrorCode.Protocol, (peer: FramePeer) => peer.windowUpdate(1, 0)],
    ['a window beyond the limit', ErrorCode.FlowControl, (peer: FramePeer) => peer.windowUpdate(1, 0x7fffffff)],
    ['data behind its end', ErrorCode.StreamClosed, (peer: FramePeer) => peer.data(1, '', EndStream).data(1, 'x')],
    [
      'fields behind its end',
      ErrorCode.StreamClosed,
      (peer: FramePeer) => peer.data(1, '', EndStream).headers(1, [['x', '1']], EndStream),
    ],
  ])('%s', async (_, code, send) => {
    client.headers(1, good(fixture.authority, [], 'POST'));
    send(client);
    expect(await client.outcome(1)).toBe(`reset ${code}`);
    expect(await client.headers(3, good(fixture.authority), EndStream).outcome(3)).toBe('200');
  });

  it('more data than its window', async () => {
    const { authority, close } = await silentUpstream();
    const peer = await openFrames({ proxyPort: fixture.proxyPort, proxyCa: fixture.proxyCa, authority });
    peer.headers(1, good(authority, [], 'POST'));
    for (let i = 0; i < 40; i++) peer.data(1, Buffer.alloc(16_000));
    expect(await peer.outcome(1)).toBe(`reset ${ErrorCode.FlowControl}`);
    peer.socket.destroy();
    close();
  });

  it('an id that goes down opens nothing', async () => {
    const before = fixture.handlers.requests.length;
    client.headers(5, good(fixture.authority), EndStream).headers(3, good(fixture.authority), EndStream);
    expect(await client.outcome(5)).toBe('200');
    expect(await client.headers(7, good(fixture.authority), EndStream).outcome(7)).toBe('200');
    expect(fixture.handlers.requests).toHaveLength(before + 2);
    expect(client.frames.some(({ id }) => id === 3)).toBe(false);
  });

  it('padding and its length count for the window and are given back', async () => {
    // 256 octets of window for one of payload: more of it than a window holds in all.
    client.headers(1, good(fixture.authority, [['content-length', '3000']], 'POST'));
    for (let i = 0; i < 3000 && !client.closed; i++) {
      client.send(FrameType.Data, Padded, 1, Buffer.concat([Buffer.from([254]), Buffer.from('x'), Buffer.alloc(254)]));
    }
    await client.until(() =>
      client.frames.some(({ type, id }) => type === (FrameType.WindowUpdate as number) && id === 1),
    );
    expect(client.wasReset(1)).toBe(false);
  });

  it('streams beyond the limit are refused unprocessed, and the rest are served', async () => {
    fixture.origin.onRequest = () => undefined;
    const before = fixture.handlers.requests.length;
    for (let id = 1; id <= 2 * 300; id += 2) client.headers(id, good(fixture.authority), EndStream);
    expect(await client.outcome(2 * 256 + 1)).toBe(`reset ${ErrorCode.RefusedStream}`);
    await client.until(() => client.wasReset(599));
    expect(fixture.handlers.requests.length - before).toBe(256);
    fixture.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    client.reset(1);
    expect(await client.headers(601, good(fixture.authority), EndStream).outcome(601)).toBe('200');
  });
});

describe('a flood', () => {
  let fixture: WireFixture;
  let client: FramePeer;
  beforeAll(async () => {
    fixture = await WireFixture.open();
  });
  beforeEach(async () => {
    client = await openFrames(fixture);
  });
  afterEach(() => client.socket.destroy());
  afterAll(() => fixture.close());

  const empty = Buffer.alloc(0);
  const floods: readonly (readonly [string, (peer: FramePeer, i: number, authority: string) => unknown])[] = [
    ['rapid reset (CVE-2023-44487)', (peer, i, at) => peer.headers(2 * i + 1, good(at), EndStream).reset(2 * i + 1)],
    [
      'resets that we are made to send, by data beyond Content-Length (CVE-2025-8671)',
      (peer, i, at) => peer.headers(2 * i + 1, good(at, [['content-length', '0']], 'POST')).data(2 * i + 1, 'x'),
    ],
    [
      'resets that we are made to send, by malformed trailers',
      (peer, i, at) => peer.headers(2 * i + 1, good(at, [], 'POST')).headers(2 * i + 1, [[':x', '1']], EndStream),
    ],
    [
      'resets that we are made to send, by WINDOW_UPDATE of 0',
      (peer, i, at) => peer.headers(2 * i + 1, good(at, [], 'POST')).windowUpdate(2 * i + 1, 0),
    ],
    ['malformed requests', (peer, i, at) => peer.headers(2 * i + 1, good(at, [['X', '1']]), EndStream)],
    ['pings (CVE-2019-9512)', (peer) => peer.send(FrameType.Ping, 0, 0, Buffer.alloc(8))],
    ['settings (CVE-2019-9515)', (peer) => peer.send(FrameType.Settings, 0, 0, empty)],
    [
      'empty data (CVE-2019-9518)',
      (peer, i, at) => (i === 0 ? peer.headers(1, good(at, [], 'POST')) : peer.data(1, '')),
    ],
    ['priorities (CVE-2019-9513)', (peer, i) => peer.send(FrameType.Priority, 0, 2 * (i % 50) + 1, Buffer.alloc(5))],
    ['unknown frames', (peer) => peer.send(0xfa, 0, 0, empty)],
    [
      'empty CONTINUATIONs (CVE-2024-27316)',
      (peer, i, at) =>
        i === 0 ? peer.send(FrameType.Headers, 0, 1, block(good(at))) : peer.send(FrameType.Continuation, 0, 1, empty),
    ],
    [
      'CONTINUATIONs without end',
      (peer, i, at) =>
        i === 0
          ? peer.send(FrameType.Headers, 0, 1, block(good(at)))
          : peer.send(FrameType.Continuation, 0, 1, block([['x', 'y'.repeat(200)]])),
    ],
    ['streams beyond the limit', (peer, i, at) => peer.headers(2 * i + 1, good(at, [], 'POST'))],
  ];
  it.each(floods)('of %s is told to calm down', async (_, send) => {
    const served = isServed(fixture);
    for (let i = 0; i < 6_000 && !client.closed; i++) {
      send(client, i, fixture.authority);
      if (i % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (i === 1_000) await isServed(fixture);
    }
    expect(await client.goAway()).toBe(ErrorCode.EnhanceYourCalm);
    await served;
    await isServed(fixture);
    // Nothing of it is left behind, here or at the origin.
    const { handlers } = fixture;
    await handlers.until(() => handlers.ends.length === handlers.requests.length);
  });

  it('of settings within single frames is told to calm down', async () => {
    for (let i = 0; i < 200 && !client.closed; i++) {
      client.settings(...Array.from({ length: 2700 }, (_, n) => [Setting.InitialWindowSize, 1000 + (n % 2)] as const));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.goAway()).toBe(ErrorCode.EnhanceYourCalm);
    await isServed(fixture);
  });

  it('of header-list bombs costs no memory', async () => {
    const memory = process.memoryUsage().rss;
    const bomb = Buffer.concat([
      block(good(fixture.authority)),
      indexed('x', 'y'.repeat(4000)),
      Buffer.alloc(250, 0xbe),
    ]);
    for (let i = 0; i < 500 && !client.closed; i++) {
      client.send(FrameType.Headers, EndHeaders | EndStream, 2 * i + 1, bomb);
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(
      () => client.frames.filter(({ fields }) => fields?.some(([, value]) => value === '431')).length === 500,
    );
    expect(process.memoryUsage().rss - memory).toBeLessThan(150 * MIB);
    await isServed(fixture);
  });
});

describe('readers that never read', () => {
  let fixture: WireFixture;
  let origin: Http2Origin | undefined;
  afterEach(async () => {
    await fixture.close();
    await origin?.close();
    origin = undefined;
  });

  it.each(['HTTP/1.1', 'HTTP/2'] as const)('hold 100 answers of %s back, not the other connections', async (kind) => {
    fixture = await WireFixture.open();
    const big = Buffer.alloc(MIB);
    if (kind === 'HTTP/1.1')
      fixture.origin.onRequest = ({ socket }, head) => {
        if (head.includes('/big')) {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${big.length}\r\n\r\n`);
          socket.write(big);
        } else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      };
    else {
      origin = new Http2Origin(fixture.originCa, { maxSessionMemory: 1000, settings: { maxConcurrentStreams: 1000 } });
      origin.onStream = (stream, headers) => {
        stream.respond({ ':status': 200 });
        stream.end(headers[':path'] === '/big' ? big : 'ok');
      };
      fixture.originPort = await origin.listen();
    }
    const client = await openFrames(fixture);
    client.settings([Setting.InitialWindowSize, 0]);
    let heads = 0;
    client.onFrame = ({ fields }) => (heads += fields ? 1 : 0);
    for (let i = 0; i < 100; i++) client.headers(2 * i + 1, good(fixture.authority, [], 'GET', '/big'), EndStream);
    await client.until(() => heads === 100);
    // A breath for the bodies to come as far as they can.
    for (let i = 0; i < 20; i++) await isServed(fixture);
    expect(client.received(1)).toBe(0);
    // And when it reads at last, it gets what it asked for.
    client.settings([Setting.InitialWindowSize, 4 * MIB]).windowUpdate(0, 0x70000000);
    await client.until(() => client.endedStreams === 100);
    expect(client.received(199)).toBe(big.length);
    client.socket.destroy();
  });
});

describe('a malformed answer of an HTTP/2 origin', () => {
  let fixture: WireFixture;
  let origin: FrameOrigin;
  let client: FramePeer;
  beforeAll(async () => {
    fixture = await WireFixture.open();
    origin = new FrameOrigin(fixture.originCa);
    fixture.originPort = await origin.listen();
  });
  beforeEach(async () => {
    client = await openFrames(fixture);
  });
  afterEach(() => client.socket.destroy());
  afterAll(async () => {
    await fixture.close();
    await origin.close();
  });
  const ok = (peer: FramePeer, id: number) => peer.headers(id, [[':status', '200']]);
  type Answer = (peer: FramePeer, id: number) => unknown;

  const cases: readonly (readonly [string, Answer])[] = [
    ['no :status', (peer, id) => peer.headers(id, [['x', '1']], EndStream)],
    ['a :status of two digits', (peer, id) => peer.headers(id, [[':status', '99']], EndStream)],
    ['a :status of letters', (peer, id) => peer.headers(id, [[':status', '2xx']], EndStream)],
    ['a :status that smuggles a line', (peer, id) => peer.headers(id, [[':status', '200 OK\r\nx: y']], EndStream)],
    [
      ':status twice',
      (peer, id) =>
        peer.headers(
          id,
          [
            [':status', '200'],
            [':status', '200'],
          ],
          EndStream,
        ),
    ],
    [
      ':status behind a field',
      (peer, id) =>
        peer.headers(
          id,
          [
            ['x', '1'],
            [':status', '200'],
          ],
          EndStream,
        ),
    ],
    [
      'a pseudo-field of requests',
      (peer, id) =>
        peer.headers(
          id,
          [
            [':status', '200'],
            [':path', '/'],
          ],
          EndStream,
        ),
    ],
    ['an interim response that ends it', (peer, id) => peer.headers(id, [[':status', '103']], EndStream)],
    ['101', (peer, id) => peer.headers(id, [[':status', '101']])],
    [
      'a field with a line break',
      (peer, id) =>
        peer.headers(
          id,
          [
            [':status', '200'],
            ['x', 'a\r\nb: c'],
          ],
          EndStream,
        ),
    ],
    [
      'an upper-case name',
      (peer, id) =>
        peer.headers(
          id,
          [
            [':status', '200'],
            ['X', '1'],
          ],
          EndStream,
        ),
    ],
    [
      'transfer-encoding',
      (peer, id) =>
        peer.headers(id, [
          [':status', '200'],
          ['transfer-encoding', 'chunked'],
        ]),
    ],
    [
      'two Content-Lengths',
      (peer, id) =>
        peer.headers(id, [
          [':status', '200'],
          ['content-length', '2'],
          ['content-length', '3'],
        ]),
    ],
    [
      'a Content-Length and no body',
      (peer, id) =>
        peer.headers(
          id,
          [
            [':status', '200'],
            ['content-length', '2'],
          ],
          EndStream,
        ),
    ],
    ['data before its head', (peer, id) => peer.data(id, 'hello')],
    ['data behind an interim response', (peer, id) => peer.headers(id, [[':status', '103']]).data(id, 'x', EndStream)],
    ['an end without a head', (peer, id) => peer.data(id, '', EndStream)],
    ['a reset', (peer, id) => peer.reset(id, 2)],
    [
      'a promise that nobody asked for',
      (peer, id) =>
        peer.send(FrameType.PushPromise, EndHeaders, id, Buffer.concat([word(2), block(good('evil.example'))])),
    ],
    ['HPACK that is none', (peer, id) => peer.send(FrameType.Headers, EndHeaders, id, Buffer.from('ff00', 'hex'))],
    [
      'a header-list bomb',
      (peer, id) =>
        peer.send(
          FrameType.Headers,
          EndHeaders,
          id,
          Buffer.concat([Buffer.from([0x88]), indexed('x', 'y'.repeat(4000)), Buffer.alloc(300, 0xbe)]),
        ),
    ],
    [
      'fields longer than 64 KiB',
      (peer, id) =>
        peer.send(
          FrameType.Headers,
          EndHeaders,
          id,
          Buffer.concat([Buffer.from([0x88]), indexed('x', 'y'.repeat(4000)), Buffer.alloc(20, 0xbe)]),
        ),
    ],
    ['a frame that is too large', (peer, id) => ok(peer, id).data(id, Buffer.alloc(20_000))],
    [
      'interim responses without end',
      (peer, id) => {
        for (let i = 0; i < 40; i++) peer.headers(id, [[':status', '103']]);
      },
    ],
    ['a stream of its own', (peer) => peer.headers(2, [[':status', '200']], EndStream)],
    ['the end of the connection', (peer) => peer.socket.destroy()],
    ['a preface of HTTP/1.1', (peer) => peer.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')],
  ];
  it.each(cases)('before the head is a 502 or a reset: %s', async (_, answer) => {
    origin.onRequest = answer;
    expect(await client.headers(1, good(fixture.authority), EndStream).outcome(1)).toMatch(/^(?:502|reset \d+|200)$/);
    if ((await client.outcome(1)) === '200') {
      await client.until(() => client.wasReset(1) || client.ended(1));
      expect(client.wasReset(1)).toBe(true);
    }
    origin.onRequest = (peer, id) => peer.headers(id, [[':status', '200']]).data(id, 'ok', EndStream);
    expect(await client.headers(3, good(fixture.authority), EndStream).outcome(3)).toBe('200');
  });

  const later: readonly (readonly [string, Answer])[] = [
    [
      'a body beyond its length',
      (peer, id) =>
        peer
          .headers(id, [
            [':status', '200'],
            ['content-length', '5'],
          ])
          .data(id, 'hello and more', EndStream),
    ],
    [
      'a body short of its length',
      (peer, id) =>
        peer
          .headers(id, [
            [':status', '200'],
            ['content-length', '50'],
          ])
          .data(id, 'hello', EndStream),
    ],
    [
      'a body short of its length, with trailers',
      (peer, id) =>
        peer
          .headers(id, [
            [':status', '200'],
            ['content-length', '50'],
          ])
          .data(id, 'hello')
          .headers(id, [['x', '1']], EndStream),
    ],
    ['a reset in the middle', (peer, id) => ok(peer, id).data(id, 'hello').reset(id, 8)],
    ['a reset without an error', (peer, id) => ok(peer, id).data(id, 'hello').reset(id, 0)],
    [
      'the end of the connection',
      (peer, id) => {
        ok(peer, id).data(id, 'hello');
        peer.socket.end();
      },
    ],
    [
      'GOAWAY below it',
      (peer, id) =>
        ok(peer, id)
          .data(id, 'hello')
          .send(FrameType.GoAway, 0, 0, Buffer.concat([word(0), word(0)])),
    ],
    [
      'a pseudo-field in its trailers',
      (peer, id) =>
        ok(peer, id)
          .data(id, 'hello')
          .headers(id, [[':status', '200']], EndStream),
    ],
    [
      'content-length in its trailers',
      (peer, id) =>
        ok(peer, id)
          .data(id, 'hello')
          .headers(id, [['content-length', '5']], EndStream),
    ],
    [
      'a second head that does not end it',
      (peer, id) =>
        ok(peer, id)
          .data(id, 'hello')
          .headers(id, [[':status', '200']]),
    ],
    [
      'broken HPACK in its trailers',
      (peer, id) =>
        ok(peer, id)
          .data(id, 'hello')
          .send(FrameType.Headers, EndHeaders | EndStream, id, Buffer.from('80', 'hex')),
    ],
    ['a broken frame', (peer, id) => ok(peer, id).data(id, 'hello').send(FrameType.Ping, 0, 0, Buffer.alloc(3))],
    [
      'more data than its window',
      (peer, id) => {
        ok(peer, id);
        for (let i = 0; i < 40; i++) peer.data(id, Buffer.alloc(16_000));
      },
    ],
  ];
  it.each(later)('in the middle is a reset, over HTTP/2: %s', async (what, answer) => {
    if (what === 'more data than its window') client.settings([Setting.InitialWindowSize, 0]);
    origin.onRequest = answer;
    client.headers(1, good(fixture.authority), EndStream);
    await client.until(() => client.wasReset(1) || client.ended(1));
    expect(client.ended(1)).toBe(false);
    origin.onRequest = (peer, id) => peer.headers(id, [[':status', '200']]).data(id, 'ok', EndStream);
    expect(await client.headers(3, good(fixture.authority), EndStream).outcome(3)).toBe('200');
  });

  it.each(later.filter(([what]) => what !== 'more data than its window'))(
    'in the middle is a cut, over HTTP/1.1: %s',
    async (_, answer) => {
      origin.onRequest = answer;
      const plain = await fixture.connect();
      const text = await plain.write(fixture.get()).end();
      // Neither a last chunk nor as many bytes as were promised.
      expect(text).not.toMatch(/\r\n0\r\n(?:.*\r\n)*\r\n$/);
      const length = /content-length: (\d+)\r\n/i.exec(text)?.[1];
      if (length !== undefined && text.startsWith('HTTP/1.1 200'))
        expect(text.split('\r\n\r\n')[1]!.length).toBeLessThan(Number(length));
      origin.onRequest = (peer, id) => peer.headers(id, [[':status', '200']]).data(id, 'ok', EndStream);
    },
  );

  it('that goes away below a request sends it elsewhere, once', async () => {
    let first = true;
    const seen = origin.requests;
    origin.onRequest = (peer, id) => {
      if (first) peer.send(FrameType.GoAway, 0, 0, Buffer.concat([word(Math.max(0, id - 2)), word(0)]));
      else peer.headers(id, [[':status', '200']]).data(id, 'ok', EndStream);
      first = false;
    };
    expect(await client.headers(1, good(fixture.authority), EndStream).outcome(1)).toBe('200');
    expect(origin.requests - seen).toBe(2);
  });

  it('that goes away below a request with a body does not get it twice', async () => {
    const seen = origin.requests;
    origin.onRequest = (peer, id) =>
      void peer.send(FrameType.GoAway, 0, 0, Buffer.concat([word(Math.max(0, id - 2)), word(0)]));
    client.headers(1, good(fixture.authority, [], 'POST')).data(1, 'hello', EndStream);
    expect(await client.outcome(1)).toBe('502');
    expect(origin.requests - seen).toBe(1);
  });
});

describe('an HTTP/1.1 origin that answers an HTTP/2 client badly', () => {
  let fixture: WireFixture;
  let client: FramePeer;
  beforeAll(async () => {
    fixture = await WireFixture.open();
  });
  beforeEach(async () => {
    client = await openFrames(fixture);
  });
  afterEach(() => client.socket.destroy());
  afterAll(() => fixture.close());

  it.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok'],
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an unasked 101', 'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok'],
    ['interim responses without end', 'HTTP/1.1 103 Early\r\nX: 1\r\n\r\n'.repeat(40)],
  ])('is a 502: %s', async (_, answer) => {
    fixture.origin.onRequest = ({ socket }) => socket.write(answer);
    expect(await client.headers(1, good(fixture.authority), EndStream).outcome(1)).toBe('502');
  });

  it.each([
    ['a bad chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n'],
    [
      'a framing field in its trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n',
    ],
  ])('is a reset in the middle: %s', async (_, answer) => {
    fixture.origin.onRequest = ({ socket }) => socket.write(answer);
    client.headers(1, good(fixture.authority), EndStream);
    await client.until(() => client.wasReset(1) || client.ended(1));
    expect(client.ended(1)).toBe(false);
  });

  it('does not get its answer taken for another request’s', async () => {
    const evil = new RawOrigin(testLeaf(fixture.originCa));
    evil.onRequest = ({ socket }, _, index) =>
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${index === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil' : ''}`,
      );
    const port = await evil.listen();
    const peer = await openFrames({
      proxyPort: fixture.proxyPort,
      proxyCa: fixture.proxyCa,
      authority: `localhost:${port}`,
    });
    for (const id of [1, 3]) {
      peer.headers(id, good(`localhost:${port}`), EndStream);
      await peer.until(() => peer.ended(id));
      expect(peer.body(id)).toBe('ok');
    }
    peer.socket.destroy();
    await evil.close();
  });
});

describe('what HTTP/2 asks of whoever passes it on', () => {
  it('a field that must never be indexed is not indexed on either side', async () => {
    const fixture = await WireFixture.open();
    const origin = new FrameOrigin(fixture.originCa);
    fixture.originPort = await origin.listen();
    const secret = (name: string) => Buffer.concat([Buffer.from([0x10]), block([[name, 'value']]).subarray(1)]);
    origin.onRequest = (peer, id) =>
      peer.send(FrameType.Headers, EndHeaders | EndStream, id, Buffer.concat([Buffer.from([0x88]), secret('x-pin')]));
    const client = await openFrames(fixture);
    const head = Buffer.concat([block(good(fixture.authority)), secret('x-note')]);
    client.send(FrameType.Headers, EndHeaders | EndStream, 1, head);
    expect(await client.outcome(1)).toBe('200');
    const never = ({ frames }: FramePeer) => {
      const { payload } = frames.find(({ fields }) => fields !== undefined)!;
      return [...new HpackDecoder(4096, 65_536).decode(payload).neverIndexed];
    };
    expect(never(origin.peers[0]!)).toEqual(['x-note']);
    expect(never(client)).toEqual(['x-pin']);
    client.socket.destroy();
    await fixture.close();
    await origin.close();
  });

  it('a GET that an HTTP/1.1 origin let time out on a pooled connection is not sent again', async () => {
    const fixture = await WireFixture.open({ timeouts: { headMs: 300 } });
    const client = await openFrames(fixture);
    client.headers(1, good(fixture.authority), EndStream);
    await client.until(() => client.ended(1));
    fixture.origin.onRequest = () => undefined;
    expect(await client.headers(3, good(fixture.authority), EndStream).outcome(3)).toBe('504');
    expect(fixture.origin.heads).toHaveLength(2);
    client.socket.destroy();
    await fixture.close();
  });

  it('a request without a body is sent again with its trailers', async () => {
    const fixture = await WireFixture.open();
    const origin = new FrameOrigin(fixture.originCa);
    fixture.originPort = await origin.listen();
    let trailers: FieldPairs | undefined;
    origin.onRequest = (peer, id, _, index) => {
      if (index === 1) {
        peer.reset(id, ErrorCode.RefusedStream);
        return;
      }
      const before = peer.onFrame;
      peer.onFrame = (frame) => {
        before?.(frame);
        if (frame.id !== id || !(frame.flags & EndStream)) return;
        trailers = frame.fields;
        peer.headers(id, [[':status', '200']], EndStream);
      };
    };
    const client = await openFrames(fixture);
    client.headers(1, good(fixture.authority, [], 'POST')).headers(1, [['x-sum', 'abc']], EndStream);
    expect(await client.outcome(1)).toBe('200');
    expect(trailers).toEqual([['x-sum', 'abc']]);
    client.socket.destroy();
    await fixture.close();
    await origin.close();
  });
});

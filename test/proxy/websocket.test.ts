// Messages of WebSockets, with real peers: what passes unchanged to the byte, what is replaced, and what ends the connection.
import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import type { ClientOptions, PerMessageDeflateOptions } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import type { BoundSecret } from '../../src/core/secrets/types';
import { DUMMY, GuardedFixture, REAL, SECRET } from '../support/guarded';
import { WebSocketOrigin, connectWebSocket, frame } from '../support/webSockets';

const POLICY = `version: 1
mode: enforce
rules:
  - type: allow
    addresses: any
    condition: { match: { host: [localhost, "127.0.0.1"], port: any } }
`;
const UNBOUND: BoundSecret = { ...SECRET, hosts: ['elsewhere.example'] };
const BOUND: BoundSecret = { ...SECRET, in: ['websocket', 'header:authorization'] };

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Options {
  readonly secrets?: readonly BoundSecret[];
  readonly server?: PerMessageDeflateOptions | boolean;
  readonly client?: ClientOptions;
}

/** A `ws` client and a `ws` server, and the proxy between them. */
async function pair({ secrets = [SECRET], server = false, client = {} }: Options = {}) {
  const fixture = await GuardedFixture.open('wire', POLICY, secrets);
  closing.push(() => fixture.close());
  const origin = new WebSocketOrigin(fixture.originCa, { perMessageDeflate: server });
  closing.push(() => origin.close());
  const authority = `localhost:${await origin.listen()}`;
  const where = { proxyPort: fixture.proxyPort, authority, ca: fixture.proxyCa.cert };
  const near = await connectWebSocket(where, { perMessageDeflate: server !== false, ...client });
  closing.push(() => near.socket.terminate());
  return { fixture, origin, where, near, far: await origin.peer() };
}

const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Both ends in bytes. `extension`: what the origin's 101 says; `first`: bytes right behind it. */
async function rawPair(secrets: readonly BoundSecret[] = [SECRET], extension = '', first = '') {
  const fixture = await GuardedFixture.open('wire', POLICY, secrets);
  closing.push(() => fixture.close());
  const field = extension === '' ? '' : `Sec-WebSocket-Extensions: ${extension}\r\n`;
  fixture.origin.onRequest = ({ socket }) =>
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${field}\r\n${first}`,
      'latin1',
    );
  const client = await fixture.connect();
  client.write(`GET /socket HTTP/1.1\r\nHost: ${fixture.authority}\r\n${HANDSHAKE}${field}\r\n`);
  const head = await client.until((text) => text.includes('\r\n\r\n'));
  client.received = head.slice(head.indexOf('\r\n\r\n') + 4);
  const connection = fixture.origin.connections[0];
  const server = {
    write: (text: string) => connection!.socket.write(text, 'latin1'),
    get received() {
      return connection!.received.slice(connection!.received.indexOf('\r\n\r\n') + 4);
    },
    until: (condition: (received: string) => boolean) => fixture.origin.until(() => condition(server.received)),
    end: () => fixture.origin.until(() => fixture.origin.closed > 0),
  };
  return { fixture, client, server, head };
}

/** The code in a close frame at the end of what a raw end received. */
function closeCode(received: string, masked: boolean): number | undefined {
  const bytes = Buffer.from(received, 'latin1');
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = bytes[at + 1]! & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? bytes.readUInt32BE(at + 6) : short;
    const mask = bytes.subarray(at + 2 + extra, at + 2 + extra + (masked ? 4 : 0));
    const body = at + 2 + extra + mask.length;
    if ((bytes[at]! & 0x0f) === 8) return ((bytes[body]! ^ (mask[0] ?? 0)) << 8) | (bytes[body + 1]! ^ (mask[1] ?? 0));
    at = body + length;
  }
  return undefined;
}

const MODES: readonly (readonly [string, PerMessageDeflateOptions | boolean])[] = [
  ['no compression', false],
  ['context takeover', { threshold: 0 }],
  ['no context takeover', { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ['small windows', { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 10 }],
];

describe.each(MODES)('ws on both sides, %s', (_, server) => {
  it('passes text, binary, empty messages, pings, pongs and the close in order', async () => {
    const { near, far, fixture } = await pair({ server });
    const binary = randomBytes(70_000);
    near.socket.send('hello ö€😀');
    near.socket.send(binary);
    near.socket.ping('are you there');
    near.socket.send('');
    expect((await far.received(3)).map(({ data, binary: is }) => [data.toString('hex'), is])).toEqual([
      [Buffer.from('hello ö€😀').toString('hex'), false],
      [binary.toString('hex'), true],
      ['', false],
    ]);
    await near.until(({ pongs }) => pongs.length === 1);
    expect([far.pings, near.pongs]).toEqual([['are you there'], ['are you there']]);
    far.socket.send('back');
    await near.received(1);
    far.socket.close(4001, 'enough');
    expect(await near.close()).toEqual({ code: 4001, reason: 'enough' });
    expect(await far.close()).toEqual({ code: 4001, reason: 'enough' });
    const [flow] = await fixture.until((all) => all.some(({ outcome }) => outcome !== 'open'));
    expect(flow).toMatchObject({ outcome: 'allowed', status: 101, findings: [] });
  });

  it('passes fragments, and 5 MB in each direction at once', async () => {
    const { near, far } = await pair({ server });
    for (const [part, fin] of [['one ', false], ['two ', false], ['three', true]] as const) near.socket.send(part, { fin }); // prettier-ignore
    expect((await far.received(1))[0]!.data.toString()).toBe('one two three');
    const up = randomBytes(5_000_000);
    const down = Buffer.alloc(5_000_000, 'all work and no play ');
    near.socket.send(up);
    far.socket.send(down.toString());
    expect((await far.received(2))[1]!.data.equals(up)).toBe(true);
    expect((await near.received(1))[0]!.data.equals(down)).toBe(true);
  });

  it('takes values out of answers, and goes on after it', async () => {
    const { near, far, fixture } = await pair({ server });
    const texts = [
      'before',
      `{"key":"${REAL}","also":"${REAL}"}`,
      'before',
      `fragment ${REAL}`,
      'after',
      'before after',
    ];
    for (const text of texts) {
      const half = text.length - 15;
      if (text.startsWith('fragment')) {
        far.socket.send(text.slice(0, half), { fin: false });
        far.socket.send(text.slice(half), { fin: true });
      } else far.socket.send(text);
    }
    far.socket.send(Buffer.from(`\0\xff${REAL}`, 'latin1'));
    far.socket.ping(REAL);
    await near.received(7);
    expect(near.texts.slice(0, 6)).toEqual(texts.map((text) => text.replaceAll(REAL, DUMMY)));
    expect(near.messages[6]).toEqual({ data: Buffer.from(`\0\xff${DUMMY}`, 'latin1'), binary: true });
    await near.until(({ pings }) => pings.length === 1);
    expect(near.pings).toEqual([DUMMY]);
    // Shown while the connection is open.
    const [flow] = await fixture.until((all) => all.some(({ findings }) => findings.length > 0));
    expect(flow!.findings).toEqual([
      { kind: 'echo-redacted', secret: 'API_KEY', place: 'websocket', action: 'masked' },
    ]);
    far.socket.close(1000, `bye ${REAL}`);
    expect(await near.close()).toEqual({ code: 1000, reason: `bye ${DUMMY}` });
  });

  it('puts a value into text messages to its own host, once in each, and goes on after it', async () => {
    const { near, far, fixture } = await pair({ server, secrets: [BOUND] });
    const auth = (token: string) => JSON.stringify({ op: 'auth', token, note: `not ${DUMMY}` });
    near.socket.send('a message to refer back to, a message to refer back to');
    near.socket.send(auth(DUMMY));
    near.socket.send('a message to refer back to, a message to refer back to');
    near.socket.send(auth(`Bearer ${DUMMY}`));
    near.socket.send(Buffer.from(DUMMY));
    await far.received(5);
    expect(far.texts[0]).toBe(far.texts[2]);
    expect(far.texts[1]).toBe(auth(REAL));
    expect(far.texts[3]).toBe(auth(`Bearer ${REAL}`));
    expect(far.texts[4]).toBe(DUMMY);
    const [flow] = await fixture.until((all) => all.some(({ injected }) => injected.length > 0));
    expect(flow!.injected).toEqual(['API_KEY']);
  });

  it('closes with 1008 both ways on a dummy to a host that its secret is not bound to', async () => {
    const { near, far, fixture } = await pair({ server, secrets: [UNBOUND] });
    near.socket.send('fine');
    near.socket.send(`stolen: ${DUMMY.slice(0, 20)}`, { fin: false });
    near.socket.send(DUMMY.slice(20), { fin: true });
    near.socket.send('never');
    expect((await near.close()).code).toBe(1008);
    expect((await far.close()).code).toBe(1008);
    expect(far.texts).toEqual(['fine']);
    const [flow] = await fixture.until((all) => all.some(({ outcome }) => outcome === 'blocked'));
    expect(flow).toMatchObject({
      status: 101,
      findings: [{ kind: 'dummy-unbound', secret: 'API_KEY', place: 'websocket', action: 'blocked' }],
    });
  });
});

describe('handshake', () => {
  it('closes with 1008 on a real value, also when it is cut over two messages', async () => {
    const whole = await pair({ secrets: [SECRET] });
    whole.near.socket.send(`the key is ${REAL}.`);
    expect((await whole.near.close()).code).toBe(1008);
    await whole.far.close();
    expect(whole.far.messages).toEqual([]);
    const cut = await pair({ secrets: [SECRET] });
    cut.near.socket.send(`the key is ${REAL.slice(0, 20)}`);
    cut.near.socket.send(`${REAL.slice(20)} and more`);
    expect((await cut.near.close()).code).toBe(1008);
    await cut.far.close();
    expect(cut.far.texts).toEqual([`the key is ${REAL.slice(0, 20)}`]);
  });

  it('carries an injected value', async () => {
    const { origin } = await pair({ client: { headers: { authorization: `Bearer ${DUMMY}` } } });
    expect(origin.headers['authorization']).toBe(`Bearer ${REAL}`);
  });

  it('offers only extensions that can be read', async () => {
    const fixture = await GuardedFixture.open('wire', POLICY);
    closing.push(() => fixture.close());
    const client = await fixture.connect();
    const offers =
      'Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Extensions: permessage-bzip2\r\n';
    await client.write(`GET / HTTP/1.1\r\nHost: ${fixture.authority}\r\n${HANDSHAKE}${offers}\r\n`).response();
    expect(fixture.origin.heads[0]).toContain(
      '\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n',
    );
    expect(fixture.origin.heads[0]).not.toMatch(/webkit|bzip2/);
  });

  it.each([
    'permessage-bzip2',
    'permessage-deflate, permessage-deflate',
    'permessage-deflate; surprise',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_max_window_bits=9; server_max_window_bits=10',
  ])('refuses a switch with %s', async (extension) => {
    const { fixture, head } = await rawPair([SECRET], extension);
    expect(head).toMatch(/^HTTP\/1\.1 502 /);
    const [flow] = await fixture.until((all) => all.some(({ outcome }) => outcome === 'failed'));
    expect(flow!.error!.code).toBe('upstream-websocket-extension');
  });
});

const MASK = '\x11\x22\x33\x44';
const toServer = (first: number, payload: string) => frame(first, payload, MASK);

describe('bytes', () => {
  it('pass exactly as they are where nothing looks at messages', async () => {
    const { client, server } = await rawPair([], '', 'no frame at all');
    await client.until((text) => text === 'no frame at all');
    client.write('\xff\xff\xff neither');
    await server.until((text) => text === '\xff\xff\xff neither');
  });

  it('that nobody looked at end when the first secret comes', async () => {
    const { fixture, client } = await rawPair([], '', 'no frame at all');
    await client.until((text) => text === 'no frame at all');
    fixture.guard.setSecrets([SECRET]);
    fixture.engine.reconsider();
    await client.end();
    expect(client.closed).toBe(true);
  });

  it('of frames stay the same where nothing changes, with the mask, the fragments and the lengths', async () => {
    const first = `${frame(0x81, 'first')}${frame(0x82, 'x'.repeat(200))}`;
    const { client, server } = await rawPair([SECRET], '', first);
    await client.until((text) => text === first);
    const up = [
      toServer(0x01, 'frag'),
      toServer(0x00, ''),
      toServer(0x80, 'ments'),
      toServer(0x89, 'ping'),
      toServer(0x82, 'y'.repeat(70_000)),
      toServer(0x8a, ''),
    ].join('');
    for (let at = 0; at < up.length; at += 1000) client.write(up.slice(at, at + 1000));
    await server.until((text) => text.length >= up.length);
    expect(server.received).toBe(up);
  });

  it('of compressed messages stay the same, until one changes under context takeover', async () => {
    const deflate = zlib.createDeflateRaw();
    const compress = (text: string) =>
      new Promise<string>((resolve) => {
        const out: Buffer[] = [];
        const take = (chunk: Buffer) => out.push(chunk);
        deflate.on('data', take);
        deflate.write(text);
        deflate.flush(zlib.constants.Z_SYNC_FLUSH, () => {
          deflate.off('data', take);
          resolve(Buffer.concat(out).subarray(0, -4).toString('latin1'));
        });
      });
    const { client, server } = await rawPair([SECRET], 'permessage-deflate');
    const [one, two] = [frame(0xc1, await compress('say this again')), frame(0xc1, await compress('say this again'))];
    server.write(one + two);
    await client.until((text) => text.length >= one.length + two.length);
    expect(client.take()).toBe(one + two);
    server.write(frame(0xc1, await compress(`now ${REAL}`)));
    const changed = frame(0x81, `now ${DUMMY}`);
    await client.until((text) => text.length >= changed.length);
    expect(client.take()).toBe(changed);
    // The client's window lacks the value that this one may refer to.
    server.write(frame(0xc1, await compress('say this again')) + frame(0x81, 'plain'));
    const plain = frame(0x81, 'say this again') + frame(0x81, 'plain');
    await client.until((text) => text.length >= plain.length);
    expect(client.take()).toBe(plain);
  });

  it('of an unchanged message stay the same after a changed one without context takeover', async () => {
    const compress = (text: string) =>
      zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4).toString('latin1');
    const { client, server } = await rawPair([SECRET], 'permessage-deflate; server_no_context_takeover');
    const same = frame(0xc1, compress('say this again'));
    server.write(frame(0xc1, compress(REAL)) + same);
    const expected = frame(0x81, DUMMY) + same;
    await client.until((text) => text.length >= expected.length);
    expect(client.take()).toBe(expected);
  });

  it('of a control frame do not wait for the message around it', async () => {
    const { client, server } = await rawPair();
    server.write(frame(0x01, 'begun') + frame(0x89, 'ping'));
    await client.until((text) => text === frame(0x89, 'ping'));
    server.write(frame(0x80, ' and done'));
    await client.until((text) => text.endsWith(frame(0x01, 'begun') + frame(0x80, ' and done')));
  });

  it('of a message that came before the end arrive, inflated or not', async () => {
    const { client, server, fixture } = await rawPair([SECRET], 'permessage-deflate');
    const payload = zlib.deflateRawSync(randomBytes(100_000), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    const last = frame(0xc2, payload.subarray(0, -4).toString('latin1'));
    fixture.origin.connections[0]!.socket.end(Buffer.from(last, 'latin1'));
    expect(await client.end()).toBe(last);
    const other = await rawPair([SECRET], 'permessage-deflate');
    const up = toServer(0xc2, payload.subarray(0, -4).toString('latin1'));
    other.client.socket.end(Buffer.from(up, 'latin1'));
    await other.server.end();
    expect(other.server.received).toBe(up);
    expect(server.received).toBe('');
  });
});

describe('messages of more than 16 MiB', () => {
  // Repeats beyond the window of deflate: compressible a little.
  const filler = randomBytes(45_000).toString('base64').repeat(300);
  it.each(MODES.slice(0, 3))('pass in pieces and are looked at: %s', async (_, server) => {
    const { near, far } = await pair({ server, client: { maxPayload: 0 } });
    far.socket.send('before');
    far.socket.send(`${filler}${REAL}${filler.slice(0, 100)}`);
    far.socket.send('after, and before');
    await near.received(3);
    expect(near.texts[1] === `${filler}${DUMMY}${filler.slice(0, 100)}`).toBe(true);
    expect([near.texts[0], near.texts[2]]).toEqual(['before', 'after, and before']);
  });

  it('end with 1008 when they hold a dummy that does not belong there', async () => {
    const { near, far } = await pair({ secrets: [UNBOUND] });
    near.socket.send(`${filler}${DUMMY}`);
    expect((await near.close()).code).toBe(1008);
    await far.close();
    expect(far.messages).toEqual([]);
  });

  it('end with 1009 when they are bombs', async () => {
    const bomb = zlib.deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    const { client, server, fixture } = await rawPair([SECRET], 'permessage-deflate');
    server.write(frame(0xc2, bomb.subarray(0, -4).toString('latin1')));
    expect(closeCode(await client.end(), false)).toBe(1014);
    await server.end();
    expect(closeCode(server.received, true)).toBe(1009);
    const [flow] = await fixture.until((all) => all.some(({ outcome }) => outcome === 'failed'));
    expect(flow!.error!.code).toBe('websocket-bomb');
  });
});

describe('malformed frames', () => {
  const ROWS: readonly (readonly [what: string, code: string, bytes: string, status?: number])[] = [
    ['a reserved opcode', 'websocket-opcode', '\x83\x00'],
    ['a reserved control opcode', 'websocket-opcode', '\x8b\x00'],
    ['RSV1 without an extension', 'websocket-rsv', '\xc1\x00'],
    ['RSV2', 'websocket-rsv', '\xa1\x00'],
    ['RSV3 in a control frame', 'websocket-rsv', '\x99\x00'],
    ['a fragmented ping', 'websocket-control', '\x09\x00'],
    ['a long ping', 'websocket-control', `\x89\x7e\x00\x7e${'x'.repeat(126)}`],
    ['a continuation of nothing', 'websocket-continuation', '\x80\x00'],
    ['a message inside a message', 'websocket-continuation', '\x01\x00\x81\x00'],
    ['a 16-bit length that fits into 7', 'websocket-length', '\x81\x7e\x00\x7d'],
    ['a 64-bit length that fits into 16', 'websocket-length', '\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff'],
    ['a negative length', 'websocket-length', '\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00'],
    ['a close of one byte', 'websocket-close', '\x88\x01\x03'],
    ['a close with a code that is never sent', 'websocket-close', '\x88\x02\x03\xed'],
    ['a close with a code of nobody', 'websocket-close', '\x88\x02\x07\xd0'],
    ['a close with a reason that is no text', 'websocket-close', '\x88\x03\x03\xe8\xff', 1007],
  ];
  const BAD = ROWS.map(([what, code, bytes, status = 1002]) => ({ what, code, bytes, status }));
  /** The same frames with a mask of zeros: the mask bit in the second byte, the key behind the length. */
  const masked = (text: string): string => {
    const short = text.charCodeAt(1);
    const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    const end =
      head + (short < 126 ? short : short === 126 ? Math.max(text.charCodeAt(2) * 256 + text.charCodeAt(3), 0) : 0);
    const whole = `${text[0]!}${String.fromCharCode(short | 0x80)}${text.slice(2, head)}\0\0\0\0${text.slice(head, end)}`;
    return end < text.length ? whole + masked(text.slice(end)) : whole;
  };

  const ends = async ({ fixture }: { fixture: GuardedFixture }) =>
    (await fixture.until((all) => all.some(({ outcome }) => outcome === 'failed')))[0]!.error!.code;

  it.each(BAD)('of the server, $what: $status to the server', async ({ code, bytes, status }) => {
    const all = await rawPair();
    all.server.write(frame(0x81, 'good') + bytes);
    const received = await all.client.end();
    expect(received.startsWith(frame(0x81, 'good'))).toBe(true);
    expect(closeCode(received, false)).toBe(1014);
    await all.server.end();
    expect(closeCode(all.server.received, true)).toBe(status);
    expect(await ends(all)).toBe(code);
  });

  it.each(BAD)('of the client, $what: $status to the client', async ({ code, bytes, status }) => {
    const all = await rawPair();
    all.client.write(toServer(0x81, 'good') + masked(bytes));
    expect(closeCode(await all.client.end(), false)).toBe(status);
    await all.server.end();
    expect(all.server.received.startsWith(toServer(0x81, 'good'))).toBe(true);
    expect(closeCode(all.server.received, true)).toBe(1001);
    expect(await ends(all)).toBe(code);
  });

  it('is also a mask on the wrong side', async () => {
    const fromServer = await rawPair();
    fromServer.server.write(toServer(0x81, 'masked'));
    expect(closeCode(await fromServer.client.end(), false)).toBe(1014);
    expect(await ends(fromServer)).toBe('websocket-mask');
    const fromClient = await rawPair();
    fromClient.client.write(frame(0x81, 'bare'));
    expect(closeCode(await fromClient.client.end(), false)).toBe(1002);
    expect(await ends(fromClient)).toBe('websocket-mask');
  });

  it.each([
    ['no deflate at all', 'nonsense \xff\xff\xff\xff'],
    ['a last block', zlib.deflateRawSync('the end').toString('latin1')],
  ])('is also %s', async (_, payload) => {
    const all = await rawPair([SECRET], 'permessage-deflate');
    all.server.write(frame(0xc1, payload));
    expect(closeCode(await all.client.end(), false)).toBe(1014);
    expect(await ends(all)).toBe('websocket-deflate');
  });

  it('may be cut anywhere: the same end', async () => {
    const all = await rawPair();
    for (const byte of `${toServer(0x01, 'good')}${toServer(0x81, 'again')}`) all.client.write(byte);
    expect(closeCode(await all.client.end(), false)).toBe(1002);
  });
});

describe('dummies', () => {
  it('stay dummies from the moment that their place is taken away, also on an open connection', async () => {
    const { near, far, fixture } = await pair({ secrets: [BOUND] });
    near.socket.send(DUMMY);
    await far.received(1);
    fixture.guard.setSecrets([{ ...BOUND, in: [] }]);
    near.socket.send(DUMMY);
    await far.received(2);
    expect(far.texts).toEqual([REAL, DUMMY]);
  });

  it('cut over two messages, or between the fragments of pings, are seen', async () => {
    const { near, far } = await pair({ secrets: [UNBOUND] });
    near.socket.send(DUMMY.slice(0, 20));
    near.socket.ping('between');
    near.socket.send(DUMMY.slice(20));
    expect((await near.close()).code).toBe(1008);
    expect((await far.close()).code).toBe(1008);
  });

  it('in a ping are seen', async () => {
    const { near, far } = await pair({ secrets: [UNBOUND] });
    near.socket.ping(DUMMY);
    expect((await near.close()).code).toBe(1008);
    await far.close();
    expect(far.pings).toEqual([]);
  });
});

describe('flow', () => {
  it.each(['near', 'far'] as const)('stops reading while the %s end does not take', async (paused) => {
    const { near, far, origin, where } = await pair();
    const [taker, giver, raw] = paused === 'near' ? [near, far, near.raw] : [far, near, origin.raw[0]!];
    raw.pause();
    const chunk = randomBytes(1 << 20);
    let gone = 0;
    for (let i = 0; i < 48; i++) giver.socket.send(chunk, () => gone++);
    // Meanwhile another connection has its turns: more than enough for all of it to be read and held.
    const other = await connectWebSocket(where);
    const echo = await origin.peer(1);
    echo.socket.on('message', (data) => echo.socket.send(data as Buffer));
    for (let i = 1; i <= 1_000; i++) {
      other.socket.send('turn');
      await other.received(i);
    }
    other.socket.terminate();
    expect(gone).toBeLessThan(40);
    raw.resume();
    await taker.received(48);
    expect(taker.messages.every(({ data }) => data.equals(chunk))).toBe(true);
  });

  it('ends when a side goes away', async () => {
    const first = await pair();
    first.near.socket.terminate();
    expect((await first.far.close()).code).toBe(1006);
    const second = await pair();
    second.far.socket.terminate();
    expect((await second.near.close()).code).toBe(1006);
  });

  it('is cut by a policy that no longer allows it', async () => {
    const { near, far, fixture } = await pair();
    near.socket.send('one');
    await far.received(1);
    fixture.setPolicy('version: 1\nmode: enforce\nrules: []\n');
    fixture.engine.reconsider();
    expect((await near.close()).code).toBe(1006);
    expect((await far.close()).code).toBe(1006);
    const [flow] = await fixture.until((all) => all.some(({ outcome }) => outcome === 'blocked'));
    expect(flow!.error!.code).toBe('policy-changed');
  });
});

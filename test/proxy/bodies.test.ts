// What requests carry: values put into the fields that their hosts read, in every coding; real values that do not leave, in
// whatever pieces they come. Over HTTP/1.1 and HTTP/2.
import { createHash } from 'node:crypto';
import type http2 from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import type { BoundSecret } from '../../src/core/secrets/types';
import { type Coding, encode, openDecoder } from '../../src/proxy/codecs/contentCoding';
import { MAX_HELD_BYTES } from '../../src/proxy/pipeline/bodyStage';
import { dechunk } from '../support/chunks';
import { DUMMY, ELSEWHERE, GuardedFixture, REAL, SECRET } from '../support/guarded';
import { Http2Origin, openSession, request } from '../support/http2';

const policy = (more = '') => `version: 1
mode: enforce
rules:
  - type: allow
    addresses: any
    ${more}
    condition: { match: { host: [localhost], port: any } }
`;
/** Read from a field of the body, and of another length than its dummy once it is escaped. */
const FIELD: BoundSecret = {
  name: 'FIELD',
  value: ['r34l', '"quoted"', 'v4lu3', '0123456789'].join('+'),
  dummy: 'dummy-of-the-field-0123456789',
  hosts: ['localhost'],
  in: ['body:token', 'body:auth.key'],
};
const CODINGS: readonly Coding[] = ['gzip', 'deflate', 'br', 'zstd'];
const JSON_TYPE = 'Content-Type: application/json\r\n';

let fixture: GuardedFixture;
let origin: Http2Origin | undefined;
let client: http2.ClientHttp2Session | undefined;
afterEach(async () => {
  client?.destroy();
  await fixture.close();
  await origin?.close();
  origin = client = undefined;
});

/** What the origin got: the head, and the bytes of the body without chunk framing. */
interface Got {
  head: string;
  body: Buffer;
}

async function open(rule = '', secrets: readonly BoundSecret[] = [SECRET, FIELD, ELSEWHERE]): Promise<Got> {
  fixture = await GuardedFixture.open('wire', policy(rule), secrets);
  const got: Got = { head: '', body: Buffer.alloc(0) };
  fixture.origin.onRequest = (connection, head) => {
    const { socket } = connection;
    got.head = head;
    // From here on the bytes are ours alone: the origin's own way of keeping them takes too long for 16 MiB.
    const parts: Buffer[] = [
      Buffer.from(connection.received.slice(connection.received.lastIndexOf(head) + head.length), 'latin1'),
    ];
    socket.removeAllListeners('data');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? NaN);
    const chunked = /chunked/i.test(head);
    let size = parts[0]!.length;
    const look = () => {
      const last = Buffer.concat(parts.slice(-2)).subarray(-5).toString('latin1');
      const whole = chunked ? last === '0\r\n\r\n' : size >= length;
      if (whole || size < 1 << 20) got.body = chunked ? dechunk(Buffer.concat(parts)) : Buffer.concat(parts);
      if (whole) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    };
    socket.on('data', (bytes: Buffer) => {
      parts.push(bytes);
      size += bytes.length;
      look();
    });
    look();
  };
  return got;
}

/** Sends a body in pieces, with a length or chunked; resolves to the answer. */
async function send(
  body: Buffer,
  fields = '',
  { chunked = false, size = body.length, path = '/' } = {},
): Promise<string> {
  const { socket } = await fixture.connect();
  const received: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => received.push(bytes));
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${fixture.authority}\r\nConnection: close\r\n${fields}${framing}\r\n\r\n`,
  );
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    if (chunked) socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    if (chunked) socket.write('\r\n');
    await new Promise((resolve) => setImmediate(resolve));
    if (socket.destroyed) break;
  }
  if (chunked) socket.write('0\r\n\r\n');
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(received).toString('latin1');
}

const ESCAPED = JSON.stringify(FIELD.value);
const given = `{"text": "${FIELD.dummy}", "token": "${FIELD.dummy}", "n": [1, 2]}`;
const wanted = `{"text": "${FIELD.dummy}", "token": ${ESCAPED}, "n": [1, 2]}`;

describe('a field of the body gets the value', () => {
  it.each([
    ['whole', false, 1000],
    ['in pieces', false, 7],
    ['chunked', true, 9],
  ])('JSON, %s', async (_, chunked, size) => {
    const got = await open();
    expect(await send(Buffer.from(given), JSON_TYPE, { chunked, size })).toMatch(/^HTTP\/1\.1 200 /);
    expect(got.body.toString()).toBe(wanted);
    if (!chunked) expect(got.head).toMatch(new RegExp(`Content-Length: ${wanted.length}\\r\\n`));
    const [flow] = await fixture.until(([one]) => one?.outcome === 'allowed');
    expect(flow).toMatchObject({ injected: ['FIELD'], findings: [] });
  });

  it('a form and a multipart form', async () => {
    const got = await open();
    await send(Buffer.from(`a=1&token=${FIELD.dummy}`), 'Content-Type: application/x-www-form-urlencoded\r\n');
    expect(new URLSearchParams(got.body.toString()).get('token')).toBe(FIELD.value);
    const part = (value: string) =>
      `--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n${value}\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n${FIELD.dummy}\r\n--B--\r\n`;
    await send(Buffer.from(part(FIELD.dummy)), 'Content-Type: multipart/form-data; boundary=B\r\n');
    expect(got.body.toString()).toBe(part(FIELD.value));
  });

  it.each(CODINGS)('compressed in %s: decoded, replaced, encoded again', async (coding) => {
    const got = await open();
    const fields = `${JSON_TYPE}Content-Encoding: ${coding}\r\n`;
    await send(encode([coding], Buffer.from(given)), fields, { size: 10 });
    const decoder = openDecoder([coding]);
    expect(Buffer.concat([decoder.push(got.body), decoder.end()]).toString()).toBe(wanted);
    expect(got.head).toMatch(new RegExp(`Content-Length: ${got.body.length}\\r\\n`));
    expect(got.head).toContain(`Content-Encoding: ${coding}`);
  });

  it('and what needs no change goes on byte for byte', async () => {
    const got = await open();
    const body = encode(['gzip'], Buffer.from('{"nothing": "here"}'));
    await send(body, `${JSON_TYPE}Content-Encoding: gzip\r\n`);
    expect(got.body.equals(body)).toBe(true);
    const spaced = Buffer.from('{ "token" :   "x" }\n');
    await send(spaced, JSON_TYPE);
    expect(got.body.equals(spaced)).toBe(true);
  });

  it('with a client that waits to be told to go on', async () => {
    const got = await open();
    const waiting = await fixture.connect();
    waiting.write(
      `POST / HTTP/1.1\r\nHost: ${fixture.authority}\r\nConnection: close\r\nExpect: 100-continue\r\n${JSON_TYPE}Content-Length: ${given.length}\r\n\r\n`,
    );
    await waiting.until((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    waiting.write(given);
    expect(await waiting.end()).toMatch(/HTTP\/1\.1 200 OK/);
    expect(got.body.toString()).toBe(wanted);
    expect(got.head).not.toMatch(/expect/i);
  });

  it('and the next request follows on the same connection, pipelined or not', async () => {
    await open();
    const heads: string[] = [];
    fixture.origin.onRequest = ({ socket }, head) => {
      heads.push(head.split('\r\n')[0]!);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    };
    const one = await fixture.connect();
    const head = `POST /a HTTP/1.1\r\nHost: ${fixture.authority}\r\n${JSON_TYPE}Content-Length: ${given.length}\r\n\r\n`;
    one.write(`${head}${given}GET /b HTTP/1.1\r\nHost: ${fixture.authority}\r\n\r\n`);
    await one.until((text) => text.split('200 OK').length === 3);
    one.write(head.replace('/a', '/c'));
    one.write(given.slice(0, 5));
    one.write(given.slice(5));
    await one.until((text) => text.split('200 OK').length === 4);
    expect(heads.filter((line) => / \/[abc] /.test(line))).toEqual([
      'POST /a HTTP/1.1',
      'GET /b HTTP/1.1',
      'POST /c HTTP/1.1',
    ]);
  });

  it('not in a body that is too long to be held, which goes on with the dummy', async () => {
    const got = await open();
    const long = Buffer.from(`{"token": "${FIELD.dummy}", "text": "${'x'.repeat(MAX_HELD_BYTES)}"}`);
    await send(long, JSON_TYPE, { size: 1 << 20 });
    expect(got.body.equals(long)).toBe(true);
  });

  it('and malformed chunks are refused, with nothing sent', async () => {
    const got = await open();
    const broken = await fixture.connect();
    broken.write(
      `POST / HTTP/1.1\r\nHost: ${fixture.authority}\r\n${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX`,
    );
    expect(await broken.end()).toMatch(/^HTTP\/1\.1 400 /);
    expect(got.head).toBe('');
    const flows = await fixture.until(([flow]) => flow?.outcome === 'failed');
    expect(flows[0]!.error?.code).toBe('bad-chunk');
  });
});

describe('a real value does not leave in a body', () => {
  it.each([
    ['plain', REAL],
    ['base64', btoa(`x${REAL}`)],
    ['hex', Buffer.from(REAL).toString('hex')],
  ])('%s, however it is cut', async (_, form) => {
    const got = await open();
    for (const size of [1, 13, 1000]) {
      const answer = await send(Buffer.from(`some text and ${form} and more`), '', { size, chunked: size === 13 });
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(answer).toContain('real value of API_KEY');
      // At most the three bytes that a redactor lets pass.
      expect(got.body.toString()).not.toContain(form.slice(0, 5));
    }
    const flows = await fixture.until((all) => all.length === 3 && all.every(({ outcome }) => outcome === 'blocked'));
    expect(flows[0]!.findings).toEqual([{ kind: 'real-value', secret: 'API_KEY', place: 'body', action: 'blocked' }]);
    expect(JSON.stringify(flows)).not.toContain(REAL);
  });

  it.each(CODINGS)('compressed in %s: refused before anything is sent', async (coding) => {
    const got = await open();
    const body = encode([coding], Buffer.from(`some text and ${REAL}`));
    expect(await send(body, `Content-Encoding: ${coding}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(got.head).toBe('');
  });

  it('in a compressed body that is too long to be held', async () => {
    const got = await open();
    const noise = Buffer.from(
      Array.from({ length: MAX_HELD_BYTES + 1_000_000 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 13),
    );
    const body = encode(['gzip'], Buffer.concat([noise, Buffer.from(REAL), Buffer.from('tail')]));
    const answer = await send(body, 'Content-Encoding: gzip\r\n', { size: 1 << 20 });
    expect(answer).not.toMatch(/ 200 /);
    expect(got.body.length).toBeLessThan(body.length);
  });

  it('masked, where the rule says so: the dummy goes in its place', async () => {
    const got = await open('detection: mask');
    expect(await send(Buffer.from(`a ${REAL} b ${btoa(REAL)}`), '', { size: 11 })).toMatch(/^HTTP\/1\.1 200 /);
    expect(got.body.toString()).toBe(`a ${DUMMY} b ${btoa(DUMMY)}`);
    await send(encode(['br'], Buffer.from(`a ${REAL} b`)), 'Content-Encoding: br\r\n');
    const decoder = openDecoder(['br']);
    expect(Buffer.concat([decoder.push(got.body), decoder.end()]).toString()).toBe(`a ${DUMMY} b`);
    const [flow] = await fixture.until((all) => all.length === 2 && all[1]!.outcome === 'allowed');
    expect(flow!.findings).toEqual([{ kind: 'real-value', secret: 'API_KEY', place: 'body', action: 'masked' }]);
  });

  it('marked, where the rule says so: it passes and is shown', async () => {
    const got = await open('detection: mark');
    expect(await send(Buffer.from(`a ${REAL} b`), '', { size: 11 })).toMatch(/^HTTP\/1\.1 200 /);
    expect(got.body.toString()).toBe(`a ${REAL} b`);
    const [flow] = await fixture.until(([one]) => one?.outcome === 'allowed');
    expect(flow!.findings).toEqual([{ kind: 'real-value', secret: 'API_KEY', place: 'body', action: 'marked' }]);
    expect(JSON.stringify(flow)).not.toContain(REAL);
  });

  it('in a trailer, or under a label that it does not have', async () => {
    const got = await open();
    const one = await fixture.connect();
    one.write(
      `POST / HTTP/1.1\r\nHost: ${fixture.authority}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: ${REAL}\r\n\r\n`,
    );
    expect(await one.end()).toMatch(/^HTTP\/1\.1 403 /);
    expect(await send(Buffer.from(`text ${REAL}`), 'Content-Encoding: gzip\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await send(Buffer.from('just text'), 'Content-Encoding: gzip\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(got.body.toString()).not.toContain(REAL.slice(0, 8));
  });
});

describe('what a decoder leaves out, and what readers take in two ways', () => {
  it.each(['gzip', 'deflate', 'br'] as const)(
    'a value behind the end of %s, or in a header of gzip',
    async (coding) => {
      const got = await open();
      const body = Buffer.concat([encode([coding], Buffer.from('hello')), Buffer.from(REAL)]);
      expect(await send(body, `Content-Encoding: ${coding}\r\n`)).not.toMatch(/ 200 /);
      const named = Buffer.concat([
        Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
        Buffer.from(`${REAL}\0`),
        encode(['gzip'], Buffer.from('hello')).subarray(10),
      ]);
      expect(await send(named, 'Content-Encoding: gzip\r\n')).toMatch(/^HTTP\/1\.1 403 /);
      expect(got.head).toBe('');
    },
  );

  it.each([
    [
      'a boundary in quotes',
      'multipart/form-data; x="; boundary=AAA"; boundary=BBB',
      `--AAA\r\nContent-Disposition: form-data; name="token"\r\n\r\n${FIELD.dummy}\r\n--AAA--\r\n`,
    ],
    [
      'two names',
      'multipart/form-data; boundary=B',
      `--B\r\nContent-Disposition: form-data; name="content"; name="token"\r\n\r\n${FIELD.dummy}\r\n--B--\r\n`,
    ],
    [
      'two dispositions',
      'multipart/form-data; boundary=B',
      `--B\r\nContent-Disposition: form-data; name="token"\r\nContent-Disposition: form-data; name="content"\r\n\r\n${FIELD.dummy}\r\n--B--\r\n`,
    ],
    [
      'a folded file name',
      'multipart/form-data; boundary=B',
      `--B\r\nContent-Disposition: form-data; name="token"\r\n ;filename="x"\r\n\r\n${FIELD.dummy}\r\n--B--\r\n`,
    ],
    ['JSON under the label of a form', 'application/x-www-form-urlencoded', `{"text":"x&token=${FIELD.dummy}&y"}`],
    ['a name with a dot', 'application/json', `{"auth.key":"${FIELD.dummy}"}`],
  ])('no value for %s', async (_, type, text) => {
    const got = await open();
    await send(Buffer.from(text), `Content-Type: ${type}\r\n`);
    expect(got.body.toString()).toBe(text);
  });

  it('digests say what is true of the changed body', async () => {
    const got = await open();
    await send(Buffer.from(given), `${JSON_TYPE}Content-MD5: AAAA\r\nContent-Digest: sha-256=:AAAA:\r\n`);
    expect(got.head).toContain(`Content-MD5: ${createHash('md5').update(wanted).digest('base64')}`);
    expect(got.head).not.toContain('Content-Digest');
  });

  it('others have their turn while a body is looked through, and what grows beyond measure is said to', async () => {
    await open();
    const body = encode(['gzip'], Buffer.alloc(100 * 1024 * 1024, 'a'));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const answer = await send(body, 'Content-Encoding: gzip\r\n');
    clearInterval(timer);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(turns).toBeGreaterThan(5);
  });
});

describe('over HTTP/2', () => {
  const seen: { headers: http2.IncomingHttpHeaders; body: Buffer }[] = [];
  async function openHttp2(rule = ''): Promise<http2.ClientHttp2Session> {
    seen.length = 0;
    fixture = await GuardedFixture.open('wire', policy(rule), [SECRET, FIELD, ELSEWHERE]);
    origin = new Http2Origin(fixture.originCa);
    origin.onStream = (stream, headers) => {
      const entry = { headers, body: Buffer.alloc(0) };
      seen.push(entry);
      const parts: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => parts.push(chunk));
      stream.on('end', () => {
        entry.body = Buffer.concat(parts);
        if (stream.destroyed) return;
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
    };
    fixture.originPort = await origin.listen();
    client = await openSession(fixture);
    return client;
  }
  const post = { ':method': 'POST', ':path': '/', 'content-type': 'application/json' };

  it('a field gets the value, plain and compressed, long and short', async () => {
    const session = await openHttp2();
    const text = `{"token": "${FIELD.dummy}", "text": "${'x'.repeat(1_000_000)}"}`;
    for (const body of [given, text]) {
      await request(session, { ...post, 'content-length': body.length }, body);
      expect(seen.at(-1)!.body.toString()).toBe(body.replace(`"token": "${FIELD.dummy}"`, `"token": ${ESCAPED}`));
      expect(seen.at(-1)!.headers['content-length']).toBe(String(seen.at(-1)!.body.length));
    }
    await request(session, { ...post, 'content-encoding': 'gzip' }, encode(['gzip'], Buffer.from(given)));
    const decoder = openDecoder(['gzip']);
    expect(Buffer.from(decoder.push(seen.at(-1)!.body)).toString()).toBe(wanted);
  });

  it('a real value is refused, in the body and compressed', async () => {
    const session = await openHttp2();
    expect((await request(session, post, `{"x": "${REAL}"}`)).status).toBe(403);
    expect(
      (await request(session, { ...post, 'content-encoding': 'br' }, encode(['br'], Buffer.from(REAL)))).status,
    ).toBe(403);
    expect(seen).toEqual([]);
  });

  it('a body that is too long to be held goes on as it is', async () => {
    const session = await openHttp2();
    const long = `{"token": "${FIELD.dummy}", "text": "${'x'.repeat(MAX_HELD_BYTES + 100_000)}"}`;
    expect((await request(session, post, long)).status).toBe(200);
    expect(seen[0]!.body.toString() === long).toBe(true);
  });

  it('one that is cancelled while it is held ends', async () => {
    const session = await openHttp2();
    const stream = session.request(post, { endStream: false });
    stream.on('error', () => undefined);
    stream.write('{"token": "');
    await fixture.until((all) => all.length === 1);
    stream.close(8);
    await fixture.until(([flow]) => flow?.outcome === 'aborted');
    expect(seen).toEqual([]);
  });
});

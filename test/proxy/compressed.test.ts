// Compressed answers: a value in them is replaced for a client that asked for the coding, in whatever pieces they come and over
// both protocols; one that did not ask gets them as they are, and no value.
import type http2 from 'node:http2';
import zlib from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { type Coding, encode } from '../../src/proxy/codecs/contentCoding';
import { dechunk } from '../support/chunks';
import { ALLOW_LOCALHOST, DUMMY, GuardedFixture, REAL } from '../support/guarded';
import { Http2Origin, openSession, request } from '../support/http2';

const CODINGS: readonly (readonly Coding[])[] = [['gzip'], ['deflate'], ['br'], ['zstd'], ['gzip', 'br']];
const TEXT = `{"before": "${'x'.repeat(5000)}", "key": "${REAL}", "coded": "${btoa(REAL)}", "after": [${Array.from({ length: 3000 }, (_, i) => i).join()}]}`;
const CLEAN = TEXT.replace(REAL, DUMMY).replace(btoa(REAL), btoa(DUMMY));

let fixture: GuardedFixture;
let origin: Http2Origin | undefined;
let client: http2.ClientHttp2Session | undefined;
afterEach(async () => {
  client?.destroy();
  await fixture.close();
  await origin?.close();
  origin = client = undefined;
});

/** Answers with the body, in pieces of `size` bytes, chunked or not. */
async function answering(
  body: Buffer,
  coding: string,
  { size = 1000, chunked = true, fields = '', status = 200 } = {},
) {
  fixture = await GuardedFixture.open('wire', ALLOW_LOCALHOST);
  fixture.origin.onRequest = ({ socket }) => {
    const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
    socket.write(`HTTP/1.1 ${status} OK\r\nContent-Encoding: ${coding}\r\n${framing}\r\n${fields}\r\n`);
    const pieces = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
      body.subarray(i * size, (i + 1) * size),
    );
    const next = (): void => {
      const piece = pieces.shift();
      if (!piece) {
        socket.end(chunked ? '0\r\n\r\n' : '');
        return;
      }
      if (chunked) socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      if (chunked) socket.write('\r\n');
      setImmediate(next);
    };
    next();
  };
}

/** Head and payload of a chunked answer, or of one with a length. */
function parts(answer: string): { head: string; body: Buffer } {
  const at = answer.indexOf('\r\n\r\n') + 4;
  const head = answer.slice(0, at);
  const rest = Buffer.from(answer.slice(at), 'latin1');
  return { head, body: /transfer-encoding: chunked/i.test(head) ? dechunk(rest) : rest };
}

describe.each(CODINGS)('an answer in %s', (...codings) => {
  it.each([
    ['chunked', 700, true],
    ['in pieces of 13 bytes', 13, true],
    ['with a length', 4000, false],
  ])('that the client asked for holds no value: %s', async (_, size, chunked) => {
    await answering(encode(codings, Buffer.from(TEXT)), codings.join(', '), {
      size,
      chunked,
      fields: 'Content-Digest: sha-256=:AAAA:\r\nETag: "1"\r\n',
    });
    const { head, body } = parts(await fixture.send('GET /', 'Accept-Encoding: gzip, deflate, br, zstd\r\n'));
    expect(body.toString()).toBe(CLEAN);
    expect(head).not.toMatch(/content-encoding|content-digest|content-length/i);
    expect(head).toContain('ETag: "1"');
    const [flow] = await fixture.until(([one]) => one?.outcome === 'allowed');
    expect(flow!.findings).toEqual([
      { kind: 'echo-redacted', secret: 'API_KEY', place: 'response body', action: 'masked' },
    ]);
  });

  it('that the client did not ask for goes on byte for byte, and breaks off before a value', async () => {
    const clean = encode(codings, Buffer.from(CLEAN));
    await answering(clean, codings.join(', '), { size: 300, chunked: false });
    const { head, body } = parts(await fixture.send('GET /'));
    expect(body.equals(clean)).toBe(true);
    expect(head).toContain(`Content-Encoding: ${codings.join(', ')}`);
    await fixture.close();

    await answering(encode(codings, Buffer.from(TEXT)), codings.join(', '), { size: 300, chunked: false });
    const cut = parts(await fixture.send('GET /'));
    expect(cut.body.length).toBeLessThan(encode(codings, Buffer.from(TEXT)).length);
    const [flow] = await fixture.until(([one]) => one?.outcome === 'failed');
    expect(flow!.findings[0]).toMatchObject({ kind: 'echo-redacted', secret: 'API_KEY', action: 'blocked' });
    expect(flow!.error?.code).toBe('upstream-secret-in-answer');
  });

  it('is replaced in over HTTP/2', async () => {
    fixture = await GuardedFixture.open('wire', ALLOW_LOCALHOST);
    origin = new Http2Origin(fixture.originCa);
    origin.onStream = (stream) => {
      stream.respond({ ':status': 200, 'content-encoding': codings.join(', ') });
      stream.end(encode(codings, Buffer.from(TEXT)));
    };
    fixture.originPort = await origin.listen();
    client = await openSession(fixture);
    const answer = await request(client, { ':path': '/', 'accept-encoding': 'gzip, deflate, br, zstd' });
    expect(answer.body).toBe(CLEAN);
    expect(answer.headers).not.toHaveProperty('content-encoding');
  });
});

it('passes each event of a compressed stream as it comes', async () => {
  fixture = await GuardedFixture.open('wire', ALLOW_LOCALHOST);
  const gzip = zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH });
  fixture.origin.onRequest = ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n');
    gzip.on('data', (chunk: Buffer) => socket.write(chunk));
    gzip.write(`data: one ${REAL}\n\n`);
  };
  const client = await fixture.connect();
  client.write(`GET / HTTP/1.1\r\nHost: ${fixture.authority}\r\nAccept-Encoding: gzip\r\n\r\n`);
  await client.until((text) => text.includes(`data: one ${DUMMY}\n\n`));
  gzip.write('data: two\n\n');
  expect(await client.until((text) => text.includes('data: two\n\n'))).not.toContain(REAL);
});

it('breaks off a body that stops being what it says, and one that ends too early', async () => {
  const body = zlib.gzipSync(Buffer.from(TEXT.repeat(20)), { level: 0 });
  const broken = Buffer.from(body);
  broken.fill(0xff, body.length >> 1);
  await answering(broken, 'gzip');
  expect(await fixture.send('GET /', 'Accept-Encoding: gzip\r\n')).not.toMatch(/\r\n0\r\n\r\n$/);
  await fixture.close();
  await answering(body.subarray(0, body.length >> 1), 'gzip');
  expect(await fixture.send('GET /', 'Accept-Encoding: gzip\r\n')).not.toMatch(/\r\n0\r\n\r\n$/);
  const [flow] = await fixture.until(([one]) => one?.outcome === 'failed');
  expect(flow!.error?.code).toBe('upstream-bad-content-coding');
});

it('leaves a part of a compressed body as it is', async () => {
  const body = zlib.gzipSync(CLEAN).subarray(100, 400);
  await answering(body, 'gzip', { chunked: false, status: 206 });
  const { head, body: got } = parts(await fixture.send('GET /', 'Accept-Encoding: gzip\r\nRange: bytes=100-399\r\n'));
  expect(got.equals(body)).toBe(true);
  expect(head).toContain('Content-Encoding: gzip');
});

it('offers servers only what can be looked into', async () => {
  fixture = await GuardedFixture.open('wire', ALLOW_LOCALHOST);
  await fixture.send('GET /', 'Accept-Encoding: gzip, dcz, br\r\n');
  expect(fixture.origin.heads[0]).toContain('Accept-Encoding: gzip, br\r\n');
});

it('breaks off what nobody looks into when the first secret comes', async () => {
  fixture = await GuardedFixture.open('wire', ALLOW_LOCALHOST, []);
  fixture.origin.onRequest = ({ socket }) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\nfirst');
  const client = await fixture.connect();
  client.write(`GET / HTTP/1.1\r\nHost: ${fixture.authority}\r\nAccept-Encoding: gzip\r\n\r\n`);
  await client.until((text) => text.includes('first'));
  fixture.guard.setSecrets([{ name: 'K', value: REAL, dummy: DUMMY, hosts: [], in: [] }]);
  fixture.engine.reconsider();
  await client.end();
  expect(client.closed).toBe(true);
});

it('sees what stands behind the end of compressed data, or in its header, on the way back', async () => {
  const named = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
    Buffer.from(`${REAL}\0`),
    zlib.gzipSync('hello').subarray(10),
  ]);
  for (const body of [Buffer.concat([zlib.gzipSync('hello'), Buffer.from(REAL)]), named]) {
    await answering(body, 'gzip', { chunked: false });
    expect(await fixture.send('GET /')).not.toContain(REAL);
    await fixture.close();
  }
  await answering(zlib.gzipSync(TEXT), 'gzip', {
    chunked: false,
    status: 206,
    fields: 'Content-Range: bytes 0-999/1000\r\n',
  });
  const answer = await fixture.send('GET /', 'Accept-Encoding: gzip\r\nRange: bytes=0-999\r\n');
  expect(fixture.origin.heads[0]).toContain('Accept-Encoding: identity');
  expect(answer.split('200').length === 0 || !answer.includes(zlib.gzipSync(TEXT).toString('latin1'))).toBe(true);
});

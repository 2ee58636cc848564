// HTTP/2 on the wire, real TLS and Node's own HTTP/2 at both ends: all four combinations with HTTP/1.1, trailers, flow control,
// aborts, cuts, retries and time-outs.
import type http2 from 'node:http2';
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

async function session(): Promise<http2.ClientHttp2Session> {
  // Node refuses streams of a session that holds more than this many megabytes; ours hold what a test sends at once.
  const made = await openSession(fixture, { maxSessionMemory: 200 });
  sessions.push(made);
  return made;
}
/** A fixture whose origin speaks HTTP/2 and nothing else, and a session through the proxy. */
async function toHttp2(
  options: http2.SecureServerOptions = { maxSessionMemory: 200 },
): Promise<http2.ClientHttp2Session> {
  fixture = await WireFixture.open();
  origin = new Http2Origin(fixture.originCa, options);
  fixture.originPort = await origin.listen();
  return session();
}
async function toHttp1(): Promise<http2.ClientHttp2Session> {
  fixture = await WireFixture.open();
  return session();
}
const MIB = 1024 * 1024;
const deadline = (ms: number) => new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), ms));

describe('HTTP/2 to HTTP/2', () => {
  it('passes heads, bodies and trailers both ways', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream, headers) => {
      const chunks: Buffer[] = [];
      let trailers: http2.IncomingHttpHeaders = {};
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('trailers', (fields: http2.IncomingHttpHeaders) => (trailers = fields));
      stream.on('end', () => {
        const echo = { 'x-got': String(headers['x-a']), 'x-trailer': String(trailers['x-t']) };
        stream.respond({ ':status': 200, ...echo }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.concat(chunks));
      });
    };
    const head = { ':method': 'POST', ':path': '/echo', 'x-a': '1' };
    const answer = await request(client, head, 'hello', { 'x-t': 'yes' });
    expect(answer).toMatchObject({ status: 200, body: 'hello', trailers: { 'grpc-status': '0' } });
    expect(answer.headers['x-got']).toBe('1');
    expect(answer.headers['x-trailer']).toBe('yes');
    await fixture.handlers.until(() => fixture.handlers.ends.length === 1);
    expect(fixture.handlers.ends[0]).toEqual({ how: { kind: 'complete' }, request: 5, response: 5 });
  });

  it('shares one upstream session between many streams and many clients', async () => {
    const client = await toHttp2();
    const other = await session();
    const all = Array.from({ length: 150 }, (_, i) => request(i % 2 ? client : other, { ':path': `/${i}` }));
    expect((await Promise.all(all)).every(({ body }) => body === 'ok')).toBe(true);
    expect(origin!.sessions.length).toBeLessThanOrEqual(2);
    expect(origin!.streams).toBe(150);
  });

  it('moves 16 MiB each way through the windows, in order', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    };
    const body = Buffer.alloc(16 * MIB);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32BE(i, i);
    const answer = await request(client, { ':method': 'POST', ':path': '/' }, body);
    expect(Buffer.from(answer.body, 'latin1').equals(body)).toBe(true);
  });

  it('holds a slow reader’s body at the origin, and lets the others pass', async () => {
    const client = await toHttp2();
    let sent = 0;
    origin!.onStream = (stream, headers) => {
      stream.respond({ ':status': 200 });
      if (headers[':path'] !== '/big') {
        stream.end('ok');
        return;
      }
      const push = () => {
        while (sent < 64 * MIB && !stream.destroyed) {
          sent += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) {
            stream.once('drain', push);
            return;
          }
        }
      };
      push();
    };
    const slow = client.request({ ':path': '/big' });
    slow.on('error', () => undefined);
    await new Promise((resolve) => slow.once('response', resolve));
    slow.pause();
    for (let i = 0; i < 20; i++) expect((await request(client, { ':path': '/small' })).body).toBe('ok');
    // Windows on both sides, and what kernels and Node hold: far from the 64 MiB that the origin would send.
    expect(sent).toBeLessThan(16 * MIB);
    slow.close();
  });

  it('passes a head before its body, and each chunk at once', async () => {
    const client = await toHttp2();
    let push: ((text: string) => void) | undefined;
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
      push = (text) => void stream.write(text);
    };
    const stream = client.request({ ':path': '/events' });
    await new Promise((resolve) => stream.once('response', resolve));
    for (const event of ['one', 'two']) {
      push!(event);
      expect(String(await new Promise((resolve) => stream.once('data', resolve)))).toBe(event);
    }
    stream.close();
  });

  it('passes a client’s abort to the origin', async () => {
    const client = await toHttp2();
    const closed = new Promise<number>((resolve) => {
      origin!.onStream = (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('begin');
        stream.on('close', () => resolve(stream.rstCode));
      };
    });
    const stream = client.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(8);
    expect(await closed).toBe(8);
    await fixture.handlers.until(() => fixture.handlers.ends.length === 1);
    expect(fixture.handlers.ends[0]!.how).toEqual({ kind: 'aborted' });
  });

  it('passes an origin’s cut as a reset, never as an end', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('half', () => stream.session?.destroy());
    };
    await expect(request(client, { ':path': '/' })).rejects.toThrow();
    await fixture.handlers.until(() => fixture.handlers.ends.length === 1);
    expect(fixture.handlers.ends[0]!.how).toMatchObject({ kind: 'failed', code: 'upstream-reset' });
  });

  it('answers 502 when the origin resets before it answers', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream) => stream.close(2);
    expect(await request(client, { ':path': '/' })).toMatchObject({ status: 502 });
  });

  it('sends again what the origin refused unprocessed, once', async () => {
    const client = await toHttp2();
    let refused = 0;
    origin!.onStream = (stream, headers) => {
      if (refused === 0 || headers[':path'] === '/always') {
        refused++;
        stream.close(7);
        return;
      }
      stream.respond({ ':status': 200 });
      stream.end('ok');
    };
    expect(await request(client, { ':path': '/' })).toMatchObject({ status: 200 });
    expect(await request(client, { ':path': '/always' })).toMatchObject({ status: 502 });
    expect(refused).toBe(3);
  });

  it('leaves a session that is going away and takes a new one', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
      stream.session?.close();
    };
    for (let i = 0; i < 3; i++) expect(await request(client, { ':path': '/' })).toMatchObject({ body: 'ok' });
    expect(origin!.sessions).toHaveLength(3);
  });

  it('keeps to the number of streams that the origin allows', async () => {
    const client = await toHttp2({ settings: { maxConcurrentStreams: 3 } });
    let open = 0;
    let most = 0;
    origin!.onStream = (stream) => {
      most = Math.max(most, ++open);
      setImmediate(() => {
        open--;
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
    };
    await request(client, { ':path': '/first' }); // its settings are known from here on
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => request(client, { ':path': `/${i}` })));
    expect(answers.map(({ status, body }) => [status, body]).filter(([status]) => status !== 200)).toEqual([]);
  });

  it('answers HEAD, 204 and 304 without a body', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream, headers) => {
      const status = Number(/\d+/.exec(headers[':path']!)![0]);
      stream.respond(
        { ':status': status, 'x-a': '1', ...(status === 200 ? { 'content-length': 99 } : {}) },
        { endStream: true },
      );
    };
    expect(await request(client, { ':method': 'HEAD', ':path': '/200' })).toMatchObject({ status: 200, body: '' });
    expect(await request(client, { ':path': '/204' })).toMatchObject({ status: 204, body: '' });
    expect(await request(client, { ':path': '/304' })).toMatchObject({ status: 304, body: '' });
  });

  it('passes interim responses', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
      stream.respond({ ':status': 200 });
      stream.end('ok');
    };
    const answer = await request(client, { ':path': '/' });
    expect(answer.interim.map(({ link }) => link)).toEqual(['</a.css>; rel=preload']);
  });

  it('answers early and stops the rest of the upload', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 413 });
      stream.end('too large');
    };
    const stream = client.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => undefined);
    stream.write(Buffer.alloc(1000));
    const status = await new Promise((resolve) => stream.once('response', (head) => resolve(head[':status'])));
    expect(status).toBe(413);
    stream.resume();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(stream.rstCode).toBe(0);
  });
});

describe('HTTP/2 to HTTP/1.1', () => {
  it('names the host first, frames the body, and passes what the origin answers', async () => {
    const client = await toHttp1();
    fixture.origin.onRequest = ({ socket }) =>
      socket.write(
        'HTTP/1.1 201 Made\r\nX-Case: Kept\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: end\r\n\r\n',
      );
    const answer = await request(client, { ':method': 'POST', ':path': '/p?q=1', cookie: ['a=1', 'b=2'] }, 'body');
    expect(answer).toMatchObject({ status: 201, body: 'ok', trailers: { 'x-t': 'end' } });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers['transfer-encoding']).toBeUndefined();
    expect(fixture.origin.heads[0]).toMatch(/^POST \/p\?q=1 HTTP\/1\.1\r\nHost: localhost:\d+\r\n/);
    expect(fixture.origin.heads[0]).toMatch(/\r\ncookie: a=1; b=2\r\n/);
    expect(fixture.origin.connections[0]!.received).toMatch(/\r\n\r\n4\r\nbody\r\n0\r\n\r\n$/);
  });

  it('keeps a given Content-Length, and says 0 for a POST without a body', async () => {
    const client = await toHttp1();
    await request(client, { ':method': 'POST', ':path': '/', 'content-length': '4' }, 'body');
    await request(client, { ':method': 'POST', ':path': '/' });
    expect(fixture.origin.heads[0]).toMatch(/\r\ncontent-length: 4\r\n/);
    expect(fixture.origin.heads[0]).not.toMatch(/transfer-encoding/i);
    expect(fixture.origin.heads[1]).toMatch(/\r\nContent-Length: 0\r\n/);
  });

  it('uses pooled connections again, one for each exchange at a time', async () => {
    const client = await toHttp1();
    for (let i = 0; i < 5; i++) await request(client, { ':path': '/' });
    expect(fixture.origin.connections).toHaveLength(1);
    await Promise.all(Array.from({ length: 10 }, () => request(client, { ':path': '/' })));
    expect(fixture.origin.connections.length).toBeLessThanOrEqual(10);
  });

  it('sees an origin’s cut as a cut, chunked or with a length', async () => {
    const client = await toHttp1();
    for (const framing of ['Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'Content-Length: 100\r\n\r\nhello']) {
      fixture.origin.onRequest = ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\n${framing}`);
        socket.once('data', () => undefined);
        setImmediate(() => socket.destroy());
      };
      await expect(request(client, { ':path': '/' })).rejects.toThrow();
    }
  });

  it('reads a body that ends with the connection', async () => {
    const client = await toHttp1();
    fixture.origin.onRequest = ({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
    expect(await request(client, { ':path': '/' })).toMatchObject({ body: 'until the end' });
  });

  it('sends a GET again when its pooled connection had closed', async () => {
    const client = await toHttp1();
    await request(client, { ':path': '/' });
    fixture.origin.onRequest = ({ socket }, _, index) => {
      if (index === 2) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    };
    expect(await request(client, { ':path': '/' })).toMatchObject({ status: 200 });
    expect(fixture.origin.heads).toHaveLength(3);
  });

  it('does not read on while the client does not', async () => {
    const client = await toHttp1();
    let written = 0;
    fixture.origin.onRequest = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
      const push = () => {
        while (written < 64 * MIB) {
          written += 65_536;
          if (!socket.write(Buffer.alloc(65_536))) {
            socket.once('drain', push);
            return;
          }
        }
      };
      push();
    };
    const slow = client.request({ ':path': '/' });
    slow.on('error', () => undefined);
    await new Promise((resolve) => slow.once('response', resolve));
    slow.pause();
    expect(await Promise.race([fixture.origin.until(() => written >= 64 * MIB), deadline(700)])).toBe('late');
    expect(written).toBeLessThan(24 * MIB);
    slow.close();
  });
});

describe('HTTP/1.1 to an origin that speaks HTTP/2 only', () => {
  it('goes on in messages: heads, bodies, trailers, keep-alive', async () => {
    await toHttp2();
    origin!.onStream = (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        stream.respond(
          { ':status': 200, 'x-path': headers[':path'], 'x-host': headers[':authority'] },
          { waitForTrailers: true },
        );
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
        stream.end(Buffer.concat(chunks));
      });
    };
    const client = await fixture.connect();
    client.write(fixture.get('Transfer-Encoding: chunked\r\n', 'POST /a HTTP/1.1') + '5\r\nhello\r\n0\r\n\r\n');
    const first = await client.until((text) => text.includes('x-end'));
    expect(first).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(first).toContain('x-path: /a\r\n');
    expect(first).toContain(`x-host: ${fixture.authority}\r\n`);
    expect(first).toMatch(/\r\n5\r\nhello\r\n0\r\nx-end: yes\r\n\r\n$/);
    client.take();
    client.write(fixture.get('Content-Length: 3\r\n', 'PUT /b HTTP/1.1') + 'abc');
    expect(await client.until((text) => text.includes('x-end'))).toMatch(/\r\n3\r\nabc\r\n0\r\n/);
    expect(origin!.sessions).toHaveLength(1);
    client.take();
    client.write(fixture.get('', 'HEAD /c HTTP/1.1'));
    expect(await client.until((text) => text.endsWith('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('passes aborts and resets', async () => {
    await toHttp2();
    const closed = new Promise<void>((resolve) => {
      origin!.onStream = (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('begin');
        stream.on('close', () => resolve());
      };
    });
    const client = await fixture.connect();
    client.write(fixture.get());
    await client.until((text) => text.includes('begin'));
    client.socket.destroy();
    await closed;
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('half', () => stream.session?.destroy());
    };
    const second = await fixture.connect();
    expect(await second.write(fixture.get()).end()).not.toMatch(/0\r\n\r\n$/);
  });
});

describe('policy changes and the end', () => {
  it('cut the streams that are no longer allowed', async () => {
    const client = await toHttp2();
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('begin');
    };
    const stream = client.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    fixture.handlers.allowed = false;
    fixture.engine.reconsider();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(stream.rstCode).toBe(2);
  });

  it('a drain lets open streams end and takes no new ones', async () => {
    const client = await toHttp2();
    let finish: (() => void) | undefined;
    origin!.onStream = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('begin ');
      finish = () => void stream.end('end');
    };
    const pending = request(client, { ':path': '/' });
    while (!finish) await new Promise((resolve) => setImmediate(resolve));
    const closed = fixture.engine.close(5_000);
    const gone = new Promise((resolve) => client.once('goaway', resolve));
    await gone;
    finish();
    expect(await pending).toMatchObject({ body: 'begin end' });
    await closed;
  });
});

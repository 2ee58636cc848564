// What passes through the wire, byte for byte, in both directions.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WireFixture } from '../support/wire';

let wire: WireFixture;
beforeEach(async () => {
  wire = await WireFixture.open();
});
afterEach(() => wire.close());

describe('heads', () => {
  it('keeps case, order and duplicates of request fields', async () => {
    const client = await wire.connect();
    await client.write(wire.get('X-Zed: 1\r\nx-aLpHa: 2\r\nX-D: a\r\nX-D: b\r\n')).response();
    expect(wire.origin.heads[0]).toContain('X-Zed: 1\r\nx-aLpHa: 2\r\nX-D: a\r\nX-D: b\r\n');
  });

  it('keeps case, duplicates and the reason phrase of a response', async () => {
    wire.origin.onRequest = ({ socket }) =>
      socket.write(
        'HTTP/1.1 299 Very Special\r\nX-CaSe: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok',
      );
    const client = await wire.connect();
    const text = await client.write(wire.get()).response();
    expect(text).toBe(
      'HTTP/1.1 299 Very Special\r\nX-CaSe: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok',
    );
  });

  it('drops hop-by-hop fields and those that Connection names', async () => {
    const client = await wire.connect();
    await client
      .write(
        wire.get(
          `Connection: x-private, keep-alive\r\nX-Private: 1\r\nProxy-Authorization: Basic eA==\r\nKeep-Alive: timeout=3\r\nProxy-Connection: keep-alive\r\n`,
        ),
      )
      .response();
    expect(wire.origin.heads[0]).toBe(`GET / HTTP/1.1\r\nHost: ${wire.authority}\r\n\r\n`);
  });

  it('ignores an upgrade to anything but WebSocket', async () => {
    const client = await wire.connect();
    await client
      .write(wire.get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'))
      .response();
    expect(wire.origin.heads[0]).not.toMatch(/upgrade|http2-settings/i);
  });

  it('gives an HTTP/1.0 client a closed connection and the origin an HTTP/1.1 request', async () => {
    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
    const client = await wire.connect();
    const text = await client.write('GET / HTTP/1.0\r\n\r\n').end();
    expect(wire.origin.heads[0]).toBe(`GET / HTTP/1.1\r\nHost: localhost:${wire.originPort}\r\n\r\n`);
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok');
  });
});

describe('bodies', () => {
  it('relays chunks and trailers of a request as they are', async () => {
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    const body = '2;a=b\r\nhi\r\n0\r\nX-T: yes\r\n\r\n';
    client.write(`${wire.get('Transfer-Encoding: chunked\r\nTrailer: X-T\r\n', 'POST / HTTP/1.1')}${body}`);
    await wire.origin.until(() => wire.origin.connections[0]?.received.endsWith(body) === true);
    wire.origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.response()).toContain(' 200 ');
  });

  it('relays trailers of a response', async () => {
    const answer =
      'HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: yes\r\n\r\n';
    wire.origin.onRequest = ({ socket }) => socket.write(answer);
    const client = await wire.connect();
    expect(await client.write(wire.get()).until((text) => text.endsWith('yes\r\n\r\n'))).toBe(answer);
  });

  it('passes HEAD, 204 and 304 without a body', async () => {
    const answers = [
      'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
      'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n',
      'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 7\r\n\r\n',
    ];
    wire.origin.onRequest = ({ socket }, _, index) => socket.write(answers[index - 1]!);
    const client = await wire.connect();
    expect(await client.write(wire.get('', 'HEAD / HTTP/1.1')).response(0)).toBe(answers[0]);
    expect(await client.write(wire.get()).response(0)).toBe(answers[1]);
    expect(await client.write(wire.get()).response(0)).toBe(answers[2]);
    expect(wire.origin.connections).toHaveLength(1);
  });

  it('ends a body that ends with the connection by closing', async () => {
    wire.origin.onRequest = ({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it');
    const client = await wire.connect();
    expect(await client.write(wire.get()).end()).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it');
  });

  it('passes 103 and 100 at once, and leaves Expect to the origin', async () => {
    wire.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
    const client = await wire.connect();
    client.write(wire.get());
    expect(await client.until((text) => text.endsWith('\r\n\r\n'))).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
    );
    wire.origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await client.until((text) => text.endsWith('ok'));

    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n');
    const second = await wire.connect();
    const text = await second.write(wire.get('Expect: 100-continue\r\nContent-Length: 5\r\n', 'POST / HTTP/1.1')).end();
    expect(text).toMatch(/^HTTP\/1\.1 417 /);
  });

  it('sends the head and each event of a stream without waiting for more', async () => {
    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    const client = await wire.connect();
    await client.write(wire.get()).until((text) => text.endsWith('\r\n\r\n'));
    const { socket } = wire.origin.connections[0]!;
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      client.take();
      socket.write(`9\r\n${event}\r\n`);
      await client.until((text) => text.includes(event));
    }
    socket.write('0\r\n\r\n');
    await client.until((text) => text.endsWith('0\r\n\r\n'));
  });

  it('answers pipelined requests in order', async () => {
    wire.origin.onRequest = ({ socket }, head) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${/^GET \/(..)/.exec(head)![1]!}`);
    const client = await wire.connect();
    client.write(['aa', 'bb', 'cc'].map((name) => wire.get('', `GET /${name} HTTP/1.1`)).join(''));
    const text = await client.until((received) => received.endsWith('cc'));
    expect([...text.matchAll(/\r\n\r\n(..)/g)].map((match) => match[1])).toEqual(['aa', 'bb', 'cc']);
  });

  it('keeps requests apart when a pipelined one arrives while the first is being dialled', async () => {
    const client = await wire.connect();
    client.write(`${wire.get('Content-Length: 3\r\n', 'POST /one HTTP/1.1')}abc${wire.get('', 'GET /two HTTP/1.1')}`);
    await client.until((text) => text.split('HTTP/1.1 200').length === 3 && text.endsWith('ok'));
    expect(wire.origin.heads.map((head) => head.split(' ')[1])).toEqual(['/one', '/two']);
  });

  it('shares an upstream connection between client connections', async () => {
    for (let i = 0; i < 3; i++) {
      const client = await wire.connect();
      await client.write(wire.get()).response();
      client.socket.destroy();
    }
    expect(wire.origin.connections).toHaveLength(1);
  });

  it('repeats a GET once when a pooled connection was closed under it, and never a POST', async () => {
    const client = await wire.connect();
    await client.write(wire.get()).response();
    wire.origin.onRequest = ({ socket }, _, index) =>
      index === 2 ? socket.destroy() : socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.write(wire.get()).response()).toMatch(/ 200 /);
    wire.origin.onRequest = ({ socket }) => socket.destroy();
    const text = await client.write(`${wire.get('Content-Length: 1\r\n', 'POST / HTTP/1.1')}x`).response(20);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(wire.origin.heads.filter((head) => head.startsWith('POST'))).toHaveLength(1);
  });
});

describe('transforms', () => {
  const upper = () => ({
    keepsLength: true,
    push: (chunk: Buffer) => Buffer.from(chunk.toString('latin1').toUpperCase()),
    end: () => Buffer.alloc(0),
  });
  const doubled = () => ({
    keepsLength: false,
    push: (chunk: Buffer) => Buffer.concat([chunk, chunk]),
    end: () => Buffer.from('!'),
  });

  it('keep Content-Length when every length stays', async () => {
    wire.handlers.responseBody = upper;
    const client = await wire.connect();
    expect(await client.write(wire.get()).response()).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
  });

  it('switch to chunks when lengths change, in both directions', async () => {
    wire.handlers.responseBody = doubled;
    wire.handlers.requestBody = doubled;
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    client.write(`${wire.get('Content-Length: 2\r\n', 'POST / HTTP/1.1')}ab`);
    await wire.origin.until(() => wire.origin.connections[0]?.received.endsWith('0\r\n\r\n') === true);
    expect(wire.origin.connections[0]!.received).toMatch(
      /Transfer-Encoding: chunked\r\n\r\n4\r\nabab\r\n1\r\n!\r\n0\r\n\r\n$/,
    );
    wire.origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.until((text) => text.endsWith('0\r\n\r\n'))).toBe(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nokok\r\n1\r\n!\r\n0\r\n\r\n',
    );
  });

  it('frame chunks again and keep trailers', async () => {
    wire.handlers.responseBody = upper;
    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: yes\r\n\r\n');
    const client = await wire.connect();
    expect(await client.write(wire.get()).until((text) => text.endsWith('yes\r\n\r\n'))).toBe(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\nX-T: yes\r\n\r\n',
    );
  });
});

describe('upgrade', () => {
  it('passes a WebSocket handshake and the bytes after it', async () => {
    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst');
    const client = await wire.connect();
    client.write(wire.get('Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n'));
    await client.until((text) => text.endsWith('first'));
    expect(wire.origin.heads[0]).toMatch(/Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/);
    client.write('\x81\x00to origin');
    await wire.origin.until(() => wire.origin.connections[0]!.received.endsWith('to origin'));
    wire.origin.connections[0]!.socket.end('bye');
    expect(await client.end()).toMatch(/firstbye$/);
  });

  it('refuses a switch that nobody asked for', async () => {
    wire.origin.onRequest = ({ socket }) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    const client = await wire.connect();
    expect(await client.write(wire.get()).response(10)).toMatch(/^HTTP\/1\.1 502 /);
  });
});

describe('aborts and cuts', () => {
  it('closes the upstream when the client goes away', async () => {
    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n');
    const client = await wire.connect();
    await client.write(wire.get()).until((text) => text.includes('hi'));
    client.socket.destroy();
    await wire.origin.until(() => wire.origin.closed === 1);
    await wire.handlers.until(() => wire.handlers.ends.length === 1);
    expect(wire.handlers.ends[0]!.how).toEqual({ kind: 'aborted' });
  });

  it.each([
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', '5\r\nhello\r\n'],
    ['of a length', 'Content-Length: 100\r\n\r\nhello', 'hello'],
  ])('lets the client see a cut of a body %s', async (_, rest, body) => {
    wire.origin.onRequest = ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
    const client = await wire.connect();
    await client.write(wire.get()).until((text) => text.endsWith(body));
    wire.origin.connections[0]!.socket.destroy();
    const text = await client.end();
    expect(text.split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe(body);
    expect(wire.handlers.ends[0]!.how.kind).toBe('failed');
  });

  it('keeps a request and its body moving when the origin reads slowly', async () => {
    const size = 8 * 1024 * 1024;
    wire.origin.onRequest = ({ socket }) => socket.pause();
    const client = await wire.connect();
    client.write(wire.get(`Content-Length: ${size}\r\n`, 'POST / HTTP/1.1'));
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const more = () => {
      while (written < size) {
        written += chunk.length;
        if (!client.socket.write(chunk)) return void client.socket.once('drain', more);
      }
    };
    more();
    await wire.origin.until(() => wire.origin.heads.length === 1);
    wire.origin.connections[0]!.socket.resume();
    await wire.origin.until(() => wire.origin.connections[0]!.received.length >= size);
    wire.origin.connections[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.response()).toMatch(/ 200 /);
    expect(wire.handlers.ends[0]!.request).toBe(size);
  });

  it('cuts what a new policy refuses, and nothing else', async () => {
    wire.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n');
    const client = await wire.connect();
    await client.write(wire.get()).until((text) => text.includes('hi'));
    wire.engine.reconsider();
    wire.origin.connections[0]!.socket.write('2\r\nho\r\n');
    await client.until((text) => text.includes('ho'));
    wire.handlers.allowed = false;
    wire.engine.reconsider();
    await client.end();
    expect(wire.handlers.ends[0]!.how).toMatchObject({ kind: 'failed', code: 'policy-changed' });
  });
});

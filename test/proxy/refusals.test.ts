// What the wire refuses, with nothing forwarded: framing that could be read twice, identities that differ, clients without
// a token, upstreams that do not verify, addresses that no public name may lead to.
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testAuthority, testLeaf } from '../support/pki';
import { connectRaw, connectTls } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { AUTH, TOKEN, WireFixture } from '../support/wire';

let wire: WireFixture;
beforeEach(async () => {
  wire = await WireFixture.open();
});
afterEach(() => wire.close());

describe('framing', () => {
  const head = (lines: string) => `POST / HTTP/1.1\r\nHost: AUTHORITY\r\n${lines}\r\n`;
  it.each([
    [
      'Content-Length with Transfer-Encoding',
      `${head('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
    ],
    ['two differing Content-Lengths', head('Content-Length: 3\r\nContent-Length: 4\r\n')],
    ['a Content-Length list', head('Content-Length: 3, 3\r\n')],
    ['a signed Content-Length', head('Content-Length: +3\r\n')],
    ['another coding in Transfer-Encoding', head('Transfer-Encoding: gzip, chunked\r\n')],
    ['Transfer-Encoding twice', head('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
    ['a vertical tab before the coding', head('Transfer-Encoding: \x0bchunked\r\n')],
    ['a bare LF in the head', 'POST / HTTP/1.1\nHost: AUTHORITY\n\n'],
    ['a bare LF after a field', 'GET / HTTP/1.1\r\nHost: AUTHORITY\nX: 1\r\n\r\n'],
    ['a bare CR in a value', head('X: a\rb\r\n')],
    ['an obs-fold', head('X: a\r\n b\r\n')],
    ['a NUL', head('X: a\0b\r\n')],
    ['a space before the colon', head('Content-Length : 3\r\n')],
    ['a field without a name', head(': 3\r\n')],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: AUTHORITY\r\nHost: AUTHORITY\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a head that is too long', head(`X: ${'a'.repeat(70_000)}\r\n`)],
    ['too many fields', head('X: 1\r\n'.repeat(300))],
    ['a fragment in the target', 'GET /a#b HTTP/1.1\r\nHost: AUTHORITY\r\n\r\n'],
    ['another version', 'GET / HTTP/2.0\r\nHost: AUTHORITY\r\n\r\n'],
    ['two spaces in the request line', 'GET  / HTTP/1.1\r\nHost: AUTHORITY\r\n\r\n'],
    ['Connection naming a framing field', head('Connection: content-length\r\nContent-Length: 3\r\n')],
    ['CONNECT inside CONNECT', 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n'],
  ])('refuses %s', async (_, bytes) => {
    const client = await wire.connect();
    const text = await client.write(bytes.replaceAll('AUTHORITY', wire.authority)).end();
    expect(text).toMatch(/^HTTP\/1\.1 (?:400|431|501) /);
    expect(text).toContain('sandbox_agent_error');
    expect(wire.origin.heads).toHaveLength(0);
  });

  it.each([
    ['without a size', '\r\nabc\r\n0\r\n\r\n'],
    ['with a negative size', '-1\r\na\r\n0\r\n\r\n'],
    ['longer than its size', '2\r\nabc\r\n0\r\n\r\n'],
    ['ended by a bare LF', '2\nab\r\n0\r\n\r\n'],
    ['with a size that overflows', 'fffffffffffff\r\nab'],
    ['with a framing field in its trailers', '2\r\nab\r\n0\r\nContent-Length: 5\r\n\r\n'],
    ['with a folded trailer', '2\r\nab\r\n0\r\nX: a\r\n b\r\n\r\n'],
  ])('refuses a chunk %s', async (_, body) => {
    wire.origin.onRequest = () => undefined;
    const client = await wire.connect();
    const text = await client
      .write(`${wire.get('Transfer-Encoding: chunked\r\n', 'POST / HTTP/1.1')}${body}`)
      .response(10);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    await wire.origin.until(() => wire.origin.connections.every(({ socket }) => socket.destroyed));
    expect(wire.origin.connections[0]?.received ?? '').not.toContain('0\r\n\r\n');
  });

  it.each([
    ['two differing lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok'],
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an odd status', 'HTTP/1.1 099 Odd\r\n\r\n'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ])('answers 502 for an upstream with %s', async (_, answer) => {
    wire.origin.onRequest = ({ socket }) => socket.write(answer);
    const client = await wire.connect();
    expect(await client.write(wire.get()).response(10)).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('never gives the next request what an upstream sent unasked', async () => {
    wire.origin.onRequest = ({ socket }, _, index) =>
      socket.write(
        index === 1
          ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
          : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      );
    const client = await wire.connect();
    await client.write(wire.get()).response();
    expect(await client.write(wire.get()).response()).not.toContain('evil');
    expect(wire.origin.connections).toHaveLength(2);
  });
});

describe('identity', () => {
  it('refuses a Host that is not the host of CONNECT', async () => {
    const client = await wire.connect();
    const text = await client.write(wire.get('', undefined, 'evil.example')).end();
    expect(text).toMatch(/^HTTP\/1\.1 421 /);
    expect(wire.origin.heads).toHaveLength(0);
    expect(wire.handlers.refusals).toEqual(['identity-mismatch']);
  });

  it('refuses another port, another absolute target, and user names', async () => {
    for (const bytes of [
      wire.get('', undefined, 'localhost:1'),
      wire.get('', 'GET https://evil.example/ HTTP/1.1'),
      wire.get('', undefined, `user@localhost:${wire.originPort}`),
    ]) {
      const client = await wire.connect();
      expect(await client.write(bytes).end()).toMatch(/^HTTP\/1\.1 4(?:21|00) /);
    }
    expect(wire.origin.heads).toHaveLength(0);
  });

  it('takes the same host in other spellings, and a Host without a port', async () => {
    const client = await wire.connect();
    for (const host of [`LOCALHOST:${wire.originPort}`, `localhost.:${wire.originPort}`, 'localhost']) {
      expect(await client.write(wire.get('', undefined, host)).response()).toMatch(/ 200 /);
    }
  });

  it('refuses an SNI that is not the host of CONNECT, and takes none', async () => {
    await expect(wire.connect(wire.authority, 'evil.example')).rejects.toThrow();
    await wire.handlers.until(() => wire.handlers.refusals.length > 0);
    expect(wire.handlers.refusals).toEqual(['identity-mismatch']);
    const client = await wire.connect(wire.authority, '');
    expect(await client.write(wire.get()).response()).toMatch(/ 200 /);
  });

  it('dials the address that odd spellings of an IPv4 address mean, under one name', async () => {
    await wire.origin.close();
    const origin = new RawOrigin(testLeaf(wire.originCa, '127.0.0.1'));
    const port = await origin.listen();
    const client = await connectTls({
      proxyPort: wire.proxyPort,
      authority: `0x7f.1:${port}`,
      auth: AUTH,
      ca: wire.proxyCa.cert,
      servername: '',
    }).catch((error: unknown) => String(error));
    // The certificate is for 127.0.0.1: a client that asked for 0x7f.1 by name does not accept it, one by address does.
    expect(client).toMatch(/altnames|IP/i);
    const good = await wire.connect(`127.0.0.1:${port}`);
    expect(await good.write(`GET / HTTP/1.1\r\nHost: 0x7f000001:${port}\r\n\r\n`).response()).toMatch(/ 200 /);
    await origin.close();
    expect(wire.handlers.requests[0]!.target.host).toBe('127.0.0.1');
  });

  it.each([
    'a b:443',
    'localhost',
    'localhost:0',
    'localhost:70000',
    '[::1%eth0]:443',
    'user@localhost:443',
    '../../x:443',
    '-a.example:443',
    'a..b:443',
  ])('refuses CONNECT %s', async (authority) => {
    const client = await connectRaw(wire.proxyPort);
    expect(
      await client.write(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`).end(),
    ).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('authentication', () => {
  it('asks for a token and takes it on the same connection', async () => {
    const client = await connectRaw(wire.proxyPort);
    const connect = (auth: string) => `CONNECT ${wire.authority} HTTP/1.1\r\nHost: ${wire.authority}\r\n${auth}\r\n`;
    const refused = await client.write(connect('')).response(10);
    expect(refused).toMatch(/^HTTP\/1\.1 407 .*\r\n/);
    expect(refused).toMatch(/proxy-authenticate: Basic realm=/);
    client.take();
    expect(
      await client.write(connect(`Proxy-Authorization: ${AUTH}\r\n`)).until((text) => text.includes('Established')),
    ).toMatch(/ 200 /);
    client.socket.destroy();
  });

  it.each([
    'Basic',
    'Basic !!!',
    `Bearer ${TOKEN}`,
    `Basic ${Buffer.from(`other:${TOKEN}`).toString('base64')}`,
    `Basic ${Buffer.from('claude:wrong').toString('base64')}`,
    `Basic ${Buffer.from(`claude:${TOKEN}x`).toString('base64')}`,
  ])('refuses %s', async (auth) => {
    await expect(
      connectTls({ proxyPort: wire.proxyPort, authority: wire.authority, auth, ca: wire.proxyCa.cert }),
    ).rejects.toThrow(/407/);
  });

  it('asks each absolute-form request by itself', async () => {
    const plain = new RawOrigin();
    const port = await plain.listen();
    const client = await connectRaw(wire.proxyPort);
    const request = (auth: string) =>
      `GET http://localhost:${port}/x?y=1 HTTP/1.1\r\nHost: localhost:${port}\r\n${auth}\r\n`;
    expect(await client.write(request(`Proxy-Authorization: ${AUTH}\r\n`)).response()).toMatch(/ 200 /);
    expect(plain.heads[0]).toBe(`GET /x?y=1 HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    expect(await client.write(request('')).response(10)).toMatch(/^HTTP\/1\.1 407 /);
    expect(plain.heads).toHaveLength(1);
    client.socket.destroy();
    await plain.close();
  });
});

describe('upstream', () => {
  it('sends nothing to a server whose certificate does not verify', async () => {
    const untrusted = new RawOrigin(testLeaf(testAuthority('somebody else')));
    const port = await untrusted.listen();
    const client = await wire.connect(`localhost:${port}`);
    const text = await client.write(wire.get('', undefined, `localhost:${port}`)).response(10);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain('tls-unverified');
    expect(untrusted.heads).toHaveLength(0);
    await untrusted.close();
  });

  it('sends nothing to a server whose certificate is for another name', async () => {
    const other = new RawOrigin(testLeaf(wire.originCa, 'other.example'));
    const port = await other.listen();
    const client = await wire.connect(`localhost:${port}`);
    expect(await client.write(wire.get('', undefined, `localhost:${port}`)).response(10)).toContain('tls-unverified');
    expect(other.heads).toHaveLength(0);
    await other.close();
  });

  it('answers 502 when nobody listens, and goes on', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const client = await wire.connect(`localhost:${port}`);
    const text = await client.write(wire.get('', undefined, `localhost:${port}`)).response(10);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain('connect-refused');
    expect(await (await wire.connect()).write(wire.get()).response()).toMatch(/ 200 /);
  });

  it('refuses a name that leads to a private address unless the rule permits it', async () => {
    wire.handlers.addresses = 'public';
    const client = await wire.connect();
    const text = await client.write(wire.get()).response(10);
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(text).toContain('private-address');
    expect(wire.origin.connections).toHaveLength(0);
  });

  it('refuses a way back to itself', async () => {
    const client = await wire.connect(`localhost:${wire.proxyPort}`);
    expect(await client.write(wire.get('', undefined, `localhost:${wire.proxyPort}`)).response(10)).toMatch(
      /^HTTP\/1\.1 508 /,
    );
  });

  it('reaches literals of both families', async () => {
    const origin = new RawOrigin(testLeaf(wire.originCa, '::1'));
    const port = await origin.listen('::1').catch(() => 0);
    if (port === 0) return; // a machine without IPv6
    const client = await wire.connect(`[::1]:${port}`);
    expect(await client.write(wire.get('', undefined, `[0:0::1]:${port}`)).response()).toMatch(/ 200 /);
    await origin.close();
  });

  it('speaks plain HTTP inside CONNECT where the client does', async () => {
    const plain = new RawOrigin();
    const port = await plain.listen();
    const client = await connectRaw(wire.proxyPort);
    client.write(`CONNECT localhost:${port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
    await client.until((text) => text.includes('Established'));
    client.take();
    expect(await client.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`).response()).toMatch(/ 200 /);
    expect(wire.handlers.requests[0]!.target.scheme).toBe('http');
    client.socket.destroy();
    await plain.close();
  });
});

describe('answers of our own', () => {
  it('leave the connection usable, with a body behind the request or without', async () => {
    wire.handlers.answer = {
      status: 403,
      reason: 'Forbidden',
      headers: [['x-sandbox-agent', 'blocked; rule=1']],
      body: '{}',
    };
    const client = await wire.connect();
    expect(await client.write(wire.get()).response()).toBe(
      'HTTP/1.1 403 Forbidden\r\nx-sandbox-agent: blocked; rule=1\r\ncontent-length: 2\r\n\r\n{}',
    );
    expect(await client.write(`${wire.get('Content-Length: 3\r\n', 'POST / HTTP/1.1')}abc`).response()).toMatch(
      / 403 /,
    );
    client.write(wire.get('Content-Length: 6\r\n', 'POST / HTTP/1.1'));
    expect(await client.response()).toMatch(/ 403 /);
    client.write('abcdef');
    wire.handlers.answer = undefined;
    expect(await client.write(wire.get()).response()).toMatch(/ 200 /);
    expect(wire.origin.heads).toHaveLength(1);
  });
});

describe('tunnel', () => {
  it('passes bytes unread', async () => {
    wire.handlers.tunnel = true;
    const echo = net.createServer((socket) => socket.write('220 server first\r\n') && socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const { port } = echo.address() as net.AddressInfo;
    const client = await connectRaw(wire.proxyPort);
    client.write(`CONNECT localhost:${port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
    await client.until((text) => text.endsWith('220 server first\r\n'));
    client.take();
    expect(await client.write('EHLO').until((text) => text === 'EHLO')).toBe('EHLO');
    client.socket.end();
    await wire.handlers.until(() => wire.handlers.ends.length === 1);
    expect(wire.handlers.ends[0]!.how).toEqual({ kind: 'complete' });
    await new Promise((resolve) => echo.close(resolve));
  });
});

// What passes unread, by both ways in: server-first protocols, pinned certificates, half-closed connections, breaks and cuts.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuardedFixture } from '../support/guarded';
import { type RawClient, connectRaw } from '../support/rawClient';
import { connectSocks, secureRaw } from '../support/socks';
import { AUTH, TOKEN, WireFixture } from '../support/wire';
import { works } from '../support/works';

let wire: WireFixture;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  wire = await WireFixture.open();
  wire.handlers.tunnel = true;
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await wire.close();
});

/** A TCP server of a test; its sockets stay open on one side when the other ends. */
async function serve(onConnection: (socket: net.Socket) => void): Promise<{ port: number; sockets: net.Socket[] }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => undefined));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as net.AddressInfo).port, sockets };
}

type Door = (proxyPort: number, port: number) => Promise<RawClient>;
const byConnect: Door = async (proxyPort, port) => {
  const client = await connectRaw(proxyPort);
  client.write(`CONNECT localhost:${port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
  await client.until((text) => text.includes('\r\n\r\n'));
  expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
  client.received = client.received.slice(client.received.indexOf('\r\n\r\n') + 4);
  return client;
};
const bySocks: Door = async (proxyPort, port) => {
  const { client, reply } = await connectSocks(proxyPort, { host: 'localhost', port });
  expect(reply).toBe(0);
  return client;
};

describe.each([
  ['CONNECT', byConnect],
  ['SOCKS5', bySocks],
] as const)('by %s', (_, door) => {
  const connect = (port: number) => door(wire.proxyPort, port);

  it.each(['SSH-2.0-OpenSSH_9.2\r\n', '220 mail.example ESMTP\r\n'])(
    'passes %j, which the server says first',
    async (hello) => {
      const { port } = await serve((socket) => socket.write(hello) && socket.pipe(socket));
      const client = await connect(port);
      expect(await client.until((text) => text === hello)).toBe(hello);
      client.take();
      expect(await client.write('answer').until((text) => text === 'answer')).toBe('answer');
      client.socket.end();
      await client.end();
      await wire.handlers.until(() => wire.handlers.ends.length === 1);
      expect(wire.handlers.ends).toEqual([{ how: { kind: 'complete' }, request: 6, response: hello.length + 6 }]);
    },
  );

  it('leaves TLS to the two ends: the client sees the certificate of the origin', async () => {
    const client = await connect(wire.originPort);
    const secure = await secureRaw(client, 'localhost', wire.originCa.cert);
    expect(await secure.write(wire.get()).response()).toMatch(/ 200 /);
    expect(wire.handlers.requests).toEqual([]);
    secure.socket.destroy();
  });

  it('keeps the answer coming after the client has ended its side', async () => {
    const { port } = await serve((socket) => {
      let asked = '';
      socket.on('data', (bytes: Buffer) => (asked += bytes.toString()));
      socket.on('end', () => socket.end(`${asked.length} bytes, and ${'x'.repeat(3_000_000)}`));
    });
    const client = await connect(port);
    client.socket.end('question');
    const text = await client.end();
    expect(text).toMatch(/^8 bytes, and x{3000000}$/);
    await wire.handlers.until(() => wire.handlers.ends.length === 1);
    expect(wire.handlers.ends[0]).toMatchObject({ how: { kind: 'complete' }, request: 8, response: text.length });
  });

  it('keeps the client sending after the server has ended its side', async () => {
    let received = 0;
    const { port, sockets } = await serve((socket) => {
      socket.end('bye');
      socket.on('data', (bytes: Buffer) => (received += bytes.length));
    });
    const client = await connect(port);
    client.socket.allowHalfOpen = true;
    await client.until((text) => text === 'bye');
    await new Promise((resolve) => client.socket.once('end', resolve));
    client.socket.end('y'.repeat(2_000_000));
    await new Promise((resolve) => sockets[0]!.once('end', resolve));
    expect(received).toBe(2_000_000);
    await wire.handlers.until(() => wire.handlers.ends.length === 1);
    expect(wire.handlers.ends[0]!.how).toEqual({ kind: 'complete' });
  });

  it('shows a break of the upstream as a break', async () => {
    const { port, sockets } = await serve((socket) => socket.write('hello'));
    const client = await connect(port);
    await client.until((text) => text === 'hello');
    const error = new Promise<NodeJS.ErrnoException>((resolve) => client.socket.once('error', resolve));
    sockets[0]!.resetAndDestroy();
    expect((await error).code).toBe('ECONNRESET');
    await wire.handlers.until(() => wire.handlers.ends.length === 1);
    expect(wire.handlers.ends[0]!.how).toMatchObject({ kind: 'failed', code: 'upstream-reset' });
  });

  it('shows a break of the client to the upstream', async () => {
    const { port, sockets } = await serve((socket) => socket.write('hello'));
    const client = await connect(port);
    await client.until((text) => text === 'hello');
    const gone = new Promise<NodeJS.ErrnoException>((resolve) => sockets[0]!.once('error', resolve));
    client.socket.resetAndDestroy();
    expect((await gone).code).toBe('ECONNRESET');
    await wire.handlers.until(() => wire.handlers.ends.length === 1);
    expect(wire.handlers.ends[0]!.how).toEqual({ kind: 'aborted' });
  });

  it('is cut on both sides by a policy that no longer allows it', async () => {
    const { port, sockets } = await serve((socket) => socket.write('hello'));
    const client = await connect(port);
    await client.until((text) => text === 'hello');
    wire.engine.reconsider();
    expect(client.closed).toBe(false);
    wire.handlers.allowed = false;
    const gone = new Promise((resolve) => sockets[0]!.once('close', resolve));
    wire.engine.reconsider();
    await Promise.all([client.end(), gone]);
    expect(wire.handlers.ends[0]).toMatchObject({ how: { kind: 'failed', code: 'policy-changed' }, response: 5 });
  });

  it('reads from a server no faster than the client does', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const total = 256;
    let sent = 0;
    const { port } = await serve((socket) => {
      const more = () => {
        while (sent < total) {
          sent++;
          if (!socket.write(chunk)) return;
        }
        socket.end();
      };
      socket.on('drain', more);
      more();
    });
    const { port: echo } = await serve((socket) => socket.pipe(socket));
    const slow = await connect(port);
    slow.socket.pause();
    // While another tunnel goes a hundred times to and fro, this one would have taken everything.
    const other = await connect(echo);
    for (let i = 0; i < 100; i++) {
      await other.write('x').until((text) => text === 'x');
      other.take();
    }
    expect(sent).toBeLessThan(64);
    for (const { socket } of [slow, other]) socket.destroy();
  });
});

it('does not outlive a client that ended its side where the server stays silent', async () => {
  const impatient = await WireFixture.open({ timeouts: { idleMs: 100 } });
  impatient.handlers.tunnel = true;
  const { port, sockets } = await serve((socket) => socket.resume());
  const client = await byConnect(impatient.proxyPort, port);
  const gone = new Promise((resolve) => sockets[0]!.once('close', resolve));
  client.socket.end();
  await client.end();
  sockets[0]!.end();
  await gone;
  await impatient.handlers.until(() => impatient.handlers.ends.length === 1);
  await impatient.close();
});

it('stops dialling when the client goes away', async () => {
  let asked: () => void = () => undefined;
  const lookup = new Promise<void>((resolve) => (asked = resolve));
  const stuck = await WireFixture.open({
    lookup: () => {
      asked();
      return new Promise(() => undefined);
    },
  });
  stuck.handlers.tunnel = true;
  const client = await connectRaw(stuck.proxyPort);
  client.write(`CONNECT x.example:22 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
  await lookup;
  stuck.handlers.allowed = false;
  stuck.engine.reconsider();
  await client.end();
  expect(stuck.handlers.ends[0]!.how).toMatchObject({ kind: 'failed', code: 'policy-changed' });
  await stuck.close();
});

describe('with the policy', () => {
  const POLICY =
    'version: 1\nrules:\n  - { type: tunnel, addresses: any, condition: { match: { host: localhost, port: PORT } } }\n';

  it('a flow says that it was not inspected, and counts bytes', async () => {
    const fixture = await GuardedFixture.open('wire', POLICY);
    for (const door of [byConnect, bySocks]) {
      const client = await door(fixture.proxyPort, fixture.originPort);
      const secure = await secureRaw(client, 'localhost', fixture.originCa.cert);
      expect(await secure.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\n`).response()).toMatch(/ 200 /);
      secure.socket.end();
      await secure.end();
    }
    const flows = await fixture.until((all) => all.length === 2 && all.every(({ outcome }) => outcome !== 'open'));
    for (const flow of flows) {
      expect(flow).toMatchObject({ kind: 'tunnel', outcome: 'allowed', host: 'localhost', method: 'CONNECT' });
      expect(flow.requestBytes).toBeGreaterThan(100);
      expect(flow.responseBytes).toBeGreaterThan(100);
    }
    await fixture.close();
  });

  it.skipIf(!works('curl', '--version'))('curl reaches a pinned host by both ways', async () => {
    const fixture = await GuardedFixture.open('wire', POLICY);
    const base = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-tunnel-'));
    writeFileSync(path.join(base, 'pinned.pem'), fixture.originCa.cert);
    const at = `127.0.0.1:${fixture.proxyPort}`;
    for (const way of [
      ['--proxy', `http://${at}`],
      ['--socks5-hostname', at],
    ]) {
      const args = [
        '-sS',
        '--http1.1',
        ...way,
        '--proxy-user',
        `claude:${TOKEN}`,
        '--cacert',
        path.join(base, 'pinned.pem'),
      ];
      const out = await new Promise<string>((resolve) =>
        execFile(
          'curl',
          [...args, `https://localhost:${fixture.originPort}/`],
          { env: { PATH: process.env['PATH'] } },
          (_, stdout, stderr) => resolve(stdout + stderr),
        ),
      );
      expect(out).toBe('ok');
    }
    rmSync(base, { recursive: true });
    await fixture.close();
  });
});

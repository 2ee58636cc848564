// The service as its owner drives it: one configuration for both ports, and what of it is refused or said.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { FromProxy, ProxyConfiguration } from '../../src/protocol/proxyMessages';
import { ProxyService } from '../../src/proxy/service';
import { ParentProxyServer } from '../support/parentProxy';
import { testAuthority, testLeaf } from '../support/pki';
import { connectRaw, connectTls } from '../support/rawClient';
import { RawOrigin } from '../support/rawOrigin';
import { greeting, request, say } from '../support/socks';
import { AUTH, TOKEN } from '../support/wire';

const ca = testAuthority('proxy CA');
const originCa = testAuthority('origin CA');
const ANY =
  '- { type: allow, addresses: any, condition: { match: { host: [localhost, 127.0.0.1, api.example], port: any } } }\n';
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(more: Partial<ProxyConfiguration>) {
  const said: FromProxy[] = [];
  const service = new ProxyService((message) => said.push(message));
  closing.push(() => service.stop(0));
  const configure = (wanted: Partial<ProxyConfiguration>) =>
    service.handle({
      type: 'configure',
      configuration: {
        version: 1,
        listen: { host: '127.0.0.1', port: 0 },
        clients: [{ label: 'claude', token: TOKEN }],
        open: undefined,
        ca,
        upstreamCa: [originCa.cert],
        policy: ANY,
        secrets: [],
        record: false,
        wiringJournal: undefined,
        ...wanted,
      },
    });
  await configure(more);
  const listening = said.find((message) => message.type === 'listening');
  return { said, service, configure, port: listening?.port ?? 0, openPort: listening?.openPort ?? 0 };
}

const plain = async (port: number, host: string, auth = `Proxy-Authorization: ${AUTH}\r\n`) => {
  const client = await connectRaw(port);
  closing.push(() => client.socket.destroy());
  return client.write(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n${auth}\r\n`).response(2);
};

describe('the port without authentication', () => {
  it('is not reached through the other, nor the other through it', async () => {
    const { port, openPort } = await start({ open: { label: 'sandbox', socketPath: undefined } });
    expect(await plain(port, `127.0.0.1:${openPort}`)).toMatch(/^HTTP\/1\.1 508 /);
    expect(await plain(openPort, `localhost:${port}`, '')).toMatch(/^HTTP\/1\.1 508 /);
    expect(await plain(openPort, `localhost:${openPort}`, '')).toMatch(/^HTTP\/1\.1 508 /);
  });

  it('takes SOCKS5 without a password, the other does not', async () => {
    const { port, openPort } = await start({ open: { label: 'sandbox', socketPath: undefined } });
    const origin = new RawOrigin();
    const at = await origin.listen();
    closing.push(() => origin.close());
    const open = await connectRaw(openPort);
    closing.push(() => open.socket.destroy());
    expect(await say(open, greeting(0), 2)).toEqual([5, 0]);
    expect((await say(open, request({ host: 'localhost', port: at }), 10))[1]).toBe(0);
    const closed = await connectRaw(port);
    expect(await say(closed, greeting(0), 2)).toEqual([5, 0xff]);
  });
});

it('starts both ports or none, and can be configured again', async () => {
  const held = net.createServer().listen(0, '127.0.0.1');
  await once(held, 'listening');
  const { port } = held.address() as net.AddressInfo;
  held.close();
  await once(held, 'close');
  const listen = { host: '127.0.0.1', port };
  const open = { label: 'sandbox', socketPath: '/nowhere/at-all/proxy.sock' };
  const { said, service, configure } = await start({ listen, open });
  expect(said).toMatchObject([{ type: 'failed', code: 'bad-configuration' }]);
  await expect(connectRaw(port)).rejects.toThrow('ECONNREFUSED');
  await configure({ listen, open: undefined });
  expect(said[1]).toMatchObject({ type: 'listening', port });
  await service.stop(0);
});

it('does not take the socket of the second port for a taken port', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-service-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const socketPath = path.join(folder, 'proxy.sock');
  const held = net.createServer().listen(socketPath);
  await once(held, 'listening');
  closing.push(() => held.close());
  const { said } = await start({ open: { label: 'sandbox', socketPath } });
  expect(said).toMatchObject([{ type: 'failed', code: 'bad-configuration' }]);
});

it('goes through the parent it is given, with the time-outs it is given', async () => {
  const origin = new RawOrigin(testLeaf(originCa, 'api.example'));
  const at = await origin.listen();
  const parent = new ParentProxyServer('http', () => at);
  const parentPort = await parent.listen();
  closing.push(
    () => origin.close(),
    () => parent.close(),
  );
  const url = `http://127.0.0.1:${parentPort}`;
  const { port } = await start({ parent: { url, noProxy: '', ca: [] }, timeouts: { headMs: 100 } });
  const client = await connectTls({ proxyPort: port, authority: 'api.example:443', auth: AUTH, ca: ca.cert });
  closing.push(() => client.socket.destroy());
  const get = 'GET / HTTP/1.1\r\nHost: api.example\r\n\r\n';
  expect(await client.write(get).response()).toMatch(/ 200 /);
  expect(parent.asked).toHaveLength(1);
  origin.onRequest = () => undefined;
  expect(await client.write(get).response(100)).toContain('head-timeout');
});

it('does not start with a parent that is none, and says so without its password', async () => {
  const { said } = await start({ parent: { url: 'ftp://me:hunter2@x.example', noProxy: '', ca: [] } });
  expect(said).toMatchObject([{ type: 'failed', code: 'bad-configuration' }]);
  expect(JSON.stringify(said)).not.toContain('hunter2');
});

it('reads the files of the policy in its folder, and says which rule has none', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-service-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const lab = testAuthority('lab');
  const origin = new RawOrigin(testLeaf(lab));
  const at = await origin.listen();
  closing.push(() => origin.close());
  const policy =
    '- { type: allow, addresses: any, description: Lab, upstream: { ca: lab.pem }, condition: { match: { host: localhost, port: any } } }\n';
  const { said, service, port } = await start({ folder, policy });
  expect(said[0]).toMatchObject({ type: 'log', level: 'error' });
  expect(JSON.stringify(said[0])).toContain('rule 1 \\"Lab\\"');
  const ask = async () => {
    const client = await connectTls({ proxyPort: port, authority: `localhost:${at}`, auth: AUTH, ca: ca.cert });
    closing.push(() => client.socket.destroy());
    return client.write(`GET / HTTP/1.1\r\nHost: localhost:${at}\r\n\r\n`).response();
  };
  expect(await ask()).toContain('upstream-file');
  writeFileSync(path.join(folder, 'lab.pem'), lab.cert);
  // A file that changed counts when the policy is given anew, not before.
  expect(await ask()).toContain('upstream-file');
  await service.handle({ type: 'policy', text: policy });
  expect(await ask()).toMatch(/ 200 /);
});

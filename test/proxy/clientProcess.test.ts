// Who is at the other end: the process behind a connection is shown with its flows, and the way in without a token is for the
// user that runs the proxy alone. Real processes, real proc file system.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Flow } from '../../src/core/flows/flow';
import { ClientProcesses } from '../../src/proxy/clientProcess';
import { ProxyService } from '../../src/proxy/service';
import { PROTOCOL_VERSION, type FromProxy, type ProxyConfiguration } from '../../src/protocol/proxyMessages';
import { testAuthority } from '../support/pki';
import { AUTH, TOKEN } from '../support/wire';

const linux = process.platform === 'linux';
const services: ProxyService[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(services.splice(0).map((service) => service.stop(0)));
});

async function start(
  open: ProxyConfiguration['open'],
): Promise<{ port: number; openPort: number | undefined; flows: Flow[] }> {
  const flows: Flow[] = [];
  const messages: FromProxy[] = [];
  const service = new ProxyService((message) => {
    messages.push(message);
    if (message.type === 'flows') flows.push(...message.flows);
  });
  services.push(service);
  await service.handle({
    type: 'configure',
    configuration: {
      version: PROTOCOL_VERSION,
      listen: { host: '127.0.0.1', port: 0 },
      clients: [{ label: 'claude', token: TOKEN }],
      open,
      ca: testAuthority('process test'),
      upstreamCa: [],
      policy: 'version: 1\nmode: enforce\nrules: []\n',
      secrets: [],
      record: true,
      wiringJournal: undefined,
      folder: undefined,
      parent: undefined,
      timeouts: undefined,
    } as unknown as ProxyConfiguration,
  });
  const listening = messages.find((message) => message.type === 'listening');
  if (listening?.type !== 'listening') throw new Error(JSON.stringify(messages));
  return { port: listening.port, openPort: listening.openPort, flows };
}

/** A process that asks for a refused host and stays, so that it can be found. Prints the first line of the answer. */
function client(port: number | string, auth = '', uid?: number): { child: ChildProcess; answer: Promise<string> } {
  const script = `
    const socket = require('node:net').connect(${JSON.stringify(port)});
    socket.on('error', (error) => console.log('error ' + error.code));
    socket.on('data', (bytes) => console.log(bytes.toString().split('\\r\\n')[0]));
    socket.on('close', () => console.log('closed'));
    socket.write('GET http://refused.example/ HTTP/1.1\\r\\nHost: refused.example\\r\\n${auth}\\r\\n');
    setTimeout(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ['-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
    cwd: '/',
  });
  children.push(child);
  return { child, answer: once(child.stdout, 'data').then(([bytes]) => String(bytes).trim().split('\n')[0]!) };
}

describe.runIf(linux)('the process behind a flow', () => {
  it('is shown by id and name, never with its arguments', async () => {
    const { port, flows } = await start(undefined);
    const { child, answer } = client(port, `Proxy-Authorization: ${AUTH}\\r\\n`);
    expect(await answer).toBe('HTTP/1.1 403 Forbidden');
    while (!flows.at(-1)?.process) await new Promise((resolve) => setImmediate(resolve));
    expect(flows.at(-1)).toMatchObject({
      agent: 'claude',
      process: { pid: child.pid },
    });
    expect(JSON.stringify(flows)).not.toContain('setTimeout');
  });

  it('is not known where there is no proc file system, and nothing else changes', async () => {
    const processes = new ClientProcesses('/nowhere');
    const peer = processes.find(1, 2);
    expect(await processes.uidOf(1, 2)).toBeUndefined();
    expect(peer.process).toBeUndefined();
  });
});

describe.runIf(linux)('the way in without a token', () => {
  it('serves our own user, under its label', async () => {
    const { openPort, flows } = await start({ label: 'sandbox', socketPath: undefined });
    expect(await client(openPort!).answer).toBe('HTTP/1.1 403 Forbidden');
    while (flows.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(flows[0]!.agent).toBe('sandbox');
  });

  it.runIf(process.getuid?.() === 0)('closes on another user of the machine, before a byte is read', async () => {
    const { port, openPort } = await start({ label: 'sandbox', socketPath: undefined });
    expect(await client(openPort!, '', 65_534).answer).toMatch(/^(closed|error)/);
    // The port with a token does not care who has it.
    expect(await client(port, `Proxy-Authorization: ${AUTH}\\r\\n`, 65_534).answer).toBe('HTTP/1.1 403 Forbidden');
  });

  it('is a Unix socket for its owner alone, where the sandbox can use one', async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-socket-'));
    const socketPath = path.join(directory, 'proxy.sock');
    const { openPort } = await start({ label: 'sandbox', socketPath });
    expect(openPort).toBeUndefined();
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(await client(socketPath).answer).toBe('HTTP/1.1 403 Forbidden');
    rmSync(directory, { recursive: true, force: true });
  });
});

it('a connection that is gone before it was looked up harms nothing', async () => {
  const { port } = await start({ label: 'sandbox', socketPath: undefined });
  for (let i = 0; i < 20; i++)
    net
      .connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .destroy();
  const { answer } = client(port, `Proxy-Authorization: ${AUTH}\\r\\n`);
  expect(await answer).toBe('HTTP/1.1 403 Forbidden');
});

// Who is at the other end: the process behind a connection is shown with its flows, and the way in without a token is for the
// user that runs the proxy alone. Real processes, real proc file system.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

async function start(open: ProxyConfiguration['open']) {
  const flows: Flow[] = [];
  const looking: (() => void)[] = [];
  const messages: FromProxy[] = [];
  const service = new ProxyService((message) => {
    messages.push(message);
    if (message.type !== 'flows') return;
    flows.push(...message.flows);
    for (const look of looking.splice(0)) look();
  });
  const seen = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => looking.push(resolve));
  };
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
  return { port: listening.port, openPort: listening.openPort, flows, seen };
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
    const { port, flows, seen } = await start(undefined);
    const { child, answer } = client(port, `Proxy-Authorization: ${AUTH}\\r\\n`);
    expect(await answer).toBe('HTTP/1.1 403 Forbidden');
    await seen(() => flows.at(-1)?.process !== undefined);
    expect(flows.at(-1)).toMatchObject({
      agent: 'claude',
      process: { pid: child.pid },
    });
    expect(JSON.stringify(flows)).not.toContain('setTimeout');
  });

  it('is not known where there is no proc file system, and nothing else changes', async () => {
    const processes = new ClientProcesses('/nowhere');
    const ends = { client: { host: '127.0.0.1', port: 1 }, own: { host: '127.0.0.1', port: 2 } };
    const peer = processes.find(ends);
    expect(await processes.uidOf(ends)).toBeUndefined();
    expect(peer.process).toBeUndefined();
  });
});

it('tells two connections apart that have the same ports', async () => {
  const proc = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-proc-'));
  mkdirSync(path.join(proc, 'net'));
  const row = (local: string, remote: string, uid: number) =>
    `   0: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000  ${uid}        0 ${uid}7 1 0000000000000000 20 4 30 10 -1\n`;
  // As a little-endian machine writes them; port 0x9C40 is 40000, 0x1F90 is 8080.
  writeFileSync(
    path.join(proc, 'net/tcp'),
    `  sl  local_address rem_address\n${row('0300007F:9C40', '0100007F:1F90', 1001)}${row('0100007F:9C40', '0200007F:1F90', 1000)}`,
  );
  writeFileSync(
    path.join(proc, 'net/tcp6'),
    row('0000000000000000FFFF00000100007F:9C41', '0000000000000000FFFF00000100007F:1F90', 1002),
  );
  const processes = new ClientProcesses(proc);
  const uid = (host: string, port: number, own = '127.0.0.1') =>
    processes.uidOf({ client: { host, port }, own: { host: own, port: 8080 } });
  if (os.endianness() === 'LE') {
    expect(await uid('127.0.0.3', 40000)).toBe(1001);
    expect(await uid('127.0.0.1', 40000)).toBeUndefined();
    expect(await uid('127.0.0.1', 40000, '127.0.0.2')).toBe(1000);
    expect(await uid('127.0.0.1', 40001)).toBe(1002);
  }
  rmSync(proc, { recursive: true });
});

describe.runIf(linux)('the way in without a token', () => {
  it('serves our own user, under its label', async () => {
    const { openPort, flows, seen } = await start({ label: 'sandbox', socketPath: undefined });
    expect(await client(openPort!).answer).toBe('HTTP/1.1 403 Forbidden');
    await seen(() => flows.length > 0);
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

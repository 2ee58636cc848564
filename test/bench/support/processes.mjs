// Child processes of bench and conformance: started pinned to a core where that is possible, watched, ended with their
// descendants, by process id.
import { execFileSync, spawn } from 'node:child_process';
import net from 'node:net';
import os from 'node:os';
import { findProgram } from '../../../scripts/debian.mjs';
import { processTree } from './procfs.mjs';

const LOG_CHARACTERS = 4_000;
const START_TIMEOUT_MS = 30_000;
const running = new Set();

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether core 0 can be given to the proxy and core 1 to origin and load. */
export const canPin = (() => {
  if (os.cpus().length < 2 || !findProgram('taskset')) return false;
  try {
    for (const core of ['0', '1']) execFileSync('taskset', ['-c', core, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;
export const pinned = (core, command, args) =>
  canPin && core !== undefined ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];

/** `{child, log(), ended}`; `ended` is undefined while it lives. */
export function startProcess(command, args, { env = {}, core, cwd } = {}) {
  const [file, all] = pinned(core, command, args);
  const child = spawn(file, all, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const handle = { child, pid: child.pid, ended: undefined, log: () => log };
  let log = '';
  const keep = (text) => (log = (log + text).slice(-LOG_CHARACTERS));
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  child.stdin.on('error', () => undefined);
  running.add(handle);
  const end = (how) => {
    handle.ended ??= how;
    running.delete(handle);
  };
  child.on('error', (error) => {
    keep(String(error));
    end('did not start');
  });
  child.on('exit', (code, signal) => end(`exit ${code ?? signal}`));
  handle.gone = new Promise((resolve) => child.once('close', resolve));
  return handle;
}

export async function stopProcess(handle, graceMs = 1_000) {
  if (!handle || handle.ended !== undefined) return;
  const members = processTree(handle.pid);
  handle.child.kill('SIGTERM');
  await Promise.race([handle.gone, pause(graceMs)]);
  for (const member of members) {
    try {
      process.kill(member, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
  await handle.gone;
}

process.on('exit', () => {
  for (const handle of running) {
    for (const member of processTree(handle.pid)) {
      try {
        process.kill(member, 'SIGKILL');
      } catch {
        // it has ended
      }
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

const answers = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Until something listens on the port. Throws when the process ends before, or never listens. */
export async function waitForPort(port, handle) {
  const from = performance.now();
  while (performance.now() - from < START_TIMEOUT_MS) {
    if (handle.ended !== undefined) throw new Error(`${handle.ended}: ${handle.log()}`);
    if (await answers(port)) return;
    await pause(1);
  }
  throw new Error(`nothing listens: ${handle.log()}`);
}

/** Ports that are free now, all different. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve, reject) => {
          const server = net.createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

// h2load as the generator of small requests: in C, so that it does not bound what it measures. Through CONNECT by a preloaded
// shim (connectPreload.c), compiled on the spot: a forwarding process of ours would cost more than some of the peers.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePrograms, findProgram } from '../../../scripts/debian.mjs';
import { ORIGIN } from '../support/names.mjs';
import { LOAD_CORE, pause, startProcess, stopProcess } from '../support/processes.mjs';
import { summary } from '../support/statistics.mjs';

const source = fileURLToPath(new URL('connectPreload.c', import.meta.url));

/** `{shim}` when h2load can be had, else `{missing: why}`. */
export function prepareH2load(directory) {
  if (process.platform !== 'linux') return { missing: 'h2load is used on Linux only' };
  const missing = ensurePrograms({ h2load: 'nghttp2-client', cc: 'gcc' });
  if (missing.length > 0) return { missing: `${missing.join(' and ')} not installed` };
  const shim = path.join(directory, 'connectPreload.so');
  try {
    execFileSync(findProgram('cc'), ['-shared', '-fPIC', '-O2', '-o', shim, source, '-ldl'], { stdio: 'pipe' });
  } catch (error) {
    return { missing: `the CONNECT shim does not compile: ${String(error.stderr).split('\n')[0]}` };
  }
  return { shim };
}

/** `{requests, failed, rps, latency}` of `seconds`; latencies in ms. */
export async function runH2load({ shim, directory, route, connections, streams = 1, seconds, http2 = false }) {
  const log = path.join(directory, 'h2load.log');
  writeFileSync(log, '');
  const authority = `${ORIGIN}:${route.originPort}`;
  // The name resolves nowhere: h2load dials an address of its own in either case, and the shim takes it from there.
  const args = [
    ...['-c', connections, '-m', streams, '-t', 1, '-D', `${Math.round(seconds * 1_000)}ms`, `--log-file=${log}`],
    ...['-H', `authorization: ${route.credential}`, ...(http2 ? [] : ['--h1'])],
    `--connect-to=127.0.0.1:${route.connect ? route.originPort : route.port}`,
    `https://${authority}/auth`,
  ].map(String);
  const env = route.connect
    ? {
        LD_PRELOAD: shim,
        BENCH_TARGET_PORT: String(route.originPort),
        BENCH_PROXY_PORT: String(route.port),
        BENCH_AUTHORITY: authority,
      }
    : {};
  const handle = startProcess(findProgram('h2load'), args, { core: LOAD_CORE, env, cwd: directory });
  await Promise.race([handle.gone, pause((seconds + 5) * 1_000)]);
  await stopProcess(handle);
  const result = readLog(log);
  if (result.requests === 0) throw new Error(`h2load had no answer: ${handle.log().slice(-300)}`);
  return result;
}

/** One line a request: start in µs, status, duration in µs. */
function readLog(file) {
  const latencies = [];
  let failed = 0;
  let first = Infinity;
  let last = 0;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const [start, status, duration] = line.split('\t').map(Number);
    if (status !== 200) {
      failed++;
      continue;
    }
    first = Math.min(first, start);
    last = Math.max(last, start + duration);
    latencies.push(duration / 1_000);
  }
  const requests = latencies.length;
  return { requests, failed, rps: requests / ((last - first) / 1e6), latency: summary(latencies) };
}

// The workloads. Each measures one peer and yields rows `{variant, …figures}`; report.mjs says what the figures mean.
//   fresh   it needs a process with no past: names never seen, or memory figures
//   run(bench) yields its rows one by one: what was measured before a failure counts. `bench`: see run.mjs
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { ensurePrograms, findProgram } from '../../scripts/debian.mjs';
import { runH2load } from './load/h2load.mjs';
import { metered } from './meter.mjs';
import { ORIGIN } from './support/names.mjs';
import { pause, pinned, LOAD_CORE } from './support/processes.mjs';
import { peakResidentBytes, resetPeak, residentBytes } from './support/procfs.mjs';

const MIB = 1_048_576;
const perThousand = ({ proxyCpu, requests }) => (proxyCpu * 1e6) / requests; // CPU ms per 1,000 requests

async function* smallRequests(bench) {
  const route = bench.route('small');
  const load = (connections, seconds) =>
    bench.h2load
      ? runH2load({ ...bench.h2load, directory: bench.directory, route, connections, seconds })
      : bench.generate({ mode: 'small', ...route, connections, seconds });
  for (const connections of [1, 16, 64]) {
    // A peer that is too slow to answer while it warms up is measured all the same.
    await load(connections, bench.amount.warmSeconds).catch(() => undefined);
    const row = await metered(bench, () => load(connections, bench.amount.seconds));
    yield { variant: connections, ...row, cpu: perThousand(row), rss: bench.rss() };
  }
}

async function* http2Client(bench) {
  if (!bench.h2load) throw new Error(`not measured: ${bench.h2loadMissing}`);
  if (!bench.peer.http2) return;
  const options = {
    ...bench.h2load,
    directory: bench.directory,
    route: bench.route('small'),
    connections: 4,
    streams: 16,
    http2: true,
  };
  await runH2load({ ...options, seconds: bench.amount.warmSeconds });
  const row = await metered(bench, () => runH2load({ ...options, seconds: bench.amount.seconds }));
  yield { variant: '4 × 16', ...row, cpu: perThousand(row), rss: bench.rss() };
}

async function* newConnections(bench) {
  const run = (count, width) => bench.generate({ mode: 'newConnections', ...bench.route('small'), count, width });
  await run(20, 4);
  for (const width of [1, 8]) {
    const row = await metered(bench, () => run(bench.amount.newConnections, width));
    yield { variant: width, ...row, cpu: perThousand(row) };
  }
}

async function* coldHosts(bench) {
  const route = bench.route('small');
  await bench.generate({ mode: 'newConnections', ...route, count: 10, width: 2 });
  let offset = 0;
  for (const width of [1, 10]) {
    const row = await metered(bench, () => {
      const options = { mode: 'coldHosts', ...route, count: bench.amount.coldHosts, width, offset };
      offset += bench.amount.coldHosts; // a repeated measurement needs new names too
      return bench.generate(options);
    });
    yield { variant: width, ...row, cpu: perThousand(row) };
  }
}

/** curl carries the bytes: a Node client would share the load core with the origin and bound the faster peers. */
async function* transfer(bench) {
  if (ensurePrograms({ curl: 'curl' }).length > 0) throw new Error('not measured: curl is not installed');
  const route = bench.route('streams');
  const bytes = bench.amount.mebibytes * MIB;
  const base = `https://${ORIGIN}:${route.originPort}`;
  const common = [
    ...['--silent', '--show-error', '--http1.1', '--output', '/dev/null', '--max-time', '120'],
    ...['--write-out', '%{json}', '--cacert', bench.caBundle(), '--header', `Authorization: ${route.credential}`],
    ...(route.connect ? ['--proxy', `http://127.0.0.1:${route.port}`] : ['--connect-to', `::127.0.0.1:${route.port}`]),
  ];
  const curl = (args) => {
    const [file, all] = pinned(LOAD_CORE, findProgram('curl'), [...common, ...args]);
    return JSON.parse(execFileSync(file, all, { encoding: 'utf8', maxBuffer: 16 * MIB }));
  };
  curl([`${base}/bytes?n=${8 * MIB}`]);
  const directions = {
    down: [`${base}/bytes?n=${bytes}`],
    up: ['--upload-file', bench.uploadFile(bytes), '--header', 'Expect:', `${base}/upload`],
  };
  for (const [variant, args] of Object.entries(directions)) {
    const row = await metered(bench, async () => {
      if (bench.proxy) resetPeak(bench.proxy.pid);
      const answer = curl(args);
      const moved = variant === 'down' ? answer.size_download : answer.size_upload;
      if (answer.http_code !== 200 || moved !== bytes)
        throw new Error(`${variant}: ${moved} bytes, ${answer.errormsg}`);
      const rate = variant === 'down' ? answer.speed_download : answer.speed_upload;
      return { requests: 1, rate: rate / 1e6, peak: bench.proxy ? peakResidentBytes(bench.proxy.pid) / MIB : NaN };
    });
    yield { variant, ...row, cpu: row.proxyCpu / (bytes / 1e9) };
  }
}

async function* events(bench) {
  const run = (streams, count, everyMs) =>
    bench.generate({ mode: 'events', ...bench.route('streams'), streams, count, everyMs });
  await run(1, 5, 5);
  const row = await metered(bench, () => run(bench.amount.eventStreams, 20, 20));
  yield { variant: '20 ms apart', ...row };
}

async function* idleStreams(bench) {
  const route = bench.route('streams');
  await bench.generate({ mode: 'events', ...route, streams: 1, count: 3, everyMs: 2 });
  const before = bench.rss();
  let standing;
  let withStreams;
  const result = await bench.generate({ mode: 'idle', ...route, count: bench.amount.idleStreams }, async (message) => {
    standing = message.standing;
    await pause(1_000); // garbage of the handshakes
    withStreams = bench.rss();
  });
  await pause(1_000);
  yield {
    variant: bench.amount.idleStreams,
    ...result,
    standing,
    before,
    withStreams,
    perStream: ((withStreams - before) * 1_024) / standing,
    after: bench.rss(),
  };
}

export const WORKLOADS = [
  { name: 'small', run: smallRequests },
  { name: 'http2', run: http2Client },
  { name: 'connections', run: newConnections },
  { name: 'cold', run: coldHosts, fresh: true },
  { name: 'transfer', run: transfer, fresh: true },
  { name: 'events', run: events },
  { name: 'idle', run: idleStreams, fresh: true },
  // Measured at every start of a peer, by run.mjs.
  { name: 'start', run: async function* () {}, fresh: true },
];

export const residentMiB = (process) => (process ? residentBytes(process.pid) / MIB : NaN);

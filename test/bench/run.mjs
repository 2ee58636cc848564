// `npm run bench`: the product beside its peers, in one run on this machine. See options.mjs for the options, report.mjs for the
// document, targets.mjs for what the product must reach.
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, ftruncateSync } from 'node:fs';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePrograms } from '../../scripts/debian.mjs';
import { buildAll, ensureDependencies, root } from '../../scripts/setup.mjs';
import { describeMachine } from './machine.mjs';
import { prepareH2load } from './load/h2load.mjs';
import { microBenches } from './micro/run.mjs';
import { readOptions } from './options.mjs';
import { nginxOrigin } from './origins/nginx.mjs';
import { findPeers, preparePeers, routeThrough } from './peers/index.mjs';
import { report } from './report.mjs';
import { writeDocument } from './support/document.mjs';
import { bearer, REAL } from './support/names.mjs';
import { makePki } from './support/pki.mjs';
import * as processes from './support/processes.mjs';
import { residentMiB } from './workloads.mjs';

const GENERATOR = fileURLToPath(new URL('load/generator.mjs', import.meta.url));
const NODE_ORIGIN = fileURLToPath(new URL('origins/node.mjs', import.meta.url));
const GENERATOR_TIMEOUT_MS = 120_000;

const options = readOptions(process.argv.slice(2));
await ensureDependencies();
await buildAll();
const { present: peers, missing } = preparePeers(findPeers(options.peers));
for (const { peer, reason } of missing) console.error(`peer missing: ${peer.name}: ${reason}`);

const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const pki = await makePki(path.join(directory));
const prepared = prepareH2load(directory);
if (prepared.missing) console.error(`no h2load (${prepared.missing}): the Node generator makes the small requests`);
const ports = await originPorts();
await startOrigins();

const rows = [];
const failures = [];
const errorText = (error) =>
  String(error?.message ?? error)
    .replaceAll(root, '.')
    .replaceAll(directory, '')
    .slice(0, 300);

for (let round = 0; round < options.amount.rounds; round++) {
  // Another order each round: what drifts on the machine does not always hit the same peer.
  const shift = Math.floor((round * peers.length) / options.amount.rounds);
  for (const peer of [...peers.slice(shift), ...peers.slice(0, shift)]) await measurePeer(peer, round);
}
const micro = options.micro ? await microBenches(directory) : undefined;

const text = report({ rows, failures, missing, micro, peers, options, machine: describeMachine(prepared) });
const artifacts = path.join(root, 'artifacts/bench');
mkdirSync(artifacts, { recursive: true });
writeFileSync(path.join(artifacts, 'results.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
console.log(`\n${text}`);
const out =
  options.out ?? (options.complete ? path.join(root, 'docs/benchmarks.md') : path.join(artifacts, 'benchmarks.md'));
await writeDocument(out, text);
console.error(`written to ${path.relative(root, out)}`);
process.exit(failures.length === 0 ? 0 : 1);

async function originPorts() {
  const [small, streams] = await processes.freePorts(2);
  return { small, streams };
}

async function startOrigins() {
  const nodeOrigin = (port) => [
    process.execPath,
    [NODE_ORIGIN, port, pki.originCert, pki.originKey, bearer(REAL)].map(String),
  ];
  const small =
    ensurePrograms({ nginx: 'nginx-light' }).length === 0
      ? nginxOrigin({ directory: path.join(directory, 'origin'), port: ports.small, pki })
      : nodeOrigin(ports.small);
  for (const [port, [command, args]] of [
    [ports.small, small],
    [ports.streams, nodeOrigin(ports.streams)],
  ])
    await processes.waitForPort(port, processes.startProcess(command, args, { core: processes.LOAD_CORE }));
}

/** All workloads of one peer in one round. `bench` is what a workload sees. */
async function measurePeer(peer, round) {
  const bench = {
    peer,
    amount: options.amount,
    retries: options.amount.retries,
    directory,
    h2load: prepared.shim ? prepared : undefined,
    h2loadMissing: prepared.missing,
    proxy: undefined,
    route: (origin) =>
      routeThrough(peer, {
        proxyPort: bench.port,
        reversePort: origin === 'small' ? bench.port : bench.reverseStreams,
        originPort: ports[origin],
      }),
    rss: () => residentMiB(bench.proxy),
    caFiles: () => [pki.originCa, ...(peer.ca ? [peer.ca(bench.peerDirectory, pki)] : [])],
    caBundle() {
      const file = path.join(directory, 'trusted.pem');
      writeFileSync(
        file,
        bench
          .caFiles()
          .map((name) => readFileSync(name, 'utf8'))
          .join('\n'),
      );
      return file;
    },
    uploadFile(bytes) {
      const file = path.join(directory, `upload-${bytes}`);
      if (existsSync(file)) return file;
      const descriptor = openSync(file, 'w');
      ftruncateSync(descriptor, bytes); // sparse: zeros
      closeSync(descriptor);
      return file;
    },
    generate: (argument, onStanding) => generate({ ...argument, ca: bench.caFiles() }, onStanding),
  };
  const record = (workload, row) => rows.push({ workload, peer: peer.name, round, ...row });
  const fail = (workload, error) => {
    const how = bench.proxy?.ended === undefined ? '' : ` (the proxy ended: ${bench.proxy.ended})`;
    failures.push({ workload, peer: peer.name, error: errorText(error) + how });
    console.error(`FAILED ${peer.name} ${workload}: ${errorText(error)}${how}`);
  };
  for (const workload of options.workloads) {
    const from = performance.now();
    try {
      if (peer.launch && (workload.fresh || !bench.proxy || bench.proxy.ended !== undefined)) {
        await processes.stopProcess(bench.proxy);
        record('start', await launch(peer, bench));
      }
      for await (const row of workload.run(bench)) {
        record(workload.name, row);
        const errors = Object.entries(row.errors ?? {});
        if (row.failed > 0) errors.push([`${row.failed} answers were not 200`, 1]);
        for (const [error, count] of errors) fail(workload.name, `${error} (× ${count})`);
      }
    } catch (error) {
      fail(workload.name, error);
    }
    const seconds = ((performance.now() - from) / 1_000).toFixed(1);
    console.error(`round ${round + 1} ${peer.name.padEnd(16)} ${workload.name.padEnd(12)} ${seconds.padStart(6)} s`);
  }
  await processes.stopProcess(bench.proxy);
}

/** Starts a peer with an empty folder; ms until it listens, its CA included where it makes one. */
async function launch(peer, bench) {
  [bench.port, bench.reverseStreams] = await processes.freePorts(2);
  bench.peerDirectory = path.join(directory, peer.name);
  rmSync(bench.peerDirectory, { recursive: true, force: true });
  const where = {
    port: bench.port,
    directory: bench.peerDirectory,
    pki,
    ports: { ...ports, reverseStreams: bench.reverseStreams },
  };
  const { command, args, env } = peer.launch(where);
  const from = performance.now();
  bench.proxy = processes.startProcess(command, args, { core: processes.PROXY_CORE, env });
  await processes.waitForPort(bench.port, bench.proxy);
  const ms = performance.now() - from;
  await processes.pause(300); // what it still does after it listens is not what the first workload measures
  return { variant: '', ms, rss: bench.rss() };
}

async function generate(argument, onStanding) {
  const handle = processes.startProcess(process.execPath, [GENERATOR, JSON.stringify(argument)], {
    core: processes.LOAD_CORE,
  });
  let text = '';
  handle.child.stdout.on('data', (piece) => {
    text += piece;
    if (!onStanding || !text.includes('\n') || !text.startsWith('{"standing"')) return;
    const message = JSON.parse(text.slice(0, text.indexOf('\n')));
    text = '';
    onStanding(message).then(() => handle.child.stdin.write('go\n'));
  });
  await Promise.race([handle.gone, processes.pause(GENERATOR_TIMEOUT_MS)]);
  if (handle.ended === undefined) {
    await processes.stopProcess(handle);
    throw new Error(`no result within ${GENERATOR_TIMEOUT_MS / 1_000} s`);
  }
  const line = text.trim().split('\n').at(-1);
  if (!line?.startsWith('{')) throw new Error(`generator: ${handle.log().slice(-300)}`);
  return JSON.parse(line);
}

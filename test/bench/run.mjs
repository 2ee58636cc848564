// `npm run bench`: the product beside its peers, in one run on this machine, every request through the rewriting hook.
// `-- --quick` one round; `-- --rounds N --seconds S --connections 1,16,64 --peers a,b`. Compare within one run only.
import { execFileSync, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { ensureDependencies, root } from '../../scripts/setup.mjs';

const here = path.join(root, 'test/bench');
const option = (name, fallback) =>
  process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : fallback;
const quick = process.argv.includes('--quick');
const rounds = Number(option('rounds', quick ? 1 : 3));
const seconds = Number(option('seconds', quick ? 2 : 4));
const counts = option('connections', '1,16,64').split(',').map(Number);

await ensureDependencies();
execFileSync(process.execPath, ['esbuild.mjs', 'proxy'], { cwd: root, stdio: 'inherit' });
const dir = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-bench-'));
await build({
  entryPoints: [path.join(root, 'test/support/pki.ts')],
  outfile: path.join(dir, 'pki.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const { testAuthority, testLeaf } = await import(path.join(dir, 'pki.mjs'));

const REAL = ['sk', 'bench', 'real', '0123456789abcdef0123456789abcdef'].join('-');
const DUMMY = ['sk', 'bench', 'fake', 'fedcba9876543210fedcba9876543210'].join('-');
const originCa = testAuthority('bench origin CA');
const proxyCa = testAuthority('bench proxy CA');
const originCert = testLeaf(originCa, 'localhost');
writeFileSync(path.join(dir, 'origin.pem'), originCert.cert);
writeFileSync(path.join(dir, 'origin.key'), originCert.key, { mode: 0o600 });
writeFileSync(path.join(dir, 'origin-ca.pem'), originCa.cert);

const pinned = (() => {
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' });
    return os.cpus().length > 1;
  } catch {
    return false;
  }
})();
const pin = (child, cpu) =>
  pinned && execFileSync('taskset', ['-a', '-p', '-c', String(cpu), String(child.pid)], { stdio: 'ignore' });

function start(file, args = [], env = {}, cpu = 0) {
  const child = fork(file, args, {
    execArgv: [],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: path.join(dir, 'origin-ca.pem'), ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  pin(child, cpu);
  return child;
}
const message = (child, wanted) => new Promise((resolve) => child.on('message', (m) => wanted(m) && resolve(m)));

const policy = `version: 1\nmode: enforce\nrules:\n  - type: block\n    condition: { match: { host: gist.example } }\n  - type: allow\n    addresses: any\n    condition: { match: { host: localhost, port: any } }\n`;
const peers = {
  direct: async () => ({ direct: true, token: REAL, ca: originCa.cert }),
  'node tunnel': async () => {
    const child = start(path.join(here, 'peers/nodeTunnel.mjs'));
    const { port } = await message(child, (m) => m.port);
    return { child, port, token: REAL, ca: originCa.cert };
  },
  'sandbox-agent': async () => {
    const child = start(path.join(root, 'dist/proxy.js'), [], { SANDBOX_AGENT_PROXY: '1' });
    await message(child, (m) => m.type === 'ready');
    const token = 'bench-token';
    const listening = message(child, (m) => m.type === 'listening' || m.type === 'failed');
    child.send({
      type: 'configure',
      configuration: {
        version: 1,
        listen: { host: '127.0.0.1', port: 0 },
        clients: [{ label: 'bench', token }],
        openLabel: undefined,
        ca: proxyCa,
        upstreamCa: [originCa.cert],
        policy,
        secrets: [{ name: 'BENCH_KEY', value: REAL, dummy: DUMMY, hosts: ['localhost'], in: ['header:authorization'] }],
        record: true,
        wiringJournal: undefined,
      },
    });
    const answer = await listening;
    if (answer.type === 'failed') throw new Error(answer.message);
    return {
      child,
      port: answer.port,
      token: DUMMY,
      ca: proxyCa.cert,
      auth: `Basic ${Buffer.from(`bench:${token}`).toString('base64')}`,
    };
  },
  'http-mitm-proxy': async () => {
    const child = start(path.join(here, 'peers/httpMitmProxy.mjs'), [dir, DUMMY, REAL]);
    const { port, ca } = await message(child, (m) => m.port);
    return { child, port, token: DUMMY, ca: readFileSync(ca, 'utf8') };
  },
};
const names = option('peers', Object.keys(peers).join(',')).split(',');

const origin = start(path.join(here, 'origin.mjs'), [dir, REAL], {}, 1);
const { port: originPort } = await message(origin, (m) => m.port);

function load(peer, connections) {
  const argument = JSON.stringify({
    port: peer.port,
    originPort,
    connections,
    seconds,
    warmup: seconds / 2,
    ca: peer.ca,
    token: peer.token,
    auth: peer.auth,
    direct: peer.direct,
  });
  const [command, args] = pinned ? ['taskset', ['-c', '1', process.execPath]] : [process.execPath, []];
  return JSON.parse(execFileSync(command, [...args, path.join(here, 'load.mjs'), argument], { encoding: 'utf8' }));
}
/** User and system time of the proxy process in ms (Linux; ticks of 10 ms), and its resident memory in MiB. */
function usage(child) {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
    return { cpu: (Number(fields[11]) + Number(fields[12])) * 10, rss: Number(rss[1]) / 1024 };
  } catch {
    return undefined;
  }
}

const results = new Map();
try {
  for (let round = 0; round < rounds; round++) {
    // Another order each round: what drifts on the machine does not always hit the same peer.
    const order = names.map((_, i) => names[(i + round) % names.length]);
    for (const name of order) {
      const peer = await peers[name]();
      for (const connections of counts) {
        const before = peer.child && usage(peer.child);
        const result = load(peer, connections);
        const after = peer.child && usage(peer.child);
        if (before && after)
          Object.assign(result, {
            cpuPer1000: (after.cpu - before.cpu) / ((result.rps * seconds * 1.5) / 1000),
            rss: after.rss,
          });
        const key = `${name} ${connections}`;
        results.set(key, [...(results.get(key) ?? []), result]);
        console.error(
          `round ${round + 1} ${key.padEnd(24)} ${result.rps.toFixed(0).padStart(7)} req/s  p50 ${result.p50?.toFixed(2)} ms  p99 ${result.p99?.toFixed(2)} ms${result.failed ? `  FAILED ${result.failed}` : ''}`,
        );
      }
      peer.child?.kill('SIGKILL');
    }
  }
} finally {
  origin.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}

const sorted = (values) => values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
const median = (values) => sorted(values)[Math.floor((sorted(values).length - 1) / 2)];
const figure = (key, field) => {
  const values = (results.get(key) ?? []).map((result) => result[field]);
  return values.length === 0 || median(values) === undefined
    ? undefined
    : { median: median(values), min: sorted(values)[0], max: sorted(values).at(-1) };
};
const show = (value, digits = 0) =>
  value ? `${value.median.toFixed(digits)} (${value.min.toFixed(digits)}–${value.max.toFixed(digits)})` : '–';
const lines = [
  '| peer | connections | req/s | × http-mitm-proxy | p50 ms | p50 added | p99 ms | CPU ms per 1,000 | RSS MiB |',
  '|---|---|---|---|---|---|---|---|---|',
];
for (const connections of counts) {
  for (const name of names) {
    const key = `${name} ${connections}`;
    const rps = figure(key, 'rps');
    const base = figure(`http-mitm-proxy ${connections}`, 'rps');
    const direct = figure(`direct ${connections}`, 'p50');
    const p50 = figure(key, 'p50');
    const factor = rps && base ? (rps.median / base.median).toFixed(1) : '–';
    const added = p50 && direct && name !== 'direct' ? (p50.median - direct.median).toFixed(2) : '–';
    lines.push(
      `| ${name} | ${connections} | ${show(rps)} | ${factor} | ${show(p50, 2)} | ${added} | ${show(figure(key, 'p99'), 2)} | ${show(figure(key, 'cpuPer1000'), 0)} | ${show(figure(key, 'rss'), 0)} |`,
    );
  }
}
const machine = `${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${os.platform()} ${os.release()}; ${pinned ? 'proxy on one core, origin and load on the other' : 'not pinned'}; ${rounds} rounds of ${seconds} s, medians (min–max)`;
const text = `# Benchmarks\n\nSmall requests (1 KiB answers) over kept-alive TLS connections, policy, injection, redaction and recording on; the peers rewrite\none header. Made by \`npm run bench\`; compare within one run only.\n\n${machine}\n\n${lines.join('\n')}\n`;
console.log(text);
if (!quick && names.length === Object.keys(peers).length) {
  mkdirSync(path.join(root, 'docs'), { recursive: true });
  writeFileSync(path.join(root, 'docs/benchmarks.md'), text);
}
const failed = [...results.values()].flat().reduce((sum, result) => sum + result.failed, 0);
process.exit(failed === 0 ? 0 : 1);

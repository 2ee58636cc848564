// The command line of the bench, and how much each workload does: in full, and with --quick.
import { parseArgs } from 'node:util';
import { PEERS } from './peers/index.mjs';
import { WORKLOADS } from './workloads.mjs';

const FULL = {
  rounds: 3,
  seconds: 3,
  warmSeconds: 1,
  newConnections: 300,
  coldHosts: 100,
  mebibytes: 256,
  eventStreams: 8,
  idleStreams: 1_000,
  retries: 3,
};
const QUICK = {
  rounds: 1,
  seconds: 1,
  warmSeconds: 0.3,
  newConnections: 60,
  coldHosts: 12,
  mebibytes: 64,
  eventStreams: 3,
  idleStreams: 200,
  retries: 0,
};

const HELP = `npm run bench -- [--quick] [--rounds N] [--seconds N] [--peers a,b] [--workloads a,b] [--out FILE]
  peers      ${PEERS.map(({ name }) => name).join(' ')}
  workloads  ${WORKLOADS.map(({ name }) => name).join(' ')} micro`;

/** `{peers, workloads, micro, amount, complete, out, quick}`; `complete`: nothing was left out, so docs may be written. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      peers: { type: 'string' },
      workloads: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const all = [...WORKLOADS.map(({ name }) => name), 'micro'];
  const names = values.workloads?.split(',') ?? all;
  for (const name of names) if (!all.includes(name)) throw new Error(`no workload "${name}": ${all.join(', ')}`);
  const amount = { ...(values.quick ? QUICK : FULL) };
  if (values.rounds !== undefined) amount.rounds = Number(values.rounds);
  if (values.seconds !== undefined) amount.seconds = Number(values.seconds);
  return {
    peers: values.peers?.split(',') ?? PEERS.map(({ name }) => name),
    workloads: WORKLOADS.filter(({ name }) => names.includes(name)),
    micro: names.includes('micro'),
    amount,
    quick: values.quick,
    complete: !values.quick && values.peers === undefined && values.workloads === undefined,
    out: values.out,
  };
}

// Rows → the Markdown document: the targets first, then one table a workload and variant, each cell a median with min–max.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { isDisturbed } from './meter.mjs';
import { PRODUCT } from './peers/index.mjs';
import { median } from './support/statistics.mjs';
import { isMet, TARGETS } from './targets.mjs';

const HTTP_MITM_PROXY = 'http-mitm-proxy';

/** Columns: [head, field] with median and range, or [head, {times: peer, of: field}], [head, {above: peer, of: field}]. */
const requestColumns = [
  ['requests/s', 'rps'],
  ['× http-mitm-proxy', { times: HTTP_MITM_PROXY, of: 'rps' }],
  ['p50 ms', 'latency.p50'],
  ['p50 added', { above: 'direct', of: 'latency.p50' }],
  ['p99 ms', 'latency.p99'],
  ['CPU ms per 1,000', 'cpu'],
  ['RSS MiB', 'rss'],
];
const connectionColumns = [
  ['request, p50 ms', 'total.p50'],
  ['× Node tunnel', { times: 'node-tunnel', of: 'total.p50' }],
  ['p99 ms', 'total.p99'],
  ['until TLS stands, p50 ms', 'open.p50'],
  ['CPU ms per 1,000', 'cpu'],
];
const TABLES = {
  small: { title: (variant) => `Small requests, kept-alive HTTP/1.1, ${variant} at a time`, columns: requestColumns },
  http2: {
    title: () => 'Small requests, HTTP/2 client, 4 connections × 16 streams (peers without HTTP/2 left out)',
    columns: requestColumns.map(([head, field]) =>
      head.startsWith('×') ? ['× Node tunnel', { times: 'node-tunnel', of: 'rps' }] : [head, field],
    ),
  },
  connections: {
    title: (variant) => `A new connection for every request, ${variant} at a time`,
    columns: connectionColumns,
  },
  cold: {
    title: (variant) => `First contact with hosts never seen, ${variant} at a time`,
    columns: [...connectionColumns, ['another connection meanwhile, p99 ms', 'probe.p99'], ['max ms', 'probe.max']],
  },
  transfer: {
    title: (variant, { mebibytes }) => `One body of ${mebibytes} MiB ${variant}`,
    columns: [
      ['MB/s', 'rate'],
      ['× nginx', { times: 'nginx', of: 'rate' }],
      ['peak RSS MiB', 'peak'],
      ['CPU s per GB', 'cpu'],
    ],
  },
  events: {
    title: () => 'Server-sent events, 20 ms apart',
    columns: [
      ['head, p50 ms', 'head.p50'],
      ['head after direct', { above: 'direct', of: 'head.p50' }],
      ['head, max ms', 'head.max'],
      ['delay of an event, p50 ms', 'delay.p50'],
      ['after direct', { above: 'direct', of: 'delay.p50' }],
      ['p99 ms', 'delay.p99'],
    ],
  },
  idle: {
    title: (variant) => `${variant} idle open streams, each on a connection of its own`,
    columns: [
      ['standing', 'standing'],
      ['RSS MiB before', 'before'],
      ['with them', 'withStreams'],
      ['after', 'after'],
      ['KiB a stream', 'perStream'],
    ],
  },
  start: {
    title: () => 'Process start to listening, making a CA included where the peer makes one',
    columns: [
      ['ms', 'ms'],
      ['× http-mitm-proxy', { times: HTTP_MITM_PROXY, of: 'ms' }],
      ['RSS MiB', 'rss'],
    ],
  },
};

export function report({ rows, failures, missing, micro = [], peers, options, machine }) {
  const values = (peer, workload, variant, field) =>
    rows
      .filter((row) => row.peer === peer && row.workload === workload && row.variant === variant)
      .map((row) => field.split('.').reduce((value, key) => value?.[key], row))
      .filter(Number.isFinite);
  const at = (...where) => median(values(...where));
  const variants = (workload) => [
    ...new Set(rows.filter((row) => row.workload === workload).map(({ variant }) => variant)),
  ];
  const microAt = (bench, variant) => micro.find((row) => row.bench === bench && row.variant === variant)?.value ?? NaN;

  const table = (workload, variant) => {
    const { title, columns } = TABLES[workload];
    const cell = (peer, field) => {
      if (typeof field === 'string') return range(values(peer, workload, variant, field));
      const other = at(field.times ?? field.above, workload, variant, field.of);
      const own = at(peer, workload, variant, field.of);
      if (field.times) return number(own / other);
      return peer === field.above ? '–' : number(own - other);
    };
    const body = peers
      .filter((peer) =>
        columns.some(
          ([, field]) => typeof field === 'string' && values(peer.name, workload, variant, field).length > 0,
        ),
      )
      .map((peer) => [peer.title, ...columns.map(([, field]) => cell(peer.name, field))]);
    return `### ${title(variant, options.amount)}\n\n${markdown(['peer', ...columns.map(([head]) => head)], body)}`;
  };

  const targetRows = [
    ...TARGETS.map((target) => {
      const figure = target.figure({ at, variants, micro: microAt });
      const [direction, bound, unit] = target.need;
      return [target.what, `${direction} ${bound} ${unit}`, number(figure), verdict(isMet(target, figure))];
    }),
    conformanceRow(),
  ];
  const measured = rows.filter(({ foreign }) => Number.isFinite(foreign));
  const { rounds, seconds } = options.amount;
  return [
    '# Benchmarks',
    'Made by `npm run bench`; do not edit. Compare within one run only: factors of 2 are firm, 20 % is nothing. Every cell is the median over the rounds, with the lowest and the highest in parentheses.',
    'The product runs with everything on: policy in enforce mode, injection, redaction and detection of five secrets, recording of every flow. The other intercepting proxies replace one header. To all of these and to nginx the client sends a dummy key, and the origin answers 200 only to the real one: only such answers count. nginx is a reverse proxy with a certificate made beforehand: the limit of ending TLS on both sides, not a drop-in peer. The Node tunnel reads nothing: the limit of carrying bytes in Node.',
    [
      ...machine,
      `${rounds} ${rounds === 1 ? 'round' : 'rounds'}, the order of the peers rotated; ${seconds} s a measurement of small requests`,
      `others took more than 15 % of a core in ${measured.filter(isDisturbed).length} of ${measured.length} measurements`,
      `peers: ${peers
        .filter((peer) => peer.version)
        .map((peer) => `${peer.name} ${peer.version()}`)
        .join(', ')}`,
      ...missing.map(({ peer, reason }) => `**missing: ${peer.name}** (${reason})`),
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
    '## What it must reach',
    markdown(['target', 'needed', 'measured', ''], targetRows),
    ...(failures.length > 0
      ? [
          '## What failed',
          markdown(
            ['peer', 'workload', 'error'],
            failures.map(({ peer, workload, error }) => [peer, workload, error.replace(/[|\n]/g, ' ')]),
          ),
        ]
      : []),
    '## Beside the peers',
    ...Object.keys(TABLES).flatMap((workload) => variants(workload).map((variant) => table(workload, variant))),
    ...(micro.length > 0
      ? [
          '## Inside the product',
          markdown(
            ['what', 'with', 'median'],
            micro.map(({ bench, variant, value, unit }) => [bench, variant, `${number(value)} ${unit}`]),
          ),
        ]
      : []),
  ]
    .join('\n\n')
    .concat('\n');
}

/** From the last `npm run conformance`, where there was one. */
function conformanceRow() {
  const file = path.join(root, 'artifacts/conformance.json');
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8'))[PRODUCT] : undefined;
  const what = 'conformance tests (`npm run conformance`, [conformance.md](conformance.md))';
  if (!results) return [what, 'all', '–', verdict(undefined)];
  const all = Object.values(results);
  const passed = all.filter(({ ok }) => ok).length;
  return [what, 'all', `${passed} of ${all.length}`, verdict(passed === all.length)];
}

const verdict = (met) => (met === undefined ? 'not measured' : met ? 'met' : '**missed**');

function number(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 10 ? 1 : 2);
}
const range = (all) =>
  all.length === 0
    ? '–'
    : all.length === 1
      ? number(all[0])
      : `${number(median(all))} (${number(Math.min(...all))}–${number(Math.max(...all))})`;

const markdown = (head, body) =>
  [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');

// What the product must reach, beside the peers of the same run. Each target computes its figure from `at(peer, workload,
// variant, field)`, the median over the rounds; NaN where something was not measured.
import { PRODUCT } from './peers/index.mjs';

const MAX = 'at most';
const MIN = 'at least';

const ratio = (at, peer, ...where) => at(PRODUCT, ...where) / at(peer, ...where);
const added = (at, ...where) => at(PRODUCT, ...where) - at('direct', ...where);
const worst = (...values) => (values.some(Number.isNaN) ? NaN : Math.max(...values));

export const TARGETS = [
  {
    what: 'small requests, 16 connections, × http-mitm-proxy',
    need: [MIN, 6, '×'],
    figure: ({ at }) => ratio(at, 'http-mitm-proxy', 'small', 16, 'rps'),
  },
  {
    what: 'small requests, 16 connections, × nginx',
    need: [MIN, 0.75, '×'],
    figure: ({ at }) => ratio(at, 'nginx', 'small', 16, 'rps'),
  },
  {
    what: 'p50 added to a small request (1 connection)',
    need: [MAX, 0.4, 'ms'],
    figure: ({ at }) => added(at, 'small', 1, 'latency.p50'),
  },
  {
    what: 'HTTP/2 client, × the Node tunnel',
    need: [MIN, 0.3, '×'],
    figure: ({ at }) => ratio(at, 'node-tunnel', 'http2', '4 × 16', 'rps'),
  },
  {
    what: 'first contact with a host (one at a time), × the Node tunnel',
    need: [MAX, 2, '×'],
    figure: ({ at }) => ratio(at, 'node-tunnel', 'cold', 1, 'total.p50'),
  },
  {
    what: 'p99 of another connection meanwhile (worse of 1 and 10 at a time)',
    need: [MAX, 20, 'ms'],
    figure: ({ at }) => worst(at(PRODUCT, 'cold', 1, 'probe.p99'), at(PRODUCT, 'cold', 10, 'probe.p99')),
  },
  {
    what: 'event stream: head after direct (p50)',
    need: [MAX, 1, 'ms'],
    figure: ({ at }) => added(at, 'events', '20 ms apart', 'head.p50'),
  },
  {
    what: 'event stream: delay of an event after direct (p50)',
    need: [MAX, 1, 'ms'],
    figure: ({ at }) => added(at, 'events', '20 ms apart', 'delay.p50'),
  },
  ...['down', 'up'].flatMap((direction) => [
    {
      what: `one large body ${direction}, × nginx`,
      need: [MIN, 0.8, '×'],
      figure: ({ at }) => ratio(at, 'nginx', 'transfer', direction, 'rate'),
    },
    {
      what: `one large body ${direction}, peak of resident memory`,
      need: [MAX, 100, 'MiB'],
      figure: ({ at }) => at(PRODUCT, 'transfer', direction, 'peak'),
    },
  ]),
  {
    what: 'an idle open stream',
    need: [MAX, 70, 'KiB'],
    figure: ({ at, variants }) => at(PRODUCT, 'idle', variants('idle')[0], 'perStream'),
  },
  { what: 'start to listening', need: [MAX, 200, 'ms'], figure: ({ at }) => at(PRODUCT, 'start', '', 'ms') },
  ...['a host each', 'all on one host'].map((shape) => ({
    what: `a decision with 1,000 rules, ${shape}`,
    need: [MAX, 10, 'µs'],
    figure: ({ micro }) => micro('decision', `1000 rules, ${shape}`),
  })),
  ...['redaction', 'detection'].map((bench) => ({
    what: `value ${bench}, 100 secrets in all encodings (the slowest of text, JSON, binary)`,
    need: [MIN, 500, 'MB/s'],
    figure: ({ micro }) => -worst(...['text', 'JSON', 'binary'].map((kind) => -micro(bench, `100 secrets, ${kind}`))),
  })),
  { what: 'a leaf certificate', need: [MAX, 3, 'ms'], figure: ({ micro }) => micro('leaf', 'new host') },
];

export function isMet({ need: [direction, bound] }, figure) {
  if (Number.isNaN(figure)) return undefined;
  return direction === MIN ? figure >= bound : figure <= bound;
}

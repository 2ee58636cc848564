// Measures the product's own functions, medians of several passes. argv: the bundle of run.mjs. Prints one JSON list.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { median } from '../support/statistics.mjs';

const source = createRequire(import.meta.url)(process.argv[2]);
const PASSES = 7;
const results = [];

function milliseconds(task) {
  const from = performance.now();
  task();
  return performance.now() - from;
}
/** The median of several passes after a warm-up one. */
function passes(task) {
  task();
  return median(Array.from({ length: PASSES }, () => milliseconds(task)));
}

// A decision. Rules as people write them: names, suffixes, methods, paths. The requests hit the first, the last and none.
const ruleText = (host, path) =>
  `  - type: allow\n    condition: { match: { host: "${host}", method: [GET, POST], path: "${path}" } }\n`;
const SHAPES = {
  'a host each': (index) =>
    ruleText(index % 3 === 0 ? `*.s${index}.example` : `api${index}.example`, `/v1/p${index}/**`),
  'all on one host': (index) => ruleText('api.example', `/v1/p${index}/**`),
};
const REQUESTS = {
  'a host each': (index) => [`${index % 3 === 0 ? `a.s${index}` : `api${index}`}.example`, `/v1/p${index}/items?x=1`],
  'all on one host': (index) => ['api.example', `/v1/p${index}/items?x=1`],
};
for (const [shape, rule] of Object.entries(SHAPES)) {
  for (const count of [10, 100, 1_000]) {
    const rules = Array.from({ length: count }, (_, index) => rule(index)).join('');
    const { policy } = source.parsePolicy(`version: 1\nmode: enforce\ndefault: block\nrules:\n${rules}`);
    const compiled = source.compilePolicy(policy);
    const requests = [0, Math.floor(count / 2), count - 1, count + 1].map((index) => {
      const [host, path] = REQUESTS[shape](index);
      return { scheme: 'https', host, port: 443, method: 'GET', path };
    });
    const decisions = Math.max(400, Math.round(400_000 / count));
    const ms = passes(() => {
      for (let i = 0; i < decisions; i++) compiled.evaluate(requests[i % requests.length]);
    });
    results.push({
      bench: 'decision',
      variant: `${count} rules, ${shape}`,
      value: (ms * 1_000) / decisions,
      unit: 'µs',
    });
  }
}

// Detection and redaction of 100 values in all their encodings, each over a stream of 64 KiB chunks that hold none of them.
const KIB = 1_024;
const token = (bytes) => randomBytes(bytes).toString('base64url');
const secrets = Array.from({ length: 100 }, (_, index) => {
  const tail = index % 4 === 0 ? '/+="&' : 'abcde'; // characters that every encoding writes its own way
  return {
    name: `KEY_${index}`,
    value: `sk-${token(24)}${tail}`,
    dummy: `sk-${token(24)}${tail}`,
    hosts: ['api.example'],
    in: ['header:authorization'],
  };
});
const words = 'the quick brown fox jumps over a lazy dog and returns 404 with an error message in JSON'.split(' ');
const sentence = () => Array.from({ length: 12 }, () => words[Math.floor(Math.random() * words.length)]).join(' ');
const fill = (piece) => {
  let text = '';
  while (text.length < 64 * KIB) text += piece();
  return Buffer.from(text.slice(0, 64 * KIB));
};
const CHUNKS = {
  text: () => fill(() => `${sentence()}.\n`),
  JSON: () =>
    fill(() => `${JSON.stringify({ id: token(12), index: Math.floor(Math.random() * 1e9), text: sentence() })},`),
  conversation: () =>
    fill(() => `${JSON.stringify({ role: 'user', content: `${sentence()}.\n\n"${sentence()}"\n\t${sentence()}` })},`),
  base64: () => Buffer.from(randomBytes(48 * KIB).toString('base64')),
  binary: () => randomBytes(64 * KIB),
};
// Detection as bodies go through it: behind the redactor.
const detector = source.createDetector(secrets, source.DECODERS);
const KINDS = {
  redaction: source.createRedactor(secrets),
  detection: { stream: () => detector.stream('redacted') },
};
for (const [bench, searcher] of Object.entries(KINDS)) {
  for (const [variant, makeChunk] of Object.entries(CHUNKS)) {
    const chunks = Array.from({ length: 64 }, makeChunk);
    const ms = passes(() => {
      const stream = searcher.stream();
      for (let round = 0; round < 4; round++) for (const chunk of chunks) stream.push(chunk);
      stream.end();
    });
    const megabytes = (chunks.length * 4 * 64 * KIB) / 1e6;
    results.push({ bench, variant: `100 secrets, ${variant}`, value: megabytes / (ms / 1_000), unit: 'MB/s' });
  }
}

// A leaf for a new host, its TLS context included.
const DAY_MS = 86_400_000;
const ca = source.makeAuthority('bench', new Date(Date.now() - DAY_MS), new Date(Date.now() + 30 * DAY_MS));
const store = new source.LeafStore(ca);
let host = 0;
const leaf = () => milliseconds(() => store.context(`h${host++}.bench.test`));
for (let i = 0; i < 20; i++) leaf();
results.push({ bench: 'leaf', variant: 'new host', value: median(Array.from({ length: 200 }, leaf)), unit: 'ms' });

console.log(JSON.stringify(results));

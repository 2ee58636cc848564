// How fast values are looked for: MB/s of the redactor of the product (core/secrets/redact) over 64 KiB chunks of several kinds
// of data, with 100 secrets of 40 characters in all their encodings. `node test/bench/micro/matcher.mjs`
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.join(import.meta.dirname, '../../..');
const CHUNK = 64 * 1024;
const CHUNKS = 64;
const SECRETS = 100;
const ROUND_MS = 400;
const ROUNDS = 5;

/** Numbers from 0 to 1, the same in every run. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = numbers(1);
const pick = (list) => list[Math.floor(random() * list.length)];
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const key = (length) => Array.from({ length }, () => pick(BASE62)).join('');
const WORDS =
  'the of and to in is that it was for on are as with his they be at one have this from or had by not word but what some we can out other were all there when up use your how said an each she which do their time if will way about many then them write would like so these her long make thing see him two has look more day could go come did number sound no most people my over know water than call first who may down side been now find any new work part take get place made live where after back little only round man year came show every good me give our under name very through just form sentence great think say help low line differ turn cause much mean before move right boy old too same tell does set three want air well also play small end put home read hand port large spell add even land here must big high such follow act why ask men change went light kind off need house picture try us again animal point mother world near build self earth father'.split(
    ' ',
  );
const text = () => {
  let out = '';
  while (out.length < CHUNK) out += `${pick(WORDS)}${random() < 0.1 ? '. ' : ' '}`;
  return out;
};
const json = () => {
  let out = '[';
  while (out.length < CHUNK)
    out +=
      JSON.stringify({
        id: Math.floor(random() * 1e9),
        type: pick(WORDS),
        delta: { text: `${pick(WORDS)} ${pick(WORDS)}` },
        ok: random() < 0.5,
        hash: key(8),
      }) + ',';
  return out;
};
const bytes = () => {
  const out = Buffer.alloc(CHUNK);
  for (let i = 0; i < CHUNK; i++) out[i] = random() * 256;
  return out;
};
const cut = (data) => Buffer.from(data).subarray(0, CHUNK);
const kinds = {
  'English text': () => cut(text()),
  JSON: () => cut(json()),
  base64: () => cut(bytes().toString('base64')),
  hex: () => cut(bytes().toString('hex')),
  'random bytes': () => bytes(),
  zeros: () => Buffer.alloc(CHUNK),
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-bench-'));
const outfile = path.join(folder, 'redact.cjs');
await build({
  entryPoints: [path.join(root, 'src/core/secrets/redact.ts')],
  bundle: true,
  format: 'cjs',
  platform: 'neutral',
  outfile,
});
const { createRedactor } = createRequire(import.meta.url)(outfile);
rmSync(folder, { recursive: true });

const secret = (length, i) => ({ name: `S${i}`, value: key(length), dummy: key(length), hosts: [], in: [] });
const many = Array.from({ length: SECRETS }, (_, i) => secret(40, i));
const sets = { '100 secrets of 40 characters': many, 'and one of 12': [...many, secret(12, SECRETS)] };
const data = Object.entries(kinds).map(([name, make]) => [name, Array.from({ length: CHUNKS }, make)]);

for (const [title, secrets] of Object.entries(sets)) {
  const begun = performance.now();
  const redactor = createRedactor(secrets);
  console.log(`${title}, compiled in ${(performance.now() - begun).toFixed(1)} ms`);
  // All kinds in turn first: the matcher of a proxy has seen every kind, too.
  for (const [, chunks] of data) run(redactor, chunks, 100);
  for (const [name, chunks] of data) {
    const speeds = Array.from({ length: ROUNDS }, () => run(redactor, chunks, ROUND_MS)).sort((a, b) => a - b);
    const [slowest, middle, fastest] = [0, ROUNDS >> 1, ROUNDS - 1].map((i) => speeds[i].toFixed(0));
    console.log(`  ${name.padEnd(14)} ${middle.padStart(6)} MB/s  (${slowest}–${fastest})`);
  }
}

function run(redactor, chunks, ms) {
  const stream = redactor.stream();
  const start = performance.now();
  let size = 0;
  let now = start;
  for (let i = 0; now - start < ms; i++) {
    const chunk = chunks[i % chunks.length];
    stream.push(chunk);
    size += chunk.length;
    if ((i & 15) === 15) now = performance.now();
  }
  if (stream.hits.size > 0) throw new Error('found what is not there');
  return size / 1e3 / (performance.now() - start);
}

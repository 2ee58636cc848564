// `npm run conformance`: 40 tests of what an intercepting proxy does to the protocol, for the product and its peers.
//   [-- --peers a,b] [--only text]   Everything run: docs/conformance.md is written. Else it is printed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildAll, ensureDependencies, root } from '../../scripts/setup.mjs';
import { findPeers, PEERS, preparePeers, PRODUCT } from '../bench/peers/index.mjs';

await ensureDependencies();
const { values } = parseArgs({ options: { peers: { type: 'string' }, only: { type: 'string' } } });
await buildAll();
const { Lab, runTest } = await import('./lab.mjs');
const { TESTS } = await import('./tests/index.mjs');
const { writeDocument } = await import('../bench/support/document.mjs');

const candidates = PEERS.filter(({ kind }) => kind === 'mitm').map(({ name }) => name);
const { present: peers, missing } = preparePeers(findPeers(values.peers?.split(',') ?? candidates));
const tests = TESTS.filter(({ name }) => name.includes(values.only ?? ''));
const results = {};
for (const peer of peers) results[peer.name] = await runPeer(peer);

const text = document();
console.log(`\n${text}`);
mkdirSync(path.join(root, 'artifacts'), { recursive: true });
const complete = values.peers === undefined && values.only === undefined;
if (values.only === undefined) {
  // The bench states the count of the product; peers that did not run keep their last results.
  const file = path.join(root, 'artifacts/conformance.json');
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  writeFileSync(file, JSON.stringify({ ...before, ...results }, undefined, 1));
}
if (complete) await writeDocument(path.join(root, 'docs/conformance.md'), text);
const product = Object.values(results[PRODUCT] ?? {});
process.exit(product.every(({ ok, skipped }) => ok || skipped) ? 0 : 1);

async function runPeer(peer) {
  const lab = new Lab(peer);
  const outcome = {};
  try {
    await lab.start();
    for (const test of tests) {
      const result = await runTest(lab, test);
      result.got = clean(String(result.got), lab.directory);
      outcome[test.name] = result;
      console.error(`${peer.name.padEnd(16)} ${verdict(result).padEnd(9)} ${test.name} | ${result.got.slice(0, 100)}`);
    }
  } finally {
    await lab.stop();
  }
  return outcome;
}

/** One line, no path of this machine. */
function clean(got, directory) {
  return got
    .replaceAll(directory, '')
    .replaceAll(root, '.')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 160);
}

function verdict({ ok, skipped, crashed } = {}) {
  if (crashed) return '**crash**';
  if (skipped) return 'skipped';
  return ok ? 'yes' : '**no**';
}

function document() {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const all = peers.map(({ name }) => Object.values(results[name]));
  const total = (matches) => all.map((list) => list.filter(matches).length);
  const details = peers.flatMap((peer) => {
    const failed = tests.filter(({ name }) => !results[peer.name][name].ok);
    if (failed.length === 0) return [];
    const lines = failed.map(({ name }) => {
      const { crashed, skipped, got } = results[peer.name][name];
      const what = crashed ? 'the process ended' : skipped ? `skipped: ${got}` : `\`${got.replaceAll('`', "'")}\``;
      return `- ${name}: ${what}`;
    });
    return [`### ${peer.name}\n\n${lines.join('\n')}`];
  });
  return [
    '# Conformance',
    'Made by `npm run conformance`; do not edit. What each intercepting proxy does to the protocol, with the peers configured as in `npm run bench`. The same tests of the product are part of `npm test`.',
    [
      `Node ${process.versions.node}, ${os.type()} ${os.release()}`,
      peers.map((peer) => `${peer.name} ${peer.version()}`).join(', '),
      ...missing.map(({ peer, reason }) => `**missing: ${peer.name}** (${reason})`),
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
    [
      row(['test', ...peers.map(({ name }) => name)]),
      row(['---', ...peers.map(() => '---')]),
      ...tests.map(({ name }) => row([name, ...peers.map((peer) => verdict(results[peer.name][name]))])),
      row([`**passed of ${tests.length}**`, ...total(({ ok }) => ok).map((number) => `**${number}**`)]),
      row(['crashes', ...total(({ crashed }) => crashed)]),
    ].join('\n'),
    ...(details.length > 0 ? ['## What did not pass', ...details] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

// The micro benches, in a process of their own on the proxy's core: what a decision, a byte of detection and a leaf cost.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSource } from '../support/bundle.mjs';
import { PROXY_CORE, pinned } from '../support/processes.mjs';

const SOURCES = [
  'src/core/policy/parse.ts',
  'src/core/policy/evaluate.ts',
  'src/core/secrets/redact.ts',
  'src/core/secrets/detect.ts',
  'src/proxy/codecs/contentCoding.ts',
  'src/files/x509.ts',
  'src/proxy/leaf.ts',
];

/** `[{bench, variant, value, unit}]` */
export async function microBenches(directory) {
  const bundle = path.join(directory, 'micro.cjs');
  await loadSource(SOURCES, bundle);
  const script = fileURLToPath(new URL('measure.mjs', import.meta.url));
  const [command, args] = pinned(PROXY_CORE, process.execPath, [script, bundle]);
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

// Writes the files that are made from the source. `--check` writes nothing and fails where one is stale (a unit test does the
// same, so that `npm test` says so).
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** A module of ours, bundled and loaded. */
async function load(file) {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, file)],
    bundle: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'esm',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const generated = {
  'media/policy.schema.json': async () => {
    const { policySchema } = await load('src/core/policy/schema.ts');
    return `${JSON.stringify(policySchema(), undefined, 2)}\n`;
  },
};

let stale = 0;
for (const [file, make] of Object.entries(generated)) {
  const target = path.join(root, file);
  const text = await make();
  let old;
  try {
    old = readFileSync(target, 'utf8');
  } catch {
    // not there yet
  }
  if (old === text) continue;
  stale++;
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  console.log(`${file} ${process.argv.includes('--check') ? 'is stale: run node scripts/generate.mjs' : 'written'}`);
}
process.exitCode = process.argv.includes('--check') && stale > 0 ? 1 : 0;

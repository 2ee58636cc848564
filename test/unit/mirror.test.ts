// Every source file of the core has its test at the same place, and the core stands on nothing outside itself.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
/** Types alone have nothing to run. */
const TYPES_ONLY = new Set(['policy/types.ts', 'secrets/types.ts', 'secrets/decoders.ts', 'flows/flow.ts']);
const sources = readdirSync(path.join(root, 'src/core'), { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !TYPES_ONLY.has(file));

it.each(sources)('src/core/%s has a test', (file) => {
  const test = file.replace(/\.ts$/, '.test.ts');
  expect(readdirSync(path.join(root, 'test/unit', path.dirname(test)))).toContain(path.basename(test));
});

it('bundles for no platform, without an import from outside', async () => {
  const result = await build({
    entryPoints: sources.map((file) => path.join(root, 'src/core', file)),
    bundle: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'esm',
    write: false,
    metafile: true,
    outdir: 'out',
    logLevel: 'silent',
  });
  const external = Object.values(result.metafile.outputs).flatMap((output) =>
    output.imports.filter((imported) => imported.external),
  );
  expect(external).toEqual([]);
});

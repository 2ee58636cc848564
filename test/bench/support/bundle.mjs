// TypeScript modules of the project, bundled so that a plain script can load them.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../../../scripts/setup.mjs';

/** Bundles `files` (relative to the project) into `outfile` (.cjs), and returns the exports of all of them. */
export async function loadSource(files, outfile) {
  const { build } = await import('esbuild'); // here: on a fresh machine it is installed first
  mkdirSync(path.dirname(outfile), { recursive: true });
  await build({
    stdin: { contents: files.map((file) => `export * from './${file}';`).join('\n'), resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return createRequire(import.meta.url)(outfile);
}

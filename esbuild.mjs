// Builds everything that ships into dist/. `--watch` rebuilds on change.
import { build, context } from 'esbuild';

const watch = process.argv.includes('--watch');
const production = !watch;

const node = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: production,
  keepNames: false,
  sourcemap: watch,
  legalComments: 'none',
  logLevel: 'warning',
  mainFields: ['module', 'main'],
};

export const builds = {
  extension: { ...node, entryPoints: ['src/vscode/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'] },
  proxy: { ...node, entryPoints: ['src/proxy/main.ts'], outfile: 'dist/proxy.js' },
  cli: { ...node, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', banner: { js: '#!/usr/bin/env node' } },
  preload: { ...node, entryPoints: ['src/preload/main.ts'], outfile: 'dist/preload.cjs' },
  // Put beside a vault for a restore without the extension: alone, whatever package.json lies around it.
  restore: { ...node, entryPoints: ['src/host/standaloneRestore.ts'], outfile: 'dist/restore.mjs', format: 'esm' },
  policyEditor: {
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    minify: production,
    sourcemap: watch ? 'inline' : false,
    legalComments: 'none',
    logLevel: 'warning',
    entryPoints: ['src/webview/policyEditor.ts'],
    outfile: 'dist/policyEditor.js',
  },
};

if (import.meta.url === `file://${process.argv[1]}`) {
  const names = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
  const chosen = Object.entries(builds).filter(([name]) => names.length === 0 || names.includes(name));
  if (watch) {
    for (const [, options] of chosen) await (await context(options)).watch();
    console.log('watching');
  } else {
    await Promise.all(chosen.map(([, options]) => build(options)));
  }
}

// `npm run package`: the VSIX, with the sizes of what is in it. Nothing but what .vscodeignore names.
import { statSync } from 'node:fs';
import path from 'node:path';
import { buildAll, ensureDependencies, root } from './setup.mjs';

/** Builds the VSIX and returns its path. */
export async function makePackage(out = path.join(root, 'sandbox-agent.vsix')) {
  await ensureDependencies();
  await buildAll();
  const { createVSIX } = await import('@vscode/vsce');
  await createVSIX({
    cwd: root,
    packagePath: out,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true,
    rewriteRelativeLinks: false,
  });
  return out;
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const out = await makePackage();
  const kib = (file) => `${(statSync(file).size / 1024).toFixed(0)} KiB`;
  for (const file of ['extension.js', 'proxy.js', 'cli.js', 'preload.cjs', 'restore.mjs', 'policyEditor.js'])
    console.log(`dist/${file}  ${kib(path.join(root, 'dist', file))}`);
  console.log(`${path.basename(out)}  ${kib(out)}`);
}

// Bundles a script of test/support for processes of its own: killed ones, several at once, or as another user.
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

export interface Bundle {
  readonly script: string;
  remove(): void;
}

export async function bundle(name: string): Promise<Bundle> {
  const directory = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-script-')));
  // Other users run it too.
  chmodSync(directory, 0o755);
  const script = path.join(directory, `${name}.cjs`);
  await build({
    entryPoints: [path.join(import.meta.dirname, `${name}.ts`)],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return { script, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

// What every script needs first: dependencies as the lock file has them. Runs on a fresh machine with Node and npm alone.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** Large tools that tests need, kept outside the dependency tree and out of git. */
export const toolCache = path.join(root, '.vscode-test');

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`Node ${process.versions.node} is too old: Sandbox Agent needs Node 20 or newer.`);
  process.exit(1);
}

export function npm(args, options = {}) {
  const onWindows = process.platform === 'win32';
  execFileSync(onWindows ? 'npm.cmd' : 'npm', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: onWindows,
    ...options,
  });
}

/** Installs when node_modules is missing or of another lock file. No install scripts run: none is needed. */
export async function ensureDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(root, 'node_modules', '.sandbox-agent-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing dependencies…');
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root });
  writeFileSync(stamp, lock);
}

export async function buildAll() {
  execFileSync(process.execPath, [path.join(root, 'esbuild.mjs')], { cwd: root, stdio: 'inherit' });
}

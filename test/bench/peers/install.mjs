// Peers from npm: each pinned, in a folder of its own in the tool cache, outside the project's dependencies.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { npm, toolCache } from '../../../scripts/setup.mjs';

const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--no-package-lock'];

/** The folder that has the package in its node_modules. A broken half-install is redone. */
export function installPackage(name, version) {
  const directory = path.join(toolCache, `${name.replace(/^@/, '').replace('/', '-')}-${version}`);
  if (existsSync(directory)) return directory;
  console.error(`Installing ${name} ${version} (once)…`);
  const temporary = `${directory}.installing`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  writeFileSync(path.join(temporary, 'package.json'), '{"private":true}');
  npm(['install', ...QUIET, `${name}@${version}`], { cwd: temporary });
  renameSync(temporary, directory);
  return directory;
}

export const installedVersion = (folder, name) =>
  JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;

// Programs that tests and benches use and that npm does not have: from Debian's packages, where that is possible without a
// password (root, as in CI and containers). Elsewhere what is missing is reported, and what needs it counts as skipped.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

export function findProgram(name) {
  for (const directory of [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin']) {
    try {
      const file = path.join(directory, name);
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // the next one
    }
  }
  return undefined;
}

let updated = false;

/** `wanted`: program → Debian package. Installs what is missing if it can. Returns the names that are still missing. */
export function ensurePrograms(wanted) {
  const missing = () => Object.keys(wanted).filter((name) => findProgram(name) === undefined);
  const packages = [...new Set(missing().map((name) => wanted[name]))];
  if (packages.length > 0 && process.getuid?.() === 0 && findProgram('apt-get')) {
    console.error(`Installing ${packages.join(' ')} (once)…`);
    const apt = (...args) =>
      execFileSync('apt-get', ['-qq', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        // RUNLEVEL: packages of servers must not start them.
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
      });
    try {
      if (!updated) apt('update');
      updated = true;
      apt('install', '-y', '--no-install-recommends', ...packages);
    } catch {
      console.error(`${packages.join(' ')} could not be installed.`);
    }
  }
  return missing();
}

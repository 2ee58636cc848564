// What Claude Code's Read tool is told to leave alone: the vault, credential stores of the home folder, and env files that
// still hold real values. A swapped file stays readable, that is what dummies are for.
import fs from 'node:fs/promises';
import path from 'node:path';
import { isPublicName } from '../core/env/classify';
import type { ScanReport } from './api';

/** Files in the home folder where agents find credentials that no `.env` holds. */
const STORES = [
  '.aws/credentials',
  '.netrc',
  '.config/gh/hosts.yml',
  '.npmrc',
  '.claude/.credentials.json',
  '.codex/auth.json',
];

/** Those that are there, relative to the home folder. */
export async function credentialStores(home: string): Promise<string[]> {
  const found = await Promise.all(
    STORES.map((store) =>
      fs.access(path.join(home, store)).then(
        () => [store],
        () => [],
      ),
    ),
  );
  return found.flat();
}

/** Rules for `permissions.deny`. Claude Code reads `//` as the root; with its sandbox on, commands are kept out as well. */
export async function denyRules(
  folder: string,
  directory: string,
  home: string,
  scan: ScanReport,
  swapped: ReadonlySet<string>,
): Promise<string[]> {
  const real = new Set(
    scan.values.flatMap(({ file, name }) =>
      file !== undefined && !swapped.has(file) && !isPublicName(name) ? [file] : [],
    ),
  );
  return [
    `Read(/${directory}/**)`,
    ...(await credentialStores(home)).map((store) => `Read(/${path.join(home, store)})`),
    ...[...real].map((file) => `Read(/${path.join(folder, file)})`),
  ];
}

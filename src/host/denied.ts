// What Claude Code's Read tool is told to leave alone: the vault, credential stores of the home folder, and env files that
// still hold real values. A swapped file stays readable, that is what dummies are for.
import fs from 'node:fs/promises';
import { isPublicName } from '../core/env/classify';
import type { ScanReport } from './api';
import { type Store, placeOf } from './stores';

/** Rules for `permissions.deny`. Claude Code reads `//` as the root; with its sandbox on, commands are kept out as well. */
export async function denyRules(
  folder: string,
  directory: string,
  stores: readonly Store[],
  scan: ScanReport,
  swapped: ReadonlySet<string>,
): Promise<string[]> {
  const real = new Set(
    scan.values.flatMap(({ file, store, name }) =>
      file !== undefined && (!swapped.has(file) || store !== undefined) && !isPublicName(name) ? [file] : [],
    ),
  );
  const held: string[] = [];
  for (const { file } of stores) {
    const target = await fs.realpath(file).catch(() => file);
    // A store that was swapped is what the agent's own programs need.
    if (!swapped.has(target) || real.has(target)) held.push(file, target);
  }
  const files = new Set([...held, ...[...real].map((file) => placeOf(folder, file))]);
  return [`Read(/${directory}/**)`, ...[...files].map((file) => `Read(/${file})`)];
}

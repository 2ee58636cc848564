// Scan, swap and restore of a folder's env files, with the vault's order of writes. Killed at any moment, nothing is lost:
// the next `settle` finishes or takes back what had begun.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { makeDummy } from '../core/env/dummy';
import { type Candidate, planFile, restoreBytes, splice } from '../core/env/swap';
import { lookupProvider } from '../core/secrets/providers';
import { type FaultHook, readIfThere, writeFileAtomic } from '../files/atomicFile';
import type { ProtectReport, RestoreReport, ScanReport, ScannedValue } from './api';
import { remainingCopies } from './copies';
import { findEnvFiles, trackedFiles } from './envFiles';
import { readersOfFiles } from './readers';
import { type Vault, type VaultSecret, sha256 } from './vault';

/** What a scan found, with the values: never leaves this process. */
interface Found {
  readonly shown: ScannedValue;
  readonly candidate: Candidate | undefined;
  readonly value: string;
  readonly absolute: string | undefined;
}

export interface ProtectorDeps {
  readonly folder: string;
  readonly vault: Vault;
  /** The environment that the editor or the shell inherited. */
  readonly environment: NodeJS.ProcessEnv;
  readonly fault?: FaultHook;
}

export class Protector {
  #found: readonly Found[] = [];

  constructor(private readonly deps: ProtectorDeps) {}

  async scan(): Promise<ScanReport> {
    const { folder, vault } = this.deps;
    const { files, skipped } = await findEnvFiles(folder);
    const tracked = await trackedFiles(
      folder,
      files.map(({ file }) => file),
    );
    const found: Found[] = this.#environment();
    for (const { file, absolute } of files) {
      const bytes = await fs.readFile(absolute);
      planFile(bytes, { tracked: tracked.has(file), isDummy: (text) => vault.isDummy(text) }).forEach(
        (candidate, index) => {
          const { key, line, inComment, ticked, reason, provider, hosts } = candidate;
          const id = `${file}#${index}#${sha256(bytes).slice(0, 12)}`;
          found.push({
            shown: { id, name: key, file, line, inComment, ticked, reason, provider, hosts, in: candidate.in },
            candidate,
            value: candidate.value,
            absolute,
          });
        },
      );
    }
    this.#found = found;
    return {
      values: found.map(({ shown }) => shown),
      files: files.map(({ file }) => file),
      skipped,
      warnings: await readersOfFiles(folder),
    };
  }

  /** Agent keys that a shell exported: whoever starts an agent hands them on. */
  #environment(): Found[] {
    const { environment, vault } = this.deps;
    return Object.entries(environment).flatMap(([name, value]) => {
      const provider = value ? lookupProvider(name, value) : undefined;
      if (!value || value.length < 12 || provider?.kind !== 'http' || vault.isKnown(value)) return [];
      const shown: ScannedValue = {
        id: `environment#${name}`,
        name,
        file: undefined,
        line: 0,
        inComment: false,
        ticked: true,
        reason: `${provider.title} key in the environment; agents get its stand-in`,
        provider: provider.id,
        hosts: provider.hosts,
        in: provider.in,
      };
      return [{ shown, candidate: undefined, value, absolute: undefined }];
    });
  }

  /** Swaps the chosen values of the last scan. A file that changed since is refused, not guessed at. */
  async protect(ids: readonly string[]): Promise<ProtectReport> {
    const chosen = this.#found.filter(({ shown }) => ids.includes(shown.id));
    const swapped: { name: string; file: string }[] = [];
    const refused: { name: string; file: string | undefined; reason: string }[] = [];
    const names = new Set<string>();
    await this.deps.vault.exclusively('protect', async () => {
      await settle(this.deps);
      const secrets = await this.#store(chosen, refused);
      for (const secret of secrets.values()) names.add(secret.name);
      for (const found of chosen)
        if (!found.absolute && secrets.has(found.value)) swapped.push({ name: found.shown.name, file: 'environment' });
      const files = new Set(chosen.flatMap(({ absolute }) => absolute ?? []));
      for (const absolute of files) {
        const inFile = chosen.filter((found) => found.absolute === absolute && secrets.has(found.value));
        if (inFile.length === 0) continue;
        try {
          await this.#swapFile(absolute, inFile, secrets);
          swapped.push(...inFile.map(({ shown }) => ({ name: shown.name, file: shown.file! })));
        } catch (error) {
          refused.push(
            ...inFile.map(({ shown }) => ({ name: shown.name, file: shown.file, reason: (error as Error).message })),
          );
        }
      }
    });
    const values = this.deps.vault.secrets.filter(({ name }) => names.has(name));
    return { swapped, refused, copies: await remainingCopies(this.deps.folder, values) };
  }

  /** A vault entry for each chosen value; the same value gets the same dummy everywhere. */
  async #store(
    chosen: readonly Found[],
    refused: { name: string; file: string | undefined; reason: string }[],
  ): Promise<Map<string, VaultSecret>> {
    const { vault } = this.deps;
    const secrets = new Map<string, VaultSecret>();
    const fresh: VaultSecret[] = [];
    const taken = new Set<string>();
    for (const { shown, value } of chosen) {
      if (secrets.has(value)) continue;
      const known = vault.byValue(value);
      if (known) {
        secrets.set(value, known);
        continue;
      }
      const dummy = makeDummy(value, { randomBytes, isTaken: (text) => vault.isKnown(text) || taken.has(text) });
      if (!dummy.ok) {
        refused.push({ name: shown.name, file: shown.file, reason: dummy.error });
        continue;
      }
      taken.add(dummy.value);
      let name = vault.freeName(shown.name);
      for (let i = 2; fresh.some((secret) => secret.name === name); i++) name = vault.freeName(`${shown.name}_${i}`);
      const secret = {
        name,
        value,
        dummy: dummy.value,
        provider: shown.provider,
        hosts: shown.hosts,
        in: shown.in,
        fromEnvironment: shown.file === undefined,
      };
      secrets.set(value, secret);
      fresh.push(secret);
    }
    await vault.store(fresh);
    return secrets;
  }

  async #swapFile(
    absolute: string,
    inFile: readonly Found[],
    secrets: ReadonlyMap<string, VaultSecret>,
  ): Promise<void> {
    const { vault, fault } = this.deps;
    const file = inFile[0]!.shown.file!;
    const bytes = await fs.readFile(absolute);
    if (!inFile.every(({ shown }) => shown.id.endsWith(sha256(bytes).slice(0, 12))))
      throw new Error('The file changed since it was scanned; scan again.');
    const pairs = inFile.map(({ candidate, value }) => ({ dummy: secrets.get(value)!.dummy, raw: candidate!.raw }));
    const edits = inFile.map(({ candidate }, i) => ({
      start: candidate!.start,
      end: candidate!.end,
      text: pairs[i]!.dummy,
    }));
    const next = splice(bytes, edits);
    const back = restoreBytes(next, pairs);
    if (Buffer.compare(Buffer.from(back.bytes), bytes) !== 0)
      throw new Error('The swap of this file could not be undone exactly; it was left as it is.');
    await vault.begin({ file, before: sha256(bytes), after: sha256(next), pairs });
    try {
      await writeFileAtomic(absolute, next, { expect: bytes, ...(fault ? { fault } : {}) });
    } catch (error) {
      await vault.abort(file);
      throw error;
    }
    await vault.end(file);
  }
}

/** Finishes or takes back what a crash interrupted. Called with the vault's lock held. */
export async function settle({ folder, vault }: Pick<ProtectorDeps, 'folder' | 'vault'>): Promise<void> {
  for (const open of vault.unsettled) {
    const bytes = await readIfThere(path.join(folder, open.file));
    const swapped =
      bytes !== undefined && (sha256(bytes) === open.after || open.pairs.some(({ dummy }) => bytes.includes(dummy)));
    await (swapped ? vault.end(open.file) : vault.abort(open.file));
  }
}

/** Gives every file its real values back. Files that fail keep their entries in the vault. */
export async function restoreFolder({ folder, vault, fault }: ProtectorDeps): Promise<RestoreReport> {
  const restored: string[] = [];
  const merged: string[] = [];
  const failed: { file: string; reason: string }[] = [];
  await vault.exclusively('restore', async () => {
    await settle({ folder, vault });
    const entries = vault.files;
    const everyPair = entries.flatMap(({ pairs }) => pairs);
    // Files that were swapped, and env files that a dummy was copied or moved to.
    const candidates = new Set([
      ...entries.map(({ file }) => file),
      ...(await findEnvFiles(folder)).files.map(({ file }) => file),
    ]);
    const moved = new Set<string>();
    for (const file of candidates) {
      const own = entries.filter((entry) => entry.file === file);
      const absolute = path.join(folder, file);
      try {
        const bytes = await readIfThere(absolute);
        if (bytes === undefined) continue;
        const ownPairs = own.flatMap(({ pairs }) => pairs);
        // Its own spans first: the same value may be written differently elsewhere.
        const first = restoreBytes(bytes, ownPairs);
        const second = restoreBytes(first.bytes, everyPair);
        const back = second.bytes;
        if (first.replaced + second.replaced > 0) {
          await writeFileAtomic(absolute, back, { expect: bytes, ...(fault ? { fault } : {}) });
          for (const { dummy } of everyPair) if (bytes.includes(dummy)) moved.add(dummy);
          const exact = own.some(({ before }) => before === sha256(back));
          (exact ? restored : merged).push(file);
        }
        if (own.length > 0) await vault.restored(file);
      } catch (error) {
        failed.push({ file, reason: (error as Error).message });
      }
    }
    for (const entry of entries) {
      if (candidates.has(entry.file) && (await readIfThere(path.join(folder, entry.file))) === undefined) {
        if (entry.pairs.every(({ dummy }) => moved.has(dummy))) await vault.restored(entry.file);
        else
          failed.push({
            file: entry.file,
            reason: 'the file is gone: its values stay in the vault until it is back, and Restore is run again',
          });
      }
    }
    if (failed.length === 0) await vault.clear();
  });
  return { restored, merged, failed };
}

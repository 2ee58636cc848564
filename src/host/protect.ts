// Scan and swap of a folder's env files, with the vault's order of writes (restore.ts gives back). Killed at any moment,
// nothing is lost: the next `settle` finishes or takes back what had begun.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { makeDummy } from '../core/env/dummy';
import { scanEnv } from '../core/env/scan';
import { restoreBytes, splice } from '../core/env/splice';
import { type Candidate, planFile } from '../core/env/swap';
import { isServedPlace, lookupProvider } from '../core/secrets/providers';
import { type FaultHook, temporaryFor, writeFileAtomic } from '../files/atomicFile';
import type { ProtectReport, ScanReport, ScannedValue } from './api';
import { remainingCopies } from './copies';
import { findEnvFiles, trackedFiles } from './envFiles';
import { readersOfFiles } from './readers';
import { settle } from './restore';
import { type Vault, type VaultPair, type VaultSecret, sha256 } from './vault';
import { writeWayBack } from './wayBack';

/** What a scan found, with the values: never leaves this process. */
interface Found {
  readonly shown: ScannedValue;
  readonly candidate: Candidate | undefined;
  readonly value: string;
  readonly absolute: string | undefined;
}

/** A value that stands in an env file, as it is. */
export interface RealValue extends Pick<ScannedValue, 'id' | 'name' | 'line' | 'ticked' | 'provider'> {
  readonly file: string;
  /** The same for the same value in the same file, and nothing that the value could be read from in practice. */
  readonly key: string;
  /** The vault has it. */
  readonly known: VaultSecret | undefined;
  readonly tracked: boolean;
}

export interface ProtectOptions {
  /** Only values that the vault has at the moment of the swap; and no search for copies. */
  readonly onlyKnown?: boolean;
}

export interface ProtectorDeps {
  readonly folder: string;
  readonly vault: Vault;
  /** The environment that the editor or the shell inherited. */
  readonly environment: NodeJS.ProcessEnv;
  /** dist/restore.mjs, absolute: what is put beside the vault for a restore without us. */
  readonly restoreScript?: string | undefined;
  readonly fault?: FaultHook;
}

export class Protector {
  #found: readonly Found[] = [];
  #withDummies: ReadonlySet<string> = new Set();
  #tracked: ReadonlySet<string> = new Set();

  constructor(private readonly deps: ProtectorDeps) {}

  async scan(): Promise<ScanReport> {
    const { folder, vault } = this.deps;
    // Another process may have protected meanwhile: its dummies are no secrets.
    await vault.refresh();
    const { files, skipped } = await findEnvFiles(folder);
    const tracked = await trackedFiles(
      folder,
      files.map(({ file }) => file),
    );
    const found: Found[] = this.#environment();
    const withDummies = new Set<string>();
    for (const { file, absolute } of files) {
      const bytes = await fs.readFile(absolute);
      if (vault.holdsDummy(bytes.toString('latin1'))) withDummies.add(file);
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
    this.#withDummies = withDummies;
    this.#tracked = tracked;
    return {
      values: found.map(({ shown }) => shown),
      files: files.map(({ file }) => file),
      skipped,
      warnings: await readersOfFiles(folder),
    };
  }

  /** Files in which the last scan saw dummies. */
  get swappedFiles(): ReadonlySet<string> {
    return this.#withDummies;
  }

  /** What the last scan saw in files. */
  get real(): readonly RealValue[] {
    return this.#found.flatMap(({ shown: { id, name, file, line, ticked, provider }, value }) => {
      if (file === undefined) return [];
      const key = `${file}#${sha256(Buffer.from(value))}`;
      const known = this.deps.vault.byValue(value);
      return [{ id, name, file, line, ticked, provider, key, known, tracked: this.#tracked.has(file) }];
    });
  }

  /** Agent keys that a shell exported: whoever starts an agent hands them on. */
  #environment(): Found[] {
    const { environment, vault } = this.deps;
    return Object.entries(environment).flatMap(([name, value]) => {
      const provider = value ? lookupProvider(name, value) : undefined;
      if (!value || value.length < 12 || provider?.kind !== 'http' || vault.isKnown(value)) return [];
      // A stand-in that is never put back, or nowhere, only breaks the agent that it is for.
      const served = provider.hosts.length > 0 && provider.in.some(isServedPlace);
      const shown: ScannedValue = {
        id: `environment#${name}`,
        name,
        file: undefined,
        line: 0,
        inComment: false,
        ticked: served,
        reason: served
          ? `${provider.title} key in the environment; agents get its stand-in`
          : `${provider.title} key in the environment; it travels where it is not put back yet, so agents go on with the real one`,
        provider: provider.id,
        hosts: provider.hosts,
        in: provider.in,
      };
      return [{ shown, candidate: undefined, value, absolute: undefined }];
    });
  }

  /** Swaps the chosen values of the last scan. A file that changed since is refused, not guessed at. */
  async protect(ids: readonly string[], { onlyKnown = false }: ProtectOptions = {}): Promise<ProtectReport> {
    const chosen = this.#found.filter(({ shown }) => ids.includes(shown.id));
    const swapped: { name: string; file: string }[] = [];
    const refused: { name: string; file: string | undefined; reason: string }[] = [];
    const names = new Set<string>();
    await this.deps.vault.exclusively('protect', async () => {
      await settle(this.deps);
      const secrets = await this.#store(chosen, refused, onlyKnown);
      for (const secret of secrets.values()) names.add(secret.name);
      for (const found of chosen)
        if (!found.absolute && secrets.has(found.value)) swapped.push({ name: found.shown.name, file: 'environment' });
      const files = new Set(chosen.flatMap(({ absolute, value }) => (absolute && secrets.has(value) ? absolute : [])));
      if (files.size > 0) await this.writeWayBack();
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
    if (onlyKnown) return { swapped, refused, copies: [] };
    const values = this.deps.vault.secrets.filter(({ name }) => names.has(name));
    return { swapped, refused, copies: await remainingCopies(this.deps.folder, values) };
  }

  /** What lies beside the vault while files hold dummies. */
  async writeWayBack(): Promise<void> {
    const { folder, vault, restoreScript: script, fault } = this.deps;
    await writeWayBack({ directory: vault.directory, folder, script, ...(fault ? { fault } : {}) });
  }

  /** A vault entry for each chosen value; the same value gets the same dummy everywhere. */
  async #store(
    chosen: readonly Found[],
    refused: { name: string; file: string | undefined; reason: string }[],
    onlyKnown: boolean,
  ): Promise<Map<string, VaultSecret>> {
    const { vault } = this.deps;
    const secrets = new Map<string, VaultSecret>();
    const fresh: VaultSecret[] = [];
    const taken = new Set<string>();
    for (const { shown, value } of chosen) {
      if (secrets.has(value)) continue;
      // Looked up again with the lock held: what was scanned as a secret may be another process's dummy by now.
      if (vault.holdsDummy(value)) {
        refused.push({
          name: shown.name,
          file: shown.file,
          reason: 'it is a dummy already: another window or program protected it meanwhile. Scan again',
        });
        continue;
      }
      const known = vault.byValue(value);
      if (known) {
        secrets.set(value, known);
        continue;
      }
      if (onlyKnown) {
        refused.push({
          name: shown.name,
          file: shown.file,
          reason: 'the vault no longer has it: it was restored meanwhile',
        });
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
        ...(shown.file === undefined && name !== shown.name ? { variable: shown.name } : {}),
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
    const entries = scanEnv(bytes);
    const pairs = inFile.map(({ candidate, value }): VaultPair => {
      const { start, end, raw } = candidate!;
      const whole = entries.find((entry) => entry.start === start && entry.reach === end && !entry.inComment);
      return { dummy: secrets.get(value)!.dummy, raw, ...(whole ? { key: whole.key } : {}) };
    });
    const edits = inFile.map(({ candidate }, i) => ({
      start: candidate!.start,
      end: candidate!.end,
      text: pairs[i]!.dummy,
    }));
    const next = splice(bytes, edits);
    const back = restoreBytes(next, pairs);
    if (Buffer.compare(Buffer.from(back.bytes), bytes) !== 0)
      throw new Error('The swap of this file could not be undone exactly; it was left as it is.');
    const temporary = await temporaryFor(absolute);
    await vault.begin({ file, before: sha256(bytes), after: sha256(next), pairs, temporary });
    try {
      await writeFileAtomic(absolute, next, {
        expect: bytes,
        within: this.deps.folder,
        temporary,
        ...(fault ? { fault } : {}),
      });
    } catch (error) {
      await vault.abort(file);
      throw error;
    }
    // The file is swapped, whatever happens now: what could not be noted, the next settle notes.
    await vault.end(file).catch(() => undefined);
  }
}

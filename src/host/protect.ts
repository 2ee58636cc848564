// Scan and swap of a folder's env files, with the vault's order of writes (restore.ts gives back). Killed at any moment,
// nothing is lost: the next `settle` finishes or takes back what had begun.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { makeDummy } from '../core/env/dummy';
import { scanEnv } from '../core/env/scan';
import { restoreBytes, splice } from '../core/env/splice';
import { isSwappable, planStore } from '../core/env/stores';
import { type Candidate, planFile } from '../core/env/swap';
import { awsRole } from '../core/secrets/aws';
import { isServedPlace, lookupProvider } from '../core/secrets/providers';
import { type FaultHook, fileError, temporaryFor, writeFileAtomic } from '../files/atomicFile';
import type { ProtectReport, ScanReport, ScannedValue } from './api';
import { remainingCopies } from './copies';
import { findEnvFiles, trackedFiles } from './envFiles';
import type { OpenDocuments } from './openDocuments';
import { readersOfFiles } from './readers';
import { settle } from './restore';
import { type Store, boundsOf, claimStore, ownedBy, storeOwner } from './stores';
import { type Vault, type VaultFile, type VaultPair, type VaultSecret, sha256 } from './vault';
import { writeWayBack } from './wayBack';

/** What a scan found, with the values: never leaves this process. */
interface Found {
  readonly shown: ScannedValue;
  readonly candidate: Candidate | undefined;
  readonly value: string;
  readonly absolute: string | undefined;
  /** `text`: in a text that nobody saved; `disk`: only in the file under such a text. */
  readonly open?: 'text' | 'disk';
}

/** Why a value under an unsaved text is left: the file is never written under an editor. */
const ON_DISK =
  'only the file on disk has it: the file is open with unsaved changes, and holds this value until they are saved';

/** A value that stands in an env file, as it is. */
export interface RealValue extends Pick<ScannedValue, 'id' | 'name' | 'line' | 'ticked' | 'provider'> {
  readonly file: string;
  /** The same for the same value in the same file, and nothing that the value could be read from in practice. */
  readonly key: string;
  /** The vault has it. */
  readonly known: VaultSecret | undefined;
  readonly tracked: boolean;
  /** In the text of an editor, which nobody saved yet. */
  readonly unsaved: boolean;
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
  readonly documents?: OpenDocuments | undefined;
  /** Credential stores of the user that may be swapped as well; default: none. */
  readonly stores?: () => Promise<readonly Store[]>;
  readonly fault?: FaultHook;
}

export class Protector {
  #found: readonly Found[] = [];
  #withDummies: ReadonlySet<string> = new Set();
  #tracked: ReadonlySet<string> = new Set();

  constructor(private readonly deps: ProtectorDeps) {}

  /** `readers`: whether to look for programs that read the files themselves, for the warnings. */
  async scan({ readers = true } = {}): Promise<ScanReport> {
    const { folder, vault, documents } = this.deps;
    // Another process may have protected meanwhile: its dummies are no secrets.
    await vault.refresh();
    const { files, skipped: left } = await findEnvFiles(folder);
    const skipped = [...left];
    const tracked = await trackedFiles(
      folder,
      files.map(({ file }) => file),
    );
    const found: Found[] = this.#environment();
    const withDummies = new Set<string>();
    for (const { file, absolute } of files) {
      const onDisk = await fs.readFile(absolute);
      if (vault.holdsDummy(onDisk.toString('latin1'))) withDummies.add(file);
      const text = documents?.unsaved(absolute);
      const context = { tracked: tracked.has(file), isDummy: (value: string) => vault.isDummy(value) };
      const add = (bytes: Uint8Array, open: Found['open'], skip: ReadonlySet<string> = new Set()) => {
        const mark = markOf(bytes);
        for (const [index, candidate] of planFile(bytes, context).entries()) {
          const { key: name, value, line, inComment, provider, hosts } = candidate;
          if (skip.has(value)) continue;
          const disk = open === 'disk';
          const id = `${file}#${disk ? 'disk' : ''}${index}#${mark}`;
          const ticked = candidate.ticked && !disk;
          const reason = disk ? ON_DISK : candidate.reason;
          const shown = { id, name, file, line, inComment, ticked, reason, provider, hosts, in: candidate.in };
          found.push({ shown, candidate, value, absolute, ...(open ? { open } : {}) });
        }
      };
      if (!text) add(onDisk, undefined);
      else {
        add(text, 'text');
        add(onDisk, 'disk', new Set(found.flatMap((one) => (one.absolute === absolute ? one.value : []))));
      }
    }
    await this.#scanStores(found, withDummies, skipped);
    this.#found = found;
    this.#withDummies = withDummies;
    this.#tracked = tracked;
    return {
      values: found.map(({ shown }) => shown),
      files: files.map(({ file }) => file),
      skipped,
      warnings: readers
        ? await readersOfFiles(
            folder,
            files.map(({ file }) => file),
          )
        : [],
    };
  }

  async #scanStores(
    found: Found[],
    withDummies: Set<string>,
    skipped: { file: string; reason: string }[],
  ): Promise<void> {
    const { vault, stores } = this.deps;
    for (const { kind, label: store, file: link } of (await stores?.()) ?? []) {
      if (!isSwappable(kind)) continue;
      try {
        const file = await fs.realpath(link);
        const bytes = await fs.readFile(file);
        if (vault.holdsDummy(bytes.toString('latin1'))) withDummies.add(file);
        const owner = await storeOwner(vault.directory, file);
        if (owner !== undefined) {
          skipped.push({ file: store, reason: ownedBy(owner) });
          continue;
        }
        const mark = markOf(bytes);
        for (const [index, candidate] of planStore(kind, bytes, (text) => vault.isDummy(text)).entries()) {
          const { key: name, value, line, inComment, ticked, reason, provider, hosts } = candidate;
          const id = `${file}#${index}#${mark}`;
          const shown = { id, name, file, store, line, inComment, ticked, reason, provider, hosts, in: candidate.in };
          found.push({ shown, candidate, value, absolute: file });
        }
      } catch (error) {
        skipped.push({ file: store, reason: fileError(error, link).message });
      }
    }
  }

  /** Files in which the last scan saw dummies. */
  get swappedFiles(): ReadonlySet<string> {
    return this.#withDummies;
  }

  /** What the last scan saw in files. */
  get real(): readonly RealValue[] {
    return this.#found.flatMap(({ shown: { id, name, file, store, line, provider }, candidate, value, open }) => {
      if (file === undefined || store !== undefined) return [];
      const key = `${file}#${sha256(Buffer.from(value))}`;
      const known = this.deps.vault.byValue(value);
      const tracked = this.#tracked.has(file);
      const ticked = candidate?.ticked === true;
      return [{ id, name, file, line, ticked, provider, key, known, tracked, unsaved: open === 'text' }];
    });
  }

  /** Agent keys that a shell exported: whoever starts an agent hands them on. */
  #environment(): Found[] {
    const { environment, vault } = this.deps;
    return Object.entries(environment).flatMap(([name, value]) => {
      const provider = value ? lookupProvider(name, value) : undefined;
      if (!value || value.length < 12 || !provider || vault.isKnown(value)) return [];
      const travels = provider.kind === 'http' || (provider.kind === 'aws' && awsRole(name, value).role !== 'id');
      if (!travels) return [];
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
    const asked = this.#found.filter(({ shown }) => ids.includes(shown.id));
    const chosen = asked.filter(({ open }) => open !== 'disk');
    const swapped: { name: string; file: string }[] = [];
    const refused: { name: string; file: string | undefined; reason: string }[] = asked
      .filter(({ open }) => open === 'disk')
      .map(({ shown }) => ({ name: shown.name, file: shown.file, reason: ON_DISK }));
    const unsaved = new Set<string>();
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
          if (await this.#swapFile(absolute, inFile, secrets)) unsaved.add(inFile[0]!.shown.file!);
          swapped.push(...inFile.map(({ shown }) => ({ name: shown.name, file: shown.file! })));
        } catch (error) {
          refused.push(
            ...inFile.map(({ shown }) => ({ name: shown.name, file: shown.file, reason: (error as Error).message })),
          );
        }
      }
    });
    const open = [...unsaved];
    if (onlyKnown) return { swapped, refused, copies: [], unsaved: open };
    const values = this.deps.vault.secrets.filter(({ name }) => names.has(name));
    return { swapped, refused, copies: await remainingCopies(this.deps.folder, values), unsaved: open };
  }

  /**
   * The end of a loan: the dummies stand again where they stood, as far as the values are there still. What could not be
   * swapped is in the report; then the loan goes on, and this can be called again.
   */
  async takeBack(): Promise<ProtectReport> {
    const { vault } = this.deps;
    await this.scan({ readers: false });
    const { loan } = vault;
    if (!loan) return { swapped: [], refused: [], copies: [], unsaved: [] };
    const ids = this.#found.flatMap(({ shown, value, open }) => {
      const known = vault.byValue(value);
      const isLent = shown.file !== undefined && loan.files.includes(shown.file);
      return isLent && open !== 'disk' && known && loan.dummies.includes(known.dummy) ? shown.id : [];
    });
    const report = await this.protect(ids, { onlyKnown: true });
    if (report.refused.length === 0) await vault.exclusively('take back', () => vault.returned());
    return report;
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

  /** True: in the text of an editor, unsaved. */
  async #swapFile(
    absolute: string,
    inFile: readonly Found[],
    secrets: ReadonlyMap<string, VaultSecret>,
  ): Promise<boolean> {
    const { vault, fault, documents } = this.deps;
    const file = inFile[0]!.shown.file!;
    const text = documents?.unsaved(absolute);
    const bytes = text ?? (await fs.readFile(absolute));
    const mark = markOf(bytes);
    if (!inFile.every(({ shown }) => shown.id.endsWith(mark)))
      throw new Error('The file changed since it was scanned; scan again.');
    const entries = scanEnv(bytes);
    const pairs = inFile.map(({ candidate, value }): VaultPair => {
      const { start, end, raw } = candidate!;
      const whole = entries.find((entry) => entry.start === start && entry.reach === end && !entry.inComment);
      const isEnv = inFile[0]!.shown.store === undefined;
      return { dummy: secrets.get(value)!.dummy, raw, ...(whole && isEnv ? { key: whole.key } : {}) };
    });
    const edits = inFile.map(({ candidate }, i) => ({
      start: candidate!.start,
      end: candidate!.end,
      text: pairs[i]!.dummy,
    }));
    const next = splice(bytes, edits);
    // As Restore will do it. The file may hold dummies of an earlier swap, also of the same value.
    const all = [...vault.files.filter((entry) => entry.file === file).flatMap((entry) => entry.pairs), ...pairs];
    const back = restoreBytes(next, all).bytes;
    if (Buffer.compare(Buffer.from(back), Buffer.from(restoreBytes(bytes, all).bytes)) !== 0)
      throw new Error('The swap of this file could not be undone exactly; it was left as it is.');
    if (text) {
      await this.#swapText(absolute, { file, before: sha256(bytes), after: sha256(next), pairs }, text, next);
      return true;
    }
    if (inFile[0]!.shown.store !== undefined) await claimStore(vault.directory, this.deps.folder, file);
    const temporary = await temporaryFor(absolute);
    await vault.begin({ file, before: sha256(bytes), after: sha256(next), pairs, temporary });
    try {
      await writeFileAtomic(absolute, next, {
        expect: bytes,
        within: boundsOf(this.deps.folder, file),
        temporary,
        ...(fault ? { fault } : {}),
      });
    } catch (error) {
      await vault.abort(file);
      throw error;
    }
    // The file is swapped, whatever happens now: what could not be noted, the next settle notes.
    await vault.end(file).catch(() => undefined);
    return false;
  }

  /** The vault knows of it before and after: the editor may keep an unsaved text over a crash, and save it long afterwards. */
  async #swapText(absolute: string, entry: VaultFile, text: Uint8Array, next: Uint8Array): Promise<void> {
    const { vault, documents } = this.deps;
    const before = vault.files.filter(({ file }) => file === entry.file);
    await vault.begin({ ...entry, unsaved: true });
    await vault.end(entry.file);
    try {
      await documents!.replace(absolute, text, next);
    } catch (error) {
      await vault.restored(entry.file, before);
      throw error;
    }
  }
}

/** The bytes of a file in a candidate's id: what was scanned is what is swapped. */
const markOf = (bytes: Uint8Array) => sha256(bytes).slice(0, 12);

// While a folder is protected: real values that turn up in its env files (a branch switch, `git stash pop`, an edit, a new file)
// are reported, and on wish those that the vault knows are swapped again at once, with a way to undo. Never a value in a report.
//
// Limits: directories are watched one by one (recursive watching is not everywhere on Linux with Node 20), those with env files
// first, up to MAX_DIRECTORIES; past that, and on file systems that tell nothing (some network mounts), a change is seen with
// the next change of git's HEAD or index, the next watched change, or the next scan.
import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Disposable } from '../core/base/disposable';
import { isEnvFileName, isSkippedDirectory } from '../core/env/scan';
import { readIfThere } from '../files/atomicFile';
import type { FoundReal, FoundValue, MissingDummy, UndoReport, WatchOptions } from './api';
import { findEnvFiles, git } from './envFiles';
import type { OpenDocuments } from './openDocuments';
import { Protector, type RealValue } from './protect';
import { giveBack } from './restore';
import { placeOf } from './stores';
import type { Vault } from './vault';

const QUIET_MS = 200;
const MAX_DIRECTORIES = 400;
/** A git that was killed leaves its lock for ever: after so many waits we look all the same. */
const MAX_WAITS = 50;

export interface RealWatchDeps {
  /** Real path. */
  readonly folder: string;
  readonly vault: Vault;
  readonly restoreScript: string | undefined;
  readonly documents?: OpenDocuments | undefined;
  readonly options: WatchOptions;
  /** Waits for the session's other work. */
  readonly serial: <T>(work: () => Promise<T>) => Promise<T>;
  readonly found: (report: FoundReal) => void;
  /** Files were swapped, or swaps undone: what agents may read has changed. */
  readonly changed: () => Promise<void>;
  readonly log: (text: string) => void;
}

interface Swapped {
  readonly file: string;
  readonly bytes: Buffer;
  readonly keys: readonly string[];
}

export class RealWatch implements Disposable {
  readonly #watchers = new Map<string, fs.FSWatcher>();
  readonly #protector: Protector;
  /** What was real when we last looked, by file and hash of the value. */
  #known: ReadonlySet<string> = new Set();
  #missing: ReadonlySet<string> = new Set();
  /** Swaps that were undone: the user wants these real. */
  readonly #kept = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #waits = 0;
  #gitFolder: string | undefined;
  #disposed = false;

  constructor(private readonly deps: RealWatchDeps) {
    const { folder, vault, restoreScript, documents } = deps;
    // Of its own: the ids of the scan that a user chooses from must stay valid.
    this.#protector = new Protector({ folder, vault, restoreScript, documents, environment: {} });
  }

  /** Reports at once what the vault knows and is real; what else is real now was the user's choice. */
  async start(): Promise<void> {
    const { folder, serial } = this.deps;
    this.#gitFolder = (await git(folder, ['rev-parse', '--absolute-git-dir']))?.trim() || undefined;
    // Watches first: what changes while we look is seen.
    await this.#place();
    await serial(async () => {
      const real = await this.#look();
      this.#known = new Set(real.flatMap(({ key, known }) => (known ? [] : [key])));
      this.#missing = await this.#missingNow();
      await this.#report(real);
    });
  }

  /** What is real now is so by the user's own command, also what an undo had kept. Within the session's serial work. */
  async rebase(): Promise<void> {
    this.#kept.clear();
    this.#known = new Set((await this.#look()).map(({ key }) => key));
    this.#missing = await this.#missingNow();
    await this.#place();
  }

  /** What somebody is typing is no news until it is saved, unless the vault knows it. */
  async #look(): Promise<readonly RealValue[]> {
    await this.#protector.scan({ readers: false });
    return this.#protector.real.filter(({ unsaved, known }) => !unsaved || known !== undefined);
  }

  #schedule(): void {
    if (this.#disposed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), this.deps.options.quietMs ?? QUIET_MS);
  }

  async #check(): Promise<void> {
    // In the middle of a checkout half the files are there.
    const busy = this.#gitFolder !== undefined && fs.existsSync(path.join(this.#gitFolder, 'index.lock'));
    if (busy && this.#waits++ < MAX_WAITS) {
      this.#schedule();
      return;
    }
    this.#waits = 0;
    try {
      await this.#place();
      await this.deps.serial(async () => {
        if (!this.#disposed) await this.#report(await this.#look());
      });
    } catch (error) {
      this.deps.log(`the env files could not be looked at: ${(error as Error).message}`);
    }
  }

  async #report(real: readonly RealValue[]): Promise<void> {
    const { vault, found, changed, options } = this.deps;
    const before = this.#known;
    this.#known = new Set(real.map(({ key }) => key));
    if (vault.dummiesInFiles.size === 0 || vault.loan) return;
    const fresh = real.filter((value) => !before.has(value.key) && isWorthSaying(value));
    const swapped = options.autoSwap === true ? await this.#swap(fresh) : [];
    const keys = new Set(swapped.flatMap((file) => file.keys));
    this.#known = new Set([...this.#known].filter((key) => !keys.has(key)));
    const missing = await this.#missingNow();
    const lost = [...missing].filter((text) => !this.#missing.has(text));
    this.#missing = missing;
    if (swapped.length > 0) await changed();
    if (fresh.length + lost.length === 0) return;
    found({
      values: fresh.map((value) => said(value, keys.has(value.key))),
      missing: lost.map((text) => JSON.parse(text) as MissingDummy),
      undo: swapped.length > 0 ? () => this.#undo(swapped) : undefined,
    });
  }

  /** Those that the vault knows get their dummies back. In a tracked file only where the user had swapped it before. */
  async #swap(fresh: readonly RealValue[]): Promise<readonly Swapped[]> {
    const { vault, folder, documents } = this.deps;
    const before = new Set(vault.files.map(({ file }) => file));
    const wanted = fresh.filter(
      ({ known, key, file, tracked }) =>
        known !== undefined && known.revoked === undefined && !this.#kept.has(key) && (!tracked || before.has(file)),
    );
    const done: Swapped[] = [];
    for (const file of new Set(wanted.map((value) => value.file))) {
      const inFile = wanted.filter((value) => value.file === file);
      const absolute = path.join(folder, file);
      const bytes = Buffer.from(documents?.unsaved(absolute) ?? (await readFile(absolute)));
      const report = await this.#protector.protect(
        inFile.map(({ id }) => id),
        { onlyKnown: true },
      );
      for (const { reason } of report.refused) this.deps.log(`${file} was not swapped again: ${reason}`);
      const left = new Set(report.refused.map(({ name }) => name));
      const keys = inFile.flatMap(({ key, name }) => (left.has(name) ? [] : key));
      if (report.swapped.length > 0) done.push({ file, bytes, keys });
    }
    return done;
  }

  #undo(swapped: readonly Swapped[]): Promise<UndoReport> {
    const { folder, vault, documents, serial, changed } = this.deps;
    return serial(async () => {
      const undone: string[] = [];
      const failed: { file: string; reason: string }[] = [];
      for (const { file, bytes, keys } of swapped) {
        try {
          await giveBack({ folder, vault, documents }, file, bytes);
          for (const key of keys) this.#kept.add(key);
          this.#known = new Set([...this.#known, ...keys]);
          undone.push(file);
        } catch (error) {
          failed.push({ file, reason: (error as Error).message });
        }
      }
      await changed();
      return { undone, failed };
    });
  }

  /** Dummies that stand in no file any more, whose values stand in none either: as texts, to be compared. */
  async #missingNow(): Promise<ReadonlySet<string>> {
    const { vault, folder, documents } = this.deps;
    const names = new Set([
      ...(await findEnvFiles(folder)).files.map(({ file }) => file),
      ...vault.files.map(({ file }) => file),
    ]);
    const contents = new Map<string, string>();
    for (const file of names) {
      const absolute = placeOf(folder, file);
      const bytes = await readIfThere(absolute).catch(() => undefined);
      const text = documents?.unsaved(absolute) ?? new Uint8Array();
      if (bytes) contents.set(file, `${bytes.toString('latin1')}\n${Buffer.from(text).toString('latin1')}`);
    }
    const stands = (text: string) => [...contents.values()].some((content) => content.includes(text));
    const missing = vault.files.flatMap(({ file, pairs }) =>
      pairs.flatMap(({ dummy, raw, key }): MissingDummy[] => {
        if (stands(dummy) || stands(raw)) return [];
        const name = key ?? vault.secrets.find((secret) => secret.dummy === dummy)?.name ?? 'a value';
        return [{ name, file, fileGone: !contents.has(file) }];
      }),
    );
    return new Set(missing.map((entry) => JSON.stringify(entry)));
  }

  /** Watches for what is there now; gives up those that are gone. */
  async #place(): Promise<void> {
    const { folder } = this.deps;
    const { files } = await findEnvFiles(folder);
    const wanted = new Set([folder, ...files.map(({ absolute }) => path.dirname(absolute))]);
    if (this.#gitFolder !== undefined) wanted.add(this.#gitFolder);
    const queue = [folder];
    for (let at = queue.shift(); at !== undefined && wanted.size < MAX_DIRECTORIES; at = queue.shift()) {
      wanted.add(at);
      const entries = await fs.promises.readdir(at, { withFileTypes: true }).catch(() => []);
      for (const entry of entries)
        if (entry.isDirectory() && !isSkippedDirectory(entry.name)) queue.push(path.join(at, entry.name));
    }
    if (this.#disposed) return;
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory) && fs.existsSync(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const directory of wanted) if (!this.#watchers.has(directory)) this.#watch(directory);
  }

  #watch(directory: string): void {
    try {
      const watcher = fs.watch(directory, { persistent: false }, (event, name) => {
        if (this.#matters(directory, event, name)) this.#schedule();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(directory);
        this.#schedule();
      });
      this.#watchers.set(directory, watcher);
    } catch (error) {
      this.deps.log(
        `changes in ${path.relative(this.deps.folder, directory) || 'the folder'} are not seen at once (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): no watch could be set`,
      );
    }
  }

  #matters(directory: string, event: string, name: string | null): boolean {
    if (name === null) return true;
    if (directory === this.#gitFolder) return name === 'HEAD' || name === 'index';
    if (isEnvFileName(name)) return true;
    // A folder that came or went may hold env files.
    if (event !== 'rename' || isSkippedDirectory(name)) return false;
    const absolute = path.join(directory, name);
    return this.#watchers.has(absolute) || fs.statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true;
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}

/** A value that was never ticked and that the vault does not know is left alone, as at the first swap. */
const isWorthSaying = ({ known, ticked, tracked, provider }: RealValue) =>
  known !== undefined || ticked || (tracked && provider !== undefined);

function said({ name, file, line, known, tracked, id }: RealValue, swapped: boolean): FoundValue {
  const kind = known ? (known.revoked ? 'revoked' : 'returned') : 'new';
  const what = {
    returned: swapped
      ? 'its real value was back in the file; the dummy stands there again'
      : 'its real value is back in the file, where agents can read it',
    revoked: 'a value that was rotated is back in the file: programs that use it fail, and it is never put in',
    new: 'a value that is not protected yet stands in the file, where agents can read it',
  }[kind];
  const warning = tracked
    ? '; git tracks the file, so the value is or will be in its history: take the file out of git and change the value at the provider'
    : '';
  return {
    id,
    name: known && !known.revoked ? known.name : name,
    file,
    line,
    kind,
    tracked,
    swapped,
    reason: `${what}${warning}`,
  };
}

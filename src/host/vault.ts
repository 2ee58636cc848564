// The vault: real values of a folder's secrets, in one 0600 journalled file outside the workspace. A value is here, and read
// back, before any file loses it; a file's entry is closed only when the new file is in place. Nothing is ever the only copy.
import { createHash } from 'node:crypto';
import { type FaultHook, readIfThere } from '../files/atomicFile';
import { JsonLog } from '../files/jsonLog';
import type { Place } from '../core/secrets/types';
import { type Lock, waitForLock } from './lock';
import type { StateFolder } from './stateFolder';

export interface VaultSecret {
  readonly name: string;
  readonly value: string;
  readonly dummy: string;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
  /** Taken from the environment that the editor or shell inherited. */
  readonly fromEnvironment: boolean;
}

/** One swapped file: what stood where a dummy stands now. */
export interface VaultFile {
  /** Relative to the folder, with `/`. */
  readonly file: string;
  /** SHA-256 of the bytes before and after, hex. */
  readonly before: string;
  readonly after: string;
  /** `raw`: the original bytes of the span as a binary string (one char a byte). */
  readonly pairs: readonly { readonly dummy: string; readonly raw: string }[];
}

type VaultRecord =
  | ({ readonly op: 'secret' } & VaultSecret)
  | ({ readonly op: 'begin' } & VaultFile)
  | { readonly op: 'end'; readonly file: string }
  | { readonly op: 'abort'; readonly file: string }
  | { readonly op: 'restored'; readonly file: string };

/** A record without its kind. */
function without<T extends { readonly op: string }>(record: T): Omit<T, 'op'> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== 'op')) as Omit<T, 'op'>;
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export class Vault {
  readonly #log: JsonLog<VaultRecord>;
  readonly #secrets = new Map<string, VaultSecret>();
  /** Swaps by file, oldest first; a file may be swapped again while it holds dummies. */
  readonly #files = new Map<string, VaultFile[]>();
  readonly #open = new Map<string, VaultFile>();

  private constructor(
    private readonly state: StateFolder,
    fault: FaultHook,
  ) {
    this.#log = new JsonLog(state.vault, fault);
  }

  /** Reads the file. Rejects when it is damaged: then nothing is swapped or restored until a person looked. */
  static async open(state: StateFolder, fault: FaultHook = () => undefined): Promise<Vault> {
    const vault = new Vault(state, fault);
    await vault.#read();
    return vault;
  }

  get secrets(): readonly VaultSecret[] {
    return [...this.#secrets.values()];
  }

  get files(): readonly VaultFile[] {
    return [...this.#files.values()].flat();
  }

  /** Swaps that began and did not end: a crash lies between. */
  get unsettled(): readonly VaultFile[] {
    return [...this.#open.values()];
  }

  isDummy(text: string): boolean {
    for (const { dummy } of this.#secrets.values()) if (dummy === text) return true;
    return false;
  }

  isKnown(text: string): boolean {
    for (const { dummy, value } of this.#secrets.values()) if (dummy === text || value === text) return true;
    return false;
  }

  byValue(value: string): VaultSecret | undefined {
    return this.secrets.find((secret) => secret.value === value);
  }

  /** A name that no other secret of the folder has. */
  freeName(wanted: string): string {
    for (let i = 1; ; i++) {
      const name = i === 1 ? wanted : `${wanted}_${i}`;
      if (!this.#secrets.has(name)) return name;
    }
  }

  /** Only one process writes at a time, and it sees what the others wrote. */
  async exclusively<T>(what: string, work: () => Promise<T>): Promise<T> {
    const lock: Lock = await waitForLock(`${this.state.vault}.lock`, what);
    try {
      await this.#read();
      return await work();
    } finally {
      await lock.release();
    }
  }

  /** Durable and read back when it resolves. */
  async store(secrets: readonly VaultSecret[]): Promise<void> {
    if (secrets.length === 0) return;
    await this.#log.append(...secrets.map((secret) => ({ op: 'secret', ...secret }) as const));
    await this.#read();
    for (const secret of secrets) {
      const read = this.#secrets.get(secret.name);
      if (read?.value !== secret.value || read.dummy !== secret.dummy)
        throw new Error('The vault does not give back what was stored in it. No file was changed.');
    }
  }

  begin(file: VaultFile): Promise<void> {
    return this.#append({ op: 'begin', ...file });
  }

  end(file: string): Promise<void> {
    return this.#append({ op: 'end', file });
  }

  abort(file: string): Promise<void> {
    return this.#append({ op: 'abort', file });
  }

  /** The file holds its real values again. */
  restored(file: string): Promise<void> {
    return this.#append({ op: 'restored', file });
  }

  /** Writes the log anew: with what is still needed, or empty when nothing is swapped any more. */
  async compact(): Promise<void> {
    const files = this.files;
    const used = new Set(files.flatMap(({ pairs }) => pairs.map(({ dummy }) => dummy)));
    const secrets = this.secrets.filter(({ dummy, fromEnvironment }) => fromEnvironment || used.has(dummy));
    await this.#log.rewrite([
      ...secrets.map((secret) => ({ op: 'secret', ...secret }) as const),
      ...files.flatMap((file) => [{ op: 'begin', ...file } as const, { op: 'end', file: file.file } as const]),
    ]);
    await this.#read();
  }

  /** After everything was given back. */
  async clear(): Promise<void> {
    await this.#log.rewrite([]);
    await this.#read();
  }

  async #append(record: VaultRecord): Promise<void> {
    await this.#log.append(record);
    this.#apply(record);
  }

  async #read(): Promise<void> {
    this.#secrets.clear();
    this.#files.clear();
    this.#open.clear();
    if (!(await readIfThere(this.state.vault))) return;
    for (const record of await this.#log.read()) this.#apply(record);
  }

  #apply(record: VaultRecord): void {
    switch (record.op) {
      case 'secret': {
        this.#secrets.set(record.name, without(record));
        return;
      }
      case 'begin': {
        this.#open.set(record.file, without(record));
        return;
      }
      case 'end': {
        const file = this.#open.get(record.file);
        this.#open.delete(record.file);
        if (file) this.#files.set(file.file, [...(this.#files.get(file.file) ?? []), file]);
        return;
      }
      case 'abort':
        this.#open.delete(record.file);
        return;
      case 'restored':
        this.#files.delete(record.file);
        this.#open.delete(record.file);
    }
  }
}

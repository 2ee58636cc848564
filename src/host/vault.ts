// The vault: real values of a folder's secrets, in one 0600 journalled file outside the workspace, encrypted where the user
// wants that. A value is here, and read back, before any file loses it; from then on this may be its only copy, so a value
// leaves the vault only when it was seen to stand in a file again.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type FaultHook, fileError } from '../files/atomicFile';
import { JsonLog, type LineCodec, plainLines } from '../files/jsonLog';
import type { Place } from '../core/secrets/types';
import { type Lock, type Owner, waitForLock } from './lock';
import { makeRecoveryCode, readRecoveryCode } from './recoveryCode';
import type { StateFolder } from './stateFolder';
import { VaultCipher, VaultError, type VaultKeys, damagedHead, isEncryptedHead } from './vaultCipher';

export interface VaultSecret {
  readonly name: string;
  readonly value: string;
  readonly dummy: string;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
  /** Taken from the environment that the editor or shell inherited. */
  readonly fromEnvironment: boolean;
  /** The variable it was taken from, where its name here is another one; only with `fromEnvironment`. */
  readonly variable?: string;
  /** Marked for rotation: since when (ISO 8601), and why in the user's words. It goes on working until it is rotated. */
  readonly marked?: { readonly since: string; readonly reason: string };
  /**
   * Rotated: it was the value of the secret `of`. Still looked for and redacted; without hosts, and its dummy was never in a
   * file, so it is never injected.
   */
  readonly revoked?: { readonly of: string; readonly since: string; readonly reason: string };
}

export interface VaultPair {
  readonly dummy: string;
  /** The original bytes of the span as a binary string (one char a byte). */
  readonly raw: string;
  /** The variable whose whole value the span was; missing for a part of a value, in comments, and in older vaults. */
  readonly key?: string;
}

/** One swapped file: what stood where a dummy stands now. */
export interface VaultFile {
  /** Relative to the folder, with `/`. */
  readonly file: string;
  /** SHA-256 of the bytes before and after, hex. */
  readonly before: string;
  readonly after: string;
  readonly pairs: readonly VaultPair[];
  /** Where the new bytes are written before they take the file's place, absolute: left behind by a kill, it is removed. */
  readonly temporary?: string;
  /** Swapped in the text of an editor that nobody had saved: the dummies may reach the file at any time. */
  readonly unsaved?: true;
}

/** Real values are in files for a while (`lend` in restore.ts); the secrets stay here, and the dummies go back. */
export interface Loan {
  readonly owner: Owner;
  /** ISO 8601; undefined: as long as the owner lives. */
  readonly until?: string;
  /** Files whose dummies made room. */
  readonly files: readonly string[];
  readonly dummies: readonly string[];
}

type VaultRecord =
  | ({ readonly op: 'secret' } & VaultSecret)
  | ({ readonly op: 'begin' } & VaultFile)
  | { readonly op: 'end'; readonly file: string }
  | { readonly op: 'abort'; readonly file: string }
  /** Real values are about to be written into `file`, by way of `temporary`; `given`: that is over, however it ended. */
  | { readonly op: 'giving'; readonly file: string; readonly temporary: string }
  | { readonly op: 'given'; readonly file: string }
  | ({ readonly op: 'lent' } & Loan)
  | { readonly op: 'returned' }
  /** `left`: the swaps whose values were not found a place for; undefined: none. */
  | { readonly op: 'restored'; readonly file: string; readonly left?: readonly VaultFile[] };

/** A record without its kind. */
function without<T extends { readonly op: string }>(record: T): Omit<T, 'op'> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== 'op')) as Omit<T, 'op'>;
}

/** What encryption needs of the user: that the code was seen and is kept. */
export interface PendingEncryption {
  /** To be shown. */
  readonly code: string;
  /** Encrypts if `typed` is the code, in whatever way of writing; else rejects, and nothing has changed. */
  confirm(typed: string): Promise<void>;
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export class Vault {
  readonly #log: JsonLog<VaultRecord>;
  /** Undefined: the file is plain. */
  #cipher: VaultCipher<VaultRecord> | undefined;
  readonly #secrets = new Map<string, VaultSecret>();
  /** Swaps by file, oldest first; a file may be swapped again while it holds dummies. */
  readonly #files = new Map<string, VaultFile[]>();
  readonly #open = new Map<string, VaultFile>();
  /** Temporaries of a restore, by file. */
  readonly #giving = new Map<string, string>();
  #loan: Loan | undefined;

  private constructor(
    private readonly state: StateFolder,
    private readonly fault: FaultHook,
    private readonly keys: VaultKeys,
  ) {
    this.#log = new JsonLog(state.vault, { fault, codecFor: (first, torn) => this.#codecFor(first, torn) });
  }

  /**
   * Reads the file. Rejects when it is damaged, or encrypted and `keys` do not open it (`VaultError`): then nothing is
   * swapped or restored until a person looked.
   */
  static async open(state: StateFolder, fault: FaultHook = () => undefined, keys: VaultKeys = {}): Promise<Vault> {
    const vault = new Vault(state, fault, keys);
    await vault.#read();
    await vault.#keepKey();
    return vault;
  }

  /** The state folder that it lies in. */
  get directory(): string {
    return this.state.directory;
  }

  get isEncrypted(): boolean {
    return this.#cipher !== undefined;
  }

  /** Whether a key store opens it, so that the recovery code is asked for only where that fails. */
  get isKeptInStore(): boolean {
    return this.#cipher?.openedBy === 'store';
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

  /** Temporary files with real values that a crash of a restore may have left, by the file that they were for. */
  get leftovers(): ReadonlyMap<string, string> {
    return this.#giving;
  }

  get loan(): Loan | undefined {
    return this.#loan;
  }

  isDummy(text: string): boolean {
    for (const { dummy } of this.#secrets.values()) if (dummy === text) return true;
    return false;
  }

  /** Whether a dummy stands anywhere in the text. */
  holdsDummy(text: string): boolean {
    for (const { dummy } of this.#secrets.values()) if (text.includes(dummy)) return true;
    return false;
  }

  isKnown(text: string): boolean {
    for (const { dummy, value } of this.#secrets.values()) if (dummy === text || value === text) return true;
    return false;
  }

  /** The secret in use, or else the revoked one, with this value. */
  byValue(value: string): VaultSecret | undefined {
    const found = this.secrets.filter((secret) => secret.value === value);
    return found.find(({ revoked }) => revoked === undefined) ?? found[0];
  }

  /** The secret that is used where this value stands: of a revoked one, the one that took its place. */
  inUse(value: string): VaultSecret | undefined {
    const found = this.byValue(value);
    return found?.revoked ? (this.#secrets.get(found.revoked.of) ?? found) : found;
  }

  /** A name that no other secret of the folder has. */
  freeName(wanted: string): string {
    for (let i = 1; ; i++) {
      const name = i === 1 ? wanted : `${wanted}_${i}`;
      if (!this.#secrets.has(name)) return name;
    }
  }

  /** Sees what other processes wrote. */
  refresh(): Promise<void> {
    return this.exclusively('read', () => Promise.resolve());
  }

  /** Only one process writes at a time, and it sees what the others wrote. */
  async exclusively<T>(what: string, work: () => Promise<T>): Promise<T> {
    const lock: Lock = await waitForLock(`${this.state.vault}.lock`, what).catch((error: unknown) => {
      // No room, or no right, for the lock: in words.
      throw (error as NodeJS.ErrnoException).code === undefined ? error : fileError(error, this.state.vault);
    });
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

  giving(file: string, temporary: string): Promise<void> {
    return this.#append({ op: 'giving', file, temporary });
  }

  given(file: string): Promise<void> {
    return this.#append({ op: 'given', file });
  }

  /** Before the first file gets a real value. */
  lent(loan: Loan): Promise<void> {
    return this.#append({ op: 'lent', ...loan });
  }

  /** The dummies are back, or the user wants the real values to stay. */
  returned(): Promise<void> {
    return this.#append({ op: 'returned' });
  }

  /** The file holds its real values again, but for those of `left`, which stay here. */
  restored(file: string, left: readonly VaultFile[]): Promise<void> {
    return this.#append({ op: 'restored', file, ...(left.length > 0 ? { left } : {}) });
  }

  /** Dummies that stand for a value that some file has lost, or will stand there again after a loan. */
  get dummiesInFiles(): ReadonlySet<string> {
    const lost = [...this.files, ...this.unsettled].flatMap(({ pairs }) => pairs.map(({ dummy }) => dummy));
    return new Set([...lost, ...(this.#loan?.dummies ?? [])]);
  }

  /**
   * After a restore: writes the log anew, with what some file has not got back, what was revoked, and nothing else. What came
   * from the environment is still there.
   */
  async compact(): Promise<void> {
    const used = this.dummiesInFiles;
    await this.replace(
      this.secrets.filter(({ dummy, revoked }) => used.has(dummy) || revoked !== undefined),
      this.files,
    );
  }

  /** Writes the log anew with these and nothing else, in one step. With the lock held, and nothing unsettled. */
  async replace(secrets: readonly VaultSecret[], files: readonly VaultFile[]): Promise<void> {
    await this.#log.rewrite([
      ...secrets.map((secret) => ({ op: 'secret', ...secret }) as const),
      ...(this.#loan ? [{ op: 'lent', ...this.#loan } as const] : []),
      ...files.flatMap((file) => [{ op: 'begin', ...file } as const, { op: 'end', file: file.file } as const]),
    ]);
    await this.#read();
  }

  /** `code`: one that the user has already. Throws `VaultError` where that is none. */
  prepareEncryption(code = makeRecoveryCode()): PendingEncryption {
    const read = readRecoveryCode(code);
    if (read === undefined)
      throw new VaultError(
        'mistyped-code',
        'That is not a recovery code: a character is missing or mistyped. The vault stays as it was; type all seven groups.',
      );
    return { code: read, confirm: (typed) => this.#encrypt(read, typed) };
  }

  async #encrypt(code: string, typed: string): Promise<void> {
    if (readRecoveryCode(typed) !== code)
      throw new VaultError(
        'not-confirmed',
        'What was typed is not the recovery code that was shown. The vault stays unencrypted as it was: without the code, losing the key would lose the values. Write the code down and try again.',
      );
    await this.exclusively('encrypt', async () => {
      if (this.#cipher)
        throw new VaultError('already', 'The vault of this folder is encrypted already. Nothing was changed.');
      const fresh = await VaultCipher.create<VaultRecord>(code);
      // Before anything depends on it: the code, as it was typed, opens what will be written.
      await VaultCipher.open(fresh.head, { recoveryCode: () => Promise.resolve(typed) }, undefined, this.state.vault);
      await this.#convert(await this.#kept(fresh));
    });
  }

  /** Plain again. */
  async decrypt(): Promise<void> {
    await this.exclusively('decrypt', async () => {
      const cipher = this.#cipher;
      if (!cipher) throw new VaultError('already', 'The vault of this folder is not encrypted. Nothing was changed.');
      await this.#convert(undefined);
      // Only now: until the plain file is there, the key opens what is there.
      for (const id of cipher.storeIds) await this.keys.store?.delete(id).catch(() => undefined);
    });
  }

  async #kept(cipher: VaultCipher<VaultRecord>): Promise<VaultCipher<VaultRecord>> {
    if (!this.keys.store) return cipher;
    await this.fault('key-store');
    return cipher.keptIn(this.keys.store);
  }

  /** The same records in another form, in one step. */
  async #convert(cipher: VaultCipher<VaultRecord> | undefined): Promise<void> {
    const codec: LineCodec<VaultRecord> = cipher ?? plainLines<VaultRecord>();
    const records = await this.#log.read();
    const from = codec.head === undefined ? 0 : 1;
    records.forEach((record, i) => {
      const back = codec.decode(codec.encode(record, i + from), i + from);
      if (JSON.stringify(back) !== JSON.stringify(record))
        throw new Error('The vault could not be written in its new form exactly. It stays as it was.');
    });
    try {
      await this.#log.rewrite(records, codec);
    } catch (error) {
      for (const id of cipher?.storeIds ?? [])
        if (this.#cipher?.storeIds.includes(id) !== true) await this.keys.store?.delete(id).catch(() => undefined);
      throw error;
    }
    this.#cipher = cipher;
    await this.#read();
  }

  /** Opened by the code where there is a store: from now on the store has the key. If that fails, the code goes on working. */
  async #keepKey(): Promise<void> {
    if (this.#cipher?.openedBy !== 'code' || !this.keys.store) return;
    try {
      await this.exclusively('keep the key', async () => {
        if (this.#cipher?.openedBy === 'code') await this.#convert(await this.#kept(this.#cipher));
      });
    } catch {
      // Read-only, or no room, or no key store: it is asked for again.
    }
  }

  async #codecFor(first: string | undefined, torn: boolean): Promise<LineCodec<VaultRecord>> {
    if (first === undefined || !isEncryptedHead(first)) {
      this.#cipher = undefined;
      return plainLines<VaultRecord>();
    }
    if (torn) throw damagedHead(this.state.vault);
    this.#cipher = await VaultCipher.open(first, this.keys, this.#cipher, this.state.vault);
    return this.#cipher;
  }

  /** Copies that a kill left beside the vault. With the lock held, nobody is writing one. */
  async removeTemporaries(): Promise<void> {
    const directory = path.dirname(this.state.vault);
    const ours = /^\.(?:vault\.jsonl|restore\.mjs|READ-ME-TO-RESTORE\.txt)\.[0-9a-f]+\.tmp$/;
    for (const name of await fs.readdir(directory))
      if (ours.test(name)) await fs.rm(path.join(directory, name), { force: true });
  }

  async #append(record: VaultRecord): Promise<void> {
    await this.#log.append(record);
    this.#apply(record);
  }

  async #read(): Promise<void> {
    const records = await this.#log.read();
    // At once: whoever asks meanwhile sees the old or the new state, never a part.
    for (const map of [this.#secrets, this.#files, this.#open, this.#giving]) map.clear();
    this.#loan = undefined;
    for (const record of records) this.#apply(record);
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
      case 'giving':
        this.#giving.set(record.file, record.temporary);
        return;
      case 'given':
        this.#giving.delete(record.file);
        return;
      case 'lent':
        this.#loan = without(record);
        return;
      case 'returned':
        this.#loan = undefined;
        return;
      case 'restored':
        this.#giving.delete(record.file);
        this.#open.delete(record.file);
        if (record.left) this.#files.set(record.file, [...record.left]);
        else this.#files.delete(record.file);
    }
  }
}

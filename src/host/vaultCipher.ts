// Encryption of the vault file: a first line with a version and the data key, wrapped by a key store's key and by the recovery
// code; then each journal line sealed on its own, bound to this vault and to its place in it. Appending stays appending.
import { randomBytes } from 'node:crypto';
import type { LineCodec } from '../files/jsonLog';
import { type Kdf, deriveKey, isKdf, newKdf, newKey, seal, unseal } from '../files/seal';
import { readRecoveryCode } from './recoveryCode';

/** Earlier versions find no JSON behind it, call the file damaged, and leave it alone. */
const MAGIC = 'sandbox-agent-vault ';
const VERSION = 1;
/** 32 MiB. The code has 128 bits of its own; the cost is for whoever holds the file and half a code. */
const CODE_COST = 2 ** 15;
const MAX_STORES = 8;

/** Where the owner of a session keeps keys: the editor's secret storage. Its values are base64url. */
export interface KeyStore {
  get(id: string): Promise<string | undefined>;
  set(id: string, key: string): Promise<void>;
  delete(id: string): Promise<void>;
}

export interface VaultKeys {
  readonly store?: KeyStore;
  /** Asks for the recovery code; undefined: nobody gave one. Called only where no store has the key. */
  readonly recoveryCode?: () => Promise<string | undefined>;
}

export type VaultErrorReason =
  'locked' | 'mistyped-code' | 'wrong-code' | 'not-confirmed' | 'key-store' | 'damaged' | 'newer' | 'already';

export class VaultError extends Error {
  constructor(
    readonly reason: VaultErrorReason,
    message: string,
  ) {
    super(message);
    this.name = 'VaultError';
  }
}

type Wrap =
  | { readonly by: 'store'; readonly id: string; readonly key: string }
  | { readonly by: 'code'; readonly kdf: Kdf; readonly key: string };

interface Header {
  readonly version: number;
  readonly id: string;
  readonly keys: readonly Wrap[];
}

/** Whether a first line, whole or torn, is that of an encrypted vault. */
export const isEncryptedHead = (line: string): boolean =>
  line.startsWith(MAGIC) || (line.length >= 4 && MAGIC.startsWith(line));

export class VaultCipher<T> implements LineCodec<T> {
  private constructor(
    private readonly header: Header,
    private readonly dataKey: Buffer,
    /** How it was opened: then a store may take the key in. */
    readonly openedBy: 'store' | 'code',
  ) {}

  /** A new vault's. `code` as `readRecoveryCode` gives it. */
  static async create<T>(code: string): Promise<VaultCipher<T>> {
    const id = randomBytes(12).toString('hex');
    const dataKey = newKey();
    const kdf = newKdf(CODE_COST);
    const key = seal(await deriveKey(code, kdf), dataKey, wrapContext(id, 'code'));
    return new VaultCipher<T>({ version: VERSION, id, keys: [{ by: 'code', kdf, key }] }, dataKey, 'code');
  }

  /** Throws `VaultError`. `known`: one that was opened before; of the same vault, it needs no key again. */
  static async open<T>(
    head: string,
    keys: VaultKeys,
    known: VaultCipher<T> | undefined,
    file: string,
  ): Promise<VaultCipher<T>> {
    const header = readHeader(head, file);
    if (known?.header.id === header.id) return new VaultCipher<T>(header, known.dataKey, known.openedBy);
    const byStore = await fromStore(header, keys.store);
    if (byStore) return new VaultCipher<T>(header, byStore, 'store');
    return new VaultCipher<T>(header, await fromCode(header, keys, file), 'code');
  }

  get head(): string {
    return MAGIC + JSON.stringify(this.header);
  }

  encode(record: T, line: number): string {
    return seal(this.dataKey, JSON.stringify(record), this.#context(line));
  }

  decode(text: string, line: number): T {
    const record = unseal(this.dataKey, text, this.#context(line));
    if (!record) throw new Error('not a line of this vault');
    return JSON.parse(record.toString('utf8')) as T;
  }

  #context(line: number): string {
    return `line ${VERSION} ${this.header.id} ${line}`;
  }

  /** Keys that stores hold for it, and whether one of them is in this store. */
  get storeIds(): readonly string[] {
    return this.header.keys.flatMap((wrap) => (wrap.by === 'store' ? wrap.id : []));
  }

  /** The same vault with its key in this store too. The store has it, and gave it back, when this resolves. */
  async keptIn(store: KeyStore): Promise<VaultCipher<T>> {
    const id = `vault-${this.header.id}-${randomBytes(4).toString('hex')}`;
    const storeKey = newKey();
    const text = storeKey.toString('base64url');
    const kept = await store
      .set(id, text)
      .then(() => store.get(id))
      .catch(() => undefined);
    if (kept !== text)
      throw new VaultError(
        'key-store',
        'The key store did not keep the key of the vault. Nothing was changed, and no value is lost; unlock the key store of the system (keyring) and try again.',
      );
    const key = seal(storeKey, this.dataKey, wrapContext(this.header.id, 'store'));
    return new VaultCipher<T>(
      { ...this.header, keys: [...latest(this.header.keys), { by: 'store', id, key }] },
      this.dataKey,
      'store',
    );
  }
}

/** A store that keeps losing its keys must not make the line grow for ever; the code always stays. */
const latest = (keys: readonly Wrap[]) => [
  ...keys.filter(({ by }) => by === 'code'),
  ...keys.filter(({ by }) => by === 'store').slice(-MAX_STORES + 1),
];

const wrapContext = (id: string, by: Wrap['by']) => `key ${VERSION} ${id} ${by}`;

function readHeader(head: string, file: string): Header {
  let header: Partial<Header> | null = null;
  try {
    header = JSON.parse(head.slice(MAGIC.length)) as Partial<Header> | null;
  } catch {
    // Said below.
  }
  if (header && typeof header.version === 'number' && header.version > VERSION)
    throw new VaultError(
      'newer',
      `The vault ${file} was written by a newer version of Sandbox Agent. It was left as it is and no value is lost; use that version.`,
    );
  const isWrap = (wrap: unknown) => {
    const { by, key, id, kdf } = wrap as { by?: unknown; key?: unknown; id?: unknown; kdf?: unknown };
    return typeof key === 'string' && (by === 'store' ? typeof id === 'string' : by === 'code' && isKdf(kdf));
  };
  if (
    header?.version !== VERSION ||
    typeof header.id !== 'string' ||
    !Array.isArray(header.keys) ||
    !header.keys.every(isWrap)
  )
    throw damagedHead(file);
  return header as Header;
}

export const damagedHead = (file: string) =>
  new VaultError(
    'damaged',
    `The first line of the encrypted vault ${file} is damaged or cut off. The file was left as it is, and nothing is swapped or restored from it; put back a copy from a backup, or import an export of the vault.`,
  );

async function fromStore({ id, keys }: Header, store: KeyStore | undefined): Promise<Buffer | undefined> {
  if (!store) return undefined;
  for (const wrap of keys) {
    if (wrap.by !== 'store') continue;
    // A store that fails is as one that has nothing: the recovery code is for that.
    const key = await store.get(wrap.id).catch(() => undefined);
    const dataKey =
      key === undefined ? undefined : unseal(Buffer.from(key, 'base64url'), wrap.key, wrapContext(id, 'store'));
    if (dataKey) return dataKey;
  }
  return undefined;
}

async function fromCode({ id, keys }: Header, { recoveryCode }: VaultKeys, file: string): Promise<Buffer> {
  const typed = await recoveryCode?.();
  if (typed === undefined || typed.trim() === '')
    throw new VaultError(
      'locked',
      `The vault of this folder is encrypted and no key for it is here. Nothing was changed, and the values stay in ${file}; give the recovery code when asked, or in the environment variable SANDBOX_AGENT_RECOVERY_CODE.`,
    );
  const code = readRecoveryCode(typed);
  if (code === undefined)
    throw new VaultError(
      'mistyped-code',
      'That is not a recovery code: a character is missing or mistyped. Nothing was changed; look at it again and type all seven groups.',
    );
  for (const wrap of keys) {
    if (wrap.by !== 'code') continue;
    const dataKey = unseal(await deriveKey(code, wrap.kdf), wrap.key, wrapContext(id, 'code'));
    if (dataKey) return dataKey;
  }
  throw new VaultError(
    'wrong-code',
    'This recovery code is not the one of this vault (or its first line was changed). Nothing was changed, and no value is lost; use the code that was shown when the vault of this folder was encrypted.',
  );
}

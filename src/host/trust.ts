// Whose credentials a folder's proxy lets through beside the managed ones: those that the user said are theirs, and the logins
// of the agents themselves, so that nobody is locked out of an agent. Only salted hashes are kept and sent.
import { randomBytes } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import type { Disposable } from '../core/base/disposable';
import { readIfThere, writeFileAtomic } from '../files/atomicFile';
import { credentialHash } from '../files/trust';
import type { TrustSettings } from '../core/secrets/types';
import type { Store } from './stores';

/** One that the user trusts: on this host only. */
export interface TrustedCredential {
  readonly hash: string;
  readonly host: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

interface Kept {
  readonly version: 1;
  readonly salt: string;
  readonly trusted: readonly TrustedCredential[];
}

/** Agents renew their logins while they run, and use the new one at once. */
const LOOK_EVERY_MS = 1_000;

export class TrustStore {
  #kept: Kept;
  #logins: readonly string[] = [];

  private constructor(
    private readonly file: string,
    kept: Kept | undefined,
  ) {
    this.#kept = kept ?? { version: 1, salt: randomBytes(32).toString('base64url'), trusted: [] };
  }

  /** A damaged file is one that trusts nobody: the user is asked again. */
  static async open(file: string): Promise<TrustStore> {
    return new TrustStore(file, await readKept(file));
  }

  /** Another program may have written the file: what it says now counts, with its salt. */
  async refresh(): Promise<void> {
    this.#kept = (await readKept(this.file)) ?? { ...this.#kept, trusted: [] };
  }

  /** Writes the file where there is none: hashes that are shown to a user must mean the same to every program. */
  async keepSalt(): Promise<void> {
    await this.refresh();
    if ((await readIfThere(this.file)) === undefined) await this.#write([]);
  }

  get trusted(): readonly TrustedCredential[] {
    return this.#kept.trusted;
  }

  get settings(): TrustSettings {
    return { salt: this.#kept.salt, hashes: [...this.#kept.trusted.map(({ hash }) => hash), ...this.#logins] };
  }

  /** `hash` as a finding has it. This and `remove`: one program at a time (the lock of the vault). */
  async add(host: string, hash: string, now: number): Promise<void> {
    if (!HASH.test(hash)) throw new Error('This is not the hash of a credential: nothing was trusted.');
    await this.refresh();
    const others = this.#kept.trusted.filter((one) => one.hash !== hash);
    await this.#write([...others, { hash, host, since: now }]);
  }

  /** Returns whether it was there. */
  async remove(hash: string): Promise<boolean> {
    await this.refresh();
    if (!this.#kept.trusted.some((one) => one.hash === hash)) return false;
    await this.#write(this.#kept.trusted.filter((one) => one.hash !== hash));
    return true;
  }

  async #write(trusted: readonly TrustedCredential[]): Promise<void> {
    const kept = { ...this.#kept, trusted };
    await writeFileAtomic(this.file, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o600 });
    this.#kept = kept;
  }

  /** Reads the agents' logins. Returns whether they are others than before. */
  async readLogins(stores: readonly Store[]): Promise<boolean> {
    const fresh: string[] = [];
    for (const { kind, file } of stores) {
      const login = LOGINS[kind];
      const token = login && tokenAt(await readIfThere(file).catch(() => undefined), login.path);
      if (!login || token === undefined || !login.shape.test(token)) continue;
      fresh.push(...login.hosts.map((host) => credentialHash(this.#kept.salt, host, token)));
    }
    // An older one is still in use by processes that were started with it, and a file may be half written.
    const known = fresh.filter((hash) => !this.#logins.includes(hash));
    this.#logins = [...this.#logins, ...known].slice(-MAX_LOGIN_HASHES);
    return known.length > 0;
  }
}

/** Undefined for a file that is not there, or is no list of hashes. */
async function readKept(file: string): Promise<Kept | undefined> {
  try {
    const read = JSON.parse((await readIfThere(file))?.toString('utf8') ?? 'null') as Partial<Kept> | null;
    const usable = read?.version === 1 && typeof read.salt === 'string' && Array.isArray(read.trusted);
    return usable && read.trusted.every(isTrusted) ? (read as Kept) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isTrusted(value: unknown): value is TrustedCredential {
  const { hash, host, since } = (value ?? {}) as Partial<TrustedCredential>;
  return typeof hash === 'string' && HASH.test(hash) && typeof host === 'string' && typeof since === 'number';
}

const HASH = /^[0-9a-f]{64}$/;

/** Stores that hold logins of agents. */
export const holdsLogin = ({ kind }: Store): boolean => LOGINS[kind] !== undefined;

interface Login {
  /** Where it stands in the file. */
  readonly path: readonly string[];
  readonly shape: RegExp;
  /** Its own hosts, and no others: whoever can write the file must not be able to trust a key elsewhere. */
  readonly hosts: readonly string[];
}

const LOGINS: Readonly<Partial<Record<Store['kind'], Login>>> = {
  claude: {
    path: ['claudeAiOauth', 'accessToken'],
    shape: /^sk-ant-oat\d\d-/,
    hosts: [
      'api.anthropic.com',
      'console.anthropic.com',
      'platform.claude.com',
      'claude.ai',
      'mcp-proxy.anthropic.com',
    ],
  },
  codex: {
    path: ['tokens', 'access_token'],
    shape: /^eyJ/,
    hosts: ['api.openai.com', 'auth.openai.com', 'chatgpt.com'],
  },
};
/** A few generations of each. */
const MAX_LOGIN_HASHES = 64;

function tokenAt(bytes: Buffer | undefined, path: readonly string[]): string | undefined {
  let at: unknown;
  try {
    at = JSON.parse(bytes?.toString('utf8') ?? 'null');
  } catch {
    return undefined; // half written: it is looked at again
  }
  for (const key of path) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  return typeof at === 'string' ? at : undefined;
}

/** Calls back when one of the files changed, or is there now. */
export function watchLogins(stores: readonly Store[], changed: () => void): Disposable {
  // By name, at intervals: agents replace the file, and a watcher of the old one would hear nothing more.
  for (const { file } of stores) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, changed);
  return {
    dispose: () => {
      for (const { file } of stores) unwatchFile(file, changed);
    },
  };
}

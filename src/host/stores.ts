// Credential stores of the user outside of every folder: where they are, and which folder's vault has the real values of one that
// was swapped. Two folders must not swap one file: the second would take the first one's dummies for secrets.
import fs from 'node:fs/promises';
import path from 'node:path';
import type { StoreKind } from '../core/env/stores';
import { readIfThere, writeFileAtomic } from '../files/atomicFile';
import { waitForLock } from './lock';
import { stateIn } from './stateFolder';

export interface Store {
  readonly kind: StoreKind;
  /** As the user knows it: `~/.netrc`, or the absolute path where a variable moved it. */
  readonly label: string;
  readonly file: string;
}

const DEFAULTS: Readonly<Record<StoreKind, string>> = {
  aws: '.aws/credentials',
  netrc: '.netrc',
  gh: '.config/gh/hosts.yml',
  npmrc: '.npmrc',
  claude: '.claude/.credentials.json',
  codex: '.codex/auth.json',
};

/** Where programs look, and what a variable moved it to. In each place a program may have left one. */
export function storePlaces(home: string, environment: NodeJS.ProcessEnv): Store[] {
  const at = (variable: string, ...rest: string[]) => {
    const value = environment[variable];
    return value && path.isAbsolute(value) ? [path.join(value, ...rest)] : [];
  };
  const moved: Readonly<Record<StoreKind, readonly string[]>> = {
    aws: at('AWS_SHARED_CREDENTIALS_FILE'),
    netrc: at('NETRC'),
    gh: [...at('GH_CONFIG_DIR', 'hosts.yml'), ...at('XDG_CONFIG_HOME', 'gh', 'hosts.yml')],
    npmrc: [...at('NPM_CONFIG_USERCONFIG'), ...at('npm_config_userconfig')],
    claude: at('CLAUDE_CONFIG_DIR', '.credentials.json'),
    codex: at('CODEX_HOME', 'auth.json'),
  };
  return (Object.keys(DEFAULTS) as StoreKind[]).flatMap((kind) => {
    const own = path.join(home, DEFAULTS[kind]);
    const others = [...new Set(moved[kind])].filter((file) => file !== own);
    return [{ kind, label: `~/${DEFAULTS[kind]}`, file: own }, ...others.map((file) => ({ kind, label: file, file }))];
  });
}

/** Those that are there. */
export async function findStores(home: string, environment: NodeJS.ProcessEnv): Promise<Store[]> {
  const there = await Promise.all(
    storePlaces(home, environment).map(async (store) => {
      const stat = await fs.stat(store.file).catch(() => undefined);
      return stat?.isFile() === true ? [store] : [];
    }),
  );
  return there.flat();
}

/** Swapped files by real path, and whose they are. Names of folders, no values. */
type Register = Readonly<Record<string, { readonly folder: string; readonly directory: string }>>;

/** Beside the state folders of all folders. `directory`: the state folder of one. */
const registerFile = (directory: string) => path.join(path.dirname(path.dirname(directory)), 'stores.json');

async function readRegister(directory: string): Promise<Register> {
  const text = (await readIfThere(registerFile(directory)))?.toString('utf8') ?? '{}';
  try {
    return JSON.parse(text) as Register;
  } catch {
    throw new Error(
      `${registerFile(directory)} is damaged, which says whose dummies stand in credential stores. No store was swapped; if none is, remove that file.`,
    );
  }
}

/** The other folder whose dummies stand in the file; undefined: none. */
export async function storeOwner(directory: string, file: string): Promise<string | undefined> {
  const owner = (await readRegister(directory))[file];
  if (!owner || owner.directory === directory) return undefined;
  // A state folder that somebody deleted gives nothing back any more.
  const vault = await fs.stat(stateIn(owner.directory, owner.folder).vault).catch(() => undefined);
  return vault ? owner.folder : undefined;
}

/** Before the swap. Rejects where another folder has it. */
export async function claimStore(directory: string, folder: string, file: string): Promise<void> {
  await changed(directory, async (register) => {
    const owner = await storeOwner(directory, file);
    if (owner !== undefined) throw new Error(ownedBy(owner));
    return { ...register, [file]: { folder, directory } };
  });
}

export const ownedBy = (folder: string) =>
  `dummies of ${folder} stand in this file: restore it there before it is swapped here`;

/** What this folder's vault has no swap of is nobody's. */
export async function keepStores(directory: string, files: readonly string[]): Promise<void> {
  if (!Object.values(await readRegister(directory)).some((owner) => owner.directory === directory)) return;
  await changed(directory, (register) =>
    Promise.resolve(
      Object.fromEntries(
        Object.entries(register).filter(([file, owner]) => owner.directory !== directory || files.includes(file)),
      ),
    ),
  );
}

async function changed(directory: string, change: (register: Register) => Promise<Register>): Promise<void> {
  const file = registerFile(directory);
  const lock = await waitForLock(`${file}.lock`, 'stores');
  try {
    await writeFileAtomic(file, `${JSON.stringify(await change(await readRegister(directory)), undefined, 2)}\n`, {
      mode: 0o600,
    });
  } finally {
    await lock.release();
  }
}

/** Where a file of the vault is: stores have their real path, files of the folder are relative to it. */
export const placeOf = (folder: string, file: string): string =>
  path.isAbsolute(file) ? file : path.join(folder, file);

/** What a file of the vault must lie in: a store is itself, wherever a link that replaced it would lead. */
export const boundsOf = (folder: string, file: string): string => (path.isAbsolute(file) ? file : folder);

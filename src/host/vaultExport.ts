// A vault in one file, sealed with a passphrase, for another machine or a backup; and back. An import only adds: where both
// vaults say different things, what is here stays, both are kept or the difference is reported, never overwritten.
import path from 'node:path';
import { FileError, readIfThere, writeFileAtomic } from '../files/atomicFile';
import { type Kdf, deriveKey, isKdf, newKdf, seal, unseal } from '../files/seal';
import type { ImportReport } from './api';
import { type RestoreDeps, settle } from './restore';
import type { Vault, VaultFile, VaultSecret } from './vault';

const FORMAT = 'sandbox-agent vault export';
const VERSION = 1;
const CONTEXT = `${FORMAT} ${VERSION}`;
/** 128 MiB: words that people choose are guessed quickly otherwise. */
const PASSPHRASE_COST = 2 ** 17;
const MIN_PASSPHRASE = 12;

export type ExportErrorReason =
  'weak-passphrase' | 'exists' | 'missing' | 'not-an-export' | 'newer' | 'wrong-passphrase';

export class ExportError extends Error {
  constructor(
    readonly reason: ExportErrorReason,
    message: string,
  ) {
    super(message);
    this.name = 'ExportError';
  }
}

interface Sealed {
  readonly format: string;
  readonly version: number;
  readonly kdf: Kdf;
  readonly sealed: string;
}

interface Contents {
  readonly secrets: readonly VaultSecret[];
  readonly files: readonly VaultFile[];
}

type Deps = Pick<RestoreDeps, 'folder' | 'vault' | 'fault'>;

/** Writes a new file, mode 0600. Rejects with `ExportError` or `FileError`; then nothing was written. */
export async function exportVault({ folder, vault, fault }: Deps, file: string, passphrase: string): Promise<void> {
  if (passphrase.length < MIN_PASSPHRASE)
    throw new ExportError(
      'weak-passphrase',
      `The passphrase has fewer than ${MIN_PASSPHRASE} characters: whoever gets the file could guess it. Nothing was written; take a longer one, of several words.`,
    );
  if (await readIfThere(file))
    throw new ExportError(
      'exists',
      `${path.basename(file)} is there already. It was left as it is, and nothing was written; choose another name or remove it.`,
    );
  const contents = await vault.exclusively('export', async (): Promise<Contents> => {
    await settle({ folder, vault });
    return { secrets: vault.secrets, files: vault.files };
  });
  const kdf = newKdf(PASSPHRASE_COST);
  const sealed = seal(await deriveKey(passphrase, kdf), JSON.stringify(contents), CONTEXT);
  const text = `${JSON.stringify({ format: FORMAT, version: VERSION, kdf, sealed } satisfies Sealed)}\n`;
  await writeFileAtomic(file, text, { mode: 0o600, ...(fault ? { fault } : {}) });
}

/** Adds what the file holds, in one step. Rejects with `ExportError` or `FileError`; then nothing has changed. */
export async function importVault({ folder, vault }: Deps, file: string, passphrase: string): Promise<ImportReport> {
  const contents = await readExport(file, passphrase);
  return vault.exclusively('import', async () => {
    await settle({ folder, vault });
    const merged = merge(vault, contents);
    if (merged.changed) await vault.replace(merged.secrets, merged.files);
    return merged.report;
  });
}

async function readExport(file: string, passphrase: string): Promise<Contents> {
  const bytes = await readIfThere(file);
  const name = path.basename(file);
  if (!bytes) throw new ExportError('missing', `There is no file ${name}. Nothing was changed; look at its name.`);
  let found: Partial<Sealed> | null = null;
  try {
    found = JSON.parse(bytes.toString('utf8')) as Partial<Sealed> | null;
  } catch {
    // Said below.
  }
  if (found?.format === FORMAT && typeof found.version === 'number' && found.version > VERSION)
    throw new ExportError(
      'newer',
      `${name} was written by a newer version of Sandbox Agent. Nothing was changed; import it with that version.`,
    );
  if (found?.format !== FORMAT || found.version !== VERSION || !isKdf(found.kdf) || typeof found.sealed !== 'string')
    throw new ExportError(
      'not-an-export',
      `${name} is no vault export, or it is damaged or cut off. Nothing was changed; take another copy of it.`,
    );
  const opened = unseal(await deriveKey(passphrase, found.kdf), found.sealed, CONTEXT);
  if (!opened)
    throw new ExportError(
      'wrong-passphrase',
      `${name} does not open: the passphrase is another one, or the file is damaged. Nothing was changed; type the passphrase that was given at the export.`,
    );
  const contents = JSON.parse(opened.toString('utf8')) as Contents;
  const inside = contents.files.every(({ file: at }) => !path.isAbsolute(at) && !at.split(/[\\/]/).includes('..'));
  if (!inside) throw new FileError('outside', `${name} names files outside the folder. Nothing was changed.`);
  return contents;
}

interface Merged {
  readonly secrets: readonly VaultSecret[];
  readonly files: readonly VaultFile[];
  readonly changed: boolean;
  readonly report: ImportReport;
}

function merge(vault: Vault, contents: Contents): Merged {
  const secrets: VaultSecret[] = [...vault.secrets];
  const files: VaultFile[] = [...vault.files];
  const added: string[] = [];
  const renamed: { name: string; as: string }[] = [];
  const refused: { name: string; reason: string }[] = [];
  const refusedDummies = new Set<string>();
  let known = 0;
  const freeName = (wanted: string) => {
    for (let i = 1; ; i++) {
      const name = i === 1 ? wanted : `${wanted}_${i}`;
      if (!secrets.some((secret) => secret.name === name)) return name;
    }
  };
  for (const secret of contents.secrets) {
    const sameDummy = secrets.find(({ dummy }) => dummy === secret.dummy);
    if (sameDummy?.value === secret.value) {
      known++;
      continue;
    }
    if (sameDummy) {
      // One dummy cannot stand for two values: one side was rotated.
      refusedDummies.add(secret.dummy);
      refused.push({
        name: secret.name,
        reason: `its dummy stands for another value here (${sameDummy.name} was rotated on one side). The one here stays; if the one of the file is newer, give it with "sandbox-agent rotate ${sameDummy.name}"`,
      });
      continue;
    }
    const clash = secrets.some((other) => other.value === secret.dummy || other.dummy === secret.value);
    if (clash) {
      refusedDummies.add(secret.dummy);
      refused.push({
        name: secret.name,
        reason: 'its dummy was taken for a secret here and swapped again. Restore this folder first, then import',
      });
      continue;
    }
    const name = freeName(secret.name);
    if (name !== secret.name) renamed.push({ name: secret.name, as: name });
    // The environment of this machine is another one.
    secrets.push({ ...secret, name, fromEnvironment: false });
    added.push(name);
  }
  const addedFiles = new Set<string>();
  for (const { file, before, after, pairs: all } of contents.files) {
    const pairs = all.filter(({ dummy }) => !refusedDummies.has(dummy));
    const here = files.filter((own) => own.file === file).flatMap((own) => own.pairs);
    const covered = pairs.every(({ dummy, raw }) => here.some((pair) => pair.dummy === dummy && pair.raw === raw));
    if (covered) continue;
    files.push({ file, before, after, pairs });
    addedFiles.add(file);
  }
  return {
    secrets,
    files,
    changed: added.length + addedFiles.size > 0,
    report: { added, known, renamed, refused, files: [...addedFiles] },
  };
}

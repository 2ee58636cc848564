// Files are replaced whole or not at all: written beside, synced, renamed, the folder synced. Mode, owner and a symlink stay.
import fs from 'node:fs/promises';
import path from 'node:path';
import { randomBytes } from 'node:crypto';

/** Called before each operation with its name; tests make it kill the process or throw. */
export type FaultHook = (operation: string) => void | Promise<void>;
const noFault: FaultHook = () => undefined;

export class FileError extends Error {
  constructor(
    readonly reason: 'read-only' | 'no-space' | 'missing' | 'changed' | 'outside' | 'other',
    message: string,
  ) {
    super(message);
    this.name = 'FileError';
  }
}

/** What went wrong with a file, in words; never what is in it. */
export function fileError(error: unknown, file: string): FileError {
  if (error instanceof FileError) return error;
  const { code } = error as NodeJS.ErrnoException;
  const name = path.basename(file);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new FileError(
      'read-only',
      `${name} cannot be written (${code}). Nothing was changed; give yourself write permission and try again.`,
    );
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FileError(
      'no-space',
      `There is no space left to write ${name} (${code}). Nothing was changed and no value is lost; free some space and try again.`,
    );
  if (code === 'ENOENT') return new FileError('missing', `${name} does not exist.`);
  return new FileError(
    'other',
    `${name} could not be written (${code ?? (error as Error).name}). Nothing was changed; see what is wrong with the disk or the folder, and try again.`,
  );
}

export interface WriteOptions {
  /** For a file that does not exist yet. */
  readonly mode?: number;
  readonly fault?: FaultHook;
  /** The bytes that the file must still hold: else `FileError` `changed`. */
  readonly expect?: Uint8Array;
  /** Real path of a folder that the file must lie in, wherever links lead: else `FileError` `outside`. */
  readonly within?: string;
  /** What `temporaryFor` gave: for a journal that must know the name before the file is there. */
  readonly temporary?: string;
}

/** Where the new bytes are written before the rename: beside the file, or beside what it links to. Absolute. */
export async function temporaryFor(file: string): Promise<string> {
  const target = await resolveLink(file);
  return path.join(path.dirname(target), `.${path.basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
}

/** Where a path leads, as far as it exists: links of the file and of its folders are followed. */
export async function realPathOf(file: string): Promise<string> {
  try {
    return await fs.realpath(file);
  } catch {
    const parent = path.dirname(file);
    return parent === file ? file : path.join(await realPathOf(parent), path.basename(file));
  }
}

export const isWithin = (folder: string, real: string): boolean =>
  real === folder || real.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);

/** Replaces `file` (or what it links to). Throws `FileError`. */
export async function writeFileAtomic(
  file: string,
  bytes: Uint8Array | string,
  { mode = 0o600, fault = noFault, expect, within, temporary: given }: WriteOptions = {},
): Promise<void> {
  const target = await resolveLink(file);
  if (within !== undefined && !isWithin(within, await realPathOf(file)))
    throw new FileError(
      'outside',
      `${path.basename(file)} is, or lies behind, a link that leads out of the folder. It was left as it is; put a file of its own there.`,
    );
  const temporary = given ?? (await temporaryFor(file));
  try {
    const old = await fs.stat(target).catch(() => undefined);
    // The rename needs write permission on the folder only; a file that its owner made read-only is left alone.
    if (old) await fs.access(target, fs.constants.W_OK);
    await fault('create');
    const handle = await fs.open(temporary, 'wx', old ? old.mode & 0o7777 : mode);
    try {
      await fault('write');
      await handle.writeFile(bytes);
      if (old) {
        await handle.chmod(old.mode & 0o7777);
        if (old.uid !== process.getuid?.() || old.gid !== process.getgid?.())
          await handle.chown(old.uid, old.gid).catch(() => undefined);
      } else await handle.chmod(mode);
      await fault('sync');
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (expect) {
      const now = await fs.readFile(target).catch(() => undefined);
      if (!now || Buffer.compare(now, Buffer.from(expect)) !== 0)
        throw new FileError(
          'changed',
          `${path.basename(file)} was changed by another program meanwhile. It was left as it is.`,
        );
    }
    await fault('rename');
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, file);
  }
  // The new bytes are there: from here on nothing may say that they are not, or a journal would forget them.
  await syncFolder(path.dirname(target), fault);
}

async function resolveLink(file: string): Promise<string> {
  try {
    return await fs.realpath(file);
  } catch {
    return file;
  }
}

/** Makes a rename or a new file survive a power cut (POSIX); a no-op where folders cannot be opened. */
export async function syncFolder(folder: string, fault: FaultHook = noFault): Promise<void> {
  try {
    await fault('sync-folder');
    const handle = await fs.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows: directories have no handles to sync.
  }
}

/** The bytes, or undefined where there is no such file. Other failures throw `FileError`. */
export async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await fs.readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FileError(
      'other',
      `${path.basename(file)} could not be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`,
    );
  }
}

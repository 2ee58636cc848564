// Finds the env files of a folder, git-ignored ones and nested packages included, and what git knows of them.
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isEnvFileName, isSkippedDirectory } from '../core/env/scan';

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_DEPTH = 24;

export interface EnvFile {
  /** Relative to the folder, with `/`. */
  readonly file: string;
  readonly absolute: string;
}

export interface EnvFiles {
  readonly files: readonly EnvFile[];
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * In a stable order. Folders behind symlinks are not entered; files behind symlinks are taken if they lead into the folder,
 * and each file once, by its own name where that is one of an env file.
 */
export async function findEnvFiles(folder: string): Promise<EnvFiles> {
  const files: EnvFile[] = [];
  const links: (EnvFile & { readonly real: string })[] = [];
  const skipped: { file: string; reason: string }[] = [];
  const visit = async (directory: string, depth: number): Promise<void> => {
    let entries;
    try {
      entries = await fs.readdir(directory, { withFileTypes: true });
    } catch {
      skipped.push({ file: relative(folder, directory), reason: 'this folder cannot be read' });
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const absolute = path.join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!isSkippedDirectory(entry.name) && depth < MAX_DEPTH) await visit(absolute, depth + 1);
      } else if ((entry.isFile() || entry.isSymbolicLink()) && isEnvFileName(entry.name)) {
        const reason = await refusal(folder, absolute);
        const file = relative(folder, absolute);
        if (reason) skipped.push({ file, reason });
        else if (entry.isFile()) files.push({ file, absolute });
        else links.push({ file, absolute, real: await fs.realpath(absolute) });
      }
    }
  };
  await visit(folder, 0);
  const taken = new Set(files.map(({ absolute }) => absolute));
  for (const { file, absolute, real } of links) {
    if (taken.has(real)) continue;
    taken.add(real);
    files.push({ file, absolute });
  }
  return { files: files.sort((a, b) => (a.file < b.file ? -1 : 1)), skipped };
}

async function refusal(folder: string, absolute: string): Promise<string | undefined> {
  try {
    const real = await fs.realpath(absolute);
    if (real !== folder && !real.startsWith(folder + path.sep))
      return 'it is a link to a file outside the folder; protect the folder that holds it';
    const stat = await fs.stat(real);
    if (!stat.isFile()) return 'it is not a file';
    if (stat.size > MAX_FILE_BYTES) return 'it is larger than 8 MiB';
    await fs.access(real, fs.constants.R_OK);
    return undefined;
  } catch (error) {
    return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
}

const relative = (folder: string, absolute: string) => path.relative(folder, absolute).split(path.sep).join('/');

/** Runs git in a folder; undefined when it fails or is not there. Never a shell. */
export function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    // No hooks, no pager, no credential helper of a hostile repository's configuration is run by these read-only calls.
    const child = execFile(
      'git',
      ['-c', 'core.fsmonitor=false', ...args],
      {
        cwd: folder,
        maxBuffer: 64 * 1024 * 1024,
        timeout: 20_000,
        env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
      },
      (error, stdout) => resolve(error ? undefined : stdout),
    );
    child.stdin?.end();
  });
}

/**
 * Whether git publishes what is in a file (absolute, a real path). True as well where a repository is and git does not
 * answer: what must not be published is then not written.
 */
export async function mayBeTracked(file: string): Promise<boolean> {
  const folder = await nearestFolder(path.dirname(file));
  const out = await git(folder, ['ls-files', '-z', '--', `:(literal)${path.relative(folder, file)}`]);
  if (out !== undefined) return out !== '';
  for (let at = folder; ; at = path.dirname(at)) {
    if (await fs.lstat(path.join(at, '.git')).catch(() => undefined)) return true;
    if (at === path.dirname(at)) return false;
  }
}

/** The folder itself, or the first one above it that is there. */
export async function nearestFolder(folder: string): Promise<string> {
  const stat = await fs.stat(folder).catch(() => undefined);
  return stat?.isDirectory() === true || folder === path.dirname(folder) ? folder : nearestFolder(path.dirname(folder));
}

/** The given files that git tracks, relative to the folder. */
export async function trackedFiles(folder: string, files: readonly string[]): Promise<ReadonlySet<string>> {
  if (files.length === 0) return new Set();
  const out = await git(folder, ['ls-files', '-z', '--', ...files.map((file) => `:(literal)${file}`)]);
  return new Set((out ?? '').split('\0').filter((file) => file !== ''));
}

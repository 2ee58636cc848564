// What is left of a protected value: other files of the folder, and git's history. By name and place, never the value.
import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isSkippedDirectory } from '../core/env/scan';
import type { VaultSecret } from './vault';

const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_FILES = 20_000;
const HISTORY_MS = 20_000;

export interface Copy {
  readonly name: string;
  readonly where: string;
}

export async function remainingCopies(folder: string, secrets: readonly VaultSecret[]): Promise<Copy[]> {
  if (secrets.length === 0) return [];
  return [...(await copiesInFiles(folder, secrets)), ...(await copiesInHistory(folder, secrets))];
}

async function copiesInFiles(folder: string, secrets: readonly VaultSecret[]): Promise<Copy[]> {
  const found: Copy[] = [];
  let seen = 0;
  const visit = async (directory: string): Promise<void> => {
    const entries = await fs.readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const absolute = path.join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!isSkippedDirectory(entry.name)) await visit(absolute);
        continue;
      }
      if (!entry.isFile() || ++seen > MAX_FILES) continue;
      const { size } = await fs.stat(absolute).catch(() => ({ size: Infinity }));
      if (size > MAX_FILE_BYTES) continue;
      const bytes = await fs.readFile(absolute).catch(() => Buffer.alloc(0));
      for (const { name, value } of secrets)
        if (bytes.includes(value))
          found.push({ name, where: path.relative(folder, absolute).split(path.sep).join('/') });
    }
  };
  await visit(folder);
  return found;
}

/**
 * One pass over the patches of all commits, read as a stream. `git log -S` would need the value as an argument, which every
 * user of the machine can read.
 */
function copiesInHistory(folder: string, secrets: readonly VaultSecret[]): Promise<Copy[]> {
  return new Promise((resolve) => {
    const found = new Map<string, Copy>();
    const child = spawn(
      'git',
      [
        '-c',
        'core.fsmonitor=false',
        'log',
        '--all',
        '-p',
        '--no-color',
        '--no-ext-diff',
        '--no-textconv',
        '--format=commit %h',
      ],
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' },
      },
    );
    const timer = setTimeout(() => child.kill('SIGKILL'), HISTORY_MS);
    const longest = Math.max(...secrets.map(({ value }) => Buffer.byteLength(value)), 64);
    let tail = '';
    let commit = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const text = tail + chunk.toString('utf8');
      for (const { name, value } of secrets) {
        const at = found.has(name) ? -1 : text.indexOf(value);
        if (at < 0) continue;
        const last = [...text.slice(0, at).matchAll(/^commit ([0-9a-f]{7,})$/gm)].at(-1)?.[1] ?? commit;
        found.set(name, { name, where: `git history, commit ${last}` });
      }
      commit = [...text.matchAll(/^commit ([0-9a-f]{7,})$/gm)].at(-1)?.[1] ?? commit;
      tail = text.slice(-longest);
    });
    const done = () => {
      clearTimeout(timer);
      resolve([...found.values()]);
    };
    child.on('error', done);
    child.on('close', done);
  });
}

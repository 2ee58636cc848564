// Who owns a folder's proxy, or writes its vault: a file with the process id and its start time. A dead owner's lock is taken
// over; a living one's is respected and named.
import fs from 'node:fs/promises';
import { readFileSync } from 'node:fs';

export interface Owner {
  readonly pid: number;
  /** Tells a process from a later one with the same id, where the system says; else 0. */
  readonly started: number;
  readonly what: string;
}

export interface Lock {
  release(): Promise<void>;
}

/** The lock, or who holds it. */
export async function takeLock(
  file: string,
  what: string,
): Promise<{ readonly lock: Lock } | { readonly owner: Owner }> {
  const own: Owner = { pid: process.pid, started: startOf(process.pid), what };
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await fs.writeFile(file, JSON.stringify(own), { flag: 'wx', mode: 0o600 });
      return { lock: { release: () => release(file, own) } };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = await readOwner(file);
    if (owner && isAlive(owner)) return { owner };
    await fs.rm(file, { force: true });
  }
  throw new Error('The lock of this folder cannot be taken.');
}

/** As `takeLock`, but waits for a short writer; rejects when it takes longer than `waitMs`. */
export async function waitForLock(file: string, what: string, waitMs = 10_000): Promise<Lock> {
  const until = Date.now() + waitMs;
  for (;;) {
    const taken = await takeLock(file, what);
    if ('lock' in taken) return taken.lock;
    if (Date.now() > until)
      throw new Error(
        `Another program (${taken.owner.what}, process ${taken.owner.pid}) is writing the vault of this folder. Nothing was changed; try again when it is done.`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function release(file: string, own: Owner): Promise<void> {
  const owner = await readOwner(file);
  if (owner?.pid === own.pid && owner.started === own.started) await fs.rm(file, { force: true });
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return started === 0 || now === 0 || now === started;
}

/** Start time in clock ticks since boot (proc(5), field 22); 0 where there is no /proc. */
function startOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return 0;
  }
}

// Who owns a folder's proxy, or writes its vault: a file with the process id and its start time. A dead owner's lock is taken
// over; a living one's is respected and named. There is never a moment at which two processes hold one lock.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { readFileSync } from 'node:fs';

export interface Owner {
  readonly pid: number;
  /** Tells a process from a later one with the same id, where the system says; else 0. */
  readonly started: number;
  readonly what: string;
  /** Tells this lock from every other one; missing in locks of earlier versions. */
  readonly nonce?: string;
}

export interface Lock {
  release(): Promise<void>;
}

/** Errors of `link` where the file system has none. */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);
/** A lock without links is empty for a moment before its owner is in it. */
const YOUNG_MS = 2_000;
const PAUSE_MS = 20;

/** The lock, or who holds it. */
export async function takeLock(
  file: string,
  what: string,
): Promise<{ readonly lock: Lock } | { readonly owner: Owner }> {
  const own: Owner = {
    pid: process.pid,
    started: startOf(process.pid),
    what,
    nonce: randomBytes(8).toString('hex'),
  };
  for (;;) {
    if (await create(file, own)) return { lock: { release: () => release(file, own) } };
    const seen = await readOwner(file);
    if (seen === 'none') continue;
    if (seen === 'unreadable' && (await isYoung(file))) {
      await pause(PAUSE_MS);
      continue;
    }
    const owner = seen === 'unreadable' ? undefined : seen;
    if (owner && isAlive(owner)) return { owner };
    await removeDead(file, owner, what);
  }
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
    await pause(PAUSE_MS + Math.random() * PAUSE_MS);
  }
}

/** The living owner of a lock, without taking it; undefined when it is free. */
export async function lockOwner(file: string): Promise<Owner | undefined> {
  const owner = await readOwner(file);
  return owner !== 'none' && owner !== 'unreadable' && isAlive(owner) ? owner : undefined;
}

/** With its owner in it from the first moment on: written under another name, then linked to the lock's. */
async function create(file: string, own: Owner): Promise<boolean> {
  const text = JSON.stringify(own);
  const temporary = `${file}.${own.nonce!}`;
  try {
    await fs.writeFile(temporary, text, { mode: 0o600 });
    await fs.link(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.has(code ?? '')) throw error;
  } finally {
    await fs.rm(temporary, { force: true });
  }
  try {
    await fs.writeFile(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock of a dead owner and no other. Who looked a moment ago may remove what another one has taken since; so
 * only the holder of a second lock, named after that very owner, may, and only if the file still is that owner's. A crash
 * in here leaves a dead second lock, which is taken over in the same way.
 */
async function removeDead(file: string, dead: Owner | undefined, what: string): Promise<void> {
  const name = dead ? (dead.nonce ?? `${dead.pid}-${dead.started}`) : 'unreadable';
  const right = await takeLock(`${file}.${name}.end`, what);
  if (!('lock' in right)) {
    await pause(PAUSE_MS);
    return;
  }
  try {
    const now = await readOwner(file);
    if (now === 'none') return;
    const same = now === 'unreadable' ? dead === undefined : dead !== undefined && isSame(now, dead);
    if (same) await fs.rm(file, { force: true });
  } finally {
    await right.lock.release();
  }
}

async function release(file: string, own: Owner): Promise<void> {
  const owner = await readOwner(file);
  if (owner !== 'none' && owner !== 'unreadable' && isSame(owner, own)) await fs.rm(file, { force: true });
}

const isSame = (a: Owner, b: Owner) => a.pid === b.pid && a.started === b.started && a.nonce === b.nonce;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function readOwner(file: string): Promise<Owner | 'none' | 'unreadable'> {
  try {
    const owner = JSON.parse(await fs.readFile(file, 'utf8')) as Partial<Owner> | null;
    return typeof owner?.pid === 'number' && typeof owner.started === 'number' ? (owner as Owner) : 'unreadable';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'none';
    if (code !== undefined) throw error;
    return 'unreadable';
  }
}

async function isYoung(file: string): Promise<boolean> {
  const stat = await fs.stat(file).catch(() => undefined);
  return stat === undefined || Math.abs(Date.now() - stat.mtimeMs) < YOUNG_MS;
}

/** Also when it is another user's. */
export function processRuns(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** This process, for a journal that must know who is at work. */
export const ownerNow = (what: string): Owner => ({ pid: process.pid, started: startOf(process.pid), what });

export function isAlive({ pid, started }: Owner): boolean {
  if (!processRuns(pid)) return false;
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

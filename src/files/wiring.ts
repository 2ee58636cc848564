// The agents' settings that we wrote, and the exact way back. The journal lies in the state folder and holds both texts; the
// host undoes on Stop, the proxy process when its owner goes away. Undoing twice, or at once in two processes, is harmless.
import fs from 'node:fs/promises';
import path from 'node:path';
import { removeOurs } from '../core/agents/claudeSettings';
import { readIfThere, writeFileAtomic } from './atomicFile';

/** One file that we changed. */
export interface WiringEntry {
  readonly file: string;
  /** What the file held before; undefined: there was none. */
  readonly before: string | undefined;
  /** What we wrote. */
  readonly after: string;
  /** Folders that we made for it, innermost first: removed again when empty. */
  readonly madeFolders: readonly string[];
  /** `claude`: if the user edited the file since, only our keys are taken back. `lines`: only our lines. */
  readonly kind: 'claude' | 'lines';
  /** Where the text is written before it takes the file's place, absolute: a kill may leave it, with our token in it. */
  readonly temporary?: string;
}

export interface WiringJournal {
  readonly version: 1;
  readonly entries: readonly WiringEntry[];
}

export interface UndoReport {
  /** Files that hold what they held before, or only the user's later edits. */
  readonly undone: readonly string[];
  /** Files that could not be undone: why, in words. */
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
}

export async function readWiring(journal: string): Promise<WiringJournal> {
  const text = await readIfThere(journal);
  if (!text) return { version: 1, entries: [] };
  try {
    return JSON.parse(text.toString('utf8')) as WiringJournal;
  } catch {
    return { version: 1, entries: [] };
  }
}

/** Must be durable before the first of its files is written. */
export async function writeWiring(journal: string, entries: readonly WiringEntry[]): Promise<void> {
  await writeFileAtomic(journal, `${JSON.stringify({ version: 1, entries } satisfies WiringJournal)}\n`, {
    mode: 0o600,
  });
}

/** Takes back what the journal says, last written first, and empties it. Never throws. */
export async function undoWiring(journal: string): Promise<UndoReport> {
  const undone: string[] = [];
  const failed: { file: string; reason: string }[] = [];
  const { entries } = await readWiring(journal).catch(() => ({ entries: [] as readonly WiringEntry[] }));
  const left: WiringEntry[] = [];
  for (const entry of [...entries].reverse()) {
    try {
      await undoEntry(entry);
      undone.push(entry.file);
    } catch (error) {
      failed.push({ file: entry.file, reason: (error as Error).message });
      left.unshift(entry);
    }
  }
  if (left.length > 0) await writeWiring(journal, left).catch(() => undefined);
  else await fs.rm(journal, { force: true }).catch(() => undefined);
  return { undone, failed };
}

async function undoEntry(entry: WiringEntry): Promise<void> {
  if (entry.temporary !== undefined) await fs.rm(entry.temporary, { force: true });
  const now = (await readIfThere(entry.file))?.toString('utf8');
  if (now === undefined || now === entry.before) {
    await removeFolders(entry.madeFolders);
    return;
  }
  if (now === entry.after) {
    if (entry.before === undefined) await fs.rm(entry.file, { force: true });
    else await writeFileAtomic(entry.file, entry.before);
  } else {
    const cleaned = entry.kind === 'claude' ? removeOurs(now, entry.before, entry.after) : removeLines(now, entry);
    if (cleaned === undefined)
      throw new Error(
        `${path.basename(entry.file)} was changed and is no longer valid: take the proxy settings out by hand.`,
      );
    if (cleaned === '' && entry.before === undefined) await fs.rm(entry.file, { force: true });
    else if (cleaned !== now) await writeFileAtomic(entry.file, cleaned);
  }
  await removeFolders(entry.madeFolders);
}

/** Lines of ours out of a file of lines (.git/info/exclude). */
function removeLines(now: string, { before, after }: WiringEntry): string {
  const old = new Set((before ?? '').split('\n'));
  const ours = new Set(after.split('\n').filter((line) => line !== '' && !old.has(line)));
  return now
    .split('\n')
    .filter((line) => !ours.has(line))
    .join('\n');
}

async function removeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await fs.rmdir(folder).catch(() => undefined);
}

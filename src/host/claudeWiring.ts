// Writes Claude Code's settings file for a folder, through the journal, and tells the user where it does not. A file that is
// invalid, may be tracked by git, leads out of the folder, or holds something else where we must write is never touched.
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  type ClaudeWiring,
  type MergeProblem,
  hostileSettings,
  mergeClaudeSettings,
} from '../core/agents/claudeSettings';
import { fileError, isWithin, readIfThere, realPathOf, temporaryFor, writeFileAtomic } from '../files/atomicFile';
import { type WiringEntry, readWiring, undoWiring, writeWiring } from '../files/wiring';
import type { Notice, StartOptions } from './api';
import { git, mayBeTracked, nearestFolder } from './envFiles';

export interface WireOptions {
  readonly folder: string;
  readonly journal: string;
  readonly where: StartOptions['claudeSettings'];
  readonly wiring: ClaudeWiring;
  readonly home?: string;
}

export interface WireReport {
  readonly written: string | undefined;
  readonly notices: readonly Notice[];
}

const warning = (message: string): Notice => ({ severity: 'warning', message });

/** Undoes what an earlier session left, then writes. Never throws: what could not be written is said. */
export async function wireClaude(options: WireOptions): Promise<WireReport> {
  await undoWiring(options.journal);
  // Read before ours stands in it.
  const committed = await readCommitted(options.folder);
  const written = options.where === 'none' ? undefined : await write(options, options.where);
  // Only the project's and the local file win over what a repository brings.
  const pinned = new Set(
    written?.file !== undefined && options.where !== 'user' ? Object.keys(options.wiring.env) : [],
  );
  const hostile = hostileSettings(committed, pinned).map((sentence) =>
    warning(`.claude/settings.json of this folder works against the proxy. ${sentence}`),
  );
  const refusal = written?.refusal === undefined ? [] : [warning(written.refusal)];
  return { written: written?.file, notices: [...hostile, ...refusal] };
}

interface Written {
  readonly file: string | undefined;
  readonly refusal: string | undefined;
}

const refused = (shown: string, why: string, fix: string): Written => ({
  file: undefined,
  refusal: `${shown} ${why}: it was left as it is. Agents started from the Sandbox Agent terminal are still routed; ${fix}.`,
});

async function write(
  { folder, journal, wiring, home = os.homedir() }: WireOptions,
  where: Exclude<StartOptions['claudeSettings'], 'none'>,
): Promise<Written> {
  const named = {
    local: path.join(folder, '.claude', 'settings.local.json'),
    project: path.join(folder, '.claude', 'settings.json'),
    user: path.join(home, '.claude', 'settings.json'),
  }[where];
  const shown = where === 'user' ? '~/.claude/settings.json' : path.relative(folder, named);
  try {
    // The file that really is written, which git is asked about and the journal names: `.claude` may be a link.
    const file = await realPathOf(named);
    const within = where === 'user' ? await realPathOf(home) : folder;
    if (!isWithin(within, file))
      return refused(
        shown,
        `is, or lies behind, a link that leads out of ${where === 'user' ? 'the home folder' : 'the folder'}`,
        'put a file of its own there, or choose another one in the settings',
      );
    if (await mayBeTracked(file))
      return refused(
        shown,
        "is tracked by git (or git does not say) and would publish the proxy's token",
        'untrack the file, or choose another one in the settings',
      );
    const before = (await readIfThere(file))?.toString('utf8');
    const merged = mergeClaudeSettings(before, wiring);
    if (!merged.ok) return refused(shown, PROBLEMS[merged.error], 'repair the file and start again');
    const temporary = await temporaryFor(file);
    const madeFolders = await missingFolders(path.dirname(file));
    const entries: WiringEntry[] = [{ file, before, after: merged.value, madeFolders, kind: 'claude', temporary }];
    entries.unshift(...(await excludeEntry(await nearestFolder(path.dirname(file)), file)));
    await writeWiring(journal, entries);
    for (const entry of entries) {
      await fs.mkdir(path.dirname(entry.file), { recursive: true });
      // The settings hold our token: for the user alone, unless the file was there with a mode of its own.
      await writeFileAtomic(entry.file, entry.after, {
        mode: 0o600,
        ...(entry.temporary === undefined ? {} : { temporary: entry.temporary }),
      });
    }
    return { file, refusal: undefined };
  } catch (error) {
    await undoWiring(journal);
    const { message } = fileError(error, named);
    return {
      file: undefined,
      refusal: `${shown} was not written. ${message} Agents started from the Sandbox Agent terminal are still routed.`,
    };
  }
}

const PROBLEMS: Readonly<Record<MergeProblem, string>> = {
  'invalid-json': 'is not valid JSON',
  'not-an-object': 'does not hold an object',
  'wrong-type': 'holds something of another type where the settings of the proxy belong',
  twice: 'holds "env", "permissions" or "sandbox" twice, of which only the last one counts',
};

/** Files that our wiring stands in, for the views. */
export async function wiredFiles(journal: string): Promise<readonly string[]> {
  return (await readWiring(journal)).entries.filter(({ kind }) => kind === 'claude').map(({ file }) => file);
}

/** What a repository brings in its own settings. */
async function readCommitted(folder: string): Promise<string> {
  const bytes = await readIfThere(path.join(folder, '.claude', 'settings.json')).catch(() => undefined);
  return bytes?.toString('utf8') ?? '{}';
}

export async function missingFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = folder; !(await fs.stat(at).catch(() => undefined)); at = path.dirname(at)) missing.push(at);
  return missing;
}

/** `.git/info/exclude`, of the work tree that `folder` is in, with a line for the file: the token is not committed by accident. */
export async function excludeEntry(folder: string, file: string): Promise<WiringEntry[]> {
  const top = (await git(folder, ['rev-parse', '--show-toplevel']))?.trim();
  const exclude = (await git(folder, ['rev-parse', '--path-format=absolute', '--git-path', 'info/exclude']))?.trim();
  if (!top || !exclude) return [];
  const line = `/${path.relative(top, file).split(path.sep).join('/')}`;
  const before = (await readIfThere(exclude))?.toString('utf8');
  if (before?.split('\n').includes(line)) return [];
  const after = `${before ?? ''}${before && !before.endsWith('\n') ? '\n' : ''}${line}\n`;
  return [{ file: exclude, before, after, madeFolders: await missingFolders(path.dirname(exclude)), kind: 'lines' }];
}

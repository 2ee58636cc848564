// Writes Claude Code's settings file for a folder, through the journal, and tells the user where it does not. A file that is
// invalid, tracked by git, or holds something else where we must write is never touched.
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type ClaudeWiring, hostileSettings, mergeClaudeSettings } from '../core/agents/claudeSettings';
import { readIfThere, writeFileAtomic } from '../files/atomicFile';
import { type WiringEntry, readWiring, undoWiring, writeWiring } from '../files/wiring';
import type { Notice, StartOptions } from './api';
import { git, trackedFiles } from './envFiles';

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

/** Undoes what an earlier session left, then writes. */
export async function wireClaude({
  folder,
  journal,
  where,
  wiring,
  home = os.homedir(),
}: WireOptions): Promise<WireReport> {
  await undoWiring(journal);
  const notices: Notice[] = await committedSettings(folder);
  if (where === 'none') return { written: undefined, notices };
  const file = {
    local: path.join(folder, '.claude', 'settings.local.json'),
    project: path.join(folder, '.claude', 'settings.json'),
    user: path.join(home, '.claude', 'settings.json'),
  }[where];
  const shown = where === 'user' ? '~/.claude/settings.json' : path.relative(folder, file);
  if (
    where !== 'user' &&
    (await trackedFiles(folder, [path.relative(folder, file).split(path.sep).join('/')])).size > 0
  ) {
    return {
      written: undefined,
      notices: [
        ...notices,
        warning(
          `${shown} is tracked by git and would publish the proxy's token: it was not written. Agents started from the Sandbox Agent terminal are still routed; untrack the file, or choose another one in the settings.`,
        ),
      ],
    };
  }
  const before = (await readIfThere(file))?.toString('utf8');
  const merged = mergeClaudeSettings(before, wiring);
  if (!merged.ok) {
    const why = {
      'invalid-json': 'is not valid JSON',
      'not-an-object': 'does not hold an object',
      'wrong-type': 'holds something of another type where the settings of the proxy belong',
    }[merged.error];
    return {
      written: undefined,
      notices: [
        ...notices,
        warning(
          `${shown} ${why}: it was left as it is. Agents started from the Sandbox Agent terminal are still routed; repair the file and start again.`,
        ),
      ],
    };
  }
  const entries: WiringEntry[] = [
    { file, before, after: merged.value, madeFolders: await missingFolders(path.dirname(file)), kind: 'claude' },
  ];
  if (where !== 'user') entries.unshift(...(await excludeEntry(folder, file)));
  try {
    await writeWiring(journal, entries);
    for (const entry of entries) {
      await fs.mkdir(path.dirname(entry.file), { recursive: true });
      // The settings hold our token: for the user alone, unless the file was there with a mode of its own.
      await writeFileAtomic(entry.file, entry.after, { mode: 0o600 });
    }
  } catch (error) {
    await undoWiring(journal);
    return {
      written: undefined,
      notices: [
        ...notices,
        warning(`${(error as Error).message} Agents started from the Sandbox Agent terminal are still routed.`),
      ],
    };
  }
  return { written: file, notices };
}

/** Files that our wiring stands in, for the views. */
export async function wiredFiles(journal: string): Promise<readonly string[]> {
  return (await readWiring(journal)).entries.filter(({ kind }) => kind === 'claude').map(({ file }) => file);
}

/** What a repository brings in its own settings and that works against the guard. */
async function committedSettings(folder: string): Promise<Notice[]> {
  const text = (await readIfThere(path.join(folder, '.claude', 'settings.json')))?.toString('utf8');
  return hostileSettings(text ?? '{}').map((sentence) =>
    warning(`.claude/settings.json of this folder works against the proxy. ${sentence}`),
  );
}

async function missingFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = folder; !(await fs.stat(at).catch(() => undefined)); at = path.dirname(at)) missing.push(at);
  return missing;
}

/** `.git/info/exclude` with a line for the file, so that the token is not committed by accident. */
async function excludeEntry(folder: string, file: string): Promise<WiringEntry[]> {
  const top = (await git(folder, ['rev-parse', '--show-toplevel']))?.trim();
  const exclude = (await git(folder, ['rev-parse', '--path-format=absolute', '--git-path', 'info/exclude']))?.trim();
  if (!top || !exclude) return [];
  const line = `/${path.relative(top, file).split(path.sep).join('/')}`;
  const before = (await readIfThere(exclude))?.toString('utf8');
  if (before?.split('\n').includes(line)) return [];
  const after = `${before ?? ''}${before && !before.endsWith('\n') ? '\n' : ''}${line}\n`;
  return [{ file: exclude, before, after, madeFolders: await missingFolders(path.dirname(exclude)), kind: 'lines' }];
}

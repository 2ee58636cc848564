// The panel of Claude Code's own extension spawns its binary from the extension host, where terminal variables do not reach:
// it takes them from a setting. Written to the folder's .vscode/settings.json while the proxy runs, and taken back: by us, by
// the proxy process when the editor goes away, or when the folder is opened again. What the user wrote meanwhile is kept.
import fs from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { FileError, readIfThere, realPathOf, writeFileAtomic } from '../files/atomicFile';
import { readWiring, undoWiring, type WiringEntry, writeWiring } from '../files/wiring';
import { excludeEntry, missingFolders } from '../host/claudeWiring';
import { trackedFiles } from '../host/envFiles';
import { processRuns } from '../host/lock';
import { openStateFolder, type StateFolder } from '../host/stateFolder';
import { addVariables, hasKey, holdsVariables, removeVariables, type Variable, variablesIn } from './panelSettings';
import type { FolderEntry, Sessions } from './sessions';

const FILE = '.vscode/settings.json';

/** One a process: of two windows on a folder one must not take back what the other wrote. */
const JOURNAL = /^panel-wiring\.(\d+)\.json$/;

export function wireClaudePanel(sessions: Sessions, log: vscode.LogOutputChannel): vscode.Disposable {
  const panel = new ClaudePanel(sessions, log);
  const subscription = sessions.onDidChange(() => panel.update());
  return vscode.Disposable.from(
    { dispose: () => subscription.dispose() },
    vscode.extensions.onDidChange(() => panel.update()),
  );
}

class ClaudePanel {
  readonly #told = new Set<string>();
  readonly #places = new Map<string, Promise<StateFolder>>();
  #queue: Promise<void> = Promise.resolve();
  #waiting = false;

  constructor(
    private readonly sessions: Sessions,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** One at a time; a burst of changes is one look. */
  update(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#queue = this.#queue.then(async () => {
      this.#waiting = false;
      for (const entry of this.sessions.all) {
        if (entry.failure !== undefined) continue;
        await this.#settle(entry).catch((error: unknown) => {
          this.#tell(entry, `${FILE}: ${error instanceof Error ? error.message : String(error)}`);
        });
      }
    });
  }

  async #settle(entry: FolderEntry): Promise<void> {
    const { state } = entry.session;
    const wanted = vscode.extensions.getExtension('anthropic.claude-code') !== undefined;
    if (state.kind === 'running' && wanted) await this.#write(entry);
    // A proxy that crashed comes back on its port: nothing is rewritten for the moment in between.
    else if (state.kind === 'stopped' || (state.kind === 'failed' && state.retryAt === undefined) || !wanted)
      await this.#undo(entry.session.folder);
  }

  async #write(entry: FolderEntry): Promise<void> {
    const { folder } = entry.session;
    const environment = entry.session.agentEnvironment('claude');
    if (!environment) return;
    const ours = Object.entries(environment).map(([name, value]): Variable => ({ name, value }));
    const file = path.join(folder, FILE);
    const within = await realPathOf(folder);
    const { directory, wiring } = await this.#place(folder);
    const journal = path.join(directory, `panel-wiring.${process.pid}.json`);
    if ((await readWiring(journal)).entries.length > 0 && holdsVariables((await read(file)) ?? '', ours)) return;
    await this.#undo(folder, true);
    if (vscode.workspace.workspaceFile) {
      this.#tell(
        entry,
        vscode.l10n.t(
          'The panel of Claude Code is not routed: in a multi-root workspace it takes no settings of one folder. Use "Launch Claude Code" instead.',
        ),
      );
      return;
    }
    // The setting holds our token: never into a file that git would publish.
    if ((await trackedFiles(folder, [FILE])).size > 0) {
      this.#tell(
        entry,
        vscode.l10n.t(
          'The panel of Claude Code is not routed: {0} is tracked by git and would publish the proxy’s token, so it was not written. Use "Launch Claude Code" instead, or untrack the file.',
          FILE,
        ),
      );
      return;
    }
    // A link comes with the repository: it could lead the token into a file that is published, or over one elsewhere.
    if ((await realPathOf(file)) !== path.join(within, FILE)) {
      this.#tell(
        entry,
        vscode.l10n.t(
          'The panel of Claude Code is not routed: {0} is, or lies behind, a link, so it was not written: the proxy’s token could end up elsewhere. Use "Launch Claude Code" instead, or put a file of its own there, then stop and start.',
          FILE,
        ),
      );
      return;
    }
    const before = await read(file);
    const after = addVariables(before, ours);
    if (after === undefined) {
      this.#tell(
        entry,
        vscode.l10n.t(
          'The panel of Claude Code is not routed: {0} is not valid, so it was left as it is. Repair it, then stop and start; or use "Launch Claude Code".',
          FILE,
        ),
      );
      return;
    }
    const entries: readonly WiringEntry[] = [
      ...(await excludeEntry(folder, file)),
      { file, before, after, madeFolders: await missingFolders(path.dirname(file)), kind: 'claude' },
    ];
    await writeWiring(journal, entries);
    // The proxy process undoes the session's journal when the editor goes away.
    await writeWiring(wiring, [...(await readWiring(wiring)).entries, ...entries]);
    try {
      for (const one of entries) {
        await fs.mkdir(path.dirname(one.file), { recursive: true });
        await writeFileAtomic(one.file, one.after, {
          mode: 0o600,
          ...(one.file === file ? { within } : {}),
          // A stop takes its own line out of the same file: what was read before that must not come back.
          ...(one.before === undefined ? {} : { expect: Buffer.from(one.before) }),
        });
      }
    } catch (error) {
      await this.#undo(folder);
      if (!(error instanceof FileError && error.reason === 'changed')) throw error;
      this.update();
      return;
    }
    // Stopped meanwhile: the session's journal may have been undone before ours was in it.
    if (entry.session.state.kind !== 'running') await this.#undo(folder);
  }

  /**
   * Takes back what our own journal says, and those of windows that ended without doing so; `everybodys`: of living ones too,
   * which only who runs the folder may do. Without a journal it does nothing.
   */
  async #undo(folder: string, everybodys = false): Promise<void> {
    const { directory } = await this.#place(folder);
    for (const name of await fs.readdir(directory)) {
      const pid = Number(JOURNAL.exec(name)?.[1]);
      if (pid === process.pid || everybodys ? pid > 0 : pid > 0 && !processRuns(pid))
        await undoJournal(path.join(directory, name));
    }
  }

  #place(folder: string): Promise<StateFolder> {
    let place = this.#places.get(folder);
    if (!place) {
      place = openStateFolder(folder);
      this.#places.set(folder, place);
    }
    return place;
  }

  #tell({ workspaceFolder, session }: FolderEntry, message: string): void {
    const key = `${session.folder} ${message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.log.warn(`[${workspaceFolder.name}] ${message}`);
    void vscode.window.showWarningMessage(message);
  }
}

async function undoJournal(journal: string): Promise<void> {
  for (const { file, before, after, kind } of (await readWiring(journal)).entries) {
    if (kind !== 'claude') continue;
    const now = await read(file);
    if (now === undefined || now === after || now === before) continue;
    const cleaned = removeVariables(now, variablesOf(after, before), hasKey(before));
    if (cleaned === undefined)
      throw new Error('the file is no longer valid JSON: take the variables of the proxy out by hand.');
    if (cleaned !== now) await writeFileAtomic(file, cleaned);
  }
  await undoWiring(journal);
}

/** What we added, read from what we wrote. */
function variablesOf(after: string, before: string | undefined): Variable[] {
  const own = new Set(variablesIn(before ?? '').map((variable) => JSON.stringify(variable)));
  return variablesIn(after).filter((variable) => !own.has(JSON.stringify(variable)));
}

async function read(file: string): Promise<string | undefined> {
  return (await readIfThere(file))?.toString('utf8');
}

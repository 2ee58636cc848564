// A small runner inside the extension host: named tests in order, results as JSON for the launcher.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../src/vscode/extension';
import type { FolderEntry } from '../../src/vscode/sessions';

export interface Setting {
  readonly report: string;
  readonly real: string;
  readonly url: string;
  readonly port: number;
  readonly env: string;
  readonly policy: string;
  /** A key of Anthropic's shape in the environment that the editor inherited. */
  readonly inherited: string;
  /** Writes what its environment holds, as hashes, to the file it is given: `node SEEN FILE`. */
  readonly seen: string;
  /** Where the fake `claude` on the PATH writes the same. */
  readonly claude: string;
  /** Whether the home folder was made for this run. */
  readonly ownHome: boolean;
}

export const setting = JSON.parse(process.env['SANDBOX_AGENT_TEST'] ?? '{}') as Setting;

export type Test = readonly [name: string, run: () => Promise<void>];

/** Thrown where this machine lacks what a test needs; shown as skipped, with the reason. */
export class Skipped extends Error {}

/** Runs every test, also after one failed. Rejects when one did. */
export async function runAll(tests: readonly Test[]): Promise<void> {
  const results: { name: string; ok: boolean; skipped?: boolean; error?: string }[] = [];
  for (const [name, run] of tests) {
    try {
      await timed(run());
      results.push({ name, ok: true });
    } catch (error) {
      if (error instanceof Skipped) results.push({ name, ok: false, skipped: true, error: error.message });
      else results.push({ name, ok: false, error: (error as Error).stack ?? String(error) });
    }
    writeFileSync(setting.report, JSON.stringify(results));
  }
  const failed = results.filter(({ ok, skipped }) => !ok && skipped !== true);
  if (failed.length > 0) throw new Error(failed.map(({ name }) => name).join('; '));
}

function timed<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('took longer than 30 seconds')), 30_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export async function extensionApi(): Promise<ExtensionApi> {
  const extension = vscode.extensions.getExtension<ExtensionApi | undefined>('sandbox-agent.sandbox-agent');
  if (!extension) throw new Error('the extension is not there');
  const api = await extension.activate();
  if (!api) throw new Error('the extension does not know that it is tested');
  return api;
}

export async function onlyEntry(): Promise<FolderEntry> {
  const { sessions } = await extensionApi();
  await sessions.ready;
  const [entry] = sessions.all;
  if (!entry) throw new Error('no folder is open');
  return entry;
}

/** Waits for a condition, looking again whenever `event` fires. */
export async function until(
  event: (listener: () => void) => { dispose(): void },
  condition: () => boolean,
): Promise<void> {
  if (condition()) return;
  await new Promise<void>((resolve) => {
    const subscription = event(() => {
      if (!condition()) return;
      subscription.dispose();
      resolve();
    });
  });
}

/** Waits for a file that a process writes in one step, and takes it away. */
export async function written(file: string): Promise<string> {
  await new Promise<void>((resolve) => {
    const look = () => {
      if (!existsSync(file)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(path.dirname(file), look);
    look();
  });
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  return text;
}

/** Environment of a process as names and hashes: no value is written anywhere. */
export type SeenEnvironment = Readonly<Record<string, string>>;

export const hash = (value: string) => createHash('sha256').update(value).digest('hex');

/** What a process in a terminal finds in its environment. */
export async function environmentIn(terminal: vscode.Terminal): Promise<SeenEnvironment> {
  const file = `${setting.seen}.${terminals++}.json`;
  terminal.sendText(seenCommand(file));
  return JSON.parse(await written(file)) as SeenEnvironment;
}
let terminals = 0;

/** For a POSIX shell. The Node is the editor's own. */
export function seenCommand(file: string): string {
  return `ELECTRON_RUN_AS_NODE=1 "${process.execPath}" "${setting.seen}" "${file}"`;
}

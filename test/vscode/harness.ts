// A small runner inside the extension host: named tests in order, results as JSON for the launcher.
import { writeFileSync } from 'node:fs';
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
}

export const setting = JSON.parse(process.env['SANDBOX_AGENT_TEST'] ?? '{}') as Setting;

type Test = readonly [name: string, run: () => Promise<void>];

/** Runs every test, also after one failed. Rejects when one did. */
export async function runAll(tests: readonly Test[]): Promise<void> {
  const results: { name: string; ok: boolean; error?: string }[] = [];
  for (const [name, run] of tests) {
    try {
      await timed(run());
      results.push({ name, ok: true });
    } catch (error) {
      results.push({ name, ok: false, error: (error as Error).stack ?? String(error) });
    }
    writeFileSync(setting.report, JSON.stringify(results));
  }
  const failed = results.filter(({ ok }) => !ok);
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
  const extension = vscode.extensions.getExtension<ExtensionApi>('sandbox-agent.sandbox-agent');
  if (!extension) throw new Error('the extension is not there');
  return extension.activate();
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

// kill -9 at every single file operation of protect and of restore: nothing is lost, and Restore gives every byte back.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restoreFolder } from '../../src/host/protect';
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-crash-'));
const script = path.join(directory, 'crash.cjs');

beforeAll(async () => {
  await build({
    entryPoints: [path.join(import.meta.dirname, '../support/crashingProtect.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs until the n-th operation; 0: to the end. Returns how many operations there were, where it ended. */
function run(what: 'protect' | 'restore', workspace: TestWorkspace, at: number): number | undefined {
  const { stdout, signal, stderr } = spawnSync(
    process.execPath,
    [script, what, workspace.folder, workspace.stateRoot, String(at)],
    { encoding: 'utf8' },
  );
  if (at > 0 && signal === 'SIGKILL') return undefined;
  const match = /operations (\d+)/.exec(stdout);
  if (!match) throw new Error(stderr);
  return Number(match[1]);
}

async function recover(workspace: TestWorkspace): Promise<void> {
  const state = await openStateFolder(workspace.folder, workspace.stateRoot);
  // Whatever a file lost is in the vault already.
  const vault = await Vault.open(state);
  for (const value of [ANTHROPIC, GITHUB]) {
    const inFiles = Object.keys(FILES)
      .filter((name) => FILES[name]!.includes(value))
      .every((name) => readFileSync(workspace.file(name), 'utf8').includes(value));
    if (!inFiles) expect(vault.byValue(value)).toBeDefined();
  }
  const { failed } = await restoreFolder({ folder: state.folder, vault, environment: {} });
  expect(failed).toEqual([]);
  expect(workspace.untouched()).toBe(true);
}

describe.each(['protect', 'restore'] as const)('killed during %s', (what) => {
  it('at every operation, nothing is lost', async () => {
    let operations = Infinity;
    let tried = 0;
    for (let at = 1; at <= operations; at++) {
      const workspace = new TestWorkspace();
      if (what === 'restore') run('protect', workspace, 0);
      operations = run(what, workspace, at) ?? Infinity;
      await recover(workspace);
      workspace.remove();
      tried++;
      if (operations !== Infinity) break;
    }
    // Two files, their journal records, the secrets: many places to die at.
    expect(tried).toBeGreaterThan(15);
  }, 240_000);
});

// kill -9 at every single file operation of protect and of restore: nothing is lost, nothing with real values is left lying
// about, and Restore gives every byte back.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderSession } from '../../src/host/folderSession';
import { restoreFolder } from '../../src/host/restore';
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import { type Bundle, bundle } from '../support/bundle';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

const restoreScript = path.join(import.meta.dirname, '../../dist/restore.mjs');
let crashing: Bundle;
beforeAll(async () => {
  crashing = await bundle('crashingProtect');
});
afterAll(() => crashing.remove());

/** Runs until the n-th operation; 0: to the end. Returns how many operations there were, where it ended. */
function run(what: 'protect' | 'restore', workspace: TestWorkspace, at: number): number | undefined {
  const { stdout, signal, stderr } = spawnSync(
    process.execPath,
    [crashing.script, what, workspace.folder, workspace.stateRoot, String(at)],
    { encoding: 'utf8', env: { ...process.env, RESTORE_SCRIPT: restoreScript } },
  );
  if (at > 0 && signal === 'SIGKILL') return undefined;
  const match = /operations (\d+)/.exec(stdout);
  if (!match) throw new Error(stderr);
  return Number(match[1]);
}

const temporaries = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tmp$|\.lock/.test(name));

/** Returns how many temporary files the kill had left. */
async function recover(workspace: TestWorkspace): Promise<number> {
  const state = await openStateFolder(workspace.folder, workspace.stateRoot);
  // Whatever a file lost is in the vault already.
  const vault = await Vault.open(state);
  for (const value of [ANTHROPIC, GITHUB]) {
    const inFiles = Object.keys(FILES)
      .filter((name) => FILES[name]!.includes(value))
      .every((name) => readFileSync(workspace.file(name), 'utf8').includes(value));
    if (!inFiles) expect(vault.byValue(value)).toBeDefined();
  }
  const left = temporaries(workspace.folder).length;
  // Every command and every window opens a session: that alone takes away what the kill left.
  const session = new FolderSession({
    folder: workspace.folder,
    proxyScript: '',
    preloadScript: undefined,
    environment: {},
    stateRoot: workspace.stateRoot,
    what: 'a test',
  });
  await session.open();
  session.dispose();
  expect(temporaries(workspace.folder)).toEqual([]);
  expect(temporaries(state.directory)).toEqual([]);
  const { failed } = await restoreFolder({ folder: state.folder, vault });
  expect(failed).toEqual([]);
  expect(workspace.untouched()).toBe(true);
  return left;
}

describe.each(['protect', 'restore'] as const)('killed during %s', (what) => {
  it('at every operation, nothing is lost and nothing is left', async () => {
    let operations = Infinity;
    let tried = 0;
    let left = 0;
    for (let at = 1; at <= operations; at++) {
      const workspace = new TestWorkspace();
      if (what === 'restore') run('protect', workspace, 0);
      operations = run(what, workspace, at) ?? Infinity;
      left += await recover(workspace);
      workspace.remove();
      tried++;
      if (operations !== Infinity) break;
    }
    // Two files, their journal records, the secrets: many places to die at, some of them with a temporary file.
    expect(tried).toBeGreaterThan(15);
    expect(left).toBeGreaterThan(2);
  }, 240_000);
});

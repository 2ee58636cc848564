// The uninstall guard: with the extension and the command line gone, what lies beside the vault gives every byte back.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeRecoveryCode } from '../../src/host/recoveryCode';
import { NOTE, PROGRAM } from '../../src/host/wayBack';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

const dist = path.join(import.meta.dirname, '../../dist');
let workspace: TestWorkspace;
afterEach(() => workspace.remove());

/** What is installed: a copy that can be deleted. */
function install(): string {
  const installed = path.join(workspace.base, 'installed');
  mkdirSync(installed);
  for (const name of ['cli.js', 'restore.mjs']) cpSync(path.join(dist, name), path.join(installed, name));
  return installed;
}

function node(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: workspace.base,
    env: { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg, ...environment },
    encoding: 'utf8',
    input: '',
  });
  return { status, stdout, stderr };
}

function stateDirectory(): string {
  const folders = path.join(workspace.stateRoot, 'folders');
  return path.join(folders, readdirSync(folders)[0]!);
}

function protectAndUninstall(): { directory: string; program: string } {
  const installed = install();
  expect(node([path.join(installed, 'cli.js'), 'protect', workspace.folder, '--yes']).status).toBe(0);
  rmSync(installed, { recursive: true });
  const directory = stateDirectory();
  return { directory, program: path.join(directory, PROGRAM) };
}

describe('after an uninstall', () => {
  it('the program beside the vault restores, and takes itself and the note away', () => {
    workspace = new TestWorkspace();
    const { directory, program } = protectAndUninstall();
    expect(workspace.untouched()).toBe(false);
    const note = readFileSync(path.join(directory, NOTE), 'utf8');
    expect(note).toContain(`node "${program}"`);
    expect(note).toContain(workspace.folder);
    expect(note).not.toMatch(new RegExp(`${ANTHROPIC}|${GITHUB}`));
    expect(statSync(program).mode & 0o777).toBe(0o600);
    const { status, stdout, stderr } = node([program]);
    expect(stderr).toBe('');
    expect(stdout).toBe('restored .env\nrestored packages/web/.env.local\n');
    expect(status).toBe(0);
    expect(workspace.untouched()).toBe(true);
    expect(readdirSync(directory).sort()).not.toContain(NOTE);
    expect(existsSync(program)).toBe(false);
  });

  it('it finds a folder that was moved, when it is told where', () => {
    workspace = new TestWorkspace();
    const { program } = protectAndUninstall();
    const moved = path.join(workspace.base, 'moved');
    renameSync(workspace.folder, moved);
    const lost = node([program]);
    expect(lost.status).toBe(1);
    expect(lost.stderr).toMatch(/is not there\. Nothing was changed.*node restore\.mjs FOLDER/);
    expect(node([program, moved]).status).toBe(0);
    for (const [name, content] of Object.entries(FILES))
      expect(readFileSync(path.join(moved, name), 'utf8')).toBe(content);
  });

  it('it opens an encrypted vault by the recovery code', () => {
    workspace = new TestWorkspace();
    const installed = install();
    const code = makeRecoveryCode();
    const environment = { SANDBOX_AGENT_RECOVERY_CODE: code };
    const cli = path.join(installed, 'cli.js');
    node([cli, 'protect', workspace.folder, '--yes']);
    expect(node([cli, 'vault', 'encrypt', workspace.folder], environment).status).toBe(0);
    rmSync(installed, { recursive: true });
    const program = path.join(stateDirectory(), PROGRAM);
    expect(node([program]).stderr).toMatch(/encrypted and no key/);
    expect(node([program], { SANDBOX_AGENT_RECOVERY_CODE: makeRecoveryCode() }).stderr).toMatch(
      /not the one of this vault/,
    );
    expect(existsSync(program)).toBe(true);
    expect(node([program], environment).status).toBe(0);
    expect(workspace.untouched()).toBe(true);
  });

  it('it stays while a value found no place', () => {
    workspace = new TestWorkspace();
    const { program } = protectAndUninstall();
    const kept = workspace.read('.env');
    workspace.write('.env', 'A=1\n');
    workspace.write('packages/web/.env.local', 'A=1\n');
    const first = node([program]);
    expect(first.status).toBe(1);
    expect(first.stderr).toMatch(/not wholly restored: \.env/);
    expect(existsSync(program)).toBe(true);
    workspace.write('.env', kept);
    expect(node([program]).status).toBe(1);
    expect(readFileSync(workspace.file('.env'), 'utf8')).toBe(FILES['.env']);
    // The other file still waits.
    expect(existsSync(program)).toBe(true);
  });
});

describe('restore.mjs', () => {
  it('is small, and imports nothing but what Node has', () => {
    workspace = new TestWorkspace({});
    const text = readFileSync(path.join(dist, 'restore.mjs'), 'utf8');
    expect(text.length).toBeLessThan(60_000);
    const imports = [...text.matchAll(/(?:from|import)\s*"([^"]+)"/g)].map((match) => match[1]!);
    expect(imports.length).toBeGreaterThan(3);
    expect(imports.filter((name) => !name.startsWith('node:'))).toEqual([]);
    expect(text).not.toMatch(/\brequire\(/);
  });

  it('is gone after an ordinary restore, and never there where only the environment was taken in', () => {
    workspace = new TestWorkspace();
    const installed = install();
    const cli = path.join(installed, 'cli.js');
    node([cli, 'protect', workspace.folder, '--yes']);
    expect(existsSync(path.join(stateDirectory(), PROGRAM))).toBe(true);
    node([cli, 'restore', workspace.folder]);
    expect(existsSync(path.join(stateDirectory(), PROGRAM))).toBe(false);
    expect(existsSync(path.join(stateDirectory(), NOTE))).toBe(false);
    rmSync(workspace.file('.env'));
    rmSync(workspace.file('packages'), { recursive: true });
    node([cli, 'protect', workspace.folder, '--yes'], { ANTHROPIC_API_KEY: ANTHROPIC });
    expect(existsSync(path.join(stateDirectory(), NOTE))).toBe(false);
  });

  it('comes with the next session where an earlier version had protected', () => {
    workspace = new TestWorkspace();
    const installed = install();
    const cli = path.join(installed, 'cli.js');
    node([cli, 'protect', workspace.folder, '--yes']);
    rmSync(path.join(stateDirectory(), PROGRAM));
    node([cli, 'scan', workspace.folder]);
    expect(existsSync(path.join(stateDirectory(), PROGRAM))).toBe(true);
  });
});

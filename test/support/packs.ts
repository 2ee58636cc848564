// What git sends with a push: commands, and a pack of real objects, made by git itself.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The body of a `git-receive-pack` request after a commit for each of the versions of one file. */
export function pushBody(versions: readonly string[]): Buffer {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-pack-'));
  const git = (input: string, ...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, GIT_CONFIG_GLOBAL: os.devNull, GIT_CONFIG_SYSTEM: os.devNull },
    });
  try {
    git('', 'init', '-q', '.');
    for (const version of versions) {
      writeFileSync(path.join(folder, 'file.txt'), version);
      git('', 'add', '.');
      git('', 'commit', '-q', '-m', 'Change the file');
    }
    const head = git('', 'rev-parse', 'HEAD').toString().trim();
    const command = `${'0'.repeat(40)} ${head} refs/heads/main\0 report-status agent=git/2.43.0`;
    const line = (command.length + 4).toString(16).padStart(4, '0') + command;
    return Buffer.concat([Buffer.from(`${line}0000`), git('HEAD\n', 'pack-objects', '--stdout', '--revs', '-q')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

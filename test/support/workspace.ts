// A workspace folder on disk with env files, and a state folder beside it. Values are made from parts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const ANTHROPIC = ['sk', 'ant', 'api03', 'Host0Test0Key0abcdefghijklmnopqrstuvwxyz012345'].join('-');
export const GITHUB = `ghp_Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3h2`;

export const FILES: Readonly<Record<string, string>> = {
  '.env': `# settings\r\nNODE_ENV=development\r\nANTHROPIC_API_KEY="${ANTHROPIC}" # the model\r\nPORT=3000\r\n`,
  'packages/web/.env.local': `export GITHUB_TOKEN=${GITHUB}\n#OLD_KEY=${ANTHROPIC}\nDATABASE_URL=postgres://app:s3cr3tPassw0rd99@localhost/db`,
};

export class TestWorkspace {
  readonly base = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-host-')));
  readonly folder = path.join(this.base, 'work space');
  /** XDG_STATE_HOME for the command line, and what that makes the root of all state. */
  readonly xdg = path.join(this.base, 'state');
  readonly stateRoot = path.join(this.xdg, 'sandbox-agent');

  constructor(files: Readonly<Record<string, string | Buffer>> = FILES) {
    mkdirSync(this.folder);
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  write(name: string, content: string | Buffer): void {
    mkdirSync(path.dirname(this.file(name)), { recursive: true });
    writeFileSync(this.file(name), content);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'latin1');
  }

  git(...args: string[]): void {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      cwd: this.folder,
      stdio: 'ignore',
    });
  }

  /** True when every file holds exactly what it held at first. */
  untouched(files: Readonly<Record<string, string>> = FILES): boolean {
    return Object.entries(files).every(([name, content]) => readFileSync(this.file(name), 'utf8') === content);
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

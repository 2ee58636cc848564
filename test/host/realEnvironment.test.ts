// Run with Real Values: which of several files a program would have read, and what is said about the others.
import { afterEach, describe, expect, it } from 'vitest';
import { Protector } from '../../src/host/protect';
import { realEnvironment } from '../../src/host/realEnvironment';
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import { ANTHROPIC, GITHUB, TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
afterEach(() => workspace.remove());

const other = (mark: string) => ANTHROPIC.replace('Host0', mark);
const line = (value: string) => `ANTHROPIC_API_KEY=${value}\n`;

async function real(files: Record<string, string>, cwd = '', edit?: () => void) {
  workspace = new TestWorkspace(files);
  const state = await openStateFolder(workspace.folder, workspace.stateRoot);
  const vault = await Vault.open(state);
  const protector = new Protector({ folder: state.folder, vault, environment: {} });
  const scan = await protector.scan();
  await protector.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  edit?.();
  const { env, notices } = await realEnvironment(state.folder, workspace.file(cwd), vault, {});
  for (const { value } of vault.secrets) expect(notices.join()).not.toContain(value);
  return { env, said: notices.join('\n') };
}

describe('the files of the folder that a command runs in', () => {
  const MANY = {
    '.env': line(ANTHROPIC),
    '.env.production': line(other('Prod0')),
    'packages/b/.env': line(other('Pkgb0')),
    'packages/c/src/x': '',
  };

  it.each([
    ['', ANTHROPIC],
    ['packages/b', other('Pkgb0')],
    // No env files of its own: those of the next folder above that has some.
    ['packages/c/src', ANTHROPIC],
  ])('in "%s"', async (cwd, expected) => {
    const { env, said } = await real(MANY, cwd);
    expect(env).toEqual({ ANTHROPIC_API_KEY: expected });
    expect(said).toMatch(/ANTHROPIC_API_KEY has another value in .*\.env\.production/);
  });

  it('count .env.local before .env, also where it holds no secret', async () => {
    const { env } = await real({
      '.env': `${line(ANTHROPIC)}GITHUB_TOKEN=${GITHUB}\n`,
      '.env.local': `${line(other('Local'))}GITHUB_TOKEN=none\n`,
    });
    expect(env).toEqual({ ANTHROPIC_API_KEY: other('Local') });
  });

  it('count .env.production only where it is alone', async () => {
    expect((await real({ '.env.production': line(ANTHROPIC) })).env).toEqual({ ANTHROPIC_API_KEY: ANTHROPIC });
    workspace.remove();
    const { env, said } = await real({ '.env': `GITHUB_TOKEN=${GITHUB}\n`, '.env.production': line(ANTHROPIC) });
    expect(env).toEqual({ GITHUB_TOKEN: GITHUB });
    expect(said).toMatch(/\.env\.production is not loaded.*ANTHROPIC_API_KEY/);
  });

  it('are not guessed at: a name with two values in two packages is left out, and said', async () => {
    const { env, said } = await real({
      'a/.env': `${line(ANTHROPIC)}GITHUB_TOKEN=${GITHUB}\n`,
      'b/.env': line(other('Pkgb0')),
    });
    expect(env).toEqual({ GITHUB_TOKEN: GITHUB });
    expect(said).toMatch(/ANTHROPIC_API_KEY has different values in a\/\.env, b\/\.env.*not given/);
  });

  it('give a value whose line is gone, and the last of duplicates', async () => {
    const { env } = await real(
      {
        '.env': `${line(ANTHROPIC)}GITHUB_TOKEN=${GITHUB}\n${line(other('Last0'))}#GITHUB_TOKEN=${other('Old00')}\n`,
      },
      '',
      () => workspace.write('.env', workspace.read('.env').replace(/^GITHUB_TOKEN.*\n/m, '')),
    );
    expect(env).toEqual({ ANTHROPIC_API_KEY: other('Last0'), GITHUB_TOKEN: GITHUB });
  });
});

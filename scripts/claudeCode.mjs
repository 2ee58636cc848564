// The real Claude Code for the agent tests, installed on demand into the tool cache (350 MB; its package ships the binary).
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { npm, toolCache } from './setup.mjs';

export const CLAUDE_CODE_VERSION = '2.1.330';

/** Absolute path of the native binary. Installs it where it is missing; a broken half-install is redone. */
export async function ensureClaudeCode() {
  const directory = path.join(toolCache, `claude-code-${CLAUDE_CODE_VERSION}`);
  const binary = () => {
    const musl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
    const platform = `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
    return path.join(
      directory,
      'node_modules',
      '@anthropic-ai',
      `claude-code-${platform}`,
      process.platform === 'win32' ? 'claude.exe' : 'claude',
    );
  };
  if (!existsSync(binary())) {
    const temporary = `${directory}.installing`;
    rmSync(temporary, { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    npm([
      'install',
      '--prefix',
      temporary,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      `@anthropic-ai/claude-code@${CLAUDE_CODE_VERSION}`,
    ]);
    renameSync(temporary, directory);
  }
  if (!existsSync(binary())) throw new Error(`Claude Code has no package for ${process.platform}-${process.arch}.`);
  return binary();
}

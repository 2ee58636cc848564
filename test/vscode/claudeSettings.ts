// Which of Claude Code's settings files is written, and what is in it at each level. Each is gone after Stop.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { findProgram } from '../../src/host/tools';
import { onlyEntry, setting, Skipped, type Test } from './harness';

const command = (name: string) => vscode.commands.executeCommand(`sandboxAgent.${name}`);

/** Runs with settings of the user's, starting from a stopped proxy; leaves a running one and no settings. */
async function started(values: Readonly<Record<string, string>>, check: () => Promise<void>): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('sandboxAgent');
  const set = async (clear: boolean) => {
    for (const [name, value] of Object.entries(values))
      await configuration.update(name, clear ? undefined : value, vscode.ConfigurationTarget.Global);
  };
  await command('stop');
  try {
    await set(false);
    await command('start');
    await check();
    await command('stop');
  } finally {
    await set(true);
  }
  await command('start');
}

const proxyOf = (file: string) =>
  (JSON.parse(readFileSync(file, 'utf8')) as { env: Record<string, string> }).env['HTTPS_PROXY'];

interface Confined {
  readonly sandbox?: {
    readonly enabled: unknown;
    readonly failIfUnavailable: unknown;
    readonly allowUnsandboxedCommands: unknown;
    readonly network: { readonly allowedDomains: readonly string[]; readonly httpProxyPort?: unknown };
  };
}

async function confinable(): Promise<void> {
  for (const name of ['bwrap', 'socat'])
    if ((await findProgram(name)) === undefined) throw new Skipped(`${name} is not installed on this machine`);
}

export const claudeSettingsTests: readonly Test[] = [
  [
    'the setting "project" writes .claude/settings.json instead, and Stop takes it away',
    async () => {
      const { session } = await onlyEntry();
      const file = path.join(session.folder, '.claude', 'settings.json');
      await started({ claudeSettings: 'project' }, async () => {
        assert.equal(proxyOf(file), session.agentEnvironment('claude')!['HTTPS_PROXY']);
        assert.equal(existsSync(path.join(session.folder, '.claude', 'settings.local.json')), false);
      });
      assert.equal(existsSync(file), false);
    },
  ],
  [
    'the setting "user" writes ~/.claude/settings.json instead, and Stop takes it away',
    async () => {
      if (!setting.ownHome) throw new Skipped('the home folder is a real one');
      const { session } = await onlyEntry();
      const file = path.join(os.homedir(), '.claude', 'settings.json');
      await started({ claudeSettings: 'user' }, async () => {
        assert.equal(proxyOf(file), session.agentEnvironment('claude')!['HTTPS_PROXY']);
        assert.equal(existsSync(path.join(session.folder, '.claude')), false);
      });
      assert.equal(existsSync(path.dirname(file)), false);
    },
  ],
  [
    'the setting "none" writes no file',
    async () => {
      const { session } = await onlyEntry();
      await started({ claudeSettings: 'none' }, async () => {
        assert.equal(session.state.kind, 'running');
        assert.equal(existsSync(path.join(session.folder, '.claude')), false);
      });
    },
  ],
  [
    "confined commands: Claude Code's sandbox is switched on, with the policy's hosts and no way around",
    async () => {
      await confinable();
      const { session } = await onlyEntry();
      const file = path.join(session.folder, '.claude', 'settings.local.json');
      const sandbox = () => (JSON.parse(readFileSync(file, 'utf8')) as Confined).sandbox;
      await started({ level: 'confined commands' }, async () => {
        assert.equal(session.state.kind === 'running' && session.state.level, 'confined commands');
        assert.deepEqual(sandbox(), {
          enabled: true,
          failIfUnavailable: true,
          allowUnsandboxedCommands: false,
          network: { allowedDomains: ['localhost'] },
        });
      });
      assert.equal(session.state.kind === 'running' && session.state.level, 'routed');
      assert.equal(sandbox(), undefined);
    },
  ],
  [
    'confined commands by httpProxyPort: a port of its own stands in the sandbox settings',
    async () => {
      await confinable();
      const { session } = await onlyEntry();
      const file = path.join(session.folder, '.claude', 'settings.local.json');
      await started({ level: 'confined commands', confinedChain: 'httpProxyPort' }, async () => {
        const port = (JSON.parse(readFileSync(file, 'utf8')) as Confined).sandbox?.network.httpProxyPort;
        assert.ok(
          typeof port === 'number' && session.state.kind === 'running' && port !== session.state.port,
          String(port),
        );
      });
    },
  ],
];

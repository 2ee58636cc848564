// What reaches processes in real terminals: the agent's gets dummies, proxy and certificate; the user's gets real values and no
// proxy; ordinary ones get nothing. The processes report hashes, so that no real value is written by a test.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import {
  environmentIn,
  hash,
  onlyEntry,
  type SeenEnvironment,
  seenCommand,
  setting,
  Skipped,
  type Test,
  written,
} from './harness';

const command = (name: string, ...args: unknown[]) => vscode.commands.executeCommand(`sandboxAgent.${name}`, ...args);

/** The terminal that `open` opens. */
async function opened(name: string, open: () => Thenable<unknown>): Promise<vscode.Terminal> {
  const terminal = new Promise<vscode.Terminal>((resolve) => {
    const subscription = vscode.window.onDidOpenTerminal((one) => {
      if (one.name !== name) return;
      subscription.dispose();
      resolve(one);
    });
  });
  await open();
  return terminal;
}

function assertAgent(seen: SeenEnvironment, environment: Record<string, string>): void {
  for (const [name, value] of Object.entries(environment)) assert.equal(seen[name], hash(value), name);
  assert.ok(environment['https_proxy'] && existsSync(environment['SSL_CERT_FILE']!));
  const reals = [hash(setting.real), hash(setting.inherited)];
  for (const [name, value] of Object.entries(seen)) assert.ok(!reals.includes(value), name);
}

export const terminalTests: readonly Test[] = [
  [
    'Launch Claude Code runs claude in a terminal with proxy, certificate and the stand-in of the inherited key',
    async () => {
      if (!setting.ownHome) throw new Skipped('the claude of this machine would be launched');
      const terminal = await opened('Claude Code', () => command('launchClaude'));
      const seen = JSON.parse(await written(setting.claude)) as SeenEnvironment;
      const { session } = await onlyEntry();
      assert.equal(session.state.kind, 'running');
      const environment = session.agentEnvironment('claude')!;
      const secret = (await session.secrets()).find(({ name }) => name === 'ANTHROPIC_API_KEY')!;
      assert.equal(environment['ANTHROPIC_API_KEY'], secret.dummy);
      assert.match(environment['HTTPS_PROXY']!, /^http:\/\/claude:/);
      assertAgent(seen, environment);
      // Of the setting of this test, which holds both keys among other text.
      assert.equal(seen['SANDBOX_AGENT_TEST'], hash(session.processEnvironment('claude')!['SANDBOX_AGENT_TEST']!));
      assert.notEqual(seen['SANDBOX_AGENT_TEST'], hash(process.env['SANDBOX_AGENT_TEST']!));
      terminal.dispose();
    },
  ],
  [
    'the terminal profile "Sandbox Agent" holds proxy, certificate and stand-ins, with a label of its own',
    async () => {
      const config = {
        extensionIdentifier: 'sandbox-agent.sandbox-agent',
        id: 'sandboxAgent.agent',
        title: 'Sandbox Agent',
      };
      const terminal = await opened('Sandbox Agent', () =>
        vscode.commands.executeCommand('workbench.action.terminal.newWithProfile', { config }),
      );
      const environment = (await onlyEntry()).session.agentEnvironment('terminal')!;
      assert.match(environment['HTTPS_PROXY']!, /^http:\/\/terminal:/);
      assertAgent(await environmentIn(terminal), environment);
      terminal.dispose();
    },
  ],
  [
    'Run with Real Values hands the real values to a process of the user, and no proxy',
    async () => {
      const file = `${setting.seen}.real.json`;
      const terminal = await opened('Real Values', () => command('runReal', seenCommand(file)));
      const seen = JSON.parse(await written(file)) as SeenEnvironment;
      assert.equal(seen['DEMO_API_KEY'], hash(setting.real));
      assert.equal(seen['ANTHROPIC_API_KEY'], hash(setting.inherited));
      for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'SSL_CERT_FILE'])
        assert.equal(seen[name], process.env[name] === undefined ? undefined : hash(process.env[name]), name);
      terminal.dispose();
    },
  ],
  [
    'ordinary terminals are left alone, unless the setting for all terminals is on',
    async () => {
      const { session } = await onlyEntry();
      const proxy = hash(session.agentEnvironment('terminal')!['HTTPS_PROXY']!);
      const ordinary = async () => {
        const terminal = vscode.window.createTerminal({ name: 'ordinary' });
        const seen = await environmentIn(terminal);
        terminal.dispose();
        return seen['HTTPS_PROXY'] === proxy;
      };
      const all = (value: boolean | undefined) =>
        vscode.workspace
          .getConfiguration('sandboxAgent')
          .update('allTerminals', value, vscode.ConfigurationTarget.Global);
      assert.equal(await ordinary(), false);
      await all(true);
      assert.equal(await ordinary(), true);
      await all(undefined);
      assert.equal(await ordinary(), false);
    },
  ],
  [
    'Copy Proxy Environment puts exports for a shell on the clipboard, with a label of its own and no real value',
    async () => {
      await vscode.env.clipboard.writeText('');
      await command('copyEnvironment');
      const text = await vscode.env.clipboard.readText();
      const environment = (await onlyEntry()).session.agentEnvironment('other')!;
      assert.match(environment['HTTPS_PROXY']!, /^http:\/\/other:/);
      for (const [name, value] of Object.entries(environment))
        assert.ok(text.includes(`export ${name}='${value}'\n`), name);
      assert.ok(!text.includes(setting.real) && !text.includes(setting.inherited));
    },
  ],
];

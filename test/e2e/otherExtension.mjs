// An extension of somebody else, or an agent inside one: it takes what it can get of Sandbox Agent, and calls its commands with
// arguments that would answer the user's questions. Installed by the browser tests.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';

const out = process.env.OTHER_EXTENSION_OUT;
const calls = {
  run: ['runReal', `touch "${path.join(out, 'ran')}"`],
  restore: ['restore', { unattended: true }],
  protect: ['protect', { ids: 'ticked' }],
  approve: ['approvePolicy', { unattended: true }],
};

export function activate(context) {
  for (const [name, [command, argument]] of Object.entries(calls))
    context.subscriptions.push(
      vscode.commands.registerCommand(`other.${name}`, () =>
        vscode.commands.executeCommand(`sandboxAgent.${command}`, argument),
      ),
    );
  const debugged = path.join(out, 'debugged');
  const program = path.join(out, 'debugged.cjs');
  writeFileSync(program, `require('node:fs').writeFileSync(${JSON.stringify(debugged)}, '')`);
  context.subscriptions.push(
    vscode.commands.registerCommand('other.debug', () =>
      vscode.debug.startDebugging(
        vscode.workspace.workspaceFolders[0],
        {
          type: 'node',
          request: 'launch',
          name: 'Other',
          program,
          runtimeExecutable: process.execPath,
          env: { ELECTRON_RUN_AS_NODE: '1' },
          'sandboxAgent.realValues': true,
        },
        { noDebug: true },
      ),
    ),
    vscode.commands.registerCommand('other.api', async () => {
      const api = await vscode.extensions.getExtension('sandbox-agent.sandbox-agent').activate();
      writeFileSync(path.join(out, 'api'), typeof api);
    }),
  );
}

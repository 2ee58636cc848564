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
  context.subscriptions.push(
    vscode.commands.registerCommand('other.api', async () => {
      const api = await vscode.extensions.getExtension('sandbox-agent.sandbox-agent').activate();
      writeFileSync(path.join(out, 'api'), typeof api);
    }),
  );
}

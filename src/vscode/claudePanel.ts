// The panel of Claude Code's own extension spawns its binary from the extension host, where terminal variables do not reach:
// it takes them from a setting. Written to the workspace while the proxy runs, and taken back.
import * as vscode from 'vscode';
import { trackedFiles } from '../host/envFiles';
import type { Sessions } from './sessions';

interface Variable {
  readonly name: string;
  readonly value: string;
}

const KEY = 'claudeCode.environmentVariables before';

export function wireClaudePanel(sessions: Sessions, context: vscode.ExtensionContext): vscode.Disposable {
  let last = '';
  let queue = Promise.resolve();
  const update = async () => {
    if (!vscode.extensions.getExtension('anthropic.claude-code')) return;
    const configuration = vscode.workspace.getConfiguration('claudeCode');
    const entry = sessions.all.find(({ session }) => session.state.kind === 'running');
    const variables = Object.entries(entry?.session.agentEnvironment('claude') ?? {}).map(
      ([name, value]): Variable => ({ name, value }),
    );
    const text = JSON.stringify(variables);
    if (text === last) return;
    last = text;
    const before = context.workspaceState.get<{ readonly value: Variable[] | undefined }>(KEY);
    if (variables.length === 0) {
      if (!before) return;
      await configuration.update('environmentVariables', before.value, vscode.ConfigurationTarget.Workspace);
      await context.workspaceState.update(KEY, undefined);
      return;
    }
    // The setting holds our token: never into a file that git would publish.
    if (!before && (await trackedFiles(entry!.session.folder, ['.vscode/settings.json'])).size > 0) return;
    const own = before
      ? (before.value ?? [])
      : configuration.inspect<Variable[]>('environmentVariables')?.workspaceValue;
    if (!before) await context.workspaceState.update(KEY, { value: own });
    const ours = new Set(variables.map(({ name }) => name));
    await configuration.update(
      'environmentVariables',
      [...(own ?? []).filter(({ name }) => !ours.has(name)), ...variables],
      vscode.ConfigurationTarget.Workspace,
    );
  };
  const subscription = sessions.onDidChange(() => {
    queue = queue.then(update, update);
  });
  return new vscode.Disposable(() => subscription.dispose());
}

// Composition root: makes the parts and hands them to each other. No feature lives here.
import * as vscode from 'vscode';
import { registerAlarms } from './alarms';
import { isTest } from './commands/command';
import { announcePending } from './commands/policy';
import { registerCommands } from './commands/register';
import { registerDocuments } from './documents/readOnly';
import { registerPolicyEditor } from './editors/policyEditor';
import { registerHostQuickFix } from './language/hostQuickFix';
import { registerPolicyDiagnostics } from './language/policyDiagnostics';
import { registerDebugging } from './run/debugging';
import { registerTasks } from './run/tasks';
import { Sessions } from './sessions';
import { registerTerminals } from './terminal/profiles';
import { registerFlowsView } from './views/flowsView';
import { registerLoanStatus } from './views/loanStatus';
import { registerSessionView } from './views/sessionView';
import { registerStatusBar } from './views/statusBar';
import { wireClaudePanel } from './claudePanel';

/**
 * For our own tests in the same extension host. Sessions give out real values and write the policy: another extension, and an
 * agent inside it, gets nothing.
 */
export interface ExtensionApi {
  readonly sessions: Sessions;
}

export function activate(context: vscode.ExtensionContext): ExtensionApi | undefined {
  const log = vscode.window.createOutputChannel('Sandbox Agent', { log: true });
  const sessions = new Sessions(context, log);
  const deps = { sessions, log, context };
  closing = () => sessions.close();
  context.subscriptions.push(
    log,
    sessions,
    registerCommands(deps),
    registerSessionView(sessions),
    registerFlowsView(sessions),
    registerStatusBar(sessions),
    registerLoanStatus(sessions),
    registerDocuments(sessions),
    registerTerminals(sessions, context),
    registerDebugging(sessions, context),
    registerTasks(sessions, context),
    registerPolicyEditor(context, sessions),
    registerPolicyDiagnostics(sessions),
    registerHostQuickFix(sessions),
    registerAlarms(deps),
    announcePending(deps),
    wireClaudePanel(sessions, log),
  );
  return isTest(context) ? { sessions } : undefined;
}

/** The editor waits for this, and hands nothing to it. */
let closing: (() => Promise<void>) | undefined;

export async function deactivate(): Promise<void> {
  await closing?.();
}

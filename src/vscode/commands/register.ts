// The table of commands. A failure is shown and logged, never swallowed; its message holds no value.
import * as vscode from 'vscode';
import { showAlarms } from './alarms';
import { copyEnvironment, launchClaude, runReal } from './agents';
import { allowRequest } from './allowRequest';
import { bindSecret } from './bindSecret';
import { blockHost } from './blockHost';
import type { Command, Deps } from './command';
import { clearFlows, copyUrl, openFlow, showFlows, showRule } from './flows';
import { actions, doctor, showLog } from './help';
import { putDummiesBack, restoreForAWhile } from './loan';
import { approvePolicy, openPolicy, rejectPolicy, showPolicyDifference } from './policy';
import { protect } from './protect';
import { restore } from './restore';
import { markForRotation, rotateSecret } from './rotate';
import { start, stop } from './startStop';
import { trustCredential, trustedCredentials } from './trust';
import { decryptVault, encryptVault, exportVault, importVault, unlockVault } from './vault';

export const COMMANDS: Readonly<Record<string, Command>> = {
  actions,
  allowRequest,
  approvePolicy,
  bindSecret,
  blockHost,
  clearFlows,
  copyEnvironment,
  copyUrl,
  decryptVault,
  doctor,
  encryptVault,
  exportVault,
  importVault,
  launchClaude,
  markForRotation,
  openFlow,
  openPolicy,
  protect,
  putDummiesBack,
  rejectPolicy,
  restore,
  restoreForAWhile,
  rotateSecret,
  runReal,
  showAlarms,
  showFlows,
  showLog,
  showPolicyDifference,
  showRule,
  start,
  stop,
  trustCredential,
  trustedCredentials,
  unlockVault,
};

export function registerCommands(deps: Deps): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(COMMANDS).map(([name, run]) =>
      vscode.commands.registerCommand(`sandboxAgent.${name}`, async (...args: unknown[]) => {
        try {
          return await run(deps, ...args);
        } catch (error) {
          deps.log.error(`${name}: ${(error as Error).stack ?? (error as Error).message}`);
          void vscode.window.showErrorMessage(`Sandbox Agent: ${(error as Error).message}`);
          return undefined;
        }
      }),
    ),
  );
}

// What a person is told of at once: a stand-in or a real value on its way to where it does not belong, a credential of somebody
// else. Each once; many at a time become one. Nothing here lets anything pass without an answer of the user.
import * as vscode from 'vscode';
import type { Alarm } from '../core/flows/alarms';
import { agentInWords, placeInWords } from '../core/flows/describe';
import { bind } from './commands/bindSecret';
import type { Deps } from './commands/command';
import { openFlow } from './commands/flows';
import { markForRotation } from './commands/rotate';
import { trust } from './commands/trust';
import type { FolderEntry } from './sessions';

/** More notifications than this at a time are nobody's to read, and an agent could make any number. */
const AT_ONCE = 3;
/** How long the others are collected before they are told as one. */
const COLLECT_MS = 500;
/** A button shows no more of a name. */
const MAX_NAME = 40;

export function registerAlarms(deps: Deps): vscode.Disposable {
  const { sessions, log } = deps;
  const watched = new WeakSet();
  let open = 0;
  let waiting = 0;
  let combined = false;
  const raised = (entry: FolderEntry, alarm: Alarm) => {
    log.warn(`[${entry.workspaceFolder.name}] ${alarm.flow.agent}, ${alarm.flow.host}: ${sentence(alarm)}`);
    if (open >= AT_ONCE) {
      waiting++;
      void summary();
      return;
    }
    open++;
    void tell(deps, entry, alarm).finally(() => open--);
  };
  const summary = async () => {
    if (combined) return;
    combined = true;
    await new Promise((resolve) => setTimeout(resolve, COLLECT_MS));
    const show = vscode.l10n.t('Show Alarms');
    while (waiting > 0) {
      const count = waiting;
      const text =
        count === 1 ? vscode.l10n.t('There is one more alarm.') : vscode.l10n.t('There are {0} more alarms.', count);
      const answer = await vscode.window.showErrorMessage(`Sandbox Agent: ${text}`, show);
      waiting -= count;
      if (answer !== show) continue;
      waiting = 0;
      await vscode.commands.executeCommand('sandboxAgent.showAlarms');
    }
    combined = false;
  };
  const watch = () => {
    for (const { alarms } of sessions.all) {
      if (watched.has(alarms)) continue;
      watched.add(alarms);
      alarms.onDidRaise((alarm) => {
        const entry = sessions.all.find((one) => one.alarms === alarms);
        if (entry) raised(entry, alarm);
      });
    }
  };
  watch();
  const subscription = sessions.onDidChange(watch);
  return new vscode.Disposable(() => subscription.dispose());
}

const sentence = ({ finding: { kind, secret, place, action } }: Alarm) =>
  `${kind}, ${secret}, ${placeInWords(place)}, ${action}`;

interface Told {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly actions: readonly (readonly [title: string, run: () => unknown])[];
}

/** Resolves when the user has answered, or put the notification away. */
export async function tell(deps: Deps, entry: FolderEntry, alarm: Alarm): Promise<void> {
  const { severity, message, actions } = await told(deps, entry, alarm);
  const show = severity === 'error' ? vscode.window.showErrorMessage : vscode.window.showWarningMessage;
  const answer = await show(message, ...actions.map(([title]) => title));
  const chosen = actions.find(([title]) => title === answer);
  if (!chosen) return;
  entry.alarms.markSeen(alarm.flow.id);
  try {
    await chosen[1]();
  } catch (error) {
    deps.log.error((error as Error).message);
    void vscode.window.showErrorMessage(`Sandbox Agent: ${(error as Error).message}`);
  }
}

async function told(deps: Deps, entry: FolderEntry, alarm: Alarm): Promise<Told> {
  const { flow, finding } = alarm;
  const { host } = flow;
  const agent = agentInWords(flow);
  const { secret } = finding;
  const place = placeInWords(finding.place);
  const showFlow = [vscode.l10n.t('Show Flow'), () => openFlow(deps, { kind: 'flow', entry, flow })] as const;
  switch (finding.kind) {
    case 'foreign-credential':
      return {
        severity: 'warning',
        message: vscode.l10n.t('{0} used a credential at {1} that is not {2}. It was not sent.', agent, host, secret),
        actions: [[vscode.l10n.t('Trust This Credential'), () => trust(entry, alarm)], showFlow],
      };
    case 'real-value':
      return {
        severity: 'error',
        message:
          finding.action === 'masked'
            ? vscode.l10n.t(
                '{3} sent the real value of {0} to {1} ({2}). Its stand-in went out in its place: find out where it had the value from.',
                secret,
                host,
                place,
                agent,
              )
            : vscode.l10n.t(
                '{3} sent the real value of {0} to {1} ({2}). It was blocked: find out where it had the value from.',
                secret,
                host,
                place,
                agent,
              ),
        actions: [
          showFlow,
          [
            vscode.l10n.t('Mark for Rotation'),
            () => markForRotation(deps, { entry, flow: { id: flow.id, host, findings: [finding] } }),
          ],
        ],
      };
    default: {
      if (await goesNowhere(entry, secret)) {
        const leak = async () => {
          const reason = vscode.l10n.t('its stand-in was sent to {0} by {1}, flow {2}', host, flow.agent, flow.id);
          await entry.session.vault.markForRotation(secret, reason);
          await deps.sessions.update(entry);
        };
        const bindTo = host.length > MAX_NAME ? vscode.l10n.t('Bind to This Host') : vscode.l10n.t('Bind to {0}', host);
        return {
          severity: 'warning',
          message: vscode.l10n.t(
            '{0} was about to go to {1}. Bind it to this host, or treat it as a leak? {3} used it in {2}; nothing was sent.',
            secret,
            host,
            place,
            agent,
          ),
          actions: [
            [bindTo, () => bind(entry, alarm, { asked: true })],
            [vscode.l10n.t('It Is a Leak'), leak],
            showFlow,
          ],
        };
      }
      return {
        severity: 'error',
        message: vscode.l10n.t(
          '{0} sent the stand-in of {1} to {2}, a host it is not bound to ({3}). It was blocked: something may be trying to take the secret.',
          agent,
          secret,
          host,
          place,
        ),
        actions: [
          showFlow,
          [
            vscode.l10n.t('Block Host'),
            () => vscode.commands.executeCommand('sandboxAgent.blockHost', host, entry.workspaceFolder.uri.toString()),
          ],
        ],
      };
    }
  }
}

/** Nobody has said yet where it goes. `hosts: []` in the policy says that it goes nowhere, and is no question. */
async function goesNowhere({ session }: FolderEntry, name: string): Promise<boolean> {
  if (session.policy.state.policy.secrets.some((binding) => binding.name === name)) return false;
  const secret = (await session.secrets()).find((one) => one.name === name);
  return secret?.hosts.length === 0;
}

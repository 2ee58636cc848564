// Trust Credential and Trusted Credentials: what agents may use beside the managed secrets, each on one host. The credential is
// known by a salted hash; its text never came to us. It widens what an agent may do: a person confirms it each time.
import * as vscode from 'vscode';
import type { Alarm } from '../../core/flows/alarms';
import { agentInWords } from '../../core/flows/describe';
import type { TrustedCredential } from '../../host/trust';
import type { FolderEntry } from '../sessions';
import { chosenFinding } from './chosenFinding';
import { type Command, isTest } from './command';

/** Argument: a flow's row, or nothing. `unattended` answers in a test. */
export const trustCredential: Command = async ({ sessions, context }, argument) => {
  const title = vscode.l10n.t('Which credential is yours?');
  const found = await chosenFinding(sessions, argument, 'foreign-credential', title);
  if (!found) return false;
  const unattended = (argument as { unattended?: unknown } | undefined)?.unattended === true && isTest(context);
  return trust(found.entry, found, unattended);
};

/** Asks unless `yes`. Returns whether it is trusted now. */
export async function trust(
  { session, alarms }: FolderEntry,
  { flow, finding }: Pick<Alarm, 'flow' | 'finding'>,
  yes = false,
): Promise<boolean> {
  const { credential, secret } = finding;
  if (credential === undefined) return false;
  const button = vscode.l10n.t('Trust');
  const detail = vscode.l10n.t(
    '{2} used it. It is not {0}, the one this workspace uses there. Whoever owns it can receive what agents send to {1}: trust it only if it is yours. It counts on this host only, from the next request on. A salted hash is kept, never the credential. "Trusted Credentials" takes it back.',
    secret,
    flow.host,
    agentInWords(flow),
  );
  const question = vscode.l10n.t('Trust the credential that was used at {0}?', flow.host);
  if (!yes && (await vscode.window.showWarningMessage(question, { modal: true, detail }, button)) !== button)
    return false;
  await session.trust(flow.host, credential);
  alarms.markSeen(flow.id);
  return true;
}

/** `remove`: a hash, in a test. */
export const trustedCredentials: Command = async ({ sessions, context }, argument) => {
  const entry = await sessions.pick();
  if (!entry || entry.failure !== undefined) return undefined;
  const remove = (argument as { remove?: unknown } | undefined)?.remove;
  if (isTest(context) && typeof remove === 'string') return distrust(entry, remove);
  const trusted = await entry.session.trusted();
  if (trusted.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('No credential is trusted beside the managed ones in {0}.', entry.workspaceFolder.name),
    );
    return undefined;
  }
  list(entry, trusted);
  return undefined;
};

interface Item extends vscode.QuickPickItem {
  readonly hash: string;
}

function list(entry: FolderEntry, trusted: readonly TrustedCredential[]): void {
  const pick = vscode.window.createQuickPick<Item>();
  const button = { iconPath: new vscode.ThemeIcon('trash'), tooltip: vscode.l10n.t('Trust it no more') };
  const show = (all: readonly TrustedCredential[]) => {
    pick.items = all.map(({ host, since, hash }) => ({
      label: host,
      description: vscode.l10n.t('since {0}', new Date(since).toISOString().slice(0, 10)),
      detail: vscode.l10n.t('a credential with the hash {0}…', hash.slice(0, 16)),
      buttons: [button],
      hash,
    }));
  };
  pick.title = vscode.l10n.t('Trusted Credentials: each passes on its host, beside the managed one');
  pick.placeholder = vscode.l10n.t('The bin takes one off the list');
  show(trusted);
  pick.onDidTriggerItemButton(async ({ item }) => {
    const left = await distrust(entry, item.hash);
    if (left.length === 0) pick.hide();
    else show(left);
  });
  pick.onDidAccept(() => pick.hide());
  pick.onDidHide(() => pick.dispose());
  pick.show();
}

/** What is still trusted. The next request that carries this one asks again. */
async function distrust({ session, alarms }: FolderEntry, hash: string): Promise<readonly TrustedCredential[]> {
  await session.distrust(hash);
  alarms.forget(({ finding }) => finding.credential === hash);
  return session.trusted();
}

// Bind Secret to This Host: where a stand-in was on its way to a host that its secret is not bound to, the user says that it may
// go there. It is an edit of the policy, by nobody but the user: the question names secret, host and place each time.
import * as vscode from 'vscode';
import type { Alarm } from '../../core/flows/alarms';
import { placeInWords } from '../../core/flows/describe';
import type { Flow } from '../../core/flows/flow';
import { bindSecret as edit, bindablePlace, withBinding } from '../../core/policy/bind';
import { checkPlace } from '../../core/policy/parse';
import type { Finding, Place } from '../../core/secrets/types';
import type { ProtectedSecret } from '../../host/api';
import type { FolderEntry } from '../sessions';
import { chosenFinding } from './chosenFinding';
import { type Command, isTest } from './command';
import { writePolicy } from './writePolicy';

/** Argument: a flow's row, or nothing. `unattended` answers in a test, `place` too. */
export const bindSecret: Command = async ({ sessions, context }, argument) => {
  const found = await chosenFinding(sessions, argument, 'dummy-unbound', vscode.l10n.t('Which secret is to be bound?'));
  if (!found) return false;
  const { unattended, place } = (isTest(context) ? (argument ?? {}) : {}) as { unattended?: unknown; place?: string };
  return bind(found.entry, found, { asked: unattended === true, place });
};

/** `asked`: the user was told secret and host, and said yes. Returns whether the secret is bound now. */
export async function bind(
  entry: FolderEntry,
  { flow, finding }: Pick<Alarm, 'flow' | 'finding'>,
  { asked, place: given }: { readonly asked: boolean; readonly place?: string | undefined },
): Promise<boolean> {
  const { session } = entry;
  const { policy } = session;
  const { host } = flow;
  const secret = (await session.secrets()).find(({ name }) => name === finding.secret);
  if (!secret) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t('{0} is not in the vault any more, so it was not bound.', finding.secret),
    );
    return false;
  }
  const place = given ?? bindablePlace(finding.place) ?? (await askPlace(secret, flow, finding));
  if (place === undefined) return false;
  if (!asked && !(await confirmed(secret, host, place))) return false;
  await policy.ensureFile();
  const before = policy.state.approvedText;
  const edited = edit(before, withBinding(secret, host, place));
  if (!edited.ok) {
    void vscode.window.showErrorMessage(vscode.l10n.t('The policy could not be changed: {0}', edited.error.message));
    return false;
  }
  if (!(await writePolicy(policy, edited.value.text))) return false;
  entry.alarms.markSeen(flow.id);
  void offerUndo(entry, { secret: secret.name, host, place, before, after: edited.value.text, flow });
  return true;
}

async function confirmed({ name, hosts }: ProtectedSecret, host: string, place: Place): Promise<boolean> {
  const yes = vscode.l10n.t('Bind');
  const detail = vscode.l10n.t(
    'From the next request on its real value goes to {0}, in {1}. Until now it goes to: {2}.',
    host,
    placeInWords(place),
    hosts.length > 0 ? hosts.join(', ') : vscode.l10n.t('no host'),
  );
  const question = vscode.l10n.t('Bind {0} to {1}?', name, host);
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes;
}

/** The stand-in was seen somewhere in a body, or where no value is put: only the user knows where the host reads it. */
function askPlace({ name }: ProtectedSecret, { host }: Flow, { place }: Finding): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: vscode.l10n.t('Where does {0} read {1}?', host, name),
    prompt: vscode.l10n.t(
      'It was seen in {0}. Write header:NAME, basic, query:NAME, path, body:FIELD or websocket.',
      placeInWords(place),
    ),
    value: place === 'body' ? 'body:' : '',
    ignoreFocusOut: true,
    validateInput: (text) => {
      const wrong = text === '' || text.endsWith(':') ? '' : checkPlace(text);
      return wrong === '' ? vscode.l10n.t('Name the header, parameter or field.') : wrong;
    },
  });
}

interface Bound {
  readonly secret: string;
  readonly host: string;
  readonly place: Place;
  readonly before: string;
  readonly after: string;
  readonly flow: Flow;
}

async function offerUndo(entry: FolderEntry, { secret, host, place, before, after, flow }: Bound): Promise<void> {
  const { policy } = entry.session;
  const undo = vscode.l10n.t('Undo');
  const refused = flow.decision?.effective === 'block';
  const text = vscode.l10n.t(
    '{0} is bound to {1}, in {2}: the next request is served.',
    secret,
    host,
    placeInWords(place),
  );
  const also = vscode.l10n.t('The policy blocks that request, too: a rule has to allow it.');
  if ((await vscode.window.showInformationMessage(refused ? `${text} ${also}` : text, undo)) !== undo) return;
  if (policy.state.approvedText !== after) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t('The policy was changed since. Take {0} out of "secrets:" there.', secret),
    );
    return;
  }
  if (await writePolicy(policy, before))
    entry.alarms.forget(({ finding, flow: seen }) => finding.secret === secret && seen.host === host);
}

// Mark for Rotation and Rotate Secret: a key that leaked is marked, and its new value, typed by the user, takes its place behind
// the same dummy. The value goes from the password box to the vault and nowhere else.
import * as vscode from 'vscode';
import { isLeak } from '../../core/flows/describe';
import type { Finding } from '../../core/secrets/types';
import type { ProtectedSecret } from '../../host/api';
import type { FolderEntry } from '../sessions';
import { type Command, isTest } from './command';

/** What the views pass: a flow, or a secret's row. */
interface Target {
  readonly entry?: FolderEntry;
  readonly flow?: { readonly id: number; readonly host: string; readonly findings: readonly Finding[] };
  readonly secret?: string;
  /** In tests. */
  readonly value?: string;
  readonly reason?: string;
}

const targetOf = (argument: unknown): Target => (typeof argument === 'object' && argument !== null ? argument : {});

async function chosen(
  entry: FolderEntry,
  names: readonly string[] | undefined,
  title: string,
): Promise<ProtectedSecret | undefined> {
  const all = await entry.session.secrets();
  const secrets = names ? all.filter(({ name }) => names.includes(name)) : all;
  if (secrets.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('No such secret is in the vault of {0}.', entry.workspaceFolder.name),
    );
    return undefined;
  }
  if (secrets.length === 1 && names) return secrets[0];
  const items = secrets.map((secret) => ({
    label: secret.name,
    description: secret.hosts.join(', '),
    ...(secret.marked ? { detail: `$(warning) ${markText(secret.marked)}` } : {}),
    secret,
  }));
  // Those that are marked first.
  items.sort((a, b) => Number(b.secret.marked !== undefined) - Number(a.secret.marked !== undefined));
  return (await vscode.window.showQuickPick(items, { title, matchOnDetail: true }))?.secret;
}

export const markText = ({ since, reason }: NonNullable<ProtectedSecret['marked']>): string =>
  vscode.l10n.t('marked for rotation since {0}: {1}', since.slice(0, 10), reason);

export const markForRotation: Command = async ({ sessions, context }, argument) => {
  const target = targetOf(argument);
  const entry = target.entry ?? (await sessions.pick());
  if (!entry || entry.failure !== undefined) return undefined;
  const leaks = target.flow?.findings.filter(isLeak) ?? [];
  const names = target.flow
    ? [...new Set(leaks.map(({ secret }) => secret))]
    : target.secret === undefined
      ? undefined
      : [target.secret];
  const secret = await chosen(entry, names, vscode.l10n.t('Which secret is to be rotated?'));
  if (!secret) return undefined;
  const seen = leaks.find((finding) => finding.secret === secret.name);
  const value = seen && target.flow ? `seen in ${seen.place}, ${target.flow.host}, flow ${target.flow.id}` : '';
  const reason =
    (isTest(context) ? target.reason : undefined) ??
    (await vscode.window.showInputBox({
      title: vscode.l10n.t('Mark {0} for rotation', secret.name),
      prompt: vscode.l10n.t('What happened? It goes on working until you rotate it.'),
      value,
    }));
  if (reason === undefined) return undefined;
  await entry.session.vault.markForRotation(secret.name, reason || value || vscode.l10n.t('marked by hand'));
  await sessions.update(entry);
  return secret.name;
};

export const rotateSecret: Command = async ({ sessions, context }, argument) => {
  const target = targetOf(argument);
  const entry = target.entry ?? (await sessions.pick());
  if (!entry || entry.failure !== undefined) return undefined;
  const names = target.secret === undefined ? undefined : [target.secret];
  const secret = await chosen(entry, names, vscode.l10n.t('Which secret has a new value?'));
  if (!secret) return undefined;
  const value =
    (isTest(context) ? target.value : undefined) ??
    (await vscode.window.showInputBox({
      title: vscode.l10n.t('New value of {0}', secret.name),
      prompt: vscode.l10n.t(
        'From the provider. The dummy stays the same, in every file; the old value is never put in again, but still looked for.',
      ),
      password: true,
      ignoreFocusOut: true,
    }));
  if (value === undefined || value === '') return undefined;
  const report = await entry.session.vault.rotate(secret.name, value);
  await sessions.update(entry);
  void vscode.window.showInformationMessage(
    vscode.l10n.t('{0} has its new value. Revoke the old one at the provider.', secret.name),
  );
  return report;
};

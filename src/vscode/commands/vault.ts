// The vault in the user's hands: encrypt it with a recovery code, open it again, take it to another machine. Code and passphrase
// are typed into password boxes, by a person; arguments of a command never answer for one.
import path from 'node:path';
import * as vscode from 'vscode';
import type { FolderEntry } from '../sessions';
import { type Command, type Deps, isTest } from './command';

/** What a test types instead of a person. */
interface Typed {
  readonly code?: (shown: string) => string | undefined;
  readonly file?: string;
  readonly passphrase?: string;
  readonly yes?: boolean;
}

export function typedIn({ context }: Deps, argument: unknown): Typed | undefined {
  return isTest(context) && typeof argument === 'object' && argument !== null ? argument : undefined;
}

async function pickOpen({ sessions }: Deps): Promise<FolderEntry | undefined> {
  const entry = await sessions.pick();
  if (entry?.failure !== undefined) {
    void vscode.window.showErrorMessage(entry.failure);
    return undefined;
  }
  return entry;
}

export const encryptVault: Command = async (deps, argument) => {
  const entry = await pickOpen(deps);
  if (!entry) return undefined;
  const { vault } = entry.session;
  if ((await vault.status()).encrypted) {
    void vscode.window.showInformationMessage(vscode.l10n.t('The vault of this folder is encrypted already.'));
    return undefined;
  }
  const pending = vault.prepareEncryption();
  const test = typedIn(deps, argument);
  const typed = test ? test.code?.(pending.code) : await codeTyped(pending.code);
  if (typed === undefined) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t('The vault was not encrypted: the recovery code was not typed. It stays as it was.'),
    );
    return undefined;
  }
  await pending.confirm(typed);
  await deps.sessions.update(entry);
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      'The vault is encrypted. This editor keeps a key for it; everywhere else, and if that key is lost, the recovery code opens it.',
    ),
  );
  return vault.status();
};

/** Shown once; it must have been written down before it can be typed. */
async function codeTyped(code: string): Promise<string | undefined> {
  const next = vscode.l10n.t('I Have Written It Down');
  const detail = vscode.l10n.t(
    '{0}\n\nThis is the recovery code of the vault. It is shown once. If this editor loses its key, it is the only way to your real values: write it down, away from this machine. Next you type it.',
    code,
  );
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t('Encrypt the vault of this folder?'),
    { modal: true, detail },
    next,
  );
  if (answer !== next) return undefined;
  const plain = (text: string) => text.toUpperCase().replace(/[\s-]/g, '');
  return vscode.window.showInputBox({
    title: vscode.l10n.t('Type the recovery code'),
    prompt: vscode.l10n.t('All seven groups, as you wrote them down. Encryption is switched on when they are right.'),
    ignoreFocusOut: true,
    password: true,
    validateInput: (text) =>
      plain(text).length >= plain(code).length && plain(text) !== plain(code)
        ? vscode.l10n.t('That is not the code that was shown.')
        : undefined,
  });
}

export const decryptVault: Command = async (deps, argument) => {
  const entry = await pickOpen(deps);
  if (!entry) return undefined;
  if (!(await entry.session.vault.status()).encrypted) {
    void vscode.window.showInformationMessage(vscode.l10n.t('The vault of this folder is not encrypted.'));
    return undefined;
  }
  const yes = vscode.l10n.t('Decrypt');
  const sure =
    typedIn(deps, argument)?.yes === true ||
    (await vscode.window.showWarningMessage(
      vscode.l10n.t('Store the vault as plain text again?'),
      {
        modal: true,
        detail: vscode.l10n.t(
          'It becomes a file outside the folder that only your user can read (mode 0600): also every program that runs as you.',
        ),
      },
      yes,
    )) === yes;
  if (!sure) return undefined;
  await entry.session.vault.decrypt();
  await deps.sessions.update(entry);
  return entry.session.vault.status();
};

/** Asks for the recovery code again, after a no or a slip. */
export const unlockVault: Command = async ({ sessions }) => {
  const entry = await sessions.pick();
  if (!entry) return undefined;
  const now = await sessions.reopen(entry);
  if (now?.failure === undefined)
    void vscode.window.showInformationMessage(vscode.l10n.t('The vault of this folder is open.'));
  return now?.failure;
};

export const exportVault: Command = async (deps, argument) => {
  const entry = await pickOpen(deps);
  if (!entry) return undefined;
  const test = typedIn(deps, argument);
  const file =
    test?.file ??
    (
      await vscode.window.showSaveDialog({
        title: vscode.l10n.t('Export the vault, encrypted with a passphrase'),
        saveLabel: vscode.l10n.t('Export'),
        defaultUri: vscode.Uri.joinPath(
          entry.workspaceFolder.uri,
          '..',
          `${entry.workspaceFolder.name}.sandbox-agent-vault`,
        ),
      })
    )?.fsPath;
  if (file === undefined) return undefined;
  const passphrase = test?.passphrase ?? (await newPassphrase());
  if (passphrase === undefined) return undefined;
  await entry.session.vault.export(file, passphrase);
  void vscode.window.showInformationMessage(
    vscode.l10n.t('{0} holds the vault, encrypted. Who has it and the passphrase has the values.', path.basename(file)),
  );
  return file;
};

async function newPassphrase(): Promise<string | undefined> {
  const ask = (prompt: string, validateInput: (text: string) => string | undefined) =>
    vscode.window.showInputBox({
      title: vscode.l10n.t('Passphrase of the export'),
      prompt,
      password: true,
      ignoreFocusOut: true,
      validateInput,
    });
  const first = await ask(vscode.l10n.t('Twelve characters or more: several words.'), (text) =>
    text.length < 12 ? vscode.l10n.t('Too short: whoever gets the file could guess it.') : undefined,
  );
  if (first === undefined) return undefined;
  return ask(vscode.l10n.t('The same again.'), (text) =>
    text === first ? undefined : vscode.l10n.t('The two are not the same yet.'),
  );
}

export const importVault: Command = async (deps, argument) => {
  const entry = await pickOpen(deps);
  if (!entry) return undefined;
  const test = typedIn(deps, argument);
  const file =
    test?.file ??
    (
      await vscode.window.showOpenDialog({
        title: vscode.l10n.t('Import an exported vault'),
        openLabel: vscode.l10n.t('Import'),
        canSelectMany: false,
      })
    )?.[0]?.fsPath;
  if (file === undefined) return undefined;
  const passphrase =
    test?.passphrase ??
    (await vscode.window.showInputBox({
      title: vscode.l10n.t('Passphrase of {0}', path.basename(file)),
      password: true,
      ignoreFocusOut: true,
    }));
  if (passphrase === undefined || passphrase === '') return undefined;
  const report = await entry.session.vault.import(file, passphrase);
  await deps.sessions.update(entry);
  for (const { name, as } of report.renamed)
    deps.log.warn(`${name} has another value here: that of the export is ${as}, and both are kept.`);
  for (const { name, reason } of report.refused) deps.log.warn(`${name} was not taken in: ${reason}`);
  const text = vscode.l10n.t('{0} secrets came in, {1} were here already.', report.added.length, report.known);
  if (report.refused.length + report.renamed.length === 0) void vscode.window.showInformationMessage(text);
  else
    void vscode.window
      .showWarningMessage(
        `${text} ${vscode.l10n.t('{0} were not taken in, {1} have another name here.', report.refused.length, report.renamed.length)}`,
        vscode.l10n.t('Show Log'),
      )
      .then((action) => action && deps.log.show());
  return report;
};

// What opens an encrypted vault in the editor: a key in the editor's secret storage, or the recovery code that the user types.
// The code is asked for once; after a no, not again until the user calls "Unlock Vault". Neither is ever logged.
import * as vscode from 'vscode';
import type { KeyStore, VaultKeys } from '../host/vaultCipher';

const PREFIX = 'sandboxAgent.vault.';

export interface EditorKeys extends VaultKeys {
  /** The user wants to be asked again. */
  askAgain(): void;
}

export function editorKeys(
  storage: vscode.SecretStorage,
  folder: string,
  typed?: () => string | undefined,
): EditorKeys {
  let refused = false;
  const store: KeyStore = {
    get: async (id) => storage.get(PREFIX + id),
    set: async (id, key) => storage.store(PREFIX + id, key),
    delete: async (id) => storage.delete(PREFIX + id),
  };
  return {
    store,
    recoveryCode: async () => {
      if (refused) return undefined;
      // Also a mistyped one: the session says so, and "Unlock Vault" asks again.
      refused = true;
      return typed ? typed() : askRecoveryCode(folder);
    },
    askAgain: () => {
      refused = false;
    },
  };
}

async function askRecoveryCode(folder: string): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title: vscode.l10n.t('The vault of {0} is encrypted', folder),
    prompt: vscode.l10n.t(
      'This editor has no key for it. Type the recovery code that was shown when it was encrypted; until then nothing is swapped, restored or guarded in this folder.',
    ),
    password: true,
    ignoreFocusOut: true,
  });
}

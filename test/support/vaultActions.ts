// What the crash tests do to a vault, by name: in a process that is killed, and in this one.
import type { Vault } from '../../src/host/vault';

export async function vaultAction(what: string, vault: Vault, given: string): Promise<void> {
  switch (what) {
    case 'encrypt':
      return vault.prepareEncryption(given).confirm(given);
    case 'decrypt':
      return vault.decrypt();
    default:
      throw new Error(`no action ${what}`);
  }
}

// What the crash tests do to a vault, by name: in a process that is killed, and in this one.
import type { FaultHook } from '../../src/files/atomicFile';
import { rotateSecret } from '../../src/host/rotate';
import type { Vault } from '../../src/host/vault';
import { exportVault, importVault } from '../../src/host/vaultExport';

export const PASSPHRASE = 'a passphrase of the tests';

export async function vaultAction(
  what: string,
  folder: string,
  vault: Vault,
  given: string,
  fault: FaultHook,
): Promise<unknown> {
  switch (what) {
    case 'encrypt':
      return vault.prepareEncryption(given).confirm(given);
    case 'decrypt':
      return vault.decrypt();
    // `given`: the file.
    case 'export':
      return exportVault({ folder, vault, fault }, given, PASSPHRASE);
    case 'import':
      return importVault({ folder, vault }, given, PASSPHRASE);
    // `given`: the new value.
    case 'rotate':
      return rotateSecret({ folder, vault }, 'GITHUB_TOKEN', given, 'a test', new Date(0));
    default:
      throw new Error(`no action ${what}`);
  }
}

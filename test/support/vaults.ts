// Opening vaults and protecting folders without a session, for the tests of the vault.
import { Protector } from '../../src/host/protect';
import { restoreFolder } from '../../src/host/restore';
import { type StateFolder, openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import type { VaultKeys } from '../../src/host/vaultCipher';
import type { TestWorkspace } from './workspace';

export interface OpenedVault {
  readonly state: StateFolder;
  readonly vault: Vault;
  readonly deps: { readonly folder: string; readonly vault: Vault; readonly environment: NodeJS.ProcessEnv };
}

export async function openVault(workspace: TestWorkspace, keys: VaultKeys = {}): Promise<OpenedVault> {
  const state = await openStateFolder(workspace.folder, workspace.stateRoot);
  const vault = await Vault.open(state, undefined, keys);
  return { state, vault, deps: { folder: state.folder, vault, environment: {} } };
}

/** The ticked values of every file. */
export async function protectTicked({ deps }: OpenedVault): Promise<void> {
  const protector = new Protector(deps);
  const scan = await protector.scan();
  const { refused } = await protector.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  if (refused.length > 0) throw new Error(refused.map(({ reason }) => reason).join('; '));
}

/** Throws unless every file got everything back. */
export async function restoreAll({ deps }: OpenedVault): Promise<void> {
  const { failed } = await restoreFolder(deps);
  if (failed.length > 0) throw new Error(failed.map(({ file, reason }) => `${file}: ${reason}`).join('; '));
}

export const byCode = (code: string | undefined): VaultKeys => ({ recoveryCode: () => Promise.resolve(code) });

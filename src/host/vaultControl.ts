// What the user does with the vault itself: encrypt it, take it elsewhere, rotate a secret. One thing at a time with the
// session's other work; a running proxy is told.
import type { ImportReport, RotateReport, VaultControlApi, VaultStatus } from './api';
import { markForRotation, rotateSecret } from './rotate';
import type { StateFolder } from './stateFolder';
import type { PendingEncryption, Vault } from './vault';
import { exportVault, importVault } from './vaultExport';

export interface VaultControlDeps {
  readonly state: StateFolder;
  readonly vault: Vault;
  /** Waits for the session's other work. */
  readonly serial: <T>(work: () => Promise<T>) => Promise<T>;
  /** The secrets may be others now. */
  readonly changed: () => void;
}

export class VaultControl implements VaultControlApi {
  constructor(private readonly deps: VaultControlDeps) {}

  async status(): Promise<VaultStatus> {
    const { vault, state } = this.deps;
    await vault.refresh();
    const revoked = vault.secrets.filter((secret) => secret.revoked !== undefined).length;
    return {
      file: state.vault,
      encrypted: vault.isEncrypted,
      keptInStore: vault.isKeptInStore,
      secrets: vault.secrets.length - revoked,
      revoked,
      files: [...new Set(vault.files.map(({ file }) => file))],
    };
  }

  prepareEncryption(code?: string): PendingEncryption {
    const pending = this.deps.vault.prepareEncryption(code);
    return { code: pending.code, confirm: (typed) => this.deps.serial(() => pending.confirm(typed)) };
  }

  decrypt(): Promise<void> {
    return this.deps.serial(() => this.deps.vault.decrypt());
  }

  export(file: string, passphrase: string): Promise<void> {
    return this.deps.serial(() => exportVault(this.#place, file, passphrase));
  }

  import(file: string, passphrase: string): Promise<ImportReport> {
    return this.#change(() => importVault(this.#place, file, passphrase));
  }

  markForRotation(name: string, reason: string): Promise<void> {
    return this.#change(() => markForRotation(this.#place, name, reason, new Date()));
  }

  rotate(name: string, value: string, reason?: string): Promise<RotateReport> {
    return this.#change(() => rotateSecret(this.#place, name, value, reason, new Date()));
  }

  get #place() {
    return { folder: this.deps.state.folder, vault: this.deps.vault };
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    return this.deps.serial(async () => {
      const result = await work();
      this.deps.changed();
      return result;
    });
  }
}

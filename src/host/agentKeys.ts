// Agent keys that were taken in from the environment and that have another value there now: the new value is a secret of its
// own. The old one stays known while a file holds its dummy, since there the vault is the only place that has the value.
import { randomBytes } from 'node:crypto';
import { makeDummy } from '../core/env/dummy';
import { lookupProvider } from '../core/secrets/providers';
import type { Vault, VaultSecret } from './vault';

export async function takeChangedKeys(vault: Vault, environment: NodeJS.ProcessEnv): Promise<void> {
  if (vault.secrets.every((secret) => !secret.fromEnvironment)) return;
  await vault.exclusively('environment', async () => {
    const used = vault.dummiesInFiles;
    const fresh = new Map<string, VaultSecret>();
    for (const secret of vault.secrets.filter(({ fromEnvironment }) => fromEnvironment)) {
      const variable = secret.variable ?? secret.name;
      const value = environment[variable];
      if (!value || fresh.has(variable) || vault.isKnown(value) || vault.holdsDummy(value)) continue;
      const dummy = makeDummy(value, { randomBytes, isTaken: (text) => vault.isKnown(text) });
      if (!dummy.ok) continue;
      // A record that no file needs is replaced; else the new value gets a name beside it.
      const replaced = vault.secrets.find(
        (other) => other.fromEnvironment && (other.variable ?? other.name) === variable && !used.has(other.dummy),
      );
      const name = replaced?.name ?? vault.freeName(variable);
      const provider = lookupProvider(variable, value);
      fresh.set(variable, {
        ...secret,
        name,
        variable,
        value,
        dummy: dummy.value,
        provider: provider?.id ?? secret.provider,
      });
    }
    await vault.store([...fresh.values()]);
  });
}

// The inherited environment as agents' terminals get it: a variable that is, or holds, a secret of the vault has the dummy there;
// what looks like a secret and stays real is listed. By name, never the value.
import { classify } from '../core/env/classify';
import type { EnvironmentValue } from './api';
import type { Vault } from './vault';

/** Shorter ones would turn up by chance inside of others. */
const MIN_PART = 12;

/**
 * What agents get instead, by name. `parts`: also where a secret is only a part of the value. The rest of such a value may be
 * anything, another secret too: for a process that inherits it anyway, never for a file or the clipboard.
 */
export function agentVariables(
  vault: Vault,
  environment: NodeJS.ProcessEnv,
  withParts: boolean,
): Record<string, string> {
  // A longer secret may hold a shorter one.
  const parts = vault.secrets
    .filter(({ value }) => value.length >= MIN_PART)
    .map(({ value }) => ({ value, dummy: vault.inUse(value)!.dummy }))
    .sort((a, b) => b.value.length - a.value.length);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!value) continue;
    const whole = vault.inUse(value);
    let text = whole ? whole.dummy : value;
    // In a URL or a header, also percent-encoded.
    if (!whole && withParts)
      for (const part of parts)
        for (const form of new Set([part.value, encodeURIComponent(part.value)]))
          text = text.replaceAll(form, part.dummy);
    if (text !== value) env[name] = text;
  }
  return env;
}

export function environmentValues(vault: Vault, environment: NodeJS.ProcessEnv): EnvironmentValue[] {
  const swapped = agentVariables(vault, environment, true);
  return Object.entries(environment).flatMap(([name, value]): EnvironmentValue[] => {
    if (name in swapped)
      return [{ name, swapped: true, reason: 'agents get its dummy, which the proxy puts back where it is bound' }];
    if (!value || vault.holdsDummy(value)) return [];
    const found = classify(name, value, { tracked: false, doubt: undefined });
    // By its shape or its provider, or as a part of a URL: a name alone says too little here.
    const known = found && (found.provider !== undefined || found.from > 0);
    return known ? [{ name, swapped: false, reason: found.reason }] : [];
  });
}

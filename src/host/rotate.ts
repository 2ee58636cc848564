// Rotation: a new value takes the place of an old one behind the same dummy, so that no file changes. The old value stays in
// the vault as revoked: looked for and redacted, with no host and a dummy that was never in a file, so never injected.
import { randomBytes } from 'node:crypto';
import { makeDummy } from '../core/env/dummy';
import { type EnvEntry, encodeBinary, scanEnv } from '../core/env/scan';
import { restoreBytes } from '../core/env/splice';
import { readIfThere } from '../files/atomicFile';
import type { RotateReport } from './api';
import { type RestoreDeps, settle } from './restore';
import { placeOf } from './stores';
import { type Vault, type VaultFile, type VaultPair, type VaultSecret, sha256 } from './vault';

/** Shorter values would turn up by chance in what is searched (secrets.md). */
const MIN_BYTES = 12;

export type RotateErrorReason = 'unknown-name' | 'unusable-value' | 'known-value' | 'unreadable-place';

export class RotateError extends Error {
  constructor(
    readonly reason: RotateErrorReason,
    message: string,
  ) {
    super(message);
    this.name = 'RotateError';
  }
}

type Deps = Pick<RestoreDeps, 'folder' | 'vault'>;

/** It goes on working; it is shown until it is rotated. */
export async function markForRotation({ folder, vault }: Deps, name: string, reason: string, now: Date): Promise<void> {
  await vault.exclusively('mark', async () => {
    await settle({ folder, vault });
    await vault.store([{ ...find(vault, name), marked: { since: now.toISOString(), reason } }]);
  });
}

/** In one step. Rejects with `RotateError`; then nothing has changed. `reason`: default: the one it was marked with. */
export async function rotateSecret(
  { folder, vault }: Deps,
  name: string,
  value: string,
  reason: string | undefined,
  now: Date,
): Promise<RotateReport> {
  return vault.exclusively('rotate', async () => {
    await settle({ folder, vault });
    const { marked, ...secret } = find(vault, name);
    check(vault, secret, value);
    const files = await Promise.all(vault.files.map((file) => rotateFile(folder, file, secret, value)));
    const revoked: VaultSecret = {
      name: vault.freeName(`${name} (revoked)`),
      value: secret.value,
      dummy: freshDummy(vault, secret.value),
      provider: secret.provider,
      hosts: [],
      in: [],
      fromEnvironment: false,
      revoked: { of: name, since: now.toISOString(), reason: reason ?? marked?.reason ?? 'rotated' },
    };
    const secrets = vault.secrets.map((other) => (other.name === name ? { ...secret, value } : other));
    await vault.replace([...secrets, revoked], files);
    const holds = ({ pairs }: VaultFile) => pairs.some(({ dummy }) => dummy === secret.dummy);
    return { name, revoked: revoked.name, files: [...new Set(files.filter(holds).map(({ file }) => file))] };
  });
}

function find(vault: Vault, name: string): VaultSecret {
  const secret = vault.secrets.find((other) => other.name === name && other.revoked === undefined);
  if (secret) return secret;
  const names = vault.secrets.filter(({ revoked }) => revoked === undefined).map((other) => other.name);
  throw new RotateError(
    'unknown-name',
    `No secret of this folder has the name ${name}. Nothing was changed; ${names.length > 0 ? `these are there: ${names.join(', ')}` : 'none is protected, so change the value in the file itself'}.`,
  );
}

function check(vault: Vault, secret: VaultSecret, value: string): void {
  const unusable =
    Buffer.byteLength(value) < MIN_BYTES
      ? `it is shorter than ${MIN_BYTES} bytes, and would turn up by chance in ordinary text`
      : value.trim() !== value
        ? 'it begins or ends with a space'
        : /[\x00-\x1f\x7f]/.test(value)
          ? 'it holds a line end or a control character'
          : undefined;
  if (unusable !== undefined)
    throw new RotateError(
      'unusable-value',
      `The new value of ${secret.name} cannot be used: ${unusable}. Nothing was changed, and the old one is in use; give the new one again.`,
    );
  if (vault.holdsDummy(value))
    throw new RotateError(
      'known-value',
      `What was given for ${secret.name} holds a dummy, not a real value. Nothing was changed; take the new value from the provider's page.`,
    );
  const known = vault.byValue(value);
  if (known)
    throw new RotateError(
      'known-value',
      known.name === secret.name
        ? `That is the value that ${secret.name} has. Nothing was changed; make a new one at the provider.`
        : `That is the value of ${known.name} already. Nothing was changed; make a new one at the provider.`,
    );
}

function freshDummy(vault: Vault, value: string): string {
  const made = makeDummy(value, { randomBytes, isTaken: (text) => vault.isKnown(text) });
  return made.ok ? made.value : randomBytes(24).toString('hex');
}

/** The entry of a file with the new value in its spans: what Restore will write. */
async function rotateFile(
  folder: string,
  file: VaultFile,
  { name, value: old, dummy }: VaultSecret,
  value: string,
): Promise<VaultFile> {
  if (!file.pairs.some((pair) => pair.dummy === dummy)) return file;
  const now = await readIfThere(placeOf(folder, file.file));
  const percent = encodeURIComponent(value) !== value && now !== undefined && standsInUrl(scanEnv(now), dummy);
  const pairs = file.pairs.map((pair): VaultPair => {
    if (pair.dummy !== dummy) return pair;
    if (pair.raw === encodeBinary(old))
      return { ...pair, raw: pair.key === undefined && percent ? encodeURIComponent(value) : encodeBinary(value) };
    if (percentDecoded(pair.raw) === old) return { ...pair, raw: encodeURIComponent(value) };
    throw unreadable(name, file.file);
  });
  if (now === undefined) return { ...file, pairs };
  const before = restoreBytes(now, file.pairs).bytes;
  const after = restoreBytes(now, pairs).bytes;
  if (!readsAlike(scanEnv(before), scanEnv(after), old, value)) throw unreadable(name, file.file);
  return { ...file, pairs, ...(sha256(now) === file.after ? { before: sha256(after) } : {}) };
}

const unreadable = (name: string, file: string) =>
  new RotateError(
    'unreadable-place',
    `The new value of ${name} would be read as another one from ${file}, written as the old one is there. Nothing was changed, and the old value is in use; put the dummy in single quotes in that file (in a URL: let it stand alone), then rotate again.`,
  );

const standsInUrl = (entries: readonly EnvEntry[], dummy: string) =>
  entries.some(({ raw }) => raw !== dummy && raw.includes(dummy) && raw.includes('://'));

function percentDecoded(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/** Every reader finds the new value where it found the old one, and everything else as it was. */
function readsAlike(before: readonly EnvEntry[], after: readonly EnvEntry[], old: string, value: string): boolean {
  if (before.length !== after.length) return false;
  const forms = [
    [old, value],
    [encodeURIComponent(old), encodeURIComponent(value)],
    // What needed no escape before may need one now.
    [old, encodeURIComponent(value)],
  ] as const;
  return before.every((entry, i) => {
    const now = after[i]!;
    if (now.key !== entry.key || now.quote !== entry.quote) return false;
    if (now.doubt !== undefined && now.doubt !== entry.doubt) return false;
    return now.value === entry.value || forms.some(([from, to]) => entry.value.split(from).join(to) === now.value);
  });
}

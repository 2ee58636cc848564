// Credentials that the user trusts though they are not managed here: known by salted hashes, never by their text.
import { createHmac } from 'node:crypto';
import type { TrustSettings } from '../core/secrets/types';

/** `credential` in latin1, one char a byte. */
export function credentialHash(salt: string, host: string, credential: string): string {
  return createHmac('sha256', salt).update(`${host}\n${credential}`, 'latin1').digest('hex');
}

export class Trust {
  readonly #hashes: ReadonlySet<string>;

  constructor(private readonly settings: TrustSettings) {
    this.#hashes = new Set(settings.hashes);
  }

  has(host: string, credential: string): boolean {
    if (this.#hashes.size === 0) return false;
    return this.#hashes.has(this.hash(host, credential));
  }

  hash(host: string, credential: string): string {
    return credentialHash(this.settings.salt, host, credential);
  }
}

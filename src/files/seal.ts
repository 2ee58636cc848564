// Sealing of text at rest: AES-256-GCM with a fresh nonce for each text, keys from words by scrypt. Only what Electron's
// BoringSSL has too. What cannot be opened gives undefined: whether the key or the bytes are wrong is the caller's to say.
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What a file may ask of this machine: a hostile one must not take all its memory. */
const MAX_N = 2 ** 20;
const MAX_R = 16;
const MAX_P = 4;

export interface Kdf {
  readonly name: 'scrypt';
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** base64url. */
  readonly salt: string;
}

export const newKey = (): Buffer => randomBytes(KEY_BYTES);

/** `n`: the cost, a power of two; memory is 128 · n · r bytes. */
export const newKdf = (n: number): Kdf => ({
  name: 'scrypt',
  n,
  r: 8,
  p: 1,
  salt: randomBytes(16).toString('base64url'),
});

/** Whether this is a derivation that `deriveKey` takes. */
export function isKdf(value: unknown): value is Kdf {
  const kdf = value as Partial<Kdf> | null | undefined;
  const within = (number: unknown, max: number) =>
    typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= max;
  return (
    kdf?.name === 'scrypt' &&
    within(kdf.n, MAX_N) &&
    within(Math.log2(kdf.n!), 32) &&
    within(kdf.r, MAX_R) &&
    within(kdf.p, MAX_P) &&
    typeof kdf.salt === 'string'
  );
}

export function deriveKey(words: string, { n, r, p, salt }: Kdf): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(
      words.normalize('NFKC'),
      Buffer.from(salt, 'base64url'),
      KEY_BYTES,
      { N: n, r, p, maxmem: 256 * n * r + 2 ** 20 },
      (error, key) => {
        if (error) reject(error);
        else resolve(key);
      },
    );
  });
}

/** base64url of nonce, ciphertext and tag. `context` must be the same when it is opened: it says what the text is. */
export function seal(key: Uint8Array, text: string | Uint8Array, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context));
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
}

/** Undefined when the key is another one, or the text or its context was changed. */
export function unseal(key: Uint8Array, sealed: string, context: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  // Decoding skips what is no base64url: then it is not the text that was written.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed || key.length !== KEY_BYTES)
    return undefined;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

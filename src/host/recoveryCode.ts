// The recovery code of an encrypted vault: 128 random bits in letters and digits that a person can write down and type, with a
// check that tells a slip of the pen from the code of another vault. It is never stored, logged or taken from an argument.
import { createHash, randomBytes } from 'node:crypto';

/** Crockford's base32: without I, L, O and U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_BYTES = 16;
const CHECK_BITS = 12;
const CODE_CHARS = (CODE_BYTES * 8 + CHECK_BITS) / 5;

/** `XXXX-XXXX-…`, seven groups of four. */
export function makeRecoveryCode(): string {
  return grouped(encode(randomBytes(CODE_BYTES)));
}

/** The one way of writing the code that was typed, or undefined where it is mistyped: not a code at all. */
export function readRecoveryCode(typed: string): string | undefined {
  const chars = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  if (chars.length !== CODE_CHARS) return undefined;
  let bits = 0n;
  for (const char of chars) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    bits = (bits << 5n) | BigInt(digit);
  }
  const bytes = Buffer.from((bits >> BigInt(CHECK_BITS)).toString(16).padStart(CODE_BYTES * 2, '0'), 'hex');
  return encode(bytes) === chars ? grouped(chars) : undefined;
}

function encode(bytes: Uint8Array): string {
  const check = createHash('sha256').update('sandbox-agent recovery code').update(bytes).digest().readUInt16BE(0) >> 4;
  let bits = (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) << BigInt(CHECK_BITS)) | BigInt(check);
  let out = '';
  for (let i = 0; i < CODE_CHARS; i++) {
    out = ALPHABET[Number(bits & 31n)]! + out;
    bits >>= 5n;
  }
  return out;
}

const grouped = (chars: string) => chars.replace(/.{4}(?=.)/g, '$&-');

// Formats with an inner structure that clients check: tokens with a checksum, JWTs. Each says where that is written.
import { BASE62, BASE64URL, HEX, type RandomBytes, type Recipe, pick, utf8Length } from './dummyText';

/** A recipe where the value has such a format. */
export function checkedRecipe(value: string): Recipe | undefined {
  const token = /^((?:gh[pousr]|npm)_)([A-Za-z0-9]{30})[A-Za-z0-9]{6}$/.exec(value);
  if (token?.[1] !== undefined) return base62Token(token[1], token[2] ?? '');
  const grafana = /^(glsa_)([A-Za-z0-9]{32})_[0-9a-f]{8}$/.exec(value);
  if (grafana?.[1] !== undefined) return grafanaToken(grafana[1], grafana[2] ?? '');
  if (/^AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}$/.test(value)) return ageKey(value);
  return jwt(value);
}

/**
 * 30 random characters and their checksum, as in GitHub's classic tokens ("Behind GitHub's new authentication token
 * formats", 2021) and in npm's, which took the format over. How the fine-grained ones are checked is not published.
 */
function base62Token(prefix: string, secret: string): Recipe {
  return {
    bits: 30 * Math.log2(62),
    secret: [secret],
    make(random) {
      const body = pick(BASE62, 30, random);
      return prefix + body + tokenChecksum(body);
    },
  };
}

/** CRC-32 of the characters in 6 digits of base 62. */
export function tokenChecksum(body: string): string {
  let out = '';
  for (let rest = crc32(body); rest > 0; rest = Math.floor(rest / 62)) out = BASE62[rest % 62]! + out;
  return out.padStart(6, '0');
}

/** Service account tokens (grafana/grafana, satokengen): CRC-32 of all before it, little-endian, in hex. */
function grafanaToken(prefix: string, secret: string): Recipe {
  return {
    bits: 32 * Math.log2(62),
    secret: [secret],
    make(random) {
      const body = prefix + pick(BASE62, 32, random);
      return `${body}_${grafanaChecksum(body)}`;
    },
  };
}

export function grafanaChecksum(body: string): string {
  const crc = crc32(body);
  return [0, 8, 16, 24].map((shift) => ((crc >>> shift) & 0xff).toString(16).padStart(2, '0')).join('');
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** Identities of age: 32 bytes in Bech32 (BIP 173), in upper case. Its tools check the checksum and the bits left over. */
function ageKey(value: string): Recipe {
  const prefix = 'age-secret-key-';
  return {
    bits: 256,
    secret: [value.slice(prefix.length + 1)],
    make(random) {
      const data = pick(BECH32, 51, random) + pick('qs', 1, random);
      return `${prefix}1${data}${bech32Checksum(prefix, data)}`.toUpperCase();
    },
  };
}

/** BIP 173, for lower case. */
export function bech32Checksum(prefix: string, data: string): string {
  const codes = Array.from(prefix, (char) => char.charCodeAt(0));
  const symbols = Array.from(data, (char) => BECH32.indexOf(char));
  const values = [
    ...codes.map((code) => code >> 5),
    0,
    ...codes.map((code) => code & 31),
    ...symbols,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  let state = 1;
  for (const value of values) {
    const top = state >>> 25;
    state = ((state & 0x1ffffff) << 5) ^ value;
    for (const [i, generator] of [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].entries())
      if ((top >> i) & 1) state ^= generator;
  }
  state ^= 1;
  return [25, 20, 15, 10, 5, 0].map((shift) => BECH32[(state >>> shift) & 31] ?? '').join('');
}

/** CRC-32 of ISO 3309, over ASCII. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Claims that clients read before they send a token, and that are no secret: when it ends, whom it is for, which role. */
const KEPT_CLAIMS = ['exp', 'iat', 'nbf', 'iss', 'aud', 'role', 'typ'];

/** RFC 7519. Header kept, the payload a JSON object of the same length, the signature random. Decodes, verifies nowhere. */
function jwt(value: string): Recipe | undefined {
  const [, header, payload, signature] =
    /^(ey[I-L][A-Za-z0-9_-]+)\.(ey[I-L][A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{11,})$/.exec(value) ?? [];
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  if (payload.length % 4 === 1 || signature.length % 4 === 1) return undefined;
  const claims = decodeObject(payload);
  if (!claims || !decodeObject(header)) return undefined;
  const length = Math.floor((payload.length * 3) / 4);
  const kept = Object.fromEntries(KEPT_CLAIMS.flatMap((name) => (name in claims ? [[name, claims[name]]] : [])));
  const frame = [kept, {}]
    .map((object) => JSON.stringify({ ...object, d: '' }))
    .find((text) => utf8Length(text) <= length);
  if (frame === undefined) return undefined;
  // What is left over in the last character of base64 must be zero: strict decoders look.
  const spare = { 0: 1, 2: 16, 3: 4 }[signature.length % 4] ?? 1;
  const last = Array.from(BASE64URL)
    .filter((_, index) => index % spare === 0)
    .join('');
  return {
    bits: (signature.length - 1) * Math.log2(62),
    secret: [signature],
    make(random) {
      const filler = pick(BASE62, length - utf8Length(frame), random);
      const body = encodeBase64Url(`${frame.slice(0, -2)}${filler}"}`);
      return `${header}.${body}.${pick(BASE62, signature.length - 1, random)}${pick(last, 1, random)}`;
    },
  };
}

function decodeObject(base64url: string): Record<string, unknown> | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    );
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

function encodeBase64Url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Hex of as many digits, for ids of keys. */
export const randomHex = (count: number, random: RandomBytes) => pick(HEX, count, random);

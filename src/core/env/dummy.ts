// Dummies: what stands in for a secret. Same UTF-8 length, same prefix, same kind of characters, valid where a client checks
// (checksum, JWT, UUID), unpredictable, and made of characters that no URL, JSON or header encoding changes. A value whose
// dummy could be guessed gets none. No reason given here holds the value.
import { type Result, err, ok } from '../base/result';

export interface DummyOptions {
  readonly randomBytes: (count: number) => Uint8Array;
  /** Whether a text is a dummy or a secret already. */
  readonly isTaken: (text: string) => boolean;
}

type RandomBytes = DummyOptions['randomBytes'];

/** How to make dummies for one value, and how many bits of each are random. */
interface Recipe {
  readonly bits: number;
  readonly make: (randomBytes: RandomBytes) => string;
}

/** Below this a dummy could be guessed, or found by chance in ordinary text. */
const MIN_RANDOM_BITS = 64;
/** No header that servers take is longer. */
const MAX_LENGTH = 16_384;
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const KINDS = [
  { chars: LOWER, test: /[a-z]/ },
  { chars: UPPER, test: /[A-Z]/ },
  { chars: DIGITS, test: /\d/ },
];
const HEX = `${DIGITS}abcdef`;
const BASE62 = DIGITS + UPPER + LOWER;
const BASE64URL = `${UPPER}${LOWER}${DIGITS}-_`;
const BASE32 = `${UPPER}234567`;
/** Prefixes that clients look at: they stay. */
const PREFIX =
  /^(?:sk-ant-(?:api|admin|oat|ort)\d\d-|sk-(?:proj|svcacct|admin|or-v1|or)-|sk-|[sr]k_(?:live|test)_|pk_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|xox[abpre]-|xapp-\d-|AIza|AQ\.Ab|hf_|npm_|gsk_|xai-|pplx-|csk-|fw_|fc-|pcsk_|SG\.|lin_api_|ntn_|secret_|sntry[su]_|r8_|tvly-(?:dev-|prod-)?|do[opr]_v1_|re_|AKIA|ASIA|whsec_|key-|pat|BSA|figd_|nfp_|HRKU-|pypi-AgE|sb_secret_|sbp_|lsv2_(?:pt|sk)_|dckr_pat_|dapi|glsa_|shp(?:at|ca|pa|ss)_|ATATT3)/;
/** A prefix that we do not know, in the form that most vendors give theirs. */
const UNKNOWN_PREFIX = /^[A-Za-z]{2,10}_(?:(?:live|test|prod|dev|sandbox|pat|sk|secret|key)_)*(?=[A-Za-z0-9]{20,}$)/;

/** A dummy for a value, or why there is none. */
export function makeDummy(value: string, { randomBytes, isTaken }: DummyOptions): Result<string, string> {
  const recipe = recipeFor(value);
  if (!recipe.ok) return recipe;
  for (let attempt = 0; attempt < 16; attempt++) {
    const dummy = recipe.value.make(randomBytes);
    if (dummy !== value && !isTaken(dummy)) return ok(dummy);
  }
  return err('no dummy could be made that is not in use already');
}

/** Why a value can get no dummy; undefined when it can. */
export function dummyRefusal(value: string): string | undefined {
  const recipe = recipeFor(value);
  return recipe.ok ? undefined : recipe.error;
}

function recipeFor(value: string): Result<Recipe, string> {
  if (value.length > MAX_LENGTH) return err('it is too long for a credential');
  if (/[\r\n]/.test(value)) return err('values of several lines (keys in PEM, JSON) are not swapped by this version');

  if (/[\0-\x1f\x7f]/.test(value)) return err('the value holds control characters');
  if (/[\ufffd\ud800-\udfff]/.test(value.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '')))
    return err('the value is not valid UTF-8');
  const recipe = special(value) ?? segments(value);
  if (recipe.bits < MIN_RANDOM_BITS)
    return err('it is too short: a dummy with fewer than 64 random bits could be guessed');
  return ok(recipe);
}

/** Formats with an inner structure that clients check. */
function special(value: string): Recipe | undefined {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value))
    return { bits: 122, make: (random) => uuid(/[A-F]/.test(value), random) };
  if (/^(?:gh[pousr]|npm)_[A-Za-z0-9]{36}$/.test(value))
    return { bits: 30 * Math.log2(62), make: (random) => checkedToken(value.slice(0, 4), random) };
  if (/^(?:AKIA|ASIA)[A-Z2-7]{16}$/.test(value))
    return { bits: 80, make: (random) => value.slice(0, 4) + pick(BASE32, 16, random) };
  return jwt(value);
}

/**
 * Each run between `.`, `_`, `~` and `-` by random characters of the kinds that it holds. Anything that an encoding would
 * change (`+`, `/`, `=`, `@`, `%`, non-ASCII) becomes one such character a byte.
 */
function segments(value: string): Recipe {
  const prefix = PREFIX.exec(value)?.[0] ?? UNKNOWN_PREFIX.exec(value)?.[0] ?? '';
  // Anthropic's keys end so, and tools look for it.
  const suffix = prefix.startsWith('sk-ant-') && value.endsWith('AA') ? 'AA' : '';
  const rest = value.slice(prefix.length, value.length - suffix.length);
  const parts = rest.split(/([._~-])/).map((text, index) => (index % 2 === 1 ? text : segment(text)));
  return {
    bits: parts.reduce((sum, part) => sum + (typeof part === 'string' ? 0 : part.bits), 0),
    make: (random) =>
      prefix + parts.map((part) => (typeof part === 'string' ? part : part.make(random))).join('') + suffix,
  };
}

function segment(text: string): Recipe {
  const length = new TextEncoder().encode(text).length;
  const kinds = KINDS.filter(({ test }) => test.test(text));
  const hex = length >= 16 && /^(?=.*\d)(?:[0-9a-f]+|[0-9A-F]+)$/.test(text) && kinds.length > 1;
  const all = kinds.map(({ chars }) => chars).join('') || BASE62;
  const alphabet = hex ? (/[A-F]/.test(text) ? HEX.toUpperCase() : HEX) : all;
  const hasAll = (made: string) => kinds.every(({ test }) => test.test(made));
  return {
    bits: length * Math.log2(alphabet.length),
    make(random) {
      let made = pick(alphabet, length, random);
      // A validator may ask for a digit or a capital: all kinds of the original, if that comes about in a few tries.
      for (let attempt = 0; attempt < 8 && !hasAll(made); attempt++) made = pick(alphabet, length, random);
      return made;
    },
  };
}

/** Unbiased: a byte beyond the largest multiple of the alphabet is thrown away. Throws when nothing else ever comes. */
function pick(alphabet: string, count: number, randomBytes: RandomBytes): string {
  const limit = 256 - (256 % alphabet.length);
  let out = '';
  for (let round = 0; out.length < count; round++) {
    if (round > 1000) throw new Error('the source of randomness gives nothing usable');
    for (const byte of randomBytes(count - out.length + 8))
      if (byte < limit && out.length < count) out += alphabet[byte % alphabet.length]!;
  }
  return out;
}

function uuid(upper: boolean, random: RandomBytes): string {
  const hex = pick(HEX, 32, random);
  const variant = pick('89ab', 1, random);
  const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  return upper ? text.toUpperCase() : text;
}

/** Claims that clients read before they send a token, and that are no secret: when it ends, whom it is for, which role. */
const KEPT_CLAIMS = ['exp', 'iat', 'nbf', 'iss', 'aud', 'role', 'typ'];

/** Header kept, the payload a JSON object of the same length, the signature random. Decodes, and verifies nowhere. */
function jwt(value: string): Recipe | undefined {
  const [, header, payload, signature] =
    /^(ey[I-L][A-Za-z0-9_-]+)\.(ey[I-L][A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{11,})$/.exec(value) ?? [];
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  if (payload.length % 4 === 1 || signature.length % 4 === 1) return undefined;
  const claims = decodeObject(payload);
  if (!claims || !decodeObject(header)) return undefined;
  const length = Math.floor((payload.length * 3) / 4);
  const kept = Object.fromEntries(KEPT_CLAIMS.flatMap((name) => (name in claims ? [[name, claims[name]]] : [])));
  const frame = [kept, {}].map((object) => JSON.stringify({ ...object, d: '' })).find((text) => utf8(text) <= length);
  if (frame === undefined) return undefined;
  // What is left over in the last character of base64 must be zero: strict decoders look.
  const spare = { 0: 1, 2: 16, 3: 4 }[signature.length % 4] ?? 1;
  const last = Array.from(BASE64URL)
    .filter((_, index) => index % spare === 0)
    .join('');
  return {
    bits: (signature.length - 1) * Math.log2(62),
    make(random) {
      const filler = pick(BASE62, length - utf8(frame), random);
      const body = encodeBase64Url(`${frame.slice(0, -2)}${filler}"}`);
      return `${header}.${body}.${pick(BASE62, signature.length - 1, random)}${pick(last, 1, random)}`;
    },
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text).length;

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

/**
 * 30 random characters and their checksum, as in GitHub's classic tokens ("Behind GitHub's new authentication token
 * formats", 2021) and in npm's, which took the format over.
 */
function checkedToken(prefix: string, random: RandomBytes): string {
  const body = pick(BASE62, 30, random);
  return prefix + body + tokenChecksum(body);
}

/** CRC-32 of the characters in 6 digits of base 62. */
export function tokenChecksum(body: string): string {
  let out = '';
  for (let rest = crc32(body); rest > 0; rest = Math.floor(rest / 62)) out = BASE62[rest % 62]! + out;
  return out.padStart(6, '0');
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

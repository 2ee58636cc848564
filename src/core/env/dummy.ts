// Dummies: what stands in for a secret. Same UTF-8 length, same prefix, same kind of characters, valid where a client checks
// (checksum, JWT, UUID), unpredictable, and made of characters that no URL, JSON or header encoding changes.
import { type Result, err, ok } from '../base/result';

export interface DummyOptions {
  readonly randomBytes: (count: number) => Uint8Array;
  /** Whether a text is a dummy or a secret already. */
  readonly isTaken: (text: string) => boolean;
}

/** Below this a dummy could be guessed, or found by chance in ordinary text. */
const MIN_RANDOM_BITS = 64;
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const BASE62 = DIGITS + UPPER + LOWER;
const BASE32 = `${UPPER}234567`;
/** Prefixes that clients look at: they stay. */
const PREFIX =
  /^(?:sk-ant-(?:api|admin|oat|ort)\d\d-|sk-(?:proj|svcacct|admin|or-v1|or)-|sk-|[sr]k_(?:live|test)_|pk_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|xox[abpre]-|xapp-\d-|AIza|hf_|npm_|gsk_|xai-|pplx-|SG\.|lin_api_|ntn_|secret_|sntry[su]_|r8_|tvly-(?:dev-|prod-)?|do[opr]_v1_|re_|AKIA|ASIA|whsec_|key-|pat[A-Za-z0-9]{14}\.)/;

/** A dummy for a value, or why there is none. The reason never holds the value. */
export function makeDummy(value: string, options: DummyOptions): Result<string, string> {
  if (/[\r\n]/.test(value)) return err('values of several lines (keys in PEM, JSON) are not swapped by this version');
  if (/[\0-\x1f\x7f]/.test(value)) return err('the value holds control characters');
  for (let attempt = 0; attempt < 16; attempt++) {
    const made = shaped(value, options);
    if (!made.ok) return made;
    if (made.value !== value && !options.isTaken(made.value)) return made;
  }
  return err('no dummy could be made that is not in use already');
}

function shaped(value: string, options: DummyOptions): Result<string, string> {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value)) return ok(uuid(value, options));
  const jwt = /^(eyJ[A-Za-z0-9_-]+)\.(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/.exec(value);
  if (jwt) return jwtLike(jwt, options);
  const github = /^(gh[pousr]_)[A-Za-z0-9]{36}$/.exec(value);
  if (github) return ok(githubToken(github[1]!, options));
  if (/^(?:AKIA|ASIA)[A-Z2-7]{16}$/.test(value)) return ok(value.slice(0, 4) + pick(BASE32, 16, options));
  if (/^[0-9a-f]+$/.test(value)) return alphabet('', value, () => '0123456789abcdef', options);
  if (/^[0-9A-F]+$/.test(value)) return alphabet('', value, () => '0123456789ABCDEF', options);
  const prefix = PREFIX.exec(value)?.[0] ?? '';
  return alphabet(prefix, value.slice(prefix.length), classOf, options);
}

/** Each character by one of its own class; others stay where no encoding changes them, else a letter of one byte each. */
function alphabet(
  prefix: string,
  rest: string,
  of: (char: string) => string | undefined,
  options: DummyOptions,
): Result<string, string> {
  let out = '';
  let bits = 0;
  for (const char of rest) {
    const set = of(char);
    if (set !== undefined) {
      out += pick(set, 1, options);
      bits += Math.log2(set.length);
    } else if (/[._~-]/.test(char)) out += char;
    else {
      // `+`, `/`, `=`, `@`, `%`, non-ASCII: an encoding would change them. Letters of the same number of bytes instead.
      const bytes = new TextEncoder().encode(char).length;
      out += pick(BASE62, bytes, options);
      bits += bytes * Math.log2(62);
    }
  }
  if (bits < MIN_RANDOM_BITS) return err('it is too short: a dummy with fewer than 64 random bits could be guessed');
  return ok(prefix + out);
}

function classOf(char: string): string | undefined {
  if (/[a-z]/.test(char)) return LOWER;
  if (/[A-Z]/.test(char)) return UPPER;
  return /\d/.test(char) ? DIGITS : undefined;
}

/** Unbiased: a byte beyond the largest multiple of the alphabet is thrown away. */
function pick(alphabetText: string, count: number, { randomBytes }: DummyOptions): string {
  const limit = 256 - (256 % alphabetText.length);
  let out = '';
  while (out.length < count) {
    for (const byte of randomBytes(count - out.length + 8)) {
      if (byte < limit && out.length < count) out += alphabetText[byte % alphabetText.length]!;
    }
  }
  return out;
}

function uuid(value: string, options: DummyOptions): string {
  const upper = /[A-F]/.test(value);
  const hex = pick('0123456789abcdef', 32, options);
  const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${pick('89ab', 1, options)}${hex.slice(17, 20)}-${hex.slice(20)}`;
  return upper ? text.toUpperCase() : text;
}

/** Header kept; the payload a JSON object of the same length; the signature random. Decodes, verifies nowhere. */
function jwtLike([, header, payload, signature]: RegExpExecArray, options: DummyOptions): Result<string, string> {
  const bytes = Math.floor((payload!.length * 3) / 4);
  const frame = '{"d":""}';
  if (bytes < frame.length + 12) return err('it is a token with a payload too short for a dummy');
  const body = btoa(`{"d":"${pick(BASE62, bytes - frame.length, options)}"}`)
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
  if (body.length !== payload!.length) return err('it is a token whose payload has no dummy of the same length');
  return ok(`${header!}.${body}.${pick(BASE62, signature!.length, options)}`);
}

/** 30 random characters and 6 of a CRC-32 over them in base 62, as GitHub describes its token format (2021). */
function githubToken(prefix: string, options: DummyOptions): string {
  const body = pick(BASE62, 30, options);
  return prefix + body + base62(crc32(body)).padStart(6, '0');
}

/** The checksum of a GitHub token's 30 characters, 6 of base 62. */
export function githubChecksum(body: string): string {
  return base62(crc32(body)).padStart(6, '0');
}

function base62(number: number): string {
  let out = '';
  for (let rest = number; rest > 0; rest = Math.floor(rest / 62)) out = BASE62[rest % 62]! + out;
  return out;
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

// Takes escapes out of a byte stream: percent, JSON and JavaScript backslashes, HTML entities, all in one pass, so that a text in
// which only some characters are escaped, or each in another way, reads as what it says. What is no escape passes unchanged.
// Quoted-printable (RFC 2045, 6.7) has a reader of its own: its `=` means something else everywhere else.

/** What an escape says, and how long it is. Length 0: no escape. Length -1: the bytes end before it does. */
export interface Escape {
  code: number;
  length: number;
  kind: EscapeKind;
}
export type EscapeKind = 'percent' | 'json' | 'html';

const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const AMPERSAND = 0x26;
const HASH = 0x23;
const SEMICOLON = 0x3b;
const NO_DIGIT = 0xff;
/** Values of hexadecimal digits. */
const DIGITS = new Uint8Array(256).fill(NO_DIGIT);
for (let i = 0; i < 16; i++) {
  DIGITS['0123456789abcdef'.charCodeAt(i)] = i;
  DIGITS['0123456789ABCDEF'.charCodeAt(i)] = i;
}
/** By the character behind the backslash. */
const SHORT = new Map(
  Object.entries({ n: 10, r: 13, t: 9, b: 8, f: 12, '/': 0x2f, '\\': BACKSLASH, '"': 0x22, "'": 0x27, '`': 0x60 }).map(
    ([char, code]) => [char.charCodeAt(0), code],
  ),
);
const NAMED = Object.entries({
  'amp;': 0x26,
  'lt;': 0x3c,
  'gt;': 0x3e,
  'quot;': 0x22,
  'apos;': 0x27,
  'nbsp;': 0x20,
}).map(([name, code]) => [new TextEncoder().encode(name), code] as const);
const NAMED_FROM = new Uint8Array(256);
for (const [name] of NAMED) NAMED_FROM[name[0]!] = 1;
export const isEscapeByte = (byte: number) => byte === PERCENT || byte === BACKSLASH || byte === AMPERSAND;
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) => (isEscapeByte(byte) ? 1 : 0));

/** `%XX`, `\xXX` and octal digits say a byte; the rest a character. */
export const saysByte = ({ kind, length }: Escape) => kind === 'percent' || (kind === 'json' && length !== 6);

/** Reads the escape at `at` into `into`. */
export function readEscape(bytes: Uint8Array, at: number, into: Escape): void {
  into.length = 0;
  const first = bytes[at]!;
  if (first === PERCENT) {
    into.kind = 'percent';
    digits(bytes, at + 1, 2, 1, into);
  } else if (first === BACKSLASH) {
    into.kind = 'json';
    backslash(bytes, at, into);
  } else if (first === AMPERSAND) {
    into.kind = 'html';
    entity(bytes, at, into);
  }
}

/** `count` hexadecimal digits that follow `before` bytes. */
function digits(bytes: Uint8Array, at: number, count: number, before: number, into: Escape): void {
  let code = 0;
  for (let i = 0; i < count; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) {
      into.length = -1;
      return;
    }
    const digit = DIGITS[byte]!;
    if (digit === NO_DIGIT) return;
    code = code * 16 + digit;
  }
  into.code = code;
  into.length = before + count;
}

function backslash(bytes: Uint8Array, at: number, into: Escape): void {
  const next = bytes[at + 1];
  if (next === undefined) {
    into.length = -1;
    return;
  }
  if (next === 0x75) digits(bytes, at + 2, 4, 2, into);
  else if (next === 0x78) digits(bytes, at + 2, 2, 2, into);
  else if (next >= 0x30 && next <= 0x33) octal(bytes, at, into);
  else {
    // Before anything else a backslash is only itself.
    const code = SHORT.get(next);
    if (code === undefined) return;
    into.code = code;
    into.length = 2;
  }
}

function octal(bytes: Uint8Array, at: number, into: Escape): void {
  let code = 0;
  for (let i = 1; i <= 3; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) {
      into.length = -1;
      return;
    }
    if (byte < 0x30 || byte > 0x37) return;
    code = code * 8 + byte - 0x30;
  }
  into.code = code;
  into.length = 4;
}

function entity(bytes: Uint8Array, at: number, into: Escape): void {
  if (bytes[at + 1] !== HASH) {
    named(bytes, at, into);
    return;
  }
  const hex = (bytes[at + 2]! | 0x20) === 0x78;
  const base = hex ? 16 : 10;
  const from = at + (hex ? 3 : 2);
  let code = 0;
  let i = from;
  for (; i < from + 7; i++) {
    const digit = DIGITS[bytes[i] ?? 0]!;
    if (digit >= base) break;
    code = code * base + digit;
  }
  if (i >= bytes.length && i < from + 7) {
    into.length = -1;
    return;
  }
  if (i === from || code > 0x10ffff) return;
  into.code = code;
  // Browsers do without the semicolon.
  into.length = i - at + (bytes[i] === SEMICOLON ? 1 : 0);
}

function named(bytes: Uint8Array, at: number, into: Escape): void {
  const letter = bytes[at + 1];
  if (letter !== undefined && NAMED_FROM[letter] === 0) return;
  for (const [name, code] of NAMED) {
    let i = 0;
    while (i < name.length && bytes[at + 1 + i] === name[i]) i++;
    if (i === name.length) {
      into.code = code;
      into.length = 1 + i;
      return;
    }
    if (at + 1 + i >= bytes.length) into.length = -1;
  }
}

/** One stream. What it gives is valid until the next call. */
export interface Unescaper {
  push(bytes: Uint8Array): Uint8Array;
  /** What was held back: an escape that did not come to its end. */
  end(): Uint8Array;
}

/** For all kinds of escapes, or for one. */
export function createUnescaper(only?: EscapeKind): Unescaper {
  return new EscapeReader(only);
}

const NOTHING = new Uint8Array(0);

class EscapeReader implements Unescaper {
  #held: Uint8Array = NOTHING;
  #out: Uint8Array = NOTHING;
  /** The first half of a pair of UTF-16. */
  #high = 0;
  readonly #escape: Escape = { code: 0, length: 0, kind: 'json' };

  constructor(private readonly only: EscapeKind | undefined) {}

  push(bytes: Uint8Array): Uint8Array {
    return this.#take(bytes, false);
  }

  end(): Uint8Array {
    const out = this.#take(NOTHING, true);
    this.#high = 0;
    return out;
  }

  #take(chunk: Uint8Array, final: boolean): Uint8Array {
    const bytes = join(this.#held, chunk);
    this.#held = NOTHING;
    if (this.#out.length < bytes.length) this.#out = new Uint8Array(Math.max(256, 2 * bytes.length));
    const out = this.#out;
    const escape = this.#escape;
    let length = 0;
    let at = 0;
    while (at < bytes.length) {
      const byte = bytes[at]!;
      if (ESCAPES[byte] === 0) {
        out[length++] = byte;
        at++;
        continue;
      }
      readEscape(bytes, at, escape);
      if (escape.length < 0 && !final) {
        this.#held = bytes.slice(at);
        break;
      }
      if (escape.length <= 0 || (this.only ?? escape.kind) !== escape.kind) {
        out[length++] = byte;
        at++;
        continue;
      }
      at += escape.length;
      length = this.#write(out, length, escape);
    }
    return out.subarray(0, length);
  }

  /** No escape is shorter than the UTF-8 of what it says. */
  #write(out: Uint8Array, at: number, escape: Escape): number {
    const { code, kind } = escape;
    if (saysByte(escape)) {
      out[at] = code;
      return at + 1;
    }
    const unit = kind === 'json';
    if (unit && code >= 0xd800 && code < 0xdc00) {
      this.#high = code;
      return at;
    }
    const low = unit && this.#high > 0 && code >= 0xdc00 && code < 0xe000;
    const point = low ? 0x10000 + ((this.#high - 0xd800) << 10) + (code - 0xdc00) : code;
    this.#high = 0;
    return writeUtf8(out, at, point);
  }
}

function writeUtf8(out: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    out[at] = point;
    return at + 1;
  }
  if (point < 0x800) {
    out[at] = 0xc0 | (point >> 6);
    out[at + 1] = 0x80 | (point & 0x3f);
    return at + 2;
  }
  if (point < 0x10000) {
    out[at] = 0xe0 | (point >> 12);
    out[at + 1] = 0x80 | ((point >> 6) & 0x3f);
    out[at + 2] = 0x80 | (point & 0x3f);
    return at + 3;
  }
  out[at] = 0xf0 | (point >> 18);
  out[at + 1] = 0x80 | ((point >> 12) & 0x3f);
  out[at + 2] = 0x80 | ((point >> 6) & 0x3f);
  out[at + 3] = 0x80 | (point & 0x3f);
  return at + 4;
}

export function createQuotedPrintable(): Unescaper {
  return new QuotedPrintableReader();
}

const EQUALS = 0x3d;
/** Spaces at the end of a line are no part of the text; so many are waited for. */
const LONGEST_BREAK = 80;

class QuotedPrintableReader implements Unescaper {
  #held: Uint8Array = NOTHING;

  push(bytes: Uint8Array): Uint8Array {
    return this.#take(bytes, false);
  }

  end(): Uint8Array {
    return this.#take(NOTHING, true);
  }

  #take(chunk: Uint8Array, final: boolean): Uint8Array {
    const bytes = join(this.#held, chunk);
    this.#held = NOTHING;
    const out = new Uint8Array(bytes.length);
    let length = 0;
    for (let at = 0; at < bytes.length;) {
      const byte = bytes[at]!;
      if (byte !== EQUALS) {
        out[length++] = byte;
        at++;
        continue;
      }
      const soft = softBreak(bytes, at + 1);
      const high = DIGITS[bytes[at + 1] ?? 0]!;
      const low = DIGITS[bytes[at + 2] ?? 0]!;
      if (soft > 0) at += 1 + soft;
      else if (high !== NO_DIGIT && low !== NO_DIGIT) {
        out[length++] = high * 16 + low;
        at += 3;
      } else if (!final && (soft < 0 || at + 2 >= bytes.length) && bytes.length - at < LONGEST_BREAK) {
        this.#held = bytes.slice(at);
        break;
      } else {
        out[length++] = byte;
        at++;
      }
    }
    return out.subarray(0, length);
  }
}

/** The length of spaces and a line end; 0: something else; -1: the bytes end before it is clear. */
function softBreak(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d) at++;
  if (at >= bytes.length) return -1;
  return bytes[at] === 0x0a ? at + 1 - from : 0;
}

function join(held: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (held.length === 0) return chunk;
  const out = new Uint8Array(held.length + chunk.length);
  out.set(held);
  out.set(chunk, held.length);
  return out;
}

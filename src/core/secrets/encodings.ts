// The forms in which a text turns up on the wire: percent (up to three times), form, JSON, HTML, hex (also with delimiters),
// base64 and base32 at each of their alignments, reversed. Used to put a value where it belongs and to find it where it does
// not. Works on UTF-8 as latin1 (one char a byte).

/** The UTF-8 bytes of a text, one char a byte: how header fields are held. Plain ASCII is returned as it is. */
export function toLatin1(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  let out = '';
  for (const byte of new TextEncoder().encode(text)) out += String.fromCharCode(byte);
  return out;
}

/** RFC 3986, 2.1: everything but unreserved characters, and those of `keep`. */
export function percentEncode(text: string, keep = ''): string {
  return percentWith(toLatin1(text), keep, ESCAPED);
}

const hexPair = (code: number) => code.toString(16).padStart(2, '0');
/** By byte. */
const PAIRS = Array.from({ length: 256 }, (_, code) => hexPair(code));
const ESCAPED = PAIRS.map((pair) => `%${pair.toUpperCase()}`);
const ESCAPED_LOWER = PAIRS.map((pair) => `%${pair}`);
const UNRESERVED = Uint8Array.from({ length: 256 }, (_, code) =>
  /[A-Za-z0-9._~-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

function percentWith(latin1: string, keep: string, escapes: readonly string[]): string {
  let out = '';
  for (let i = 0; i < latin1.length; i++) {
    const code = latin1.charCodeAt(i);
    out += UNRESERVED[code] === 1 || keep.includes(latin1[i]!) ? latin1[i]! : escapes[code]!;
  }
  return out;
}

/** One round; what is no escape stays. */
export function percentDecode(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** Undefined for what is not base64; the URL alphabet is taken too, as servers do. */
export function decodeBase64(text: string): string | undefined {
  try {
    return atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return undefined;
  }
}

/** User and password of Basic credentials (RFC 7617): the user ends at the first colon; without one it is all there is. */
export function basicParts(text: string): string[] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** A name or value of a form (WHATWG URL, 5.1). */
export const formDecode = (text: string): string => percentDecode(text.replaceAll('+', ' '));

/** A form of a text: what to look for, what to put for it, and the name of the form (`plain`, `percent`, `hex`, …). */
export type EncodedForm = readonly [find: string, put: string, form: string];

/**
 * The forms of `find`, each with what to put for it: the same form of `put`. The plain form comes first. Forms that are
 * equal are listed once.
 */
export function encodedForms(find: string, put: string): EncodedForm[] {
  const forms = new Map<string, EncodedForm>();
  const all = encodeAll(find);
  const put_ = put === find ? all : encodeAll(put);
  for (const [index, [form, text]] of all.entries()) {
    if (forms.has(text)) continue;
    const stand = put_[index]![1];
    forms.set(text, [text, form === 'html' ? fitEntities(stand, text.length) : stand, form]);
  }
  return [...forms.values()];
}

const json = (text: string) => JSON.stringify(text).slice(1, -1);
const jsonAscii = (text: string, escaped: RegExp) =>
  json(text).replace(escaped, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
const hexPairs = (latin1: string) => Array.from(latin1, (byte) => PAIRS[byte.charCodeAt(0)]!);
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** What encodeURIComponent leaves (ECMA-262, 19.2.6), and what Python's `quote` leaves. */
const LEFT_BY_JS = "!'()*";

/** What is kept, by those who escape once: everybody, JavaScript, Python; forms keep the space, and write `+` for it. */
const KEPT = ['', LEFT_BY_JS, '/', ' '];
/** What tools and people write between the bytes of a hex dump; `\x` and `%` stand before each. */
const HEX_BETWEEN = [':', '-', ' ', ','];
const HEX_BEFORE = ['\\x', '%'];

/** All forms of a text, those of one kind beside each other, in an order that does not depend on the text. */
function encodeAll(text: string): (readonly [form: string, text: string])[] {
  const latin1 = toLatin1(text);
  const pairs = hexPairs(latin1);
  const upper = pairs.map((pair) => pair.toUpperCase());
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(4, '0'));
  const points = Array.from(text, (char) => char.codePointAt(0)!);
  const all: (readonly [string, string])[] = [['plain', text]];
  const add = (form: string, ...texts: string[]) => {
    for (const one of texts) all.push([form, one]);
  };
  for (const escapes of [ESCAPED, ESCAPED_LOWER])
    for (const keep of KEPT) {
      const once = percentWith(latin1, keep, escapes);
      add('percent', keep === ' ' ? once.replaceAll(' ', '+') : once);
    }
  add(
    'json',
    json(text),
    json(text).replaceAll('/', '\\/'),
    // Go's and PHP's habits: markup characters, or everything beyond ASCII, as \u escapes.
    jsonAscii(text, /[<>&]/g),
    jsonAscii(text, /[<>&'\u0080-\uffff]/g),
    ...[units, units.map((unit) => unit.toUpperCase())].map((all_) => all_.map((unit) => `\\u${unit}`).join('')),
  );
  add(
    'html',
    text.replace(/[&<>"']/g, (char) => HTML[char]!),
  );
  add('html', points.map((point) => `&#${point};`).join(''));
  add('html', points.map((point) => `&#x${point.toString(16)};`).join(''));
  add('html', points.map((point) => `&#x${point.toString(16).toUpperCase()};`).join(''));
  for (const digits of [pairs, upper]) {
    add('hex', digits.join(''), ...HEX_BETWEEN.map((mark) => digits.join(mark)));
    add('hex', ...HEX_BEFORE.map((mark) => digits.map((pair) => mark + pair).join('')));
  }
  for (const core of base64Forms(latin1)) add('base64', core);
  for (let offset = 0; offset < 5; offset++)
    for (const atEnd of [true, false]) {
      const core = base32Core(latin1, offset, atEnd);
      add('base32', core, core.toLowerCase());
    }
  add('reversed', Array.from(text).reverse().join(''));
  for (const keep of ['', LEFT_BY_JS])
    for (const escapes of [ESCAPED, ESCAPED_LOWER]) {
      // Once escaped, only the `%` is.
      const twice = percentWith(latin1, keep, escapes).replaceAll('%', '%25');
      add('percent', twice, twice.replaceAll('%', '%25'));
    }
  return all;
}

/** What of its base64 is the same whatever stands around, at each alignment, in both alphabets. */
export function base64Forms(latin1: string): string[] {
  const all: string[] = [];
  for (let offset = 0; offset < 3; offset++) {
    const padded = '\0'.repeat(offset) + latin1;
    const encoded = btoa(padded);
    const bits = padded.length * 8;
    // The last, partly filled character too, as it is when nothing follows; and without it.
    for (const end of [Math.ceil(bits / 6), Math.floor(bits / 6)]) {
      const core = encoded.slice(Math.ceil((offset * 8) / 6), end);
      all.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
    }
  }
  return all;
}

/** RFC 4648, 6 */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * The part of a base32 text that is the same whatever stands around, when `offset` bytes (modulo 5) come before. With `atEnd`,
 * the last, partly filled character too.
 */
function base32Core(latin1: string, offset: number, atEnd: boolean): string {
  let out = '';
  let held = 0;
  let bits = (offset * 8) % 5;
  // Of the first character that is the text's alone, so many bits belong to what stands before.
  const skip = bits === 0 ? 0 : 5 - bits;
  bits = -skip;
  for (const char of latin1) {
    held = ((held << 8) | char.charCodeAt(0)) & 0xffff;
    bits += 8;
    for (; bits >= 5; bits -= 5) out += BASE32[(held >>> (bits - 5)) & 31]!;
  }
  return atEnd && bits > 0 ? out + BASE32[(held << (5 - bits)) & 31]! : out;
}

/**
 * Entities of a stand-in brought to a length, so that what is replaced keeps it: decimal numbers have two digits or three. A
 * number may begin with zeros, and a stand-in's letters and digits need no entity.
 */
function fitEntities(entities: string, length: number): string {
  let out = entities;
  for (let at = 0; out.length > length;) {
    const match = /&#(\d+);/.exec(out.slice(at));
    const char = match && String.fromCodePoint(Number(match[1]));
    if (!match || !char || !/[A-Za-z0-9._~-]/.test(char)) return entities;
    out = out.slice(0, at + match.index) + char + out.slice(at + match.index + match[0].length);
    at += match.index + 1;
  }
  const missing = length - out.length;
  return missing > 0 ? out.replace(/&#(?=\d)/, `&#${'0'.repeat(missing)}`) : out;
}

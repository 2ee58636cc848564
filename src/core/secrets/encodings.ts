// The forms in which a text turns up on the wire: percent, form, JSON, HTML, hex, base64 at each of its three alignments.
// Used to put a value where it belongs and to find it where it does not. Works on UTF-8 as latin1 (one char a byte).

/** The UTF-8 bytes of a text, one char a byte: how header fields are held. Plain ASCII is returned as it is. */
export function toLatin1(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  let out = '';
  for (const byte of new TextEncoder().encode(text)) out += String.fromCharCode(byte);
  return out;
}

/** RFC 3986, 2.1: everything but unreserved characters, and those of `keep`. */
export function percentEncode(text: string, keep = ''): string {
  let out = '';
  for (const char of toLatin1(text))
    out += /[A-Za-z0-9._~-]/.test(char) || keep.includes(char) ? char : escapeByte(char);
  return out;
}

const escapeByte = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** One round; what is no escape stays. */
export function percentDecode(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/**
 * The forms of `find`, each with what to put for it: the same form of `put`. The plain form comes first. Forms that are
 * equal are listed once.
 */
export function encodedForms(find: string, put: string): (readonly [find: string, put: string])[] {
  const forms = new Map<string, string>();
  for (const encode of ENCODINGS) {
    const form = encode(find);
    if (!forms.has(form)) forms.set(form, encode(put));
  }
  return [...forms];
}

const lowerEscapes = (text: string) => text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
const json = (text: string) => JSON.stringify(text).slice(1, -1);
const jsonAscii = (text: string, escaped: RegExp) =>
  json(text).replace(escaped, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
const hex = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('');
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** What encodeURIComponent leaves (ECMA-262, 19.2.6), and what Python's `quote` leaves. */
const LEFT_BY_JS = "!'()*";

const PERCENT: readonly ((text: string) => string)[] = [
  (text) => percentEncode(text),
  (text) => percentEncode(text, LEFT_BY_JS),
  (text) => percentEncode(text, '/'),
  (text) => percentEncode(text, ' ').replaceAll(' ', '+'),
];

const ENCODINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  ...PERCENT,
  ...PERCENT.map((encode) => (text: string) => lowerEscapes(encode(text))),
  json,
  (text) => json(text).replaceAll('/', '\\/'),
  // Go's and PHP's habits: markup characters, or everything beyond ASCII, as \u escapes.
  (text) => jsonAscii(text, /[<>&]/g),
  (text) => jsonAscii(text, /[<>&'\u0080-\uffff]/g),
  (text) => text.replace(/[&<>"']/g, (char) => HTML[char]!),
  hex,
  (text) => hex(text).toUpperCase(),
  ...[0, 1, 2].flatMap((offset) =>
    [true, false].flatMap((atEnd) => [
      (text: string) => base64Core(text, offset, atEnd),
      (text: string) => base64Core(text, offset, atEnd).replaceAll('+', '-').replaceAll('/', '_'),
    ]),
  ),
];

/**
 * The part of a base64 text that is the same whatever stands around, when `offset` bytes (modulo 3) come before. With
 * `atEnd`, the last, partly filled character too, as it is when nothing follows.
 */
function base64Core(text: string, offset: number, atEnd: boolean): string {
  const padded = '\0'.repeat(offset) + toLatin1(text);
  const bits = padded.length * 8;
  return btoa(padded).slice(Math.ceil((offset * 8) / 6), atEnd ? Math.ceil(bits / 6) : Math.floor(bits / 6));
}

// The named values of a request body: JSON strings by their path, fields of a form, parts of a multipart form. Spans are of the
// bytes as they stand, so that one value can be replaced and everything else stays as it is. What does not parse has no values.
import { toBinary } from '../base/bytes';
import { formDecode, percentEncode, toLatin1 } from './encodings';

export interface BodyField {
  /** JSON: names and indexes joined by dots. Form and multipart: the name. */
  readonly name: string;
  /** Span of the value as written; for JSON without the quotes. */
  readonly from: number;
  readonly to: number;
  /** Without escapes; UTF-8 as latin1, one char a byte. */
  readonly value: string;
}

export interface BodyFields {
  readonly fields: readonly BodyField[];
  /** A value as it has to be written here; undefined where it cannot be. Latin1, one char a byte. */
  readonly encode: (value: string) => string | undefined;
}

/** Whether a body of this type has named values. */
export function hasFields(contentType: string | undefined): boolean {
  return kindOf(contentType) !== undefined;
}

/**
 * The fields that have one of these names (latin1, one char a byte); `names` undefined: all of them. Undefined for other types,
 * and for what does not parse.
 */
export function readFields(
  contentType: string | undefined,
  bytes: Uint8Array,
  names?: ReadonlySet<string>,
): BodyFields | undefined {
  const kind = kindOf(contentType);
  if (!kind) return undefined;
  if (kind === 'json') return isJson(bytes) ? { fields: jsonFields(bytes, names), encode: jsonEncode } : undefined;
  const text = toBinary(bytes);
  const wanted = (fields: readonly BodyField[]) => (names ? fields.filter(({ name }) => names.has(name)) : fields);
  switch (kind) {
    case 'form':
      // Under a wrong label: a reader that does not mind it finds other fields.
      if (/^\s*[[{"]/.test(text)) return undefined;
      return { fields: wanted(formFields(text)), encode: (value) => percentEncode(value) };
    case 'multipart': {
      const boundary = boundaryOf(contentType!);
      if (boundary === undefined) return undefined;
      const encode = (value: string) => {
        const raw = toLatin1(value);
        return raw.includes(`--${boundary}`) ? undefined : raw;
      };
      return { fields: wanted(multipartFields(text, boundary)), encode };
    }
  }
}

function kindOf(contentType: string | undefined): 'json' | 'form' | 'multipart' | undefined {
  const type = contentType?.split(';')[0]!.trim().toLowerCase();
  if (type === undefined) return undefined;
  if (type === 'application/json' || type === 'text/json' || /^application\/[\w.+-]+\+json$/.test(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type === 'multipart/form-data' ? 'multipart' : undefined;
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const jsonEncode = (value: string) => toLatin1(JSON.stringify(value).slice(1, -1));

/** One open object or array. */
interface Level {
  readonly array: boolean;
  /** The name, or the index, of what comes next; undefined: a name comes next. */
  key: string | undefined;
}

const MAX_DEPTH = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;

/** Strings that are values, of a text that is valid JSON. On the bytes: a conversation may be megabytes of strings. */
function jsonFields(bytes: Uint8Array, names: ReadonlySet<string> | undefined): BodyField[] {
  // Names of what lies deeper than any that is wanted are not made: a body may be as deep as it is long.
  const deepest = names ? Math.max(0, ...Array.from(names, (name) => name.split('.').length)) : MAX_DEPTH;
  const fields: BodyField[] = [];
  const levels: Level[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    // Letters, digits, white space and colons say nothing about where we are.
    if (byte !== QUOTE && byte !== COMMA && byte < OPEN_ARRAY) continue;
    const level = levels.at(-1);
    switch (byte) {
      case QUOTE: {
        const from = at + 1;
        const to = endOfString(bytes, from);
        at = to;
        if (level && !level.array && level.key === undefined) level.key = unescape(toBinary(bytes.subarray(from, to)));
        else {
          if (levels.length > deepest) break;
          const keys = levels.map(({ key }) => key ?? '');
          // A name that holds a dot is not a path.
          if (keys.some((key) => key.includes('.'))) break;
          const name = keys.join('.');
          if (!names || names.has(name))
            fields.push({ name, from, to, value: unescape(toBinary(bytes.subarray(from, to))) });
        }
        break;
      }
      case OPEN_OBJECT:
        levels.push({ array: false, key: undefined });
        break;
      case OPEN_ARRAY:
        levels.push({ array: true, key: '0' });
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        levels.pop();
        break;
      case COMMA:
        if (level) level.key = level.array ? String(Number(level.key) + 1) : undefined;
    }
  }
  return fields;
}

/** The quote that ends the string whose content begins at `from`: one behind an even number of backslashes. */
function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(QUOTE, from); ; at = bytes.indexOf(QUOTE, at + 1)) {
    let before = at - 1;
    while (before >= from && bytes[before] === BACKSLASH) before--;
    if ((at - 1 - before) % 2 === 0) return at;
  }
}

/** A JSON string literal's content: bytes as latin1 in and out. */
function unescape(inner: string): string {
  if (!inner.includes('\\')) return inner;
  // Bytes above ASCII stay as they are; only what escapes say is brought into UTF-8.
  return inner.replace(/(?:\\u[0-9a-fA-F]{4})+|\\./g, (escape) => toLatin1(JSON.parse(`"${escape}"`) as string));
}

function formFields(text: string): BodyField[] {
  const fields: BodyField[] = [];
  let at = 0;
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    if (equals >= 0)
      fields.push({
        name: formDecode(part.slice(0, equals)),
        from: at + equals + 1,
        to: at + part.length,
        value: formDecode(part.slice(equals + 1)),
      });
    at += part.length + 1;
  }
  return fields;
}

/** RFC 2046, 5.1.1: at most 70 characters. Undefined where another reader could take another one. */
function boundaryOf(contentType: string): string | undefined {
  const match =
    /^multipart\/form-data\s*;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;\s*charset=[\w-]+\s*)?$/i.exec(
      contentType.trim(),
    );
  return match?.[1] ?? match?.[2];
}

/** RFC 7578: parts that are fields, not files, and not in a transfer encoding. */
function multipartFields(text: string, boundary: string): BodyField[] {
  const fields: BodyField[] = [];
  const delimiter = `\r\n--${boundary}`;
  // The first delimiter may begin the body.
  let at = text.startsWith(`--${boundary}`) ? boundary.length + 2 : indexAfter(text, delimiter, 0);
  while (at >= 0 && text.startsWith('\r\n', at)) {
    const head = at + 2;
    const end = text.indexOf('\r\n\r\n', at);
    const next = text.indexOf(delimiter, end < 0 ? at : end + 2);
    if (end < 0 || next < 0) break;
    const lines = text.slice(head, Math.max(head, end));
    // Exactly so, as clients write it: what readers could take in two ways is no field.
    const name = /^content-disposition:[ \t]*form-data;[ \t]*name="([^"\\]*)"[ \t]*$/im.exec(lines)?.[1];
    const file = (lines.match(/^content-disposition:/gim)?.length ?? 0) !== 1 || /^[ \t]/m.test(lines);
    const coded = /^content-transfer-encoding:[ \t]*(?!7bit|8bit|binary)\S/im.test(lines);
    const from = Math.min(end + 4, next);
    if (name !== undefined && !file && !coded) fields.push({ name, from, to: next, value: text.slice(from, next) });
    at = next + delimiter.length;
  }
  return fields;
}

function indexAfter(text: string, part: string, from: number): number {
  const at = text.indexOf(part, from);
  return at < 0 ? -1 : at + part.length;
}

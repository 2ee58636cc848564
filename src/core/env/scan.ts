// A lossless scan of .env files. It works on bytes as a latin1 "binary string" (one char a byte): offsets are byte offsets,
// invalid UTF-8 survives, and what is not swapped stays as it is. Rules of dotenv (quotes, comments, export, multi-line).

export type Quote = '"' | "'" | '`' | '';

export interface EnvEntry {
  readonly key: string;
  /** Byte span of the value inside its quotes. */
  readonly start: number;
  readonly end: number;
  /** The text of that span, as a binary string. */
  readonly raw: string;
  /** What a program reads: escapes of double quotes resolved, decoded as UTF-8. */
  readonly value: string;
  readonly quote: Quote;
  /** From 1. */
  readonly line: number;
  readonly inComment: boolean;
}

const NAME = /^(?:\.env(?:\..+)?|.+\.env|\.envrc|\.dev\.vars(?:\..+)?)$/;
const TEMPLATE = /\.(?:example|sample|template|tmpl|dist|defaults)(?:\.|$)/;

/** Whether a file of this name holds environment variables and is not a template. */
export function isEnvFileName(name: string): boolean {
  return NAME.test(name) && !TEMPLATE.test(name);
}

/** Folders that are never searched. */
export function isSkippedDirectory(name: string): boolean {
  return name === 'node_modules' || name === '.git';
}

export function toBinary(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 8192) out += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return out;
}

export function fromBinary(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A binary string as text; bytes that are not UTF-8 become U+FFFD. */
export function decodeBinary(binary: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(fromBinary(binary));
}

export function encodeBinary(text: string): string {
  return toBinary(new TextEncoder().encode(text));
}

const KEY = '[A-Za-z_][A-Za-z0-9_.-]*';
/** A line that assigns: optional comment mark, optional export, key, `=` (or `: ` as dotenv takes it). */
const ASSIGN = new RegExp(`^([ \\t]*)((?:#[# \\t]*)?)(?:export[ \\t]+)?(${KEY})(?:[ \\t]*=[ \\t]*|:[ \\t]+)`);

/** Every assignment in order, also those in comments. Duplicates are all there. */
export function scanEnv(bytes: Uint8Array): EnvEntry[] {
  const text = toBinary(bytes);
  const entries: EnvEntry[] = [];
  let at = text.startsWith('\xef\xbb\xbf') ? 3 : 0;
  let line = 1;
  while (at < text.length) {
    const eol = endOfLine(text, at);
    const match = ASSIGN.exec(text.slice(at, eol));
    let next = eol;
    if (match) {
      const inComment = match[2] !== '';
      const entry = readValue(text, at + match[0].length, eol, match[3]!, line, inComment);
      entries.push(entry.entry);
      next = Math.max(eol, entry.after);
      next = endOfLine(text, next);
    }
    for (let i = at; i < next; i++) if (text[i] === '\n') line++;
    at = afterEol(text, next);
    if (at > next) line++;
  }
  return entries;
}

function endOfLine(text: string, at: number): number {
  for (let i = at; i < text.length; i++) if (text[i] === '\n' || text[i] === '\r') return i;
  return text.length;
}

function afterEol(text: string, at: number): number {
  if (text[at] === '\r' && text[at + 1] === '\n') return at + 2;
  return at < text.length ? at + 1 : at;
}

function readValue(
  text: string,
  from: number,
  eol: number,
  key: string,
  line: number,
  inComment: boolean,
): { entry: EnvEntry; after: number } {
  const quote = text[from];
  if (quote === '"' || quote === "'" || quote === '`') {
    // A comment ends with its line, whatever its quotes say.
    const close = closing(text, from + 1, quote, inComment ? eol : text.length);
    if (close !== undefined) {
      const raw = text.slice(from + 1, close);
      return {
        entry: { key, start: from + 1, end: close, raw, value: unescape(raw, quote), quote, line, inComment },
        after: close + 1,
      };
    }
  }
  let end = eol;
  const comment = /[ \t]#/.exec(text.slice(from, eol));
  if (comment) end = from + comment.index;
  else if (text[from] === '#') end = from;
  while (end > from && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  const raw = text.slice(from, end);
  return { entry: { key, start: from, end, raw, value: decodeBinary(raw), quote: '', line, inComment }, after: eol };
}

function closing(text: string, from: number, quote: string, limit: number): number | undefined {
  for (let i = from; i < limit; i++) {
    if (text[i] === '\\' && quote === '"') i++;
    else if (text[i] === quote) return i;
  }
  return undefined;
}

/** As dotenv: only double quotes have escapes, and of those `\n` and `\r` (with `\"` and `\\` as other loaders do). */
function unescape(raw: string, quote: Quote): string {
  const text = decodeBinary(raw);
  if (quote !== '"') return text;
  return text.replace(/\\([nrt"\\$])/g, (_, char: string) => ({ n: '\n', r: '\r', t: '\t' })[char] ?? char);
}

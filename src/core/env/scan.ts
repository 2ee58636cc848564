// A lossless scan of .env files. It works on bytes as a latin1 "binary string" (one char a byte): offsets are byte offsets,
// invalid UTF-8 survives, and what is not swapped stays as it is. Values are read as dotenv reads them (its LINE
// expression: quotes, `export`, comments, values of several lines); where other readers differ, the entry says so.
import { fromBinary, toBinary } from '../base/bytes';

export type Quote = '"' | "'" | '`' | '';

export interface EnvEntry {
  readonly key: string;
  /** Byte span of the value inside its quotes. */
  readonly start: number;
  readonly end: number;
  /** Where the longest reading of the value ends: beyond `end` only for `abc#def`, which dotenv reads as `abc`. */
  readonly reach: number;
  /** The text of the span, as a binary string. */
  readonly raw: string;
  /** What a program reads with dotenv: decoded as UTF-8, `\n` and `\r` expanded in double quotes. */
  readonly value: string;
  readonly quote: Quote;
  /** From 1. */
  readonly line: number;
  readonly inComment: boolean;
  /** Why other readers (shells, Compose, python-dotenv) may read another value; undefined where all agree. */
  readonly doubt: string | undefined;
}

const NAME = /^(?:\.env(?:\..+)?|.+\.env|\.envrc|\.dev\.vars(?:\..+)?)$/i;
const TEMPLATE = /\.(?:example|sample|template|dist)(?:\.|$)/i;

/** Whether a file of this name (without folders) holds environment variables and is not a template. */
export function isEnvFileName(name: string): boolean {
  return NAME.test(name) && !TEMPLATE.test(name);
}

/** Folders that are never searched. */
export function isSkippedDirectory(name: string): boolean {
  return name === 'node_modules' || name === '.git';
}

/** A binary string as text; bytes that are not UTF-8 become U+FFFD. */
export function decodeBinary(binary: string): string {
  if (/^[\0-\x7f]*$/.test(binary)) return binary;
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(fromBinary(binary));
}

export function encodeBinary(text: string): string {
  return toBinary(new TextEncoder().encode(text));
}

// Spaces by name: `\s` would take 0xA0, which may be a byte in the middle of a UTF-8 character.
const ASSIGN = '(?:export[ \\t]+)?([\\w.-]+)(?:[ \\t\\v\\f]*=[ \\t\\v\\f]*|:[ \\t\\v\\f]+)';

/** Every assignment in order, also those in comments. Duplicates are all there. Spans never overlap. */
export function scanEnv(bytes: Uint8Array): EnvEntry[] {
  return new Scan(toBinary(bytes)).run();
}

class Scan {
  readonly #entries: EnvEntry[] = [];
  readonly #assign = new RegExp(`[ \\t\\v\\f]*${ASSIGN}`, 'y');
  readonly #assignInComment = new RegExp(ASSIGN, 'y');
  readonly #marks = /[# \t]*/y;
  #line = 1;
  #counted = 0;

  constructor(private readonly text: string) {}

  run(): EnvEntry[] {
    const { text } = this;
    let at = text.startsWith('\xef\xbb\xbf') ? 3 : 0;
    while (at < text.length) {
      let rest = at;
      let eol = endOfLine(text, at);
      const match = matchAt(this.#assign, text, at);
      // `[\w.-]+` and the spaces around it hold no line end, so the match lies in this line.
      if (match) {
        rest = this.#add(match, at, eol, false);
        eol = rest > eol ? endOfLine(text, rest) : eol;
      }
      this.#comments(rest, eol);
      at = text[eol] === '\r' && text[eol + 1] === '\n' ? eol + 2 : eol + 1;
    }
    return this.#entries;
  }

  /** What stands behind `#` in the rest of a line: old keys, switched off. */
  #comments(from: number, eol: number): void {
    let at = from;
    while (at < eol) {
      const hash = markIn(this.text, at, eol);
      if (hash === eol) return;
      // `# # #` at once: looking behind each mark again would take for ever on a line that has nothing else.
      const marks = matchAt(this.#marks, this.text, hash)![0].length;
      const opens = marks > 1 || hash === from || isSpace(this.text[hash - 1]);
      const match = opens ? matchAt(this.#assignInComment, this.text, hash + marks) : undefined;
      at = match ? this.#add(match, hash + marks, eol, true) : hash + marks;
    }
  }

  /** Returns where the scan goes on. A comment ends with its line, whatever its quotes say. */
  #add(match: RegExpExecArray, at: number, eol: number, inComment: boolean): number {
    const { text } = this;
    const from = at + match[0].length;
    const value = quoted(text, from, inComment ? eol : text.length) ?? unquoted(text, from, eol);
    const raw = text.slice(value.start, value.end);
    const reading = read(raw, value.quote);
    const doubt = value.doubt ?? doubtOf(raw, reading, value.quote);
    const { start, end, reach, quote, after } = value;
    const line = this.#lineAt(at);
    this.#entries.push({ key: match[1]!, start, end, reach, raw, value: reading, quote, line, inComment, doubt });
    return after;
  }

  /** Offsets are asked for in rising order. */
  #lineAt(at: number): number {
    for (; this.#counted < at; this.#counted++) {
      const char = this.text[this.#counted];
      if (char === '\n' || (char === '\r' && this.text[this.#counted + 1] !== '\n')) this.#line++;
    }
    return this.#line;
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly reach: number;
  readonly quote: Quote;
  /** Where the rest of the line begins. */
  readonly after: number;
  readonly doubt: string | undefined;
}

function quoted(text: string, from: number, limit: number): Span | undefined {
  const quote = text[from];
  if (quote !== '"' && quote !== "'" && quote !== '`') return undefined;
  const close = closing(text, from + 1, quote, limit);
  if (close === undefined) return undefined;
  return { start: from + 1, end: close, reach: close, quote, after: close + 1, doubt: undefined };
}

/**
 * The quote that closes, as dotenv's expression finds it: the first without a backslash before it, if the line ends
 * behind it; else the last of those with a backslash that the line ends behind. Undefined: not a quoted value.
 */
function closing(text: string, from: number, quote: string, limit: number): number | undefined {
  const escaped: number[] = [];
  for (let i = text.indexOf(quote, from); i >= 0 && i < limit; i = text.indexOf(quote, i + 1)) {
    if (i > from && text[i - 1] === '\\') {
      escaped.push(i);
      continue;
    }
    if (endsLine(text, i + 1, limit)) return i;
    break;
  }
  return escaped.findLast((i) => endsLine(text, i + 1, limit));
}

function endsLine(text: string, from: number, limit: number): boolean {
  let at = from;
  while (at < limit && isSpace(text[at])) at++;
  return at >= limit || text[at] === '#' || text[at] === '\n' || text[at] === '\r';
}

const UNBALANCED = 'its quotes do not match, and programs differ in what they make of that';
const GLUED = 'it holds a "#", where some programs end the value and others do not; put it in quotes';

function unquoted(text: string, from: number, eol: number): Span {
  const hash = markIn(text, from, eol);
  const end = trimEnd(text, from, hash);
  const first = text[from];
  const isQuote = first === '"' || first === "'" || first === '`';
  // Quotes around a text that holds such quotes: dotenv takes the outer ones off all the same.
  const stripped = isQuote && end - from >= 2 && text[end - 1] === first;
  const inner: Pick<Span, 'start' | 'end' | 'quote'> = stripped
    ? { start: from + 1, end: end - 1, quote: first }
    : { start: from, end, quote: '' };
  if (hash < eol && end === hash && !(hash === from && isSpace(text[hash + 1]))) {
    // No space before the mark: a comment to dotenv and Node, a part of the value to others.
    const comment = /[ \t]#/.exec(text.slice(hash, eol));
    const reach = trimEnd(text, from, comment ? hash + comment.index : eol);
    return { ...inner, reach, after: reach, doubt: GLUED };
  }
  const doubt = /["'`]/.test(text.slice(from, end)) ? UNBALANCED : undefined;
  return { ...inner, reach: inner.end, after: end, doubt };
}

function read(raw: string, quote: Quote): string {
  const text = decodeBinary(raw).replace(/\r\n?/g, '\n');
  // dotenv looks at the first character alone, even where that quote never closes.
  return quote === '"' || (quote === '' && text.startsWith('"'))
    ? text.replaceAll('\\n', '\n').replaceAll('\\r', '\r')
    : text;
}

function doubtOf(raw: string, value: string, quote: Quote): string | undefined {
  if (value.includes('\ufffd')) return 'it is not valid UTF-8';
  if (quote === '"' ? /\\(?!n)/.test(raw) : raw.includes('\\'))
    return 'it holds a backslash, which programs read in different ways';
  if (quote !== "'" && raw.includes('$'))
    return 'it holds a "$", which some programs replace by another variable; put it in single quotes';
  if (quote === '' && /\s/.test(raw)) return 'it holds a space outside quotes, where shells end the value';
  return undefined;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

const isSpace = (char: string | undefined) => char === ' ' || char === '\t' || char === '\v' || char === '\f';

function endOfLine(text: string, at: number): number {
  for (let i = at; i < text.length; i++) if (text[i] === '\n' || text[i] === '\r') return i;
  return text.length;
}

/** The first `#` before `end`, or `end`. Never looks further: a file without any would be read anew for each line. */
function markIn(text: string, from: number, end: number): number {
  const at = text.slice(from, end).indexOf('#');
  return at < 0 ? end : from + at;
}

function trimEnd(text: string, from: number, end: number): number {
  let at = end;
  while (at > from && isSpace(text[at - 1])) at--;
  return at;
}

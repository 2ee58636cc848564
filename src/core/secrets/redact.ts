// No real value passes here: in text (headers, flows, logs) and in byte streams, plain or encoded, however the stream is
// cut: of one that arrives in pieces at most its first three bytes. It is replaced by its dummy in the same form; what is
// not a value passes unchanged and at once.
import { concat } from '../base/bytes';
import { encodedForms, toLatin1 } from './encodings';
import { createMatcher, type Matcher } from './matcher';
import type { BoundSecret } from './types';

/** Shorter values would turn up by chance. */
const MIN_BYTES = 8;
/**
 * So little at the end of what has come passes although a value may begin with it: whoever waits for an answer to the
 * last byte would otherwise wait for good, and the rest of the value, five bytes at least, is still replaced.
 */
const PASSES_BYTES = 3;

export interface StreamRedactor {
  /** True when every replacement has the length of what it replaces: lengths stay true. */
  readonly keepsLength: boolean;
  /** Replacements so far, by the name of the secret. */
  readonly hits: ReadonlyMap<string, number>;
  /** Whether bytes are held back that may begin a value. */
  readonly waits: boolean;
  /** What may go on. The array itself when nothing in it changed or is held back. Never changes its input. */
  push(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
  /** The stream broke off: what was held back, unless it is so much of a value that it would give some of it away. */
  cut(): Uint8Array;
}

export interface Redactor {
  /** For latin1 text (one char a byte) as well as for ordinary text. The text itself when it holds no value. */
  text(text: string): string;
  /** As `text`, for text that was brought into lower case: host names, HTTP/2 field names. */
  lower(text: string): string;
  /** Whether bytes hold a value, whole and plain or encoded. */
  finds(bytes: Uint8Array): boolean;
  stream(): StreamRedactor;
}

interface Replacement {
  readonly name: string;
  readonly find: string;
  readonly put: string;
}

interface Pattern {
  readonly name: string;
  readonly find: Uint8Array;
  readonly put: Uint8Array;
}

export function createRedactor(secrets: readonly BoundSecret[]): Redactor {
  const long = secrets.filter(({ value, dummy }) => toLatin1(value).length >= MIN_BYTES && value !== dummy);
  const forms = unique(
    long.flatMap(({ name, value, dummy }) => encodedForms(value, dummy).map(([find, put]) => ({ name, find, put }))),
  );
  const encoder = new TextEncoder();
  const patterns = forms.map(({ name, find, put }) => ({
    name,
    find: encoder.encode(find),
    put: encoder.encode(put),
  }));
  const matcher = createMatcher(patterns.map(({ find }) => find));
  const keepsLength = patterns.every(({ find, put }) => find.length === put.length);
  const texts = unique([...forms, ...latin1Forms(long)]);
  // Of values in ASCII the forms are the same.
  const redactText = textRedactor(texts, texts.length === forms.length ? matcher : undefined);
  const lowerForms = long.map(({ name, value, dummy }) => ({
    name,
    find: value.toLowerCase(),
    put: dummy.toLowerCase(),
  }));
  const redactLower = textRedactor(unique(lowerForms));
  return {
    text: redactText,
    lower: redactLower,
    finds: (bytes) => matcher.find(bytes, 0) !== undefined,
    stream: () => new Stream(matcher, patterns, keepsLength),
  };
}

/** The first of those that look for the same. */
function unique(replacements: readonly Replacement[]): Replacement[] {
  const found = new Map<string, Replacement>();
  for (const replacement of replacements) if (!found.has(replacement.find)) found.set(replacement.find, replacement);
  return [...found.values()];
}

const latin1Forms = (secrets: readonly BoundSecret[]): Replacement[] =>
  secrets.map(({ name, value, dummy }) => ({ name, find: toLatin1(value), put: toLatin1(dummy) }));

function textRedactor(forms: readonly Replacement[], shared?: Matcher): (text: string) => string {
  if (forms.length === 0) return (text) => text;
  const encoder = new TextEncoder();
  const matcher = shared ?? createMatcher(forms.map(({ find }) => encoder.encode(find)));
  return (text) => {
    // Nearly every text holds nothing: one quick pass says so.
    const bytes = encoder.encode(text);
    let match = matcher.find(bytes, 0);
    if (!match) return text;
    const charOf = bytes.length === text.length ? (at: number) => at : charsOf(text);
    let out = '';
    let at = 0;
    for (; match; match = matcher.find(bytes, match.at + match.length)) {
      out += text.slice(at, charOf(match.at)) + forms[match.pattern]!.put;
      at = charOf(match.at + match.length);
    }
    return out + text.slice(at);
  };
}

/** Of places in the UTF-8 of a text, asked for from the first to the last, the places in the text. */
function charsOf(text: string): (byte: number) => number {
  let char = 0;
  let passed = 0;
  return (byte) => {
    while (passed < byte) {
      const code = text.codePointAt(char)!;
      passed += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      char += code < 0x10000 ? 1 : 2;
    }
    return char;
  };
}

const NOTHING = new Uint8Array(0);

class Stream implements StreamRedactor {
  readonly hits = new Map<string, number>();
  /** What may begin a value. */
  #held: Uint8Array | undefined;
  /** So many bytes of it, at its beginning, went on already. */
  #passed = 0;

  constructor(
    private readonly matcher: Matcher,
    private readonly patterns: readonly Pattern[],
    readonly keepsLength: boolean,
  ) {}

  get waits(): boolean {
    return this.#held !== undefined && this.#held.length > this.#passed;
  }

  push(chunk: Uint8Array): Uint8Array {
    return this.#take(chunk, false);
  }

  end(): Uint8Array {
    return this.#take(NOTHING, true);
  }

  cut(): Uint8Array {
    const held = this.#held ?? NOTHING;
    const passed = this.#passed;
    this.#keep(undefined, 0);
    return held.length < MIN_BYTES ? held.subarray(passed) : NOTHING;
  }

  #take(chunk: Uint8Array, final: boolean): Uint8Array {
    const bytes = this.#held ? concat([this.#held, chunk]) : chunk;
    const passed = this.#passed;
    this.#keep(undefined, 0);
    // A value may begin here and end in a later chunk: from there on everything waits, also what would match already,
    // since the longer or earlier value wins as it would in one piece.
    const open = final ? bytes.length : bytes.length - this.matcher.tailLength(bytes);
    const out: Uint8Array[] = [];
    let at = 0;
    let wait = open;
    for (let match = this.matcher.find(bytes, 0); match; match = this.matcher.find(bytes, at)) {
      wait = at <= open ? open : bytes.length - this.#tail(bytes, at, final);
      if (match.at >= wait) break;
      const { name, put } = this.patterns[match.pattern]!;
      out.push(between(bytes, Math.max(at, passed), match.at), put.subarray(Math.max(0, passed - match.at)));
      at = match.at + match.length;
      this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
    }
    if (at > open) wait = bytes.length - this.#tail(bytes, at, final);
    const done = bytes.length - wait <= PASSES_BYTES ? bytes.length : wait;
    // A copy: the caller may write to the chunk again.
    if (wait < bytes.length) this.#keep(concat([bytes.subarray(wait)]), Math.max(done, passed) - wait);
    if (out.length === 0 && passed === 0 && done === bytes.length) return bytes;
    out.push(between(bytes, Math.max(at, passed), done));
    return out.length === 1 ? out[0]! : concat(out);
  }

  #keep(held: Uint8Array | undefined, passed: number): void {
    this.#held = held;
    this.#passed = Math.max(0, passed);
  }

  /** What may still become a value, of the bytes after a replacement that reached beyond the first such place. */
  #tail(bytes: Uint8Array, at: number, final: boolean): number {
    return final ? 0 : this.matcher.tailLength(bytes.subarray(at));
  }
}

/** Nothing when the end lies before the beginning. */
const between = (bytes: Uint8Array, from: number, to: number) => bytes.subarray(from, Math.max(from, to));

// No real value passes here: in text (headers, flows, logs) in its plain and commonly encoded forms, in byte streams as it
// stands, however the stream is cut. Replaced by its dummy; what is not a value passes unchanged and at once.
import { createMatcher, type Matcher } from './matcher';
import type { BoundSecret } from './types';

/** Shorter values would turn up by chance. */
const MIN_BYTES = 8;

export interface StreamRedactor {
  /** True when every dummy has the length of its value: lengths stay true. */
  readonly keepsLength: boolean;
  /** Replacements so far, by the name of the secret. */
  readonly hits: ReadonlyMap<string, number>;
  /** What may go on. The array itself when nothing in it changed or is held back. Never changes its input. */
  push(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
}

export interface Redactor {
  /** For latin1 text (one char a byte) as well as for ordinary text. */
  text(text: string): string;
  stream(): StreamRedactor;
}

interface Replacement {
  readonly name: string;
  readonly find: string;
  readonly put: string;
}

export function createRedactor(secrets: readonly BoundSecret[]): Redactor {
  const long = secrets.filter(({ value }) => new TextEncoder().encode(value).length >= MIN_BYTES);
  const forms = long.flatMap(textForms).sort((a, b) => b.find.length - a.find.length);
  const patterns = long.map(({ value }) => new TextEncoder().encode(value));
  const dummies = long.map(({ dummy }) => new TextEncoder().encode(dummy));
  const matcher = createMatcher(patterns);
  const keepsLength = patterns.every((pattern, i) => pattern.length === dummies[i]!.length);
  return {
    text: (text) => replaceForms(text, forms),
    stream: () => new Stream(matcher, long, dummies, keepsLength),
  };
}

function replaceForms(text: string, forms: readonly Replacement[]): string {
  let out = text;
  for (const { find, put } of forms) if (out.includes(find)) out = out.replaceAll(find, put);
  return out;
}

/** The forms in which a value turns up in a head or a log line: plain, as latin1 of its UTF-8, percent, JSON, base64. */
function textForms({ name, value, dummy }: BoundSecret): Replacement[] {
  const binary = String.fromCharCode(...new TextEncoder().encode(value));
  const percent = [...binary]
    .map((char) =>
      /[A-Za-z0-9._~-]/.test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = btoa(binary).replace(/=+$/, '');
  const dummy64 = btoa(dummy).replace(/=+$/, '');
  const found = new Map<string, string>();
  for (const form of [value, binary, percent, percent.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()), json])
    found.set(form, dummy);
  found.set(base64, dummy64);
  found.set(base64.replaceAll('+', '-').replaceAll('/', '_'), dummy64);
  return [...found].map(([find, put]) => ({ name, find, put }));
}

const NOTHING = new Uint8Array(0);

class Stream implements StreamRedactor {
  readonly hits = new Map<string, number>();
  #held: Uint8Array | undefined;

  constructor(
    private readonly matcher: Matcher,
    private readonly secrets: readonly BoundSecret[],
    private readonly dummies: readonly Uint8Array[],
    readonly keepsLength: boolean,
  ) {}

  push(chunk: Uint8Array): Uint8Array {
    return this.#take(chunk, false);
  }

  end(): Uint8Array {
    return this.#take(NOTHING, true);
  }

  #take(chunk: Uint8Array, final: boolean): Uint8Array {
    const bytes = this.#held ? concat([this.#held, chunk]) : chunk;
    this.#held = undefined;
    const out: Uint8Array[] = [];
    let at = 0;
    for (let match = this.matcher.find(bytes, 0); match; match = this.matcher.find(bytes, at)) {
      // One value may begin with another: wait until it is clear which of them this is.
      if (!final && this.matcher.tailLength(bytes.subarray(match.at)) === bytes.length - match.at) break;
      out.push(bytes.subarray(at, match.at), this.dummies[match.pattern]!);
      at = match.at + match.length;
      const { name } = this.secrets[match.pattern]!;
      this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
    }
    const rest = at === 0 ? bytes : bytes.subarray(at);
    const tail = final ? 0 : this.matcher.tailLength(rest);
    if (tail > 0) this.#held = rest.slice(rest.length - tail);
    if (out.length === 0 && tail === 0) return rest;
    out.push(rest.subarray(0, rest.length - tail));
    return concat(out);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

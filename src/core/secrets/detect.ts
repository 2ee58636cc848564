// Finds real values in what leaves: in text, in host names, in byte streams however they are cut; plain, in every form of
// encodings.ts, and inside of escapes, of base64 and hex with line ends, of compressed data, of these inside each other. It
// reports names and forms, never a value. It replaces nothing (redact.ts does), and decides nothing.
import { CompressedFinder, isMagicByte } from './compressed';
import type { Decoders } from './decoders';
import { encodedForms, toLatin1 } from './encodings';
import { createMatcher, type Matcher } from './matcher';
import { RunScanner, shortestRun } from './runs';
import type { BoundSecret } from './types';
import {
  createQuotedPrintable,
  createUnescaper,
  isEscapeByte,
  readEscape,
  type Escape,
  type EscapeKind,
  type Unescaper,
} from './unescape';

export interface Detected {
  /** The name. */
  readonly secret: string;
  /**
   * `plain`, `percent`, `json`, `html`, `hex`, `base64`, `base32`, `reversed`, `compressed`, …; of a form within another, both:
   * `hex in base64`.
   */
  readonly form: string;
}

export interface DetectionStream {
  /** What was found with this chunk, each secret and form once in a stream. Keeps nothing of the chunk's memory. */
  push(chunk: Uint8Array): readonly Detected[];
  /** What was still waited for. */
  end(): readonly Detected[];
  /** Compressed data in it was more than is inflated: what is beyond has not been looked through. */
  readonly exhausted: boolean;
}

export interface Detector {
  /** For latin1 text (one char a byte) as well as for ordinary text. */
  text(text: string): readonly Detected[];
  /** A host name: in lower case, its labels whole or a value spread over them. */
  host(name: string): readonly Detected[];
  stream(): DetectionStream;
}

/** secrets.md, Detection: shorter values would turn up by chance. */
const MIN_BYTES = 12;
/** So many decodings inside each other are undone. */
const MAX_DEPTH = 3;
/** So much is inflated for one stream, in bytes. */
const MAX_INFLATED = 64 * 1024 * 1024;
const NOTHING = new Uint8Array(0);
const NONE: readonly Detected[] = [];

interface Pattern {
  /** Undefined: no value, but the word that says that a part is quoted-printable. */
  readonly secret: string | undefined;
  readonly form: string;
}

/** What all streams of a detector share. */
interface Compiled {
  readonly matcher: Matcher;
  readonly patterns: readonly Pattern[];
  /** By byte: 1 when an escape that says it may be a part of a value, or of something that holds one. */
  readonly alphabet: Uint8Array;
  /** So far from an escape a value may begin or end, in bytes. */
  readonly reach: number;
  /** Runs of base64 and hex below hold no value, in characters. */
  readonly shortest: number;
  readonly decoders: Decoders;
}

export function createDetector(secrets: readonly BoundSecret[], decoders: Decoders): Detector {
  const dummies = secrets.map(({ dummy }) => dummy);
  const usable = secrets.filter(
    ({ value }) => toLatin1(value).length >= MIN_BYTES && !dummies.some((dummy) => dummy.includes(value)),
  );
  const encoder = new TextEncoder();
  const compiled = compile(usable, encoder, decoders);
  const inHost = compileHost(usable, encoder);
  const bytes = (data: Uint8Array): readonly Detected[] => {
    const stream = new Stream(compiled);
    const found = stream.push(data);
    const last = stream.end();
    return last.length === 0 ? found : [...found, ...last];
  };
  return {
    text(text) {
      if (usable.length === 0) return NONE;
      const found = bytes(encoder.encode(text));
      // One char a byte: header fields come like this.
      if (!/[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return found;
      const latin1 = bytes(Uint8Array.from(text, (char) => char.charCodeAt(0)));
      return distinct([...found, ...latin1]);
    },
    host: inHost,
    stream: () => new Stream(compiled),
  };
}

function compile(secrets: readonly BoundSecret[], encoder: TextEncoder, decoders: Decoders): Compiled {
  const alphabet = new Uint8Array(256);
  // Escapes inside escapes, base64 and the like.
  for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_%&#')
    alphabet[char.charCodeAt(0)] = 1;
  const finds = new Map<string, Pattern & { readonly bytes: Uint8Array }>();
  let longest = 0;
  let shortest = 64;
  const add = (secret: string | undefined, form: string, bytes: Uint8Array) => {
    const key = bytes.join();
    if (!finds.has(key)) finds.set(key, { secret, form, bytes });
  };
  for (const { name, value } of secrets) {
    const bytes = encoder.encode(value);
    longest = Math.max(longest, bytes.length);
    shortest = Math.min(shortest, bytes.length);
    for (const byte of bytes) alphabet[byte] = 1;
    for (const [find, , form] of detectedForms(value)) add(name, form, encoder.encode(find));
    // A value that itself holds escapes loses them where escapes are undone, and a form has `+` for a space.
    for (const decoded of decodedOf(bytes)) if (decoded.length >= MIN_BYTES) add(name, 'plain', decoded);
    if (value.includes(' ')) add(name, 'percent', encoder.encode(value.replaceAll(' ', '+')));
  }
  if (finds.size > 0)
    for (const word of ['quoted-printable', 'Quoted-Printable', 'QUOTED-PRINTABLE'])
      add(undefined, '', encoder.encode(word));
  const all = [...finds.values()];
  return {
    matcher: createMatcher(all.map(({ bytes }) => bytes)),
    patterns: all,
    alphabet,
    reach: Math.min(16_384, Math.max(512, longest * 3)),
    shortest: shortestRun(shortest),
    decoders,
  };
}

/** With forms that are only looked for: what stands in for them could not keep the length. */
function detectedForms(value: string): (readonly [find: string, put: string, form: string])[] {
  const forms = [...encodedForms(value, value)];
  const latin1 = toLatin1(value);
  const codes = Array.from(latin1, (char) => char.charCodeAt(0));
  // Arrays of bytes, as JSON.stringify writes a Buffer and debuggers print one.
  for (const between of [',', ', ', ' ']) forms.push([codes.join(between), '', 'decimal']);
  if (latin1 === value) {
    // UTF-16, and base64 of it, as PowerShell takes commands.
    const wide = Array.from(value, (char) => `${char}\0`).join('');
    for (const [find, put, form] of encodedForms(wide, wide))
      if (form === 'plain' || form === 'base64') forms.push([find, put, form === 'plain' ? 'utf-16' : 'base64']);
  }
  return forms;
}

/** What becomes of a value that holds escapes when they are undone, of one kind or of all, as often as that is done. */
function decodedOf(value: Uint8Array): readonly Uint8Array[] {
  const all = new Map<string, Uint8Array>();
  let round = [value];
  for (let depth = 0; depth < MAX_DEPTH && round.length > 0; depth++) {
    const next = round.flatMap((bytes) => [undefined, ...KINDS].map((kind) => unescapeOnce(bytes, kind)));
    round = next.filter((bytes) => bytes.join() !== value.join() && !all.has(bytes.join()));
    for (const bytes of round) all.set(bytes.join(), bytes);
  }
  return [...all.values()];
}

const KINDS: readonly EscapeKind[] = ['percent', 'json', 'html'];

function unescapeOnce(bytes: Uint8Array, kind: EscapeKind | undefined): Uint8Array {
  const unescaper = createUnescaper(kind);
  return joined(unescaper.push(bytes), unescaper.end());
}

function distinct(found: readonly Detected[]): Detected[] {
  return [...new Map(found.map((one) => [keyOf(one.secret, one.form), one])).values()];
}

const keyOf = (secret: string, form: string) => `${form}\n${secret}`;

/** In the lower case of a host name, base64 cannot be decoded any more, but it can still be told. */
function compileHost(secrets: readonly BoundSecret[], encoder: TextEncoder): (name: string) => readonly Detected[] {
  const finds = new Map<string, Pattern>();
  for (const { name, value } of secrets)
    for (const [find, , form] of encodedForms(value, value)) {
      if (!['plain', 'hex', 'base32', 'base64', 'reversed'].includes(form)) continue;
      for (const text of [find.toLowerCase(), find.toLowerCase().replaceAll('.', '')])
        if (text.length >= MIN_BYTES && !finds.has(text)) finds.set(text, { secret: name, form });
    }
  const patterns = [...finds.values()];
  const matcher = createMatcher([...finds.keys()].map((find) => encoder.encode(find)));
  return (name) => {
    const lower = name.toLowerCase();
    const found: Detected[] = [];
    // As it is; without the dots; without all that is no letter and no digit.
    for (const text of new Set([lower, lower.replaceAll('.', ''), lower.replace(/[^a-z0-9]/g, '')])) {
      const bytes = encoder.encode(text);
      for (let match = matcher.find(bytes, 0); match; match = matcher.find(bytes, match.at + 1)) {
        const { secret, form } = patterns[match.pattern]!;
        found.push({ secret: secret!, form });
      }
    }
    return distinct(found);
  };
}

class Stream implements DetectionStream {
  readonly #seen = new Set<string>();
  #found: Detected[] = [];
  #left = MAX_INFLATED;
  exhausted = false;
  readonly #top: Layer;

  constructor(readonly compiled: Compiled) {
    this.#top = new Layer(this, 0, '');
  }

  push(chunk: Uint8Array): readonly Detected[] {
    this.#top.push(chunk);
    return this.#taken();
  }

  end(): readonly Detected[] {
    this.#top.end();
    return this.#taken();
  }

  found(secret: string, form: string): void {
    const key = keyOf(secret, form);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#found.push({ secret, form });
  }

  /** Whether so much more may be inflated. */
  spend(size: number): boolean {
    this.#left -= size;
    if (this.#left < 0) this.exhausted = true;
    return !this.exhausted;
  }

  #taken(): readonly Detected[] {
    if (this.#found.length === 0) return NONE;
    const found = this.#found;
    this.#found = [];
    return found;
  }
}

/** The bytes of a stream, or what was decoded out of them: searched as they are, and decoded further where that may help. */
class Layer {
  #held: Uint8Array = NOTHING;
  #escapes: EscapeView | undefined;
  #compressed: CompressedFinder | undefined;
  #runs: RunScanner | undefined;
  #printable: PrintableView | undefined;

  /** `via`: how it came about; empty for the stream itself. */
  constructor(
    readonly stream: Stream,
    readonly depth: number,
    public via: string,
  ) {}

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#search(chunk);
    if (this.depth >= MAX_DEPTH || this.stream.compiled.patterns.length === 0) return;
    this.#printable?.push(chunk);
    this.#look(chunk);
    (this.#runs ??= new RunScanner(new RunViews(this), this.stream.compiled.shortest)).push(chunk);
  }

  /** What follows does not go on with what came. */
  end(): void {
    this.#held = NOTHING;
    this.#escapes?.end();
    this.#compressed?.end();
    this.#runs?.end();
    this.#printable?.end();
    this.#printable = undefined;
  }

  /** A layer below this one. */
  below(kind: string): Layer {
    return new Layer(this.stream, this.depth + 1, within(kind, this.via));
  }

  #search(chunk: Uint8Array): void {
    const { matcher } = this.stream.compiled;
    const bytes = this.#held.length > 0 ? joined(this.#held, chunk) : chunk;
    for (let match = matcher.find(bytes, 0); match; match = matcher.find(bytes, match.at + 1)) this.hit(match.pattern);
    const tail = matcher.tailLength(bytes);
    this.#held = tail > 0 ? bytes.slice(bytes.length - tail) : NOTHING;
  }

  hit(pattern: number): void {
    const { secret, form } = this.stream.compiled.patterns[pattern]!;
    if (secret === undefined) this.#printable ??= new PrintableView(this);
    else this.stream.found(secret, within(form, this.via));
  }

  /** For bytes where an escape or compressed data may begin. */
  #look(chunk: Uint8Array): void {
    const places = findTriggers(chunk);
    let magic: number[] | undefined;
    let escapes: number[] | undefined;
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      if (isEscapeByte(chunk[place]!)) (escapes ??= []).push(place);
      else (magic ??= []).push(place);
    }
    (this.#escapes ??= new EscapeView(this)).push(chunk, escapes ?? NO_PLACES);
    if (!this.#compressed) {
      const below = this.below('compressed');
      this.#compressed = new CompressedFinder(this.stream.compiled.decoders, {
        inflated: (bytes) => {
          if (!this.stream.spend(bytes.length)) return false;
          below.push(bytes);
          return true;
        },
        end: () => below.end(),
      });
    }
    this.#compressed.push(chunk, magic ?? NO_PLACES);
  }
}

const NO_PLACES: readonly number[] = [];
const BACKSLASH = 0x5c;

/** The outer form is not repeated: three times percent is percent. */
function within(form: string, via: string): string {
  if (via === '') return form;
  if (form === 'plain' || via === form || via.startsWith(`${form} in `)) return via;
  return `${form} in ${via}`;
}

function joined(held: Uint8Array, chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(held.length + chunk.length);
  bytes.set(held);
  bytes.set(chunk, held.length);
  return bytes;
}

const TRIGGERS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) if (isEscapeByte(byte) || isMagicByte(byte)) TRIGGERS[byte] = 1;
/**
 * By a trigger byte and the one behind it: whether it may be one. Line ends, quotes and backslashes in JSON are no reason to look:
 * encodings.ts has the forms in which they alone are escaped, and letters that text is full of are followed by others.
 */
const BEHIND = new Uint8Array(65_536);
for (const [first, seconds] of [
  ['%', '0123456789abcdefABCDEF'],
  ['\\', 'ux0123/\\'],
  ['&', '#alqgn'],
  ['\x1f', '\x8b'],
  ['x', '\x01\x5e\x9c\xda'],
  ['P', 'AK'],
] as const)
  for (const second of seconds) BEHIND[(first.charCodeAt(0) << 8) | second.charCodeAt(0)] = 1;
for (let second = 0; second < 256; second++) BEHIND[(0xb5 << 8) | second] = second === 0x2f ? 1 : 0;
/** Two bytes at a time: a quarter of the look-ups. */
const PAIRS = new Uint8Array(65_536);
for (let pair = 0; pair < 65_536; pair++) PAIRS[pair] = TRIGGERS[pair & 255]! | TRIGGERS[pair >> 8]!;

/** The places of all trigger bytes, in order. */
function findTriggers(bytes: Uint8Array): number[] {
  const places: number[] = [];
  if (bytes.length < 256) {
    addTriggers(bytes, 0, bytes.length, places);
    return places;
  }
  const odd = bytes.byteOffset & 1;
  const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + odd, (bytes.length - odd) >> 1);
  if (odd === 1) addTriggers(bytes, 0, Math.min(1, bytes.length), places);
  const count = pairs.length & ~3;
  for (let i = 0; i < count; i += 4)
    if ((PAIRS[pairs[i]!]! | PAIRS[pairs[i + 1]!]! | PAIRS[pairs[i + 2]!]! | PAIRS[pairs[i + 3]!]!) !== 0)
      addTriggers(bytes, odd + 2 * i, odd + 2 * i + 8, places);
  addTriggers(bytes, odd + 2 * count, bytes.length, places);
  return places;
}

function addTriggers(bytes: Uint8Array, from: number, to: number, places: number[]): void {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (TRIGGERS[byte] === 0) continue;
    const next = bytes[i + 1];
    if (next === undefined || BEHIND[(byte << 8) | next] === 1) places.push(i);
  }
}

/** Undoes escapes, from some way before one to some way behind the last. */
class EscapeView {
  #unescaper: Unescaper | undefined;
  #below: Layer | undefined;
  readonly #kinds = new Set<string>();
  readonly #escape: Escape = { code: 0, length: 0, kind: 'json' };
  /** The end of what came and was not given: a value may begin in it. */
  #before: Uint8Array = NOTHING;
  /** So many bytes that follow are still to be given. */
  #more = 0;

  constructor(private readonly layer: Layer) {}

  push(bytes: Uint8Array, places: readonly number[]): void {
    const { reach } = this.layer.stream.compiled;
    const size = bytes.length;
    /** What is before it has been given, or will not be. */
    let at = 0;
    let until = this.#more;
    let begin = 0;
    let running = until > 0;
    for (const place of places) {
      if (!this.#matters(bytes, place)) continue;
      if (running && place - reach > until) {
        this.#give(bytes.subarray(begin, until));
        this.#close();
        at = until;
        running = false;
      }
      if (!running) {
        running = true;
        begin = Math.max(at, place - reach);
        if (place - reach < 0 && at === 0)
          this.#give(this.#before.subarray(Math.max(0, this.#before.length + place - reach)));
        this.#before = NOTHING;
      }
      until = place + reach;
    }
    if (running) {
      this.#give(bytes.subarray(begin, Math.min(until, size)));
      at = Math.min(until, size);
      this.#more = Math.max(0, until - size);
      if (this.#more > 0) return;
      this.#close();
    }
    this.#more = 0;
    const rest = bytes.subarray(Math.max(at, size - reach));
    this.#before = at > 0 || rest.length >= reach ? rest.slice() : joined(this.#before, rest).slice(-reach);
  }

  end(): void {
    if (this.#more > 0) this.#close();
    this.#more = 0;
    this.#before = NOTHING;
  }

  /** What it says may be a part of a value. */
  #matters(bytes: Uint8Array, place: number): boolean {
    const escape = this.#escape;
    const { alphabet } = this.layer.stream.compiled;
    let at = place;
    // Of backslashes before each other, what is behind the last counts.
    while (bytes[at] === BACKSLASH && bytes[at + 1] === BACKSLASH) at++;
    readEscape(bytes, at, escape);
    if (escape.length === 0) return false;
    const matters = escape.length < 0 || escape.code > 0x7f || alphabet[escape.code] === 1;
    if (!matters) return false;
    if (escape.length > 0) this.#kinds.add(escape.kind);
    return true;
  }

  #give(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const kind = this.#kinds.size > 1 ? 'mixed' : ([...this.#kinds][0] ?? 'json');
    const below = (this.#below ??= this.layer.below(kind));
    below.via = within(kind, this.layer.via);
    below.push((this.#unescaper ??= createUnescaper()).push(bytes));
  }

  #close(): void {
    if (this.#below && this.#unescaper) {
      this.#below.push(this.#unescaper.end());
      this.#below.end();
    }
    this.#kinds.clear();
  }
}

/** What a part of an e-mail or a form says that calls itself quoted-printable. */
class PrintableView {
  readonly #reader: Unescaper = createQuotedPrintable();
  readonly #below: Layer;

  constructor(layer: Layer) {
    this.#below = layer.below('quoted-printable');
  }

  push(bytes: Uint8Array): void {
    this.#below.push(this.#reader.push(bytes));
  }

  end(): void {
    this.#below.push(this.#reader.end());
    this.#below.end();
  }
}

/** What runs of base64 and hex hold. */
class RunViews {
  readonly #lanes = new Map<string, Layer>();
  #lines: Layer | undefined;

  constructor(private readonly layer: Layer) {}

  /** Only searched: what a run holds is decoded anyway, whatever its lines. */
  squeezed(bytes: Uint8Array): void {
    const { layer } = this;
    this.#lines ??= new Layer(layer.stream, MAX_DEPTH, layer.via);
    this.#lines.via = layer.via;
    this.#lines.push(bytes);
  }

  decoded(kind: string, lane: number, bytes: Uint8Array): void {
    const key = `${kind}${lane}`;
    let below = this.#lanes.get(key);
    if (!below) this.#lanes.set(key, (below = this.layer.below(kind)));
    below.via = within(kind, this.layer.via);
    below.push(bytes);
  }

  end(): void {
    this.#lines?.end();
    for (const lane of this.#lanes.values()) lane.end();
  }
}

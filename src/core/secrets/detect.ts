// Finds real values in what leaves: in text, in host names, in byte streams however they are cut; plain, in every form of
// encodings.ts, and inside of escapes, of base64 and hex with line ends, of compressed data, of these inside each other. It
// reports names and forms, never a value. It replaces nothing (redact.ts does), and decides nothing.
import { concat, fromBinary } from '../base/bytes';
import { CompressedFinder } from './compressed';
import type { Decoders } from './decoders';
import { base64Forms, encodedForms, type EncodedForm, toLatin1 } from './encodings';
import { createMatcher, type Matcher } from './matcher';
import { type Readable, readableBytes, RunScanner, shortestRun } from './runs';
import type { BoundSecret } from './types';
import {
  createQuotedPrintable,
  createUnescaper,
  isEscapeByte,
  readEscape,
  saysByte,
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
  /** `redacted`: of what comes out of the redactor (redact.ts) of the same secrets, which is not searched for the same forms again. */
  stream(redacted?: 'redacted'): DetectionStream;
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
  readonly secret: string;
  readonly form: string;
}

/** What a part says that is quoted-printable. */
const QUOTED = createMatcher(
  ['quoted-printable', 'Quoted-Printable', 'QUOTED-PRINTABLE'].map((word) => fromBinary(word)),
);

/** What is looked for as it is. */
interface Search {
  readonly matcher: Matcher;
  readonly patterns: readonly Pattern[];
}

/** What all streams of a detector share. */
interface Compiled {
  readonly all: Search;
  /** Without what the redactor finds. */
  readonly hidden: Search;
  /** By byte: 1 when an escape that says it may be a part of a value, or of something that holds one. */
  readonly alphabet: Uint8Array;
  /** By byte: 1 when it may stand between such an escape and another part of the value. */
  readonly goesOn: Uint8Array;
  /** The same for what was decoded, where half of compressed data may already be as it is. */
  readonly goesOnBelow: Uint8Array;
  /** Values have characters beyond ASCII. */
  readonly beyond: boolean;
  /** So far before an escape a value may begin, in bytes. */
  readonly reach: number;
  /** Runs of base64 and hex below hold no value, in characters. */
  readonly shortest: number;
  readonly readable: Readable;
  readonly decoders: Decoders;
}

/** A value and its forms. */
interface Target {
  readonly name: string;
  readonly value: string;
  readonly forms: readonly EncodedForm[];
}

export function createDetector(secrets: readonly BoundSecret[], decoders: Decoders): Detector {
  // No value goes over from one into the next.
  const dummies = secrets.map(({ dummy }) => dummy).join('\0');
  const usable = secrets
    .filter(({ value }) => toLatin1(value).length >= MIN_BYTES && !dummies.includes(value))
    .map(({ name, value }) => ({ name, value, forms: encodedForms(value, value) }));
  const encoder = new TextEncoder();
  const compiled = compile(usable, encoder, decoders);
  const inHost = compileHost(usable, encoder);
  return {
    text(text) {
      if (usable.length === 0) return NONE;
      const stream = new Stream(compiled, compiled.all);
      const found = stream.whole(encoder.encode(text));
      // One char a byte: header fields come like this.
      if (!/[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return found;
      const latin1 = new Stream(compiled, compiled.all).whole(Uint8Array.from(text, (char) => char.charCodeAt(0)));
      return distinct([...found, ...latin1]);
    },
    host: inHost,
    stream: (redacted) => new Stream(compiled, redacted ? compiled.hidden : compiled.all),
  };
}

function compile(targets: readonly Target[], encoder: TextEncoder, decoders: Decoders): Compiled {
  const alphabet = new Uint8Array(256);
  // Escapes inside escapes, base64 and the like, and the beginnings of compressed data.
  for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_%&#\x1f\x8b\xb5\xfd\x9c\xda')
    alphabet[char.charCodeAt(0)] = 1;
  const finds = new Map<string, Pattern & { readonly bytes: Uint8Array; readonly hidden: boolean }>();
  let longest = 0;
  let shortest = 64;
  // By latin1, which is the bytes.
  const add = (secret: string, form: string, latin1: string, hidden = true) => {
    if (!finds.has(latin1)) finds.set(latin1, { secret, form, bytes: fromBinary(latin1), hidden });
  };
  const values = targets.map(({ value }) => encoder.encode(value));
  for (const [i, { name, forms }] of targets.entries()) {
    const bytes = values[i]!;
    longest = Math.max(longest, bytes.length);
    shortest = Math.min(shortest, bytes.length);
    for (const byte of bytes) alphabet[byte] = 1;
    for (const [find, , form] of forms) add(name, form, toLatin1(find), false);
  }
  for (const [i, { name, value }] of targets.entries()) {
    for (const [find, form] of hiddenForms(value)) add(name, form, find);
    // A value that itself holds escapes loses them where escapes are undone, and a form has `+` for a space.
    for (const decoded of decodedOf(values[i]!))
      if (decoded.length >= MIN_BYTES) add(name, 'plain', String.fromCharCode(...decoded));
    if (value.includes(' ')) add(name, 'percent', toLatin1(value.replaceAll(' ', '+')));
  }
  const all = [...finds.values()];
  const goesOn = alphabet.slice();
  goesOn[LF] = 1;
  goesOn[CR] = 1;
  for (let byte = 0x21; byte < 0x7f; byte++) if (!BORDERS.includes(String.fromCharCode(byte))) goesOn[byte] = 1;
  return {
    all: searchOf(all),
    hidden: searchOf(all.filter(({ hidden }) => hidden)),
    alphabet,
    goesOn,
    goesOnBelow: goesOn.map((goes, byte) => (byte < SPACE || byte > 0x7e ? 1 : goes)),
    beyond: values.some((value) => value.some((byte) => byte > 0x7f)),
    reach: Math.min(16_384, Math.max(512, longest * 3)),
    shortest: shortestRun(shortest),
    readable: readableBytes(values),
    decoders,
  };
}

/** Around what is encoded. */
const BORDERS = '"<>';
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const BACKSLASH = 0x5c;

const searchOf = (patterns: readonly (Pattern & { readonly bytes: Uint8Array })[]): Search => ({
  matcher: createMatcher(patterns.map(({ bytes }) => bytes)),
  patterns,
});

/** Forms that are only looked for, as latin1: what stands in for them could not keep the length. */
function hiddenForms(value: string): (readonly [find: string, form: string])[] {
  const latin1 = toLatin1(value);
  const codes = Array.from(latin1, (char) => char.charCodeAt(0));
  // Arrays of bytes, as JSON.stringify writes a Buffer and debuggers print one.
  const forms = [',', ', ', ' '].map((between): readonly [string, string] => [codes.join(between), 'decimal']);
  if (latin1 === value) {
    // UTF-16, and base64 of it, as PowerShell takes commands.
    const wide = Array.from(value, (char) => `${char}\0`).join('');
    forms.push([wide, 'utf-16']);
    for (const find of base64Forms(wide)) forms.push([find, 'base64']);
  }
  return forms;
}

/** What becomes of a value that holds escapes when they are undone, of one kind or of all, as often as that is done. */
function decodedOf(value: Uint8Array): readonly Uint8Array[] {
  const all = new Map<string, Uint8Array>();
  if (!value.some((byte) => isEscapeByte(byte))) return [];
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
  return concat([unescaper.push(bytes), unescaper.end()]);
}

function distinct(found: readonly Detected[]): Detected[] {
  return [...new Map(found.map((one) => [keyOf(one.secret, one.form), one])).values()];
}

const keyOf = (secret: string, form: string) => `${form}\n${secret}`;

/** In the lower case of a host name, base64 cannot be decoded any more, but it can still be told. */
function compileHost(targets: readonly Target[], encoder: TextEncoder): (name: string) => readonly Detected[] {
  const finds = new Map<string, Pattern>();
  for (const { name, forms } of targets)
    for (const [find, , form] of forms) {
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
        found.push({ secret, form });
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

  constructor(
    readonly compiled: Compiled,
    search: Search,
  ) {
    this.#top = new Layer(this, 0, '', search);
  }

  /** All of it at once. */
  whole(bytes: Uint8Array): readonly Detected[] {
    this.#top.whole(bytes);
    return this.#taken();
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

/** So much is looked at at a time, beside what is still needed of what came before. */
const AT_A_TIME = 16 * 1024;
const FIRST_SIZE = 512;

/** The bytes of a stream, or what was decoded out of them: searched as they are, and decoded further where that may help. */
class Layer {
  /** The end of what came: what was not looked at to the end, and some way back, where a value may begin. */
  #bytes: Uint8Array = NOTHING;
  #pairs: Uint16Array = NO_PAIRS;
  #length = 0;
  /** No pattern begins before. */
  #searched = 0;
  #escapes: EscapeView | undefined;
  #compressed: CompressedFinder | undefined;
  #runs: RunScanner | undefined;
  #printable: PrintableView | undefined;

  /** `via`: how it came about; empty for the stream itself. */
  constructor(
    readonly stream: Stream,
    readonly depth: number,
    public via: string,
    readonly search: Search,
  ) {}

  push(chunk: Uint8Array): void {
    if (this.search.patterns.length === 0) return;
    for (let at = 0; at < chunk.length;) {
      const size = this.#room(chunk.length - at);
      this.#bytes.set(size === chunk.length ? chunk : chunk.subarray(at, at + size), this.#length);
      at += size;
      this.#length += size;
      this.#look(this.#length - size);
    }
  }

  /** All of it at once: as `push` and `end`, in the memory of the caller. */
  whole(bytes: Uint8Array): void {
    if (bytes.length > AT_A_TIME || (bytes.byteOffset & 1) === 1) this.push(bytes);
    else if (bytes.length > 0 && this.search.patterns.length > 0) {
      this.#bytes = bytes;
      this.#pairs = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
      this.#length = bytes.length;
      this.#look(0);
    }
    this.end();
    this.#bytes = NOTHING;
  }

  /** What follows does not go on with what came. */
  end(): void {
    if (this.#length === 0) return;
    this.#runs?.end(this.#bytes.subarray(0, this.#length));
    this.#escapes?.end();
    this.#compressed?.end();
    this.#printable?.end();
    this.#printable = undefined;
    this.#length = 0;
    this.#searched = 0;
  }

  /** A layer below this one. */
  below(kind: string): Layer {
    return new Layer(this.stream, this.depth + 1, within(kind, this.via), this.stream.compiled.all);
  }

  /** Whether it is in something that has no border that can be told from outside. */
  get goesOn(): boolean {
    return this.#compressed?.busy === true || this.#printable !== undefined || this.#escapes?.goesOn === true;
  }

  /** Makes room for as many bytes as that, or some of them; how many. */
  #room(wanted: number): number {
    const have = this.#bytes.length - this.#length;
    if (wanted <= have) return wanted;
    const { reach } = this.stream.compiled;
    const back = this.depth < MAX_DEPTH ? this.#length - reach : this.#length;
    const gone = Math.max(0, Math.min(back, this.#searched, this.#runs?.keep ?? back));
    const left = this.#length - gone;
    const full = left + AT_A_TIME;
    const size = Math.min(Math.max(FIRST_SIZE, 2 * (left + wanted)), full + (full & 1));
    if (size > this.#bytes.length) {
      const bytes = new Uint8Array(size);
      bytes.set(this.#bytes.subarray(gone, this.#length));
      this.#bytes = bytes;
      this.#pairs = new Uint16Array(bytes.buffer, 0, size >> 1);
    } else this.#bytes.copyWithin(0, gone, this.#length);
    this.#length = left;
    this.#searched -= gone;
    this.#runs?.shift(gone);
    this.#escapes?.shift(gone);
    return Math.min(wanted, this.#bytes.length - left);
  }

  /** At what came from `fresh` on. */
  #look(fresh: number): void {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#find(bytes);
    if (this.depth >= MAX_DEPTH) return;
    if (!this.#printable) {
      if (QUOTED.find(bytes, Math.max(0, fresh - QUOTED.longest))) this.#printable = new PrintableView(this);
    }
    this.#printable?.push(bytes.subarray(fresh));
    const { shortest, readable } = this.stream.compiled;
    this.#runs ??= new RunScanner(new RunViews(this), shortest, readable);
    this.#runs.scan(bytes, this.#pairs);
    const { escapes, magic } = this.#places;
    if (escapes.length > 0) escapes.length = 0;
    if (magic.length > 0) magic.length = 0;
    // Long runs have no trigger in them.
    let from = fresh;
    for (let i = 0; i < this.#runs.spans.length; i += 2) {
      findTriggers(bytes, this.#pairs, from, this.#runs.spans[i]!, escapes, magic);
      // Its last byte may be the first of a pair.
      from = Math.max(from, this.#runs.spans[i + 1]! - 1);
    }
    findTriggers(bytes, this.#pairs, from, bytes.length, escapes, magic);
    if (escapes.length > 0 || this.#escapes) (this.#escapes ??= new EscapeView(this)).take(bytes, escapes);
    this.#compressed ??= this.#finder();
    this.#compressed.push(bytes, magic, fresh);
  }

  readonly #places = { escapes: [] as number[], magic: [] as number[] };

  #find(bytes: Uint8Array): void {
    const { matcher } = this.search;
    let cut = bytes.length;
    for (let at = this.#searched; ;) {
      const match = matcher.find(bytes, at);
      cut = Math.min(cut, matcher.cut);
      if (!match) break;
      this.#hit(match.pattern);
      at = match.at + 1;
    }
    this.#searched = cut;
  }

  #hit(pattern: number): void {
    const { secret, form } = this.search.patterns[pattern]!;
    this.stream.found(secret, within(form, this.via));
  }

  #finder(): CompressedFinder {
    let below: Layer | undefined;
    return new CompressedFinder(this.stream.compiled.decoders, {
      inflated: (bytes) => {
        if (!this.stream.spend(bytes.length)) return false;
        below ??= this.below('compressed');
        below.via = within('compressed', this.via);
        below.push(bytes);
        return true;
      },
      end: () => below?.end(),
    });
  }
}

const NO_PAIRS = new Uint16Array(0);

/** The outer form is not repeated: three times percent is percent. */
function within(form: string, via: string): string {
  if (via === '') return form;
  if (form === 'plain' || via === form || via.startsWith(`${form} in `)) return via;
  return `${form} in ${via}`;
}

const ESCAPE = 1;
const MAGIC = 2;
/**
 * By a byte and the one behind it: what may begin with them. Line ends, quotes and backslashes in JSON are no reason to look:
 * encodings.ts has the forms in which they alone are escaped, and letters that text is full of are followed by others.
 */
const BEHIND = new Uint8Array(65_536);
for (const [first, seconds, what] of [
  ['%', '0123456789abcdefABCDEF', ESCAPE],
  ['\\', 'ux0123/\\', ESCAPE],
  ['&', '#alqgn', ESCAPE],
  ['\x1f', '\x8b', MAGIC],
  ['x', '\x01\x5e\x9c\xda', MAGIC],
  ['P', 'AK', MAGIC],
  ['\xb5', '\x2f', MAGIC],
] as const)
  for (const second of seconds) BEHIND[(first.charCodeAt(0) << 8) | second.charCodeAt(0)] = what;
/** By byte: what begins with it, whatever follows. */
const FIRST = new Uint8Array(256);
for (let i = 0; i < 65_536; i++) FIRST[i >> 8] = FIRST[i >> 8]! | BEHIND[i]!;
/**
 * Two bytes at a time, as they are in memory: whether something may begin with one of them. Where the second one is the letter
 * that compressed data begins with, it is told by what follows, so that texts are not full of them.
 */
const PAIRS = new Uint8Array(65_536);
const FIRST_IS_LOW = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const pairOf = (first: number, second: number) => (FIRST_IS_LOW ? (second << 8) | first : (first << 8) | second);
for (let first = 0; first < 256; first++)
  for (let second = 0; second < 256; second++) {
    const zlib = BEHIND[(0x78 << 8) | first]!;
    PAIRS[pairOf(first, second)] = BEHIND[(first << 8) | second]! | (FIRST[second]! & ESCAPE) | zlib;
  }
for (const [first, second] of ['K\x03', 'K\0', '\x8b\x08', '\x28\xb5'].map((two) => fromBinary(two)))
  PAIRS[pairOf(first!, second!)] = MAGIC;

/** The places from `from` to `to` where an escape or compressed data may begin, in order. */
function findTriggers(
  bytes: Uint8Array,
  pairs: Uint16Array,
  from: number,
  to: number,
  escapes: number[],
  magic: number[],
): void {
  // Of what is before, all places are known.
  let known = from;
  let pair = (from + 1) >> 1;
  const last = (to >> 1) - 4;
  if (2 * pair > from && from < to) addTriggers(bytes, from, (known = 2 * pair), escapes, magic);
  for (; pair <= last; pair += 4)
    if ((PAIRS[pairs[pair]!]! | PAIRS[pairs[pair + 1]!]! | PAIRS[pairs[pair + 2]!]! | PAIRS[pairs[pair + 3]!]!) !== 0) {
      // From far enough before for `PACK`.
      addTriggers(bytes, Math.max(known, 2 * pair - 3), 2 * pair + 8, escapes, magic);
      known = 2 * pair + 8;
    }
  if (known < to) addTriggers(bytes, Math.max(known, 2 * pair - 3), to, escapes, magic);
}

function addTriggers(bytes: Uint8Array, from: number, to: number, escapes: number[], magic: number[]): void {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (FIRST[byte] === 0) continue;
    const next = bytes[i + 1];
    const what = next === undefined ? FIRST[byte]! : BEHIND[(byte << 8) | next]!;
    if (what === ESCAPE) escapes.push(i);
    else if (what === MAGIC) magic.push(i);
  }
}

/** Undoes escapes: in the words that have one that matters, and in what goes on behind. */
class EscapeView {
  #unescaper: Unescaper | undefined;
  #below: Layer | undefined;
  readonly #kinds = new Set<string>();
  readonly #escape: Escape = { code: 0, length: 0, kind: 'json' };
  /** A word is under way. */
  #open = false;
  /** Where to look on: what is before is of words that were given, or will not be. */
  #at = 0;
  /** In an open word: what is before has been given. */
  #given = 0;
  /** An escape that too little has come of, or of whose word. */
  #again = NOWHERE;
  /** Words without escapes, one after the other, that have not gone down. */
  #words: Uint8Array = NOTHING;
  #count = 0;
  /** The word has bytes that compressed data may have. */
  #binary = false;

  readonly #goesOn: Uint8Array;

  constructor(private readonly layer: Layer) {
    const { goesOn, goesOnBelow } = layer.stream.compiled;
    this.#goesOn = layer.depth === 0 ? goesOn : goesOnBelow;
  }

  get goesOn(): boolean {
    return this.#open && this.#below?.goesOn === true;
  }

  /** So many bytes at the beginning are gone. */
  shift(count: number): void {
    this.#at = Math.max(0, this.#at - count);
    this.#given = Math.max(0, this.#given - count);
    if (this.#again !== NOWHERE) this.#again = this.#again < count ? NOWHERE : this.#again - count;
  }

  /** All that came and is still there; `places`: where an escape may begin, in what is new. */
  take(bytes: Uint8Array, places: readonly number[]): void {
    if (this.#open) this.#goOn(bytes);
    const again = this.#again;
    this.#again = NOWHERE;
    if (again !== NOWHERE && !this.#open) this.#try(bytes, again);
    for (let i = 0; i < places.length && !this.#open && this.#again === NOWHERE; i++) this.#try(bytes, places[i]!);
    if (this.#count > 0) this.#flushed();
  }

  end(): void {
    if (this.#open) this.#close();
    if (this.#count > 0) this.#flushed();
    this.#below?.end();
    this.#at = 0;
    this.#again = NOWHERE;
  }

  /** Whether a word that holds the escape at `place` may be of a value: then it is given. */
  #try(bytes: Uint8Array, place: number): void {
    if (place < this.#at || !this.#matters(bytes, place)) return;
    const goesOn = this.#goesOn;
    const { reach } = this.layer.stream.compiled;
    const floor = Math.max(this.#at, place - reach);
    let from = place;
    while (from > floor && (goesOn[bytes[from - 1]!] === 1 || isBetweenPairs(bytes, from - 1))) from--;
    // Of a few characters none is a value.
    const units = this.#wordFrom(bytes, place, MIN_BYTES - (place - from));
    if (units < 0) {
      this.#again = place;
      return;
    }
    if (place - from + units < MIN_BYTES) return;
    this.#open = true;
    this.#given = from;
    this.#at = place;
    this.#goOn(bytes);
  }

  /** So many characters are in the rest of a word, or at least `enough`; -1: the bytes end before there are enough. */
  #wordFrom(bytes: Uint8Array, from: number, enough: number): number {
    let units = 0;
    for (let at = from; units < enough; units++) {
      if (at >= bytes.length) return -1;
      const length = this.#unit(bytes, at);
      if (length < 0) return -1;
      if (length === 0) break;
      at += length;
    }
    return units;
  }

  /** Gives what there is of the word. */
  #goOn(bytes: Uint8Array): void {
    for (;;) {
      const goesOn = this.#goesOn;
      let at = this.#at;
      let length = 1;
      while (at < bytes.length) {
        const byte = bytes[at]!;
        // Most of a word is as it is.
        length = goesOn[byte] === 1 && !isEscapeByte(byte) ? 1 : this.#unit(bytes, at);
        if (length <= 0) break;
        at += length;
      }
      const unfinished = at >= bytes.length || length < 0;
      this.#at = at;
      this.#give(bytes.subarray(this.#given, unfinished ? bytes.length : at));
      this.#given = unfinished ? bytes.length : at;
      if (unfinished) return;
      // What is compressed ends where it ends.
      if (!this.#binary || !this.#flushed().goesOn) break;
      this.#at++;
    }
    this.#close();
  }

  /** The length of the character at `at`, plain or escaped, when it may be of a word; 0: it is not; -1: the bytes end before. */
  #unit(bytes: Uint8Array, at: number): number {
    const goesOn = this.#goesOn;
    const { beyond } = this.layer.stream.compiled;
    const byte = bytes[at]!;
    if (!isEscapeByte(byte)) return goesOn[byte] === 1 || isBetweenPairs(bytes, at) ? 1 : 0;
    const escape = this.#escape;
    readEscape(bytes, at, escape);
    if (escape.length < 0) return -1;
    if (escape.length === 0) return goesOn[byte]!;
    const { code, length } = escape;
    // Line ends are in what is encoded; of bytes that are no text, nobody knows.
    const fits =
      code === SPACE
        ? goesOn[SPACE] === 1 || endsPair(bytes, at)
        : code < 0x7f || (code > 0xff || !saysByte(escape) ? beyond : true);
    if (!fits) return 0;
    this.#kinds.add(escape.kind);
    if (code < 0x20 || code > 0x7e) this.#binary = true;
    return length;
  }

  /** Whether what begins here may be an escape of something that values are made of. */
  #matters(bytes: Uint8Array, at: number): boolean {
    const { alphabet, beyond } = this.layer.stream.compiled;
    const escape = this.#escape;
    readEscape(bytes, at, escape);
    if (escape.length <= 0) return escape.length < 0;
    if (escape.code > 0x7f && !saysByte(escape)) return beyond;
    // A backslash that is escaped as anything else may begin an escape itself.
    return alphabet[escape.code] === 1 || (escape.code === BACKSLASH && escape.kind !== 'json');
  }

  #give(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#add((this.#unescaper ??= createUnescaper()).push(bytes));
  }

  #add(bytes: Uint8Array): void {
    if (this.#count + bytes.length > WORDS) this.#flushed();
    if (bytes.length > WORDS) this.#lower().push(bytes);
    else {
      if (this.#words.length < WORDS) this.#words = new Uint8Array(WORDS);
      this.#words.set(bytes, this.#count);
      this.#count += bytes.length;
    }
  }

  #close(): void {
    if (this.#unescaper) this.#add(this.#unescaper.end());
    this.#add(BETWEEN_WORDS);
    this.#open = false;
    this.#binary = false;
  }

  #lower(): Layer {
    const kind = this.#kinds.size > 1 ? 'mixed' : ([...this.#kinds][0] ?? 'json');
    const below = (this.#below ??= this.layer.below(kind));
    below.via = within(kind, this.layer.via);
    return below;
  }

  #flushed(): Layer {
    const below = this.#lower();
    below.push(this.#words.subarray(0, this.#count));
    this.#count = 0;
    if (!this.#open) this.#kinds.clear();
    return below;
  }
}

const WORDS = 4096;
/** No value, and no encoding, has these beside each other. */
const BETWEEN_WORDS = new Uint8Array([0xff, 0xff]);
const NOWHERE = -1;

const isDigit = (byte: number | undefined) =>
  byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66));

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
/** Whether what stands before `at` may be a pair of hexadecimal digits, escaped or not, or a number in a list. */
const endsPair = (bytes: Uint8Array, at: number) =>
  (isDigit(bytes[at - 1]) || bytes[at - 1] === COMMA || bytes[at - 1] === SEMICOLON) && isDigit(bytes[at - 2]);

/** A space in a hex dump. */
const isBetweenPairs = (bytes: Uint8Array, at: number) => bytes[at] === SPACE && endsPair(bytes, at);

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
  readonly #base64: (Layer | undefined)[] = [];
  readonly #hex: (Layer | undefined)[] = [];
  #lines: Layer | undefined;

  constructor(private readonly layer: Layer) {}

  /** Only searched: what a run holds is decoded anyway, whatever its lines. */
  squeezed(bytes: Uint8Array): void {
    const { layer } = this;
    this.#lines ??= new Layer(layer.stream, MAX_DEPTH, layer.via, layer.stream.compiled.all);
    this.#lines.via = layer.via;
    this.#lines.push(bytes);
  }

  decoded(kind: 'base64' | 'hex', lane: number, bytes: Uint8Array): boolean {
    const lanes = kind === 'hex' ? this.#hex : this.#base64;
    const below = (lanes[lane] ??= this.layer.below(kind));
    below.via = within(kind, this.layer.via);
    below.push(bytes);
    return below.goesOn;
  }

  gap(kind: 'base64' | 'hex', lane: number): void {
    (kind === 'hex' ? this.#hex : this.#base64)[lane]?.end();
  }

  end(): void {
    this.#lines?.end();
    for (const lane of this.#base64) lane?.end();
    for (const lane of this.#hex) lane?.end();
  }
}

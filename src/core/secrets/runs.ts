// Finds runs of base64 and hex in a byte stream, also over line ends (plain, or escaped as in JSON and in forms), and says what
// they hold. It judges nothing: what it decodes is looked through by others. Most runs in ordinary data (words, ids, paths) are
// short and hold nothing readable: they cost a few samples.

/** Receives what runs hold. */
export interface RunSink {
  /** A piece of the run itself without line ends, of a run that has some. */
  squeezed(bytes: Uint8Array): void;
  /** Decoded. `lane` tells apart the places in a run where its decoding may begin. */
  decoded(kind: 'base64' | 'hex', lane: number, bytes: Uint8Array): void;
  /** The run ended; nothing that follows continues it. */
  end(): void;
}

/** The shortest run that may hold an encoded value, for values of so many bytes. Below 28 characters no compressed data fits. */
export const shortestRun = (valueBytes: number) => Math.min(28, Math.floor((valueBytes * 4) / 3));
/** So much of a run is decoded at a time. A multiple of 4. */
const PIECE = 4096;
/** Line end and indentation. */
const LONGEST_SEPARATOR = 64;
/** What is shorter and not readable is not worth a look. */
const READABLE = 8;

const NO_CODE = 0xff;
const CODES = new Uint8Array(256).fill(NO_CODE);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let i = 0; i < 64; i++) CODES[ALPHABET.charCodeAt(i)] = i;
CODES['-'.charCodeAt(0)] = 62;
CODES['_'.charCodeAt(0)] = 63;
/** By base64 code: the value of a hex digit. */
const HEX_OF_CODE = new Uint8Array(64).fill(NO_CODE);
for (let i = 0; i < 16; i++) {
  HEX_OF_CODE[CODES['0123456789abcdef'.charCodeAt(i)]!] = i;
  HEX_OF_CODE[CODES['0123456789ABCDEF'.charCodeAt(i)]!] = i;
}
const LF = 0x0a;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const isSpace = (byte: number | undefined) => byte === LF || byte === 0x0d || byte === 0x20 || byte === 0x09;

const NOTHING = new Uint8Array(0);

export class RunScanner {
  /** Bytes that may begin a run, or go on with one, and were not looked at to the end. */
  #held: Uint8Array = NOTHING;
  /** A run is under way. */
  #open = false;
  /** It has line ends. */
  #wrapped = false;
  /** Its characters as base64 codes, since the last piece. */
  #codes: Uint8Array | undefined;
  /** The same characters as they came. */
  #line: Uint8Array | undefined;
  #count = 0;
  /** Pieces so far. */
  #pieces = 0;
  #hex = true;

  /** `shortest`: runs below are passed over. One byte in so many is looked at: every longer run has one of them. */
  constructor(
    private readonly sink: RunSink,
    private readonly shortest: number,
  ) {}

  push(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#held.length > 0) {
      bytes = new Uint8Array(this.#held.length + chunk.length);
      bytes.set(this.#held);
      bytes.set(chunk, this.#held.length);
      this.#held = NOTHING;
    }
    this.#scan(bytes);
  }

  end(): void {
    this.#held = NOTHING;
    if (this.#open) this.#close();
  }

  #scan(bytes: Uint8Array): void {
    const { shortest } = this;
    const size = bytes.length;
    let at = 0;
    if (this.#open) {
      at = this.#follow(bytes, 0);
      if (at < 0) return;
    }
    while (at < size) {
      const sample = Math.min(at + shortest, size) - 1;
      if (CODES[bytes[sample]!] !== NO_CODE) {
        let start = sample;
        while (start > at && CODES[bytes[start - 1]!] !== NO_CODE) start--;
        const end = runEnd(bytes, sample);
        // A word of a text.
        if (end - start < shortest && end < size && !isGapByte(bytes[end]!) && !isGapBefore(bytes, start)) {
          at = end + 1;
          continue;
        }
      } else if (!mayBeInside(bytes, sample)) {
        at = sample + 1;
        continue;
      }
      at = this.#runsAround(bytes, sample, at);
      if (at < 0) return;
    }
  }

  /** The runs from `from` to the sample, and the one that it is in. Where they end; -1 when the bytes end first. */
  #runsAround(bytes: Uint8Array, sample: number, from: number): number {
    let place = sample;
    while (place > from && mayBeInside(bytes, place - 1)) place--;
    while (place >= 0 && place <= sample)
      place = CODES[bytes[place]!] === NO_CODE ? place + nonRun(bytes, place) : this.#try(bytes, place);
    return place;
  }

  /** Takes the run at `from` when it is long enough. Where it ended; -1 when the bytes end first. */
  #try(bytes: Uint8Array, from: number): number {
    let total = 0;
    for (let line = from; ;) {
      const end = runEnd(bytes, line);
      total += end - line;
      if (total >= this.shortest) return this.#follow(bytes, from);
      const gap = separator(bytes, end);
      if (gap < 0) {
        this.#held = bytes.slice(from);
        return -1;
      }
      if (gap === 0) return end;
      line = end + gap;
    }
  }

  /** Takes the run that begins, or goes on, at `from`. Where it ended; -1 when the bytes end first. */
  #follow(bytes: Uint8Array, from: number): number {
    this.#open = true;
    for (let at = from; ;) {
      const end = runEnd(bytes, at);
      this.#take(bytes, at, end);
      const gap = separator(bytes, end);
      if (gap < 0) {
        this.#held = bytes.slice(end);
        return -1;
      }
      if (gap === 0) {
        this.#close();
        return end;
      }
      if (!this.#wrapped) {
        this.#wrapped = true;
        // The first line was not yet given as a piece of a wrapped run.
        this.sink.squeezed(this.#line!.slice(0, this.#count));
      }
      at = end + gap;
    }
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    if (this.#wrapped) this.sink.squeezed(bytes.subarray(from, to));
    const codes = (this.#codes ??= new Uint8Array(PIECE));
    const line = (this.#line ??= new Uint8Array(PIECE));
    let count = this.#count;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      line[count] = byte;
      codes[count++] = CODES[byte]!;
      if (count === PIECE) {
        this.#count = count;
        this.#flush();
        count = 0;
      }
    }
    this.#count = count;
  }

  #close(): void {
    const wrote = this.#count >= this.shortest || this.#pieces > 0;
    if (wrote) this.#flush();
    if (wrote || this.#wrapped) this.sink.end();
    this.#open = false;
    this.#wrapped = false;
    this.#count = 0;
    this.#pieces = 0;
    this.#hex = true;
  }

  #flush(): void {
    const codes = this.#codes!;
    const count = this.#count;
    const first = this.#pieces === 0;
    if (this.#hex) this.#hex = this.#isHex();
    if (this.#hex)
      for (const lane of first ? [0, 1] : [0]) {
        if (!first || readableHex(codes, lane, count)) this.sink.decoded('hex', lane, hexBytes(codes, lane, count));
      }
    if (!first || count === PIECE) this.sink.decoded('base64', 0, base64Bytes(codes, 0, count));
    else if (worthALook(codes, 0, count)) this.sink.decoded('base64', 0, base64Bytes(codes, 0, count));
    // What stands before may be another word, cut off by one of the characters that base64 has as well.
    if (first)
      for (let lane = 1, lanes = lanesOf(codes, count); lane < 4; lane++)
        if ((lanes >> lane) & 1 && worthALook(codes, lane, count))
          this.sink.decoded('base64', lane, base64Bytes(codes, lane, count));
    this.#pieces++;
    this.#count = 0;
  }

  #isHex(): boolean {
    const codes = this.#codes!;
    for (let i = 0; i < this.#count; i++) if (HEX_OF_CODE[codes[i]!] === NO_CODE) return false;
    return true;
  }
}

/** Whether the gap between two lines of a run may begin with it, or have it before its last character. */
const isGapByte = (byte: number) => byte === LF || byte === 0x0d || byte === BACKSLASH || byte === PERCENT;

function isGapBefore(bytes: Uint8Array, start: number): boolean {
  const before = bytes[start - 1];
  if (before === undefined) return false;
  return isGapByte(before) || (isSpace(before) && (bytes[start - 2] ?? 0) <= 0x20);
}

/** Whether a run may have this byte, or the gap between two of its lines. */
function mayBeInside(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]!;
  if (CODES[byte] !== NO_CODE || isGapByte(byte)) return true;
  return isSpace(byte) && (isSpace(bytes[at - 1]) || bytes[at - 1] === 0x6e);
}

/** What is not of a run at `at`: a byte, or an escape, whose letter is not of the run that follows. */
function nonRun(bytes: Uint8Array, at: number): number {
  return Math.max(1, escapedBreak(bytes, at));
}

function runEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end < bytes.length && CODES[bytes[end]!] !== NO_CODE) end++;
  return end;
}

/** 2 for `\n` and `\r`, 3 for `%0A` and `%0D`, -1 when the bytes end, else 0. */
function escapedBreak(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === BACKSLASH) {
    const next = bytes[at + 1];
    return next === undefined ? -1 : next === 0x6e || next === 0x72 || next === 0x74 ? 2 : 0;
  }
  if (byte === PERCENT) {
    if (at + 2 >= bytes.length) return -1;
    const low = bytes[at + 2]! | 0x20;
    return bytes[at + 1] === 0x30 && (low === 0x61 || low === 0x64) ? 3 : 0;
  }
  return 0;
}

/**
 * The length of what stands between two lines of a run: a line end, as it is or escaped, and indentation. 0: something else;
 * -1: the bytes end before it is clear.
 */
function separator(bytes: Uint8Array, from: number): number {
  let at = from;
  let breaks = 0;
  for (;;) {
    if (at - from > LONGEST_SEPARATOR) return 0;
    if (at >= bytes.length) return -1;
    const byte = bytes[at]!;
    if (isSpace(byte)) {
      if (byte === LF || byte === 0x0d) breaks++;
      at++;
      continue;
    }
    // Before an escaped line end, inside a string of a string, there may be more than one backslash.
    let slashes = at;
    while (bytes[slashes] === BACKSLASH && bytes[slashes + 1] === BACKSLASH && slashes - at < 7) slashes++;
    const length = escapedBreak(bytes, slashes);
    if (length < 0) return -1;
    if (length === 0) break;
    breaks++;
    at = slashes + length;
  }
  return breaks > 0 && CODES[bytes[at]!] !== NO_CODE ? at - from : 0;
}

/** Where words that stand before may end: behind a character that base64 has as well. As bits. */
function lanesOf(codes: Uint8Array, count: number): number {
  let lanes = 0;
  for (let i = 0; i < count; i++) if (codes[i]! >= 62) lanes |= 1 << ((i + 1) & 3);
  return lanes;
}

const isPrintable = (byte: number) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d);

/** Whether what it decodes to is compressed, or has readable text somewhere: one group of three in four is looked at. */
function worthALook(codes: Uint8Array, lane: number, count: number): boolean {
  if (count - lane < 12) return false;
  const [a, b] = [codes[lane]!, codes[lane + 1]!];
  const first = (a << 2) | (b >> 4);
  const second = ((b & 15) << 4) | (codes[lane + 2]! >> 2);
  if ((first === 0x1f && second === 0x8b) || (first === 0x28 && second === 0xb5)) return true;
  if ((first & 0x8f) === 0x08 && ((first << 8) | second) % 31 === 0) return true;
  let readable = 0;
  for (let i = lane; i + 3 < count; i += 4) {
    const group = (codes[i]! << 18) | (codes[i + 1]! << 12) | (codes[i + 2]! << 6) | codes[i + 3]!;
    if (isPrintable(group >> 16) && isPrintable((group >> 8) & 0xff) && isPrintable(group & 0xff)) {
      readable += 3;
      if (readable > READABLE) return true;
    } else readable = 0;
  }
  return false;
}

function base64Bytes(codes: Uint8Array, from: number, count: number): Uint8Array {
  const out = new Uint8Array(Math.floor(((count - from) * 3) / 4));
  let length = 0;
  let i = from;
  for (; i + 3 < count; i += 4) {
    const group = (codes[i]! << 18) | (codes[i + 1]! << 12) | (codes[i + 2]! << 6) | codes[i + 3]!;
    out[length++] = group >> 16;
    out[length++] = group >> 8;
    out[length++] = group;
  }
  if (count - i >= 2) out[length++] = (codes[i]! << 2) | (codes[i + 1]! >> 4);
  if (count - i === 3) out[length++] = (codes[i + 1]! << 4) | (codes[i + 2]! >> 2);
  return out;
}

function hexBytes(codes: Uint8Array, from: number, count: number): Uint8Array {
  const out = new Uint8Array((count - from) >> 1);
  for (let i = 0; i < out.length; i++)
    out[i] = (HEX_OF_CODE[codes[from + 2 * i]!]! << 4) | HEX_OF_CODE[codes[from + 2 * i + 1]!]!;
  return out;
}

function readableHex(codes: Uint8Array, from: number, count: number): boolean {
  let readable = 0;
  const first = (HEX_OF_CODE[codes[from]!]! << 4) | HEX_OF_CODE[codes[from + 1]!]!;
  if (first === 0x1f || first === 0x28 || (first & 0x8f) === 0x08) return true;
  for (let i = from; i + 1 < count; i += 2) {
    const byte = (HEX_OF_CODE[codes[i]!]! << 4) | HEX_OF_CODE[codes[i + 1]!]!;
    readable = isPrintable(byte) ? readable + 1 : 0;
    if (readable > READABLE) return true;
  }
  return false;
}

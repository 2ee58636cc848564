// Finds runs of base64 and hex in a byte stream, also over line ends (plain, or escaped as in JSON and in forms), and says what
// they hold. It judges nothing: what it decodes is looked through by others. Most runs in ordinary data (words, ids, paths) are
// short and hold nothing readable: they cost a few samples. Of long runs every part is sampled, and only those are decoded that
// hold text, or follow compressed data: random bytes (images, archives in a format of their own) are passed over. What a
// pattern tells at once, a value in one encoding, is not looked for here, so that nothing is lost but what was compressed or
// encrypted behind bytes that are no text, and that is not different from any other cipher.

/** Receives what runs hold. Bytes are valid until it returns. */
export interface RunSink {
  /** A piece of the run itself without line ends, of a run that has some. */
  squeezed(bytes: Uint8Array): void;
  /**
   * Decoded. `lane` tells apart the places in a run where its decoding may begin. Returns whether it wants all that follows,
   * readable or not.
   */
  decoded(kind: 'base64' | 'hex', lane: number, bytes: Uint8Array): boolean;
  /** What comes next in this lane does not go on where the last bytes ended. */
  gap(kind: 'base64' | 'hex', lane: number): void;
  /** The run ended; nothing that follows continues it. */
  end(): void;
}

/** The shortest run that may hold an encoded value, for values of so many bytes. Below 28 characters no compressed data fits. */
export const shortestRun = (valueBytes: number) => Math.min(28, Math.floor((valueBytes * 4) / 3));
/** So much of a run is judged at a time. A multiple of 4. */
const PIECE = 2048;
/** So much of an open run waits for more. */
const WAITS = 1024;
/** Parts that were judged are judged again with what follows: readable text may go over the border. A multiple of 4. */
const OVERLAP = 32;
/** A run that was only digits of hex for so long is taken for nothing else. */
const ONLY_HEX = 64;
/** From this length on a run is told to those who can do without looking at it. */
const LONG = 256;
/** Line end and indentation. */
const LONGEST_SEPARATOR = 64;
/** Something encoded twice has as many readable bytes as the shortest value, or more. */
const READABLE = 12;

const NO_CODE = 0xff;
const CODES = new Uint8Array(256).fill(NO_CODE);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let i = 0; i < 64; i++) CODES[ALPHABET.charCodeAt(i)] = i;
CODES['-'.charCodeAt(0)] = 62;
CODES['_'.charCodeAt(0)] = 63;
const DIGITS = new Uint8Array(256).fill(NO_CODE);
for (let i = 0; i < 16; i++) {
  DIGITS['0123456789abcdef'.charCodeAt(i)] = i;
  DIGITS['0123456789ABCDEF'.charCodeAt(i)] = i;
}
/** Of two bytes as one number, whether both belong to a run. */
const BOTH = new Uint8Array(65_536);
for (let i = 0; i < 65_536; i++) {
  const [first, second] = [i & 0xff, i >> 8];
  if (CODES[first] !== NO_CODE && CODES[second] !== NO_CODE) BOTH[i] = 1;
}
const LF = 0x0a;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const isSpace = (byte: number | undefined) => byte === LF || byte === 0x0d || byte === 0x20 || byte === 0x09;

/** What is looked for in decoded bytes, beside ASCII: what values are made of. */
const PRINTABLE = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d) ? 1 : 0,
);
/** What counts as readable. */
export interface Readable {
  /** By byte. */
  readonly bytes: Uint8Array;
  /** By a character, for the first three of a group: whether the byte that it has the upper bits of may be readable. */
  readonly bits: readonly [Uint8Array, Uint8Array, Uint8Array];
}

export function readableBytes(values: readonly Uint8Array[]): Readable {
  const bytes = PRINTABLE.slice();
  for (const value of values) for (const byte of value) bytes[byte] = 1;
  const upper = (count: number) => {
    const some = new Uint8Array(256);
    for (let byte = 0; byte < 256; byte++) if (bytes[byte] === 1) some[byte >> (8 - count)] = 1;
    const mask = (1 << count) - 1;
    return CODES.map((code) => (code !== NO_CODE && some[code & mask] === 1 ? 1 : 0));
  };
  return { bytes, bits: [upper(6), upper(4), upper(2)] };
}

const ASCII = readableBytes([]);

/** No part of the lane has been decoded that what follows goes on with. */
const CLOSED = -1;
const LANES = 4;
const HEX_LANES = 2;

export class RunScanner {
  /** What is before has been looked at to the end. */
  #at = 0;
  /** A run is under way. */
  #open = false;
  /** It has line ends. */
  #wrapped = false;
  /** Where it began; its characters were in one line. */
  #start = 0;
  /** Its characters without line ends, when it has some; not yet judged from `#judged` on. */
  #line: Uint8Array | undefined;
  #count = 0;
  /** Of those, so many were given as squeezed. */
  #squeezed = 0;
  /** Where what is to be judged begins: in the bytes, or in the line. */
  #judged = 0;
  /** Characters of the run before that place. A multiple of 4. */
  #passed = 0;
  #hex = true;
  /** By lane, so many characters of the run were decoded. */
  readonly #done = new Int32Array(LANES + HEX_LANES).fill(CLOSED);
  #gave = false;
  readonly #groups: number;
  /** Where long runs without line ends begin and end, of the last `scan`, one after the other. */
  readonly spans: number[] = [];

  /**
   * `shortest`: runs below are passed over. One byte in so many is looked at: every longer run has one of them.
   */
  constructor(
    private readonly sink: RunSink,
    private readonly shortest: number,
    private readonly readable: Readable = ASCII,
  ) {
    // Of so many bytes, wherever they begin, so many groups of three are whole.
    this.#groups = shortest >= 20 ? 4 : 3;
  }

  /** Where what it still needs begins. */
  get keep(): number {
    return this.#open && !this.#wrapped ? Math.min(this.#at, this.#judged) : this.#at;
  }

  /** So many bytes at the beginning are gone. */
  shift(count: number): void {
    this.#at -= count;
    if (!this.#open || this.#wrapped) return;
    this.#judged -= count;
    this.#start = Math.max(0, this.#start - count);
  }

  /** All that came and is still there; `pairs`: the same memory, two bytes at a time. */
  scan(bytes: Uint8Array, pairs: Uint16Array): void {
    this.spans.length = 0;
    const { shortest } = this;
    const size = bytes.length;
    let at = this.#at;
    if (this.#open) at = this.#follow(bytes, pairs, at);
    while (at >= 0) {
      const sample = Math.min(at + shortest, size) - 1;
      // From the end of a window back to what no run has: in a text it is near.
      let i = sample;
      for (; i >= at; i--) {
        const inside = INSIDE[bytes[i]!]!;
        if (inside === NEVER || (inside === SOMETIMES && !mayBeInside(bytes, i))) break;
      }
      if (i >= at) at = i + 1;
      else if (sample + 1 - at < shortest) break;
      else at = this.#runsFrom(bytes, pairs, at, sample);
    }
    if (at >= 0) this.#at = at;
  }

  /** Nothing follows `bytes`, which were scanned. */
  end(bytes: Uint8Array): void {
    if (this.#open && this.#wrapped) this.#close(this.#line!, this.#count);
    else if (this.#open) this.#close(bytes, this.#at);
    this.#at = 0;
  }

  /** The runs from `from` to the sample, and the one that it is in. Where they end; -1 when the bytes end first. */
  #runsFrom(bytes: Uint8Array, pairs: Uint16Array, from: number, sample: number): number {
    let place = from;
    while (place >= 0 && place <= sample)
      place = CODES[bytes[place]!] === NO_CODE ? place + nonRun(bytes, place) : this.#try(bytes, pairs, place);
    return place;
  }

  /** Takes the run at `from` when it is long enough. Where it ended; -1 when the bytes end first. */
  #try(bytes: Uint8Array, pairs: Uint16Array, from: number): number {
    let total = 0;
    for (let line = from; ;) {
      const end = runEnd(bytes, pairs, line);
      total += end - line;
      if (total >= this.shortest) {
        this.#open = true;
        this.#start = from;
        this.#judged = from;
        return this.#follow(bytes, pairs, from);
      }
      const gap = separator(bytes, end);
      if (gap < 0) {
        this.#at = from;
        return -1;
      }
      if (gap === 0) return end;
      line = end + gap;
    }
  }

  /** Takes the run that begins, or goes on, at `from`. Where it ended; -1 when the bytes end first. */
  #follow(bytes: Uint8Array, pairs: Uint16Array, from: number): number {
    for (let at = from; ;) {
      const end = runEnd(bytes, pairs, at);
      if (this.#wrapped) this.#take(bytes, at, end);
      else if (end - at >= LONG) this.spans.push(at, end);
      const gap = separator(bytes, end);
      if (gap < 0) {
        this.#at = end;
        // What it holds so far may be a whole value already.
        if (!this.#wrapped && end - this.#judged >= WAITS + OVERLAP) this.#judge(bytes, end, false);
        return -1;
      }
      if (gap === 0) {
        if (this.#wrapped) this.#close(this.#line!, this.#count);
        else this.#close(bytes, end);
        return end;
      }
      if (!this.#wrapped) this.#wrap(bytes, end);
      at = end + gap;
    }
  }

  /** The first line has come to its end at `end`, and another follows. */
  #wrap(bytes: Uint8Array, end: number): void {
    if (end - this.#judged > PIECE) this.#judge(bytes, end, false);
    this.sink.squeezed(bytes.subarray(this.#start, end));
    const line = (this.#line ??= new Uint8Array(2 * PIECE));
    this.#count = end - this.#judged;
    line.set(bytes.subarray(this.#judged, end));
    this.#squeezed = this.#count;
    this.#judged = 0;
    this.#wrapped = true;
    this.#gave = true;
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    const line = this.#line!;
    for (let at = from; at < to;) {
      const size = Math.min(to - at, line.length - this.#count);
      if (size < 16) for (let i = 0; i < size; i++) line[this.#count + i] = bytes[at + i]!;
      else line.set(bytes.subarray(at, at + size), this.#count);
      at += size;
      this.#count += size;
      if (this.#count === line.length) this.#flush();
    }
  }

  #flush(): void {
    this.#squeeze();
    const line = this.#line!;
    this.#judge(line, this.#count, false);
    line.copyWithin(0, this.#judged, this.#count);
    this.#count -= this.#judged;
    this.#squeezed = this.#count;
    this.#judged = 0;
  }

  #squeeze(): void {
    if (this.#count > this.#squeezed) this.sink.squeezed(this.#line!.subarray(this.#squeezed, this.#count));
    this.#squeezed = this.#count;
  }

  #close(bytes: Uint8Array, end: number): void {
    if (this.#wrapped) this.#squeeze();
    this.#judge(bytes, end, true);
    if (this.#gave) this.sink.end();
    this.#open = false;
    this.#wrapped = false;
    this.#count = 0;
    this.#squeezed = 0;
    this.#passed = 0;
    this.#hex = true;
    this.#gave = false;
    this.#done.fill(CLOSED);
  }

  /** What has come of the run, up to `end`, piece by piece. What the next piece needs is kept. */
  #judge(bytes: Uint8Array, end: number, final: boolean): void {
    for (;;) {
      const from = this.#judged;
      const to = Math.min(end, from + PIECE);
      const last = final && to === end;
      if (this.#hex) this.#hex = isHex(bytes, this.#passed === 0 ? from : Math.min(to, from + OVERLAP), to);
      if (this.#hex) for (let lane = 0; lane < HEX_LANES; lane++) this.#lane(bytes, from, to, lane, true, last);
      if (!this.#hex || this.#passed + to - from < ONLY_HEX)
        for (let lane = 0; lane < LANES; lane++) this.#lane(bytes, from, to, lane, false, last);
      if (last) return;
      const next = from + ((Math.max(0, to - from - OVERLAP) >> 2) << 2);
      this.#passed += next - from;
      this.#judged = next;
      if (to === end) return;
    }
  }

  #lane(bytes: Uint8Array, from: number, to: number, lane: number, hex: boolean, last: boolean): void {
    const slot = hex ? LANES + lane : lane;
    const kind = hex ? 'hex' : 'base64';
    const start = from + lane;
    let done = this.#done[slot]!;
    const open = done !== CLOSED;
    if (!(open && this.#wants[slot] === 1) && !this.#worth(bytes, start, to, hex)) {
      if (!open) return;
      this.sink.gap(kind, lane);
      this.#done[slot] = CLOSED;
      return;
    }
    if (!open) done = this.#passed + lane;
    const begin = from + done - this.#passed;
    const step = hex ? 2 : 4;
    // Part of a group only when nothing follows.
    const stop = last ? to : begin + Math.floor((to - begin) / step) * step;
    const decoded = hex ? hexBytes(bytes, begin, stop) : base64Bytes(bytes, begin, stop);
    this.#gave = true;
    this.#wants[slot] = this.sink.decoded(kind, lane, decoded) ? 1 : 0;
    this.#done[slot] = done + stop - begin;
  }

  /** By lane, whether all that follows is wanted. */
  readonly #wants = new Uint8Array(LANES + HEX_LANES);

  /** Whether what it decodes to is compressed, where the run begins, or has readable text somewhere. */
  #worth(bytes: Uint8Array, from: number, to: number, hex: boolean): boolean {
    if (to - from < 12) return false;
    if (this.#passed === 0 && (hex ? hexMagic(bytes, from) : base64Magic(bytes, from))) return true;
    return hex ? this.#readableHex(bytes, from, to) : this.#readableBase64(bytes, from, to);
  }

  /** Enough groups of three readable bytes beside each other. Of so many one is looked at first: most are none. */
  #readableBase64(bytes: Uint8Array, from: number, to: number): boolean {
    const { bytes: readable, bits } = this.readable;
    const [first, second, third] = bits;
    const wanted = this.#groups;
    const stride = 4 * wanted;
    for (let at = from + stride - 4; at + 4 <= to;) {
      if (
        (first[bytes[at]!]! & second[bytes[at + 1]!]! & third[bytes[at + 2]!]!) === 0 ||
        !isText(bytes, at, readable)
      ) {
        at += stride;
        continue;
      }
      let count = 1;
      for (let before = at - 4; count < wanted && isText(bytes, before, readable); before -= 4) count++;
      let next = at + 4;
      for (; count < wanted && next + 4 <= to && isText(bytes, next, readable); next += 4) count++;
      if (count >= wanted) return true;
      at = next + stride;
    }
    return false;
  }

  #readableHex(bytes: Uint8Array, from: number, to: number): boolean {
    const readable = this.readable.bytes;
    for (let at = from + 2 * READABLE - 2; at + 2 <= to;) {
      if (readable[hexAt(bytes, at)] === 0) {
        at += 2 * READABLE;
        continue;
      }
      let count = 1;
      for (let before = at - 2; count < READABLE && readable[hexAt(bytes, before)] === 1; before -= 2) count++;
      let next = at + 2;
      for (; count < READABLE && next + 2 <= to && readable[hexAt(bytes, next)] === 1; next += 2) count++;
      if (count >= READABLE) return true;
      at = next + 2 * READABLE;
    }
    return false;
  }
}

/** Whether the group of four at `at` says three readable bytes. */
function isText(bytes: Uint8Array, at: number, readable: Uint8Array): boolean {
  const group = groupAt(bytes, at);
  return (readable[group >> 16]! & readable[(group >> 8) & 0xff]! & readable[group & 0xff]!) === 1;
}

const groupAt = (bytes: Uint8Array, at: number) =>
  (CODES[bytes[at]!]! << 18) | (CODES[bytes[at + 1]!]! << 12) | (CODES[bytes[at + 2]!]! << 6) | CODES[bytes[at + 3]!]!;

const hexAt = (bytes: Uint8Array, at: number) => (DIGITS[bytes[at]!]! << 4) | DIGITS[bytes[at + 1]!]!;

/** gzip, zstd, zlib, zip, a pack of git. */
function isMagic(first: number, second: number, third: number): boolean {
  if ((first === 0x1f && second === 0x8b) || (first === 0x28 && second === 0xb5)) return true;
  if ((first & 0x8f) === 0x08 && ((first << 8) | second) % 31 === 0) return true;
  return first === 0x50 && ((second === 0x4b && third === 3) || (second === 0x41 && third === 0x43));
}

function base64Magic(bytes: Uint8Array, at: number): boolean {
  const group = groupAt(bytes, at);
  return isMagic(group >> 16, (group >> 8) & 0xff, group & 0xff);
}

const hexMagic = (bytes: Uint8Array, at: number) =>
  isMagic(hexAt(bytes, at), hexAt(bytes, at + 2), hexAt(bytes, at + 4));

/** Whether the gap between two lines of a run may begin with it, or have it before its last character. */
const isGapByte = (byte: number) => byte === LF || byte === 0x0d || byte === BACKSLASH || byte === PERCENT;

/** Whether a run may have this byte, or the gap between two of its lines. */
function mayBeInside(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]!;
  if (CODES[byte] !== NO_CODE || isGapByte(byte)) return true;
  if (!isSpace(byte)) return false;
  const before = bytes[at - 1];
  return isSpace(before) || (before === 0x6e && bytes[at - 2] === BACKSLASH);
}

const NEVER = 0;
const ALWAYS = 1;
/** When what is before it fits. */
const SOMETIMES = 2;
/** By byte, whether a run may have it, or the gap between two of its lines. */
const INSIDE = Uint8Array.from({ length: 256 }, (_, byte) =>
  CODES[byte] !== NO_CODE || isGapByte(byte) ? ALWAYS : isSpace(byte) ? SOMETIMES : NEVER,
);

/** What is not of a run at `at`: a byte, or an escape, whose letter is not of the run that follows. */
function nonRun(bytes: Uint8Array, at: number): number {
  return Math.max(1, escapedBreak(bytes, at));
}

function runEnd(bytes: Uint8Array, pairs: Uint16Array, at: number): number {
  const size = bytes.length;
  let end = at;
  // Words are short.
  const soon = Math.min(size, (at + 9) & ~1);
  while (end < soon && CODES[bytes[end]!] !== NO_CODE) end++;
  if (end < soon || end === size) return end;
  let pair = end >> 1;
  const last = (size >> 1) - 4;
  while (
    pair < last &&
    (BOTH[pairs[pair]!]! & BOTH[pairs[pair + 1]!]! & BOTH[pairs[pair + 2]!]! & BOTH[pairs[pair + 3]!]!) === 1
  )
    pair += 4;
  end = pair << 1;
  while (end < size && CODES[bytes[end]!] !== NO_CODE) end++;
  return end;
}

function isHex(bytes: Uint8Array, from: number, to: number): boolean {
  let i = from;
  for (; i + 3 < to; i += 4)
    if ((DIGITS[bytes[i]!]! | DIGITS[bytes[i + 1]!]! | DIGITS[bytes[i + 2]!]! | DIGITS[bytes[i + 3]!]!) === NO_CODE)
      return false;
  for (; i < to; i++) if (DIGITS[bytes[i]!] === NO_CODE) return false;
  return true;
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

/** Part of a group only where nothing follows it. */
function base64Bytes(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const out = new Uint8Array(Math.floor(((to - from) * 3) / 4));
  let length = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    const group = groupAt(bytes, i);
    out[length++] = group >> 16;
    out[length++] = group >> 8;
    out[length++] = group;
  }
  if (to - i >= 2) out[length++] = (CODES[bytes[i]!]! << 2) | (CODES[bytes[i + 1]!]! >> 4);
  if (to - i === 3) out[length++] = (CODES[bytes[i + 1]!]! << 4) | (CODES[bytes[i + 2]!]! >> 2);
  return out;
}

function hexBytes(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const out = new Uint8Array((to - from) >> 1);
  for (let i = 0; i < out.length; i++) out[i] = hexAt(bytes, from + 2 * i);
  return out;
}

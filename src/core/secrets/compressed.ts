// Finds compressed data wherever it begins in a byte stream: gzip, zlib and zstd by their magic numbers, the files of a zip, the
// objects of a git pack. What it inflates is looked through by others. Malformed data is not an error: it is no compressed data.
import { concat } from '../base/bytes';
import type { Decoders, StreamDecoder } from './decoders';

export interface InflatedSink {
  /** Whether more may come: no when the stream's bound is reached. */
  inflated(bytes: Uint8Array): boolean;
  /** A file, an object or a member came to its end. */
  end(): void;
}

/** So much input at a time: one push gives no more than a decoder's bound, and few false starts get far. */
const PIECE = 16 * 1024;
/** What must be known of the bytes behind a magic number before it is believed. */
const LOOKAHEAD = 40;

/** Bytes where one of the formats may begin (zstd: its second byte, which text has less often). */
export const isMagicByte = (byte: number) => byte === 0x1f || byte === 0xb5 || byte === 0x78 || byte === 0x50;

/** Reads one format. */
interface Reader {
  /** Returns how much of the bytes belongs to it; less than all: it has ended. Throws when malformed. */
  push(bytes: Uint8Array): number;
  /** Gives back what the decoder holds outside of the heap. */
  close(): void;
}

const NOTHING = new Uint8Array(0);

export class CompressedFinder {
  #reader: Reader | undefined;
  #held: Uint8Array = NOTHING;
  /** Nothing of the stream has been seen. */
  #first = true;
  #full = false;

  constructor(
    private readonly decoders: Decoders,
    private readonly sink: InflatedSink,
  ) {}

  #found = false;

  /** It reads, or has read, compressed data in this stream, or what came last may begin some. */
  get busy(): boolean {
    return this.#found || this.#reader !== undefined || this.#held.length > 0;
  }

  /** What comes is from `from` on. `places`: of bytes that `isMagicByte`, in order. */
  push(chunk: Uint8Array, places: readonly number[], from = 0): void {
    if (this.#full || (chunk.length === from && this.#held.length === 0)) return;
    if (this.#held.length === 0) {
      this.#take(chunk, places, from, false);
      return;
    }
    const held = this.#held;
    this.#held = NOTHING;
    const bytes = new Uint8Array(held.length + chunk.length - from);
    bytes.set(held);
    bytes.set(chunk.subarray(from), held.length);
    this.#take(bytes, [...magicPlaces(held), ...places.map((place) => place - from + held.length)], 0, false);
  }

  /** Nothing follows. */
  end(): void {
    const held = this.#held;
    this.#held = NOTHING;
    if (held.length > 0 && !this.#full) this.#take(held, magicPlaces(held), 0, true);
    if (this.#reader) this.#close();
    this.#first = true;
    this.#found = false;
  }

  #take(bytes: Uint8Array, places: readonly number[], from: number, final: boolean): void {
    let at = from;
    if (this.#reader) {
      at = this.#read(bytes, from);
      if (at < 0) return;
    } else if (this.#first) {
      // Only here a window of another size is believed, and no magic byte is needed.
      const start = zlibAt(bytes, from, final);
      if (start === undefined) {
        this.#held = bytes.slice(from);
        return;
      }
      this.#first = false;
      if (start) {
        at = this.#start(new Inflated(this.decoders.zlib(), this.#given), bytes, from);
        if (at < 0) return;
      }
    }
    this.#first = false;
    for (const place of places) {
      const start = bytes[place] === 0xb5 ? place - 1 : place;
      if (start < at) continue;
      const reader = this.#readerAt(bytes, start, final);
      if (reader === undefined) {
        this.#held = bytes.slice(start);
        return;
      }
      if (reader === NO_READER) continue;
      at = this.#start(reader, bytes, start);
      if (at < 0) return;
    }
  }

  /** The reader of what begins at `at`; undefined: too little of it has come. */
  #readerAt(bytes: Uint8Array, at: number, final: boolean): Reader | undefined {
    const left = bytes.length - at;
    switch (bytes[at]) {
      case 0x1f:
        if (left < 4) return left > 1 && bytes[at + 1] !== 0x8b ? NO_READER : final ? NO_READER : undefined;
        return bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && bytes[at + 3]! < 0x20
          ? new Inflated(this.decoders.gzip(), this.#given)
          : NO_READER;
      case 0x28:
        if (left < 4) return final ? NO_READER : undefined;
        return bytes[at + 2] === 0x2f && bytes[at + 3] === 0xfd
          ? new Inflated(this.decoders.zstd(), this.#given)
          : NO_READER;
      case 0x78: {
        const found = zlibAt(bytes, at, final);
        return found === undefined ? undefined : found ? new Inflated(this.decoders.zlib(), this.#given) : NO_READER;
      }
      case 0x50:
        if (left > 1 && bytes[at + 1] !== 0x41 && bytes[at + 1] !== 0x4b) return NO_READER;
        if (left < 12) return final ? NO_READER : undefined;
        if (startsWith(bytes, at, PACK)) return new Pack(this.decoders, this.#given, () => this.sink.end());
        if (startsWith(bytes, at, ZIP)) return new ZipFile(this.decoders, this.#given);
        return NO_READER;
      default:
        return NO_READER;
    }
  }

  readonly #given = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return;
    this.#found = true;
    if (!this.sink.inflated(bytes)) this.#full = true;
  };

  /** Where to look on; -1: all bytes are taken. */
  #start(reader: Reader, bytes: Uint8Array, at: number): number {
    this.#reader = reader;
    const end = this.#read(bytes, at);
    return end === at ? at + 1 : end;
  }

  #read(bytes: Uint8Array, from: number): number {
    const reader = this.#reader!;
    try {
      for (let at = from; at < bytes.length; at += PIECE) {
        const piece = bytes.subarray(at, at + PIECE);
        const taken = reader.push(piece);
        if (this.#full) break;
        if (taken < piece.length) {
          this.#close();
          return at + Math.max(taken, 1);
        }
      }
      if (!this.#full) return -1;
    } catch {
      // Malformed: what it seemed to be it is not. Something else may begin in the same bytes.
    }
    this.#close();
    return this.#full ? -1 : from;
  }

  #close(): void {
    this.#reader?.close();
    this.#reader = undefined;
    this.sink.end();
  }
}

const NO_READER: Reader = { push: () => 0, close: () => undefined };
/** gitformat-pack: signature and version 2 or 3. */
const PACK = [0x50, 0x41, 0x43, 0x4b, 0, 0, 0];
const ZIP = [0x50, 0x4b, 3, 4];

const startsWith = (bytes: Uint8Array, at: number, wanted: readonly number[]) =>
  wanted.every((byte, i) => bytes[at + i] === byte);

function magicPlaces(bytes: Uint8Array): number[] {
  const places: number[] = [];
  for (let i = 0; i < bytes.length; i++) if (isMagicByte(bytes[i]!)) places.push(i);
  return places;
}

type Given = (bytes: Uint8Array) => void;

class Inflated implements Reader {
  /** Given to the decoder: it may count bytes as its own only later. */
  #pushed = 0;

  constructor(
    private readonly decoder: StreamDecoder,
    private readonly given: Given,
  ) {}

  push(bytes: Uint8Array): number {
    const before = this.#pushed;
    this.#pushed += bytes.length;
    this.given(this.decoder.push(bytes));
    return this.decoder.done ? Math.max(0, this.decoder.consumed - before) : bytes.length;
  }

  get done(): boolean {
    return this.decoder.done;
  }

  close(): void {
    this.decoder.close?.();
  }
}

/** A file in a zip: its header, and raw deflate behind it. */
class ZipFile implements Reader {
  #header: Uint8Array = new Uint8Array(0);
  #data: Inflated | undefined;

  constructor(
    private readonly decoders: Decoders,
    private readonly given: Given,
  ) {}

  push(bytes: Uint8Array): number {
    if (this.#data) return this.#data.push(bytes);
    const before = this.#header.length;
    const header = concat([this.#header, bytes]);
    this.#header = header;
    if (header.length < 30) return bytes.length;
    // APPNOTE 4.3.7; only deflate, as what is stored can be read as it is.
    if (header[8] !== 8 || (header[6]! & 1) === 1) throw new Error('no deflate');
    const length = 30 + word(header, 26) + word(header, 28);
    if (header.length < length) return bytes.length;
    this.#data = new Inflated(this.decoders.raw(), this.given);
    return length - before + this.#data.push(header.subarray(length));
  }

  close(): void {
    this.#data?.close();
  }
}

const word = (bytes: Uint8Array, at: number) => bytes[at]! | (bytes[at + 1]! << 8);

const OFS_DELTA = 6;
const REF_DELTA = 7;

/** gitformat-pack: objects one after the other, each with a head and zlib data. */
class Pack implements Reader {
  #state: 'signature' | 'head' | 'offset' | 'base' | 'data' = 'signature';
  /** Bytes of the signature, or of the base's name, that were read. */
  #count = 0;
  #objects = 0;
  #type = 0;
  #inHead = false;
  #object: Inflated | undefined;

  constructor(
    private readonly decoders: Decoders,
    private readonly given: Given,
    private readonly endObject: () => void,
  ) {}

  push(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'data') {
        at += this.#data(bytes.subarray(at));
        if (this.#objects === 0) return at;
      } else {
        this.#byte(bytes[at]!);
        at++;
      }
    }
    return at;
  }

  close(): void {
    this.#object?.close();
  }

  #byte(byte: number): void {
    switch (this.#state) {
      case 'signature':
        if (this.#count >= 8) this.#objects = this.#objects * 256 + byte;
        if (++this.#count === 12) {
          if (this.#objects === 0) throw new Error('an empty pack');
          this.#state = 'head';
        }
        break;
      case 'head':
        if (!this.#inHead) this.#type = (byte >> 4) & 7;
        this.#inHead = (byte & 0x80) !== 0;
        if (!this.#inHead) this.#afterHead();
        break;
      case 'offset':
        if ((byte & 0x80) === 0) this.#begin();
        break;
      case 'base':
        // SHA-1; packs of SHA-256 repositories have 32 bytes.
        if (++this.#count === 20) this.#begin();
        break;
      case 'data':
        break;
    }
  }

  #afterHead(): void {
    if (this.#type === 0 || this.#type === 5) throw new Error('no such object');
    this.#count = 0;
    if (this.#type === OFS_DELTA) this.#state = 'offset';
    else if (this.#type === REF_DELTA) this.#state = 'base';
    else this.#begin();
  }

  #begin(): void {
    this.#state = 'data';
    const delta = this.#type >= OFS_DELTA ? new DeltaInserts() : undefined;
    this.#object = new Inflated(this.decoders.zlib(), (out) => this.given(delta ? delta.push(out) : out));
  }

  #data(bytes: Uint8Array): number {
    const object = this.#object!;
    const taken = object.push(bytes);
    if (!object.done) return taken;
    object.close();
    this.endObject();
    this.#state = 'head';
    this.#inHead = false;
    this.#objects--;
    return taken;
  }
}

/** What a delta inserts. It has at most 127 bytes at a time: a longer text comes in several. */
class DeltaInserts {
  /** Sizes at the beginning that are still to come: of the base, of the result. */
  #sizes = 2;
  #insert = 0;
  #skip = 0;

  push(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes.length);
    let length = 0;
    for (const byte of bytes) {
      if (this.#sizes > 0) this.#sizes -= byte & 0x80 ? 0 : 1;
      else if (this.#skip > 0) this.#skip--;
      else if (this.#insert > 0) {
        out[length++] = byte;
        this.#insert--;
      } else if (byte & 0x80) {
        // Copy: a byte for each bit that is set.
        for (let bit = 0; bit < 7; bit++) this.#skip += (byte >> bit) & 1;
      } else this.#insert = byte;
    }
    return out.subarray(0, length);
  }
}

/** Whether zlib data (RFC 1950) begins at `at`; undefined: too little of it has come. */
function zlibAt(bytes: Uint8Array, at: number, final: boolean): boolean | undefined {
  const [first, second] = [bytes[at], bytes[at + 1]];
  if (first === undefined || (first & 0x8f) !== 0x08) return false;
  if (second === undefined) return final ? false : undefined;
  if (((first << 8) | second) % 31 !== 0 || second & 0x20) return false;
  const known = deflateAt(bytes, at + 2);
  return known ?? (final || bytes.length - at >= LOOKAHEAD ? true : undefined);
}

/**
 * Whether deflate data (RFC 1951) may begin at `at`: random bytes nearly never look like it. Undefined: the bytes end before
 * anything is wrong. An inflater of its own would say the same, a hundred times slower.
 */
function deflateAt(bytes: Uint8Array, at: number): boolean | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const type = (first >> 1) & 3;
  if (type === 3) return false;
  const bits = new Bits(bytes, at, 3);
  try {
    if (type === 0) {
      if (at + 5 > bytes.length) return undefined;
      return (word(bytes, at + 1) ^ word(bytes, at + 3)) === 0xffff;
    }
    return type === 1 ? fixedBlock(bits) : dynamicBlock(bits);
  } catch {
    return undefined;
  }
}

class Bits {
  #at: number;
  constructor(
    private readonly bytes: Uint8Array,
    at: number,
    skip: number,
  ) {
    this.#at = at * 8 + skip;
  }

  /** Least significant bit first. Throws at the end of the bytes. */
  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      const byte = this.bytes[this.#at >> 3];
      if (byte === undefined) throw new Error('the end');
      value |= ((byte >> (this.#at & 7)) & 1) << i;
    }
    return value;
  }

  /** Most significant bit first, as Huffman codes are. */
  code(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = (value << 1) | this.take(1);
    return value;
  }
}

/** RFC 1951, 3.2.7: the numbers of codes are in range, and the code of the code lengths is complete. */
function dynamicBlock(bits: Bits): boolean {
  const literals = bits.take(5) + 257;
  const distances = bits.take(5) + 1;
  const lengths = bits.take(4) + 4;
  if (literals > 286 || distances > 30) return false;
  let filled = 0;
  for (let i = 0; i < lengths; i++) {
    const length = bits.take(3);
    if (length > 0) filled += 128 >> length;
  }
  return filled === 128;
}

const MAX_SYMBOLS = 24;

/** RFC 1951, 3.2.5 and 3.2.6: a distance that reaches before the beginning gives random bytes away. */
function fixedBlock(bits: Bits): boolean {
  let written = 0;
  for (let symbols = 0; symbols < MAX_SYMBOLS; symbols++) {
    const symbol = fixedSymbol(bits);
    if (symbol < 256) {
      written++;
      continue;
    }
    if (symbol === 256) return written > 0;
    if (symbol > 285) return false;
    const before = written;
    const length = symbol - 257;
    const extra = length < 8 || length === 28 ? 0 : (length >> 2) - 1;
    const more = bits.take(extra);
    written += length < 8 ? 3 + length : length === 28 ? 258 : 3 + ((4 + (length & 3)) << extra) + more;
    const code = bits.code(5);
    if (code > 29) return false;
    const far = code < 4 ? code + 1 : 1 + ((2 + (code & 1)) << ((code >> 1) - 1)) + bits.take((code >> 1) - 1);
    if (far > before) return false;
  }
  return true;
}

function fixedSymbol(bits: Bits): number {
  const seven = bits.code(7);
  if (seven < 24) return 256 + seven;
  const eight = (seven << 1) | bits.take(1);
  if (eight < 192) return eight - 48;
  if (eight < 200) return 280 + eight - 192;
  return 144 + (((eight << 1) | bits.take(1)) - 400);
}

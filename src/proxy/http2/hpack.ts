// Header compression of HTTP/2 (RFC 7541): blocks in, fields out, and back. One decoder and one encoder a connection, since
// both hold the dynamic table of their direction. Bounded: a list that is too long is decoded (the table must stay right)
// but not kept.
import { huffmanDecode } from './huffman';

/** The block breaks the compression state: the connection cannot go on (RFC 7541, 2.2: COMPRESSION_ERROR). */
export class HpackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HpackError';
  }
}

/** One decoded field section, in order, pseudo-fields with it. Names and values are latin1, one char an octet. */
export interface FieldSection {
  readonly names: string[];
  readonly values: string[];
  /** Names of fields that must never be indexed on the next hop either (RFC 7541, 6.2.3). */
  readonly neverIndexed: ReadonlySet<string>;
  /** The list was longer than the limit: names and values are cut short. */
  readonly tooLarge: boolean;
}

const STATIC: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** RFC 7541, 4.1: what an entry costs beside its octets. */
const OVERHEAD = 32;
const NO_NAMES: ReadonlySet<string> = new Set();

/** The dynamic table: newest entry first, old ones evicted as its size demands (RFC 7541, 2.3.2 and 4). */
class Table {
  /** Oldest first; `#head` entries at the front are gone. */
  #names: string[] = [];
  #values: string[] = [];
  #head = 0;
  #size = 0;
  onEvict: ((name: string, value: string) => void) | undefined;

  constructor(private max: number) {}

  get length(): number {
    return this.#names.length - this.#head;
  }

  /** Entries added in all: an entry's number among them finds it again. */
  get added(): number {
    return this.#names.length;
  }

  /** `index` from 1 for the newest. */
  name(index: number): string | undefined {
    return index <= this.length ? this.#names[this.#names.length - index] : undefined;
  }

  value(index: number): string {
    return this.#values[this.#values.length - index]!;
  }

  resize(max: number): void {
    this.max = max;
    this.#evict(0);
  }

  add(name: string, value: string): boolean {
    const size = name.length + value.length + OVERHEAD;
    this.#evict(size);
    if (size > this.max) return false;
    this.#names.push(name);
    this.#values.push(value);
    this.#size += size;
    return true;
  }

  #evict(room: number): void {
    while (this.length > 0 && this.#size + room > this.max) {
      const name = this.#names[this.#head]!;
      const value = this.#values[this.#head]!;
      this.#size -= name.length + value.length + OVERHEAD;
      this.onEvict?.(name, value);
      this.#names[this.#head] = '';
      this.#values[this.#head] = '';
      this.#head++;
    }
  }

  /** Forgets the places of what was evicted. Returns how far the rest moved. */
  compact(): number {
    const moved = this.#head;
    if (moved < 256) return 0;
    this.#names = this.#names.slice(moved);
    this.#values = this.#values.slice(moved);
    this.#head = 0;
    return moved;
  }
}

export class HpackDecoder {
  readonly #table: Table;
  #at = 0;

  /**
   * `tableSize`: what we said in SETTINGS_HEADER_TABLE_SIZE. `maxList`: longest list that is kept, in octets with 32 a
   * field (RFC 9113, 6.5.2); sixteen times as much is taken for an attack.
   */
  constructor(
    private readonly tableSize: number,
    private readonly maxList: number,
  ) {
    this.#table = new Table(tableSize);
  }

  /** A whole block. Throws `HpackError`: the connection must end. */
  decode(bytes: Buffer): FieldSection {
    const names: string[] = [];
    const values: string[] = [];
    let never: Set<string> | undefined;
    let size = 0;
    let begun = false;
    this.#at = 0;
    while (this.#at < bytes.length) {
      const byte = bytes[this.#at]!;
      let name: string;
      let value: string;
      if (byte & 0x80) {
        const index = this.#integer(bytes, 7);
        name = this.#name(index);
        value = index <= STATIC.length ? STATIC[index - 1]![1] : this.#table.value(index - STATIC.length);
      } else if ((byte & 0xe0) === 0x20) {
        // RFC 7541, 4.2: only at the beginning of a block.
        if (begun) throw new HpackError('A table size update stands inside a block.');
        const max = this.#integer(bytes, 5);
        if (max > this.tableSize) throw new HpackError('A table size update is larger than was agreed.');
        this.#table.resize(max);
        continue;
      } else {
        const indexed = (byte & 0x40) !== 0;
        const index = this.#integer(bytes, indexed ? 6 : 4);
        name = index === 0 ? this.#string(bytes) : this.#name(index);
        value = this.#string(bytes);
        if (indexed) this.#table.add(name, value);
        else if (byte & 0x10) (never ??= new Set()).add(name);
      }
      begun = true;
      size += name.length + value.length + OVERHEAD;
      if (size > this.maxList) {
        if (size > this.maxList * 16) throw new HpackError('A field list grew past all measure.');
        continue;
      }
      names.push(name);
      values.push(value);
    }
    this.#table.compact();
    return { names, values, neverIndexed: never ?? NO_NAMES, tooLarge: size > this.maxList };
  }

  #name(index: number): string {
    const name = index <= STATIC.length ? STATIC[index - 1]?.[0] : this.#table.name(index - STATIC.length);
    if (name === undefined) throw new HpackError('A field names an entry that is not there.');
    return name;
  }

  /** RFC 7541, 5.1, with an N-bit prefix. */
  #integer(bytes: Buffer, prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[this.#at++];
      // Four octets reach beyond every size that we allow.
      if (byte === undefined || shift > 21) throw new HpackError('An integer is cut short or too large.');
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
  }

  #string(bytes: Buffer): string {
    const first = bytes[this.#at];
    if (first === undefined) throw new HpackError('A block ends inside a field.');
    const length = this.#integer(bytes, 7);
    const from = this.#at;
    const to = from + length;
    if (to > bytes.length) throw new HpackError('A string is longer than its block.');
    this.#at = to;
    if ((first & 0x80) === 0) return bytes.toString('latin1', from, to);
    const text = huffmanDecode(bytes, from, to);
    if (text === undefined) throw new HpackError('A string is not valid Huffman code.');
    return text;
  }
}

const STATIC_EXACT = new Map<string, number>();
const STATIC_NAME = new Map<string, number>();
STATIC.forEach(([name, value], i) => {
  STATIC_EXACT.set(`${name}\0${value}`, i + 1);
  if (!STATIC_NAME.has(name)) STATIC_NAME.set(name, i + 1);
});

/** Credentials: an index into a table that both ends hold would let their size be probed (RFC 7541, 7.1.3). */
const CREDENTIAL =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|.*-(?:api-?key|token|secret|signature)|api-key)$/;
/** Other for each message: they would only push useful entries out. */
const VOLATILE = new Set([
  ':path',
  'content-length',
  'date',
  'etag',
  'last-modified',
  'age',
  'if-none-match',
  'location',
]);
const MAX_INDEXED = 256;

export class HpackEncoder {
  readonly #table = new Table(4096);
  /** Number of the entry among all that were added, by `name\0value`. */
  readonly #entries = new Map<string, number>();
  #offset = 0;
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;
  /** Sizes that the peer is still to be told of: the smallest since the last block, and the last (RFC 7541, 4.2). */
  #resized: { smallest: number; last: number } | undefined;

  constructor() {
    this.#table.onEvict = (name, value) => this.#entries.delete(`${name}\0${value}`);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; we use at most 4,096 of it. */
  resize(max: number): void {
    const last = Math.min(max, 4096);
    this.#resized = { smallest: Math.min(last, this.#resized?.smallest ?? last), last };
    this.#table.resize(last);
  }

  begin(): void {
    this.#length = 0;
    if (!this.#resized) return;
    const { smallest, last } = this.#resized;
    if (smallest < last) this.#integer(0x20, 5, smallest);
    this.#integer(0x20, 5, last);
    this.#resized = undefined;
  }

  /** `name` in lower case; latin1. `never`: a field that arrived as never indexed. */
  field(name: string, value: string, never: boolean): void {
    const key = `${name}\0${value}`;
    const fixed = never ? undefined : STATIC_EXACT.get(key);
    if (fixed !== undefined) {
      this.#integer(0x80, 7, fixed);
      return;
    }
    // A field that must not be indexed keeps its representation, though another message put the same one in the table.
    const entry = never ? undefined : this.#entries.get(key);
    if (entry !== undefined) {
      this.#integer(0x80, 7, STATIC.length + this.#table.added + this.#offset - entry);
      return;
    }
    const nameIndex = STATIC_NAME.get(name) ?? 0;
    if (never || CREDENTIAL.test(name)) this.#integer(0x10, 4, nameIndex);
    else if (value.length > MAX_INDEXED || VOLATILE.has(name)) this.#integer(0, 4, nameIndex);
    else {
      this.#integer(0x40, 6, nameIndex);
      if (this.#table.add(name, value)) this.#entries.set(key, this.#table.added + this.#offset - 1);
    }
    if (nameIndex === 0) this.#string(name);
    this.#string(value);
  }

  /** The block; valid until the next `begin`. */
  end(): Buffer {
    this.#offset += this.#table.compact();
    return this.#bytes.subarray(0, this.#length);
  }

  #integer(pattern: number, prefix: number, value: number): void {
    this.#room(8);
    const mask = (1 << prefix) - 1;
    if (value < mask) {
      this.#bytes[this.#length++] = pattern | value;
      return;
    }
    this.#bytes[this.#length++] = pattern | mask;
    let rest = value - mask;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #string(text: string): void {
    this.#integer(0, 7, text.length);
    this.#room(text.length);
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#length + bytes) * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

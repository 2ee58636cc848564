// Many byte patterns in one pass, skipping ahead by what the last bytes of a window rule out (Wu and Manber, "A fast
// algorithm for multi-pattern searching", 1994), with hashed blocks of four bytes: with two, a hundred secrets in all their
// forms fill the table for every pair that base64 or hex has. Leftmost match, the longest of those. Nothing is allocated
// while a text without a match is read.

export interface Match {
  /** Index of the pattern. */
  readonly pattern: number;
  readonly at: number;
  readonly length: number;
}

export interface Matcher {
  readonly longest: number;
  /** The next match at or after `from`, or undefined. */
  find(bytes: Uint8Array, from: number): Match | undefined;
  /**
   * After `find`: the first place at which a pattern may begin that goes on behind the bytes, of the places it looked at.
   * Places before it need no second look when more comes. Valid until the next call.
   */
  readonly cut: number;
  /** Length of the longest proper prefix of any pattern that `bytes` ends with; it may be all of `bytes`. */
  tailLength(bytes: Uint8Array): number;
}

const NONE: Matcher = { longest: 0, cut: Infinity, find: () => undefined, tailLength: () => 0 };

/** Patterns shorter than 2 bytes are ignored. */
export function createMatcher(patterns: readonly Uint8Array[]): Matcher {
  const usable = patterns.map((bytes, pattern) => ({ bytes, pattern })).filter(({ bytes }) => bytes.length >= 2);
  return usable.length === 0 ? NONE : new BlockMatcher(usable);
}

interface Pattern {
  readonly bytes: Uint8Array;
  readonly pattern: number;
}

const MAX_BLOCK = 4;
/** Enough for a hundred secrets in all forms; a larger table would no longer stay in the cache beside what is read. */
const MAX_TABLE_BITS = 18;
const MIN_TABLE_BITS = 10;
/** For each pattern a share of the table of so many bits: the window moves on by half as many bytes, and the table stays small. */
const SHARE_BITS = 5;
/** 2^32 divided by the golden ratio: spreads blocks that differ little (Knuth, TAOCP 3, 6.4). */
const GOLDEN = 0x9e3779b1 | 0;
const STEP = 0x85ebca6b | 0;
/** Blocks of bytes that come in long runs. */
const RUNS = [0x00000000, 0x20202020, 0xffffffff | 0];
const NOBODY = -1;

class BlockMatcher implements Matcher {
  readonly longest: number;
  cut = 0;
  /** The length of the shortest pattern, which is how much of each one is hashed. At most 255: a shift is one byte. */
  readonly #window: number;
  /** Bytes a block has: four, or what the window has when that is less. */
  readonly #block: number;
  /** What is left of a hash is an index of the table. */
  readonly #drop: number;
  /** Mixed into every block before it is hashed. */
  readonly #salt: number;
  /** By block: how far the window may move when it ends like this; 0: a pattern may begin with this window. */
  readonly #shift: Uint8Array;
  /** By block: how far it may move when no pattern began there after all. */
  readonly #after: Uint8Array;
  /** By the block that ends the window: the first of its patterns, as an index of `#patterns`, and for each the next. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  /** Longest first. */
  readonly #patterns: readonly Pattern[];
  /** By the first two bytes, whether a pattern begins with them; by the first, whether one does. */
  readonly #pairs = new Uint8Array(65_536);
  readonly #starts = new Uint8Array(256);
  /** Patterns by their first two bytes. */
  readonly #byPair = new Map<number, Pattern[]>();

  constructor(patterns: readonly Pattern[]) {
    this.#patterns = [...patterns].sort((a, b) => b.bytes.length - a.bytes.length);
    this.longest = this.#patterns[0]!.bytes.length;
    this.#window = Math.min(this.#patterns.at(-1)!.bytes.length, 255);
    this.#block = Math.min(this.#window, MAX_BLOCK);
    const blocks = patterns.length * (this.#window - this.#block + 1);
    const wanted = Math.min(Math.ceil(Math.log2(blocks)) + 2, Math.ceil(Math.log2(patterns.length)) + SHARE_BITS);
    const bits = Math.min(MAX_TABLE_BITS, Math.max(MIN_TABLE_BITS, wanted));
    this.#drop = 32 - bits;
    const skip = this.#window - this.#block + 1;
    this.#shift = new Uint8Array(2 ** bits).fill(skip);
    this.#after = new Uint8Array(2 ** bits).fill(skip);
    this.#heads = new Int32Array(2 ** bits).fill(NOBODY);
    this.#next = new Int32Array(patterns.length).fill(NOBODY);
    this.#salt = this.#chooseSalt();
    // From the shortest: each goes before those that are in the list.
    for (let index = patterns.length - 1; index >= 0; index--) this.#add(index);
    for (const entry of this.#patterns) this.#addStart(entry);
  }

  /** Nearly always one for which files full of zeros, spaces or ones are read as fast as any text. */
  #chooseSalt(): number {
    for (let attempt = 0; attempt < 16; attempt++) {
      const salt = Math.imul(attempt, STEP);
      const runs = RUNS.map((block) => this.#slotOf(block, salt));
      if (!this.#patterns.some(({ bytes }) => this.#hasOneOf(bytes, runs[0]!, runs[1]!, runs[2]!, salt))) return salt;
    }
    return 0;
  }

  #hasOneOf(bytes: Uint8Array, zeros: number, spaces: number, ones: number, salt: number): boolean {
    for (let i = this.#block - 1; i < this.#window; i++) {
      const slot = this.#slotOf(this.#blockAt(bytes, i), salt);
      if (slot === zeros || slot === spaces || slot === ones) return true;
    }
    return false;
  }

  #add(index: number): void {
    const { bytes } = this.#patterns[index]!;
    const last = this.#window - 1;
    for (let i = this.#block - 1; i <= last; i++) {
      const slot = this.#slot(bytes, i);
      const distance = last - i;
      this.#shift[slot] = Math.min(this.#shift[slot]!, distance);
      if (distance > 0) this.#after[slot] = Math.min(this.#after[slot]!, distance);
    }
    const end = this.#slot(bytes, last);
    this.#next[index] = this.#heads[end]!;
    this.#heads[end] = index;
  }

  #addStart(entry: Pattern): void {
    const { bytes } = entry;
    const pair = pairAt(bytes, 0);
    this.#starts[bytes[0]!] = 1;
    this.#pairs[pair] = 1;
    const alike = this.#byPair.get(pair);
    if (alike) alike.push(entry);
    else this.#byPair.set(pair, [entry]);
  }

  /** The place in the table of the block that ends with the byte at `i`. */
  #slot(bytes: Uint8Array, i: number): number {
    return this.#slotOf(this.#blockAt(bytes, i), this.#salt);
  }

  #blockAt(bytes: Uint8Array, i: number): number {
    return this.#block === MAX_BLOCK ? fourAt(bytes, i) : fewAt(bytes, i, this.#block);
  }

  #slotOf(block: number, salt: number): number {
    return Math.imul(block ^ salt, GOLDEN) >>> this.#drop;
  }

  find(bytes: Uint8Array, from: number): Match | undefined {
    const shift = this.#shift;
    const drop = this.#drop;
    const salt = this.#salt;
    const window = this.#window;
    const end = bytes.length;
    this.cut = end;
    if (this.#block < MAX_BLOCK) return this.#findShort(bytes, from);
    let i = from + window - 1;
    while (i < end) {
      const slot = Math.imul(fourAt(bytes, i) ^ salt, GOLDEN) >>> drop;
      const step = shift[slot]!;
      if (step > 0) {
        i += step;
        continue;
      }
      const found = this.#at(slot, bytes, i - window + 1);
      if (found) return found;
      i += this.#after[slot]!;
    }
    this.cut = Math.min(this.cut, i - window + 1);
    return undefined;
  }

  /** The same for blocks of two or three bytes. */
  #findShort(bytes: Uint8Array, from: number): Match | undefined {
    let i = from + this.#window - 1;
    while (i < bytes.length) {
      const slot = this.#slot(bytes, i);
      const step = this.#shift[slot]!;
      const found = step === 0 ? this.#at(slot, bytes, i - this.#window + 1) : undefined;
      if (found) return found;
      i += step || this.#after[slot]!;
    }
    this.cut = Math.min(this.cut, i - this.#window + 1);
    return undefined;
  }

  /** The longest pattern at `at`, of those whose window ends with a block of this slot. */
  #at(slot: number, bytes: Uint8Array, at: number): Match | undefined {
    for (let index = this.#heads[slot]!; index !== NOBODY; index = this.#next[index]!) {
      const { bytes: wanted, pattern } = this.#patterns[index]!;
      if (at + wanted.length > bytes.length) {
        if (at < this.cut && isPrefix(bytes, at, wanted)) this.cut = at;
      } else if (startsWith(bytes, at, wanted)) return { pattern, at, length: wanted.length };
    }
    return undefined;
  }

  tailLength(bytes: Uint8Array): number {
    const end = bytes.length;
    for (let at = Math.max(0, end - this.longest + 1); at < end - 1; at++) {
      const pair = pairAt(bytes, at);
      if (this.#pairs[pair] === 0) continue;
      for (const { bytes: pattern } of this.#byPair.get(pair)!) {
        // The longest come first.
        if (pattern.length <= end - at) break;
        if (isPrefix(bytes, at, pattern)) return end - at;
      }
    }
    return end > 0 && this.#starts[bytes[end - 1]!] === 1 ? 1 : 0;
  }
}

const fourAt = (bytes: Uint8Array, i: number) =>
  bytes[i]! | (bytes[i - 1]! << 8) | (bytes[i - 2]! << 16) | (bytes[i - 3]! << 24);

/** As `fourAt`, for two or three bytes. */
function fewAt(bytes: Uint8Array, i: number, count: number): number {
  const two = bytes[i]! | (bytes[i - 1]! << 8);
  return count === 2 ? two : two | (bytes[i - 2]! << 16);
}

const pairAt = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;

function startsWith(bytes: Uint8Array, at: number, pattern: Uint8Array): boolean {
  for (let i = 0; i < pattern.length; i++) if (bytes[at + i] !== pattern[i]) return false;
  return true;
}

/** Whether everything from `at` to the end is the beginning of `pattern`. */
function isPrefix(bytes: Uint8Array, at: number, pattern: Uint8Array): boolean {
  for (let i = at; i < bytes.length; i++) if (bytes[i] !== pattern[i - at]) return false;
  return true;
}

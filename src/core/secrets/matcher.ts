// Many byte patterns in one pass, skipping ahead by what the last bytes of a window rule out (Wu and Manber, "A fast
// algorithm for multi-pattern searching", 1994, with blocks of two bytes). Leftmost match, the longest of those.

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
  /** Length of the longest proper prefix of any pattern that `bytes` ends with; it may be all of `bytes`. */
  tailLength(bytes: Uint8Array): number;
}

const NONE: Matcher = { longest: 0, find: () => undefined, tailLength: () => 0 };

/** Patterns shorter than 2 bytes are ignored. */
export function createMatcher(patterns: readonly Uint8Array[]): Matcher {
  const usable = patterns.map((bytes, pattern) => ({ bytes, pattern })).filter(({ bytes }) => bytes.length >= 2);
  return usable.length === 0 ? NONE : new BlockMatcher(usable);
}

interface Pattern {
  readonly bytes: Uint8Array;
  readonly pattern: number;
}

class BlockMatcher implements Matcher {
  readonly longest: number;
  readonly #window: number;
  /** How far the window may move when its last two bytes are these; 0: a pattern may end its window here. */
  readonly #shift: Uint8Array;
  /** Patterns by the last two bytes of their window, longest first. */
  readonly #ends = new Map<number, Pattern[]>();
  /** Patterns by their first byte. */
  readonly #starts: (Pattern[] | undefined)[] = Array<Pattern[] | undefined>(256).fill(undefined);

  constructor(patterns: readonly Pattern[]) {
    this.#window = Math.min(...patterns.map(({ bytes }) => bytes.length), 255);
    this.longest = Math.max(...patterns.map(({ bytes }) => bytes.length));
    this.#shift = new Uint8Array(65536).fill(this.#window - 1);
    for (const entry of patterns) {
      for (let i = 1; i < this.#window; i++) {
        const block = (entry.bytes[i - 1]! << 8) | entry.bytes[i]!;
        this.#shift[block] = Math.min(this.#shift[block]!, this.#window - 1 - i);
      }
      const end = (entry.bytes[this.#window - 2]! << 8) | entry.bytes[this.#window - 1]!;
      const list = this.#ends.get(end) ?? [];
      list.push(entry);
      list.sort((a, b) => b.bytes.length - a.bytes.length);
      this.#ends.set(end, list);
      const first = entry.bytes[0]!;
      (this.#starts[first] ??= []).push(entry);
    }
  }

  find(bytes: Uint8Array, from: number): Match | undefined {
    const window = this.#window;
    const shift = this.#shift;
    const end = bytes.length;
    for (let i = from + window - 1; i < end;) {
      const block = (bytes[i - 1]! << 8) | bytes[i]!;
      const step = shift[block]!;
      if (step > 0) {
        i += step;
        continue;
      }
      const at = i - window + 1;
      for (const { bytes: pattern, pattern: index } of this.#ends.get(block) ?? []) {
        if (startsWith(bytes, at, pattern)) return { pattern: index, at, length: pattern.length };
      }
      i++;
    }
    return undefined;
  }

  tailLength(bytes: Uint8Array): number {
    const end = bytes.length;
    for (let at = Math.max(0, end - this.longest + 1); at < end; at++) {
      const candidates = this.#starts[bytes[at]!];
      if (candidates?.some(({ bytes: pattern }) => pattern.length > end - at && isPrefix(bytes, at, pattern)))
        return end - at;
    }
    return 0;
  }
}

function startsWith(bytes: Uint8Array, at: number, pattern: Uint8Array): boolean {
  if (at + pattern.length > bytes.length) return false;
  for (let i = 0; i < pattern.length; i++) if (bytes[at + i] !== pattern[i]) return false;
  return true;
}

/** Whether everything from `at` to the end is the beginning of `pattern`. */
function isPrefix(bytes: Uint8Array, at: number, pattern: Uint8Array): boolean {
  for (let i = at; i < bytes.length; i++) if (bytes[i] !== pattern[i - at]) return false;
  return true;
}

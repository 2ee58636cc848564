// Texts into a file's bytes and out again: dummies in their places, real values in the places of dummies. What is not named
// stays byte for byte. On its own, since the program that restores without us is made of it.
import { createMatcher } from '../secrets/matcher';
import { fromBinary, toBinary } from '../base/bytes';

export interface ByteEdit {
  readonly start: number;
  readonly end: number;
  /** Binary string. */
  readonly text: string;
}

/** Applies edits that do not overlap. Throws `RangeError` on overlap or out of range: nothing is written then. */
export function splice(bytes: Uint8Array, edits: readonly ByteEdit[]): Uint8Array {
  const text = toBinary(bytes);
  let out = '';
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    if (edit.start < at || edit.end < edit.start || edit.end > text.length)
      throw new RangeError('edits overlap or lie outside the file');
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return fromBinary(out + text.slice(at));
}

export interface RestorePair {
  readonly dummy: string;
  /** Binary string of the original bytes. */
  readonly raw: string;
}

/**
 * Real values back in place of every dummy, wherever it stands now; the longest dummy first. Where the same dummy stands
 * for several ways of writing one value, they are used in the order of `pairs`, the last one for all that follow.
 */
export function restoreBytes(
  bytes: Uint8Array,
  pairs: readonly RestorePair[],
): { readonly bytes: Uint8Array; readonly replaced: number } {
  const raws = new Map<string, string[]>();
  for (const { dummy, raw } of pairs) if (dummy !== '') raws.set(dummy, [...(raws.get(dummy) ?? []), raw]);
  const dummies = [...raws.keys()];
  const patterns = dummies.map((dummy) => new TextEncoder().encode(dummy));
  const matcher = createMatcher(patterns);
  const edits: ByteEdit[] = [];
  for (let match = matcher.find(bytes, 0); match; match = matcher.find(bytes, match.at + match.length)) {
    const left = raws.get(dummies[match.pattern]!)!;
    edits.push({ start: match.at, end: match.at + match.length, text: left.length > 1 ? left.shift()! : left[0]! });
  }
  return { bytes: splice(bytes, edits), replaced: edits.length };
}

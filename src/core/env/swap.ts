// From a file's bytes to the secrets in it, and to the bytes with dummies in their places, and back. What is not swapped
// stays byte for byte.
import type { Place } from '../secrets/types';
import { classify } from './classify';
import { type EnvEntry, encodeBinary, fromBinary, scanEnv, toBinary } from './scan';

/** One secret in one file. */
export interface Candidate {
  readonly key: string;
  /** Byte span of the secret in the file. */
  readonly start: number;
  readonly end: number;
  /** The bytes of that span, as a binary string: what Restore writes back. */
  readonly raw: string;
  /** What a program reads, and what goes on the wire. */
  readonly value: string;
  readonly line: number;
  readonly inComment: boolean;
  readonly ticked: boolean;
  readonly reason: string;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

export interface PlanContext {
  /** Whether git tracks the file. */
  readonly tracked: boolean;
  /** Whether a text is a dummy of this workspace: never a secret itself. */
  readonly isDummy: (text: string) => boolean;
}

export interface ByteEdit {
  readonly start: number;
  readonly end: number;
  /** Binary string. */
  readonly text: string;
}

/** The secrets of an env file, in order. */
export function planFile(bytes: Uint8Array, context: PlanContext): Candidate[] {
  return scanEnv(bytes).flatMap((entry) => candidate(entry, context) ?? []);
}

function candidate(entry: EnvEntry, { tracked, isDummy }: PlanContext): Candidate | undefined {
  const found = classify(entry.key, entry.value, { tracked });
  if (!found) return undefined;
  const value = entry.value.slice(found.from, found.to);
  if (isDummy(value)) return undefined;
  const { key, line, inComment } = entry;
  const rest = { key, value, line, inComment, provider: found.provider, hosts: found.hosts, in: found.in };
  const whole = found.from === 0 && found.to === entry.value.length;
  // A part of a value has a byte span only where nothing in the file is escaped.
  const plain = encodeBinary(entry.value) === entry.raw;
  if (whole || plain) {
    const start = entry.start + (whole ? 0 : encodeBinary(entry.value.slice(0, found.from)).length);
    const end = whole ? entry.end : start + encodeBinary(value).length;
    const raw = entry.raw.slice(start - entry.start, end - entry.start);
    return { ...rest, start, end, raw, ticked: found.ticked, reason: found.reason };
  }
  return {
    ...rest,
    start: entry.start,
    end: entry.end,
    raw: entry.raw,
    value: entry.value,
    ticked: false,
    reason: `${found.reason}; its escapes are left alone`,
  };
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

/** Real values back in place of every dummy, wherever it stands now; the longest dummy first. */
export function restoreBytes(
  bytes: Uint8Array,
  pairs: readonly RestorePair[],
): { readonly bytes: Uint8Array; readonly replaced: number } {
  const text = toBinary(bytes);
  const ordered = [...pairs].sort((a, b) => b.dummy.length - a.dummy.length);
  let out = '';
  let replaced = 0;
  let at = 0;
  while (at < text.length) {
    let best: { index: number; pair: RestorePair } | undefined;
    for (const pair of ordered) {
      const index = text.indexOf(pair.dummy, at);
      if (index >= 0 && (!best || index < best.index)) best = { index, pair };
    }
    if (!best) break;
    out += text.slice(at, best.index) + best.pair.raw;
    at = best.index + best.pair.dummy.length;
    replaced++;
  }
  return { bytes: fromBinary(out + text.slice(at)), replaced };
}

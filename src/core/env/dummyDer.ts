// As much of DER (X.690) as private keys need: reading a value with its children, and writing one. Lengths are checked, and
// what does not fit is no value.

import { concat } from '../base/bytes';

export interface Der {
  readonly tag: number;
  readonly content: Uint8Array;
}

export const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30 } as const;

/** The values that stand one after the other; undefined where the bytes are something else. */
export function readAll(bytes: Uint8Array): Der[] | undefined {
  const out: Der[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0x80;
    at += 2;
    if (length >= 0x80) {
      const count = length - 0x80;
      if (count < 1 || count > 3) return undefined;
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + i] ?? 0);
      at += count;
    }
    if (at + length > bytes.length) return undefined;
    out.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return out;
}

/** The children of the one sequence that the bytes are. */
export function readSequence(bytes: Uint8Array): Der[] | undefined {
  const all = readAll(bytes);
  const only = all?.length === 1 ? all[0] : undefined;
  return only?.tag === TAG.sequence ? readAll(only.content) : undefined;
}

export function write(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  const size: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 + size.length, ...size];
  return concat([Uint8Array.from(head), ...contents]);
}

export function writeInteger(value: bigint): Uint8Array {
  const bytes = toBytes(value);
  return write(TAG.integer, (bytes[0] ?? 0x80) >= 0x80 ? concat([Uint8Array.of(0), bytes]) : bytes);
}

/** Not negative. */
export function readInteger(content: Uint8Array): bigint {
  let out = 0n;
  for (const byte of content) out = (out << 8n) | BigInt(byte);
  return out;
}

/** Big-endian; in so many bytes, or in as few as it takes. */
export function toBytes(value: bigint, length?: number): Uint8Array {
  const hex = value.toString(16);
  const size = length ?? Math.ceil(hex.length / 2);
  const padded = hex.padStart(size * 2, '0');
  return Uint8Array.from({ length: size }, (_, i) => parseInt(padded.slice(i * 2, i * 2 + 2), 16));
}

/** As in `1.2.840.113549.1.1.1`. */
export function readOid(content: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const first = numbers[0] ?? 0;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...numbers.slice(1)].join('.');
}

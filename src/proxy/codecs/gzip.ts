// gzip (RFC 1952) over raw inflate: members one after the other, as servers and loggers write them. node:zlib's own would lose
// what a member held when something else follows it.
import { type BodyDecoder, DecodeError, type NativeDecoder, inflateRaw } from './inflate';

const MAX_HEADER = 64 * 1024;
const TRAILER = 8;
const NOTHING = Buffer.alloc(0);

export class GzipDecoder implements BodyDecoder {
  #state: 'header' | 'data' | 'trailer' = 'header';
  #held: Buffer = NOTHING;
  #inflate: NativeDecoder | undefined;
  #members = 0;
  done = false;
  consumed = 0;

  push(chunk: Uint8Array): Uint8Array {
    const out: Uint8Array[] = [];
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    while (bytes.length > 0 && !this.done) {
      if (this.#state === 'header') bytes = this.#header(bytes);
      else if (this.#state === 'data') {
        const inflate = this.#inflate!;
        const before = inflate.consumed;
        out.push(inflate.push(bytes));
        const taken = inflate.consumed - before;
        this.consumed += taken;
        bytes = bytes.subarray(taken);
        if (inflate.done) this.#state = 'trailer';
      } else bytes = this.#trailer(bytes);
    }
    return out.length === 1 ? out[0]! : Buffer.concat(out);
  }

  /** Returns what follows the header; nothing while it is not whole. */
  #header(bytes: Buffer): Buffer {
    const all = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    const end = headerEnd(all);
    if (end === 'other') {
      // After a member anything may follow (zeros that fill a block, most often); before the first one it is no gzip.
      if (this.#members === 0) throw new DecodeError('malformed');
      this.done = true;
      return NOTHING;
    }
    if (end === 'open') {
      if (all.length > MAX_HEADER) throw new DecodeError('malformed');
      this.#held = Buffer.from(all);
      return NOTHING;
    }
    this.consumed += end;
    this.#held = NOTHING;
    this.#inflate = inflateRaw();
    this.#state = 'data';
    return all.subarray(end);
  }

  #trailer(bytes: Buffer): Buffer {
    const missing = TRAILER - this.#held.length;
    const part = bytes.subarray(0, missing);
    this.#held = Buffer.concat([this.#held, part]);
    this.consumed += part.length;
    if (this.#held.length === TRAILER) {
      this.#held = NOTHING;
      this.#members++;
      this.#state = 'header';
    }
    return bytes.subarray(part.length);
  }

  end(): Uint8Array {
    const whole = this.done || (this.#state === 'header' && this.#members > 0 && this.#held.length === 0);
    if (!whole) throw new DecodeError('cut');
    return NOTHING;
  }

  close(): void {
    this.#inflate?.close();
  }
}

/** RFC 1952, 2.3: where the data begins; `open`: more is needed; `other`: no member begins here. */
function headerEnd(bytes: Buffer): number | 'open' | 'other' {
  for (const [i, magic] of [0x1f, 0x8b, 0x08].entries()) if (i < bytes.length && bytes[i] !== magic) return 'other';
  if (bytes.length < 10) return 'open';
  const flags = bytes[3]!;
  let at = 10;
  if (flags & 0x04) {
    if (bytes.length < at + 2) return 'open';
    at += 2 + bytes.readUInt16LE(at);
  }
  for (const flag of [0x08, 0x10]) {
    if (!(flags & flag)) continue;
    const end = bytes.indexOf(0, at);
    if (at > bytes.length || end < 0) return 'open';
    at = end + 1;
  }
  if (flags & 0x02) at += 2;
  return at > bytes.length ? 'open' : at;
}

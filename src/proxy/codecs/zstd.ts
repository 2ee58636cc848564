// Zstandard (RFC 8878): Node's own where it is there (22.15), else fzstd. Where Node cannot compress it, frames of raw blocks are
// written: valid for every decoder, and what was replaced in a body travels a short way only.
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { type BodyDecoder, DecodeError, MAX_OUTPUT, NativeDecoder } from './inflate';

/** Not in the types of the Node that we build for. */
interface MaybeZstd {
  readonly createZstdDecompress?: () => zlib.Inflate;
  readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer;
}
const native = zlib as MaybeZstd;

export function inflateZstd(): BodyDecoder {
  // ZSTD_e_continue
  return native.createZstdDecompress ? new NativeDecoder(native.createZstdDecompress(), 0) : new PlainZstd();
}

export const compressZstd = (bytes: Uint8Array): Buffer => native.zstdCompressSync?.(bytes) ?? rawFrame(bytes);

/** Over fzstd, which tells neither the end of a frame nor how much of the input it took. */
class PlainZstd implements BodyDecoder {
  readonly #decompress: Decompress;
  #out: Uint8Array[] = [];
  #total = 0;
  readonly done = false;
  consumed = 0;

  constructor() {
    this.#decompress = new Decompress((chunk) => {
      this.#total += chunk.length;
      if (this.#total > MAX_OUTPUT) throw new DecodeError('bomb');
      // A copy: the memory is its window.
      this.#out.push(Uint8Array.from(chunk));
    });
  }

  push(chunk: Uint8Array): Uint8Array {
    this.consumed += chunk.length;
    return this.#feed(chunk, false);
  }

  /** It holds back up to 18 bytes of a frame that may be so short. */
  end(): Uint8Array {
    if (this.consumed === 0) throw new DecodeError('cut');
    return this.#feed(NOTHING, true);
  }

  #feed(chunk: Uint8Array, last: boolean): Uint8Array {
    this.#out = [];
    this.#total = 0;
    try {
      this.#decompress.push(chunk, last);
    } catch (error) {
      throw error instanceof DecodeError ? error : new DecodeError(last ? 'cut' : 'malformed');
    }
    return Buffer.concat(this.#out);
  }

  close(): void {
    // Plain memory.
  }
}

const NOTHING = new Uint8Array(0);
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** RFC 8878, 3.1.1.2.4: no block is larger. */
const MAX_BLOCK = 128 * 1024;

/** RFC 8878, 3.1.1: one segment, its size in eight bytes, blocks as they are. */
export function rawFrame(bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(9);
  header[0] = 0b1110_0000;
  header.writeBigUInt64LE(BigInt(bytes.length), 1);
  const parts: Uint8Array[] = [MAGIC, header];
  let at = 0;
  do {
    const block = bytes.subarray(at, at + MAX_BLOCK);
    at += block.length;
    const head = Buffer.alloc(3);
    head.writeUIntLE((block.length << 3) | (at >= bytes.length ? 1 : 0), 0, 3);
    parts.push(head, block);
  } while (at < bytes.length);
  return Buffer.concat(parts);
}

// Decompression that is fed synchronously, over the native handles of node:zlib: a body is looked at chunk by chunk, in order,
// on the way through, and a chunk costs less than a round trip to the thread pool. One push never gives more than its bound.
import zlib from 'node:zlib';
import type { StreamDecoder } from '../../core/secrets/decoders';

/** The most that one push may give, in bytes: a bomb is refused before it fills the memory. */
export const MAX_OUTPUT = 32 * 1024 * 1024;
const PIECE = 64 * 1024;
/** One for all: nothing is asynchronous here, and what a push gives does not keep 64 KiB alive. */
const ROOM = Buffer.allocUnsafeSlow(PIECE);

const MESSAGES = {
  malformed: 'compressed data is malformed',
  bomb: 'compressed data expands beyond all measure',
  cut: 'compressed data ends too early',
};

export class DecodeError extends Error {
  constructor(readonly code: keyof typeof MESSAGES) {
    super(MESSAGES[code]);
    this.name = 'DecodeError';
  }
}

/** What `node:zlib` keeps behind its streams; the shape has been the same since Node 11. */
interface NativeHandle {
  onerror: (message: string, errno: number, code: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
}
interface NativeStream {
  readonly _handle: NativeHandle;
  /** What is left after a write: of the output's room, of the input. */
  readonly _writeState: Uint32Array;
  close(): void;
}

export interface BodyDecoder extends StreamDecoder {
  /** Once, after the last byte: what was held back. Throws `DecodeError` `cut` when the compressed data is not at its end. */
  end(): Uint8Array;
  close(): void;
}

/** One native decompressor. What comes after the end of its data is not taken. */
export class NativeDecoder implements BodyDecoder {
  readonly #stream: NativeStream;
  readonly #handle: NativeHandle;
  #failed = false;
  done = false;
  consumed = 0;

  constructor(
    stream: zlib.InflateRaw | zlib.Inflate | zlib.BrotliDecompress,
    private readonly flush: number,
    private readonly maxOutput = MAX_OUTPUT,
  ) {
    this.#stream = stream as unknown as NativeStream;
    this.#handle = this.#stream._handle;
    this.#handle.onerror = () => (this.#failed = true);
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.done || chunk.length === 0) return EMPTY;
    const out: Buffer[] = [];
    let total = 0;
    let at = 0;
    for (;;) {
      this.#handle.writeSync(this.flush, chunk, at, chunk.length - at, ROOM, 0, PIECE);
      if (this.#failed) throw this.#fail('malformed');
      const [roomLeft, inputLeft] = this.#stream._writeState as unknown as [number, number];
      const made = PIECE - roomLeft;
      at = chunk.length - inputLeft;
      if (made > 0) out.push(Buffer.from(ROOM.subarray(0, made)));
      total += made;
      if (total > this.maxOutput) throw this.#fail('bomb');
      // Room is left: everything was taken, or what is left is not part of it.
      if (roomLeft > 0) {
        this.done = inputLeft > 0;
        break;
      }
    }
    this.consumed += at;
    if (this.done) this.close();
    return out.length === 1 ? out[0]! : Buffer.concat(out, total);
  }

  /** A byte more is taken only by data that goes on. */
  end(): Uint8Array {
    const rest = this.done ? EMPTY : this.#probe();
    if (!this.done) throw this.#fail('cut');
    return rest;
  }

  #probe(): Uint8Array {
    try {
      return this.push(PROBE);
    } catch {
      throw new DecodeError('cut');
    }
  }

  #fail(code: DecodeError['code']): DecodeError {
    this.done = true;
    this.close();
    return new DecodeError(code);
  }

  close(): void {
    this.#stream.close();
  }
}

const EMPTY = new Uint8Array(0);
const PROBE = new Uint8Array(1);

export const inflateRaw = (): NativeDecoder => new NativeDecoder(zlib.createInflateRaw(), zlib.constants.Z_SYNC_FLUSH);
export const inflateZlib = (): NativeDecoder => new NativeDecoder(zlib.createInflate(), zlib.constants.Z_SYNC_FLUSH);
export const inflateBrotli = (): NativeDecoder =>
  new NativeDecoder(zlib.createBrotliDecompress(), zlib.constants.BROTLI_OPERATION_PROCESS);

/** zlib data (RFC 1950), or the bare deflate that some servers send under the name `deflate` (RFC 9110, 8.4.1.2, note). */
export class DeflateDecoder implements BodyDecoder {
  #inner: NativeDecoder | undefined;
  #first: number | undefined;

  get done(): boolean {
    return this.#inner?.done ?? false;
  }

  get consumed(): number {
    return this.#inner?.consumed ?? (this.#first === undefined ? 0 : 1);
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#inner) return this.#inner.push(chunk);
    const bytes = this.#first === undefined ? chunk : Buffer.concat([Uint8Array.of(this.#first), chunk]);
    if (bytes.length < 2) {
      this.#first = bytes[0];
      return EMPTY;
    }
    // RFC 1950, 2.2: method 8, and a check over the first two bytes.
    const zlibHeader = (bytes[0]! & 0x0f) === 8 && ((bytes[0]! << 8) | bytes[1]!) % 31 === 0;
    this.#inner = zlibHeader ? inflateZlib() : inflateRaw();
    return this.#inner.push(bytes);
  }

  end(): Uint8Array {
    if (!this.#inner) throw new DecodeError('cut');
    return this.#inner.end();
  }

  close(): void {
    this.#inner?.close();
  }
}

// Finds where a message body ends without copying it (RFC 9112, sections 6 and 7). Bytes in, spans out; no sockets.
// Chunk framing is checked strictly: what another parser could read differently throws and nothing more is forwarded.
import { BadMessage } from './head';

/** Receives the parts of a body in order. `payload` spans carry no chunk framing; `trailers` ends with the blank line. */
export interface BodySink {
  payload(bytes: Buffer): void;
  trailers(bytes: Buffer): void;
}

export interface BodyReader {
  /** Whether the body is complete. A body that ends with the connection never is. */
  readonly done: boolean;
  /** How many bytes of `bytes`, from `from`, belong to this body. Calls `sink` where there is one. */
  feed(bytes: Buffer, from: number, sink: BodySink | undefined): number;
}

/** `length` bytes (RFC 9112, 6.2). */
export class LengthReader implements BodyReader {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  feed(bytes: Buffer, from: number, sink: BodySink | undefined): number {
    const count = Math.min(this.#left, bytes.length - from);
    this.#left -= count;
    if (sink && count > 0) sink.payload(bytes.subarray(from, from + count));
    return count;
  }
}

/** Everything until the connection ends (responses only; RFC 9112, 6.3 rule 8). */
export class UntilCloseReader implements BodyReader {
  readonly done = false;

  feed(bytes: Buffer, from: number, sink: BodySink | undefined): number {
    if (sink && bytes.length > from) sink.payload(from === 0 ? bytes : bytes.subarray(from));
    return bytes.length - from;
  }
}

const enum State {
  Size,
  Extension,
  SizeLf,
  Data,
  DataCr,
  DataLf,
  Trailer,
}

const MAX_EXTENSION = 1024;
const MAX_TRAILERS = 16 * 1024;
const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 10; i++) HEX[48 + i] = i;
for (let i = 0; i < 6; i++) HEX[65 + i] = HEX[97 + i] = 10 + i;

/** Chunked (RFC 9112, 7.1): sizes of at most 12 hex digits, CRLF only, well-formed trailers of at most 16 KiB. */
export class ChunkedReader implements BodyReader {
  #state = State.Size;
  #left = 0;
  #digits = 0;
  #extension = 0;
  #trailers: Buffer[] = [];
  #trailerBytes = 0;
  done = false;

  feed(bytes: Buffer, from: number, sink: BodySink | undefined): number {
    let i = from;
    const end = bytes.length;
    while (i < end && !this.done) {
      switch (this.#state) {
        case State.Data: {
          const count = Math.min(this.#left, end - i);
          sink?.payload(bytes.subarray(i, i + count));
          i += count;
          this.#left -= count;
          if (this.#left === 0) this.#state = State.DataCr;
          break;
        }
        case State.Size: {
          const byte = bytes[i++]!;
          const digit = HEX[byte]!;
          if (digit >= 0) {
            if (++this.#digits > 12) throw bad('A chunk size is too long.');
            this.#left = this.#left * 16 + digit;
          } else if (this.#digits === 0) throw bad('A chunk has no size.');
          else if (byte === 13) this.#state = State.SizeLf;
          else if (byte === 59) {
            this.#state = State.Extension;
            this.#extension = 0;
          } else throw bad('A chunk size is followed by something else than CRLF or an extension.');
          break;
        }
        case State.Extension: {
          const byte = bytes[i++]!;
          if (byte === 13) this.#state = State.SizeLf;
          else if ((byte < 32 && byte !== 9) || byte === 127) throw bad('A chunk extension holds a control character.');
          else if (++this.#extension > MAX_EXTENSION) throw bad('A chunk extension is too long.');
          break;
        }
        case State.SizeLf:
          if (bytes[i++] !== 10) throw bad('A chunk size line ends in a bare CR.');
          this.#state = this.#left > 0 ? State.Data : State.Trailer;
          this.#digits = 0;
          break;
        case State.DataCr:
          if (bytes[i++] !== 13) throw bad('A chunk is longer than its size.');
          this.#state = State.DataLf;
          break;
        case State.DataLf:
          if (bytes[i++] !== 10) throw bad('A chunk does not end in CRLF.');
          this.#state = State.Size;
          break;
        case State.Trailer:
          i += this.#trailer(bytes, i, sink);
          break;
      }
    }
    return i - from;
  }

  /** Collects lines until the blank one. Returns how many bytes were taken. */
  #trailer(bytes: Buffer, from: number, sink: BodySink | undefined): number {
    const held =
      this.#trailers.length === 0 ? bytes.subarray(from) : Buffer.concat([...this.#trailers, bytes.subarray(from)]);
    const before = this.#trailerBytes;
    let end = -1;
    if (held.length >= 2 && held[0] === 13 && held[1] === 10) end = 2;
    else {
      const at = held.indexOf('\r\n\r\n');
      if (at >= 0) end = at + 4;
    }
    if (end < 0) {
      if (held.length > MAX_TRAILERS) throw bad('The trailers are longer than 16 KiB.');
      this.#trailers = [held];
      this.#trailerBytes = held.length;
      return bytes.length - from;
    }
    const section = held.subarray(0, end);
    checkTrailers(section.toString('latin1'));
    this.#trailers = [];
    this.done = true;
    sink?.trailers(section);
    return end - before;
  }
}

/** Framing and routing fields are not allowed in trailers (RFC 9110, 6.5.1). */
export const FORBIDDEN_TRAILER =
  /^(?:content-length|transfer-encoding|host|connection|trailer|authorization|proxy-[a-z-]+|te|upgrade)$/;

function checkTrailers(section: string): void {
  for (const line of section.split('\r\n')) {
    if (line === '') continue;
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[^\x00-\x08\x0a-\x1f\x7f]*$/.exec(line);
    if (!match) throw bad('A trailer is not a valid header field.');
    if (FORBIDDEN_TRAILER.test(match[1]!.toLowerCase()))
      throw bad('A trailer holds a field that trailers must not hold.');
  }
}

const bad = (message: string) => new BadMessage('bad-chunk', message);

// From heads to body readers, and from payload back to bytes: which body a message has, and how a changed one is framed.
import type { BodyTransform } from '../engine';
import { type BodyReader, type BodySink, ChunkedReader, LengthReader, UntilCloseReader } from './body';
import type { Framing } from './head';

/** RFC 9112, 6.3 rule 7: a request without framing has no body. */
export function requestBody(framing: Framing): BodyReader | undefined {
  if (framing.chunked) return new ChunkedReader();
  return framing.length === undefined || framing.length === 0 ? undefined : new LengthReader(framing.length);
}

/** RFC 9112, 6.3 rules 1–8. `undefined`: no body whatever the fields say. */
export function responseBody(framing: Framing, method: string, status: number): BodyReader | undefined {
  if (method === 'HEAD' || status === 204 || status === 304 || (status >= 100 && status < 200)) return undefined;
  if (framing.chunked) return new ChunkedReader();
  if (framing.length === undefined) return new UntilCloseReader();
  return framing.length === 0 ? undefined : new LengthReader(framing.length);
}

const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n');
const NO_TRAILERS = CRLF;

/** Runs payload through a transform and frames what comes out; the engine writes what `take` returns. */
export class TransformSink implements BodySink {
  readonly #out: Buffer[] = [];
  #trailers: Buffer | undefined;

  constructor(
    readonly transform: BodyTransform,
    readonly chunked: boolean,
  ) {}

  payload(bytes: Buffer): void {
    this.#emit(this.transform.push(bytes));
  }

  trailers(bytes: Buffer): void {
    this.#trailers = this.transform.trailers ? this.transform.trailers(bytes) : bytes;
  }

  /** The body is over: what the transform held back, and the last chunk with its trailers. */
  end(): void {
    this.#emit(this.transform.end());
    if (this.chunked) this.#out.push(LAST_CHUNK, this.#trailers ?? NO_TRAILERS);
  }

  /** The body broke off: nothing that ends it. */
  cut(): void {
    if (this.transform.cut) this.#emit(this.transform.cut());
  }

  take(): Buffer {
    const out = this.#out.length === 1 ? this.#out[0]! : Buffer.concat(this.#out);
    this.#out.length = 0;
    return out;
  }

  #emit(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.chunked) this.#out.push(Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, CRLF);
    else this.#out.push(bytes);
  }
}

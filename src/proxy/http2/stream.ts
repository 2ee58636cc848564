// One stream of an HTTP/2 connection (RFC 9113, section 5): its windows, what waits to be sent, and who listens. It does no
// framing of its own.
import { ByteQueue } from './byteQueue';
import type { Http2Connection } from './connection';
import type { FieldList, LastFrame } from './frameWriter';
import type { FieldSection } from './hpack';

export interface StreamListener {
  /** Client only: interim and final response heads. */
  headers(fields: FieldSection, endStream: boolean): void;
  /** Give back what was taken with `taken`: until then the peer's window stays smaller. */
  data(chunk: Buffer): void;
  /** The peer's side is over, with its trailers where there are any. */
  end(trailers: FieldSection | undefined): void;
  /** `unprocessed`: the peer did not act on it, it may be sent again (RFC 9113, 8.7). */
  reset(code: number, unprocessed: boolean): void;
  /** After `data` returned false: more may be sent now. */
  writable(): void;
}

export class Http2Stream {
  listener: StreamListener | undefined;
  /** Server: the request's head came. Client: the final response's head came; set by the listener. */
  headersSeen = false;
  remoteClosed = false;
  localClosed = false;
  gone = false;
  /** Received and not taken yet, in octets of the flow control. */
  unread = 0;
  endQueued: { readonly trailers: FieldList | undefined } | undefined;
  /** The frame that was written last: END_STREAM may go on it. */
  last: LastFrame | undefined;
  /** The code of a RST_STREAM that follows the end of our side. */
  afterEnd: number | undefined;
  readonly #queue = new ByteQueue();
  #receiveWindow: number;
  #owed = 0;

  constructor(
    readonly id: number,
    private readonly connection: Http2Connection,
    public sendWindow: number,
    private readonly window: number,
  ) {
    this.#receiveWindow = window;
  }

  headers(fields: FieldList, endStream: boolean): void {
    if (this.gone || this.localClosed) return;
    this.connection.sendHeaders(this, fields, endStream);
    if (!endStream) return;
    this.localClosed = true;
    if (this.remoteClosed) this.connection.finished(this);
  }

  /** Returns whether more may come now. */
  data(chunk: Buffer): boolean {
    return this.gone || this.localClosed || chunk.length === 0 ? true : this.connection.sendData(this, chunk);
  }

  end(trailers?: FieldList): void {
    if (!this.gone && !this.localClosed && !this.endQueued) this.connection.sendEnd(this, trailers);
  }

  reset(code: number): void {
    this.connection.resetStream(this, code);
  }

  /** As `reset`, for what the peer is to blame for. Only while it is heard: it may end the connection. */
  refuse(code: number): void {
    this.connection.refuse(this, code);
  }

  /** As `reset`, but after what is queued has been sent with its end. */
  resetWhenSent(code: number): void {
    this.afterEnd = code;
  }

  /** What was received has been passed on: the peer may send as much again. */
  taken(bytes: number): void {
    if (this.gone || bytes === 0) return;
    this.unread -= bytes;
    this.connection.took(bytes);
    this.#owed += bytes;
    if (this.remoteClosed || this.#owed < this.window / 4) return;
    this.#receiveWindow += this.#owed;
    this.connection.creditStream(this, this.#owed);
    this.#owed = 0;
  }

  // --- for the connection

  /** Octets that wait for a window. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Takes octets off the window; false when there were more than it held. */
  receive(bytes: number): boolean {
    this.#receiveWindow -= bytes;
    return this.#receiveWindow >= 0;
  }

  queue(chunk: Buffer): void {
    this.#queue.push(chunk);
  }

  /** At most `most` octets off the queue. */
  shift(most: number): Buffer {
    return this.#queue.shift(most);
  }
}

// One HTTP/2 connection to an upstream, shared by the exchanges of one route, and the port of each exchange on it.
import type { Socket } from 'node:net';
import type { Fields, Target, Timeouts } from '../engine';
import { Http2Connection } from '../http2/connection';
import { Malformed, readResponse, readTrailers, requestList, trailerList } from '../http2/fields';
import { ErrorCode, errorName } from '../http2/frames';
import type { FieldSection } from '../http2/hpack';
import type { Http2Stream, StreamListener } from '../http2/stream';
import { timedOut } from '../timeouts';
import { WireError } from '../wire/errors';
import type { OutgoingRequest, UpstreamPort, UpstreamPortListener } from '../wire/ports';
import { writeChunks } from '../wire/put';

/** After this much silence nobody knows whether the other side is still there: a router forgot it, this machine slept. */
const SILENT_MS = 5_000;
/** How long a word of life may take. */
const PROBE_MS = 5_000;

export class Http2Session {
  readonly connection: Http2Connection;
  /** Exchanges so far. */
  uses = 0;
  /** Ports that were given out and have not opened their stream yet. */
  promised = 0;
  /** When an exchange last began or ended, in ms of `performance.now()`. */
  lastUsed = performance.now();
  /** When an octet last came. Of the clock on the wall: the other one stands still while a machine sleeps. */
  #heardAt = Date.now();
  #probe: Promise<boolean> | undefined;
  #settleProbe: ((alive: boolean) => void) | undefined;
  /** The other side gave no word of life. */
  lost = false;

  constructor(
    readonly socket: Socket,
    readonly target: Target,
    readonly timeouts: Pick<Timeouts, 'connectMs' | 'headMs' | 'idleMs'>,
    private readonly events: { readonly gone: () => void; readonly released: () => void },
    assumedStreams: number | undefined,
  ) {
    this.connection = new Http2Connection({
      role: 'client',
      write: (chunks, bytes) => writeChunks(socket, chunks, bytes),
      end: () => {
        socket.end();
        setTimeout(() => socket.destroy(), 1_000).unref();
      },
      listener: {
        request: () => undefined,
        draining: () => events.gone(),
        closed: () => {
          this.#settleProbe?.(false);
          events.gone();
        },
      },
      ...(assumedStreams === undefined ? {} : { assumedStreams }),
    });
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#heardAt = Date.now();
      this.#settleProbe?.(true);
      this.connection.feed(bytes);
    });
    socket.on('drain', () => this.connection.drained());
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.connection.socketClosed());
    socket.on('close', () => this.connection.socketClosed());
  }

  get usable(): boolean {
    return this.connection.hasRoomFor(this.promised + 1) && !this.socket.destroyed && this.socket.writable;
  }

  /** Ask `isAlive` before it gets another exchange. */
  get silent(): boolean {
    return this.#silence >= SILENT_MS;
  }

  get #silence(): number {
    return Math.abs(Date.now() - this.#heardAt);
  }

  /**
   * Whether the other side is there, by a PING: it answers before anything is sent that could not be sent again elsewhere.
   * One that does not answer is gone, with all that was under way. (Only ahead of an exchange: servers count pings that
   * come without one.)
   */
  isAlive(): Promise<boolean> {
    this.#probe ??= new Promise((resolve) => {
      // No longer than a new connection may take.
      const timer = setTimeout(() => this.#lose(), Math.min(PROBE_MS, this.timeouts.connectMs)).unref();
      this.#settleProbe = (alive) => {
        clearTimeout(timer);
        this.#probe = undefined;
        this.#settleProbe = undefined;
        resolve(alive);
      };
      if (this.connection.closed) this.#settleProbe(false);
      else this.connection.ping();
    });
    return this.#probe;
  }

  #lose(): void {
    this.lost = true;
    this.connection.socketClosed();
    this.socket.destroy();
  }

  /** An exchange ran out of time. Where nothing at all came meanwhile, others go elsewhere, and this one has to prove itself. */
  exchangeTimedOut(ms: number): void {
    // A timer may fire a little early.
    if (this.#silence + 5 < ms) return;
    this.connection.drain();
    if (!this.connection.closed) void this.isAlive();
  }

  port(): UpstreamPort {
    this.lastUsed = performance.now();
    this.promised++;
    return new Http2Port(this);
  }

  /** An exchange is over. */
  released(): void {
    this.lastUsed = performance.now();
    this.events.released();
  }
}

class Http2Port implements UpstreamPort {
  readonly reused: boolean;
  #stream: Http2Stream | undefined;
  #listener: UpstreamPortListener | undefined;
  #method = '';
  #left: number | undefined;
  #promised = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly session: Http2Session) {
    this.reused = session.uses++ > 0;
  }

  send(
    { method, path, authority, fields, hasBody, neverIndexed }: OutgoingRequest,
    listener: UpstreamPortListener,
  ): void {
    this.#listener = listener;
    this.#method = method;
    this.#promised = false;
    this.session.promised--;
    const { connection, target } = this.session;
    if (connection.draining) {
      // Between `port` and here: nothing was sent.
      queueMicrotask(() =>
        this.#fail(new WireError('upstream-reset', `${this.session.target.host} closed the connection.`, 502), true),
      );
      return;
    }
    const events: StreamListener = {
      headers: (section, endStream) => this.#head(section, endStream),
      data: (chunk) => this.#data(chunk),
      end: (section) => this.#ended(section),
      reset: (code, unprocessed) => this.#broken(code, unprocessed),
      writable: () => this.#listener?.drained(),
    };
    this.#stream = connection.open(events);
    this.#stream.headers(requestList(method, target.scheme, authority, path, fields, neverIndexed), !hasBody);
    this.#expect('head');
  }

  body(chunk: Buffer): boolean {
    this.#timer?.refresh();
    return this.#stream?.data(chunk) ?? true;
  }

  end(trailers: Fields | undefined): void {
    this.#stream?.end(trailers && trailerList(trailers));
  }

  taken(bytes: number): void {
    this.#timer?.refresh();
    this.#stream?.taken(bytes);
  }

  abort(): void {
    const stream = this.#stream;
    clearTimeout(this.#timer);
    if (this.#promised) this.session.promised--;
    this.#promised = false;
    this.#listener = undefined;
    this.#stream = undefined;
    stream?.reset(ErrorCode.Cancel);
    this.session.released();
  }

  // --- from the stream

  #head(section: FieldSection, endStream: boolean): void {
    try {
      const { status, fields, length } = readResponse(section);
      if (status === 101 || (status < 200 && endStream)) throw new Malformed('An interim response ends the stream.');
      if (status < 200) {
        this.#listener?.interim(status, { reason: '', fields });
        return;
      }
      const stream = this.#stream;
      if (stream) stream.headersSeen = true;
      this.#expect('idle');
      const bodiless = this.#method === 'HEAD' || status === 204 || status === 304;
      const hasBody = !endStream && !bodiless;
      const { neverIndexed } = section;
      if (!bodiless) {
        if (endStream && (length ?? 0) > 0) throw new Malformed('The body is shorter than its Content-Length.');
        this.#left = length;
      }
      if (hasBody) this.#listener?.head({ status, reason: '', fields, hasBody, neverIndexed });
      else if (endStream) {
        const listener = this.#over();
        this.#endRequest(stream);
        listener?.head({ status, reason: '', fields, hasBody, neverIndexed });
      } else {
        // A head without a body whose END_STREAM is still to come: the exchange need not wait for it.
        const listener = this.#over();
        stream?.reset(ErrorCode.NoError);
        listener?.head({ status, reason: '', fields, hasBody, neverIndexed });
      }
    } catch (error) {
      this.#malformed(error);
    }
  }

  #data(chunk: Buffer): void {
    this.#timer?.refresh();
    if (this.#left !== undefined) {
      this.#left -= chunk.length;
      if (this.#left < 0) {
        this.#malformed(new Malformed('The body is longer than its Content-Length.'));
        return;
      }
    }
    if (this.#stream?.headersSeen) this.#listener?.body(chunk);
    else this.#malformed(new Malformed('A body without a head.'));
  }

  #ended(section: FieldSection | undefined): void {
    try {
      if ((this.#left ?? 0) > 0) throw new Malformed('The body is shorter than its Content-Length.');
      if (!this.#stream?.headersSeen) throw new Malformed('It ends before its head.');
      const trailers = section && readTrailers(section);
      const listener = this.#over();
      this.#endRequest(this.#stream);
      listener?.end(trailers);
    } catch (error) {
      this.#malformed(error);
    }
  }

  /**
   * The answer is whole. What of the request still waits for a window answers nothing any more (RFC 9113, 8.1), and the stream
   * would stay taken for good with an upstream that never opens that window.
   */
  #endRequest(stream: Http2Stream | undefined): void {
    if (stream && !stream.localClosed) stream.reset(ErrorCode.Cancel);
  }

  #broken(code: number, unprocessed: boolean): void {
    this.#stream = undefined;
    const { host } = this.session.target;
    if (this.session.lost) {
      this.#fail(
        new WireError('upstream-reset', `${host} does not answer any more. It may still act on it.`, 502),
        false,
      );
      return;
    }
    const what = code === (ErrorCode.RefusedStream as number) ? 'refused the request' : 'broke the exchange off';
    this.#fail(new WireError('upstream-reset', `${host} ${what} (${errorName(code)}).`, 502), unprocessed);
  }

  /** From now on `which` is what may take too long. */
  #expect(which: 'head' | 'idle'): void {
    clearTimeout(this.#timer);
    const ms = this.session.timeouts[which === 'head' ? 'headMs' : 'idleMs'];
    this.#timer = setTimeout(() => {
      this.#stream?.reset(ErrorCode.Cancel);
      this.session.exchangeTimedOut(ms);
      this.#fail(timedOut(which, this.session.target.host, ms), false);
    }, ms).unref();
  }

  #malformed(error: unknown): void {
    const why = error instanceof Malformed ? error.message : 'It cannot be read.';
    this.#stream?.reset(ErrorCode.Protocol);
    this.#stream = undefined;
    this.#fail(
      new WireError('upstream-malformed', `The answer of ${this.session.target.host} is malformed: ${why}`, 502),
      false,
    );
  }

  #fail(error: WireError, again: boolean): void {
    this.#over()?.failed(error, again);
  }

  #over(): UpstreamPortListener | undefined {
    clearTimeout(this.#timer);
    const listener = this.#listener;
    this.#listener = undefined;
    this.session.released();
    return listener;
  }
}

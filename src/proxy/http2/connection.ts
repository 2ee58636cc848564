// One HTTP/2 connection, either end of it (RFC 9113): bytes in, streams out, and back; no sockets. Flow control is end to end:
// a peer gets new window only for what was taken. Strict about framing, and bounded against peers that flood: what costs us
// more than them is counted, and a peer that overdraws is told to calm down and gone.
import { Allowance } from './allowance';
import { Http2Error } from './error';
import { type FrameListener, FrameReader, MAX_LIST } from './frameReader';
import { type FieldList, FrameWriter } from './frameWriter';
import { ACK, DEFAULT_FRAME_SIZE, DEFAULT_WINDOW, ErrorCode, FrameType, MAX_WINDOW, PREFACE, Setting } from './frames';
import { type FieldSection, HpackError } from './hpack';
import { Http2Stream, type StreamListener } from './stream';

export interface ConnectionListener {
  /** Server only: a request opened a stream. Returns who listens to it; undefined when it was refused with `reset`. */
  request(stream: Http2Stream, fields: FieldSection, endStream: boolean): StreamListener | undefined;
  /** No new streams may be opened here: GOAWAY came or went. */
  draining(): void;
  /** Over, for whatever reason; streams heard of it before. */
  closed(): void;
}

export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  /** Octets to the socket, at the end of the tick. Returns false when the socket wants a pause. */
  readonly write: (chunks: readonly Buffer[], bytes: number) => boolean;
  /** After the last write: end in order, or at once. */
  readonly end: (orderly: boolean) => void;
  readonly listener: ConnectionListener;
  /** Client only: streams at once until the peer says how many. */
  readonly assumedStreams?: number;
}

/** What we let a peer open at once, and hold unread a stream and, of a client, in all. */
const MAX_STREAMS = 256;
const STREAM_WINDOW = 512 * 1024;
const CONNECTION_WINDOW = 16 * 1024 * 1024;
/** Before the peer said more: RFC 9113, 6.5.2 recommends no less than 100. */
const ASSUMED_STREAMS = 100;
/** Frames that cost us and mean little (pings, settings, resets, empty data): a burst, then so many a second. */
const CALM_BURST = 2_000;
const CALM_PER_SECOND = 500;
/** DATA of a client that is hardly more than its frame: what a stream of small messages may take, and far more. */
const TINY = 16;
const TINY_BURST = 50_000;
const TINY_PER_SECOND = 10_000;
/** Pairs in one SETTINGS that cost no more than the frame: there are six that anybody sends. */
const SETTINGS_AT_ONCE = 16;

export class Http2Connection implements FrameListener {
  readonly #options: ConnectionOptions;
  readonly #isServer: boolean;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  #closed = false;
  /** GOAWAY went out or came in: no new streams. */
  #draining = false;
  #lastPeerStream = 0;
  #nextStream = 1;
  #settingsTaken = 0;

  /** The stream of the DATA frame that is being read. */
  #data: Http2Stream | undefined;

  // --- sending
  #congested = false;
  #sendWindow = DEFAULT_WINDOW;
  #peerWindow = DEFAULT_WINDOW;
  #peerFrameSize = DEFAULT_FRAME_SIZE;
  #peerStreams: number;
  readonly #blocked = new Set<Http2Stream>();
  readonly #waiting = new Set<Http2Stream>();

  // --- receiving
  #receiveWindow = CONNECTION_WINDOW;
  #owed = 0;
  readonly #calm = new Allowance(CALM_BURST, CALM_PER_SECOND);
  readonly #tiny = new Allowance(TINY_BURST, TINY_PER_SECOND);

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#isServer = options.role === 'server';
    this.#peerStreams = options.assumedStreams ?? ASSUMED_STREAMS;
    this.#reader = new FrameReader(this.#isServer, this);
    this.#writer = new FrameWriter((chunks, bytes) => {
      if (!options.write(chunks, bytes)) this.#congested = true;
    });
    if (!this.#isServer) this.#writer.put(PREFACE);
    this.#writer.settings([
      [Setting.InitialWindowSize, STREAM_WINDOW],
      [Setting.MaxHeaderListSize, MAX_LIST],
      this.#isServer ? [Setting.MaxConcurrentStreams, MAX_STREAMS] : [Setting.EnablePush, 0],
    ]);
    this.#writer.windowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get draining(): boolean {
    return this.#draining || this.#closed;
  }

  /** The peer sent its preface and its settings. */
  get begun(): boolean {
    return this.#reader.begun;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** Client only: whether so many more streams fit what the peer allows. */
  hasRoomFor(streams: number): boolean {
    return !this.draining && this.#streams.size + streams <= this.#peerStreams && this.#nextStream < MAX_WINDOW;
  }

  /** Client only: how many streams the peer takes at once. */
  get peerStreams(): number {
    return this.#peerStreams;
  }

  // --- opening and ending

  /** Client only: a new stream; look at `hasRoomFor` first. */
  open(listener: StreamListener): Http2Stream {
    const stream = this.#newStream(this.#nextStream);
    this.#nextStream += 2;
    stream.listener = listener;
    return stream;
  }

  #newStream(id: number): Http2Stream {
    const stream = new Http2Stream(id, this, this.#peerWindow, STREAM_WINDOW);
    this.#streams.set(id, stream);
    return stream;
  }

  /** No new streams; the connection ends when the open ones have. */
  drain(): void {
    if (this.draining) return;
    this.#writer.goAway(this.#lastPeerStream, ErrorCode.NoError, '');
    this.#draining = true;
    this.#options.listener.draining();
    this.#endWhenIdle();
  }

  /** Makes a peer that is there say something (RFC 9113, 6.7). */
  ping(): void {
    if (!this.#closed) this.#writer.ping();
  }

  /** Ends now: streams hear `code`, the peer a GOAWAY with a word for whoever debugs it. */
  fail(code: ErrorCode, why: string): void {
    if (this.#closed) return;
    this.#writer.goAway(this.#lastPeerStream, code, why);
    this.#close(code, false);
    this.#writer.flush();
    this.#options.end(true);
  }

  /** The socket is gone. */
  socketClosed(): void {
    this.#close(ErrorCode.Cancel, false);
  }

  #close(code: number, unprocessed: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of [...this.#streams.values()]) {
      this.#forget(stream);
      stream.listener?.reset(code, unprocessed);
    }
    this.#options.listener.closed();
  }

  #endWhenIdle(): void {
    if (!this.#draining || this.#streams.size > 0 || this.#closed) return;
    this.#close(ErrorCode.NoError, false);
    this.#writer.flush();
    this.#options.end(true);
  }

  #forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#blocked.delete(stream);
    this.#waiting.delete(stream);
    stream.gone = true;
    // What it held unread must not stay taken from the others.
    if (this.#isServer) this.#credit(stream.unread);
    stream.unread = 0;
  }

  /** Called by a stream both of whose sides are over. */
  finished(stream: Http2Stream): void {
    if (stream.gone) return;
    this.#forget(stream);
    this.#endWhenIdle();
  }

  // --- reading

  feed(chunk: Buffer): void {
    try {
      this.#reader.feed(chunk, () => this.#closed);
    } catch (error) {
      if (error instanceof Http2Error) this.fail(error.code, error.message);
      else if (error instanceof HpackError) this.fail(ErrorCode.Compression, error.message);
      else this.fail(ErrorCode.Internal, 'internal error');
    }
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- what no case names is ignored
    switch (type as FrameType) {
      case FrameType.RstStream:
        if (to - from !== 4) throw new Http2Error(ErrorCode.FrameSize, 'RST_STREAM has not 4 octets.');
        this.#notIdle(id);
        this.#peerReset(id, bytes.readUInt32BE(from));
        return;
      case FrameType.Settings:
        this.#settings(flags, id, bytes, from, to);
        return;
      case FrameType.Ping:
        this.#ping(flags, id, bytes, from, to);
        return;
      case FrameType.GoAway:
        if (id !== 0) throw new Http2Error(ErrorCode.Protocol, 'GOAWAY on a stream.');
        if (to - from < 8) throw new Http2Error(ErrorCode.FrameSize, 'GOAWAY is too short.');
        this.#peerGoAway(bytes.readUInt32BE(from) & 0x7fffffff);
        return;
      case FrameType.WindowUpdate:
        if (to - from !== 4) throw new Http2Error(ErrorCode.FrameSize, 'WINDOW_UPDATE has not 4 octets.');
        this.#windowUpdate(id, bytes.readUInt32BE(from) & 0x7fffffff);
        return;
      case FrameType.PushPromise:
        throw new Http2Error(ErrorCode.Protocol, 'A push was promised that nobody asked for.');
      case FrameType.Priority:
        // RFC 9113, 5.3.2: deprecated, and without meaning here.
        if (to - from !== 5) throw new Http2Error(ErrorCode.FrameSize, 'PRIORITY has not 5 octets.');
        if (id === 0) throw new Http2Error(ErrorCode.Protocol, 'PRIORITY without a stream.');
        this.#spend();
        return;
      default:
        // RFC 9113, 5.5: unknown types are ignored.
        this.#spend();
    }
  }

  dataBegins(id: number, length: number, padding: number): void {
    this.#notIdle(id);
    if (this.#isServer && length - padding < TINY && !this.#tiny.take()) this.#spend();
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0)
      throw new Http2Error(ErrorCode.FlowControl, 'More data than the window of the connection.');
    const stream = this.#streams.get(id);
    this.#data = undefined;
    if (stream && (stream.remoteClosed || !stream.receive(length))) {
      const closed = stream.remoteClosed;
      this.#credit(length);
      this.#reset(stream, closed ? ErrorCode.StreamClosed : ErrorCode.FlowControl);
      return;
    }
    this.#data = stream;
    if (stream) stream.unread += length;
    // An upstream session is shared by many clients: those that read nothing are held by the windows of their streams
    // alone, as the window of the connection would hold all the others too.
    if (!stream || !this.#isServer) this.#credit(length);
    stream?.taken(padding);
  }

  data(chunk: Buffer): void {
    if (this.#data && !this.#data.gone) this.#data.listener?.data(chunk);
  }

  dataEnds(endStream: boolean): void {
    const stream = this.#data;
    this.#data = undefined;
    if (endStream && stream && !stream.gone) this.#remoteEnd(stream, undefined);
  }

  idle(): void {
    this.#spend();
  }

  section(id: number, section: FieldSection, ends: boolean): void {
    const known = this.#streams.get(id);
    if (known) {
      if (known.remoteClosed) {
        this.#reset(known, ErrorCode.StreamClosed);
        return;
      }
      if (this.#isServer) {
        // A second section of a request can only be its trailers.
        if (ends) this.#remoteEnd(known, section);
        else this.#reset(known, ErrorCode.Protocol);
        return;
      }
      if (known.headersSeen) {
        if (ends) this.#remoteEnd(known, section);
        else this.#reset(known, ErrorCode.Protocol);
        return;
      }
      known.listener?.headers(section, ends);
      if (ends && !known.gone) this.#remoteEnd(known, undefined);
      return;
    }
    if (!this.#isServer) {
      this.#notIdle(id);
      return; // of a stream that we gave up
    }
    if (id % 2 === 0) throw new Http2Error(ErrorCode.Protocol, 'A client opened a stream with an even number.');
    if (id <= this.#lastPeerStream) {
      this.#spend();
      return; // of a stream that is over: in flight when we ended it
    }
    this.#lastPeerStream = id;
    if (this.#draining || this.#streams.size >= MAX_STREAMS) {
      this.#spend();
      this.#writer.reset(id, ErrorCode.RefusedStream);
      return;
    }
    const stream = this.#newStream(id);
    stream.headersSeen = true;
    if (ends) stream.remoteClosed = true;
    const listener = this.#options.listener.request(stream, section, ends);
    stream.listener = listener;
  }

  #remoteEnd(stream: Http2Stream, trailers: FieldSection | undefined): void {
    stream.remoteClosed = true;
    stream.listener?.end(trailers);
    if (stream.localClosed) this.finished(stream);
  }

  #settings(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    if (id !== 0) throw new Http2Error(ErrorCode.Protocol, 'SETTINGS on a stream.');
    const length = to - from;
    if (flags & ACK) {
      if (length !== 0) throw new Http2Error(ErrorCode.FrameSize, 'A SETTINGS acknowledgement holds something.');
      return;
    }
    if (length % 6 !== 0) throw new Http2Error(ErrorCode.FrameSize, 'SETTINGS is no multiple of 6 octets.');
    if (this.#settingsTaken++ > 0) this.#spend();
    // Each costs a look at every stream, and nobody needs as many.
    for (let pairs = length / 6; pairs > SETTINGS_AT_ONCE; pairs -= SETTINGS_AT_ONCE) this.#spend();
    for (let at = from; at < to; at += 6) this.#setting(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
    this.#writer.settingsTaken();
  }

  #setting(id: number, value: number): void {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- what no case names is ignored
    switch (id as Setting) {
      case Setting.HeaderTableSize:
        this.#writer.resizeTable(value);
        return;
      case Setting.EnablePush:
        if (value > 1) throw new Http2Error(ErrorCode.Protocol, 'ENABLE_PUSH is neither 0 nor 1.');
        return;
      case Setting.MaxConcurrentStreams:
        this.#peerStreams = value;
        return;
      case Setting.InitialWindowSize: {
        if (value > MAX_WINDOW) throw new Http2Error(ErrorCode.FlowControl, 'The initial window is too large.');
        const change = value - this.#peerWindow;
        this.#peerWindow = value;
        for (const stream of this.#streams.values()) {
          stream.sendWindow += change;
          if (stream.sendWindow > MAX_WINDOW)
            throw new Http2Error(ErrorCode.FlowControl, 'A window grew beyond its limit.');
        }
        this.#unblock();
        return;
      }
      case Setting.MaxFrameSize:
        if (value < DEFAULT_FRAME_SIZE || value > 0xffffff)
          throw new Http2Error(ErrorCode.Protocol, 'MAX_FRAME_SIZE is out of range.');
        // Larger frames would hold the others up.
        this.#peerFrameSize = Math.min(value, 65_536);
        return;
      case Setting.MaxHeaderListSize:
        return;
      default:
    }
  }

  #ping(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    if (id !== 0) throw new Http2Error(ErrorCode.Protocol, 'PING on a stream.');
    if (to - from !== 8) throw new Http2Error(ErrorCode.FrameSize, 'PING has not 8 octets.');
    if (flags & ACK) return;
    this.#spend();
    this.#writer.pong(bytes.subarray(from, to));
  }

  #peerReset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (this.#isServer) this.#spend();
    if (!stream) return;
    this.#forget(stream);
    stream.listener?.reset(code, code === (ErrorCode.RefusedStream as number));
    this.#endWhenIdle();
  }

  #peerGoAway(last: number): void {
    this.#draining = true;
    if (!this.#isServer) {
      // RFC 9113, 6.8: higher streams were not acted on and may be sent again elsewhere.
      for (const stream of [...this.#streams.values()]) {
        if (stream.id <= last) continue;
        this.#forget(stream);
        stream.listener?.reset(ErrorCode.RefusedStream, true);
      }
    }
    this.#options.listener.draining();
    this.#endWhenIdle();
  }

  #windowUpdate(id: number, increment: number): void {
    if (id === 0) {
      if (increment === 0) throw new Http2Error(ErrorCode.Protocol, 'A window grows by nothing.');
      const held = this.#sendWindow <= 0;
      this.#sendWindow += increment;
      if (this.#sendWindow > MAX_WINDOW)
        throw new Http2Error(ErrorCode.FlowControl, 'The window of the connection grew beyond its limit.');
      // Else those that wait do so for their own windows: looking at each would make small updates dear.
      if (held) this.#unblock();
      return;
    }
    this.#notIdle(id);
    const stream = this.#streams.get(id);
    if (!stream) return;
    stream.sendWindow += increment;
    if (increment === 0 || stream.sendWindow > MAX_WINDOW) {
      this.#reset(stream, increment === 0 ? ErrorCode.Protocol : ErrorCode.FlowControl);
      return;
    }
    if (this.#blocked.has(stream)) this.#pump(stream);
  }

  /** RFC 9113, 5.1: on a stream that was never opened nothing but HEADERS and PRIORITY may come. */
  #notIdle(id: number): void {
    const peers = this.#isServer === (id % 2 === 1);
    const opened = peers ? id <= this.#lastPeerStream : id < this.#nextStream;
    if (id === 0 || !opened) throw new Http2Error(ErrorCode.Protocol, 'A frame on a stream that is not open.');
  }

  /** Frames that are cheap to send and dear to take: rapid resets, floods of pings, settings and empty frames. */
  #spend(): void {
    if (!this.#calm.take()) throw new Http2Error(ErrorCode.EnhanceYourCalm, 'Too many frames that do nothing.');
  }

  // --- sending

  /** Our own end of a stream: its listener hears nothing of it. */
  resetStream(stream: Http2Stream, code: number): void {
    if (stream.gone) return;
    this.#forget(stream);
    this.#writer.reset(stream.id, code);
    this.#endWhenIdle();
  }

  /** The peer broke the rules of one stream. */
  #reset(stream: Http2Stream, code: ErrorCode): void {
    this.refuse(stream, code);
    stream.listener?.reset(code, false);
  }

  /** As `resetStream`, for what the peer is to blame for: it counts as a frame that did nothing. Only from within `feed`. */
  refuse(stream: Http2Stream, code: number): void {
    if (this.#isServer && !stream.gone) this.#spend();
    this.resetStream(stream, code);
  }

  sendHeaders(stream: Http2Stream, list: FieldList, ends: boolean): void {
    stream.last = this.#writer.headers(stream.id, list, ends, this.#peerFrameSize);
  }

  /**
   * Sends what the windows allow and keeps the rest. Returns whether more may come now; else the stream's listener hears
   * `writable` later.
   */
  sendData(stream: Http2Stream, chunk: Buffer): boolean {
    let rest = chunk;
    while (rest.length > 0 && stream.queued === 0) {
      const most = this.#mostFor(stream);
      if (most <= 0) break;
      this.#sendNow(stream, rest.length <= most ? rest : rest.subarray(0, most));
      rest = rest.subarray(most);
    }
    if (rest.length > 0) {
      stream.queue(rest);
      this.#blocked.add(stream);
    }
    if (stream.queued === 0 && !this.#congested) return true;
    this.#waiting.add(stream);
    return false;
  }

  /** Octets of DATA that a stream may send in one frame now. */
  #mostFor(stream: Http2Stream): number {
    return Math.min(stream.sendWindow, this.#sendWindow, this.#peerFrameSize);
  }

  #sendNow(stream: Http2Stream, chunk: Buffer): void {
    stream.sendWindow -= chunk.length;
    this.#sendWindow -= chunk.length;
    stream.last = this.#writer.data(stream.id, chunk);
  }

  #pump(stream: Http2Stream): void {
    while (stream.queued > 0) {
      const most = this.#mostFor(stream);
      if (most <= 0) {
        this.#blocked.add(stream);
        return;
      }
      this.#sendNow(stream, stream.shift(most));
    }
    this.#blocked.delete(stream);
    if (stream.endQueued) this.#sendEnd(stream);
    else if (!this.#congested && this.#waiting.delete(stream)) stream.listener?.writable();
  }

  /** Everything was sent, or is queued: END_STREAM follows, on the last frame where that has not left yet. */
  sendEnd(stream: Http2Stream, trailers: FieldList | undefined): void {
    stream.endQueued = { trailers };
    if (stream.queued === 0) this.#sendEnd(stream);
  }

  #sendEnd(stream: Http2Stream): void {
    const trailers = stream.endQueued?.trailers;
    if (trailers) this.sendHeaders(stream, trailers, true);
    else this.#writer.end(stream.id, stream.last);
    stream.last = undefined;
    stream.localClosed = true;
    if (stream.remoteClosed) this.finished(stream);
    else if (stream.afterEnd !== undefined) this.resetStream(stream, stream.afterEnd);
  }

  #unblock(): void {
    for (const stream of [...this.#blocked]) {
      if (this.#sendWindow <= 0) return;
      // To the end of the line: the next time another one is first.
      this.#blocked.delete(stream);
      this.#pump(stream);
    }
  }

  /** Octets of a stream that were taken. */
  took(bytes: number): void {
    if (this.#isServer) this.#credit(bytes);
  }

  /** Octets of the connection's window that may come again. */
  #credit(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < CONNECTION_WINDOW / 4 || this.#closed) return;
    this.#receiveWindow += this.#owed;
    this.#writer.windowUpdate(0, this.#owed);
    this.#owed = 0;
  }

  creditStream(stream: Http2Stream, bytes: number): void {
    if (!this.#closed) this.#writer.windowUpdate(stream.id, bytes);
  }

  /** The socket took what was written. */
  drained(): void {
    this.#congested = false;
    for (const stream of [...this.#waiting]) {
      if (stream.queued > 0) continue; // waits for its window
      this.#waiting.delete(stream);
      stream.listener?.writable();
    }
  }
}

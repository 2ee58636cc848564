// One exchange on the wire: a request head that was judged, its body to the upstream, the response back. Bodies pass as
// the bytes they are unless a handler transforms them. Back-pressure, aborts and cuts pass in both directions.
import type net from 'node:net';
import type { Client, Exchange, ExchangeEnd, Fields, HeldResponse, LocalAnswer, ResponseHead, Target } from '../engine';
import { RefusedBody } from '../engine';
import { withoutFields } from '../fields';
import type { BodyReader } from '../http1/body';
import { UntilCloseReader } from '../http1/body';
import { TransformSink, requestBody, responseBody } from '../http1/framing';
import { BadMessage, type Head, endOfHead, parseHead, parseStatusLine, writeHead } from '../http1/head';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection';
import { REPEATABLE, type Route, UpstreamPool } from '../upstream/pool';
import { readDeflate } from '../websocket/deflate';
import { WebSocketRelay } from '../websocket/webSocketRelay';
import { NO_HTTP1, WireError, errorAnswer } from './errors';
import { MAX_INTERIM } from './ports';
import type { Batcher } from './put';

/** What a relay needs of the client connection it serves. */
export interface RelayOwner {
  readonly stream: net.Socket;
  readonly pool: UpstreamPool;
  readonly batcher: Batcher;
  /** The proxy stops: this is the last exchange of the connection. */
  readonly draining: boolean;
  /** The response is out. `reusable`: the next request may follow on this connection. */
  relayDone(reusable: boolean): void;
  /** Bytes that were taken but belong to the next request. */
  giveBack(bytes: Buffer): void;
  /** The exchange takes bytes again: it gets those that were held meanwhile. */
  feedHeld(): void;
  /** Nothing but client bytes is waited for, from now on: for so long and no longer. */
  awaitBody(): void;
  /** The upstream speaks HTTP/2 only: what was begun here goes on in messages. `waiting`: body bytes that came already. */
  handOver(waiting: Buffer | undefined): void;
  /** Break the connection so that nobody takes what was sent for complete. */
  cut(): void;
}

/** One exchange from the side of the client connection that carries it. */
export interface ClientExchange {
  readonly exchange: Exchange;
  /** True while client bytes belong to this exchange. */
  readonly wantsBytes: boolean;
  start(): void;
  /** Client bytes, from `from`. Returns how many belong to this exchange. */
  clientBytes(bytes: Buffer, from: number): number;
  clientDrained(): void;
  clientGone(): void;
  cut(code: string, message: string): void;
}

export interface RelayRequest {
  readonly head: Head;
  readonly method: string;
  readonly minor: 0 | 1;
  readonly target: Target;
  readonly client: Client;
  readonly exchange: Exchange;
}

/** How much of a refused request's body is read and dropped so that the client gets to see the answer. */
const MAX_DISCARD = 8 * 1024 * 1024;
/** How long an upstream that was told the end may take to end its side. */
const LINGER_MS = 2_000;

type Phase = 'dialling' | 'open' | 'discarding' | 'tunnel' | 'over';

export class Relay implements UpstreamListener, ClientExchange {
  #phase: Phase = 'dialling';
  #upstream: UpstreamConnection | undefined;
  /** In phase `tunnel`, where messages are looked at. */
  #webSocket: WebSocketRelay | undefined;
  /** Made when it is needed: most requests take a pooled connection. */
  #abort: AbortController | undefined;
  /** The client waits for a 100 before it sends its body. */
  readonly #expects: boolean;
  readonly #requestReader: BodyReader | undefined;
  #requestSink: TransformSink | undefined;
  #requestDone: boolean;
  #requestBytes = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #discarded = 0;

  #partialHead: Buffer | undefined;
  #interim = 0;
  #responseHead: Head | undefined;
  #responseReader: BodyReader | undefined;
  #responseSink: TransformSink | undefined;
  #responseBytes = 0;
  /** An answer that is judged whole before its head goes on. */
  #heldResponse:
    { readonly head: (length: number) => void; readonly hold: HeldResponse; readonly body: Buffer[] } | undefined;
  #answered = false;
  #responseDone = false;
  #closeClient: boolean;
  #closeUpstream = false;
  #ended = false;
  #retried = false;
  #reused = false;

  constructor(
    private readonly owner: RelayOwner,
    private readonly request: RelayRequest,
  ) {
    this.#requestReader = requestBody(request.head.framing);
    this.#requestDone = this.#requestReader === undefined;
    this.#closeClient = request.head.connectionClose || request.minor === 0;
    this.#expects = !this.#requestDone && request.head.fields.lower.includes('expect');
  }

  get exchange(): Exchange {
    return this.request.exchange;
  }

  /** True while client bytes belong to this exchange. */
  get wantsBytes(): boolean {
    return !this.#requestDone || this.#phase === 'tunnel';
  }

  start(): void {
    const { verdict } = this.exchange;
    if (verdict.kind === 'answer') {
      this.#answer(verdict.answer, { kind: 'complete' });
      return;
    }
    if (verdict.kind !== 'forward') return; // held requests are judged before they come here
    const { addresses, tls } = verdict;
    const { target, client } = this.request;
    const route: Route = { target, client, addresses, tls };
    const pooled = this.owner.pool.take(UpstreamPool.key(route));
    if (pooled) this.#open(pooled);
    else this.#dial(route);
  }

  #dial(route: Route): void {
    this.#phase = 'dialling';
    this.#abort ??= new AbortController();
    this.owner.pool.connect(route, UpstreamPool.key(route), this.#abort.signal).then(
      (connection) => {
        if (this.#phase === 'dialling') this.#open(connection);
        else connection.destroy();
      },
      (error: unknown) => this.#dialFailed(error),
    );
  }

  get #upgrades(): boolean {
    return this.request.head.upgrade !== undefined;
  }

  #dialFailed(error: unknown): void {
    if (this.#phase === 'dialling' && error instanceof WireError && error.code === NO_HTTP1 && !this.#upgrades) {
      this.#phase = 'over';
      this.owner.handOver(this.#takeWaiting());
    } else
      this.#fail(error instanceof WireError ? error : new WireError('internal', 'The proxy failed to connect.', 502));
  }

  #open(connection: UpstreamConnection): void {
    const { verdict } = this.exchange;
    if (verdict.kind !== 'forward') return;
    const { head, method } = this.request;
    this.#upstream = connection;
    this.#phase = 'open';
    this.#reused = connection.uses > 0;
    this.exchange.sent(this.#reused);
    connection.attach(this);
    let fields = verdict.fields;
    if (verdict.body && this.#requestReader) {
      const rechunk = head.framing.chunked || !verdict.body.keepsLength;
      if (rechunk && !head.framing.chunked) fields = replaceLength(fields);
      this.#requestSink = new TransformSink(verdict.body, rechunk);
    }
    let extra = head.upgrade === undefined ? '' : `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
    if (head.host === undefined) extra += `Host: ${hostField(this.request.target)}\r\n`;
    this.owner.batcher.put(connection.socket, writeHead(`${method} ${verdict.path} HTTP/1.1`, fields, extra));
    const waiting = this.#takeWaiting();
    if (waiting) {
      const taken = this.#forward(waiting, 0);
      if (taken < waiting.length) this.owner.giveBack(waiting.subarray(taken));
    }
    if (!this.#requestDone) this.owner.stream.resume();
  }

  #takeWaiting(): Buffer | undefined {
    const waiting = this.#waiting.length > 0 ? Buffer.concat(this.#waiting) : undefined;
    this.#waiting = [];
    return waiting;
  }

  /** Client bytes, from `from`. Returns how many belong to this exchange. */
  clientBytes(bytes: Buffer, from: number): number {
    switch (this.#phase) {
      case 'dialling':
        // The head is judged but not sent; hold what comes, and no more than a little.
        this.#waiting.push(from === 0 ? bytes : bytes.subarray(from));
        this.#waitingBytes += bytes.length - from;
        if (this.#waitingBytes > 64 * 1024) this.owner.stream.pause();
        return bytes.length - from;
      case 'open':
        return this.#forward(bytes, from);
      case 'tunnel': {
        const chunk = from === 0 ? bytes : bytes.subarray(from);
        this.#requestBytes += chunk.length;
        if (!this.#webSocket) this.#toUpstream(chunk);
        else if (!this.#webSocket.push('client', chunk)) this.owner.stream.pause();
        return chunk.length;
      }
      case 'discarding':
        return this.#discard(bytes, from);
      case 'over':
        return bytes.length - from;
    }
  }

  #forward(bytes: Buffer, from: number): number {
    const reader = this.#requestReader;
    if (!reader || !this.#upstream) return 0;
    let taken: number;
    let out: Buffer;
    try {
      taken = reader.feed(bytes, from, this.#requestSink);
      if (this.#requestSink) {
        if (reader.done) this.#requestSink.end();
        out = this.#requestSink.take();
      } else out = from === 0 && taken === bytes.length ? bytes : bytes.subarray(from, from + taken);
    } catch (error) {
      this.#dropUpstream();
      // How much of this body is still to come is unknown now: the connection ends with the answer.
      this.#requestDone = true;
      this.#closeClient = true;
      if (!(error instanceof RefusedBody)) this.#failBad(error, 400);
      else if (this.#answered) {
        // The answer is under way already: an error text must not stand in the middle of it.
        this.#phase = 'over';
        this.#end({ kind: 'complete' });
        this.owner.cut();
      } else this.#answer(error.answer, { kind: 'complete' });
      return bytes.length - from;
    }
    this.#requestBytes += taken;
    if (out.length > 0 && !this.owner.batcher.put(this.#upstream.socket, out)) this.owner.stream.pause();
    if (reader.done) {
      this.#requestDone = true;
      if (this.#responseDone) this.#over();
    }
    return taken;
  }

  #discard(bytes: Buffer, from: number): number {
    const reader = this.#requestReader!;
    let taken: number;
    try {
      taken = reader.feed(bytes, from, undefined);
    } catch {
      this.#finishClient(false);
      return bytes.length - from;
    }
    this.#discarded += taken;
    if (reader.done) {
      this.#requestDone = true;
      this.#finishClient(!this.#closeClient);
    } else if (this.#discarded > MAX_DISCARD) {
      this.#finishClient(false);
    } else this.owner.awaitBody();
    return taken;
  }

  // --- upstream side

  data(bytes: Buffer): void {
    if (this.#phase === 'over') return; // it was told the end and still talks
    try {
      this.#upstreamBytes(bytes);
    } catch (error) {
      this.#failBad(error, 502);
    }
  }

  #upstreamBytes(bytes: Buffer): void {
    if (this.#phase === 'tunnel') {
      this.#responseBytes += bytes.length;
      if (!this.#webSocket) this.#toClient(bytes);
      else if (!this.#webSocket.push('server', bytes)) this.#upstream?.socket.pause();
      return;
    }
    let from = 0;
    let buffer = bytes;
    while (!this.#responseHead) {
      if (this.#partialHead) {
        buffer = Buffer.concat([this.#partialHead, buffer.subarray(from)]);
        this.#partialHead = undefined;
        from = 0;
      } else if (from > 0) {
        buffer = buffer.subarray(from);
        from = 0;
      }
      const end = endOfHead(buffer);
      if (end < 0) {
        if (buffer.length > 0) this.#partialHead = buffer;
        return;
      }
      from = end;
      if (this.#head(buffer, end)) return; // switched protocols
    }
    this.#responseBody(buffer, from);
  }

  /** One response head. Returns true when the connection became a tunnel. */
  #head(buffer: Buffer, end: number): boolean {
    const head = parseHead(buffer, end);
    const { status, reason, minor } = parseStatusLine(head.startLine);
    if (status === 101) {
      this.#switch(buffer, end, head, reason);
      return true;
    }
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM)
        throw new BadMessage('too-many-interim', 'The upstream sent too many interim responses.');
      if (this.request.minor === 1) {
        const passed = this.exchange.interim({ reason, fields: head.fields });
        this.#toClient(Buffer.from(writeHead(`HTTP/1.1 ${status} ${passed.reason}`, passed.fields, ''), 'latin1'));
      }
      return false;
    }
    this.#responseHead = head;
    const reader = responseBody(head.framing, this.request.method, status);
    this.#responseReader = reader;
    const raw = buffer.subarray(0, end);
    const seen: ResponseHead = { raw, status, reason, fields: head.fields, hasBody: reader !== undefined };
    const verdict = this.exchange.response(seen);
    if (this.owner.draining) this.#closeClient = true;
    const untilClose = reader instanceof UntilCloseReader;
    this.#closeUpstream = head.connectionClose || untilClose || (minor === 0 && !head.connectionKeepAlive);
    let fields = verdict.fields;
    if (reader) {
      const tooNew = head.framing.chunked && this.request.minor === 0;
      if (verdict.body || tooNew) {
        const transform = verdict.body ?? IDENTITY;
        const rechunk =
          this.request.minor === 1 &&
          (head.framing.chunked || (head.framing.length !== undefined && !transform.keepsLength));
        if (rechunk && !head.framing.chunked) fields = replaceLength(fields);
        else if (!rechunk && (head.framing.chunked || (head.framing.length !== undefined && !transform.keepsLength))) {
          fields = withoutFields(fields, FRAMING);
          this.#closeClient = true;
        }
        this.#responseSink = new TransformSink(transform, rechunk);
      }
      if (untilClose) this.#closeClient = true;
    }
    if (reader && verdict.hold) {
      this.#responseSink = new TransformSink(verdict.body ?? IDENTITY, false);
      this.#heldResponse = {
        hold: verdict.hold,
        body: [],
        head: (length) => {
          this.#answered = true;
          const close = this.#closeClient ? 'Connection: close\r\n' : '';
          const extra = `Content-Length: ${length}\r\n${close}`;
          const text = writeHead(`HTTP/1.1 ${status} ${verdict.reason}`, withoutFields(verdict.fields, FRAMING), extra);
          this.#toClient(Buffer.from(text, 'latin1'));
        },
      };
      return false;
    }
    this.#answered = true;
    const asItCame =
      !head.stripped && fields === head.fields && minor === 1 && !this.#closeClient && verdict.reason === reason;
    if (asItCame) this.#toClient(buffer.subarray(0, end));
    else
      this.#toClient(
        Buffer.from(
          writeHead(`HTTP/1.1 ${status} ${verdict.reason}`, fields, this.#closeClient ? 'Connection: close\r\n' : ''),
          'latin1',
        ),
      );
    return false;
  }

  #responseBody(buffer: Buffer, from: number): void {
    const reader = this.#responseReader;
    if (!reader) {
      this.#responseOver(buffer.length - from);
      return;
    }
    const taken = reader.feed(buffer, from, this.#responseSink);
    this.#responseBytes += taken;
    let out: Buffer;
    if (this.#responseSink) {
      if (reader.done) this.#responseSink.end();
      out = this.#responseSink.take();
    } else out = from === 0 && taken === buffer.length ? buffer : buffer.subarray(from, from + taken);
    const held = this.#heldResponse;
    if (held) {
      held.body.push(out);
      if (this.#responseBytes > held.hold.maxBytes)
        throw new BadMessage('answer-too-long', 'An answer that has to be looked at whole is too long for that.');
      if (reader.done) void this.#judgeResponse(buffer.length - from - taken);
      return;
    }
    if (out.length > 0) this.#toClient(out);
    if (reader.done) this.#responseOver(buffer.length - from - taken);
  }

  /** `extraBytes`: what came behind the answer. */
  async #judgeResponse(extraBytes: number): Promise<void> {
    const { hold, body, head } = this.#heldResponse!;
    const judged = await hold.judge(Buffer.concat(body));
    // Cut, or left by its client, meanwhile.
    if (this.#phase !== 'open') return;
    this.#heldResponse = undefined;
    head(judged.length);
    this.#toClient(judged);
    if (this.#upstream) this.#responseOver(extraBytes);
    else {
      // It ended with its connection.
      this.#responseDone = true;
      this.#end({ kind: 'complete' });
      this.#finishClient(false);
    }
  }

  #responseOver(extraBytes: number): void {
    const upstream = this.#upstream!;
    this.#responseDone = true;
    this.#upstream = undefined;
    upstream.detach();
    upstream.socket.resume();
    // Bytes after the end of a response answer nothing that was asked: never hand them to the next exchange.
    if (extraBytes > 0 || this.#closeUpstream || !this.#requestDone) upstream.destroy();
    else this.owner.pool.give(upstream);
    this.#end({ kind: 'complete' });
    this.#afterAnswer();
  }

  /** Answered: on to the next request, or first past the rest of this one's body (answered early, as 413 does). */
  #afterAnswer(): void {
    if (this.#requestDone) {
      this.#over();
      return;
    }
    if (this.#expects) {
      // Whether a client that was not told to continue sends its body is its choice: no telling where the next request is.
      this.#finishClient(false);
      return;
    }
    this.#phase = 'discarding';
    this.owner.stream.resume();
    this.owner.awaitBody();
    const waiting = this.#takeWaiting();
    if (waiting) {
      const taken = this.#discard(waiting, 0);
      if (taken < waiting.length) this.owner.giveBack(waiting.subarray(taken));
    }
  }

  #switch(buffer: Buffer, end: number, head: Head, reason: string): void {
    if (this.request.head.upgrade === undefined || !this.#requestDone)
      throw new BadMessage('unasked-101', 'The upstream switched protocols without being asked.');
    const seen: ResponseHead = { status: 101, reason, fields: head.fields, hasBody: false };
    const messages = this.exchange.messages?.(seen);
    const deflate = messages && readDeflate(head.fields);
    const verdict = this.exchange.response(seen);
    if (messages) {
      this.#webSocket = new WebSocketRelay(messages, deflate, {
        send: (to, bytes) => (to === 'client' ? this.#toClient(bytes) : this.#toUpstream(bytes)),
        resume: (side) => this.#resume(side),
        over: (how) => this.#close(how),
      });
    }
    this.#answered = true;
    this.#phase = 'tunnel';
    this.#upstream!.socket.setTimeout(0);
    this.#toClient(
      Buffer.from(
        writeHead(
          `HTTP/1.1 101 ${verdict.reason}`,
          verdict.fields,
          `Connection: Upgrade\r\nUpgrade: ${head.upgrade ?? this.request.head.upgrade}\r\n`,
        ),
        'latin1',
      ),
    );
    this.owner.stream.resume();
    if (buffer.length > end) this.#upstreamBytes(buffer.subarray(end));
    this.owner.feedHeld();
  }

  /** A side is read again, unless the other still has enough to write. */
  #resume(side: 'client' | 'server'): void {
    const upstream = this.#upstream?.socket;
    if (side === 'server' && !this.owner.stream.writableNeedDrain) upstream?.resume();
    if (side === 'client' && !upstream?.writableNeedDrain) this.owner.stream.resume();
  }

  /** The end of a WebSocket that was not one of its ends' doing: both get what was written for them. */
  #close(how: ExchangeEnd): void {
    if (this.#phase === 'over') return;
    this.#end(how);
    this.#finishUpstream();
    this.#finishClient(false);
  }

  drain(): void {
    if (this.#phase === 'open' || this.#phase === 'tunnel') this.owner.stream.resume();
  }

  /** The client took what was written: more may come. */
  clientDrained(): void {
    this.#upstream?.socket.resume();
  }

  ended(error: WireError | undefined): void {
    this.#upstream = undefined;
    if (this.#phase === 'over') return;
    if (this.#phase === 'tunnel') {
      const finish = () => {
        this.#end({ kind: 'complete' });
        this.#finishClient(false);
      };
      if (this.#webSocket) this.#webSocket.end('server', finish);
      else finish();
      return;
    }
    const held = this.#heldResponse;
    if (held && this.#responseReader?.done) return; // whole, and being judged
    if (this.#responseReader instanceof UntilCloseReader && !error) {
      this.#responseSink?.end();
      const rest = this.#responseSink?.take();
      if (held) {
        if (rest) held.body.push(rest);
        void this.#judgeResponse(0);
        return;
      }
      if (rest && rest.length > 0) this.#toClient(rest);
      this.#responseDone = true;
      this.#end({ kind: 'complete' });
      this.#finishClient(false);
      return;
    }
    if (this.#canRetry(error)) {
      this.#retried = true;
      const { verdict } = this.exchange;
      const { target, client } = this.request;
      if (verdict.kind === 'forward') this.#dial({ target, client, addresses: verdict.addresses, tls: verdict.tls });
      return;
    }
    this.#fail(
      error ??
        new WireError('upstream-reset', `${this.request.target.host} closed the connection before it answered.`, 502),
    );
  }

  /**
   * A pooled connection that closed under a request without a body that may be repeated (RFC 9110, 9.2.2): once more,
   * on a new one. Anything else might be done twice.
   */
  #canRetry(error: WireError | undefined): boolean {
    return (
      // A time-out is no stale connection: the upstream may be at work on it.
      (error === undefined || error.code === 'upstream-reset') &&
      this.#reused &&
      !this.#retried &&
      !this.#answered &&
      this.#interim === 0 &&
      !this.#partialHead &&
      this.#requestReader === undefined &&
      REPEATABLE.has(this.request.method) &&
      this.request.head.upgrade === undefined
    );
  }

  // --- ends

  /** The client connection is gone. */
  clientGone(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'tunnel') {
      const finish = () => {
        this.#phase = 'over';
        this.#webSocket?.stop();
        this.#finishUpstream();
        this.#end({ kind: 'complete' });
      };
      if (this.#webSocket) this.#webSocket.end('client', finish);
      else finish();
      return;
    }
    this.#phase = 'over';
    this.#dropUpstream();
    this.#end({ kind: 'aborted' });
  }

  /** A policy change or the end of the engine: nothing more passes, in either direction. */
  cut(code: string, message: string): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#webSocket?.stop();
    this.#dropUpstream();
    this.#end({ kind: 'failed', code, message });
    this.owner.cut();
  }

  #failBad(error: unknown, status: number): void {
    if (error instanceof BadMessage)
      this.#fail(
        new WireError(
          status === 502 ? `upstream-${error.code}` : error.code,
          error.message,
          status === 502 ? 502 : error.status,
        ),
      );
    else this.#fail(new WireError('internal', 'The proxy failed on this message. Nothing more was forwarded.', 502));
  }

  #fail(error: WireError): void {
    if (this.#phase === 'over') return;
    this.#dropUpstream();
    const how: ExchangeEnd = { kind: 'failed', code: error.code, message: error.message };
    if (this.#answered || this.#phase === 'tunnel') {
      // The client must see a cut as a cut: no end of the body, no error text inside it.
      this.#responseSink?.cut();
      const held = this.#responseSink?.take();
      if (held && held.length > 0) this.#toClient(held);
      this.#phase = 'over';
      this.#end(how);
      this.owner.cut();
      return;
    }
    this.#answer(errorAnswer(error.status, error.code, error.message), how);
  }

  #answer(answer: LocalAnswer, how: ExchangeEnd): void {
    this.#answered = true;
    this.#responseDone = true;
    if (this.owner.draining) this.#closeClient = true;
    const body = Buffer.from(answer.body, 'utf8');
    let head = `HTTP/1.1 ${answer.status} ${answer.reason}\r\n`;
    for (const [name, value] of answer.headers) head += `${name}: ${value}\r\n`;
    head += `content-length: ${body.length}\r\n${this.#closeClient || this.#expects ? 'connection: close\r\n' : ''}\r\n`;
    this.owner.batcher.put(this.owner.stream, head);
    if (this.request.method !== 'HEAD') this.#toClient(body);
    this.#end(how);
    this.#afterAnswer();
  }

  #over(): void {
    if (this.#phase === 'over') return;
    this.#finishClient(!this.#closeClient);
  }

  #finishClient(reusable: boolean): void {
    this.#phase = 'over';
    this.owner.relayDone(reusable);
  }

  #toClient(bytes: Buffer): void {
    if (!this.owner.batcher.put(this.owner.stream, bytes)) this.#upstream?.socket.pause();
  }

  #toUpstream(bytes: Buffer): void {
    if (this.#upstream && !this.owner.batcher.put(this.#upstream.socket, bytes)) this.owner.stream.pause();
  }

  /** Ends it in order: it gets what was written for it, and what it still sends is read and dropped. */
  #finishUpstream(): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    if (!upstream) return;
    this.owner.batcher.flush(upstream.socket);
    upstream.socket.end();
    upstream.socket.resume();
    setTimeout(() => upstream.destroy(), LINGER_MS).unref();
  }

  #dropUpstream(): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    this.#abort?.abort();
    upstream?.destroy();
  }

  #end(how: ExchangeEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.exchange.end(how, { request: this.#requestBytes, response: this.#responseBytes });
  }
}

const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);
const IDENTITY = { keepsLength: true, push: (chunk: Buffer) => chunk, end: () => Buffer.alloc(0) };

export function hostField({ scheme, host, port }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === (scheme === 'https' ? 443 : 80) ? name : `${name}:${port}`;
}

function replaceLength(fields: Fields): Fields {
  const at = fields.lower.indexOf('content-length');
  const names = [...fields.names];
  const lower = [...fields.lower];
  const values = [...fields.values];
  names[at] = 'Transfer-Encoding';
  lower[at] = 'transfer-encoding';
  values[at] = 'chunked';
  return { names, lower, values };
}

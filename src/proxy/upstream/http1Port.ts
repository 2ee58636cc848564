// One exchange over an HTTP/1.1 upstream, in messages: what an HTTP/2 client's request becomes (RFC 9113, 8; RFC 9112).
import type { Fields, InterimHead } from '../engine';
import type { BodyReader, BodySink } from '../http1/body';
import { UntilCloseReader } from '../http1/body';
import { responseBody } from '../http1/framing';
import { BadMessage, endOfHead, parseHead, parseStatusLine, writeHead } from '../http1/head';
import { WireError } from '../wire/errors';
import { parseTrailers } from '../wire/messageRelay';
import { MAX_UNTAKEN, type OutgoingRequest, type UpstreamPort, type UpstreamPortListener } from '../wire/ports';
import type { Batcher } from '../wire/put';
import type { UpstreamConnection, UpstreamListener } from './connection';
import { REPEATABLE, type UpstreamPool } from './pool';

/** RFC 9110, 8.6: a request that is expected to have a body says so when it has none. */
const EXPECTS_BODY = new Set(['POST', 'PUT', 'PATCH']);
const CRLF = Buffer.from('\r\n');

export class Http1Port implements UpstreamPort, UpstreamListener, BodySink {
  readonly reused: boolean;
  #listener: UpstreamPortListener | undefined;
  #method = '';
  #hasBody = false;
  #chunked = false;
  #requestDone = false;
  #heard = false;
  #partial: Buffer | undefined;
  #reader: BodyReader | undefined;
  #headSeen = false;
  #closeAfter = false;
  #trailers: Fields | undefined;
  #untaken = 0;

  constructor(
    private readonly connection: UpstreamConnection,
    private readonly pool: UpstreamPool,
    private readonly batcher: Batcher,
  ) {
    this.reused = connection.uses > 0;
  }

  send({ method, path, authority, fields, hasBody }: OutgoingRequest, listener: UpstreamPortListener): void {
    this.#listener = listener;
    this.#method = method;
    this.#hasBody = hasBody;
    this.#requestDone = !hasBody;
    this.#chunked = hasBody && !fields.lower.includes('content-length');
    this.connection.attach(this);
    let extra = this.#chunked ? 'Transfer-Encoding: chunked\r\n' : '';
    if (!hasBody && EXPECTS_BODY.has(method) && !fields.lower.includes('content-length'))
      extra += 'Content-Length: 0\r\n';
    const keep = fields.lower.map((name) => name !== 'host' && name !== 'transfer-encoding');
    const pick = (list: string[]) => list.filter((_, i) => keep[i]);
    const named: Fields = {
      names: ['Host', ...pick(fields.names)],
      lower: ['host', ...pick(fields.lower)],
      values: [authority, ...pick(fields.values)],
    };
    this.batcher.put(this.connection.socket, writeHead(`${method} ${path} HTTP/1.1`, named, extra));
  }

  body(chunk: Buffer): boolean {
    const { socket } = this.connection;
    if (!this.#chunked) return this.batcher.put(socket, chunk);
    this.batcher.put(socket, `${chunk.length.toString(16)}\r\n`);
    this.batcher.put(socket, chunk);
    return this.batcher.put(socket, CRLF);
  }

  end(trailers: Fields | undefined): void {
    this.#requestDone = true;
    if (!this.#chunked) return;
    const section = trailers?.names.map((name, i) => `${name}: ${trailers.values[i]!}\r\n`).join('') ?? '';
    this.batcher.put(this.connection.socket, `0\r\n${section}\r\n`);
  }

  taken(bytes: number): void {
    this.#untaken -= bytes;
    if (this.#untaken < MAX_UNTAKEN / 2) this.connection.socket.resume();
  }

  abort(): void {
    this.#listener = undefined;
    this.connection.destroy();
  }

  // --- from the connection

  data(bytes: Buffer): void {
    this.#heard = true;
    try {
      this.#read(bytes);
    } catch (error) {
      this.#fail(
        error instanceof BadMessage
          ? new WireError(`upstream-${error.code}`, error.message, 502)
          : new WireError('internal', 'The proxy failed on this message. Nothing more was forwarded.', 502),
      );
    }
  }

  #read(chunk: Buffer): void {
    let bytes = chunk;
    while (!this.#headSeen) {
      if (this.#partial) bytes = Buffer.concat([this.#partial, bytes]);
      this.#partial = undefined;
      const end = endOfHead(bytes);
      if (end < 0) {
        if (bytes.length > 0) this.#partial = bytes;
        return;
      }
      this.#head(bytes, end);
      bytes = bytes.subarray(end);
      if (!this.#listener) return;
    }
    const reader = this.#reader;
    if (!reader) {
      this.#done(bytes.length > 0);
      return;
    }
    const taken = reader.feed(bytes, 0, this);
    if (!this.#listener) return;
    if (reader.done) this.#done(taken < bytes.length);
    else if (this.#untaken > MAX_UNTAKEN) this.connection.socket.pause();
  }

  #head(bytes: Buffer, end: number): void {
    const head = parseHead(bytes, end);
    const { status, reason, minor } = parseStatusLine(head.startLine);
    if (status === 101) throw new BadMessage('unasked-101', 'The upstream switched protocols without being asked.');
    if (status < 200) {
      this.#listener?.interim(status, { reason, fields: head.fields } satisfies InterimHead);
      return;
    }
    this.#headSeen = true;
    const reader = responseBody(head.framing, this.#method, status);
    this.#reader = reader;
    this.#closeAfter =
      head.connectionClose || reader instanceof UntilCloseReader || (minor === 0 && !head.connectionKeepAlive);
    this.#listener?.head({ status, reason, fields: head.fields, hasBody: reader !== undefined });
  }

  payload(bytes: Buffer): void {
    this.#untaken += bytes.length;
    this.#listener?.body(bytes);
  }

  trailers(section: Buffer): void {
    this.#trailers = parseTrailers(section);
  }

  #done(extra: boolean): void {
    const listener = this.#listener;
    const hadBody = this.#reader !== undefined;
    this.#listener = undefined;
    this.connection.detach();
    this.connection.socket.resume();
    // Bytes after the end of a response answer nothing that was asked: never hand them to the next exchange.
    if (extra || this.#closeAfter || !this.#requestDone) this.connection.destroy();
    else this.pool.give(this.connection);
    if (hadBody) listener?.end(this.#trailers && this.#trailers.names.length > 0 ? this.#trailers : undefined);
  }

  drain(): void {
    this.#listener?.drained();
  }

  ended(error: WireError | undefined): void {
    if (this.#reader instanceof UntilCloseReader && !error) {
      const listener = this.#listener;
      this.#listener = undefined;
      listener?.end(undefined);
      return;
    }
    this.#fail(error ?? new WireError('upstream-reset', 'The upstream closed the connection before it answered.', 502));
  }

  #fail(error: WireError): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.connection.destroy();
    // A pooled connection that closed under a request that may be repeated (RFC 9110, 9.2.2). A time-out is no such thing.
    const again =
      error.code === 'upstream-reset' && this.reused && !this.#heard && !this.#hasBody && REPEATABLE.has(this.#method);
    listener?.failed(error, again);
  }
}

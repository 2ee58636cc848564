// A client connection that carries HTTP/2, inside a CONNECT: each stream is an exchange, judged by itself. What is malformed is
// refused before anyone judges it; the identity of each request is the connection's.
import type net from 'node:net';
import type { Client, Fields, Handlers, InterimHead, LocalAnswer, Target } from '../engine';
import { BadMessage } from '../http1/head';
import { Http2Connection } from '../http2/connection';
import { type Http2Request, Malformed, readRequest, readTrailers, responseList, trailerList } from '../http2/fields';
import { ErrorCode } from '../http2/frames';
import type { FieldSection } from '../http2/hpack';
import type { Http2Stream, StreamListener } from '../http2/stream';
import { DEFAULT_TIMEOUTS } from '../timeouts';
import { endWith } from './door';
import { errorAnswer } from './errors';
import { checkHost } from './identity';
import { MessageRelay, type OpenUpstream } from './messageRelay';
import type { ClientPort, NeverIndexed } from './ports';
import { writeChunks } from './put';
import type { ServedConnection } from './served';

export interface Http2ServerDeps {
  readonly handlers: Handlers;
  readonly openUpstream: OpenUpstream;
  /** From here to a whole preface, settings included. Undefined: the default. */
  readonly handshakeMs?: number | undefined;
}

/** How much of a request that was answered already is taken and dropped, and for how long. */
const MAX_REST = 8 * 1024 * 1024;
const REST_MS = 1_000;
/** Answers (ours, and those of upstreams) that a client does not read: beyond it no more requests of it are. */
const MAX_UNWRITTEN = 1024 * 1024;

export class Http2Server implements ServedConnection {
  readonly relays = new Set<MessageRelay>();
  readonly #connection: Http2Connection;
  #checkedAuthority: string | undefined;
  #paused = false;
  /** What comes is read and dropped. */
  #ending = false;

  constructor(
    private readonly socket: net.Socket,
    readonly target: Target,
    readonly client: Client,
    readonly deps: Http2ServerDeps,
    private readonly onClose: () => void,
  ) {
    this.#connection = new Http2Connection({
      role: 'server',
      write: (chunks, bytes) => {
        const more = writeChunks(socket, chunks, bytes);
        if (socket.writableLength > MAX_UNWRITTEN) this.#pause();
        return more;
      },
      end: () => {
        this.#ending = true;
        endWith(socket);
      },
      listener: {
        request: (stream, fields, ends) => this.#request(stream, fields, ends),
        draining: () => undefined,
        closed: () => this.onClose(),
      },
    });
    const late = setTimeout(
      () => this.#connection.fail(ErrorCode.Protocol, 'The preface did not come in time.'),
      deps.handshakeMs ?? DEFAULT_TIMEOUTS.handshakeMs,
    ).unref();
    socket.once('close', () => clearTimeout(late));
    socket.on('data', (bytes: Buffer) => {
      this.#connection.feed(bytes);
      if (this.#connection.begun) clearTimeout(late);
    });
    socket.on('drain', () => {
      if (this.#paused) socket.resume();
      this.#paused = false;
      this.#connection.drained();
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.#gone());
    socket.on('close', () => this.#gone());
  }

  #pause(): void {
    if (this.#ending) return;
    this.#paused = true;
    this.socket.pause();
  }

  #gone(): void {
    this.#connection.socketClosed();
    this.socket.destroy();
  }

  #request(stream: Http2Stream, section: FieldSection, ends: boolean): StreamListener | undefined {
    let request: Http2Request;
    try {
      if (section.tooLarge) {
        const port = new Http2ClientPort(stream, false);
        port.answer(errorAnswer(431, 'head-too-long', 'The request fields are longer than 64 KiB.'));
        if (!ends) port.stopBody();
        return port.rest;
      }
      request = readRequest(section);
      if (ends && (request.length ?? 0) > 0) throw new Malformed('The body is shorter than its Content-Length.');
    } catch (error) {
      this.#refused('malformed', error instanceof Malformed ? error.message : 'The request cannot be read.');
      this.#connection.refuse(stream, ErrorCode.Protocol);
      return undefined;
    }
    const port = new Http2ClientPort(stream, request.method === 'HEAD');
    try {
      const { authority, path } = this.#identify(request);
      const { target, client } = this;
      const { method, fields, length, neverIndexed } = request;
      const head = { method, path, fields, authority, upgrade: false, hasBody: !ends };
      const exchange = this.deps.handlers.request(head, target, client);
      const relay: MessageRelay = new MessageRelay(
        port,
        { head, authority, target, client, exchange, neverIndexed },
        this.deps.openUpstream,
        () => this.relays.delete(relay),
      );
      this.relays.add(relay);
      port.relay = relay;
      relay.start();
      return port.rest ?? new RequestListener(stream, relay, length);
    } catch (error) {
      const bad =
        error instanceof BadMessage
          ? error
          : new BadMessage('internal', 'The proxy failed on this request. Nothing was forwarded.', 502);
      this.#refused(bad.code, bad.message);
      port.answer(errorAnswer(bad.status, bad.code, bad.message));
      if (!ends) port.stopBody();
      return port.rest;
    }
  }

  /** Checks who the request is for. Throws `BadMessage`. */
  #identify({ method, scheme, authority, path, protocol, fields }: Http2Request): { authority: string; path: string } {
    if (method === 'CONNECT')
      throw protocol === undefined
        ? new BadMessage('nested-connect', 'CONNECT inside a CONNECT is refused.')
        : new BadMessage('extended-connect', `${protocol} over HTTP/2 is not offered here; use HTTP/1.1 for it.`, 501);
    if (protocol !== undefined) throw new BadMessage('bad-request', 'A :protocol goes with CONNECT only.');
    if (scheme !== this.target.scheme) throw new BadMessage('bad-scheme', 'The :scheme is not the connection’s.', 421);
    const at = fields.lower.indexOf('host');
    const host = at < 0 ? undefined : fields.values[at]!;
    const named = authority ?? host;
    if (named === undefined || named === '') throw new BadMessage('no-host', 'The request names no authority.');
    if (host !== undefined && host !== named) checkHost(host, this.target);
    if (named !== this.#checkedAuthority) {
      checkHost(named, this.target);
      this.#checkedAuthority = named;
    }
    if (path === undefined || path.includes('#') || !(path.startsWith('/') || (path === '*' && method === 'OPTIONS')))
      throw new BadMessage('bad-target', 'The :path is not a path.');
    if (/[\s\x00-\x20\x7f]/.test(path)) throw new BadMessage('bad-target', 'The :path holds white space.');
    return { authority: named, path };
  }

  #refused(code: string, message: string): void {
    this.deps.handlers.refused({ target: this.target, client: this.client, code, message });
  }

  drain(): void {
    this.#connection.drain();
  }
}

/** The client's end of one exchange, on its stream. */
class Http2ClientPort implements ClientPort {
  relay: MessageRelay | undefined;
  /** Set once the response is out and the request is not. */
  rest: RestListener | undefined;

  constructor(
    private readonly stream: Http2Stream,
    private readonly bodiless: boolean,
  ) {}

  interim(status: number, { fields }: InterimHead): void {
    if (status !== 101) this.stream.headers(responseList(status, fields), false);
  }

  head(status: number, _reason: string, fields: Fields, ends: boolean, neverIndexed: NeverIndexed): void {
    this.stream.headers(responseList(status, fields, neverIndexed), ends);
  }

  body(chunk: Buffer): boolean {
    return this.stream.data(chunk);
  }

  end(trailers: Fields | undefined): void {
    this.stream.end(trailers && trailers.names.length > 0 ? trailerList(trailers) : undefined);
  }

  answer({ status, headers, body }: LocalAnswer): void {
    const bytes = Buffer.from(body, 'utf8');
    const names = [':status', ...headers.map(([name]) => name.toLowerCase()), 'content-length'];
    const values = [String(status), ...headers.map(([, value]) => value), String(bytes.length)];
    const ends = this.bodiless || bytes.length === 0;
    this.stream.headers({ names, values }, ends);
    if (ends) return;
    this.stream.data(bytes);
    this.stream.end();
  }

  taken(bytes: number): void {
    this.stream.taken(bytes);
  }

  stopBody(): void {
    this.rest = new RestListener(this.stream);
    this.stream.listener = this.rest;
  }

  cut(): void {
    this.stream.reset(ErrorCode.Internal);
  }
}

/**
 * Takes the rest of a request that was answered already, for a moment and up to a bound: clients that are reset before they
 * have sent all of it (curl 7, for one) do not show the answer. Then RFC 9113, 8.1: it is not needed.
 */
class RestListener implements StreamListener {
  #left = MAX_REST;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly stream: Http2Stream) {
    this.#timer = setTimeout(() => this.#stop(), REST_MS).unref();
  }

  headers(): void {
    // Only clients hear of heads here.
  }

  data(chunk: Buffer): void {
    this.stream.taken(chunk.length);
    this.#left -= chunk.length;
    if (this.#left < 0) this.#stop();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  reset(): void {
    clearTimeout(this.#timer);
  }

  writable(): void {
    // The answer waits in the stream.
  }

  /** Not before the answer is sent. */
  #stop(): void {
    clearTimeout(this.#timer);
    if (this.stream.localClosed || this.stream.queued === 0) this.stream.reset(ErrorCode.NoError);
    else this.stream.resetWhenSent(ErrorCode.NoError);
  }
}

/** What comes on the stream after the head. */
class RequestListener implements StreamListener {
  #left: number | undefined;

  constructor(
    private readonly stream: Http2Stream,
    private readonly relay: MessageRelay,
    length: number | undefined,
  ) {
    this.#left = length;
  }

  headers(): void {
    // Only clients hear of heads here.
  }

  data(chunk: Buffer): void {
    if (this.#left !== undefined) {
      this.#left -= chunk.length;
      if (this.#left < 0) {
        this.#malformed();
        return;
      }
    }
    this.relay.clientBody(chunk);
  }

  end(section: FieldSection | undefined): void {
    if ((this.#left ?? 0) > 0) {
      this.#malformed();
      return;
    }
    try {
      this.relay.clientEnd(section && readTrailers(section));
    } catch {
      this.#malformed();
    }
  }

  /** RFC 9113, 8.1.1: a body that is not as long as it says must not reach an upstream as a whole one. */
  #malformed(): void {
    this.stream.refuse(ErrorCode.Protocol);
    this.relay.clientGone();
  }

  reset(): void {
    this.relay.clientGone();
  }

  writable(): void {
    this.relay.clientDrained();
  }
}

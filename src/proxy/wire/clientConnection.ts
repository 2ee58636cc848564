// One client connection that carries HTTP/1.1: requests one after the other, each judged by itself. Either inside a CONNECT
// (the target is fixed) or plain proxying (absolute targets, authenticated one by one, until a CONNECT takes over).
import type net from 'node:net';
import type { Client, Handlers, LocalAnswer, RequestHead, Target, Timeouts } from '../engine';
import { BadMessage, type Head, endOfHead, parseHead, parseRequestLine } from '../http1/head';
import type { UpstreamPool } from '../upstream/pool';
import type { Upstreams } from '../upstream/upstreams';
import { Deadline } from './deadline';
import { breakOff, endWith } from './door';
import { errorAnswer } from './errors';
import { absoluteTarget, checkHost } from './identity';
import type { Batcher } from './put';
import { type HeldOwner, HeldRequest } from './heldRequest';
import { Http1Client } from './http1Client';
import { type ClientExchange, Relay, type RelayRequest } from './relay';
import type { ServedConnection } from './served';

export interface ConnectionDeps {
  readonly pool: UpstreamPool;
  readonly upstreams: Upstreams;
  readonly batcher: Batcher;
  readonly handlers: Handlers;
  readonly timeouts: Timeouts;
  readonly authenticate: (header: string | undefined) => Client | undefined;
  /** A CONNECT, authenticated; the connection is handed over with what came after the head. */
  readonly connect: (stream: net.Socket, authority: string, client: Client, rest: Buffer) => void;
}

/** Where the requests of this connection go: fixed by CONNECT, or named by each request. */
export interface FixedTarget {
  readonly target: Target;
  readonly client: Client;
}

const MAX_PIPELINED = 64 * 1024;

export class ClientConnection implements HeldOwner, ServedConnection {
  readonly pool: UpstreamPool;
  readonly batcher: Batcher;
  #relay: ClientExchange | undefined;
  /** What the relay was made from. */
  #underWay: RelayRequest | undefined;
  #buffer: Buffer | undefined;
  /** The last `Host` that was checked: most connections repeat it. */
  #checkedHost: string | undefined;
  #client: Client | undefined;
  #closing = false;
  #draining = false;
  /** For a head, from its first byte to its last; the first one's time begins with the connection. */
  readonly #head: Deadline;
  /** For a client that owes us something and is silent: the rest of a refused body, or reading our answers. */
  readonly #idle: Deadline;
  readonly #onNext = () => this.#next();
  readonly #onData = (bytes: Buffer) => this.#data(bytes);
  readonly #onDrain = () => this.#drained();
  readonly #onEnd = () => this.#clientEnds();
  readonly #onGone = () => this.#gone();

  constructor(
    readonly stream: net.Socket,
    private readonly fixed: FixedTarget | undefined,
    private readonly deps: ConnectionDeps,
    private readonly onClose: () => void,
  ) {
    this.pool = deps.pool;
    this.batcher = deps.batcher;
    this.#client = fixed?.client;
    const late = () => this.#late();
    this.#head = new Deadline(deps.timeouts.handshakeMs, late);
    this.#idle = new Deadline(deps.timeouts.idleMs, late);
    this.#head.arm();
    // Documented for exactly this: before the end of the other side is read.
    stream.allowHalfOpen = true;
    stream.on('data', this.#onData);
    stream.on('drain', this.#onDrain);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onGone);
    stream.on('error', this.#onGone);
  }

  get relays(): readonly ClientExchange[] {
    return this.#relay ? [this.#relay] : [];
  }

  get draining(): boolean {
    return this.#draining;
  }

  #data(bytes: Buffer): void {
    if (this.#closing) return;
    if (this.#relay) {
      // What came earlier and was held goes first: a WebSocket's frames may come before its 101.
      if (this.#buffer || !this.#relay.wantsBytes) {
        this.#hold(bytes);
        this.#feed(this.#relay);
        return;
      }
      const taken = this.#relay.clientBytes(bytes, 0);
      if (taken < bytes.length) {
        this.#hold(bytes.subarray(taken));
        this.#goOn();
      }
      return;
    }
    this.#hold(bytes);
    this.#next();
  }

  giveBack(bytes: Buffer): void {
    this.#buffer = this.#buffer ? Buffer.concat([bytes, this.#buffer]) : bytes;
    this.#goOn();
  }

  feedHeld(): void {
    if (this.#relay) this.#feed(this.#relay);
  }

  awaitBody(): void {
    this.#idle.arm();
  }

  /** Not from inside a relay's own call: its frames are still on the stack. */
  #goOn(): void {
    if (!this.#relay && this.#buffer) queueMicrotask(this.#onNext);
  }

  #hold(bytes: Buffer): void {
    this.#buffer = this.#buffer ? Buffer.concat([this.#buffer, bytes]) : bytes;
    if (this.#relay && this.#buffer.length > MAX_PIPELINED) this.stream.pause();
  }

  /** Reads requests from the buffer while there are whole heads and nothing is under way. */
  #next(): void {
    while (this.#buffer && !this.#relay && !this.#closing) {
      // A client that asks and does not read gets no further answers: they would pile up here.
      if (this.batcher.full(this.stream)) {
        this.stream.pause();
        this.#idle.arm();
        return;
      }
      try {
        // RFC 9112, 2.2: an empty line before a request line is skipped.
        while (this.#buffer.length >= 2 && this.#buffer[0] === 13 && this.#buffer[1] === 10)
          this.#buffer = this.#buffer.subarray(2);
        if (this.#buffer.length === 0) {
          this.#buffer = undefined;
          return;
        }
        const end = endOfHead(this.#buffer);
        if (end < 0) {
          if (!this.#head.armed) this.#head.arm();
          return;
        }
        this.#head.disarm();
        const bytes = this.#buffer;
        this.#buffer = end < bytes.length ? bytes.subarray(end) : undefined;
        this.#request(parseHead(bytes, end));
      } catch (error) {
        this.#refuse(error);
      }
    }
  }

  #request(head: Head): void {
    const line = parseRequestLine(head.startLine);
    if (line.minor === 1 && head.host === undefined)
      throw new BadMessage('no-host', 'An HTTP/1.1 request needs a Host field.');
    if (line.method === 'CONNECT') {
      this.#connect(line.target, head);
      return;
    }
    const client = this.fixed?.client ?? this.deps.authenticate(head.proxyAuthorization);
    if (!client) {
      this.#reply(AUTHENTICATE, hasBody(head) || head.connectionClose || line.minor === 0, line.method);
      return;
    }
    this.#client = client;
    const { target, path } = this.#route(line.target, line.method);
    if (head.host !== undefined && (head.host !== this.#checkedHost || !this.fixed)) {
      checkHost(head.host, target);
      this.#checkedHost = head.host;
    }
    const request: RequestHead = {
      method: line.method,
      path,
      fields: head.fields,
      upgrade: head.upgrade !== undefined,
      hasBody: hasBody(head),
    };
    const exchange = this.deps.handlers.request(request, target, client);
    this.#begin({ head, method: line.method, minor: line.minor, target, client, exchange });
  }

  #begin(request: RelayRequest): void {
    const { verdict } = request.exchange;
    this.#underWay = request;
    this.#carry(verdict.kind === 'hold' ? new HeldRequest(this, request, verdict.maxBytes) : this.#relayFor(request));
  }

  release(request: RelayRequest, bytes: Buffer): void {
    this.#underWay = request;
    this.#idle.disarm();
    if (bytes.length > 0) this.giveBack(bytes);
    this.#carry(this.#relayFor(request));
    this.stream.resume();
  }

  refuseHeld(bad: BadMessage): void {
    this.#relay = undefined;
    this.#reply(errorAnswer(bad.status, bad.code, bad.message), true, 'GET');
  }

  #relayFor(request: RelayRequest): ClientExchange {
    const { verdict } = request.exchange;
    const { target, client } = request;
    const messages =
      verdict.kind === 'forward' &&
      request.head.upgrade === undefined &&
      this.deps.upstreams.refusesHttp1({ target, client, addresses: verdict.addresses, tls: verdict.tls });
    return messages ? this.#inMessages(request) : new Relay(this, request);
  }

  #inMessages(request: RelayRequest): ClientExchange {
    return new Http1Client(this, request, (route, signal) => this.deps.upstreams.open(route, signal));
  }

  #carry(relay: ClientExchange): void {
    this.#relay = relay;
    relay.start();
    this.#feed(relay);
  }

  handOver(waiting: Buffer | undefined): void {
    const request = this.#underWay;
    const { verdict } = request!.exchange;
    if (!request || verdict.kind !== 'forward') return;
    const { target, client } = request;
    this.deps.upstreams.refusedHttp1({ target, client, addresses: verdict.addresses, tls: verdict.tls });
    if (waiting) this.giveBack(waiting);
    this.#carry(this.#inMessages(request));
    this.stream.resume();
  }

  /** Body bytes that came with the head. */
  #feed(relay: ClientExchange): void {
    if (this.#relay !== relay || !this.#buffer || !relay.wantsBytes) return;
    const bytes = this.#buffer;
    this.#buffer = undefined;
    const taken = relay.clientBytes(bytes, 0);
    if (taken < bytes.length) this.giveBack(bytes.subarray(taken));
  }

  #route(requestTarget: string, method: string): { target: Target; path: string } {
    if (requestTarget.includes('#')) throw new BadMessage('bad-target', 'The request target holds a fragment.');
    const absolute = absoluteTarget(requestTarget);
    if (!this.fixed) {
      if (!absolute)
        throw new BadMessage('not-a-proxy-request', 'This is a proxy: it takes CONNECT and absolute targets.');
      if (absolute.target.scheme === 'https') throw new BadMessage('bad-target', 'An https target needs CONNECT.');
      return absolute;
    }
    const { target } = this.fixed;
    if (absolute) {
      const same =
        absolute.target.scheme === target.scheme &&
        absolute.target.host === target.host &&
        absolute.target.port === target.port;
      if (!same)
        throw new BadMessage(
          'identity-mismatch',
          'The request target names another host than the connection. Nothing was forwarded.',
          421,
        );
      return { target, path: absolute.path };
    }
    if (!requestTarget.startsWith('/') && !(requestTarget === '*' && method === 'OPTIONS'))
      throw new BadMessage('bad-target', 'The request target is neither a path nor a URL.');
    return { target, path: requestTarget };
  }

  #connect(authority: string, head: Head): void {
    if (this.fixed) throw new BadMessage('nested-connect', 'CONNECT inside a CONNECT is refused.');
    if (hasBody(head)) throw new BadMessage('connect-with-body', 'A CONNECT has no body.');
    const client = this.deps.authenticate(head.proxyAuthorization);
    if (!client) {
      this.#reply(AUTHENTICATE, head.connectionClose, 'CONNECT');
      return;
    }
    const rest = this.#buffer ?? Buffer.alloc(0);
    this.#buffer = undefined;
    this.#detach();
    this.#closing = true;
    this.deps.connect(this.stream, authority, client, rest);
  }

  #refuse(error: unknown): void {
    const bad =
      error instanceof BadMessage
        ? error
        : new BadMessage('internal', 'The proxy failed on this request. Nothing was forwarded.', 502);
    this.deps.handlers.refused({
      target: this.fixed?.target,
      client: this.#client,
      code: bad.code,
      message: bad.message,
    });
    this.#reply(errorAnswer(bad.status, bad.code, bad.message), true, 'GET');
  }

  #reply(answer: LocalAnswer, last: boolean, method: string): void {
    const close = last || this.#draining;
    let head = `HTTP/1.1 ${answer.status} ${answer.reason}\r\n`;
    for (const [name, value] of answer.headers) head += `${name}: ${value}\r\n`;
    head += `content-length: ${Buffer.byteLength(answer.body)}\r\n${close ? 'connection: close\r\n' : ''}\r\n`;
    this.batcher.put(this.stream, head);
    if (method !== 'HEAD') this.batcher.put(this.stream, Buffer.from(answer.body));
    if (close) this.#finish();
  }

  relayDone(reusable: boolean): void {
    this.#relay = undefined;
    this.#idle.disarm();
    if (!reusable || this.#draining) {
      this.#finish();
      return;
    }
    this.stream.resume();
    this.#goOn();
  }

  #drained(): void {
    if (this.#relay) {
      this.#relay.clientDrained();
      return;
    }
    if (this.#closing) return;
    this.#idle.disarm();
    this.stream.resume();
    this.#next();
  }

  /**
   * The client sends no more. One that said so in its request still waits for the answer; from any other this is how it goes
   * away (RFC 9112, 9.5 and 9.6), and what it asked for must not run on for nobody.
   */
  #clientEnds(): void {
    const { head, minor } = this.#underWay ?? {};
    const last = head !== undefined && head.upgrade === undefined && (head.connectionClose || minor === 0);
    if (this.#relay && last && !this.#relay.wantsBytes) return;
    this.#gone();
  }

  /** A client that is silent where it has to speak, or does not read. */
  #late(): void {
    const relay = this.#relay;
    this.#relay = undefined;
    relay?.clientGone();
    this.#finish();
  }

  /** Ends in order, reading and dropping for a moment so that what was written arrives before a reset can. */
  #finish(): void {
    this.#closing = true;
    this.#buffer = undefined;
    this.#head.close();
    this.#idle.close();
    this.batcher.flush(this.stream);
    endWith(this.stream);
  }

  cut(): void {
    this.#closing = true;
    // After the writes of this tick, so that the client gets what the upstream did send.
    process.nextTick(breakOff, this.stream);
  }

  #gone(): void {
    const relay = this.#relay;
    this.#relay = undefined;
    relay?.clientGone();
    if (!this.#closing) this.stream.destroy();
    this.#closing = true;
    if (this.stream.destroyed) this.#left();
  }

  #left(): void {
    this.#head.close();
    this.#idle.close();
    this.onClose();
  }

  #detach(): void {
    this.batcher.flush(this.stream);
    this.stream.removeListener('data', this.#onData);
    this.stream.removeListener('drain', this.#onDrain);
    this.stream.removeListener('end', this.#onEnd);
    this.stream.removeListener('close', this.#onGone);
    this.stream.removeListener('error', this.#onGone);
    this.stream.allowHalfOpen = false;
    this.#left();
  }

  /** For a shutdown: an idle connection ends now, a busy one after its response. */
  drain(): void {
    this.#draining = true;
    if (this.#relay) return;
    // An answer that is not out yet is brought to its end.
    this.batcher.flush(this.stream);
    if (this.stream.writableLength === 0) this.stream.destroy();
    else if (!this.#closing) this.#finish();
  }
}

const AUTHENTICATE: LocalAnswer = (() => {
  const answer = errorAnswer(
    407,
    'proxy-authentication',
    'This proxy serves one workspace: the proxy URL holds the name and token to use.',
  );
  return { ...answer, headers: [...answer.headers, ['proxy-authenticate', 'Basic realm="Sandbox Agent"']] };
})();

const hasBody = (head: Head) => head.framing.chunked || (head.framing.length ?? 0) > 0;

// Which protocol an upstream is spoken to in, where the choice is open: HTTP/2 if it agrees (ALPN, RFC 7301), on a session that
// all exchanges of a route share; else HTTP/1.1 from the pool. Many first requests at once cost one handshake.
import { TLSSocket } from 'node:tls';
import type { UpstreamPort } from '../wire/ports';
import type { Batcher } from '../wire/put';
import { WireError } from '../wire/errors';
import { Http1Port } from './http1Port';
import { Http2Session } from './http2Session';
import { type Route, UpstreamPool } from './pool';

/** How long it is believed that an upstream still speaks what it spoke last. */
const BELIEF_MS = 10 * 60_000;
const MAX_BELIEFS = 10_000;
const IDLE_MS = 60_000;
/** Sessions of one route. When all are full, exchanges wait for one another. */
const MAX_SESSIONS = 6;

type Protocol = 'h2' | 'http/1.1';

export class Upstreams {
  readonly #sessions = new Map<string, Http2Session[]>();
  readonly #waiting = new Map<string, readonly (() => void)[]>();
  readonly #dialling = new Map<string, Promise<void>>();
  readonly #beliefs = new Map<string, { readonly protocol: Protocol; readonly until: number }>();
  /** Of those that are believed to speak HTTP/2: what refused anything else. */
  readonly #http2Only = new Set<string>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(
    private readonly pool: UpstreamPool,
    private readonly batcher: Batcher,
  ) {
    this.#sweeper = setInterval(() => this.#sweep(), 5_000).unref();
  }

  /** A port for one exchange. Throws `WireError`. */
  open(route: Route, signal: () => AbortSignal): UpstreamPort | Promise<UpstreamPort> {
    const key = UpstreamPool.key(route);
    const session = this.#sessions.get(key)?.find(({ usable }) => usable);
    return session ? session.port() : this.#openLater(route, key, signal());
  }

  async #openLater(route: Route, key: string, signal: AbortSignal): Promise<UpstreamPort> {
    if (route.target.scheme === 'http') return this.#http1(route, key, signal);
    const until = performance.now() + this.pool.timeouts.connectMs;
    for (;;) {
      const session = this.#sessions.get(key)?.find(({ usable }) => usable);
      if (session) return session.port();
      if (this.#believed(key) === 'http/1.1') return this.#http1(route, key, signal);
      const others = this.#dialling.get(key);
      if (others) await others;
      else if ((this.#sessions.get(key)?.length ?? 0) >= MAX_SESSIONS) await this.#room(key, until, signal);
      else {
        const port = await this.#negotiate(route, key);
        if (port) return port;
      }
      if (signal.aborted || performance.now() > until)
        throw new WireError('upstream-busy', `${route.target.host} takes no more requests at once.`, 502);
    }
  }

  /** Resolves when an exchange of the route ended, or a session of it, or it took too long. */
  #room(key: string, until: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(key) ?? [];
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, until - performance.now() + 1).unref();
      signal.addEventListener('abort', wake);
      this.#waiting.set(key, [...waiting, wake]);
    });
  }

  #wake(key: string): void {
    const [first, ...rest] = this.#waiting.get(key) ?? [];
    if (rest.length > 0) this.#waiting.set(key, rest);
    else this.#waiting.delete(key);
    first?.();
  }

  /** It refused HTTP/1.1 in the handshake: exchanges go to it in messages from now on. */
  refusedHttp1(route: Route): void {
    this.#believe(UpstreamPool.key(route), 'h2');
    this.#http2Only.add(UpstreamPool.key(route));
  }

  refusesHttp1(route: Route): boolean {
    if (this.#http2Only.size === 0) return false;
    const key = UpstreamPool.key(route);
    if (!this.#http2Only.has(key)) return false;
    if (this.#believed(key) === 'h2') return true;
    this.#http2Only.delete(key);
    return false;
  }

  async #http1(route: Route, key: string, signal: AbortSignal): Promise<UpstreamPort> {
    const connection = this.pool.take(key) ?? (await this.pool.connect(route, key, signal));
    return new Http1Port(connection, this.pool, this.batcher);
  }

  /** One handshake, for whoever waits; it is not tied to the client that happened to come first. */
  async #negotiate(route: Route, key: string): Promise<UpstreamPort | undefined> {
    const dial = this.pool.dial(route, key, ['h2', 'http/1.1'], new AbortController().signal);
    const done = dial.then(
      () => undefined,
      () => undefined,
    );
    this.#dialling.set(key, done);
    try {
      const socket = await dial;
      const protocol: Protocol = socket instanceof TLSSocket && socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
      this.#believe(key, protocol);
      if (protocol === 'http/1.1') return new Http1Port(this.pool.adopt(socket, key, route), this.pool, this.batcher);
      // What its other sessions said: a new one is not filled beyond it before it says so itself.
      const known = this.#sessions.get(key)?.at(-1)?.connection.peerStreams;
      const events = { gone: () => this.#gone(key, session), released: () => this.#wake(key) };
      const session: Http2Session = new Http2Session(socket, route.target, this.pool.timeouts, events, known);
      this.#sessions.set(key, [...(this.#sessions.get(key) ?? []), session]);
      return session.port();
    } finally {
      this.#dialling.delete(key);
    }
  }

  #gone(key: string, session: Http2Session): void {
    const left = this.#sessions.get(key)?.filter((other) => other !== session) ?? [];
    if (left.length > 0) this.#sessions.set(key, left);
    else this.#sessions.delete(key);
    this.#wake(key);
  }

  #believed(key: string): Protocol | undefined {
    const belief = this.#beliefs.get(key);
    return belief && belief.until > performance.now() ? belief.protocol : undefined;
  }

  #believe(key: string, protocol: Protocol): void {
    this.#beliefs.delete(key);
    if (this.#beliefs.size >= MAX_BELIEFS) this.#beliefs.delete(this.#beliefs.keys().next().value!);
    this.#beliefs.set(key, { protocol, until: performance.now() + BELIEF_MS });
  }

  #sweep(): void {
    const limit = performance.now() - IDLE_MS;
    for (const { connection, lastUsed } of [...this.#sessions.values()].flat())
      if (connection.openStreams === 0 && lastUsed < limit) connection.drain();
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const { connection, socket } of [...this.#sessions.values()].flat()) {
      connection.drain();
      socket.destroySoon();
    }
  }
}

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
  readonly #waiting = new Map<string, Set<() => void>>();
  /** Resolves with what went wrong, if anything did. */
  readonly #dialling = new Map<string, Promise<unknown>>();
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
    const session = this.#usable(key);
    return session && !session.silent ? session.port() : this.#openLater(route, key, signal());
  }

  async #openLater(route: Route, key: string, signal: AbortSignal): Promise<UpstreamPort> {
    if (route.target.scheme === 'http') return this.#http1(route, key, signal);
    const until = performance.now() + this.pool.timeouts.connectMs;
    for (;;) {
      if (signal.aborted) {
        // Whoever woke this one meant somebody who still waits.
        this.#wakeOne(key);
        throw new WireError('aborted', 'The client went away.', 502);
      }
      const session = this.#usable(key);
      if (session) {
        if (!session.silent) return session.port();
        await session.isAlive();
        continue;
      }
      if (this.#believed(key) === 'http/1.1') return this.#http1(route, key, signal);
      const others = this.#dialling.get(key);
      if (others) {
        const error = await others;
        if (error !== undefined) throw error instanceof Error ? error : new Error('the upstream cannot be dialled');
      } else if ((this.#sessions.get(key)?.length ?? 0) < MAX_SESSIONS) return this.#negotiate(route, key);
      else if (performance.now() < until) await this.#room(key, until, signal);
      else throw new WireError('upstream-busy', `${route.target.host} takes no more requests at once.`, 502);
    }
  }

  /** A session with room for one more exchange; one that was heard of lately, if there is any. */
  #usable(key: string): Http2Session | undefined {
    let silent: Http2Session | undefined;
    for (const session of this.#sessions.get(key) ?? []) {
      if (!session.usable) continue;
      if (!session.silent) return session;
      silent ??= session;
    }
    return silent;
  }

  /** Resolves when an exchange of the route ended, or a session of it, or it took too long. */
  #room(key: string, until: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting);
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        // Whatever woke it: room that comes later is for those who still wait.
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
        resolve();
      };
      const timer = setTimeout(wake, until - performance.now() + 1).unref();
      signal.addEventListener('abort', wake);
      waiting.add(wake);
    });
  }

  /** There is room for one more: for who waits longest. */
  #wakeOne(key: string): void {
    const [first] = this.#waiting.get(key) ?? [];
    first?.();
  }

  /** There is room for another session: it takes many. Who finds no room waits again. */
  #wakeAll(key: string): void {
    for (const wake of [...(this.#waiting.get(key) ?? [])]) wake();
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
  async #negotiate(route: Route, key: string): Promise<UpstreamPort> {
    const dial = this.pool.dial(route, key, ['h2', 'http/1.1'], new AbortController().signal);
    const done = dial.then(
      () => undefined,
      (error: unknown) => error ?? new Error('the upstream cannot be dialled'),
    );
    this.#dialling.set(key, done);
    try {
      const socket = await dial;
      const protocol: Protocol = socket instanceof TLSSocket && socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
      this.#believe(key, protocol);
      if (protocol === 'http/1.1') return new Http1Port(this.pool.adopt(socket, key, route), this.pool, this.batcher);
      // What its other sessions said: a new one is not filled beyond it before it says so itself.
      const known = this.#sessions.get(key)?.at(-1)?.connection.peerStreams;
      const events = { gone: () => this.#gone(key, session), released: () => this.#wakeOne(key) };
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
    this.#wakeAll(key);
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

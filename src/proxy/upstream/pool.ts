// Upstream connections: dialled to checked addresses (or through a parent proxy), verified, and kept while idle for all client
// connections of one agent label. The key holds everything that makes one connection as good as another.
import type net from 'node:net';
import { authority } from '../../core/base/host';
import type { ParentProxy } from '../../core/base/parentProxy';
import type { Addresses } from '../../core/policy/types';
import type { Client, Listener, Target, Timeouts, UpstreamTls } from '../engine';
import { timedOut } from '../timeouts';
import { isOwnListener, type Lookup, loop, resolve, systemLookup } from './address';
import { type Attempt, within } from './attempt';
import { UpstreamConnection } from './connection';
import { connectFirst } from './happyEyeballs';
import { Parent } from './parent';
import { ContextStore, secure, tlsKey } from './secure';

const MAX_IDLE_PER_KEY = 256;
const MAX_SESSIONS = 1000;
/** Servers drop idle connections after 5 s (Node) to 75 s (nginx); a shorter stay avoids writing into a closing one. */
const IDLE_MS = 4_000;

/** May be sent again when a pooled connection closed under them (RFC 9110, 9.2.2; of its methods those without a body). */
export const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Where a connection goes and what it may be used for: everything that makes one as good as another. */
export interface Route {
  readonly target: Target;
  readonly addresses: Addresses;
  readonly client: Client;
  readonly tls: UpstreamTls | undefined;
}

export interface PoolOptions {
  /** PEM certificates that upstream chains may end in. Empty: Node's own roots. */
  readonly ca: readonly string[];
  readonly timeouts: Timeouts;
  readonly parent: ParentProxy | undefined;
  /** Our own listeners: a request that would come back to one of them is refused. */
  readonly listeners: ReadonlySet<Listener>;
  readonly lookup: Lookup | undefined;
}

interface Idle {
  readonly connection: UpstreamConnection;
  readonly since: number;
}

export class UpstreamPool {
  readonly #idle = new Map<string, Idle[]>();
  readonly #sessions = new Map<string, Buffer>();
  readonly #contexts: ContextStore;
  readonly #parent: Parent | undefined;
  readonly #lookup: Lookup;
  readonly #sweeper: NodeJS.Timeout;

  /** Throws when the parent's URL is none of a proxy. */
  constructor(private readonly options: PoolOptions) {
    const { ca, parent, lookup } = options;
    this.#contexts = new ContextStore(ca);
    this.#lookup = lookup ?? systemLookup;
    this.#parent = parent && new Parent(parent, ca, this.#lookup);
    this.#sweeper = setInterval(() => this.#sweep(), 1_000).unref();
  }

  static key({ target, addresses, client, tls }: Route): string {
    const key = `${target.scheme} ${authority(target.host, target.port)} ${addresses} ${client.label}`;
    return tls === undefined ? key : `${key} ${tlsKey(tls)}`;
  }

  /** The connection that was used last and still stands, or undefined. */
  take(key: string): UpstreamConnection | undefined {
    const list = this.#idle.get(key);
    const limit = performance.now() - IDLE_MS;
    for (let item = list?.pop(); item; item = list?.pop()) {
      item.connection.onIdleEnd = undefined;
      if (item.connection.usable && item.since >= limit) return item.connection;
      item.connection.destroy();
    }
    return undefined;
  }

  give(connection: UpstreamConnection): void {
    connection.detach();
    const list = this.#idle.get(connection.key) ?? [];
    if (!connection.usable || list.length >= MAX_IDLE_PER_KEY) {
      connection.destroy();
      return;
    }
    if (list.length === 0) this.#idle.set(connection.key, list);
    list.push({ connection, since: performance.now() });
    connection.onIdleEnd = () => {
      const at = list.findIndex((item) => item.connection === connection);
      if (at >= 0) list.splice(at, 1);
    };
  }

  /** A new connection to a checked address, for HTTP/1.1. Throws `WireError`. */
  async connect(route: Route, key: string, signal: AbortSignal): Promise<UpstreamConnection> {
    return this.adopt(await this.dial(route, key, ['http/1.1'], signal), key, route);
  }

  /** A socket of `dial` as a connection for HTTP/1.1, with the time-outs of this engine. */
  adopt(socket: net.Socket, key: string, { target }: Route): UpstreamConnection {
    return new UpstreamConnection(socket, key, target.host, this.options.timeouts);
  }

  get timeouts(): Timeouts {
    return this.options.timeouts;
  }

  /** A plain TCP connection for a tunnel: checked address, nothing of ours read or written. */
  tunnel(route: Route, signal: AbortSignal): Promise<net.Socket> {
    return this.dial({ ...route, target: { ...route.target, scheme: 'http' } }, '', [], signal);
  }

  /**
   * A connected socket, for https one that verified and offered `alpn` (what was agreed on is its `alpnProtocol`).
   * `key` names the TLS session to resume. Throws `WireError`.
   */
  dial(route: Route, key: string, alpn: readonly string[], signal: AbortSignal): Promise<net.Socket> {
    const { target, tls } = route;
    const { connectMs } = this.options.timeouts;
    const bounds = { signal, ms: connectMs, timedOut: () => timedOut('connect', target.host, connectMs) };
    return within(bounds, async (attempt) => {
      const socket = await this.#reach(route, attempt);
      if (target.scheme !== 'https') return socket;
      const sessionKey = `${key} ${alpn.join()}`;
      const options = {
        host: target.host,
        context: this.#contexts.get(tls),
        alpn,
        insecure: tls?.insecure === true,
        session: this.#sessions.get(sessionKey),
        onSession: (session: Buffer) => this.#keepSession(sessionKey, session),
      };
      return secure(socket, target.host, options, attempt);
    });
  }

  async #reach({ target, addresses }: Route, attempt: Attempt): Promise<net.Socket> {
    const { listeners } = this.options;
    if (this.#parent?.takes(target.host)) return this.#parent.open(target, addresses, listeners, attempt);
    const found = await resolve(target.host, addresses, this.#lookup);
    if (found.some((address) => isOwnListener(address, target.port, listeners))) throw loop();
    return connectFirst(found, target.port, target.host, attempt);
  }

  #keepSession(key: string, session: Buffer): void {
    if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
    this.#sessions.set(key, session);
  }

  #sweep(): void {
    const limit = performance.now() - IDLE_MS;
    for (const [key, list] of this.#idle) {
      for (const item of list.filter(({ since }) => since < limit)) item.connection.destroy();
      if (list.length === 0) this.#idle.delete(key);
    }
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const list of this.#idle.values()) for (const { connection } of [...list]) connection.destroy();
    this.#idle.clear();
  }
}

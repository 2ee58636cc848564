// Idle upstream connections, shared by all client connections of one agent label. The key holds everything that makes
// one connection as good as another: scheme, host, port, the permitted address scope, and the agent.
import type net from 'node:net';
import tls from 'node:tls';
import { authority } from '../../core/base/host';
import type { Addresses } from '../../core/policy/types';
import type { Client, Target, UpstreamTls } from '../engine';
import { WireError } from '../wire/errors';
import { isOwnListener, resolve } from './address';
import { dial, UpstreamConnection } from './connection';

const MAX_IDLE_PER_KEY = 256;
const MAX_SESSIONS = 1000;
/** Servers drop idle connections after 5 s (Node) to 75 s (nginx); a shorter stay avoids writing into a closing one. */
const IDLE_MS = 4_000;

/** AES-128 first: on one core it is a fifth faster than AES-256 for the same purpose. */
export const CIPHERS =
  'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384';

/** Where a connection goes and what it may be used for: everything that makes one as good as another. */
export interface Route {
  readonly target: Target;
  readonly addresses: Addresses;
  readonly client: Client;
  readonly tls: UpstreamTls | undefined;
}

interface Idle {
  readonly connection: UpstreamConnection;
  readonly since: number;
}

export class UpstreamPool {
  readonly #idle = new Map<string, Idle[]>();
  readonly #sessions = new Map<string, Buffer>();
  readonly #context: tls.SecureContext;
  readonly #sweeper: NodeJS.Timeout;
  /** Our own address: a request that would come back to us is refused. */
  listener: { host: string; port: number } | undefined;

  /** `ca`: PEM certificates that upstream chains may end in. Empty: Node's own roots. */
  constructor(ca: readonly string[]) {
    this.#context = tls.createSecureContext({
      ...(ca.length > 0 ? { ca: [...ca] } : {}),
      ciphers: CIPHERS,
      minVersion: 'TLSv1.2',
    });
    this.#sweeper = setInterval(() => this.#sweep(), 1_000).unref();
  }

  static key({ target, addresses, client }: Route): string {
    return `${target.scheme} ${authority(target.host, target.port)} ${addresses} ${client.label}`;
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

  /** A new connection to a checked address. Throws `WireError`. */
  async connect(route: Route, key: string, signal: AbortSignal): Promise<UpstreamConnection> {
    const socket = await this.dial(route, key, ['http/1.1'], signal);
    return new UpstreamConnection(socket, key, route.target.host);
  }

  /** A plain TCP connection for a tunnel: checked address, nothing read or written. */
  async tunnel(route: Route, signal: AbortSignal): Promise<net.Socket> {
    return this.dial({ ...route, target: { ...route.target, scheme: 'http' } }, '', [], signal);
  }

  /** A connected socket, for https one that verified and agreed on one of `alpn`. Throws `WireError`. */
  async dial(
    { target, addresses }: Route,
    key: string,
    alpn: readonly string[],
    signal: AbortSignal,
  ): Promise<net.Socket> {
    const found = await resolve(target.host, addresses);
    if (found.some((address) => isOwnListener(address, target.port, this.listener))) {
      throw new WireError('loop', 'The request would come back to this proxy.', 508);
    }
    return dial({
      target,
      addresses: found,
      context: this.#context,
      alpn,
      session: this.#sessions.get(key),
      onSession: (session) => {
        if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
        this.#sessions.set(key, session);
      },
      signal,
    });
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

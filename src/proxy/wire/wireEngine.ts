// Our engine: one listening port, CONNECT with TLS ended in process (no inner ports), and the connections behind it.
// It knows bytes and certificates; what may pass is the handlers' decision.
import net from 'node:net';
import tls from 'node:tls';
import { authority as formatAuthority } from '../../core/base/host';
import type { Authenticator, Client, Ends, Engine, EngineOptions, Listener, Target, Timeouts } from '../engine';
import type { BadMessage } from '../http1/head';
import { LeafStore } from '../leaf';
import { DEFAULT_TIMEOUTS } from '../timeouts';
import { forConnection } from '../tokens';
import { type Route, UpstreamPool } from '../upstream/pool';
import { Upstreams } from '../upstream/upstreams';
import { ClientConnection, type ConnectionDeps } from './clientConnection';
import { type Door, httpDoor } from './door';
import { Http2Server } from './http2Server';
import { connectAuthority, sniMatches } from './identity';
import { Batcher } from './put';
import type { Served, ServedConnection } from './served';
import { SOCKS_VERSION, serveSocks, socksDoor } from './socks5';
import { Tunnel } from './tunnel';

const TLS_RECORD = 0x16;

export class WireEngine implements Engine {
  readonly #server: net.Server;
  readonly #pool: UpstreamPool;
  readonly #leaves: LeafStore;
  readonly #upstreams: Upstreams;
  readonly #connections = new Set<ServedConnection>();
  readonly #tunnels = new Set<Tunnel>();
  readonly #sockets = new Set<net.Socket>();
  /** Of them, those that carry nothing yet: accepted, or in a SOCKS5 or TLS handshake. */
  readonly #greeting = new Set<net.Socket>();
  readonly #deps: Omit<ConnectionDeps, 'authenticate'>;
  readonly #timeouts: Timeouts;
  readonly #listeners: Set<Listener>;
  #listener: Listener | undefined;
  #closing = false;

  constructor(private readonly options: EngineOptions) {
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#listeners = options.listeners ?? new Set();
    this.#pool = new UpstreamPool({
      ca: options.upstreamCa,
      timeouts: this.#timeouts,
      parent: options.parent,
      listeners: this.#listeners,
      lookup: options.lookup,
    });
    this.#leaves = new LeafStore(options.ca);
    const batcher = new Batcher();
    this.#upstreams = new Upstreams(this.#pool, batcher);
    this.#deps = {
      pool: this.#pool,
      upstreams: this.#upstreams,
      batcher,
      handlers: options.handlers,
      timeouts: this.#timeouts,
      connect: (stream, authority, client, rest) => this.#connect(stream, authority, client, rest),
    };
    this.#server = net.createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      // It may break before anybody looks at it; Node destroys it then.
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      void this.#admit(socket);
    });
  }

  /** A port without credentials may serve one user of this machine only. */
  async #admit(socket: net.Socket): Promise<void> {
    const { admit } = this.options;
    const ends = endsOf(socket);
    if (admit && !(ends && (await admit(ends).catch(() => false)))) socket.destroy();
    else if (this.#closing || socket.readableEnded) socket.destroy();
    else if (!socket.destroyed) this.#accept(socket);
  }

  /** On a Unix socket, for its owner alone (mode 0600). Rejects with Node's error. */
  listenAt(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      // The socket file is made by the call itself: nobody gets to see it with another mode.
      const mask = process.umask(0o177);
      this.#server.listen(socketPath, () => {
        this.#server.removeListener('error', reject);
        this.#server.on('error', () => undefined);
        resolve();
      });
      process.umask(mask);
    });
  }

  listen(address: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly host: string; readonly port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...address, backlog: 4096 }, () => {
        this.#server.removeListener('error', reject);
        this.#server.on('error', () => undefined);
        const { port } = this.#server.address() as net.AddressInfo;
        this.#listener = { host: address.host, port };
        this.#listeners.add(this.#listener);
        resolve(this.#listener);
      });
    });
  }

  /** One port for both ways in: a SOCKS5 client begins with its version, which no method begins with. */
  #accept(socket: net.Socket): void {
    const { findPeer } = this.options;
    const ends = findPeer && endsOf(socket);
    const peer = ends && findPeer(ends);
    const authenticate = forConnection(this.options.authenticate, peer);
    const gone = () => socket.destroy();
    const left = () => this.#greeting.delete(socket);
    const timer = setTimeout(gone, this.#timeouts.handshakeMs).unref();
    const begin = (first: Buffer) => {
      clearTimeout(timer);
      socket.removeListener('error', gone);
      socket.removeListener('end', gone);
      socket.pause();
      socket.unshift(first);
      if (first[0] === SOCKS_VERSION) this.#socks(socket, authenticate, left);
      else {
        left();
        this.#serve(socket, undefined, authenticate);
      }
      socket.resume();
    };
    this.#greeting.add(socket);
    socket.once('data', begin);
    socket.on('error', gone);
    socket.on('end', gone);
    socket.once('close', () => {
      clearTimeout(timer);
      left();
    });
  }

  #socks(socket: net.Socket, authenticate: Authenticator, over: () => void): void {
    const { handlers } = this.options;
    serveSocks(socket, {
      authenticate,
      timeoutMs: this.#timeouts.handshakeMs,
      refused: (client, code, message) => handlers.refused({ target: undefined, client, code, message }),
      connect: (named, client, rest) => {
        over();
        socket.on('error', () => socket.destroy());
        this.#open(socket, { scheme: 'https', ...named }, client, rest, socksDoor);
      },
    });
  }

  #serve(
    stream: net.Socket,
    fixed: { target: Target; client: Client } | undefined,
    authenticate = this.options.authenticate,
  ): void {
    const deps = { ...this.#deps, authenticate: (header: string | undefined) => authenticate.byHeader(header) };
    const connection: ServedConnection = new ClientConnection(stream, fixed, deps, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }

  #serveHttp2(stream: net.Socket, target: Target, client: Client): void {
    const deps = {
      handlers: this.options.handlers,
      openUpstream: (route: Route, signal: () => AbortSignal) => this.#upstreams.open(route, signal),
      handshakeMs: this.#timeouts.handshakeMs,
    };
    const connection: ServedConnection = new Http2Server(stream, target, client, deps, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }

  #connect(socket: net.Socket, authority: string, client: Client, rest: Buffer): void {
    socket.on('error', () => socket.destroy());
    socket.pause();
    let target: Target;
    try {
      target = { scheme: 'https', ...connectAuthority(authority) };
    } catch (error) {
      const bad = error as BadMessage;
      this.options.handlers.refused({ target: undefined, client, code: bad.code, message: bad.message });
      httpDoor.refuse(socket, bad);
      return;
    }
    this.#open(socket, target, client, rest, httpDoor);
  }

  /** A connection that was asked for, by CONNECT or by SOCKS5. The socket is paused. */
  #open(socket: net.Socket, target: Target, client: Client, rest: Buffer, door: Door): void {
    const verdict = this.options.handlers.connect(target, client);
    switch (verdict.kind) {
      case 'answer':
        door.answer(socket, verdict.answer);
        return;
      case 'tunnel': {
        const route = { target, client, addresses: verdict.addresses, tls: undefined };
        const tunnel = new Tunnel(socket, {
          exchange: verdict.exchange,
          door,
          dial: (signal) => this.#pool.tunnel(route, signal),
          halfOpenMs: this.#timeouts.idleMs,
        });
        this.#tunnels.add(tunnel);
        void tunnel.open(rest).finally(() => this.#tunnels.delete(tunnel));
        return;
      }
      case 'intercept':
        // 2–3 ms for a new host, before the client starts its handshake.
        this.#intercept(socket, target, client, rest, door);
    }
  }

  #intercept(socket: net.Socket, target: Target, client: Client, rest: Buffer, door: Door): void {
    const context = this.#leaves.context(target.host);
    door.opened(socket);
    this.#greeting.add(socket);
    const begin = (first: Buffer) => {
      clearTimeout(timer);
      socket.pause();
      socket.unshift(first);
      // Not every CONNECT carries TLS: Node's fetch, for one, opens a tunnel for http as well.
      if (first[0] === TLS_RECORD) this.#terminate(socket, target, client, context);
      else {
        this.#greeting.delete(socket);
        this.#serve(socket, { target: { ...target, scheme: 'http' }, client });
        socket.resume();
      }
    };
    const timer = setTimeout(() => socket.destroy(), this.#timeouts.handshakeMs).unref();
    socket.once('close', () => clearTimeout(timer));
    if (rest.length > 0) begin(rest);
    else {
      socket.once('data', begin);
      socket.resume();
    }
  }

  #terminate(socket: net.Socket, target: Target, client: Client, context: tls.SecureContext): void {
    let mismatch: string | undefined;
    const secure = new tls.TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: ['h2', 'http/1.1'],
      // The context is the CONNECT host's whatever the client names here; this only compares. Absent SNI is accepted.
      SNICallback: (servername, done) => {
        if (sniMatches(servername, target.host)) {
          done(null, context);
          return;
        }
        mismatch = `The TLS handshake names another host than CONNECT ${formatAuthority(target.host, target.port)}. Nothing was forwarded.`;
        done(new Error('server name mismatch'));
      },
    });
    secure.setNoDelay(true);
    const timer = setTimeout(() => secure.destroy(), this.#timeouts.handshakeMs).unref();
    const failed = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      this.options.handlers.refused({
        target,
        client,
        code: mismatch ? 'identity-mismatch' : 'client-tls',
        message: mismatch ?? clientTlsMessage(error),
      });
      secure.destroy();
      socket.destroy();
    };
    secure.once('error', failed);
    secure.once('secure', () => {
      clearTimeout(timer);
      secure.removeListener('error', failed);
      this.#greeting.delete(socket);
      if (secure.alpnProtocol === 'h2') this.#serveHttp2(secure, target, client);
      else this.#serve(secure, { target, client });
    });
    secure.once('close', () => clearTimeout(timer));
  }

  reconsider(): void {
    for (const served of this.#served())
      if (!served.exchange.stillAllowed())
        served.cut('policy-changed', 'The policy changed and no longer allows this.');
  }

  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#closing = true;
    if (this.#listener) this.#listeners.delete(this.#listener);
    for (const socket of this.#greeting) socket.destroy();
    for (const connection of [...this.#connections]) connection.drain();
    const timer = setTimeout(() => {
      for (const served of this.#served()) served.cut('stopped', 'The proxy was stopped.');
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
    this.#upstreams.close();
    this.#pool.close();
  }

  /** Everything under way. */
  #served(): Served[] {
    return [...[...this.#connections].flatMap(({ relays }) => [...relays]), ...this.#tunnels];
  }
}

/** Undefined for a Unix socket, and for one that is gone. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: net.Socket): Ends | undefined {
  if (remoteAddress === undefined || remotePort === undefined || localAddress === undefined || localPort === undefined)
    return undefined;
  return { client: { host: remoteAddress, port: remotePort }, own: { host: localAddress, port: localPort } };
}

function clientTlsMessage(error: NodeJS.ErrnoException): string {
  const text = `${error.code ?? ''} ${error.message}`;
  if (/UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|unknown ca|bad certificate|certificate unknown/i.test(text)) {
    return 'The client does not trust the certificate authority of this workspace. Start it from the Sandbox Agent terminal, or set its CA variable (see Copy Proxy Environment).';
  }
  return `The TLS handshake of the client failed (${error.code ?? 'connection closed'}).`;
}

// Our engine: one listening port, CONNECT with TLS ended in process (no inner ports), and the connections behind it.
// It knows bytes and certificates; what may pass is the handlers' decision.
import net from 'node:net';
import tls from 'node:tls';
import { authority as formatAuthority } from '../../core/base/host';
import type { Client, Engine, EngineOptions, LocalAnswer, Target } from '../engine';
import type { BadMessage } from '../http1/head';
import { LeafStore } from '../leaf';
import { UpstreamPool } from '../upstream/pool';
import { ClientConnection, type ConnectionDeps } from './clientConnection';
import { WireError, errorAnswer } from './errors';
import { connectAuthority, sniMatches } from './identity';
import { Batcher } from './put';
import { Tunnel } from './tunnel';

const HANDSHAKE_MS = 30_000;
const TLS_RECORD = 0x16;
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

export class WireEngine implements Engine {
  readonly #server: net.Server;
  readonly #pool: UpstreamPool;
  readonly #leaves: LeafStore;
  readonly #connections = new Set<ClientConnection>();
  readonly #tunnels = new Set<Tunnel>();
  readonly #sockets = new Set<net.Socket>();
  readonly #deps: ConnectionDeps;

  constructor(private readonly options: EngineOptions) {
    this.#pool = new UpstreamPool(options.upstreamCa);
    this.#leaves = new LeafStore(options.ca);
    this.#deps = {
      pool: this.#pool,
      batcher: new Batcher(),
      handlers: options.handlers,
      authenticate: options.authenticate,
      connect: (stream, authority, client, rest) => this.#connect(stream, authority, client, rest),
    };
    this.#server = net.createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      this.#serve(socket, undefined);
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
        this.#pool.listener = { host: address.host, port };
        resolve({ host: address.host, port });
      });
    });
  }

  #serve(stream: net.Socket, fixed: { target: Target; client: Client } | undefined): void {
    const connection = new ClientConnection(stream, fixed, this.#deps, () => this.#connections.delete(connection));
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
      reply(socket, errorAnswer(bad.status, bad.code, bad.message));
      return;
    }
    const verdict = this.options.handlers.connect(target, client);
    switch (verdict.kind) {
      case 'answer':
        reply(socket, verdict.answer);
        return;
      case 'tunnel':
        this.#tunnel(
          socket,
          rest,
          () =>
            new Tunnel(socket, verdict.exchange, () =>
              this.#pool.tunnel(
                { target, client, addresses: verdict.addresses, tls: undefined },
                AbortSignal.timeout(60_000),
              ),
            ),
        );
        return;
      case 'intercept':
        // 2–3 ms for a new host, before the client starts its handshake.
        this.#intercept(socket, target, client, rest);
    }
  }

  #tunnel(socket: net.Socket, rest: Buffer, make: () => Tunnel): void {
    const tunnel = make();
    this.#tunnels.add(tunnel);
    tunnel
      .open(rest)
      .catch((error: unknown) => {
        const failure =
          error instanceof WireError ? error : new WireError('internal', 'The proxy failed to connect.', 502);
        reply(socket, errorAnswer(failure.status, failure.code, failure.message));
      })
      .finally(() => this.#tunnels.delete(tunnel));
  }

  #intercept(socket: net.Socket, target: Target, client: Client, rest: Buffer): void {
    const context = this.#leaves.context(target.host);
    socket.write(ESTABLISHED);
    const begin = (first: Buffer) => {
      clearTimeout(timer);
      socket.pause();
      socket.unshift(first);
      // Not every CONNECT carries TLS: Node's fetch, for one, opens a tunnel for http as well.
      if (first[0] === TLS_RECORD) this.#terminate(socket, target, client, context);
      else {
        socket.removeAllListeners('error');
        this.#serve(socket, { target: { ...target, scheme: 'http' }, client });
        socket.resume();
      }
    };
    const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS).unref();
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
      ALPNProtocols: ['http/1.1'],
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
    const timer = setTimeout(() => secure.destroy(), HANDSHAKE_MS).unref();
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
      this.#serve(secure, { target, client });
    });
    secure.once('close', () => clearTimeout(timer));
  }

  reconsider(): void {
    for (const { relay } of [...this.#connections]) {
      if (relay && !relay.exchange.stillAllowed())
        relay.cut('policy-changed', 'The policy changed and no longer allows this.');
    }
    for (const tunnel of [...this.#tunnels]) {
      if (!tunnel.exchange.stillAllowed())
        tunnel.cut('policy-changed', 'The policy changed and no longer allows this.');
    }
  }

  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of [...this.#connections]) connection.drain();
    const timer = setTimeout(() => {
      for (const { relay } of [...this.#connections]) relay?.cut('stopped', 'The proxy was stopped.');
      for (const tunnel of [...this.#tunnels]) tunnel.cut('stopped', 'The proxy was stopped.');
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
    this.#pool.close();
  }
}

function clientTlsMessage(error: NodeJS.ErrnoException): string {
  const text = `${error.code ?? ''} ${error.message}`;
  if (/UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|unknown ca|bad certificate|certificate unknown/i.test(text)) {
    return 'The client does not trust the certificate authority of this workspace. Start it from the Sandbox Agent terminal, or set its CA variable (see Copy Proxy Environment).';
  }
  return `The TLS handshake of the client failed (${error.code ?? 'connection closed'}).`;
}

function reply(socket: net.Socket, answer: LocalAnswer): void {
  if (socket.destroyed) return;
  let head = `HTTP/1.1 ${answer.status} ${answer.reason}\r\n`;
  for (const [name, value] of answer.headers) head += `${name}: ${value}\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(answer.body)}\r\nconnection: close\r\n\r\n${answer.body}`);
  socket.resume();
  setTimeout(() => socket.destroy(), 2_000).unref();
}

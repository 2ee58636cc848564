// One upstream connection: TCP, or TLS that verified before a byte of ours is written. Pooled between exchanges.
import net from 'node:net';
import tls from 'node:tls';
import type { Target } from '../engine';
import { WireError, upstreamError } from '../wire/errors';

/** What an exchange wants to hear while it holds the connection. */
export interface UpstreamListener {
  data(bytes: Buffer): void;
  drain(): void;
  /** The upstream ended its side in order (`undefined`) or the connection broke. Called at most once. */
  ended(error: WireError | undefined): void;
}

const CONNECT_TIMEOUT_MS = 15_000;
/** No byte in either direction for this long: a model may think for minutes before it answers. */
const IDLE_TIMEOUT_MS = 15 * 60_000;

export class UpstreamConnection {
  #listener: UpstreamListener | undefined;
  #error: NodeJS.ErrnoException | undefined;
  #ended = false;
  /** Set by the pool: exchanges carried so far. */
  uses = 0;
  /** Called when the connection is gone while nobody holds it. */
  onIdleEnd: (() => void) | undefined;

  constructor(
    readonly socket: net.Socket,
    readonly key: string,
    private readonly where: string,
  ) {
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => {
      this.#error = Object.assign(new Error('idle'), { code: 'ETIMEDOUT' });
      this.#end();
    });
    socket.on('data', (bytes: Buffer) => {
      // Bytes that nobody asked for: an upstream that talks out of turn is not trusted with another request.
      if (this.#listener) this.#listener.data(bytes);
      else this.destroy();
    });
    socket.on('drain', () => this.#listener?.drain());
    socket.on('error', (error) => (this.#error = error));
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
  }

  get usable(): boolean {
    return !this.#ended && !this.socket.destroyed && this.socket.writable;
  }

  attach(listener: UpstreamListener): void {
    this.#listener = listener;
    this.uses++;
  }

  detach(): void {
    this.#listener = undefined;
  }

  destroy(): void {
    this.#ended = true;
    this.detach();
    this.socket.destroy();
    this.onIdleEnd?.();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const listener = this.#listener;
    this.#listener = undefined;
    this.socket.destroy();
    if (listener) listener.ended(this.#error ? upstreamError(this.#error, this.where) : undefined);
    else this.onIdleEnd?.();
  }
}

export interface DialOptions {
  readonly target: Target;
  /** Checked addresses, tried in order. */
  readonly addresses: readonly string[];
  readonly context: tls.SecureContext;
  /** Protocols to offer (RFC 7301), best first. */
  readonly alpn: readonly string[];
  readonly session: Buffer | undefined;
  readonly onSession: (session: Buffer) => void;
  readonly signal: AbortSignal;
}

/** A connected socket; for https one whose certificate chain and name verified. Throws `WireError`. */
export async function dial(options: DialOptions): Promise<net.Socket> {
  let last: WireError | undefined;
  for (const address of options.addresses) {
    if (options.signal.aborted) break;
    try {
      return await dialAddress(address, options);
    } catch (error) {
      last = error as WireError;
      if (last.code === 'tls-unverified') break; // another address of the same name is no better
    }
  }
  throw last ?? new WireError('aborted', 'The client went away.', 502);
}

function dialAddress(
  address: string,
  { target, context, alpn, session, onSession, signal }: DialOptions,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const secure = target.scheme === 'https';
    const socket = secure
      ? tls.connect({
          host: address,
          port: target.port,
          // RFC 6066, 3: no SNI for literals. The name is checked by `checkServerIdentity` in either case.
          servername: net.isIP(target.host) === 0 ? target.host : '',
          checkServerIdentity: (_, cert) => tls.checkServerIdentity(target.host, cert),
          secureContext: context,
          ALPNProtocols: [...alpn],
          rejectUnauthorized: true,
          ...(session ? { session } : {}),
        })
      : net.connect({ host: address, port: target.port });
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      finish();
    };
    const fail = (error: WireError) =>
      settle(() => {
        socket.on('error', () => undefined);
        socket.destroy();
        reject(error);
      });
    const onError = (error: NodeJS.ErrnoException) => fail(upstreamError(error, target.host));
    const onClose = () =>
      fail(new WireError('upstream-reset', `${target.host} closed the connection during the handshake.`, 502));
    const onAbort = () => fail(new WireError('aborted', 'The client went away.', 502));
    const timer = setTimeout(
      () =>
        fail(
          new WireError(
            'connect-timeout',
            `${target.host} did not answer within ${CONNECT_TIMEOUT_MS / 1000} seconds.`,
            504,
          ),
        ),
      CONNECT_TIMEOUT_MS,
    );
    socket.once('error', onError);
    socket.once('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (socket instanceof tls.TLSSocket) socket.on('session', onSession);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      if (socket instanceof tls.TLSSocket && !socket.authorized) {
        fail(upstreamError({ code: String(socket.authorizationError) } as NodeJS.ErrnoException, target.host));
        return;
      }
      settle(() => resolve(socket));
    });
  });
}

// A connection that passes unread: pinned certificates and server-first protocols. Only the host and port were judged. Each
// side may end before the other (RFC 9293, 3.6); a break on one side is a break on the other. No idle time-out while both
// are open: an ssh session may be silent for hours.
import type net from 'node:net';
import type { Exchange, ExchangeEnd } from '../engine';
import { type Door, breakOff } from './door';
import { WireError } from './errors';

export interface TunnelOptions {
  readonly exchange: Exchange;
  readonly door: Door;
  readonly dial: (signal: AbortSignal) => Promise<net.Socket>;
  /** How long the second side may be silent once the first has ended. */
  readonly halfOpenMs: number;
}

export class Tunnel {
  #bytes = { request: 0, response: 0 };
  #ended = false;
  #upstream: net.Socket | undefined;
  readonly #abort = new AbortController();

  constructor(
    private readonly client: net.Socket,
    private readonly options: TunnelOptions,
  ) {
    // Documented for exactly this: before the end of the other side is read.
    client.allowHalfOpen = true;
    client.on('error', () => client.destroy());
    client.once('close', () => this.#abort.abort());
  }

  get exchange(): Exchange {
    return this.options.exchange;
  }

  /** `rest`: what came behind the request. Resolves when the tunnel is over, whether it opened or not. */
  async open(rest: Buffer): Promise<void> {
    const { dial, door, exchange } = this.options;
    let upstream: net.Socket;
    try {
      upstream = await dial(this.#abort.signal);
    } catch (error) {
      const failure =
        error instanceof WireError ? error : new WireError('internal', 'The proxy failed to connect.', 502);
      this.#end(
        failure.code === 'aborted'
          ? { kind: 'aborted' }
          : { kind: 'failed', code: failure.code, message: failure.message },
      );
      door.refuse(this.client, failure);
      return;
    }
    if (this.client.destroyed || this.#ended) {
      upstream.destroy();
      this.#end({ kind: 'aborted' });
      return;
    }
    this.#upstream = upstream;
    exchange.sent(false);
    upstream.setNoDelay(true);
    upstream.allowHalfOpen = true;
    door.opened(this.client);
    this.#end(await this.#join(upstream, rest));
  }

  #join(upstream: net.Socket, rest: Buffer): Promise<ExchangeEnd> {
    const { client } = this;
    if (rest.length > 0) client.unshift(rest);
    client.on('data', (bytes: Buffer) => (this.#bytes.request += bytes.length));
    upstream.on('data', (bytes: Buffer) => (this.#bytes.response += bytes.length));
    return new Promise((resolve) => {
      let how: ExchangeEnd = { kind: 'complete' };
      let open = 2;
      const broken = (other: net.Socket, end: ExchangeEnd) => () => {
        if (how.kind === 'complete') how = end;
        // What broke must not look like an end.
        breakOff(other);
      };
      client.on('error', broken(upstream, { kind: 'aborted' }));
      upstream.on(
        'error',
        broken(client, { kind: 'failed', code: 'upstream-reset', message: 'The upstream broke the connection.' }),
      );
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        socket.on('end', () => other.setTimeout(this.options.halfOpenMs, () => other.destroy()));
        socket.on('close', () => {
          if (!socket.readableEnded) other.destroy();
          if (--open === 0) resolve(how);
        });
      }
      client.pipe(upstream);
      upstream.pipe(client);
    });
  }

  cut(code: string, message: string): void {
    this.#end({ kind: 'failed', code, message });
    this.#abort.abort();
    if (this.#upstream) breakOff(this.#upstream);
    breakOff(this.client);
  }

  #end(how: ExchangeEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.exchange.end(how, this.#bytes);
  }
}

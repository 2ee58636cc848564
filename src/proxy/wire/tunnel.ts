// A CONNECT that passes unread: pinned certificates and server-first protocols. Only the host and port were judged.
import type net from 'node:net';
import type { Exchange } from '../engine';
import { WireError } from './errors';

export class Tunnel {
  #bytes = { request: 0, response: 0 };
  #ended = false;
  #upstream: net.Socket | undefined;

  constructor(
    private readonly client: net.Socket,
    readonly exchange: Exchange,
    private readonly dial: () => Promise<net.Socket>,
  ) {}

  /** Resolves when the tunnel is over. Rejects with `WireError` when it never opened. */
  async open(rest: Buffer): Promise<void> {
    let upstream: net.Socket;
    try {
      upstream = await this.dial();
    } catch (error) {
      const { code, message } =
        error instanceof WireError ? error : new WireError('internal', 'The proxy failed to connect.', 502);
      this.#end({ kind: 'failed', code, message });
      throw error;
    }
    if (this.client.destroyed || this.#ended) {
      upstream.destroy();
      this.#end({ kind: 'aborted' });
      return;
    }
    this.#upstream = upstream;
    this.exchange.sent(false);
    upstream.setNoDelay(true);
    this.client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (rest.length > 0) {
      this.#bytes.request += rest.length;
      upstream.write(rest);
    }
    this.client.on('data', (bytes: Buffer) => (this.#bytes.request += bytes.length));
    upstream.on('data', (bytes: Buffer) => (this.#bytes.response += bytes.length));
    this.client.pipe(upstream);
    upstream.pipe(this.client);
    await new Promise<void>((resolve) => {
      const over = () => {
        upstream.destroy();
        this.client.destroy();
        resolve();
      };
      for (const socket of [upstream, this.client]) {
        socket.on('error', over);
        socket.on('close', over);
      }
    });
    this.#end({ kind: 'complete' });
  }

  cut(code: string, message: string): void {
    this.#end({ kind: 'failed', code, message });
    this.#upstream?.destroy();
    this.client.destroy();
  }

  #end(how: Parameters<Exchange['end']>[0]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.exchange.end(how, this.#bytes);
  }
}

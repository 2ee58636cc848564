// A WebSocket between its two ends while messages are looked at: two directions, and what happens when one fails. The
// side that erred is told so in a close frame; never may half a frame be on the wire when that happens.
import { type ExchangeEnd, type MessageTransforms, RefusedMessage } from '../engine';
import type { Deflate } from './deflate';
import { Direction } from './direction';
import { BadFrame, writeClose } from './frames';

export type Side = 'client' | 'server';

/** What the relay of the exchange does for it. */
export interface WebSocketEnds {
  send(to: Side, bytes: Buffer): void;
  /** Bytes of this side are welcome again. */
  resume(side: Side): void;
  /** Nothing more passes: both sides are to be let go once they have what was sent. */
  over(how: ExchangeEnd): void;
}

/** RFC 6455, 7.4.1; 1014 is registered for gateways that got a bad answer. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;
const BAD_GATEWAY = 1014;

export class WebSocketRelay {
  readonly #directions: Readonly<Record<Side, Direction>>;

  /** `deflate`: what the handshake agreed on. */
  constructor(
    transforms: MessageTransforms,
    deflate: Deflate | undefined,
    private readonly ends: WebSocketEnds,
  ) {
    const direction = (from: Side, to: Side) =>
      new Direction(from, deflate?.[from], transforms[from], {
        send: (bytes) => this.ends.send(to, bytes),
        idle: () => this.ends.resume(from),
        failed: (error) => this.#failed(from, error),
      });
    this.#directions = { client: direction('client', 'server'), server: direction('server', 'client') };
  }

  /** Bytes that `from` sent. False: no more until `resume`. */
  push(from: Side, bytes: Buffer): boolean {
    return this.#directions[from].push(bytes);
  }

  /** `from` ended its connection. `done` is called when all it sent was passed on. */
  end(from: Side, done: () => void): void {
    this.#directions[from].end(done);
  }

  stop(): void {
    this.#directions.client.stop();
    this.#directions.server.stop();
  }

  #failed(from: Side, error: unknown): void {
    this.stop();
    if (error instanceof RefusedMessage) {
      this.#close(POLICY_VIOLATION, POLICY_VIOLATION, 'blocked by Sandbox Agent');
      this.ends.over({ kind: 'failed', code: 'websocket-refused', message: 'A message was not allowed to pass.' });
    } else if (error instanceof BadFrame) {
      if (from === 'client') this.#close(error.status, GOING_AWAY, error.code);
      else this.#close(BAD_GATEWAY, error.status, error.code);
      this.ends.over({ kind: 'failed', code: error.code, message: error.message });
    } else {
      this.#close(INTERNAL_ERROR, INTERNAL_ERROR, 'fault of the proxy');
      this.ends.over({
        kind: 'failed',
        code: 'internal',
        message: 'The proxy failed on a message. It was not passed on.',
      });
    }
  }

  /** Close frames to the client and to the server, but not behind one that was passed on. */
  #close(client: number, server: number, reason: string): void {
    if (!this.#directions.server.closed) this.ends.send('client', writeClose('server', client, reason));
    if (!this.#directions.client.closed) this.ends.send('server', writeClose('client', server, reason));
  }
}

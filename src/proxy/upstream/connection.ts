// One upstream connection: connected, and for https verified, before a byte of ours is written. Pooled between exchanges.
import type net from 'node:net';
import type { Timeouts } from '../engine';
import { timedOut } from '../timeouts';
import type { WireError } from '../wire/errors';
import { upstreamError } from '../wire/errors';

/** What an exchange wants to hear while it holds the connection. */
export interface UpstreamListener {
  data(bytes: Buffer): void;
  drain(): void;
  /** The upstream ended its side in order (`undefined`) or the connection broke. Called at most once. */
  ended(error: WireError | undefined): void;
}

/** How often in a head time-out it is looked whether the request still goes out: it ends at most so much of it late. */
const LOOKS = 8;

export class UpstreamConnection {
  #listener: UpstreamListener | undefined;
  #error: WireError | undefined;
  #ended = false;
  /** While an answer is awaited: when that began or a byte of the request last went out, and how many had by then. */
  #awaiting: { since: number; written: number } | undefined;
  #headTimer: NodeJS.Timeout | undefined;
  /** Set by the pool: exchanges carried so far. */
  uses = 0;
  /** Called when the connection is gone while nobody holds it. */
  onIdleEnd: (() => void) | undefined;

  constructor(
    readonly socket: net.Socket,
    readonly key: string,
    private readonly where: string,
    private readonly timeouts: Pick<Timeouts, 'headMs' | 'idleMs'>,
  ) {
    socket.setNoDelay(true);
    socket.setTimeout(timeouts.idleMs, () => this.#fail(timedOut('idle', where, timeouts.idleMs)));
    socket.on('data', (bytes: Buffer) => {
      this.#awaiting = undefined;
      // Bytes that nobody asked for: an upstream that talks out of turn is not trusted with another request.
      if (this.#listener) this.#listener.data(bytes);
      else this.destroy();
    });
    socket.on('drain', () => this.#listener?.drain());
    socket.on('error', (error: NodeJS.ErrnoException) => (this.#error ??= upstreamError(error, where)));
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    // Paused where it comes through a parent proxy.
    socket.resume();
  }

  get usable(): boolean {
    return !this.#ended && !this.socket.destroyed && this.socket.writable;
  }

  attach(listener: UpstreamListener): void {
    this.#listener = listener;
    this.uses++;
    this.#awaiting = { since: performance.now(), written: this.socket.bytesWritten };
    // One timer for all exchanges of a connection: it looks anew when it fires.
    this.#headTimer ??= this.#lookIn(this.timeouts.headMs / LOOKS);
  }

  detach(): void {
    this.#listener = undefined;
    this.#awaiting = undefined;
  }

  destroy(): void {
    this.#ended = true;
    this.detach();
    clearTimeout(this.#headTimer);
    this.socket.destroy();
    this.onIdleEnd?.();
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#headTimer = undefined;
    const { headMs } = this.timeouts;
    const awaiting = this.#awaiting;
    if (this.#ended || !awaiting) return;
    const { bytesWritten } = this.socket;
    if (bytesWritten > awaiting.written) {
      awaiting.since = performance.now();
      awaiting.written = bytesWritten;
    }
    const left = awaiting.since + headMs - performance.now();
    if (left > 0) this.#headTimer = this.#lookIn(Math.min(left, headMs / LOOKS));
    else this.#fail(timedOut('head', this.where, headMs));
  }

  #fail(error: WireError): void {
    this.#error ??= error;
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#headTimer);
    const listener = this.#listener;
    this.#listener = undefined;
    this.socket.destroy();
    if (listener) listener.ended(this.#error);
    else this.onIdleEnd?.();
  }
}

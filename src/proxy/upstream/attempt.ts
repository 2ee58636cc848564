// One attempt to get a connection, from the look-up to verified TLS, bounded as a whole: when its time is over or nobody
// wants it any more, every socket it opened is destroyed. No step has to keep a timer of its own.
import type net from 'node:net';
import { WireError } from '../wire/errors';

export class Attempt {
  readonly #sockets = new Set<net.Socket>();
  #over = false;

  /** Nobody waits for it any more. */
  get over(): boolean {
    return this.#over;
  }

  /** A socket that ends with the attempt, unless it is what comes of it. */
  own<T extends net.Socket>(socket: T): T {
    socket.on('error', () => undefined);
    if (this.#over) socket.destroy();
    else this.#sockets.add(socket);
    return socket;
  }

  abandon(): void {
    this.#over = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** What `steps` makes. Rejects with its error, with `timedOut` after `ms`, or with `aborted` when `signal` says so. */
export function within(
  { signal, ms, timedOut }: { readonly signal: AbortSignal; readonly ms: number; readonly timedOut: () => WireError },
  steps: (attempt: Attempt) => Promise<net.Socket>,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const attempt = new Attempt();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown) => {
      finish();
      attempt.abandon();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const onAbort = () => fail(new WireError('aborted', 'The client went away.', 502));
    const timer = setTimeout(() => fail(timedOut()), ms);
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort);
    steps(attempt).then((socket) => {
      if (attempt.over) {
        socket.destroy();
        return;
      }
      finish();
      resolve(socket);
    }, fail);
  });
}

// Handlers around others that count: each exchange that began must end, once. And what a process holds, for tests of leaks.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Client, ConnectVerdict, Exchange, Handlers, RequestHead, Target } from '../../src/proxy/engine';

export class CountingHandlers implements Handlers {
  begun = 0;
  ended = 0;
  refusals = 0;
  /** Ends of exchanges that had ended: a fault. */
  endedTwice = 0;
  #waiting: (() => void)[] = [];

  constructor(private readonly inner: Handlers) {}

  get open(): number {
    return this.begun - this.ended;
  }

  connect(target: Target, client: Client): ConnectVerdict {
    const verdict = this.inner.connect(target, client);
    return verdict.kind === 'tunnel' ? { ...verdict, exchange: this.#count(verdict.exchange) } : verdict;
  }

  request(head: RequestHead, target: Target, client: Client): Exchange {
    return this.#count(this.inner.request(head, target, client));
  }

  refused(what: Parameters<Handlers['refused']>[0]): void {
    this.refusals++;
    this.inner.refused(what);
  }

  #count(exchange: Exchange): Exchange {
    this.begun++;
    let over = false;
    return {
      verdict: exchange.verdict,
      sent: (reused) => exchange.sent(reused),
      interim: (head) => exchange.interim(head),
      response: (head) => exchange.response(head),
      messages: (head) => exchange.messages?.(head),
      stillAllowed: () => exchange.stillAllowed(),
      end: (how, bytes) => {
        if (over) this.endedTwice++;
        else this.ended++;
        over = true;
        exchange.end(how, bytes);
        for (const resolve of this.#waiting.splice(0)) resolve();
      },
    };
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

let gc: (() => void) | undefined;

/** Octets of the heap that are in use, after a collection. */
export function heapInUse(): number {
  if (!gc) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  gc();
  return process.memoryUsage().heapUsed;
}

/** TCP sockets of this process, both ends of those within it. */
export const openSockets = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TCPSOCKETWRAP').length;

/** Looks again and again until `condition` holds: for what nobody tells of. Rejects after `ms`. */
export async function eventually(condition: () => boolean, ms: number, what: () => string): Promise<void> {
  for (const until = performance.now() + ms; !condition();) {
    if (performance.now() > until) throw new Error(`Not within ${ms} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

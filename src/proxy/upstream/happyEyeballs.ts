// TCP to the first of several addresses that answers (RFC 8305, "Happy Eyeballs"): a dead IPv6 route costs a quarter of a
// second, not a time-out. It gets checked addresses only and never sees a name.
import net from 'node:net';
import type { WireError } from '../wire/errors';
import { upstreamError } from '../wire/errors';
import type { Attempt } from './attempt';

/** RFC 8305, section 5, Connection Attempt Delay. */
const STAGGER_MS = 250;

/** The families in turn, beginning with that of the first (RFC 8305, 4): the resolver sorted by RFC 6724 already. */
export function interleave(addresses: readonly string[]): string[] {
  const family = (address: string) => (address.includes(':') ? 6 : 4);
  const first = addresses.filter((address) => family(address) === family(addresses[0]!));
  const second = addresses.filter((address) => family(address) !== family(addresses[0]!));
  return Array.from({ length: Math.max(first.length, second.length) }, (_, i) => [first[i], second[i]])
    .flat()
    .filter((address) => address !== undefined);
}

/**
 * A connected socket. An attempt that fails starts the next at once; the losers are destroyed. Rejects with the
 * `WireError` of the last to fail, in which `where` stands for the host.
 */
export function connectFirst(
  addresses: readonly string[],
  port: number,
  where: string,
  attempt: Attempt,
): Promise<net.Socket> {
  const queue = interleave(addresses);
  return new Promise((resolve, reject) => {
    const trying = new Set<net.Socket>();
    let timer: NodeJS.Timeout | undefined;
    let failed: WireError | undefined;
    const next = () => {
      clearTimeout(timer);
      if (attempt.over) return;
      const address = queue.shift();
      if (address === undefined) {
        if (trying.size === 0) reject(failed ?? upstreamError({ code: 'ENOTFOUND' }, where));
        return;
      }
      const socket = attempt.own(net.connect({ host: address, port, noDelay: true }));
      trying.add(socket);
      socket.once('error', (error: NodeJS.ErrnoException) => {
        if (!trying.delete(socket)) return;
        failed = upstreamError(error, where);
        next();
      });
      socket.once('connect', () => {
        if (!trying.delete(socket)) return;
        clearTimeout(timer);
        queue.length = 0;
        const losers = [...trying];
        trying.clear();
        for (const loser of losers) loser.destroy();
        resolve(socket);
      });
      if (queue.length > 0) timer = setTimeout(next, STAGGER_MS);
    };
    next();
  });
}

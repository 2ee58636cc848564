// Reads one answer of a parent proxy from a socket on which nothing else is under way yet.
import type net from 'node:net';
import { WireError, upstreamError } from '../wire/errors';

/**
 * What `read` makes of the bytes so far, once it makes something of them (`undefined`: more are needed; it bounds what it
 * takes). What came behind the answer stays in the socket, which is paused then. Rejects with what `read` throws, or with a
 * `WireError` when the connection ends first.
 */
export function readAnswer<T>(
  socket: net.Socket,
  where: string,
  read: (bytes: Buffer) => { readonly value: T; readonly length: number } | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let held: Buffer = Buffer.alloc(0);
    const settle = (finish: () => void) => {
      socket.pause();
      socket.removeListener('data', onData);
      socket.removeListener('error', onError);
      socket.removeListener('end', onEnd);
      socket.removeListener('close', onEnd);
      finish();
    };
    const onData = (bytes: Buffer) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      try {
        const found = read(held);
        if (!found) return;
        settle(() => {
          if (found.length < held.length) socket.unshift(held.subarray(found.length));
          resolve(found.value);
        });
      } catch (error) {
        settle(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    const onError = (error: NodeJS.ErrnoException) => settle(() => reject(upstreamError(error, where)));
    const onEnd = () =>
      settle(() => reject(new WireError('parent-failed', `${where} closed the connection before it answered.`, 502)));
    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    socket.resume();
  });
}

// Writes of one tick leave together: fewer TLS records and system calls, the largest single gain on small requests.
import type { Writable } from 'node:stream';

interface Pending {
  readonly stream: Writable;
  readonly chunks: (Buffer | string)[];
  bytes: number;
  /** Somebody was told to wait. */
  told: boolean;
}

export class Batcher {
  readonly #pending = new Map<Writable, Pending>();
  readonly #flush = () => {
    for (const entry of this.#pending.values()) write(entry);
    this.#pending.clear();
  };

  /** Writes like `stream.write`, but at the end of the tick. Returns false when the stream wants a pause: then it emits `drain`. */
  put(stream: Writable, bytes: Buffer | string): boolean {
    let entry = this.#pending.get(stream);
    if (entry === undefined) {
      entry = { stream, chunks: [], bytes: 0, told: false };
      if (this.#pending.size === 0) process.nextTick(this.#flush);
      this.#pending.set(stream, entry);
    }
    entry.chunks.push(bytes);
    entry.bytes += bytes.length;
    const more = stream.writableLength + entry.bytes < stream.writableHighWaterMark;
    if (!more) entry.told = true;
    return more;
  }

  /** Writes what waits for this stream now: something else is about to write to it. */
  flush(stream: Writable): void {
    const entry = this.#pending.get(stream);
    this.#pending.delete(stream);
    if (entry) write(entry);
  }
}

function write({ stream, chunks, bytes, told }: Pending): void {
  if (!stream.writable) return;
  const [first] = chunks;
  const more =
    chunks.length === 1
      ? typeof first === 'string'
        ? stream.write(first, 'latin1')
        : stream.write(first)
      : writeChunks(
          stream,
          chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk)),
          bytes,
        );
  // It took everything after all, as other writes ended meanwhile: nobody else would say so.
  if (more && told) stream.emit('drain');
}

/** Above this a copy costs more than another write. */
const WORTH_JOINING = 64 * 1024;

/** One write for many small pieces: one TLS record, one system call. Returns false when the socket wants a pause. */
export function writeChunks(socket: Writable, chunks: readonly Buffer[], bytes: number): boolean {
  if (!socket.writable) return true;
  if (chunks.length === 1) return socket.write(chunks[0]!);
  if (bytes <= WORTH_JOINING) return socket.write(Buffer.concat(chunks, bytes));
  socket.cork();
  let more = true;
  for (const chunk of chunks) more = socket.write(chunk);
  socket.uncork();
  return more;
}

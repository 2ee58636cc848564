// Octets that wait, in order. What they hold in memory is bounded by their number: small pieces share buffers, and a piece
// that is a small part of a large read does not keep that read alive.

const MAX_SHARED = 16 * 1024;

export class ByteQueue {
  #pieces: Buffer[] = [];
  /** Of the last piece: free octets behind it that are ours. */
  #free = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Buffers that are held. */
  get pieces(): number {
    return this.#pieces.length;
  }

  push(chunk: Buffer): void {
    const before = this.#length;
    this.#length += chunk.length;
    // Most of what it would keep alive is itself.
    if (chunk.length * 2 >= chunk.buffer.byteLength) {
      this.#pieces.push(chunk);
      this.#free = 0;
      return;
    }
    let rest = chunk;
    if (this.#free > 0) {
      const last = this.#pieces.at(-1)!;
      const count = Math.min(this.#free, rest.length);
      const grown = Buffer.from(last.buffer, last.byteOffset, last.length + count);
      rest.copy(grown, last.length, 0, count);
      this.#pieces[this.#pieces.length - 1] = grown;
      this.#free -= count;
      rest = rest.subarray(count);
    }
    if (rest.length === 0) return;
    // As much again as there is: one piece is held as it is, many are held in few buffers.
    const size = Math.max(rest.length, Math.min(before, MAX_SHARED));
    // Not from Node's pool, which others would keep alive.
    const piece = Buffer.allocUnsafeSlow(size).subarray(0, rest.length);
    rest.copy(piece);
    this.#pieces.push(piece);
    this.#free = size - rest.length;
  }

  /** At most `most` octets from the front. */
  shift(most: number): Buffer {
    const first = this.#pieces[0]!;
    const whole = first.length <= most;
    const taken = whole ? first : first.subarray(0, most);
    if (whole) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(most);
    if (this.#pieces.length === 0) this.#free = 0;
    this.#length -= taken.length;
    return taken;
  }
}

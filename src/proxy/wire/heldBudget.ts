// How much the bodies that are held may take together, in bytes: beyond it a body is not held but looked at as it streams.

const MAX_BYTES = 128 * 1024 * 1024;
let used = 0;

/** What one body holds of the budget. */
export class HeldShare {
  #bytes = 0;

  /** False: there is no room for these; they are not counted. */
  take(bytes: number): boolean {
    if (used + bytes > MAX_BYTES) return false;
    used += bytes;
    this.#bytes += bytes;
    return true;
  }

  release(): void {
    used -= this.#bytes;
    this.#bytes = 0;
  }
}

// Looks into compressed bodies on their way through. `decoded`: what goes on is no longer compressed. `watched`: the compressed
// bytes go on as they are, and not before what they hold has been seen. A label must not hide a plain body: bytes that are not
// in the named coding at all are looked at as they are.
import { type Coding, openDecoder } from '../codecs/contentCoding';
import type { BodyTransform } from '../engine';
import { BadMessage } from '../http1/head';
import { asBuffer } from './asBuffer';

const NOTHING = Buffer.alloc(0);
/** Of what decoders hold back before they give something, nothing worth naming is longer. */
const MAX_BEFORE = 256 * 1024;

/** Reads a body as compressed, until its first bytes turn out to be something else. */
class Reader {
  readonly #decoder: ReturnType<typeof openDecoder>;
  /** What was read without giving anything; undefined: something came, it is in this coding. */
  #before: Buffer[] | undefined = [];
  #size = 0;
  /** The body is not in this coding. */
  plain = false;

  constructor(codings: readonly Coding[]) {
    this.#decoder = openDecoder(codings);
  }

  push(chunk: Buffer): Buffer {
    if (this.plain) return chunk;
    try {
      const out = asBuffer(this.#decoder.push(chunk));
      if (this.#before) {
        this.#before.push(chunk);
        this.#size += chunk.length;
        if (out.length > 0 || this.#size > MAX_BEFORE) this.#before = undefined;
      }
      return out;
    } catch {
      return this.#notCoded(chunk);
    }
  }

  end(): Buffer {
    if (this.plain || this.#size === 0) return NOTHING;
    try {
      return asBuffer(this.#decoder.end());
    } catch {
      return this.#notCoded(NOTHING);
    }
  }

  #notCoded(chunk: Buffer): Buffer {
    this.close();
    if (!this.#before)
      throw new BadMessage(
        'bad-content-coding',
        'A compressed body cannot be decoded, so nobody can say what it holds.',
      );
    this.plain = true;
    return Buffer.concat([...this.#before, chunk]);
  }

  close(): void {
    this.#decoder.close();
  }
}

/** `inner` sees and changes the body as it is without its codings; so it goes on. */
export function decoded(codings: readonly Coding[], inner: BodyTransform): BodyTransform {
  const reader = new Reader(codings);
  const trailers = inner.trailers?.bind(inner);
  return {
    keepsLength: false,
    push: (chunk) => {
      const bytes = reader.push(chunk);
      return bytes.length === 0 ? NOTHING : inner.push(bytes);
    },
    end: () => {
      const rest = reader.end();
      return Buffer.concat([rest.length === 0 ? NOTHING : inner.push(rest), inner.end()]);
    },
    cut: () => {
      reader.close();
      return inner.cut?.() ?? NOTHING;
    },
    ...(trailers ? { trailers } : {}),
  };
}

/** Sees a body without its codings and lets the bytes it came in go on. */
export interface Watcher {
  /** May throw: then nothing more goes on. True: so far nothing is open, what came may go on. */
  look(bytes: Buffer): boolean;
  end(): void;
  /** All that goes on, as it goes: a decoder leaves something out (behind the end, in a header). May throw. */
  raw(bytes: Buffer): void;
}

/** Bytes held back while `look` waits for more: beyond it the body is broken off rather than let go unseen. */
const MAX_HELD = 4 * 1024 * 1024;

/** `plain` takes over where the body is not in the named coding at all. */
export function watched(codings: readonly Coding[], watcher: Watcher, plain: BodyTransform): BodyTransform {
  const reader = new Reader(codings);
  let held: Buffer[] = [];
  let size = 0;
  const pass = (bytes: Buffer): Buffer => {
    watcher.raw(bytes);
    return bytes;
  };
  const release = (): Buffer => {
    const out = Buffer.concat(held);
    held = [];
    size = 0;
    return pass(out);
  };
  return {
    keepsLength: plain.keepsLength,
    push: (chunk) => {
      const bytes = reader.push(chunk);
      if (reader.plain) {
        held = [];
        return pass(plain.push(bytes));
      }
      held.push(chunk);
      size += chunk.length;
      if (watcher.look(bytes)) return release();
      if (size > MAX_HELD)
        throw new BadMessage('bad-content-coding', 'A compressed body cannot be looked into in time.');
      return NOTHING;
    },
    end: () => {
      const rest = reader.end();
      if (reader.plain) return pass(Buffer.concat([rest.length === 0 ? NOTHING : plain.push(rest), plain.end()]));
      watcher.look(rest);
      watcher.end();
      return release();
    },
    cut: () => {
      reader.close();
      return reader.plain ? (plain.cut?.() ?? NOTHING) : NOTHING;
    },
    ...(plain.trailers ? { trailers: plain.trailers.bind(plain) } : {}),
  };
}

/** What says something about the coded form of a body that goes on without it (RFC 9530, RFC 9110 8.4). */
export const OF_THE_CODED_FORM: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-digest',
  'content-md5',
  'digest',
]);

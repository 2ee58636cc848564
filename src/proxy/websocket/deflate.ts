// permessage-deflate (RFC 7692): what the handshake agreed on, and inflating the messages of one direction. There is no
// compressor here: what was changed goes on uncompressed (see direction.ts).
import zlib from 'node:zlib';
import type { Fields } from '../engine';
import { listOf } from '../fields';
import { BadMessage } from '../http1/head';
import { BadFrame } from './frames';

/** What was agreed on for one direction. */
export interface DeflateParameters {
  /** Later messages refer back to earlier ones (RFC 7692, 7.1.1). */
  readonly takeover: boolean;
  /** Base-2 logarithm of the window, 8 to 15 (RFC 7692, 7.1.2). */
  readonly windowBits: number;
}

export interface Deflate {
  readonly client: DeflateParameters;
  readonly server: DeflateParameters;
}

const NAME = 'permessage-deflate';

/**
 * What a 101 agreed on; undefined: no extension. Throws `BadMessage` `websocket-extension` for extensions and parameters
 * that are not understood: nobody could say what the frames mean.
 */
export function readDeflate(fields: Fields): Deflate | undefined {
  const offers = extensions(fields);
  if (offers.length === 0) return undefined;
  const unknown = new BadMessage(
    'websocket-extension',
    'The server chose a WebSocket extension that this proxy cannot read.',
  );
  const [name, ...parameters] = offers[0]!.split(';').map((part) => part.trim().toLowerCase());
  if (offers.length > 1 || name !== NAME) throw unknown;
  const found = new Map<string, string>();
  for (const parameter of parameters) {
    const [key = '', value = ''] = parameter.split('=').map((part) => part.trim().replace(/^"(.*)"$/, '$1'));
    if (found.has(key)) throw unknown;
    found.set(key, value);
  }
  const side = (who: 'client' | 'server'): DeflateParameters => {
    const takeover = found.get(`${who}_no_context_takeover`);
    const bits = found.get(`${who}_max_window_bits`);
    if ((takeover !== undefined && takeover !== '') || (bits !== undefined && !/^(?:[89]|1[0-5])$/.test(bits)))
      throw unknown;
    found.delete(`${who}_no_context_takeover`);
    found.delete(`${who}_max_window_bits`);
    return { takeover: takeover === undefined, windowBits: bits === undefined ? 15 : Number(bits) };
  };
  const agreed = { client: side('client'), server: side('server') };
  if (found.size > 0) throw unknown;
  return agreed;
}

/**
 * The fields of a handshake without offers of extensions that `readDeflate` would not understand afterwards (RFC 6455,
 * 9.1: a server may choose only what was offered). The same object where there are none.
 */
export function keepReadable(fields: Fields): Fields {
  const offers = extensions(fields);
  const readable = offers.filter((offer) => offer.split(';')[0]!.trim().toLowerCase() === NAME);
  if (readable.length === offers.length) return fields;
  const kept: Fields = { names: [], lower: [], values: [] };
  for (const [i, lower] of fields.lower.entries()) {
    const value = lower === FIELD ? readable.splice(0).join(', ') : fields.values[i]!;
    if (lower === FIELD && value === '') continue;
    kept.names.push(fields.names[i]!);
    kept.lower.push(lower);
    kept.values.push(value);
  }
  return kept;
}

const FIELD = 'sec-websocket-extensions';

const extensions = (fields: Fields): string[] => listOf(fields, FIELD);

/** RFC 7692, 7.2.2: what the sender left off the end of a message. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** Inflates the compressed messages of one direction, one after the other. */
export class Inflater {
  #zlib: zlib.InflateRaw | undefined;
  #sink: ((chunk: Buffer) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(private readonly parameters: DeflateParameters) {}

  /**
   * Inflates a stretch of one message; what comes out is given to `sink` in order, in chunks of up to 64 KiB, before the
   * promise resolves. Rejects with `BadFrame`, and with what `sink` throws. `last`: the message ends here.
   */
  push(bytes: Buffer, last: boolean, sink: (chunk: Buffer) => void): Promise<void> {
    const inflate = (this.#zlib ??= this.#open());
    return new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#sink = sink;
      inflate.write(last ? Buffer.concat([bytes, TAIL]) : bytes, () => {
        this.#sink = undefined;
        if (last && !this.parameters.takeover) this.close();
        resolve();
      });
    });
  }

  /** zlib refuses windows of 8 bits; what such a compressor writes is read with a larger one as well. */
  #open(): zlib.InflateRaw {
    const inflate = zlib.createInflateRaw({
      windowBits: Math.max(9, this.parameters.windowBits),
      chunkSize: 64 * 1024,
      flush: zlib.constants.Z_SYNC_FLUSH,
    });
    const fail = (error: Error) => {
      this.close();
      this.#fail?.(error);
    };
    inflate.on('data', (chunk: Buffer) => {
      try {
        this.#sink?.(chunk);
      } catch (error) {
        fail(error as Error);
      }
    });
    inflate.on('error', () =>
      fail(new BadFrame('websocket-deflate', 'A compressed message cannot be inflated.', 1007)),
    );
    // A block marked as the last one (RFC 7692, 7.2.3.4, for compressors that cannot flush; none is known to send it): zlib
    // takes nothing after it, and the window for what follows would be lost.
    inflate.on('end', () =>
      fail(new BadFrame('websocket-deflate', 'A compressed stream ends inside a message.', 1007)),
    );
    return inflate;
  }

  close(): void {
    this.#sink = undefined;
    this.#zlib?.close();
    this.#zlib = undefined;
  }
}

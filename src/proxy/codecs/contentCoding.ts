// Content codings (RFC 9110, 8.4): which ones a message has, whether a client takes them, decoding and encoding. A coding that is
// not known here cannot be looked into.
import zlib from 'node:zlib';
import type { Decoders } from '../../core/secrets/decoders';
import type { Fields } from '../engine';
import { listOf } from '../fields';
import { GzipDecoder } from './gzip';
import { type BodyDecoder, DeflateDecoder, inflateBrotli, inflateRaw, inflateZlib } from './inflate';
import { compressZstd, inflateZstd } from './zstd';

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

const NOTHING = new Uint8Array(0);
const gzip = () => new GzipDecoder();

/** For detection, which finds compressed data wherever it begins. */
export const DECODERS: Decoders = { gzip, zlib: inflateZlib, zstd: inflateZstd, raw: inflateRaw };

const OPEN: Readonly<Record<Coding, () => BodyDecoder>> = {
  gzip,
  deflate: () => new DeflateDecoder(),
  br: inflateBrotli,
  zstd: inflateZstd,
};

/** RFC 9110, 18.6: `x-gzip` is another name. */
const NAMES: Readonly<Record<string, Coding>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'br',
  zstd: 'zstd',
};
/** One after the other; two are rare. */
const MAX_CODINGS = 8;

/** In the order they were applied; undefined: none, or one that is not known. `identity` is none. */
export function contentCodings(fields: Fields): readonly Coding[] | undefined {
  if (!fields.lower.includes('content-encoding')) return undefined;
  const named = listOf(fields, 'content-encoding')
    .map((name) => name.toLowerCase())
    .filter((name) => name !== 'identity');
  const codings = named.flatMap((name) => NAMES[name] ?? []);
  return codings.length === 0 || codings.length !== named.length || codings.length > MAX_CODINGS ? undefined : codings;
}

/** Decodes all of them, the last one first. */
export function openDecoder(codings: readonly Coding[]): Pick<BodyDecoder, 'push' | 'end' | 'close'> {
  const chain = codings.map((coding) => OPEN[coding]()).reverse();
  return {
    push: (chunk) => chain.reduce((bytes, decoder) => decoder.push(bytes), chunk),
    end: () => chain.reduce<Uint8Array>((rest, decoder) => Buffer.concat([decoder.push(rest), decoder.end()]), NOTHING),
    close: () => {
      for (const decoder of chain) decoder.close();
    },
  };
}

const ENCODE: Readonly<Record<Coding, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: compressZstd,
};

export const encode = (codings: readonly Coding[], bytes: Uint8Array): Buffer =>
  codings.reduce<Uint8Array>((out, coding) => ENCODE[coding](out), bytes) as Buffer;

/** Whether the client asked for these codings itself (RFC 9110, 12.5.3), and so will read the field that names them. */
export function accepts(fields: Fields, codings: readonly Coding[]): boolean {
  const asked = new Set(offers(fields).flatMap(({ name, refused }) => (refused ? [] : [NAMES[name] ?? name])));
  return codings.every((coding) => asked.has(coding) || asked.has('*'));
}

/**
 * The fields without offers of codings that nobody here could look into: a server answers with what was offered. The same
 * object where there are none.
 */
export function keepDecodable(fields: Fields): Fields {
  const all = offers(fields);
  const known = all.filter(({ name }) => NAMES[name] !== undefined || name === 'identity' || name === '*');
  if (known.length === all.length) return fields;
  const kept: Fields = { names: [], lower: [], values: [] };
  // An empty list says that none is taken (RFC 9110, 12.5.3); without the field the server could choose any.
  let list: string | undefined = known.map(({ text }) => text).join(', ') || 'identity';
  for (const [i, name] of fields.lower.entries()) {
    const value = name === 'accept-encoding' ? list : fields.values[i]!;
    if (name === 'accept-encoding') list = undefined;
    if (value === undefined) continue;
    kept.names.push(fields.names[i]!);
    kept.lower.push(name);
    kept.values.push(value);
  }
  return kept;
}

interface Offer {
  readonly text: string;
  readonly name: string;
  readonly refused: boolean;
}

function offers(fields: Fields): Offer[] {
  return listOf(fields, 'accept-encoding').map((text) => ({
    text,
    name: text.split(';')[0]!.trim().toLowerCase(),
    refused: /;\s*q\s*=\s*0(?:\.0*)?\s*$/i.test(text),
  }));
}

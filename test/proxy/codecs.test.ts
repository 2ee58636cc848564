// Content codings: decoded in whatever pieces they come, to the byte; what is malformed, cut short or a bomb is said to be so.
import { execFileSync } from 'node:child_process';
import zlib from 'node:zlib';
import { expect, it, describe } from 'vitest';
import { DecodeError } from '../../src/proxy/codecs/inflate';
import {
  type Coding,
  accepts,
  contentCodings,
  encode,
  keepDecodable,
  openDecoder,
} from '../../src/proxy/codecs/contentCoding';
import { rawFrame } from '../../src/proxy/codecs/zstd';
import { DECODERS } from '../../src/proxy/codecs/contentCoding';
import type { Fields } from '../../src/proxy/engine';

const CODINGS: readonly Coding[] = ['gzip', 'deflate', 'br', 'zstd'];
const text = Buffer.from(Array.from({ length: 4000 }, (_, i) => `${i} some text ${(i * 7919) % 997}\n`).join(''));
const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 2_654_435_761) >>> 24));

function decodeIn(codings: readonly Coding[], bytes: Buffer, size: number): Buffer {
  const decoder = openDecoder(codings);
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(decoder.push(bytes.subarray(at, at + size)));
  out.push(decoder.end());
  return Buffer.concat(out);
}

function fields(...pairs: [string, string][]): Fields {
  return { names: pairs.map(([n]) => n), lower: pairs.map(([n]) => n.toLowerCase()), values: pairs.map(([, v]) => v) };
}

describe.each(CODINGS)('%s', (coding) => {
  it.each([1, 2, 7, 1000, 1 << 20])('is decoded in pieces of %i bytes', (size) => {
    for (const body of [text.subarray(0, size < 10 ? 3000 : text.length), Buffer.from('x'), Buffer.alloc(0)]) {
      expect(decodeIn([coding], encode([coding], body), size).equals(body)).toBe(true);
    }
    if (size > 10) expect(decodeIn([coding], encode([coding], noise), size).equals(noise)).toBe(true);
  });

  it('that was cut short is said to be so', () => {
    const whole = encode([coding], text);
    for (const left of [0, 1, whole.length / 2, whole.length - 12])
      expect(() => decodeIn([coding], whole.subarray(0, left), 1000)).toThrow(expect.objectContaining({ code: 'cut' }));
  });

  it('that is something else is malformed', () => {
    const plain = Buffer.from('{"plain":"text, and no compressed data at all"}');
    expect(() => openDecoder([coding]).push(plain)).toThrow(DecodeError);
  });
});

it('decodes codings one over the other', () => {
  const body = encode(['gzip', 'br'], text);
  expect(zlib.gunzipSync(zlib.brotliDecompressSync(body)).equals(text)).toBe(true);
  expect(decodeIn(['gzip', 'br'], body, 100).equals(text)).toBe(true);
});

it('decodes deflate without the zlib header, as some servers send it', () => {
  for (const size of [1, 5, 1000])
    expect(decodeIn(['deflate'], zlib.deflateRawSync(text), size).equals(text)).toBe(true);
});

it('decodes gzip members one after the other, with all that a header may hold, and keeps what came before something else', () => {
  const plain = zlib.gzipSync('second');
  const fancy = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 4, 0, 1, 2, 3, 4]),
    Buffer.from('name\0comment\0'),
    Buffer.from([9, 9]),
    zlib.gzipSync('first ').subarray(10),
  ]);
  for (const size of [1, 3, 1000]) {
    expect(decodeIn(['gzip'], Buffer.concat([fancy, plain]), size).toString()).toBe('first second');
    const decoder = DECODERS.gzip();
    const padded = Buffer.concat([plain, Buffer.from('trailing rubbish')]);
    let out = '';
    for (let at = 0; at < padded.length; at += size)
      out += Buffer.from(decoder.push(padded.subarray(at, at + size))).toString();
    expect(out).toBe('second');
    expect(decoder.done).toBe(true);
    expect(decoder.consumed).toBe(plain.length);
  }
});

it('takes no more of zlib data than belongs to it', () => {
  const data = zlib.deflateSync(text);
  const decoder = DECODERS.zlib();
  expect(Buffer.from(decoder.push(Buffer.concat([data, Buffer.from('rest')]))).equals(text)).toBe(true);
  expect([decoder.done, decoder.consumed]).toEqual([true, data.length]);
});

it.each(['gzip', 'deflate', 'br'] as const)('refuses a bomb in %s before it fills the memory', (coding) => {
  const bomb = encode([coding], Buffer.alloc(200 * 1024 * 1024));
  expect(() => openDecoder([coding]).push(bomb)).toThrow(expect.objectContaining({ code: 'bomb' }));
});

it('writes zstd frames that every decoder reads', () => {
  for (const body of [Buffer.alloc(0), Buffer.from('x'), text, Buffer.alloc(300_000, 7)])
    expect(decodeIn(['zstd'], rawFrame(body), 1000).equals(body)).toBe(true);
  let tool: Buffer | undefined;
  try {
    tool = execFileSync('zstd', ['-dc'], {
      input: rawFrame(text),
      maxBuffer: 1 << 24,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  } catch {
    // No such program here.
  }
  if (tool) expect(tool.equals(text)).toBe(true);
});

it('reads the field', () => {
  expect(contentCodings(fields(['Content-Encoding', 'GZIP']))).toEqual(['gzip']);
  expect(contentCodings(fields(['Content-Encoding', 'x-gzip, br'], ['content-encoding', 'zstd']))).toEqual([
    'gzip',
    'br',
    'zstd',
  ]);
  for (const unknown of ['identity', '', 'compress', 'gzip, foo', 'gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip'])
    expect(contentCodings(fields(['Content-Encoding', unknown]))).toBeUndefined();
  expect(contentCodings(fields(['Content-Type', 'gzip']))).toBeUndefined();
});

it('knows what a client takes', () => {
  expect(accepts(fields(['Accept-Encoding', 'gzip;q=0.5, br']), ['gzip'])).toBe(true);
  expect(accepts(fields(['Accept-Encoding', 'gzip;q=0, br']), ['gzip'])).toBe(false);
  expect(accepts(fields(['Accept-Encoding', '*']), ['zstd'])).toBe(true);
  expect(accepts(fields(['Accept', '*/*']), ['gzip'])).toBe(false);
  expect(accepts(fields(['Accept-Encoding', 'gzip']), ['gzip', 'br'])).toBe(false);
});

it('keeps from servers the codings that nobody here could look into', () => {
  const plain = fields(['Host', 'a'], ['Accept-Encoding', 'gzip, deflate, br;q=0.9, zstd, *;q=0']);
  expect(keepDecodable(plain)).toBe(plain);
  const odd = keepDecodable(
    fields(['Accept-Encoding', 'dcb, gzip;q=1.0'], ['A', 'b'], ['accept-encoding', 'compress']),
  );
  expect(odd).toEqual(fields(['Accept-Encoding', 'gzip;q=1.0'], ['A', 'b']));
  expect(keepDecodable(fields(['Accept-Encoding', 'dcz']))).toEqual(fields(['Accept-Encoding', 'identity']));
});

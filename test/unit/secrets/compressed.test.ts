import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CompressedFinder, isMagicByte } from '../../../src/core/secrets/compressed';
import { DECODERS } from '../../../src/proxy/codecs/contentCoding';
import { seeded } from '../env/fakeKeys';

function find(data: Uint8Array, places: readonly number[] = [], more = true) {
  const out: Uint8Array[] = [];
  let ends = 0;
  let opened = 0;
  let closed = 0;
  const counting = (open: () => ReturnType<typeof DECODERS.gzip>) => () => {
    opened++;
    const decoder = open();
    const close = decoder.close?.bind(decoder);
    decoder.close = () => {
      closed++;
      close?.();
    };
    return decoder;
  };
  const decoders = { ...DECODERS, gzip: counting(() => DECODERS.gzip()), zlib: counting(() => DECODERS.zlib()) };
  const finder = new CompressedFinder(decoders, {
    inflated: (bytes) => {
      out.push(Uint8Array.from(bytes));
      return more;
    },
    end: () => ends++,
  });
  const at = [0, ...places, data.length];
  at.slice(1).forEach((end, i) => {
    const chunk = data.subarray(at[i], end);
    finder.push(
      chunk,
      [...chunk.keys()].filter((place) => isMagicByte(chunk[place]!)),
    );
  });
  finder.end();
  return { text: Buffer.concat(out).toString('latin1'), ends, opened, closed };
}
const TEXT = 'some text, some text, and some other text';
const MAKERS: readonly (readonly [string, Buffer])[] = [
  ['gzip', zlib.gzipSync(TEXT)],
  ['zlib', zlib.deflateSync(TEXT)],
  ['zlib of level 1', zlib.deflateSync(TEXT, { level: 1 })],
  ['zlib of level 9', zlib.deflateSync(TEXT, { level: 9 })],
  ['stored', zlib.deflateSync(TEXT, { level: 0 })],
  ['fixed codes', zlib.deflateSync(TEXT, { strategy: zlib.constants.Z_FIXED })],
  ['a dynamic block', zlib.deflateSync(Buffer.from(seeded(1)(2000)).toString('hex') + TEXT)],
];

describe.each(MAKERS)('%s', (_, data) => {
  it('is found anywhere, however it is cut', () => {
    const whole = Buffer.concat([Buffer.from('before x\x9c'), data, Buffer.from('after'), data, Buffer.from('P')]);
    for (let i = 0; i < whole.length; i += Math.ceil(whole.length / 100)) {
      const { text, ends } = find(whole, [i]);
      expect([i, text.split(TEXT).length]).toEqual([i, 3]);
      expect(ends).toBeGreaterThanOrEqual(2);
    }
  });
  it('cut short gives what it has, or nothing', () => {
    for (const length of [1, 2, 3, 10, data.length - 1]) find(data.subarray(0, length));
    expect(TEXT.startsWith(find(MAKERS[1]![1].subarray(0, 20)).text)).toBe(true);
  });
  it('stops when no more may come', () => {
    expect(find(Buffer.concat([data, data]), [], false).ends).toBe(1);
  });
});

it('closes what it opened: at the end, and when it was a false start', () => {
  const broken = Buffer.concat([zlib.gzipSync(TEXT).subarray(0, 20), Buffer.alloc(40, 0xff), zlib.deflateSync(TEXT)]);
  const { opened, closed } = find(broken, [25]);
  expect(opened).toBeGreaterThanOrEqual(2);
  expect(closed).toBe(opened);
});

it('opens few decoders for random bytes', () => {
  const data = Buffer.from(seeded(7)(1_000_000));
  for (let i = 0; i < data.length; i += 50) data.write('x\x9c', i, 'latin1');
  expect(find(data).opened).toBeLessThan(1000);
});

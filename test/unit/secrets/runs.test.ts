import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunScanner, shortestRun } from '../../../src/core/secrets/runs';
import { body, bytes, seeded } from '../env/fakeKeys';

function scan(data: Uint8Array, places: readonly number[] = [], shortest = 16, wants = false) {
  const squeezed: string[] = [];
  const decoded: Record<string, string> = {};
  let ends = 0;
  let gaps = 0;
  const scanner = new RunScanner(
    {
      squeezed: (some) => squeezed.push(Buffer.from(some).toString('latin1')),
      decoded: (kind, lane, some) => {
        decoded[`${kind}${lane}`] = (decoded[`${kind}${lane}`] ?? '') + Buffer.from(some).toString('latin1');
        return wants;
      },
      gap: () => gaps++,
      end: () => ends++,
    },
    shortest,
  );
  const at = [0, ...places.map((place) => place % (data.length + 1)).sort((a, b) => a - b), data.length];
  let have = new Uint8Array(0);
  at.slice(1).forEach((end, i) => {
    // No more is kept than is asked for, and two bytes, as whatever comes before a run is seen.
    const gone = Math.max(0, Math.min(scanner.keep, have.length - 2));
    have = Uint8Array.from([...have.subarray(gone), ...data.subarray(at[i], end)]);
    scanner.shift(gone);
    scanner.scan(have, new Uint16Array(have.buffer, 0, have.length >> 1));
  });
  scanner.end(have);
  return { squeezed: squeezed.join(''), decoded, ends, gaps };
}
const TEXT = 'a secret that is long enough to be told apart';
const B64 = Buffer.from(TEXT).toString('base64').replace(/=+$/, '');
const wrap = (text: string, width: number, end: string) => text.match(new RegExp(`.{1,${width}}`, 'g'))!.join(end);

describe('runs', () => {
  it.each([
    ['alone', B64],
    ['in JSON', `{"data": "${B64}"}`],
    ['behind text', `Here it comes, after some words: ${B64}`],
    ...['\n', '\r\n', '\\n', '\\r\\n', '\\\\n', '%0A', '%0D%0A', '\n   '].flatMap((end) =>
      [4, 7, 16, 30].map((width) => [`in lines of ${width} with ${JSON.stringify(end)}`, `"${wrap(B64, width, end)}"`]),
    ),
  ] as [string, string][])('%s', (_, text) => {
    const data = bytes(text);
    expect(Object.values(scan(data).decoded).join(' ')).toContain(TEXT);
    for (let i = 0; i <= data.length; i++) expect(Object.values(scan(data, [i]).decoded).join(' ')).toContain(TEXT);
    expect(Object.values(scan(data, [...data.keys()]).decoded).join(' ')).toContain(TEXT);
    if (/\n|%0|\\n/.test(text)) expect(scan(data).squeezed).toContain(B64.slice(-20));
  });

  it('are decoded behind a word that is cut off by one of their characters', () => {
    for (const before of ['x', 'xy', 'xyz', 'wxyz'])
      expect(Object.values(scan(bytes(`${before}/${B64}`)).decoded).join(' ')).toContain(TEXT);
  });

  it('of hex are decoded, in any case, of any length', () => {
    const long = TEXT.repeat(200);
    const hex = Buffer.from(long).toString('hex').replace(/[a-f]/g, (digit, i: number) => (i % 3 ? digit : digit.toUpperCase())); // prettier-ignore
    fc.assert(
      fc.property(fc.array(fc.nat()), (places) => {
        expect(scan(bytes(`"${hex}"`), places).decoded['hex0']).toContain(long);
      }),
      { numRuns: 50 },
    );
    expect(scan(bytes(`a${Buffer.from(TEXT).toString('hex')}`)).decoded['hex1']).toContain(TEXT);
  });

  it('of any length are decoded, however they are cut', () => {
    const data = Buffer.concat([Buffer.from('text to begin with'), Buffer.from(seeded(3)(20_000))]);
    fc.assert(
      fc.property(fc.array(fc.nat()), (places) => {
        const { decoded } = scan(bytes(`"${data.toString('base64')}"`), places, 16, true);
        expect(Buffer.from(decoded['base640']!, 'latin1').equals(data)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('of random bytes are passed over, but for what is text in them', () => {
    const random = [1, 2].map((seed) => Buffer.from(seeded(seed)(30_000)));
    for (const kind of ['base64', 'hex'] as const)
      for (const width of [undefined, 76])
        for (let before = 0; before < 3; before++) {
          const all = Buffer.concat([random[0]!.subarray(before), Buffer.from(TEXT), random[1]!]).toString(kind);
          const { decoded } = scan(bytes(width ? wrap(all, width, '\n') : all), [100, 41_000], 28);
          const texts = Object.values(decoded).join(' ');
          expect(texts).toContain(TEXT);
          expect(texts.length).toBeLessThan(30_000);
        }
  });

  it('that are words, ids and hashes hold nothing', () => {
    const text = `The implementation of internationalisation ${body(22)} and 123e4567-e89b-42d3-a456-426614174000`;
    expect(scan(bytes(text)).decoded).toEqual({});
  });
});

it('knows how short a run may be', () => expect([12, 16, 100].map(shortestRun)).toEqual([16, 21, 28]));

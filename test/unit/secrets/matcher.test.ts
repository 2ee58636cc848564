import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMatcher } from '../../../src/core/secrets/matcher';
import { bytes } from '../env/fakeKeys';

const matcher = (...patterns: string[]) => createMatcher(patterns.map(bytes));
const find = (text: string, ...patterns: string[]) => matcher(...patterns).find(bytes(text), 0);

describe('find', () => {
  it.each([
    ['in the middle', 'xx-needle-00-yy', ['needle-00'], { pattern: 0, at: 3, length: 9 }],
    ['at the beginning', 'needle-00', ['needle-00'], { pattern: 0, at: 0, length: 9 }],
    ['at the end', 'xxneedle-00', ['needle-00'], { pattern: 0, at: 2, length: 9 }],
    ['the leftmost', 'bbbbbbbb aaaaaaaa', ['aaaaaaaa', 'bbbbbbbb'], { pattern: 1, at: 0, length: 8 }],
    ['the longest at a place', 'abcdefghij', ['abcdefgh', 'abcdefghij'], { pattern: 1, at: 0, length: 10 }],
    ['the shorter where the longer does not fit', 'abcdefghix', ['abcdefgh', 'abcdefghij'], { pattern: 0, at: 0, length: 8 }], // prettier-ignore
    ['different lengths', 'xx long-long-long-pattern', ['short-00', 'long-long-long-pattern'], { pattern: 1, at: 3, length: 22 }], // prettier-ignore
    ['repeated bytes', 'aaaaaaab', ['aaaab'], { pattern: 0, at: 3, length: 5 }],
    ['not a part', 'needle-0', ['needle-00'], undefined],
    ['nothing in nothing', '', ['needle-00'], undefined],
    ['no patterns', 'needle-00', [], undefined],
    ['patterns that are too short to mean anything', 'a', ['a', ''], undefined],
  ])('%s', (_, text, patterns, match) => expect(find(text, ...patterns)).toEqual(match));

  it('goes on from a place', () => {
    const search = matcher('needle-00');
    const text = bytes('needle-00needle-00');
    expect(search.find(text, 1)?.at).toBe(9);
    expect(search.find(text, 10)).toBeUndefined();
    expect(search.find(text, 100)).toBeUndefined();
  });

  it('takes patterns of more than 255 bytes', () => {
    const long = 'x'.repeat(300) + 'y';
    expect(find(`aa${long}`, long)).toEqual({ pattern: 0, at: 2, length: 301 });
  });

  const alphabet = fc.constantFrom('a', 'b', 'c');
  const word = (min: number, max: number) =>
    fc.array(alphabet, { minLength: min, maxLength: max }).map((chars) => chars.join(''));

  // Two and three bytes: short blocks. Four and more: whole ones, one in a window or several.
  it.each([
    [2, 6, 6],
    [3, 5, 6],
    [4, 9, 12],
    [7, 12, 40],
  ])('agrees with the simplest search: patterns of %i to %i bytes, up to %i', (min, max, count) => {
    fc.assert(
      fc.property(word(0, 60), fc.array(word(min, max), { maxLength: count }), fc.nat(10), (text, patterns, from) => {
        const hits = patterns
          .map((pattern, index) => ({ pattern: index, at: text.indexOf(pattern, from), length: pattern.length }))
          .filter(({ at }) => at >= 0)
          .sort((a, b) => a.at - b.at || b.length - a.length);
        const found = matcher(...patterns).find(bytes(text), from);
        expect(found && [found.at, found.length]).toEqual(hits[0] && [hits[0].at, hits[0].length]);
        if (found) expect(patterns[found.pattern]).toBe(text.slice(found.at, found.at + found.length));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with it on bytes of all kinds, also in the middle of a larger buffer', () => {
    const byte = fc.oneof(fc.constantFrom(0x00, 0x20, 0xff), fc.nat(255));
    const data = (min: number, max: number) =>
      fc.array(byte, { minLength: min, maxLength: max }).map((list) => Buffer.from(list));
    fc.assert(
      fc.property(
        data(0, 200),
        fc.array(data(4, 8), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        (text, patterns, at) => {
          const place = at % (text.length + 1);
          const whole = Buffer.concat([text.subarray(0, place), patterns[at % patterns.length]!, text.subarray(place)]);
          const found = createMatcher(patterns).find(whole, 0)!;
          const first = Math.min(...patterns.map((pattern) => whole.indexOf(pattern)).filter((index) => index >= 0));
          const longest = patterns.filter((pattern) => whole.indexOf(pattern, first) === first);
          expect([found.at, found.length]).toEqual([first, Math.max(...longest.map(({ length }) => length))]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    [2, 6],
    [4, 9],
  ])('knows how much of a pattern the end may be: patterns of %i to %i bytes', (min, max) => {
    fc.assert(
      fc.property(word(0, 30), fc.array(word(min, max), { maxLength: 6 }), (text, patterns) => {
        let longest = 0;
        for (let length = 1; length <= text.length; length++) {
          const tail = text.slice(text.length - length);
          if (patterns.some((pattern) => pattern.length > length && pattern.startsWith(tail))) longest = length;
        }
        expect(matcher(...patterns).tailLength(bytes(text))).toBe(longest);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('tailLength', () => {
  it.each([
    ['xxneed', ['needle-00'], 4],
    ['need', ['needle-00'], 4],
    ['needle-00', ['needle-00'], 0],
    ['needle-00', ['needle-00', 'needle-00-more'], 9],
    ['', ['needle-00'], 0],
    ['abc', [], 0],
  ])('%s', (text, patterns, length) => expect(matcher(...patterns).tailLength(bytes(text))).toBe(length));
});

it('says from where on a pattern may go on behind the bytes, and misses none however they are cut', () => {
  const wanted = ['abcabd', 'bcabcabcx', 'cabcab', 'xyzxyz'].map((text) => new TextEncoder().encode(text));
  const matcher = createMatcher(wanted);
  const whole = new TextEncoder().encode('zabcabcabdbcabcabcxyzxyzabcabcabcxcabcab');
  const all = (bytes: Uint8Array, from: number, found: Set<string>, offset: number) => {
    let cut = bytes.length;
    for (let at = from; ;) {
      const match = matcher.find(bytes, at);
      cut = Math.min(cut, matcher.cut);
      if (!match) return cut;
      found.add(`${match.pattern} ${match.at + offset}`);
      at = match.at + 1;
    }
  };
  const expected = new Set<string>();
  all(whole, 0, expected, 0);
  expect(expected.size).toBeGreaterThan(4);
  for (let first = 0; first <= whole.length; first++)
    for (let second = first; second <= whole.length; second++) {
      const found = new Set<string>();
      let from = 0;
      for (const end of [first, second, whole.length]) from = all(whole.subarray(0, end), from, found, 0);
      for (const one of expected)
        expect([first, second, [...found]]).toEqual([first, second, expect.arrayContaining([one])]);
    }
});

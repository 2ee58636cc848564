import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createQuotedPrintable, createUnescaper, type Unescaper } from '../../../src/core/secrets/unescape';
import { bytes, text } from '../env/fakeKeys';

function run(reader: Unescaper, data: Uint8Array, places: readonly number[] = []): string {
  const at = [0, ...places.map((place) => place % (data.length + 1)).sort((a, b) => a - b), data.length];
  const out = at.slice(1).map((end, i) => Buffer.from(reader.push(data.subarray(at[i], end))));
  return text(Buffer.concat([...out, reader.end()]));
}

describe('escapes', () => {
  it.each([
    ['plain text', 'plain text'],
    ['%41%4a%c3%b6', 'AJö'],
    ['%4', '%4'],
    ['100% of %zz', '100% of %zz'],
    ['%2541', '%41'],
    ['\\u0041\\u00f6\\u20AC', 'Aö€'],
    ['\\ud83d\\ude00', '😀'],
    ['\\x41\\101\\/\\"\\\\n', 'AA/"\\n'],
    ['a\\nb\\tc', 'a\nb\tc'],
    ['\\z \\ \\u12', '\\z \\ \\u12'],
    ['&amp;&lt;&gt;&quot;&apos;&#65;&#x4A;&#65 &#128512;', '&<>"\'AJA 😀'],
    ['&nothing; a&b=c &#; &#xg;', '&nothing; a&b=c &#; &#xg;'],
    ['&#1114112;', '&#1114112;'],
  ])('%s', (escaped, plain) => expect(run(createUnescaper(), bytes(escaped))).toBe(plain));

  it('of one kind are undone alone', () => {
    expect(run(createUnescaper('percent'), bytes('%41\\u0041&#65;'))).toBe('A\\u0041&#65;');
    expect(run(createUnescaper('json'), bytes('%41\\u0041&#65;'))).toBe('%41A&#65;');
    expect(run(createUnescaper('html'), bytes('%41\\u0041&#65;'))).toBe('%41\\u0041A');
  });

  it('are undone alike however they are cut', () => {
    const piece = fc.constantFrom(
      '%41',
      '%',
      '4',
      '\\u00',
      '41',
      '\\',
      'u',
      '&#6',
      '5;',
      '&am',
      'p;',
      '\\ud83d',
      '\\ude00',
      'x',
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat()), (pieces, places) => {
        const data = bytes(pieces.join(''));
        expect(run(createUnescaper(), data, places)).toBe(run(createUnescaper(), data));
      }),
      { numRuns: 1000 },
    );
  });

  it('say what encoders meant', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat()), (plain, places) => {
        const json = JSON.stringify(plain).slice(1, -1);
        expect(run(createUnescaper('json'), bytes(json), places)).toBe(plain);
        expect(run(createUnescaper('percent'), bytes(encodeURIComponent(plain)), places)).toBe(plain);
      }),
    );
  });
});

describe('quoted-printable', () => {
  it.each([
    ['a=3Db', 'a=b'],
    ['long =\r\nline', 'long line'],
    ['long =  \nline', 'long line'],
    ['=C3=B6', 'ö'],
    ['a=b ==', 'a=b =='],
  ])('%j', (encoded, plain) => {
    for (let i = 0; i <= encoded.length; i++) expect(run(createQuotedPrintable(), bytes(encoded), [i])).toBe(plain);
  });
});

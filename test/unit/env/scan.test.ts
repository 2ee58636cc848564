import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBinary, toBinary } from '../../../src/core/base/bytes';
import {
  type EnvEntry,
  decodeBinary,
  encodeBinary,
  isEnvFileName,
  isSkippedDirectory,
  scanEnv,
} from '../../../src/core/env/scan';
import { splice } from '../../../src/core/env/splice';
import { bytes } from './fakeKeys';

const scan = (content: string) => scanEnv(bytes(content));
const pairs = (content: string) => scan(content).map(({ key, value }) => [key, value]);

describe('scanEnv reads values as dotenv does', () => {
  const cases: readonly (readonly [name: string, content: string, entries: readonly (readonly string[])[]])[] = [
    ['plain', 'A=1\nB=two', [['A', '1'], ['B', 'two']]], // prettier-ignore
    ['spaces around', '  A  =  x y  ', [['A', 'x y']]],
    ['an empty value', 'A=\nB=', [['A', ''], ['B', '']]], // prettier-ignore
    ['single quotes, nothing expanded', "A='a\\nb'", [['A', 'a\\nb']]],
    ['double quotes, line ends expanded', 'A="a\\nb\\rc"', [['A', 'a\nb\rc']]],
    ['backticks around other quotes', 'A=`a"b\'c`', [['A', 'a"b\'c']]],
    ['escaped quotes keep their backslash', 'A="a\\"b"', [['A', 'a\\"b']]],
    ['an escaped quote at the end of a line', 'A="a\\"\nb"', [['A', 'a\\"\nb']]],
    ['a value of several lines', 'A="one\ntwo"\nB=1', [['A', 'one\ntwo'], ['B', '1']]], // prettier-ignore
    ['CRLF', 'A=1\r\nB="x\r\ny"\r\n', [['A', '1'], ['B', 'x\ny']]], // prettier-ignore
    ['CR alone', 'A=1\rB=2', [['A', '1'], ['B', '2']]], // prettier-ignore
    ['a byte order mark', '\ufeffA=1', [['A', '1']]],
    ['export', 'export A=1\n  export   B=2', [['A', '1'], ['B', '2']]], // prettier-ignore
    ['colons', 'A: x', [['A', 'x']]],
    ['odd names', '1A.b-c=x', [['1A.b-c', 'x']]],
    ['more equal signs', 'A=a=b==', [['A', 'a=b==']]],
    ['references stay', 'A=${B}/x', [['A', '${B}/x']]],
    ['duplicates are all there', 'A=1\nA=2', [['A', '1'], ['A', '2']]], // prettier-ignore
    ['a comment behind', 'A=1 # x\nB="#1" # y\nC=# z', [['A', '1'], ['B', '#1'], ['C', '']]], // prettier-ignore
    ['a comment without a space', 'A=abc#def', [['A', 'abc']]],
    ['a quote that never closes', 'A="abc\nB=1', [['A', '"abc'], ['B', '1']]], // prettier-ignore
    ['text behind the quotes', 'A="x" y', [['A', '"x" y']]],
    ['outer quotes around inner ones', 'A="a"b"', [['A', 'a"b']]],
    ['a backslash before the last quote', "A='x\\'\nB=2", [['A', 'x\\'], ['B', '2']]], // prettier-ignore
    ['no assignment', 'hello\n= x\nif [ a ]; then', []],
    ['nothing', '', []],
  ];
  it.each(cases)('%s', (_, content, entries) => {
    expect(pairs(content)).toEqual(entries);
  });

  it('finds old keys in comments, at the beginning and behind a value', () => {
    const found = scan('# OLD=a\n#export OLDER="b" # OLDEST=c\nNEW=d # WAS=e\nurl=http://x#NOT=f');
    expect(found.map(({ key, value, inComment, line }) => [key, value, inComment, line])).toEqual([
      ['OLD', 'a', true, 1],
      ['OLDER', 'b', true, 2],
      ['OLDEST', 'c', true, 2],
      ['NEW', 'd', false, 3],
      ['WAS', 'e', true, 3],
      ['url', 'http://x', false, 4],
    ]);
  });

  it('ends a comment with its line, whatever its quotes say', () => {
    expect(scan('# A="x\nB=1"').map(({ key, value }) => [key, value])).toEqual([
      ['A', '"x'],
      ['B', '1"'],
    ]);
  });

  it('counts lines inside values of several lines', () => {
    expect(scan('A="1\r\n2\n3"\rB=x\n\nC=y').map(({ key, line }) => [key, line])).toEqual([
      ['A', 1],
      ['B', 4],
      ['C', 6],
    ]);
  });

  it('gives the span inside the quotes in bytes', () => {
    const content = 'Ä=1\nA="ö€"';
    const [entry] = scan(content).filter(({ key }) => key === 'A') as [EnvEntry];
    expect(decodeBinary(toBinary(bytes(content)).slice(entry.start, entry.end))).toBe('ö€');
    expect(entry).toMatchObject({ value: 'ö€', quote: '"', raw: encodeBinary('ö€') });
  });

  const doubts: readonly (readonly [content: string, doubt: RegExp | undefined])[] = [
    ['A=abc', undefined],
    ["A='a$b'", undefined],
    ['A="a\\nb"', undefined],
    ['A=abc#def', /"#"/],
    ['A=a$b', /"\$"/],
    ['A="a$b"', /"\$"/],
    ['A="a\\tb"', /backslash/],
    ["A='a\\b'", /backslash/],
    ['A=a b', /space/],
    ['A=a"b', /quotes/],
    ['A="a"b"', /quotes/],
  ];
  it.each(doubts)('says whether other programs read %s in another way', (content, doubt) => {
    const [entry] = scan(content) as [EnvEntry];
    if (doubt) expect(entry.doubt).toMatch(doubt);
    else expect(entry.doubt).toBeUndefined();
  });

  it('says where the longest reading ends', () => {
    const content = 'A=abc#def ghi #x';
    const [entry] = scan(content) as [EnvEntry];
    expect(content.slice(entry.start, entry.end)).toBe('abc');
    expect(content.slice(entry.start, entry.reach)).toBe('abc#def ghi');
  });

  it('doubts what is not UTF-8, and keeps its bytes', () => {
    const data = Uint8Array.from([0x41, 0x3d, 0xff, 0xfe]);
    const [entry] = scanEnv(data) as [EnvEntry];
    expect(entry.doubt).toMatch(/UTF-8/);
    expect(fromBinary(entry.raw)).toEqual(Uint8Array.from([0xff, 0xfe]));
  });

  it.each(['A="\\"', "B='x\n", '# ', '#', 'A=1 #B=2 ', 'A=x#', 'a', ' ', 'A="x" ', '`', '\\"', 'A:', '# A="\\" '])(
    'is quick with a file of nothing but %j',
    (piece) => {
      expect(() => scan(piece.repeat(60_000))).not.toThrow();
      expect(() => scan(`A="${piece.repeat(60_000)}`)).not.toThrow();
    },
    5_000,
  );
});

describe('scan and join', () => {
  /** Pieces that mean something to the scan, in any order. */
  const soup = fc
    .array(
      fc.constantFrom('A', 'B=', '=', '"', "'", '`', '\\', '\\n', '#', ' ', '\t', '\n', '\r\n', '\r', 'x', 'é', '€', '$', 'export ', ': ', '\ufeff'), // prettier-ignore
    )
    .map((parts) => bytes(parts.join('')));
  const anyBytes = fc.oneof(fc.uint8Array(), soup);

  it('is the identity on any bytes, with spans in order that do not overlap', () => {
    fc.assert(
      fc.property(anyBytes, (data) => {
        const entries = scanEnv(data);
        let free = 0;
        for (const { start, end, reach, raw } of entries) {
          expect(start).toBeGreaterThanOrEqual(free);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(reach).toBeGreaterThanOrEqual(end);
          expect(raw).toBe(toBinary(data.subarray(start, end)));
          free = reach;
        }
        const joined = splice(
          data,
          entries.map(({ start, end, raw }) => ({ start, end, text: raw })),
        );
        expect(joined).toEqual(data);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds exactly the entries that a file was made of', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9+/=_.:@-]{1,20}$/);
    const line = fc.record({
      key: fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,10}$/),
      value,
      quote: fc.constantFrom('', '"', "'", '`'),
      lead: fc.constantFrom('', 'export ', '  ', '# ', '#export '),
      tail: fc.constantFrom('', ' # note', '  '),
      end: fc.constantFrom('\n', '\r\n', '\n\n'),
    });
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const content = lines.map((l) => `${l.lead}${l.key}=${l.quote}${l.value}${l.quote}${l.tail}${l.end}`).join('');
        expect(scan(content).map((e) => [e.key, e.value, e.quote, e.inComment])).toEqual(
          lines.map((l) => [l.key, l.value, l.quote, l.lead.startsWith('#')]),
        );
      }),
    );
  });

  it('turns bytes into a binary string and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'grapheme' }), (data, text) => {
        expect(fromBinary(toBinary(data))).toEqual(data);
        expect(decodeBinary(encodeBinary(text))).toBe(text);
      }),
    );
  });
});

describe('which files', () => {
  it.each(['.env', '.env.local', '.env.production.local', 'prod.env', '.envrc', '.dev.vars', '.dev.vars.staging'])(
    '%s is an env file',
    (name) => expect(isEnvFileName(name)).toBe(true),
  );
  it.each(['.env.example', '.env.sample', '.env.local.template', '.env.dist', '.dev.vars.example', 'env', 'env.ts', '.environment', 'x.envrc', 'a.env.ts', '']) // prettier-ignore
    ('%s is none', (name) => expect(isEnvFileName(name)).toBe(false)); // prettier-ignore
  it('skips what is not the user’s', () => {
    expect(['node_modules', '.git', 'src', 'packages'].map(isSkippedDirectory)).toEqual([true, true, false, false]);
  });
});

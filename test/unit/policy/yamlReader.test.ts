import { LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { describe, expect, it } from 'vitest';
import { didYouMean, isEmptyNode, rangeOf, scalarOf, YamlReader } from '../../../src/core/policy/yamlReader';

function read(text: string) {
  const lines = new LineCounter();
  const root = parseDocument(text, { lineCounter: lines, uniqueKeys: false }).contents as unknown as YAMLMap;
  const reader = new YamlReader(lines, text, new Set(['later']));
  const node = (key: string): unknown => root.items.find((item) => scalarOf(item.key) === key)?.value;
  const codes = () => reader.problems.map(({ code, line, column }) => `${code} ${line}:${column}`);
  return { reader, root, node, codes };
}

it('takes known keys and refuses the rest at their place', () => {
  const { reader, root, codes } = read('one: 1\ntwo: 2\nlater: 3\n  \nonee: 4\none: 5\n3: 6\n[a]: 7\n');
  expect([...reader.keys(root, ['one', 'two', 'three'], 'it').keys()]).toEqual(['one', 'two']);
  expect(codes()).toEqual([
    'not-supported-yet 3:1',
    'unknown-key 5:1',
    'duplicate-key 6:1',
    'bad-value 7:1',
    'bad-value 8:1',
  ]);
  expect(reader.problems[1]?.message).toBe('"onee" is not a key of it (did you mean "one"?). Known: one, two, three.');
  expect(reader.failed).toBe(true);
});

it('reads choices, texts and lists', () => {
  const { reader, node, codes } = read('a: x\nb: y\nc: [x, 1, "", bad]\nd: []\ne: 1\nf:\n');
  expect(reader.choice(node('a'), ['x', 'z'], 'a')).toBe('x');
  expect(reader.choice(node('b'), ['x', 'z'], 'b')).toBeUndefined();
  expect(reader.choice(undefined, ['x'], 'none')).toBeUndefined();
  expect(reader.strings(node('c'), 'c', (text) => (text === 'bad' ? 'is bad' : undefined))).toEqual(['x']);
  expect(reader.strings(node('a'), 'a', () => undefined)).toEqual(['x']);
  expect(reader.strings(node('d'), 'd', () => undefined)).toBeUndefined();
  expect(reader.strings(undefined, 'none', () => undefined)).toBeUndefined();
  expect(reader.string(node('e'), 'e')).toBeUndefined();
  expect(reader.string(node('a'), 'a')).toBe('x');
  expect(reader.items(node('f'), 'f')).toEqual([]);
  expect(reader.items(node('a'), 'a')).toEqual([]);
  expect(reader.map(node('f'), 'must be a map')).toBeUndefined();
  expect(codes()).toEqual([
    'bad-value 2:4',
    'bad-value 3:8',
    'bad-value 3:11',
    'bad-value 3:15',
    'bad-value 4:4',
    'bad-value 5:4',
    'bad-value 1:4',
    'bad-value 6:3',
  ]);
  expect(reader.problems[0]?.message).toBe('"b" must be x or z (did you mean "x"?).');
  expect(isEmptyNode(node('f'))).toBe(true);
  expect(rangeOf(undefined)).toEqual({ start: 0, end: 0 });
});

describe('didYouMean', () => {
  it.each([
    ['hots', ' (did you mean "host"?)'],
    ['Host', ' (did you mean "host"?)'],
    ['metod', ' (did you mean "method"?)'],
    ['zzz', ''],
    ['x'.repeat(1_000), ''],
  ])('%.20s', (word, expected) => {
    expect(didYouMean(word, ['host', 'method', 'path'])).toBe(expected);
  });
});

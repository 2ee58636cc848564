import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import {
  applySplice,
  colonEnd,
  contentEnd,
  dashes,
  flowSeparator,
  lineEnd,
  lineStart,
  pairOf,
  setKey,
  spliceBetween,
  startOf,
} from '../../../src/core/policy/yamlSplice';

const root = (text: string) => parseDocument(text, { keepSourceTokens: true }).contents as unknown as YAMLMap;
const set = (text: string, key: string, value: Parameters<typeof setKey>[3], before: string[] = []) => {
  const splice = setKey(text, root(text), key, value, { before, eol: text.includes('\r\n') ? '\r\n' : '\n' });
  return splice && applySplice(text, splice);
};

it('finds the splice between two texts', () => {
  const any = fc.string({ unit: fc.constantFrom('a', 'b', '\n') });
  fc.assert(
    fc.property(any, any, (before, after) => {
      expect(applySplice(before, spliceBetween(before, after))).toBe(after);
    }),
  );
  expect(spliceBetween('abc', 'abXc')).toEqual({ start: 2, end: 2, text: 'X' });
  expect(spliceBetween('aa', 'aaa')).toEqual({ start: 2, end: 2, text: 'a' });
});

it('knows lines', () => {
  const text = '\uFEFFab\r\ncd';
  expect([0, 1, 3].map((at) => lineStart(text, at))).toEqual([1, 1, 1]);
  expect(lineStart(text, 6)).toBe(5);
  expect([lineEnd(text, 1), lineEnd(text, 5)]).toEqual([5, 7]);
  expect(lineStart('ab', 0)).toBe(0);
});

describe('contentEnd', () => {
  it.each([
    ['a: 1   # c\n', '1'],
    ['a:\n  b: 1\n  # c\n\n', '1'],
    ['a:\n  - 1\n  - x: "y" # c\n', '"y"'],
    ['a: [1,\n 2] # c\n', ']'],
    ['a: |\n  text\n\n\n', 'text'],
    ['a: |+\n  text\n\n\n', 'text'],
    ['a:\n', ':'],
    ['a: two\n  lines\n', 'lines'],
  ])('of %j is after %j', (text, last) => {
    expect(text.slice(0, contentEnd(text, root(text))).endsWith(last)).toBe(true);
  });
});

it('finds dashes and colons where comments hold others', () => {
  const text = '# - x\n- # a - b\n  1\n#- y\n-  2\n';
  expect(dashes(root(text) as unknown as YAMLSeq).map((at) => text.slice(at, at + 3))).toEqual(['- #', '-  ']);
  const map = '"a:b": 1\nc : [x]\n';
  expect(map.slice(0, colonEnd(map, root(map).items[0]!))).toBe('"a:b":');
  expect(map.slice(0, colonEnd(map, pairOf(root(map), 'c')!))).toBe('"a:b": 1\nc :');
  expect(startOf(root(map))).toBe(0);
  expect(pairOf(root(map), 'd')).toBeUndefined();
});

it('separates as the others are separated', () => {
  expect(flowSeparator('[\n  a]', 4, '\n')).toBe(',\n  ');
  expect(flowSeparator('[a]', 1, '\n')).toBe(', ');
});

describe('setKey', () => {
  it.each<[string, string, Parameters<typeof setKey>[3], string]>([
    ['a: 1 # c\nb: 2\n', 'a', 3, 'a: 3 # c\nb: 2\n'],
    ['a: # c\n  - x\nb: 2\n', 'a', 'y', 'a: # c\n  - y\nb: 2\n'],
    ['a: [x, y, z]\n', 'a', ['x', 'q', 'z'], 'a: [x, q, z]\n'],
    ['a: [x, y, z]\n', 'a', ['x', 'z'], 'a: [x, z]\n'],
    ['a: [x, y, z]\n', 'a', ['y', 'z'], 'a: [y, z]\n'],
    ['a: [x, y, z]\n', 'a', ['x', 'y'], 'a: [x, y]\n'],
    ['a: [x]\n', 'a', ['w', 'x'], 'a: [w, x]\n'],
    ['a: [x]\n', 'a', 'any', 'a: any\n'],
    ['a:\n- x # 1\n- y # 2\n', 'a', ['x', 'z', 'y'], 'a:\n- x # 1\n- z\n- y # 2\n'],
    ['a:\n- x # 1\n- y # 2\n', 'a', ['y'], 'a:\n- y # 2\n'],
    ['a:\n- x\n- y', 'a', ['x', 'y', 'z'], 'a:\n- x\n- y\n- z'],
    ['a:\n  - x\r\n', 'a', 'any', 'a: any\r\n'],
    ["a: 'x'\n", 'a', 'y', "a: 'y'\n"],
    ['a:\nb: 1\n', 'a', 'x', 'a: x\nb: 1\n'],
    ['a: |\n  x\nb: 1\n', 'a', 'y', 'a: y\nb: 1\n'],
    ['a: 1\nb: 2\n', 'a', undefined, 'b: 2\n'],
    ['a: 1\nb:\n  - 1\n  # c\nd: 2\n', 'b', undefined, 'a: 1\n  # c\nd: 2\n'],
    ['{ a: 1, b: 2 }', 'a', undefined, '{ b: 2 }'],
    ['{ a: 1, b: 2 }', 'b', undefined, '{ a: 1 }'],
    ['{ a: 1 }', 'a', undefined, '{  }'],
    ['a: 1\r\n', 'n', 'x', 'a: 1\r\nn: x\r\n'],
    ['a: 1', 'n', 'x', 'a: 1\nn: x'],
    ['  a: 1\n', 'n', 'x', '  a: 1\n  n: x\n'],
    ['{ a: 1 }', 'n', 'x', '{ a: 1, n: x }'],
    ['{}', 'n', 'x', '{ "n": "x" }'],
    ['{ "a": 1 }', 'n', ['x', 2], '{ "a": 1, "n": ["x", 2] }'],
    ['{\n  "a": 1\n}', 'n', 'x', '{\n  "a": 1,\n  "n": "x"\n}'],
  ])('%j: %s to %j', (text, key, value, expected) => {
    expect(set(text, key, value)).toBe(expected);
  });

  it('puts a new key after the ones that go before it', () => {
    expect(set('a: 1\nb: 2\nc: 3\n', 'n', 'x', ['a', 'b'])).toBe('a: 1\nb: 2\nn: x\nc: 3\n');
  });

  it('has nothing to do for a key that is not there', () => {
    expect(set('a: 1\n', 'n', undefined)).toBeUndefined();
  });
});

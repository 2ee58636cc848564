import { expect, it } from 'vitest';
import { refuseYaml } from '../../../src/core/policy/yamlGuard';

it.each([
  ['a: 1', undefined],
  ['', undefined],
  ['{"type": "allow", "a": [{"b": 1}]}', undefined],
  ['{\n\t"type": "allow"\n}', undefined],
  ['a: |\n  &x *y !z\n', undefined],
  ['a: "!x &y *z"\n# !x &y *z\nb: c & d * e ! f\n', undefined],
  ['host: *\n', 'alias'],
  ['a: &x 1', 'alias'],
  ['a: *x', 'alias'],
  ['<<: *x', 'alias'],
  ['a: !!str 1', 'tag'],
  ['a: !x 1', 'tag'],
  ['%YAML 1.1\n---\na: yes', 'directive'],
  ['[', undefined],
  ['['.repeat(33), 'too-deep'],
  ['{a: '.repeat(33), 'too-deep'],
  ['[]'.repeat(100), undefined],
  // Brackets in texts do not count, nor do they close anything.
  ['["]", '.repeat(33), 'too-deep'],
  ['- '.repeat(9), 'too-deep'],
  ['? '.repeat(9), 'too-deep'],
  ['a: '.repeat(9), 'too-deep'],
  ['- a\n'.repeat(50), undefined],
  [`a: ${'x'.repeat(600_000)}`, 'too-large'],
])('%.30j: %s', (text, code) => {
  expect(refuseYaml(text)?.code).toBe(code);
});

it('points at what it refuses', () => {
  const text = 'a: "x"\r\n# c\nb: &anchor 1\n';
  const { range } = refuseYaml(text)!;
  expect(text.slice(range.start, range.end)).toBe('&anchor');
});

it.each([
  ['['],
  ['{a: '],
  ['- '],
  ['? '],
  ['a: '],
  ['!a '],
  ['&a '],
  ['a: ]\n'],
  ['"'],
  ["'"],
  ['\t'],
  [': '],
  ['|\n'],
])('answers at once for %j, repeated', (piece) => {
  const text = piece.repeat(Math.floor(500_000 / piece.length));
  expect(() => refuseYaml(text)).not.toThrow();
});

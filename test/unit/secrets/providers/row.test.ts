import { expect, it } from 'vitest';
import { expandNames, provider, withUuid } from '../../../../src/core/secrets/providers/row';

it.each([
  ['A_KEY', ['A_KEY']],
  ['{A,B}_KEY', ['A_KEY', 'B_KEY']],
  ['A_{B,C}_{D,E}', ['A_B_D', 'A_B_E', 'A_C_D', 'A_C_E']],
  ['A_{B}', ['A_B']],
  ['', ['']],
])('expandNames(%s)', (pattern, names) => expect(expandNames(pattern)).toEqual(names));

it('reads bearer tokens unless a row says something else', () => {
  expect(provider('a', 'A', 'a.example', { names: 'A_KEY  B_KEY' })).toMatchObject({
    names: ['A_KEY', 'B_KEY'],
    in: ['header:authorization'],
    kind: 'http',
    hosts: [],
    shapes: [],
  });
  expect(provider('a', 'A', 'a.example', { kind: 'signing' })).toMatchObject({ names: [], in: [] });
  expect(provider('a', 'A', 'a.example', { in: ['basic'] }).in).toEqual(['basic']);
});

it('keeps what stands before a UUID', () => {
  expect(withUuid('x-').exec(`x-${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`)?.[1]).toBe('x-');
  expect(withUuid('x-').test('x-')).toBe(false);
});

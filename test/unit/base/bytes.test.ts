// Joining bytes.
import { expect, it } from 'vitest';
import { concat } from '../../../src/core/base/bytes';

it('joins parts in order, into memory of its own', () => {
  const first = Uint8Array.of(1, 2);
  const joined = concat([first, new Uint8Array(0), Uint8Array.of(3)]);
  first[0] = 9;
  expect([...joined]).toEqual([1, 2, 3]);
});

it('makes nothing of nothing', () => {
  expect(concat([])).toEqual(new Uint8Array(0));
});

// Joining bytes.
import { expect, it } from 'vitest';
import { concat, fromBinary, toBinary } from '../../../src/core/base/bytes';

it('joins parts in order, into memory of its own', () => {
  const first = Uint8Array.of(1, 2);
  const joined = concat([first, new Uint8Array(0), Uint8Array.of(3)]);
  first[0] = 9;
  expect([...joined]).toEqual([1, 2, 3]);
});

it('makes nothing of nothing', () => {
  expect(concat([])).toEqual(new Uint8Array(0));
});

it('has a text of one char a byte, at the same positions, and back', () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i % 256);
  const text = toBinary(bytes);
  expect([text.length, text.charCodeAt(255), text.charCodeAt(19_999)]).toEqual([20_000, 255, 19_999 % 256]);
  expect(fromBinary(text)).toEqual(bytes);
});

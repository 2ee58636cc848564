import { describe, expect, it } from 'vitest';
import { restoreBytes, splice } from '../../../src/core/env/splice';
import { bytes, text } from './fakeKeys';

describe('splice', () => {
  const edit = (start: number, end: number, put: string) => ({ start, end, text: put });
  it('replaces in any order', () => {
    expect(text(splice(bytes('abcdef'), [edit(4, 6, 'X'), edit(0, 1, 'YY'), edit(2, 2, '-')]))).toBe('YYb-cdX');
    expect(text(splice(bytes('abc'), []))).toBe('abc');
  });
  it.each([
    ['overlap', [edit(0, 2, ''), edit(1, 3, '')]],
    ['beyond the end', [edit(2, 9, '')]],
    ['before the start', [edit(-1, 1, '')]],
    ['backwards', [edit(2, 1, '')]],
  ])('refuses %s', (_, edits) => expect(() => splice(bytes('abc'), edits)).toThrow(RangeError));
});

describe('restoreBytes', () => {
  it('takes the longest dummy at a place', () => {
    const back = restoreBytes(bytes('abcdefgh-abcd'), [
      { dummy: 'abcd', raw: 'short' },
      { dummy: 'abcdefgh', raw: 'long' },
    ]);
    expect(text(back.bytes)).toBe('long-short');
  });

  it('changes nothing without dummies', () => {
    expect(restoreBytes(bytes('abc'), [])).toEqual({ bytes: bytes('abc'), replaced: 0 });
    expect(restoreBytes(bytes('abc'), [{ dummy: '', raw: 'x' }])).toEqual({ bytes: bytes('abc'), replaced: 0 });
  });
});

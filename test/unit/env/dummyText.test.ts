import { describe, expect, it } from 'vitest';
import { BASE62, pick, textRecipe, utf8Length } from '../../../src/core/env/dummyText';
import { matchShape } from '../../../src/core/secrets/providers';
import { body, hex, seeded } from './fakeKeys';

describe('pick', () => {
  it('is unbiased', () => {
    const counts = new Map<string, number>();
    for (const char of pick('abc', 30_000, seeded(5))) counts.set(char, (counts.get(char) ?? 0) + 1);
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(400);
    expect(counts.size).toBe(3);
  });

  it('gives as many as asked for, and none of no others', () => {
    expect(pick(BASE62, 77, seeded())).toMatch(/^[A-Za-z0-9]{77}$/);
    expect(pick(BASE62, 0, seeded())).toBe('');
    expect(() => pick(BASE62, 1, (count) => new Uint8Array(count).fill(255))).toThrow(/random/);
  });
});

describe('textRecipe', () => {
  const made = (value: string, seed = 3) => textRecipe(value, matchShape(value)).make(seeded(seed))!;

  it('counts the bits that are random', () => {
    expect(textRecipe(hex(32), undefined).bits).toBe(128);
    expect(textRecipe('12345678', undefined).bits).toBeCloseTo(8 * Math.log2(10));
    expect(textRecipe('', undefined).bits).toBe(0);
    // The prefix and the separators are known.
    expect(textRecipe(`acme_live_${'z1'.repeat(10)}`, undefined).bits).toBeCloseTo(20 * Math.log2(36));
  });

  it('names what is secret, without what is kept', () => {
    const value = `pul-${hex(40)}`;
    expect(textRecipe(value, matchShape(value)).secret).toEqual([hex(40)]);
    expect(textRecipe('plain-text', undefined).secret).toEqual(['plain-text']);
  });

  it('stays within the alphabets of the shape', () => {
    const onesignal = `os_v2_app_${body(100, 1, 'abcdefghijklmnopqrstuvwxyz234567')}`;
    const age = `AGE-SECRET-KEY-1${body(58, 1, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}`;
    for (let seed = 1; seed < 20; seed++) {
      expect(made(onesignal, seed)).toMatch(/^os_v2_app_[a-z2-7]{100}$/);
      expect(made(age, seed)).toMatch(/^AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}$/);
    }
  });

  it('keeps the case of hex', () => {
    expect(made(hex(40))).toMatch(/^[0-9a-f]{40}$/);
    expect(made(hex(40).toUpperCase())).toMatch(/^[0-9A-F]{40}$/);
    expect(made(`shpat_${hex(32)}`)).toMatch(/^shpat_[0-9a-f]{32}$/);
  });

  it('counts bytes, not characters', () => {
    expect(utf8Length('ü€😀')).toBe(9);
    expect(utf8Length(made('ü€😀'))).toBe(9);
  });
});

import { createECDH, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CURVES,
  bitLength,
  ecKey,
  inverse,
  isProbablePrime,
  randomBits,
  randomPrime,
  rsaKeys,
} from '../../../src/core/env/dummyKeys';
import { seeded } from './fakeKeys';

describe('numbers', () => {
  it('inverts, where that goes', () => {
    expect(inverse(3n, 7n)).toBe(5n);
    expect(inverse(-3n, 7n)).toBe(2n);
    expect(inverse(4n, 8n)).toBeUndefined();
  });

  it.each([3n, 65537n, (1n << 61n) - 1n, (1n << 127n) - 1n])('%s is prime', (value) =>
    expect(isProbablePrime(value < 12n ? 13n : value)).toBe(true),
  );
  it.each([561n, 15n, 341n, (1n << 67n) - 1n, 3215031751n])('%s is not', (value) =>
    expect(isProbablePrime(value)).toBe(false),
  );

  it('takes as many bits as asked for', () => {
    for (let i = 0; i < 50; i++) expect(bitLength(randomBits(521, randomBytes))).toBeLessThanOrEqual(521);
    const prime = randomPrime(128, 65537n, seeded(3));
    expect(bitLength(prime)).toBe(128);
    expect((prime - 1n) % 65537n).not.toBe(0n);
  });
});

it('makes RSA keys that are consistent', () => {
  let count = 0;
  for (const { n, e, d, p, q } of rsaKeys(512, 65537n, seeded(9))) {
    expect(p * q).toBe(n);
    expect(bitLength(n)).toBe(512);
    expect((d * e) % (p - 1n)).toBe(1n);
    expect((d * e) % (q - 1n)).toBe(1n);
    if (++count === 20) break;
  }
  expect(count).toBe(20);
});

it.each([
  ['1.2.840.10045.3.1.7', 'prime256v1'],
  ['1.3.132.0.34', 'secp384r1'],
  ['1.3.132.0.35', 'secp521r1'],
  ['1.3.132.0.10', 'secp256k1'],
])('makes keys on %s as OpenSSL does', (oid, name) => {
  for (let i = 0; i < 3; i++) {
    const [d, x, y] = ecKey(CURVES.get(oid)!, randomBytes);
    const size = name === 'secp521r1' ? 66 : name === 'secp384r1' ? 48 : 32;
    const hex = (value: bigint) => value.toString(16).padStart(size * 2, '0');
    const theirs = createECDH(name);
    theirs.setPrivateKey(Buffer.from(hex(d), 'hex'));
    expect(theirs.getPublicKey('hex')).toBe(`04${hex(x)}${hex(y)}`);
  }
});

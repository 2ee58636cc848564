import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDummy } from '../../../src/core/env/dummy';
import {
  bech32Checksum,
  checkedRecipe,
  grafanaChecksum,
  randomHex,
  tokenChecksum,
} from '../../../src/core/env/dummyChecks';
import { body, hex, keys, seeded } from './fakeKeys';

const dummy = (value: string, seed = 7) => {
  const made = makeDummy(value, { randomBytes: seeded(seed), isTaken: () => false });
  if (!made.ok) throw new Error(made.error);
  return made.value;
};
const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;

describe('tokens with a checksum', () => {
  it.each(['ghp', 'gho', 'ghu', 'ghs', 'ghr', 'npm'])('%s_ tokens carry a valid one', (prefix) => {
    const value = [prefix, body(36)].join('_');
    for (let seed = 1; seed < 50; seed++) {
      const made = dummy(value, seed);
      expect(made).toMatch(new RegExp(`^${prefix}_[A-Za-z0-9]{36}$`));
      expect(made.slice(-6)).toBe(tokenChecksum(made.slice(4, -6)));
    }
  });

  it('computes it as the public description of the format does', () => {
    // A body and its checksum that were published with that description; revoked.
    expect(tokenChecksum(['zQWBuTSOoRi4A9s', 'pHcVY5ncnsDkxkJ'].join(''))).toBe('0mLq17');
  });

  it('Grafana’s carry a valid one', () => {
    const made = dummy(['glsa', body(32), hex(8)].join('_'));
    expect(made).toMatch(/^glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}$/);
    expect(made.slice(-8)).toBe(grafanaChecksum(made.slice(0, -9)));
    // The example in the tests of Grafana's own generator.
    expect(grafanaChecksum(['glsa', 'yscW25imSKJIuav8zF37RZmnbiDvB05G'].join('_'))).toBe('fcaaf58a');
  });

  it('keys of age carry a valid one, and no bits left over', () => {
    const made = dummy(`AGE-SECRET-KEY-1${body(58, 1, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}`);
    expect(made).toMatch(
      /^AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{51}[QS][QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{6}$/,
    );
    const [data, checksum] = [made.slice(16, -6), made.slice(-6)].map((text) => text.toLowerCase());
    expect(bech32Checksum('age-secret-key-', data!)).toBe(checksum);
  });

  it.each([
    ['a', '', '2uel5l'],
    ['abcdef', 'qpzry9x8gf2tvdw0s3jn54khce6mua7l', 'mqqqxw'],
    ['?', '', 'ezyfcl'],
  ])('Bech32 as in the examples of BIP 173: %s', (prefix, data, checksum) =>
    expect(bech32Checksum(prefix, data)).toBe(checksum),
  );

  it('leaves other values to others', () => {
    for (const value of [keys.anthropic(), keys.openai(), `github_pat_${body(22)}_${body(59)}`, body(40), ''])
      expect(checkedRecipe(value)).toBeUndefined();
    expect(randomHex(12, seeded())).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe('JWTs', () => {
  const claims = { exp: 1_900_000_000, role: 'anon', iss: 'issuer', email: 'someone@example.com', sub: body(30) };

  it('stay decodable, with the header and the claims that clients read', () => {
    const value = keys.jwt(claims);
    const made = dummy(value);
    const [header, payload, signature] = made.split('.') as [string, string, string];
    expect(made).toHaveLength(value.length);
    expect(header).toBe(value.split('.')[0]);
    expect(decode(payload)).toMatchObject({ exp: 1_900_000_000, role: 'anon', iss: 'issuer' });
    expect(Object.keys(decode(payload))).not.toContain('email');
    expect(signature).not.toBe(value.split('.')[2]);
    // Strict decoders want the bits left over to be zero.
    for (let seed = 1; seed < 20; seed++) {
      const other = dummy(value, seed).split('.')[2]!;
      expect(Buffer.from(other, 'base64url').toString('base64url')).toBe(other);
    }
  });

  it('give up claims that do not fit, and the shape where even that is not enough', () => {
    const tight = dummy(keys.jwt({ exp: 1, a: 2 }));
    expect(decode(tight.split('.')[1]!)).toHaveProperty('d');
    const none = dummy(keys.jwt({ a: 1 }));
    expect(none.split('.')[1]).toHaveLength(keys.jwt({ a: 1 }).split('.')[1]!.length);
  });

  it('decode for any claims', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), fc.nat(), (object, seed) => {
        const value = keys.jwt({ ...object, long: 'enough' });
        const made = dummy(value, seed);
        expect(made).toHaveLength(value.length);
        expect(typeof decode(made.split('.')[1]!)).toBe('object');
      }),
    );
  });
});

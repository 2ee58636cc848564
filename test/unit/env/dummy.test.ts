import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dummyRefusal, makeDummy, tokenChecksum } from '../../../src/core/env/dummy';
import { lookupProvider } from '../../../src/core/secrets/providers';
import { body, hex, keys, seeded } from './fakeKeys';

const never = () => false;
const dummy = (value: string, seed = 7) => {
  const made = makeDummy(value, { randomBytes: seeded(seed), isTaken: never });
  if (!made.ok) throw new Error(made.error);
  return made.value;
};
const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;

describe('makeDummy keeps the shape', () => {
  it.each([
    ['anthropic', keys.anthropic(), /^sk-ant-api03-[A-Za-z0-9]{93}AA$/],
    ['openai', keys.openai(), /^sk-proj-[A-Za-z0-9]{64}$/],
    ['github', keys.github(), /^ghp_[A-Za-z0-9]{36}$/],
    ['google', keys.google(), /^AIza[A-Za-z0-9]{35}$/],
    ['stripe live', keys.stripe(), /^sk_live_[A-Za-z0-9]{32}$/],
    ['stripe test', keys.stripe().replace('live', 'test'), /^sk_test_[A-Za-z0-9]{32}$/],
    ['slack', keys.slack(), /^xoxb-\d{12}-\d{13}-[A-Za-z0-9]{24}$/],
    ['aws id', keys.aws(), /^AKIA[A-Z2-7]{16}$/],
    ['hugging face', keys.huggingFace(), /^hf_[A-Za-z0-9]{34}$/],
    ['npm', keys.npm(), /^npm_[A-Za-z0-9]{36}$/],
    ['fine-grained github', `github_pat_${body(22)}_${body(59)}`, /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/],
    ['uuid', '0f8fad5b-d9cb-469f-a165-70867728950e', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/], // prettier-ignore
    ['hex', hex(32), /^[0-9a-f]{32}$/],
    ['upper hex', hex(32).toUpperCase(), /^[0-9A-F]{32}$/],
    ['hex behind a prefix', `dop_v1_${hex(64)}`, /^dop_v1_[0-9a-f]{64}$/],
    ['digits', '8'.repeat(10) + '1'.repeat(15), /^\d{25}$/],
    ['an unknown prefix', `acme_live_${body(24)}`, /^acme_live_[A-Za-z0-9]{24}$/],
    ['base64', `${body(20)}+${body(20)}/${body(1)}=`, /^[A-Za-z0-9]{44}$/],
    ['umlauts', `pässwörd-${body(16)}`, /^[A-Za-z0-9]{10}-[A-Za-z0-9]{16}$/],
  ])('%s', (_, value, shape) => {
    for (let seed = 1; seed <= 20; seed++) {
      const made = dummy(value, seed);
      expect(made).toMatch(shape);
      expect(made).not.toBe(value);
      expect(Buffer.byteLength(made)).toBe(Buffer.byteLength(value));
    }
  });

  it('is still of the same provider', () => {
    for (const value of [keys.anthropic(), keys.openai(), keys.github(), keys.google(), keys.stripe(), keys.slack()])
      expect(lookupProvider('', dummy(value))?.id).toBe(lookupProvider('', value)?.id);
  });

  it.each(['ghp', 'gho', 'ghu', 'ghs', 'ghr', 'npm'])('%s_ tokens carry a valid checksum', (prefix) => {
    const made = dummy([prefix, body(36)].join('_'));
    expect(made.slice(-6)).toBe(tokenChecksum(made.slice(4, -6)));
  });

  it('computes the checksum as the public description of the format does', () => {
    // A body and its checksum that were published with that description; revoked.
    expect(tokenChecksum(['zQWBuTSOoRi4A9s', 'pHcVY5ncnsDkxkJ'].join(''))).toBe('0mLq17');
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

describe('what gets none', () => {
  it.each([
    ['several lines', keys.pem(), /several lines/],
    ['JSON of several lines', '{\n"a": 1\n}', /several lines/],
    ['control characters', `abc\u0000${body(30)}`, /control/],
    ['not UTF-8', `\ufffd${body(30)}`, /UTF-8/],
    ['a lone surrogate', `\ud800${body(30)}`, /UTF-8/],
    ['short', 'hunter2', /too short/],
    ['ten characters', body(10), /too short/],
    ['digits', '1234567890123456789', /too short/],
    ['a prefix and little behind it', 'sk-ant-api03-abc', /too short/],
    ['nothing', '', /too short/],
    ['far too long', 'x1'.repeat(20_000), /too long/],
  ])('%s', (_, value, reason) => {
    const made = makeDummy(value, { randomBytes: seeded(), isTaken: never });
    expect(made.ok).toBe(false);
    if (made.ok) return;
    expect(made.error).toMatch(reason);
    if (value.length > 3) expect(made.error).not.toContain(value);
    expect(dummyRefusal(value)).toBe(made.error);
  });

  it('never hands out what is taken', () => {
    const first = dummy(keys.github(), 3);
    const next = makeDummy(keys.github(), { randomBytes: seeded(3), isTaken: (text) => text === first });
    expect(next).toMatchObject({ ok: true });
    expect(next.ok && next.value).not.toBe(first);
    expect(makeDummy(keys.github(), { randomBytes: seeded(), isTaken: () => true })).toMatchObject({ ok: false });
  });

  it('does not wait for ever for randomness that never comes', () => {
    const stuck = { randomBytes: (count: number) => new Uint8Array(count).fill(255), isTaken: never };
    expect(() => makeDummy(keys.github(), stuck)).toThrow(/random/);
  });
});

describe('laws', () => {
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 12, maxLength: 80 }),
    fc.stringMatching(/^[A-Za-z0-9+/=_.~-]{14,60}$/),
  );
  it('same bytes in length, characters that no encoding changes, never the value itself', () => {
    fc.assert(
      fc.property(value, fc.nat(), (text, seed) => {
        const made = makeDummy(text, { randomBytes: seeded(seed), isTaken: never });
        if (!made.ok) {
          expect(dummyRefusal(text)).toBe(made.error);
          return;
        }
        expect(Buffer.byteLength(made.value)).toBe(Buffer.byteLength(text));
        expect(made.value).toMatch(/^[A-Za-z0-9._~-]+$/);
        expect(encodeURIComponent(made.value)).toBe(made.value);
        expect(made.value).not.toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('two dummies of one value differ', () => {
    const made = new Set(Array.from({ length: 200 }, (_, seed) => dummy('aB3dE5fG7hJ9kL', seed + 1)));
    expect(made.size).toBe(200);
  });
});

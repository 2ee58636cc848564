import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dummyRefusal, makeDummy } from '../../../src/core/env/dummy';
import { classify } from '../../../src/core/env/classify';
import { PROVIDERS } from '../../../src/core/secrets/providerTable';
import { hasShape, lookupProvider, matchShape } from '../../../src/core/secrets/providers';
import { examplesOf } from '../secrets/providers/examples';
import { body, hex, keys, seeded } from './fakeKeys';

const never = () => false;
const dummy = (value: string, seed = 7) => {
  const made = makeDummy(value, { randomBytes: seeded(seed), isTaken: never });
  if (!made.ok) throw new Error(made.error);
  return made.value;
};

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
    ['aws id of a session', keys.aws().replace('AKIA', 'ASIA'), /^ASIA[A-Z2-7]{16}$/],
    ['aws secret key', `${body(13)}/${body(12)}+${body(13)}`, /^[A-Za-z0-9]{40}$/],
    ['aws session token', `IQoJb3JpZ2luX2Vj${body(300)}/${body(39)}+w==`, /^[A-Za-z0-9]+==$/],
    ['hugging face', keys.huggingFace(), /^hf_[A-Za-z0-9]{34}$/],
    ['npm', keys.npm(), /^npm_[A-Za-z0-9]{36}$/],
    ['fine-grained github', `github_pat_${body(22)}_${body(59)}`, /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/],
    ['uuid', '0f8fad5b-d9cb-469f-a165-70867728950e', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/], // prettier-ignore
    ['hex', hex(32), /^[0-9a-f]{32}$/],
    ['upper hex', hex(32).toUpperCase(), /^[0-9A-F]{32}$/],
    ['hex behind a prefix', `dop_v1_${hex(64)}`, /^dop_v1_[0-9a-f]{64}$/],
    ['digits', '8'.repeat(10) + '1'.repeat(15), /^\d{25}$/],
    ['an unknown prefix', `acme_live_${body(24)}`, /^acme_live_[A-Za-z0-9]{24}$/],
    ['base64', `${body(20)}+${body(20)}/A=`, /^[A-Za-z0-9]{43}=$/],
    ['base64 with two', `${body(18)}/${body(20)}+Ag==`, /^[A-Za-z0-9]{42}==$/],
    ['a UUID of version 7', '01902f4b-7c1a-7b3e-9d2f-4a5b6c7d8e9f', /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/], // prettier-ignore
    ['upper UUID', '0F8FAD5B-D9CB-469F-A165-70867728950E', /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/], // prettier-ignore
    ['a UUID behind a prefix', 'pat-na1-0f8fad5b-d9cb-469f-a165-70867728950e', /^pat-na1-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/], // prettier-ignore
    ['hex of a known shape, short', `lsv2_pt_${hex(32)}_${hex(10)}`, /^lsv2_pt_[0-9a-f]{32}_[0-9a-f]{10}$/],
    ['what names a data centre', `${hex(32)}-us12`, /^[0-9a-f]{32}-us12$/],
    ['what names a host', '0f8fad5b-d9cb-469f-a165-70867728950e:fx', /^[0-9a-f-]{36}:fx$/],
    ['stripe restricted', ['rk', 'live', body(99)].join('_'), /^rk_live_[A-Za-z0-9]{99}$/],
    ['slack app', ['xapp', '1', 'A0123456789', '1234567890123', hex(64)].join('-'), /^xapp-1-[A-Z0-9]{11}-\d{13}-[0-9a-f]{64}$/], // prettier-ignore
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

describe('every row of the provider table', () => {
  const shaped = PROVIDERS.flatMap((row) => [...row.shapes, ...row.weakShapes].map((shape) => ({ row, shape })));

  it.each(shaped)('$row.id $shape', ({ row, shape }) => {
    const values = examplesOf(shape, 12, 11).filter((value) => dummyRefusal(value) === undefined);
    // Some of them consist of separators, for the most part.
    expect(values.length).toBeGreaterThan(3);
    for (const value of values) {
      const { kept = [] } = matchShape(value) ?? {};
      const made = [1, 2, 3].map((seed) => dummy(value, seed));
      expect(new Set([value, ...made]).size).toBe(4);
      for (const text of made) {
        expect(hasShape(row, text)).toBe(true);
        expect(lookupProvider('', text)).toBe(lookupProvider('', value));
        expect(text).toHaveLength(value.length);
        for (const [from, to] of kept) expect(text.slice(from, to)).toBe(value.slice(from, to));
        // Nothing of eight characters that is secret in the value.
        let at = 0;
        for (const [from, to] of [...kept, [value.length, value.length] as const]) {
          for (let i = at; i + 8 <= from; i++) expect(text).not.toContain(value.slice(i, i + 8));
          at = to;
        }
      }
    }
  });

  it('is found again by its dummy, with the same verdict', () => {
    const fresh = { tracked: false, doubt: undefined };
    for (const { row, shape } of shaped)
      for (const value of examplesOf(shape, 3, 5)) {
        const name = row.names[0] ?? 'A_TOKEN';
        if (dummyRefusal(value) !== undefined) continue;
        const [before, after] = [value, dummy(value)].map((text) => classify(name, text, fresh));
        // An example may happen to look like a word that stands for a value.
        if (before) expect(after).toMatchObject({ provider: before.provider, ticked: before.ticked });
      }
  });
});

describe('laws', () => {
  it('a dummy gives no piece of eight characters of the secret away', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9+/]{20,60}$/), fc.nat(), (text, seed) => {
        const made = makeDummy(text, { randomBytes: seeded(seed), isTaken: never });
        for (let i = 0; made.ok && i + 8 <= text.length; i++) expect(made.value).not.toContain(text.slice(i, i + 8));
      }),
    );
  });

  it('refuses where only such dummies come about', () => {
    // The source of randomness says the same again and again.
    const stuck = { randomBytes: (count: number) => new Uint8Array(count), isTaken: never };
    expect(makeDummy('a1'.repeat(3) + '0'.repeat(20), stuck)).toMatchObject({ ok: false });
  });

  it('base64 decodes to as many bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 90 }), fc.nat(), (bytes, seed) => {
        for (const encoding of ['base64', 'base64url'] as const) {
          const made = dummy(Buffer.from(bytes).toString(encoding), seed);
          expect(Buffer.from(made, encoding)).toHaveLength(bytes.length);
        }
        const strict = dummy(Buffer.from(bytes).toString('base64'), seed);
        expect(Buffer.from(atob(strict), 'latin1').toString('base64')).toHaveLength(strict.length);
      }),
    );
  });

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
        // But for the padding of base64.
        expect(made.value).toMatch(/^[A-Za-z0-9._~-]+={0,2}$/);
        if (!text.endsWith('=')) expect(encodeURIComponent(made.value)).toBe(made.value);
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

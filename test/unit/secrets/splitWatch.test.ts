import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSplitWatch } from '../../../src/core/secrets/splitWatch';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { body, keys, seeded } from '../env/fakeKeys';

const secret = (name: string, value: string, dummy: string): BoundSecret => ({ name, value, dummy, hosts: [], in: [] });
const A = secret('A', keys.anthropic(1), keys.anthropic(2));
const G = secret('G', keys.github(1), keys.github(2));
const P = secret('P', 'correct-horse-battery-staple', 'Qm4xT9-abcdefghijklmnopqrstu');
const ALL = [A, G, P];
const HOST = 'evil.example';
const inPieces = (text: string, size: number) => text.match(new RegExp(`.{1,${size}}`, 'gs'))!;
const names = (found: readonly { secret: string }[]) => found.map((one) => one.secret);

const FORMS: readonly (readonly [string, (value: string) => string])[] = [
  ['plain', (value) => value],
  ['hex', (value) => Buffer.from(value).toString('hex')],
  ['upper-case hex', (value) => Buffer.from(value).toString('hex').toUpperCase()],
  ['base64', (value) => Buffer.from(value).toString('base64')],
  ['base64url', (value) => Buffer.from(value).toString('base64url')],
  ['base64 of something longer', (value) => Buffer.from(`KEY=${value}\n`).toString('base64')],
];

describe.each(FORMS)('%s', (_, write) => {
  it.each([3, 4, 5, 7, 16])('in pieces of %i', (size) => {
    for (const { name, value } of ALL) {
      const pieces = inPieces(write(value), size);
      expect(names(createSplitWatch(ALL).note(HOST, pieces))).toContain(name);
      const watch = createSplitWatch(ALL);
      const found = pieces.flatMap((piece, i) => names(watch.note(HOST, [`${i}`, 'en-US', piece, 'gzip, br'])));
      expect(found).toContain(name);
    }
  });
});

it('follows pieces of different lengths, with other things between', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 4, max: 9 }), { minLength: 12, maxLength: 12 }), (sizes) => {
      const watch = createSplitWatch(ALL);
      let at = 0;
      const found = sizes.flatMap((size) => {
        const piece = G.value.slice(at, (at += size));
        return piece === '' ? [] : names(watch.note(HOST, ['page', piece, 'x=1&y=2']));
      });
      expect(found).toContain('G');
    }),
  );
});

it('keeps hosts apart, and forgets what is long ago', () => {
  const pieces = inPieces(G.value, 6);
  const apart = createSplitWatch(ALL);
  expect(pieces.flatMap((piece, i) => apart.note(`h${i}.example`, [piece]))).toEqual([]);
  const slow = createSplitWatch(ALL);
  const found = pieces.flatMap((piece) => {
    for (let i = 0; i < 64; i++) slow.note(HOST, [`${i}`]);
    return slow.note(HOST, [piece]);
  });
  expect(found).toEqual([]);
  const crowded = createSplitWatch(ALL);
  crowded.note(HOST, pieces.slice(0, 4));
  for (let i = 0; i < 300; i++) crowded.note(`h${i}.example`, ['x']);
  expect(crowded.note(HOST, pieces.slice(4))).toEqual([]);
});

it('is silent about dummies, orders that are wrong, and beginnings alone', () => {
  const watch = createSplitWatch(ALL);
  for (const { dummy, value } of ALL) {
    expect(watch.note(HOST, inPieces(dummy, 4))).toEqual([]);
    expect(watch.note(HOST, inPieces(value, 6).reverse())).toEqual([]);
    expect(watch.note(HOST, [value.slice(0, Math.floor(value.length / 2))])).toEqual([]);
  }
  expect(watch.note('other.example', ['a correct answer', 'about a horse'])).toEqual([]);
});

it('raises no alarm on random traffic', () => {
  const part = fc.oneof(
    fc.string(),
    fc.uuid(),
    fc.nat().map(String),
    fc.constantFrom(
      'sk-ant-api03-',
      'ghp_',
      'application/json',
      'correct',
      'horse',
      'gzip, deflate, br',
      A.dummy,
      G.dummy,
    ),
    fc.uint8Array({ maxLength: 60 }).map((data) => Buffer.from(data).toString('base64')),
    fc.lorem({ maxCount: 30 }),
  );
  fc.assert(
    fc.property(fc.array(fc.array(part, { maxLength: 12 }), { maxLength: 80 }), (requests) => {
      const watch = createSplitWatch(ALL);
      for (const parts of requests) expect(watch.note(HOST, parts)).toEqual([]);
    }),
    { numRuns: 300 },
  );
  const watch = createSplitWatch(
    Array.from({ length: 100 }, (_, i) => secret(`S${i}`, body(40, i), body(40, i + 500))),
  );
  const random = seeded(9);
  for (let i = 0; i < 300; i++)
    expect(
      watch.note(HOST, [Buffer.from(random(400)).toString('base64'), Buffer.from(random(90)).toString('hex')]),
    ).toEqual([]);
});

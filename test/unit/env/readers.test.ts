// After a swap every reader finds the same keys, with dummies at exactly the chosen ones: dotenv, docker compose (old and new
// rules), python-dotenv.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDummy } from '../../../src/core/env/dummy';
import { scanEnv } from '../../../src/core/env/scan';
import { restoreBytes, splice } from '../../../src/core/env/splice';
import { planFile } from '../../../src/core/env/swap';
import { body, bytes, hex, keys, seeded, text } from './fakeKeys';
import { type Variables, readAsCompose, readAsDotenv, readAsPython } from './readers';

interface Swapped {
  readonly before: string;
  readonly after: string;
  /** Value to dummy, of the chosen ones. */
  readonly dummies: ReadonlyMap<string, string>;
  /** Names of variables, not in comments, whose value or a part of it was chosen; the last of duplicates counts. */
  readonly chosen: ReadonlySet<string>;
  readonly repeated: ReadonlySet<string>;
  readonly back: string;
}

function swapTicked(before: string, seed: number): Swapped {
  const data = bytes(before);
  const randomBytes = seeded(seed + 1);
  const dummies = new Map<string, string>();
  const edits: { start: number; end: number; text: string }[] = [];
  const pairs: { dummy: string; raw: string }[] = [];
  for (const { ticked, value, start, end, raw } of planFile(data, { tracked: false, isDummy: () => false })) {
    if (!ticked) continue;
    let dummy = dummies.get(value);
    if (dummy === undefined) {
      const made = makeDummy(value, { randomBytes, isTaken: (other) => [...dummies.values()].includes(other) });
      if (!made.ok) continue;
      dummies.set(value, (dummy = made.value));
    }
    edits.push({ start, end, text: dummy });
    pairs.push({ dummy, raw });
  }
  const entries = scanEnv(data).filter(({ inComment }) => !inComment);
  const last = new Map(entries.map((entry) => [entry.key, entry]));
  const isChosen = ({ start, reach }: { start: number; reach: number }) =>
    edits.some((edit) => edit.start >= start && edit.end <= reach);
  const swapped = splice(data, edits);
  return {
    before,
    after: text(swapped),
    dummies,
    chosen: new Set([...last].flatMap(([key, entry]) => (isChosen(entry) ? [key] : []))),
    repeated: new Set(entries.filter((entry) => last.get(entry.key) !== entry).map(({ key }) => key)),
    back: text(restoreBytes(swapped, pairs).bytes),
  };
}

/** What people write: one way of ending lines in a file, quotes that close. */
const secret = fc.oneof(
  fc.nat(999).map((seed) => keys.anthropic(seed + 1)),
  fc.nat(999).map((seed) => keys.github(seed + 1)),
  fc.nat(999).map((seed) => keys.openai(seed + 1)),
  fc.nat(999).map((seed) => keys.stripe(seed + 1)),
  fc.nat(999).map((seed) => hex(40, seed + 1)),
  fc.nat(999).map((seed) => body(40, seed + 1)),
  fc.nat(999).map((seed) => `https://me:${body(24, seed + 1)}@h.example/x?y=1`),
  fc.nat(999).map((seed) => `Bearer ${keys.github(seed + 1)}`),
  fc.nat(999).map((seed) => `${keys.openai(seed + 1)},${keys.openai(seed + 2)}`),
);
const ordinary = fc.oneof(
  fc.constantFrom('', 'true', '3000', 'localhost', 'a b', 'grün', 'http://localhost:1/#x', 'a#b', '{"a": 1}', 'x=y=='),
  fc.stringMatching(/^[A-Za-z0-9 _.,:/@+=-]{0,30}$/),
);
const line = fc
  .record({
    lead: fc.constantFrom('', '', '', 'export ', '# ', '#'),
    key: fc.constantFrom(
      'API_TOKEN',
      'SERVICE_URL',
      'X',
      'DB_PASSWORD',
      'SECRET_KEY',
      'OPENAI_API_KEY',
      'Y',
      'AUTH_HEADER',
    ),
    quote: fc.constantFrom('', '', '"', "'"),
    value: fc.oneof({ weight: 3, arbitrary: secret }, { weight: 2, arbitrary: ordinary }),
    tail: fc.constantFrom('', '', ' # note', ' # was ghp_x'),
    more: fc.constantFrom('', '', '', 'line two'),
  })
  .map(({ lead, key, quote, value, tail, more }) => {
    const whole = quote === '"' && more !== '' && !lead.startsWith('#') ? `${value}\n${more}` : value;
    return `${lead}${key}=${quote}${whole}${quote}${tail}`;
  });
const file = fc
  .record({
    lines: fc.array(fc.oneof({ weight: 8, arbitrary: line }, fc.constantFrom('', '# a comment', '  ')), {
      maxLength: 10,
    }),
    end: fc.constantFrom('\n', '\n', '\r\n'),
    final: fc.boolean(),
    seed: fc.nat(1_000_000),
  })
  .map(({ lines, end, final, seed }) =>
    swapTicked((lines.join('\n') + (final ? '\n' : '')).replaceAll('\n', end), seed),
  );

function check(
  before: Variables | undefined,
  after: Variables | undefined,
  { dummies, chosen, repeated }: Swapped,
): void {
  // A reader that refuses the file refused it before.
  expect(after === undefined).toBe(before === undefined);
  if (!before || !after) return;
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [key, value] of Object.entries(before)) {
    // One value may begin or end with another that has a dummy of its own in another line.
    const longest = [...dummies].sort(([a], [b]) => b.length - a.length);
    const replaced = [longest, [...longest].reverse()].map((order) =>
      order.reduce((text, [real, dummy]) => text.split(real).join(dummy), value),
    );
    // Of lines with one key the readers take the last that they can read, and do not agree on which they can.
    const expected = repeated.has(key) ? [value, ...replaced] : chosen.has(key) ? replaced : [value];
    expect(expected.map((text) => [key, text])).toContainEqual([key, after[key]]);
    if (!repeated.has(key)) expect([key, after[key] !== value]).toEqual([key, chosen.has(key)]);
  }
}

describe('after a swap', () => {
  it('dotenv reads the same keys, with dummies at exactly the chosen ones', () => {
    fc.assert(
      fc.property(file, (swapped) => {
        check(readAsDotenv(swapped.before), readAsDotenv(swapped.after), swapped);
        expect(swapped.back).toBe(swapped.before);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([true, false])('docker compose does (a value ends at any "#": %s)', (anyHash) => {
    fc.assert(
      fc.property(file, (swapped) => {
        check(readAsCompose(swapped.before, anyHash), readAsCompose(swapped.after, anyHash), swapped);
      }),
      { numRuns: 1000 },
    );
  });

  it('python-dotenv does, and the rules written here are those of the package', ({ skip }) => {
    const files = fc.sample(file, 500);
    const reading = readAsPython(files.flatMap(({ before, after }) => [before, after]));
    if (!reading) skip('there is no python3');
    if (reading!.package) expect(reading!.own).toEqual(reading!.package);
    files.forEach((swapped, i) => check(reading!.own[2 * i], reading!.own[2 * i + 1], swapped));
    expect(files.filter(({ chosen }) => chosen.size > 0).length).toBeGreaterThan(100);
  }, 60_000);

  it('the references read what their programs are known to read', () => {
    expect(readAsDotenv('export A="x\\ny" # c\nB=\'a#b\'\nC=a#b\nD=`t`')).toEqual({
      A: 'x\ny',
      B: 'a#b',
      C: 'a',
      D: 't',
    });
    expect(readAsCompose('A=a#b # c\nB="q\nr"\n# D=1\nexport C: x', false)).toEqual({ A: 'a#b', B: 'q\nr', C: 'x' });
    expect(readAsCompose('A=a#b', true)).toEqual({ A: 'a' });
    expect(readAsCompose('A="open', true)).toBeUndefined();
  });
});

describe('large files', () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      i % 20 === 0 ? `K${i}_TOKEN=${keys.github(i + 1)}` : `SETTING_${i}="value ${i}" # ${body(20, i + 1)}`,
    ).join('\n');

  it.each([
    ['10,000 lines', lines(10_000)],
    ['5 MB', lines(64_000).padEnd(5 * 1024 * 1024, '#')],
    ['5 MB in one line', `A_TOKEN=${keys.github()}\nX=${'x'.repeat(5 * 1024 * 1024)}`],
    ['5 MB of quotes that never close', `A_TOKEN=${keys.github()}\n${`A="\\"\n`.repeat(800_000)}`],
  ])(
    'of %s are swapped and given back',
    (_, content) => {
      const { after, back, dummies } = swapTicked(content, 1);
      expect(dummies.size).toBeGreaterThan(0);
      expect(after.length).toBe(content.length);
      expect(back === content).toBe(true);
    },
    30_000,
  );

  it('take time in proportion: ten times the lines, not a hundred times the work', () => {
    const took = (count: number) => {
      const data = bytes(lines(count));
      const from = process.cpuUsage().user;
      planFile(data, { tracked: false, isDummy: () => false });
      return process.cpuUsage().user - from;
    };
    took(2_000);
    const small = Math.max(took(2_000), 2_000);
    expect(took(20_000)).toBeLessThan(small * 40);
  }, 30_000);
});

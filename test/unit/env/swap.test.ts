import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDummy } from '../../../src/core/env/dummy';
import { toBinary } from '../../../src/core/base/bytes';
import { scanEnv } from '../../../src/core/env/scan';
import { restoreBytes, splice } from '../../../src/core/env/splice';
import { type Candidate, type PlanContext, planFile } from '../../../src/core/env/swap';
import { body, bytes, hex, keys, seeded, text } from './fakeKeys';

const fresh: PlanContext = { tracked: false, isDummy: () => false };
const plan = (content: string, context = fresh) => planFile(bytes(content), context);
const brief = (candidates: readonly Candidate[]) =>
  candidates.map(({ key, value, line, inComment, ticked }) => [key, value, line, inComment, ticked]);

/** One dummy a value, as the vault does it. */
function swap(data: Uint8Array, chosen: readonly Candidate[], seed = 5) {
  const randomBytes = seeded(seed);
  const dummies = new Map<string, string>();
  const pairs: { dummy: string; raw: string }[] = [];
  const edits: { start: number; end: number; text: string }[] = [];
  for (const { value, raw, start, end } of chosen) {
    let dummy = dummies.get(value);
    if (dummy === undefined) {
      const made = makeDummy(value, { randomBytes, isTaken: (other) => [...dummies.values()].includes(other) });
      if (!made.ok) continue;
      dummy = made.value;
      dummies.set(value, dummy);
    }
    pairs.push({ dummy, raw });
    edits.push({ start, end, text: dummy });
  }
  return { swapped: splice(data, edits), pairs, dummies };
}

describe('planFile', () => {
  it('finds values, duplicates, comments and parts of URLs', () => {
    const password = body(20);
    const content = [
      `ANTHROPIC_API_KEY=${keys.anthropic()}`,
      'PORT=3000',
      `export GITHUB_TOKEN="${keys.github()}" # WAS=${keys.github(2)}`,
      `# old: ${keys.openai()}.`,
      `GIT_URL=https://me:${password}@git.example.com`,
      `ANTHROPIC_API_KEY='${keys.anthropic(3)}'`,
      `OPENAI_KEYS=${keys.openai(2)},${keys.openai(3)}`,
      `CONFIG='{"apiKey": "${keys.google()}"}'`,
    ].join('\r\n');
    expect(brief(plan(content))).toEqual([
      ['ANTHROPIC_API_KEY', keys.anthropic(), 1, false, true],
      ['GITHUB_TOKEN', keys.github(), 3, false, true],
      ['WAS', keys.github(2), 3, true, true],
      ['old', keys.openai(), 4, true, true],
      ['GIT_URL', password, 5, false, true],
      ['ANTHROPIC_API_KEY', keys.anthropic(3), 6, false, true],
      ['OPENAI_KEYS', keys.openai(2), 7, false, true],
      ['OPENAI_KEYS', keys.openai(3), 7, false, true],
      ['CONFIG', keys.google(), 8, false, true],
    ]);
  });

  it('names a key that stands behind no name after its provider', () => {
    const content = `A=1\n\n# use ${keys.stripe()} for now\nif true; then export X=1; echo ${keys.slack()}; fi`;
    expect(brief(plan(content))).toEqual([
      ['STRIPE_KEY', keys.stripe(), 3, true, true],
      ['SLACK_KEY', keys.slack(), 4, false, true],
    ]);
  });

  it('shows private keys wherever they stand, and does not tick them', () => {
    const found = plan(`KEY="${keys.pem()}"\n# ${keys.pem().replaceAll('\n', '\n# ')}\n`);
    expect(found.map(({ key, ticked, inComment }) => [key, ticked, inComment])).toEqual([
      ['KEY', false, false],
      ['PRIVATE_KEY', false, true],
    ]);
  });

  it('gives the span and the raw bytes', () => {
    const content = `Ä=ö\nSERVICE_TOKEN="${hex(32)}"`;
    const [found] = plan(content) as [Candidate];
    expect(toBinary(bytes(content)).slice(found.start, found.end)).toBe(hex(32));
    expect(found.raw).toBe(hex(32));
  });

  it('decodes the password of a URL and keeps its raw form', () => {
    const [found] = plan(`X_URL=https://me:p%40ss-w0rd-${hex(16)}@h.example`) as [Candidate];
    expect(found).toMatchObject({ value: `p@ss-w0rd-${hex(16)}`, raw: `p%40ss-w0rd-${hex(16)}`, ticked: true });
  });

  it('does not tick what programs read in different ways, except a key that its shape gives away', () => {
    expect(plan(`A_TOKEN=${hex(32)}#x`)).toMatchObject([{ raw: `${hex(32)}#x`, ticked: false }]);
    expect(plan(`A_TOKEN=${keys.github()}#x`)).toMatchObject([{ raw: keys.github(), ticked: true }]);
    expect(plan(`A_TOKEN="${hex(32)}\\\\"`)).toMatchObject([{ ticked: false }]);
    expect(plan(`A_URL="https://me:${hex(20)}@h.example/\\t"`)).toMatchObject([{ ticked: false }]);
  });

  it('does not tick what can get no dummy', () => {
    const found = plan('ADMIN_PASSWORD=abcdefghij12');
    expect(found).toMatchObject([{ ticked: false }]);
    expect(found[0]!.reason).toMatch(/too short/);
  });

  it('leaves everything in a file that git tracks unticked', () => {
    const content = `A_KEY=${keys.github()}\n# ${keys.openai()}`;
    expect(plan(content, { ...fresh, tracked: true }).map(({ ticked }) => ticked)).toEqual([false, false]);
  });

  it('never takes a dummy for a secret', () => {
    const dummy = keys.anthropic();
    const content = [
      `ANTHROPIC_API_KEY=${dummy}`,
      `X_URL=https://me:${dummy}@h.example`,
      `HEADER="Bearer ${dummy}"`,
      `# was ${dummy}`,
      `LIST=${dummy},${keys.github()}`,
    ].join('\n');
    expect(brief(plan(content, { ...fresh, isDummy: (value) => value === dummy }))).toEqual([
      ['LIST', keys.github(), 5, false, true],
    ]);
  });

  it('nor a text that was put around a dummy', () => {
    const isDummy = (value: string) => value === hex(32);
    expect(plan(`A_TOKEN=v1:${hex(32)}\nB_TOKEN="x ${hex(32)}"`, { ...fresh, isDummy })).toEqual([]);
    expect(plan(`A_TOKEN=v1:${hex(32)}`)).toHaveLength(1);
  });

  it('finds nothing in ordinary files', () => {
    expect(plan('')).toEqual([]);
    expect(plan('NODE_ENV=production\nPORT=3000\nDATABASE_URL=postgres://localhost/app\n')).toEqual([]);
  });

  it('is quick with private keys that never end', () => {
    expect(plan(`${['-----BEGIN', 'PRIVATE', 'KEY-----'].join(' ')}\n`.repeat(50_000))).toEqual([]);
  });

  it('is quick with very many keys', () => {
    const content = Array.from({ length: 5_000 }, (_, i) => `# ${keys.github(i + 1)} and K${i}=${hex(32, i)}`).join(
      '\n',
    );
    expect(plan(content)).toHaveLength(5_000);
  });
});

describe('restoreBytes', () => {
  it('finds dummies wherever they stand now, and keeps the edits', () => {
    const { swapped, pairs } = swap(bytes(`A_TOKEN=${hex(32)}\n`), plan(`A_TOKEN=${hex(32)}\n`));
    const { dummy } = pairs[0]!;
    const edited = `# edited\nB="x-${dummy}-y"\n${text(swapped)}NEW=1`;
    const back = restoreBytes(bytes(edited), pairs);
    expect(text(back.bytes)).toBe(`# edited\nB="x-${hex(32)}-y"\nA_TOKEN=${hex(32)}\nNEW=1`);
    expect(back.replaced).toBe(2);
  });

  it('gives each place its own way of writing one value', () => {
    const secret = 'p@ss-w0rd-' + hex(16);
    const content = `A_PASSWORD='${secret}'\nX_URL=https://me:${encodeURIComponent(secret)}@h.example\nB_PASSWORD=${secret}`;
    const { swapped, pairs, dummies } = swap(bytes(content), plan(content));
    expect(dummies.size).toBe(1);
    expect(text(restoreBytes(swapped, pairs).bytes)).toBe(content);
  });
});

describe('laws', () => {
  const secret = fc.oneof(
    fc.nat(999).map((seed) => keys.anthropic(seed + 1)),
    fc.nat(999).map((seed) => keys.github(seed + 1)),
    fc.nat(999).map((seed) => hex(32, seed + 1)),
    fc.nat(999).map((seed) => `https://me:${body(24, seed + 1)}@h.example/x`),
    fc.nat(999).map((seed) => `["${keys.openai(seed + 1)}", "${keys.slack(seed + 1)}"]`),
    fc.stringMatching(/^[A-Za-z0-9+/=_.:@$#\\ -]{0,40}$/),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
  );
  const line = fc
    .record({
      lead: fc.constantFrom('', 'export ', '# ', '  ', 'x; '),
      key: fc.constantFrom('API_TOKEN', 'A_URL', 'X', 'DB_PASSWORD', 'SECRET_KEY', 'Ä'),
      quote: fc.constantFrom('', '"', "'", '`'),
      value: secret,
      tail: fc.constantFrom('', ' # note', ' ', '"'),
      end: fc.constantFrom('\n', '\r\n', '\r', ''),
    })
    .map((l) => `${l.lead}${l.key}=${l.quote}${l.value}${l.quote}${l.tail}${l.end}`);
  const file = fc
    .tuple(fc.constantFrom('', '\ufeff'), fc.array(line, { maxLength: 8 }), fc.uint8Array({ maxLength: 8 }))
    .map(([bom, lines, rest]) => Uint8Array.from([...bytes(bom + lines.join('')), ...rest]));

  it('swap → restore is the identity, whatever was chosen', () => {
    fc.assert(
      fc.property(file, fc.func(fc.boolean()), fc.nat(), (data, choose, seed) => {
        const candidates = planFile(data, fresh);
        let free = 0;
        for (const { start, end, raw } of candidates) {
          expect(start).toBeGreaterThanOrEqual(free);
          expect(raw).toBe(toBinary(data.subarray(start, end)));
          free = end;
        }
        const { swapped, pairs } = swap(data, candidates.filter((candidate) => choose(candidate.start)), seed); // prettier-ignore
        expect(restoreBytes(swapped, pairs).bytes).toEqual(data);
      }),
      { numRuns: 1000 },
    );
  });

  it('swapped text scans to the same keys, with dummies at exactly the chosen ones and nothing to swap again', () => {
    fc.assert(
      fc.property(file, fc.nat(), (data, seed) => {
        const ticked = planFile(data, fresh).filter((candidate) => candidate.ticked);
        const { swapped, dummies } = swap(data, ticked, seed);
        const taken = new Set(dummies.values());
        expect(scanEnv(swapped).map(({ key, line: at }) => [key, at])).toEqual(
          scanEnv(data).map(({ key, line: at }) => [key, at]),
        );
        for (const [value, dummy] of dummies) expect(toBinary(swapped)).toContain(value === '' ? '' : dummy);
        const again = planFile(swapped, { tracked: false, isDummy: (value) => taken.has(value) });
        expect(again.filter((candidate) => candidate.ticked).map(({ key, value }) => [key, value])).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const { swapped, pairs } = swap(data, planFile(data, fresh));
        expect(restoreBytes(swapped, pairs).bytes).toEqual(data);
      }),
    );
  });
});

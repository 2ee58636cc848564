import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Redactor, createRedactor } from '../../../src/core/secrets/redact';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { body, bytes, keys, text } from '../env/fakeKeys';

const secret = (name: string, value: string, dummy: string): BoundSecret => ({ name, value, dummy, hosts: [], in: [] });
const A = secret('A', keys.anthropic(1), keys.anthropic(2));
const G = secret('G', keys.github(1), keys.github(2));
const ODD = secret('ODD', `p@ss/w+rd="ö ${body(12)}`, body(14 + 12, 9));

const ordinary = [A, G, ODD];
const made = new Map<readonly BoundSecret[], Redactor>();
function run(secrets: readonly BoundSecret[], chunks: readonly Uint8Array[]) {
  // Thousands of runs over the same few secrets: they are compiled once.
  let redactor = made.get(secrets);
  if (!redactor) made.set(secrets, (redactor = createRedactor(secrets)));
  const stream = redactor.stream();
  const out = [...chunks.map((chunk) => stream.push(chunk)), stream.end()];
  return { out: Buffer.concat(out), stream };
}
/** Cuts at the given places. */
function cut(data: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (data.length + 1)).sort((a, b) => a - b), data.length];
  return at.slice(1).map((end, i) => data.subarray(at[i], end));
}
/** The lengths, in bytes, of the stretches in which two outputs of one length differ. */
function differences(one: Buffer, other: Buffer): number[] {
  expect(one.length).toBe(other.length);
  const runs: number[] = [];
  for (let i = 0; i < one.length; i++) {
    if (one[i] === other[i]) continue;
    if (i > 0 && one[i - 1] !== other[i - 1]) runs[runs.length - 1]!++;
    else runs.push(1);
  }
  return runs;
}

describe('a stream whose other end waits', () => {
  const hidden = secret('H', 'Tr0ub4dor&3x', 'Wq9mZ7tLp2Ks');
  const stream = () => createRedactor([hidden]).stream();

  it.each(['T', 'Tr', 'Tr0', 'wait for my answer: Tr0'])('passes what ends as a value may begin: %s', (sent) => {
    expect(text(Buffer.from(stream().push(bytes(sent))))).toBe(sent);
  });

  it('replaces all but three bytes of a value that comes byte by byte', () => {
    const { out, stream } = run([hidden], cut(bytes('a Tr0ub4dor&3x z'), [...Array(16).keys()]));
    expect(text(out)).toBe('a Tr0mZ7tLp2Ks z');
    expect([...stream.hits]).toEqual([['H', 1]]);
  });

  it('says each byte once where a value did not come of it', () => {
    const { out } = run([hidden], ['TTr', 'Tr', '0ub', '4Tr0', 'u', 'Tr0ub4dor&3', 'y'].map(bytes));
    expect(text(out)).toBe('TTrTr0ub4Tr0uTr0ub4dor&3y');
  });
});

describe('a stream that breaks off', () => {
  const secret = { name: 'A', value: 'sk-live-0123456789abcdef', dummy: 'sk-live-fedcba9876543210', hosts: [], in: [] };
  const bytes = (text: string) => new TextEncoder().encode(text);
  const text = (data: Uint8Array) => new TextDecoder().decode(data);

  it('gives back the few bytes that might have begun a value, and not most of one', () => {
    for (const [sent, rest] of [
      ['hello s', 's'],
      ['hello sk-live', 'sk-live'],
      ['hello sk-live-', ''],
      ['hello sk-live-0123456789abcde', ''],
      ['hello', ''],
    ] as const) {
      const stream = createRedactor([secret]).stream();
      const passed = text(stream.push(bytes(sent)));
      expect(passed + text(stream.cut())).toBe(rest === '' && sent !== 'hello' ? 'hello ' : sent);
    }
  });
});

describe('text', () => {
  const redactor = createRedactor([A, G, ODD]);
  const basic = (value: string) => `Basic ${Buffer.from(`user:${value}`).toString('base64')}`;
  it.each([
    ['plain', (v: string) => `key=${v};`],
    ['twice', (v: string) => `${v}${v}`],
    ['JSON', (v: string) => JSON.stringify({ key: v })],
    ['a URL', (v: string) => `https://x/?key=${encodeURIComponent(v)}`],
    ['a form', (v: string) => new URLSearchParams({ key: v }).toString()],
    ['base64', (v: string) => Buffer.from(v).toString('base64')],
    ['Basic credentials', basic],
    ['hex', (v: string) => Buffer.from(v).toString('hex')],
    ['latin1', (v: string) => Buffer.from(v).toString('latin1')],
    ['percent twice', (v: string) => encodeURIComponent(encodeURIComponent(v))],
    ['reversed', (v: string) => Array.from(v).reverse().join('')],
    [
      'hex with colons',
      (v: string) =>
        Buffer.from(v)
          .toString('hex')
          .replace(/..(?!$)/g, '$&:'),
    ],
    ['behind a letter that is several bytes, and one that is no letter', (v: string) => `ö€😀 ${v} \ud800 ${v}€`],
  ])('%s', (_, wrap) => {
    for (const { value, dummy } of [A, G, ODD]) {
      const clean = redactor.text(wrap(value));
      expect(clean).not.toContain(wrap(value));
      expect(clean).not.toContain(value);
      if (wrap !== basic) expect(clean).toBe(wrap(dummy));
      else expect(Buffer.from(clean.slice(6), 'base64').toString()).toContain(dummy.slice(1, -1));
      expect(redactor.text(clean)).toBe(clean);
    }
  });

  it('leaves everything else alone', () => {
    for (const other of ['', 'hello', A.dummy, keys.github(3), A.value.slice(1), A.value.slice(0, -1), '\ud800 ö€😀'])
      expect(redactor.text(other)).toBe(other);
    expect(createRedactor([]).text(A.value)).toBe(A.value);
  });

  it('replaces the longer of two values that begin alike', () => {
    const short = secret('S', 'abcdefgh', 'SSSSSSSS');
    const long = secret('L', 'abcdefghij', 'LLLLLLLLLL');
    expect(createRedactor([short, long]).text('abcdefghij abcdefghix')).toBe('LLLLLLLLLL SSSSSSSSix');
  });

  it('does not search for what would turn up by chance', () => {
    expect(createRedactor([secret('S', 'short12', 'SHORT34')]).text('a short12')).toBe('a short12');
  });

  it('takes a secret that is its own dummy, or an empty one, without harm', () => {
    const odd = [secret('X', 'same-same', 'same-same'), secret('Y', '', ''), secret('Z', body(20), '')];
    expect(createRedactor(odd).text(`same-same ${body(20)}`)).toBe('same-same ');
  });

  it('takes values that mean something to an expression', () => {
    const value = 'a.*+?^${}()|[]\\/-z';
    expect(createRedactor([secret('X', value, 'DUMMY')]).text(`<${value}>`)).toBe('<DUMMY>');
  });
});

describe('stream', () => {
  it('replaces values, counts them by name, and keeps the length', () => {
    const { out, stream } = run([A, G], [bytes(`${A.value} ${G.value} ${A.value}`)]);
    expect(text(out)).toBe(`${A.dummy} ${G.dummy} ${A.dummy}`);
    expect([...stream.hits]).toEqual([
      ['A', 2],
      ['G', 1],
    ]);
    expect(stream.keepsLength).toBe(true);
  });

  it('says when lengths change', () => {
    expect(createRedactor([ODD]).stream().keepsLength).toBe(false);
    expect(createRedactor([secret('X', body(20), body(19))]).stream().keepsLength).toBe(false);
    expect(createRedactor([]).stream().keepsLength).toBe(true);
  });

  it('passes the same array on when nothing changes', () => {
    const stream = createRedactor([A]).stream();
    for (const chunk of [bytes('data: {"type":"ping"}\n\n'), bytes(''), Buffer.from('x\n')])
      expect(stream.push(chunk)).toBe(chunk);
    expect(stream.end()).toHaveLength(0);
  });

  it('holds back no more than what may still become a value', () => {
    const stream = createRedactor([A]).stream();
    expect(text(stream.push(bytes(`hello ${A.value.slice(0, 10)}`)))).toBe('hello ');
    expect(text(stream.push(bytes('! and on')))).toBe(`${A.value.slice(0, 10)}! and on`);
    expect(text(stream.push(bytes(A.value.slice(0, 20))))).toBe('');
    expect(text(stream.end())).toBe(A.value.slice(0, 20));
  });

  it('neither changes its input nor keeps it', () => {
    const stream = createRedactor([A]).stream();
    const chunk = Buffer.from(`x ${A.value} ${A.value.slice(0, 30)}`);
    const before = Buffer.from(chunk);
    const first = Buffer.from(stream.push(chunk));
    expect(chunk).toEqual(before);
    chunk.fill(0);
    const rest = Buffer.concat([stream.push(bytes(A.value.slice(30))), stream.end()]);
    expect(text(first) + text(rest)).toBe(`x ${A.dummy} ${A.dummy}`);
  });

  it('finds encoded values', () => {
    const json = JSON.stringify({ headers: { authorization: `Basic ${btoa(`x-access-token:${G.value}`)}` } });
    const { out, stream } = run([G], [bytes(json)]);
    const header = (JSON.parse(text(out)) as { headers: { authorization: string } }).headers.authorization;
    expect(atob(header.slice(6))).not.toContain(G.value);
    expect(stream.hits.get('G')).toBe(1);
    expect(out).toHaveLength(json.length);
  });

  /** Values that overlap and nest, over a small alphabet: what goes wrong, goes wrong here. */
  const tangled = [
    secret('1', 'abababab', 'ZZZZZZZZ'),
    secret('2', 'ababababab', 'YYYYYYYYYY'),
    secret('3', 'babababac', 'XXXXXXXXX'),
    secret('4', 'cabababa', 'WWWWWWWW'),
  ];
  const soup = fc
    .array(fc.oneof(fc.constantFrom('a', 'b', 'c', 'ab', 'd'), fc.constantFrom(...tangled.map(({ value }) => value))))
    .map((parts) => bytes(parts.join('')));
  const real = fc
    .array(
      fc.oneof(
        fc.string({ maxLength: 10 }),
        fc.constantFrom(...[A, G, ODD].map(({ value }) => value)),
        fc.constantFrom(...[A, G, ODD].map(({ value }) => encodeURIComponent(value))),
        fc.constantFrom(...[A, G].map(({ value }) => value.slice(0, 12))),
      ),
    )
    .map((parts) => bytes(parts.join('')));

  it.each([
    ['tangled values', tangled, soup],
    ['ordinary values', ordinary, real],
  ] as const)('gives the same however it is cut, but for three bytes of a value: %s', (_, secrets, data) => {
    fc.assert(
      fc.property(data, fc.array(fc.nat()), (whole, places) => {
        const once = run(secrets, [whole]);
        const pieces = run(secrets, cut(whole, places));
        expect(pieces.stream.hits).toEqual(once.stream.hits);
        expect(differences(pieces.out, once.out).filter((run) => run > 3)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('no output holds a real value', () => {
    const redactor = createRedactor([A, G, ODD]);
    fc.assert(
      fc.property(real, fc.array(fc.nat()), (whole, places) => {
        const out = text(run(ordinary, cut(whole, places)).out);
        for (const { value } of [A, G, ODD]) {
          expect(out).not.toContain(value);
          expect(out).not.toContain(encodeURIComponent(value));
          expect(redactor.text(text(whole))).not.toContain(value);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

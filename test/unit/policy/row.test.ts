import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/core/policy/parse';
import { readRow, type Row, type RowErrors, rowOf } from '../../../src/core/policy/row';
import { flowRule, type NewRule, newRuleOf, sameRule } from '../../../src/core/policy/ruleText';

const RULE: NewRule = {
  type: 'allow',
  description: 'What for',
  host: ['a.example', '*.b.example'],
  port: [443, 8443],
  scheme: ['https'],
  method: ['GET', 'HEAD'],
  path: ['/a,/b', '/c'],
  agent: ['claude'],
  addresses: 'any',
  acknowledge: false,
  upstream: { insecure: 'a test server' },
  websocket: 'refuse',
  detection: 'mark',
  credentials: 'any',
};

it('shows a rule as text', () => {
  expect(rowOf(RULE)).toEqual({
    type: 'allow',
    host: 'a.example, *.b.example',
    port: '443, 8443',
    method: 'GET, HEAD',
    path: '/a,/b, /c',
    description: 'What for',
    anyAddress: true,
    anyHost: false,
  });
  expect(rowOf({ type: 'block', port: 'any' })).toMatchObject({ host: '', port: 'any', method: '', path: '' });
});

it('leaves what was not touched, and what a row does not show', () => {
  expect(readRow(rowOf(RULE), RULE)).toEqual({ ok: true, value: RULE });
  const changed = readRow({ ...rowOf(RULE), method: 'post' }, RULE);
  expect(changed).toEqual({ ok: true, value: { ...RULE, method: ['POST'] } });
});

describe('readRow', () => {
  const read = (change: Partial<Row>, before: NewRule = { type: 'block', host: ['a.example'] }) =>
    readRow({ ...rowOf(before), ...change }, before);

  it.each<[Partial<Row>, Partial<NewRule>]>([
    [{ host: ' a.example,b.example  c.example ' }, { host: ['a.example', 'b.example', 'c.example'] }],
    [{ port: '443 8443' }, { port: [443, 8443] }],
    [{ port: 'any' }, { port: 'any' }],
    [{ port: '*' }, { port: 'any' }],
    [{ port: '' }, { port: undefined }],
    [{ method: 'get, Head' }, { method: ['GET', 'HEAD'] }],
    [{ method: 'any' }, { method: undefined }],
    [{ path: '/a, /b/** /c' }, { path: ['/a', '/b/**', '/c'] }],
    [{ path: '/a,/b' }, { path: ['/a', '/b'] }],
    [{ path: '/a,b' }, { path: ['/a,b'] }],
    [{ path: 'any' }, { path: undefined }],
    [{ description: '  ' }, { description: undefined }],
    [{ anyAddress: true }, { addresses: 'public' }],
    [
      { type: 'allow', anyAddress: true },
      { type: 'allow', addresses: 'any' },
    ],
    [
      { type: 'allow', host: '*', anyHost: true },
      { host: ['*'], acknowledge: true },
    ],
    [{ host: '*' }, { host: ['*'] }],
    [
      { host: '', method: 'DELETE' },
      { host: undefined, method: ['DELETE'] },
    ],
  ])('%j', (change, expected) => {
    expect(read(change)).toMatchObject({ ok: true, value: expected });
  });

  it.each<[Partial<Row>, (keyof RowErrors)[]]>([
    [{ host: 'https://a.example' }, ['host']],
    [{ host: 'a b_.-' }, ['host']],
    [{ host: '' }, ['host']],
    [{ port: '0' }, ['port']],
    [{ port: '80, x' }, ['port']],
    [{ method: 'G(T' }, ['method']],
    [{ path: 'a' }, ['path']],
    [{ path: '/a?b' }, ['path']],
    [{ type: 'allow', host: '*' }, ['host']],
    [{ type: 'allow', host: '*.COM.' }, ['host']],
    [{ type: 'allow', host: '', method: 'GET' }, ['host']],
    [{ type: 'tunnel', method: 'GET', path: '/a' }, ['method', 'path']],
    [{ host: '?', port: 'x', method: '(', path: 'x' }, ['host', 'port', 'method', 'path']],
  ])('%j is wrong in %j', (change, fields) => {
    const result = read(change);
    expect(result.ok ? [] : Object.keys(result.error).sort()).toEqual([...fields].sort());
  });

  it('does not make a tunnel of a rule with a scheme', () => {
    expect(read({ type: 'tunnel' }, { type: 'allow', host: ['a.example'], scheme: ['https'] })).toMatchObject({
      error: { type: 'a tunnel cannot be limited by scheme' },
    });
  });

  it('drops what only a rule that allows can say when it becomes another', () => {
    for (const type of ['block', 'tunnel'] as const)
      expect(read({ type, method: '', path: '' }, { ...RULE, scheme: undefined })).toMatchObject({
        value: { type, upstream: undefined, websocket: undefined, detection: undefined, credentials: undefined },
      });
  });

  it('lets through only what the parser takes', () => {
    const field = fc.oneof(
      fc.constantFrom('', 'a.example', '*', '*.com', '/a', 'any', '443', 'GET', 'x y', '/a, /b', '?'),
      fc.string({ maxLength: 6 }),
    );
    const row: fc.Arbitrary<Row> = fc.record({
      type: fc.constantFrom('allow' as const, 'block' as const, 'tunnel' as const),
      host: field,
      port: field,
      method: field,
      path: field,
      description: field,
      anyAddress: fc.boolean(),
      anyHost: fc.boolean(),
    });
    fc.assert(
      fc.property(row, (one) => {
        const result = readRow(one, { type: 'block', upstream: { ca: ['a'] }, websocket: 'refuse' });
        if (!result.ok) return;
        const parsed = parsePolicy(`[${flowRule(result.value, true)}]`);
        expect(parsed.problems).toEqual([]);
        expect(sameRule(newRuleOf(parsed.policy!.rules[0]!), result.value)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

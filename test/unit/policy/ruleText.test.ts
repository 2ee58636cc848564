import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parsePolicy } from '../../../src/core/policy/parse';
import {
  blockRule,
  flowRule,
  flowValue,
  matchFields,
  type NewRule,
  newRuleOf,
  samePolicy,
  ownFields,
  sameRule,
} from '../../../src/core/policy/ruleText';

const RULE: NewRule = {
  type: 'allow',
  description: 'Two: "hosts"',
  host: ['a.example', '*.b.example'],
  port: [443, 8443],
  scheme: ['https'],
  method: ['GET'],
  path: ['/a/**'],
  agent: ['claude'],
  addresses: 'any',
  acknowledge: true,
  upstream: { ca: ['a.pem', '~/b.pem'], clientCert: { cert: 'c.pem', key: 'k.pem' } },
  websocket: 'refuse',
  detection: 'mask',
  credentials: 'none',
};

it('writes a rule as lines', () => {
  expect(blockRule(RULE, '  ', '\r\n').split('\r\n')).toEqual([
    '  - type: allow',
    '    description: "Two: \\"hosts\\""',
    '    addresses: any',
    '    acknowledge: any-host',
    '    upstream: { ca: [a.pem, "~/b.pem"], clientCert: { cert: c.pem, key: k.pem } }',
    '    websocket: refuse',
    '    detection: mask',
    '    credentials: none',
    '    condition:',
    '      match: { host: [a.example, "*.b.example"], port: [443, 8443], scheme: https, method: GET, path: "/a/**", agent: claude }',
    '',
  ]);
});

it('writes a rule on one line, as YAML and as JSON', () => {
  expect(flowRule({ type: 'block', host: ['a.example'], port: 'any' }, false)).toBe(
    '{ type: block, condition: { match: { host: a.example, port: any } } }',
  );
  expect(flowRule({ type: 'block', description: '', host: ['a.example'] }, true)).toBe(
    '{"type":"block","condition":{"match":{"host":"a.example"}}}',
  );
  expect(parse(flowRule(RULE, false))).toEqual(JSON.parse(flowRule(RULE, true)));
});

it.each([
  ['plain', '', 'plain'],
  ['two words', '', 'two words'],
  ['/a/b', '', '/a/b'],
  ['true', '', '"true"'],
  ['12', '', '"12"'],
  ['a: b', '', '"a: b"'],
  ["it's", "'", "'it''s'"],
  ['ü', "'", '"ü"'],
  ['x', '"', '"x"'],
  ['', '', '""'],
] as const)('%j in quotes %j: %s', (text, quote, expected) => {
  expect(flowValue(text, quote)).toBe(expected);
  expect(parse(`[${flowValue(text, quote)}]`)).toEqual([text]);
});

it('writes texts that read back as they were', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '"', "'"), (text, quote) => {
      expect(parse(`{ a: ${flowValue(text, quote as '')} }`)).toEqual({ a: text });
      expect(parse(`a: ${flowValue([text, 1], quote as '')}\n`)).toEqual({ a: [text, 1] });
    }),
  );
});

it('reads back what it writes', () => {
  for (const text of [blockRule(RULE, '', '\n'), `[${flowRule(RULE, true)}]`, `[${flowRule(RULE, false)}]`])
    expect(newRuleOf(parsePolicy(text).policy!.rules[0]!)).toEqual(RULE);
});

describe('sameRule', () => {
  const base: NewRule = { type: 'block', host: ['a.example'] };
  it.each<[NewRule, NewRule, boolean]>([
    [base, { ...base }, true],
    [base, { ...base, host: ['A.example.'] }, true],
    [base, { ...base, description: '', port: undefined, method: [], addresses: 'public', acknowledge: false }, true],
    [base, { ...base, description: 'x' }, false],
    [base, { ...base, type: 'allow' }, false],
    [base, { ...base, host: ['b.example'] }, false],
    [base, { ...base, port: 'any' }, false],
    [base, { ...base, port: [443] }, false],
    [base, { ...base, agent: ['x'] }, false],
    [base, { ...base, addresses: 'any' }, false],
    [base, { ...base, acknowledge: true }, false],
    [base, { ...base, websocket: 'refuse' }, false],
    [base, { ...base, upstream: {} }, true],
    [base, { ...base, upstream: { insecure: 'x' } }, false],
    [{ ...base, upstream: { ca: ['a'] } }, { ...base, upstream: { ca: ['a'], insecure: undefined } }, true],
    [{ ...base, upstream: { insecure: 'x' } }, { ...base, upstream: { insecure: 'y' } }, false],
    [
      { ...base, upstream: { clientCert: { cert: 'a', key: 'a' } } },
      { ...base, upstream: { clientCert: { cert: 'a', key: 'b' } } },
      false,
    ],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(sameRule(a, b)).toBe(expected);
  });
});

it('writes one name for a file with certificate and key, and quotes the keys of JSON', () => {
  const { upstream } = ownFields({ type: 'allow', upstream: { clientCert: { cert: 'a.pem', key: 'a.pem' } } });
  expect(flowValue(upstream!)).toBe('{ clientCert: a.pem }');
  expect(flowValue(upstream!, '"')).toBe('{ "clientCert": "a.pem" }');
});

it('leaves out what is not set', () => {
  expect(ownFields({ type: 'block' })).toEqual({ type: 'block' });
  expect(matchFields({ type: 'block', host: [], port: 'any' })).toEqual({ port: 'any' });
});

it.each([
  ['mode: ask\nrules: []\n', '# c\n{ "rules": [ ], "mode": "ask" }', true],
  ['mode: ask', 'mode: enforce', false],
  [
    '[{ type: block, condition: { match: { host: A.example } } }]',
    'type: block\ncondition:\n  match: { host: a.example }',
    true,
  ],
  ['secrets: { A: { hosts: [] } }', 'secrets: { B: { hosts: [] } }', false],
])('%j says the same as %j: %s', (a, b, expected) => {
  expect(samePolicy(parsePolicy(a).policy!, parsePolicy(b).policy!)).toBe(expected);
});

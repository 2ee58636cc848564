import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRule } from '../../../src/core/policy/edit';
import { evaluate, evaluateConnect } from '../../../src/core/policy/evaluate';
import { parsePolicy } from '../../../src/core/policy/parse';
import { readings } from '../../../src/core/policy/paths';
import type { NewRule } from '../../../src/core/policy/ruleText';
import {
  allowHostRule,
  allowRule,
  blockedAlready,
  blockHostRule,
  blockPathRule,
} from '../../../src/core/policy/suggest';
import type { Policy, PolicyRequest } from '../../../src/core/policy/types';

const request: PolicyRequest = { scheme: 'https', host: 'x.example', port: 443, method: 'POST', path: '/a/b?q=1' };
function withRule(rule: NewRule, text = 'rules: []\n'): Policy {
  const edited = addRule(text, rule, { at: 0 });
  expect(edited.ok ? '' : edited.error.message).toBe('');
  return parsePolicy(edited.ok ? edited.value.text : '').policy!;
}

it('blocks a host on every port, whatever else is allowed', () => {
  const policy = withRule(
    blockHostRule('x.example'),
    'mode: monitor\ndefault: allow\nrules:\n  - { type: allow, condition: { match: { host: x.example, port: any } } }\n',
  );
  for (const port of [443, 80, 8443]) {
    expect(evaluate(policy, { ...request, port }).effective).toBe('block');
    expect(evaluateConnect(policy, { host: 'x.example', port }).effective).toBe('block');
  }
  expect(evaluate(policy, { ...request, host: 'y.example' }).effective).toBe('allow');
});

it('blocks a path and what is below it', () => {
  const policy = withRule(blockPathRule(request), 'default: allow\nrules: []\n');
  expect(policy.rules[0]?.match.path).toEqual(['/a/b/**']);
  for (const path of ['/a/b', '/a/b/c', '/a/./b', '/a%2fb'])
    expect(evaluate(policy, { ...request, path }).action).toBe('block');
  for (const path of ['/a', '/a/bc', '/']) expect(evaluate(policy, { ...request, path }).action).toBe('allow');
  expect(blockPathRule({ host: 'x.example', path: '/' }).path).toEqual(['/**']);
});

describe('allowRule', () => {
  it('allows exactly host, method and path', () => {
    const policy = withRule(allowRule(request));
    expect(policy.rules[0]).toMatchObject({
      description: 'Allow POST x.example',
      match: { host: ['x.example'], method: ['POST'], path: ['/a/b'] },
    });
    expect(evaluate(policy, request).action).toBe('allow');
    for (const change of [{ method: 'GET' }, { path: '/a/b/c' }, { path: '/a' }, { host: 'y.example' }, { port: 8443 }])
      expect(evaluate(policy, { ...request, ...change }).action).toBe('block');
  });

  it("names a port that is not the scheme's own", () => {
    expect(withRule(allowRule({ ...request, port: 8443 })).rules[0]?.match.port).toEqual([8443]);
    expect(allowRule({ ...request, scheme: 'wss' }).port).toBeUndefined();
  });

  it('allows the request that it was made for, however its path is written', () => {
    const piece = fc.constantFrom(
      'a',
      '/',
      '@s',
      '%2f',
      '%20',
      '%c3%a9',
      '.',
      '..',
      ';x',
      '\\',
      '*',
      '%3f',
      '%25',
      '//',
      ',',
      ':',
      '"',
      '~',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.constantFrom('GET', 'M-SEARCH'), (parts, method) => {
        const one = { ...request, method, path: `/${parts.join('')}` };
        fc.pre(readings(one.path) !== undefined);
        expect(evaluate(withRule(allowRule(one)), one).action).toBe('allow');
        expect(evaluate(withRule(blockPathRule(one), 'default: allow\nrules: []\n'), one).action).toBe('block');
      }),
    );
  });
});

it('widens to a host only when asked', () => {
  const policy = withRule(allowHostRule(request));
  expect(evaluate(policy, { ...request, method: 'GET', path: '/other' }).action).toBe('allow');
  expect(allowHostRule({ ...request, port: 1 }).port).toEqual([1]);
});

it.each([
  ['[{type: block, condition: {match: {host: x.example}}}]', 0],
  ['[{type: block, condition: {match: {host: [y.example, X.example], port: any}}}]', 0],
  ['[{type: block, condition: {match: {host: y.example}}}, {type: block, condition: {match: {host: x.example}}}]', 1],
  [
    '[{type: allow, condition: {match: {host: y.example}}}, {type: block, condition: {match: {host: x.example}}}]',
    undefined,
  ],
  ['[{type: block, condition: {match: {host: x.example, path: /a}}}]', undefined],
  ['[{type: block, condition: {match: {host: x.example, port: 443}}}]', undefined],
  ['[{type: block, condition: {match: {host: x.example, method: GET}}}]', undefined],
  ['[]', undefined],
])('%s blocks x.example already: %s', (text, expected) => {
  expect(blockedAlready(parsePolicy(text).policy!, 'x.example')).toBe(expected);
});

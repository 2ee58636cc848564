import { expect, it } from 'vitest';
import { defaultPort, describe as inWords, ruleName, shorten } from '../../../src/core/policy/explain';

const request = { scheme: 'https', host: 'x.example', port: 443, method: 'GET', path: '/a' } as const;

it.each([
  [{}, 'GET https://x.example/a'],
  [{ path: '/a?token=SECRET' }, 'GET https://x.example/a'],
  [{ port: 8443 }, 'GET https://x.example:8443/a'],
  [{ port: 80 }, 'GET https://x.example:80/a'],
  [{ scheme: 'wss' as const }, 'GET wss://x.example/a'],
  [{ scheme: 'http' as const, port: 80 }, 'GET http://x.example/a'],
  [{ host: '::1' }, 'GET https://[::1]/a'],
  [{ host: '::1', port: 1 }, 'GET https://[::1]:1/a'],
  [{ method: 'CONNECT', path: '' }, 'a connection to x.example:443'],
  [{ path: `/${'a'.repeat(300)}` }, `GET https://x.example/${'a'.repeat(199)}…`],
])('%j: %s', (change, expected) => {
  expect(inWords({ ...request, ...change })).toBe(expected);
});

it.each([
  [{ index: 0, description: undefined }, 'rule 1'],
  [{ index: 1, description: 'No gists' }, 'rule 2 "No gists"'],
])('%j: %s', (rule, expected) => {
  expect(ruleName(rule)).toBe(expected);
});

it('knows the port of each scheme', () => {
  expect((['http', 'ws', 'https', 'wss'] as const).map(defaultPort)).toEqual([80, 80, 443, 443]);
  expect(shorten('/short')).toBe('/short');
});

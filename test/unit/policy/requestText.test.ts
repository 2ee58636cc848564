import { expect, it } from 'vitest';
import { parseRequest } from '../../../src/core/policy/requestText';

const base = { method: 'GET', agent: undefined };

it.each([
  ['https://x.example', { ...base, scheme: 'https', host: 'x.example', port: 443, path: '/' }],
  ['HTTPS://X.Example./a/../b?c#d', { ...base, scheme: 'https', host: 'x.example', port: 443, path: '/a/../b?c' }],
  ['http://127.1:8080/%2e', { ...base, scheme: 'http', host: '127.0.0.1', port: 8080, path: '/%2e' }],
  ['wss://[::1]/', { ...base, scheme: 'wss', host: '::1', port: 443, path: '/' }],
  ['ws://x.example?q', { ...base, scheme: 'ws', host: 'x.example', port: 80, path: '/?q' }],
])('reads %s', (url, value) => {
  expect(parseRequest('GET', url)).toEqual({ ok: true, value });
});

it.each([
  'x.example',
  'ftp://x.example/',
  'https://',
  'https:///a',
  'https://x.example:0/',
  'https://u@x.example/',
  'https://a b/',
  'https://x..example/',
])('refuses %s', (url) => {
  expect(parseRequest('GET', url).ok).toBe(false);
});

it('carries the agent', () => {
  expect(parseRequest('GET', 'https://x.example/', 'claude')).toMatchObject({ value: { agent: 'claude' } });
});

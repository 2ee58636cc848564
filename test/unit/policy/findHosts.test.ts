import { describe, expect, it } from 'vitest';
import { findHosts } from '../../../src/core/policy/findHosts';

const hosts = (text: string) => findHosts(text).map(({ host }) => host);

describe('findHosts', () => {
  it.each([
    ['see https://Gist.GitHub.com/x?y#z.', ['gist.github.com']],
    ['wss://ws.example:8443/a', ['ws.example']],
    ['"http://user:pass@evil.example/"', ['evil.example']],
    ['http://[::1]:3000/', ['::1']],
    ['http://0x7f.1/', ['127.0.0.1']],
    ['https://bücher.example/', ['xn--bcher-kva.example']],
    ['curl api.github.com and pypi.org', ['api.github.com', 'pypi.org']],
    ['[link](https://a.example/b) <https://c.example>', ['a.example', 'c.example']],
    ['host: "*.example.com"', []],
  ])('%s', (text, expected) => {
    expect(hosts(text)).toEqual(expected);
  });

  it.each([
    'index.ts',
    'package.json',
    'v1.2.3',
    'a.b.c',
    'foo@bar.baz',
    'user@example.com',
    'localhost',
    'https://',
    'file.com.bak.txt',
  ])('finds nothing in %s', (text) => {
    expect(hosts(text)).toEqual([]);
  });

  it('gives the span of the whole URL', () => {
    const text = 'go to https://a.example/path now';
    expect(findHosts(text)).toEqual([{ host: 'a.example', start: 6, end: 28 }]);
  });
});

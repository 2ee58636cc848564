import { describe, expect, it } from 'vitest';
import { authority, canonicalHost, splitAuthority } from '../../../src/core/base/host';

const canonical = (raw: string) => {
  const result = canonicalHost(raw);
  return result.ok ? result.value.host : `refused: ${result.error}`;
};

describe('canonicalHost', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['ｅｘａｍｐｌｅ.com', 'example.com'],
    ['example。com', 'example.com'],
    ['my_host.example', 'my_host.example'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['0x7f.0.0.1', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['①②⑦.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['[::ffff:10.0.0.1]', '10.0.0.1'],
  ])('%s is %s', (raw, host) => {
    expect(canonical(raw)).toBe(host);
    expect(canonical(host)).toBe(host);
  });

  it.each([
    '',
    '.',
    'a..b',
    '-a.example',
    'a-.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(130)}example`,
    'exa mple.com',
    'github.com\0.evil.com',
    'github.com\r\n',
    'a/b',
    'a#b',
    'a?b',
    'a@b',
    'a%2eb',
    '256.1.1.1',
    '1.2.3.4.5',
    '0x.0x.0x.0x1ffffffff',
    '1.2.3.08',
    'fe80::1%eth0',
    '[::1',
    '::1]',
    '1::2::3',
    ':::',
    '12345::',
    '::ffff:1.2.3.400',
    '*.example.com',
    'example.com:443',
  ])('refuses %j', (raw) => {
    expect(canonical(raw)).toMatch(/^refused: /);
  });
});

describe('splitAuthority', () => {
  it.each([
    ['a.example', 'a.example', undefined],
    ['a.example:8443', 'a.example', 8443],
    ['[::1]:80', '[::1]', 80],
    ['[::1]', '[::1]', undefined],
  ])('%s', (text, host, port) => {
    expect(splitAuthority(text)).toEqual({ ok: true, value: { host, port } });
  });

  it.each(['a:0', 'a:65536', 'a:123456', 'a:8o', 'a:', '::1', 'a:1:2', 'u@[::1]x'])('refuses %s', (text) => {
    expect(splitAuthority(text).ok).toBe(false);
  });

  it('writes brackets where they belong', () => {
    expect(authority('::1', 443)).toBe('[::1]:443');
    expect(authority('a.example', 80)).toBe('a.example:80');
  });
});

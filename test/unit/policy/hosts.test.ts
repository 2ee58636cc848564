import { describe, expect, it } from 'vitest';
import { canonicalHost } from '../../../src/core/base/host';
import {
  canonicalPattern,
  checkHostPattern,
  compileHosts,
  indexHosts,
  isWideHost,
  matchesHost,
  matchesIndex,
} from '../../../src/core/policy/hosts';

describe('matchesHost', () => {
  it.each([
    ['github.com', 'github.com', true],
    ['GitHub.COM.', 'github.com', true],
    ['github.com', 'api.github.com', false],
    ['github.com', 'github.com.evil.com', false],
    ['github.com', 'evilgithub.com', false],
    ['*.github.com', 'github.com', false],
    ['*.github.com', 'api.github.com', true],
    ['*.github.com', 'a.b.github.com', true],
    ['*.github.com', 'evilgithub.com', false],
    ['*.github.com', '.github.com', false],
    ['*', 'anything.example', true],
    ['*', '::1', true],
    ['bücher.example', 'xn--bcher-kva.example', true],
    ['*.BÜCHER.example', 'www.xn--bcher-kva.example', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['0x7f.1', '127.0.0.1', true],
    ['2130706433', '127.0.0.1', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['[::1]', '::1', true],
    ['::1', '127.0.0.1', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['10.0.0.0/8', 'a10.example', false],
    ['10.0.0.0/8', '10.0.0.1.example.com', false],
    ['192.168.1.4/32', '192.168.1.4', true],
    ['192.168.1.4/32', '192.168.1.5', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['fd00::/8', 'fd12:3456::1', true],
    ['fd00::/8', 'fe80::1', false],
    ['not a host', 'not a host', false],
  ])('%s and %s: %s', (pattern, host, expected) => {
    expect(matchesHost(pattern, host)).toBe(expected);
  });

  // threat-model: host disguises. Whatever is written in a request, only its canonical form is compared.
  it.each([
    ['GITHUB.com', true],
    ['github.com.', true],
    ['ｇｉｔｈｕｂ.com', true],
    ['github。com', true],
    ['github.com.evil.com', false],
    ['gіthub.com', false],
    ['github.com..', undefined],
    ['github.com\u0000.evil.com', undefined],
    ['github.com%00', undefined],
    ['fe80::1%eth0', undefined],
    ['[::1', undefined],
  ])('disguise %j', (raw, expected) => {
    const host = canonicalHost(raw);
    expect(host.ok ? matchesHost('github.com', host.value.host) : undefined).toBe(expected);
  });

  it.each(['127.0.0.1', '127.1', '0177.0.0.1', '0x7f000001', '2130706433', '::ffff:7f00:1', '[::ffff:127.0.0.1]'])(
    '%s is one address',
    (raw) => {
      const host = canonicalHost(raw);
      expect(host.ok && matchesHost('127.0.0.0/8', host.value.host)).toBe(true);
    },
  );
});

describe('checkHostPattern', () => {
  it.each([
    '*',
    '*.example.com',
    'example.com.',
    'EXAMPLE.com',
    'localhost',
    '10.0.0.0/8',
    '::/0',
    '[fd00::1]',
    'xn--bcher-kva.example',
    '_dmarc.example.com',
  ])('accepts %s', (pattern) => {
    expect(checkHostPattern(pattern)).toBeUndefined();
  });

  it.each([
    ['', 'empty'],
    ['a*.example.com', '"*"'],
    ['*example.com', '"*"'],
    ['**.example.com', '"*"'],
    ['*.*.example.com', 'label'],
    ['*.', 'empty'],
    ['*.10.0.0.1', 'name'],
    ['https://example.com', 'scheme'],
    ['https://example.com/x', 'scheme'],
    ['localhost:3000', 'port'],
    ['example.com/x', 'IP address'],
    ['10.0.0.0/33', 'range'],
    ['10.0.0.0/', 'range'],
    ['::/129', 'range'],
    ['exa mple.com', 'character'],
    ['-a.example', 'label'],
    ['fe80::1%eth0', 'IPv6'],
    ['256.1.1.1', 'IPv4'],
    ['a'.repeat(64) + '.example', 'label'],
  ])('refuses %j', (pattern, why) => {
    expect(checkHostPattern(pattern)).toContain(why);
  });
});

it('gives a pattern in canonical form', () => {
  expect(canonicalPattern('*.BÜCHER.Example.')).toEqual({ ok: true, value: '*.xn--bcher-kva.example' });
  expect(canonicalPattern('0x7f.0.0.1/8')).toEqual({ ok: true, value: '127.0.0.1/8' });
});

it.each([
  ['*', true],
  ['*.com', true],
  ['*.example.com', false],
  ['example.com', false],
  ['0.0.0.0/0', true],
  ['0.0.0.0/7', true],
  ['10.0.0.0/8', false],
  ['2001:db8::/17', false],
])('%s is wide: %s', (pattern, expected) => {
  expect(isWideHost(pattern)).toBe(expected);
});

it('compiles several patterns to one predicate', () => {
  const matches = compileHosts(['github.com', '*.github.com', '10.0.0.0/8']);
  expect(['github.com', 'x.github.com', '10.4.5.6', 'gitlab.com'].map(matches)).toEqual([true, true, true, false]);
  expect(compileHosts([])('github.com')).toBe(false);
  expect(matchesIndex(indexHosts(['*']), 'x')).toBe(true);
});

import { describe, expect, it } from 'vitest';
import { parentFromEnvironment, parseParentUrl } from '../../../src/core/base/parentProxy';

describe('parseParentUrl', () => {
  const at = (kind: string, host: string, port: number, login?: { user: string; password: string }) => ({
    ok: true,
    value: { kind, host, port, login },
  });

  it.each([
    ['http://proxy.example:3128', at('http', 'proxy.example', 3128)],
    ['http://Proxy.Example.', at('http', 'proxy.example', 80)],
    ['https://proxy.example', at('https', 'proxy.example', 443)],
    ['proxy.example:8080', at('http', 'proxy.example', 8080)],
    ['socks5://10.0.0.1', at('socks5', '10.0.0.1', 1080)],
    ['socks5h://[::1]:1081/', at('socks5', '::1', 1081)],
    ['http://me:p%40ss@proxy.example:1', at('http', 'proxy.example', 1, { user: 'me', password: 'p@ss' })],
    ['http://only@proxy.example:1', at('http', 'proxy.example', 1, { user: 'only', password: '' })],
  ])('%s', (url, expected) => {
    expect(parseParentUrl(url)).toEqual(expected);
  });

  it.each([
    'ftp://proxy.example',
    'socks4://proxy.example',
    'http://',
    'http://a b',
    'http://x:99999',
    'socks5://only@proxy.example',
    'http://a%3Ab:c@proxy.example',
    'http://%E0%A4%A@proxy.example',
  ])('refuses %s', (url) => {
    expect(parseParentUrl(url)).toMatchObject({ ok: false });
  });
});

describe('parentFromEnvironment', () => {
  const ours = { ports: [4000], labels: ['claude', 'terminal'] };
  const found = (environment: Record<string, string>) => parentFromEnvironment(environment, ours);

  it('takes the names in order, the lower-case one first, and NO_PROXY as it is', () => {
    const all = { HTTPS_PROXY: 'http://b:1', https_proxy: 'http://a:1', http_proxy: 'http://c:1', NO_PROXY: 'x, y' };
    expect(found(all).parent).toEqual({ url: 'http://a:1', noProxy: 'x, y', ca: [] });
    expect(found({ HTTP_PROXY: 'http://c:1', no_proxy: 'z', NO_PROXY: 'x' }).parent).toMatchObject({ noProxy: 'z' });
    expect(found({ ALL_PROXY: 'socks5://c:1' }).parent?.url).toBe('socks5://c:1');
    expect(found({})).toEqual({ parent: undefined, problem: undefined });
    expect(found({ HTTPS_PROXY: '' }).parent).toBeUndefined();
  });

  it.each([
    'http://localhost:4000',
    'http://127.0.0.1:4000/',
    'http://x:y@0x7f.1:4000',
    'http://claude:token@127.0.0.1:5000',
    'http://terminal:token@[::1]:5000',
  ])('passes over %s, which is ours, and takes the next', (url) => {
    expect(found({ HTTPS_PROXY: url })).toEqual({ parent: undefined, problem: undefined });
    expect(found({ HTTPS_PROXY: url, HTTP_PROXY: 'http://company:3128' }).parent?.url).toBe('http://company:3128');
  });

  it.each(['http://localhost:3128', 'http://claude:token@proxy.example:4000', 'http://proxy.example:4000'])(
    'takes %s',
    (url) => {
      expect(found({ HTTPS_PROXY: url }).parent?.url).toBe(url);
    },
  );

  it('says why it does not take one, without its password', () => {
    const { parent, problem } = found({ HTTPS_PROXY: 'ftp://me:hunter2@proxy.example' });
    expect(parent).toBeUndefined();
    expect(problem).toMatch(/^HTTPS_PROXY .*scheme/);
    expect(problem).not.toContain('hunter2');
  });
});

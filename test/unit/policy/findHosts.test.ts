import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findHosts } from '../../../src/core/policy/findHosts';

describe('findHosts', () => {
  it.each([
    ['see https://example.com/a?b#c.', ['example.com']],
    ['fetch("http://EXAMPLE.com:8080/x")', ['example.com']],
    ['HTTPS://x.example', ['x.example']],
    ['wss://x.example/socket', ['x.example']],
    ['https://user:pw@x.example/', ['x.example']],
    ['[a](https://x.example/y) <https://z.example>', ['x.example', 'z.example']],
    ['https://x.example, https://y.example. https://z.example!', ['x.example', 'y.example', 'z.example']],
    ['**https://x.example**', ['x.example']],
    ['https://bücher.example/', ['xn--bcher-kva.example']],
    ['http://[::1]:3000/', ['::1']],
    ['http://127.0.0.1:3000', ['127.0.0.1']],
    ['http://localhost:3000', ['localhost']],
    ['https://x.example:${port}/', ['x.example']],
    ['https://api.${region}.example.com/', []],
    ['https://${host}/a', []],
    ['https://', []],
    ['file:///etc/hosts', []],

    ['host: api.github.com', ['api.github.com']],
    ["const host = 'evil.example';", ['evil.example']],
    ['ping 10.0.0.1 now', ['10.0.0.1']],
    ['api.example.com:443', ['api.example.com']],
    ['git@github.com:owner/name.git', ['github.com']],
    ['x.example.', ['x.example']],
    ['a.io and B.AI', ['a.io', 'b.ai']],
    ['\'vercel.app\' `x.dev` "y.local:80"', ['vercel.app', 'x.dev', 'y.local']],

    // What is not a host.
    ['someone@example.com', []],
    ['package.json README.md main.rs install.sh index.test.ts', []],
    ['console.info("x"); config.dev; this.app; args.in', []],
    ['a.com.b()', []],
    ['node_modules/foo.com/x', []],
    ['v1.2.3 1.2.3.4.5', []],
    ['300.1.1.1', []],
    ['foo-.com', []],
    ['', []],
  ])('%j: %j', (text, expected) => {
    expect(findHosts(text).map(({ host }) => host)).toEqual(expected);
  });

  it('gives the span', () => {
    const text = 'a https://x.example/y b y.example';
    expect(findHosts(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      'https://x.example/y',
      'y.example',
    ]);
  });

  it('is total, in order and without overlaps', () => {
    const piece = fc.constantFrom(
      'https://',
      'a.com',
      '.',
      '/',
      ' ',
      '"',
      '@',
      ':',
      '-',
      '[::1]',
      '1.2.3.4',
      'x',
      '${',
      '}',
      'ü',
      '(',
      ')',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (parts) => {
        let last = 0;
        for (const { start, end, host } of findHosts(parts.join(''))) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(host).not.toBe('');
          last = end;
        }
      }),
    );
  });

  it.each(['https://a', 'a.', 'a-', '1.', 'https://@', '\u00fc'])('does not take long on %j, repeated', (piece) => {
    expect(() => findHosts(piece.repeat(5_000))).not.toThrow();
  });
});

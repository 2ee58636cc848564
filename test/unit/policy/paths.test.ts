import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathOf, readings } from '../../../src/core/policy/paths';

it.each([
  ['/a?b', '/a'],
  ['/a?b?c', '/a'],
  ['/a', '/a'],
  ['?x', ''],
])('the path of %s is %s', (target, path) => {
  expect(pathOf(target)).toBe(path);
});

describe('the work that one path may cause', () => {
  const disguised = '/a%255c//;%255c%5c//.%2f%2f%3b/.%253bq';

  it('is bounded by the length of all readings together', () => {
    expect(readings(`/${'x'.repeat(60_000)}${disguised}`)).toBeUndefined();
    expect(readings(`/${'x'.repeat(8_000)}${disguised}`)).toBeUndefined();
  });

  it('leaves long paths with a few readings alone', () => {
    expect(readings(`/${'x'.repeat(60_000)}`)).toHaveLength(1);
    expect(readings(`/@scope%2f${'x'.repeat(20_000)}`)).toHaveLength(2);
  });
});

describe('readings', () => {
  it.each(['/', '/v1/messages', '/v1/messages?beta=%2e%2e//;', '/a.b/..c/.d/e.', "/~x_-!$&'()*+,=:@/", '*', '/a/'])(
    '%s has one reading',
    (target) => {
      expect(readings(target)).toEqual([pathOf(target)]);
    },
  );

  // threat-model: path disguises. Each must be read, among others, as what a server may make of it.
  it.each([
    ['/@scope%2fname', ['/@scope/name']],
    ['/a/%2e%2e/admin', ['/admin']],
    ['/a/%2E./admin', ['/admin']],
    ['/a/%252e%252e/admin', ['/a/%2e%2e/admin', '/admin']],
    ['/a%2f..%2fadmin', ['/admin']],
    ['/a/..;/admin', ['/admin']],
    ['/a/..;x=1/admin', ['/admin']],
    ['/a/..%3b/admin', ['/admin']],
    ['/a;b=c/d;e', ['/a/d']],
    ['//admin', ['/admin']],
    ['/a///admin', ['/a/admin']],
    ['/a//../admin', ['/admin', '/a/admin']],
    ['/./admin', ['/admin']],
    ['/a/./admin/.', ['/a/admin/']],
    ['/a/../../../admin', ['/admin']],
    ['/a\\..\\admin', ['/admin']],
    ['/a/%5c../admin', ['/admin']],
    ['/a%5cadmin', ['/a/admin']],
    ['/%61dmin', ['/admin']],
    ['/%2561dmin', ['/admin']],
    ['/admin%3fx', ['/admin']],
    ['/admin%23x', ['/admin']],
    ['/admin#x', ['/admin']],
    // Parameters cut before anything is decoded, as Tomcat does it.
    ['/x;%2fy/%61dmin', ['/x/admin', '/x/y/admin']],
    // Everything decoded but the slash, as Envoy and others can be set to.
    ['/%61dmin%2fx', ['/admin%2fx', '/admin/x']],
    ['/a%20b', ['/a b']],
    ['/caf%c3%a9', ['/caf\u00c3\u00a9']],
    ['/a%2', undefined],
    ['/a%', undefined],
    ['/a%zz', undefined],
    ['/a%u002f', undefined],
    ['/a%00', undefined],
    ['/a%2500', undefined],
    ['/a%0d%0ab', undefined],
    ['/a\u0000', undefined],
    ['/a\u007f', undefined],
    ['/a\tb', undefined],
    ['/a%c0%af..%c0%afadmin', undefined],
    ['/a%e0%80%af', undefined],
  ])('%j', (target, expected) => {
    const found = readings(target);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toEqual(expect.arrayContaining([target, ...expected]));
  });

  it('refuses a path with more readings than any real one has', () => {
    expect(
      readings(`/${Array.from({ length: 40 }, (_, i) => `a;%2f${i}//..\\%252e`).join('/')}`)?.length ?? 0,
    ).toBeLessThan(257);
  });

  it('is total, keeps the path as sent first, and never doubles', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2f',
      '%5c',
      '\\',
      ';',
      '%',
      '%25',
      'a',
      '?',
      '#',
      '//',
      '%00',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (parts) => {
        const target = `/${parts.join('')}`;
        const found = readings(target);
        if (found === undefined) return;
        expect(found[0]).toBe(pathOf(target));
        expect(new Set(found).size).toBe(found.length);
        expect(found.every((reading) => !reading.includes('\u0000'))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads a disguised path as the plain one, whatever the disguise', () => {
    const disguises = fc.constantFrom(
      '/./',
      '//',
      '/x/../',
      '/%2e/',
      '/x/%2e%2e/',
      '%2f',
      '/;a/',
      '\\',
      '/x%2f..%2f',
      '%252f',
    );
    fc.assert(
      fc.property(fc.array(disguises, { minLength: 1, maxLength: 3 }), (parts) => {
        const found = readings(`/a${parts.map((part) => `${part}b`).join('')}`);
        expect(found).toContain(`/a${parts.map(() => '/b').join('')}`);
      }),
    );
  });
});

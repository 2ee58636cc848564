import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileGlob, matchesGlob } from '../../../src/core/policy/glob';

const matches = (glob: string, text: string) => matchesGlob(compileGlob(glob), text);

it.each([
  ['/v1/messages', '/v1/messages', true],
  ['/v1/messages', '/v1/messages/', false],
  ['/v1/messages', '/v1/message', false],
  ['/v1/messages', '/V1/messages', false],
  ['/a/*', '/a/b', true],
  ['/a/*', '/a/', true],
  ['/a/*', '/a', false],
  ['/a/*', '/a/b/c', false],
  ['/a/*/c', '/a/b/c', true],
  ['/a/*/c', '/a/b/b/c', false],
  ['/a/**', '/a', true],
  ['/a/**', '/a/', true],
  ['/a/**', '/a/b/c', true],
  ['/a/**', '/ab', false],
  ['/a/**/c', '/a/c', true],
  ['/a/**/c', '/a/b/c', true],
  ['/a/**/c', '/a/b/b/c', true],
  ['/a/**/c', '/a/bc', false],
  ['/a/**/**/c', '/a/c', true],
  ['/a/**/*', '/a/b', true],
  ['/a**', '/abc/d', true],
  ['/a**c', '/abbb/b/c', true],
  ['**/c', '/a/b/c', true],
  ['**', '/', true],
  ['/**', '/', true],
  ['/**', '*', false],
  ['*', '*', true],
  ['/*.json', '/x.json', true],
  ['/*.json', '/x/y.json', false],
  ['/*-*-*', '/a-b-c', true],
  ['/*-*-*', '/a-b', false],
  ['/repos/*/*/issues/**', '/repos/o/r/issues/1/comments', true],
  ['/repos/*/*/issues/**', '/repos/o/r/pulls/1', false],
  ['/x*y*z', '/xyz', true],
  ['/x*y*z', '/x/y/z', false],
  ['/a/**/b/*/c', '/a/x/b/b/y/c', true],
  // What is no wildcard stands for itself.
  ['/a.b', '/axb', false],
  ['/a?', '/ab', false],
  ['/[ab]', '/a', false],
  ['/{a,b}', '/a', false],
  ['/$(x)', '/$(x)', true],
  // Paths travel as bytes, rules are written in Unicode.
  ['/café/**', '/caf\u00c3\u00a9/x', true],
  ['/café', '/caf\u00e9', false],
  ['/😀*', '/\u00f0\u009f\u0098\u0080!', true],
  ['', '', true],
  ['', '/', false],
])('%s on %s: %s', (glob, text, expected) => {
  expect(matches(glob, text)).toBe(expected);
});

/** The same meaning, slow and obvious. */
function reference(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (glob === '/**') return text === '' || text.startsWith('/');
  if (glob.startsWith('/**/')) {
    if (!text.startsWith('/')) return false;
    const rest = glob.slice(4);
    for (let at = 0; at < text.length; at++) if (text[at] === '/' && reference(rest, text.slice(at + 1))) return true;
    return false;
  }
  if (glob.startsWith('**')) {
    for (let at = 0; at <= text.length; at++) if (reference(glob.replace(/^\*+/, ''), text.slice(at))) return true;
    return false;
  }
  if (glob.startsWith('*', 0)) {
    for (let at = 0; at <= text.length; at++) {
      if (reference(glob.slice(1), text.slice(at))) return true;
      if (text[at] === '/') return false;
    }
    return false;
  }
  return text !== '' && text.startsWith(glob.slice(0, 1)) && reference(glob.slice(1), text.slice(1));
}

it('means what the slow definition means', () => {
  const pieces = fc.constantFrom('/', 'a', 'b', '*', '**', '/**', '/**/', '/*');
  const glob = fc
    .array(pieces, { maxLength: 7 })
    .map((parts) => parts.join('').replace(/\*{3,}/g, '**'))
    .map((text) => text.replace(/(?:\/\*\*)+(?=\/|$)/g, '/**'));
  const text = fc.array(fc.constantFrom('/', 'a', 'b'), { maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(glob, text, (pattern, path) => {
      expect(matches(pattern, path)).toBe(reference(pattern, path));
    }),
    { numRuns: 3_000 },
  );
});

it('has no input that takes long', () => {
  const compiled = compileGlob(`/${'*a'.repeat(40)}/${'**b'.repeat(40)}x`);
  expect(matchesGlob(compiled, `/${'a'.repeat(5_000)}/${'b'.repeat(5_000)}`)).toBe(false);
});

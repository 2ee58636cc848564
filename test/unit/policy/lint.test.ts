import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/core/policy/evaluate';
import { lintPolicy } from '../../../src/core/policy/lint';
import { parsePolicy } from '../../../src/core/policy/parse';

function lint(text: string, seen: readonly string[] = []) {
  const { policy, problems } = parsePolicy(text);
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return lintPolicy(policy!, seen);
}
const rule = (match: string, type = 'allow', more = '') =>
  `- { type: ${type}, condition: { match: ${match} }${more} }\n`;
const codes = (text: string, seen: readonly string[] = []) =>
  lint(text, seen).map(({ code, range }) => `${code} ${text.slice(0, range.start).split('\n').length}`);

describe('rules that never decide', () => {
  it.each([
    [rule('{ host: a.example }') + rule('{ host: a.example }'), ['duplicate 2']],
    [rule('{ host: a.example }') + rule('{ host: a.example }', 'block'), []],
    [rule('{ host: a.example, port: any }') + rule('{ host: a.example }', 'block'), ['shadowed 2']],
    [rule('{ host: a.example }', 'block') + rule('{ host: a.example, port: 8443, path: /x }'), ['shadowed 2']],
    [rule('{ host: "*.a.example" }') + rule('{ host: b.a.example, path: /x }'), ['shadowed 2']],
    [rule('{ host: "*.a.example" }') + rule('{ host: "*.b.a.example" }'), ['shadowed 2']],
    [rule('{ host: "*.b.a.example" }') + rule('{ host: "*.a.example" }'), []],
    [rule('{ host: "*.a.example" }') + rule('{ host: a.example }'), []],
    [rule('{ host: [a.example, b.example] }') + rule('{ host: b.example }'), ['shadowed 2']],
    [rule('{ host: a.example }') + rule('{ host: [a.example, b.example] }'), []],
    [rule('{ host: 10.0.0.0/8 }') + rule('{ host: 10.1.2.3 }'), ['shadowed 2']],
    [rule('{ host: a.example, path: /a/** }') + rule('{ host: a.example, path: [/a, /a/b/*] }'), ['shadowed 2']],
    [rule('{ host: a.example, path: /a/** }') + rule('{ host: a.example, path: /ab }'), []],
    [rule('{ host: a.example, path: "/a/*" }') + rule('{ host: a.example, path: "/a/*/c" }'), []],
    [rule('{ host: a.example, path: /a }') + rule('{ host: a.example }'), []],
    [rule('{ host: a.example, method: [GET, POST] }') + rule('{ host: a.example, method: GET }'), ['shadowed 2']],
    [rule('{ host: a.example, scheme: https }') + rule('{ host: a.example }'), []],
    [rule('{ host: a.example, agent: claude }') + rule('{ host: a.example, agent: codex }'), []],
    [rule('{ host: a.example, port: [80, 443] }') + rule('{ host: a.example, port: 443 }'), ['shadowed 2']],
    [rule('{ host: a.example }') + rule('{ host: a.example, port: 443 }'), []],
    [rule('{ method: GET }', 'block') + rule('{ host: a.example, method: GET }'), ['shadowed 2']],
  ])('%s', (text, expected) => {
    expect(codes(text)).toEqual(expected);
  });

  it('never calls a rule shadowed that decides some request', () => {
    const hosts = fc.subarray(['a.example', 'b.a.example', '*.a.example', '10.0.0.0/8'], { minLength: 1 });
    const paths = fc.option(fc.constantFrom('/a', '/a/**', '/*', '/a/*/c', '**', '/a/b/**'), { nil: undefined });
    const rules = fc.array(
      fc.record({
        type: fc.constantFrom('allow', 'block'),
        host: hosts,
        path: paths,
        method: fc.option(fc.constantFrom('GET', 'POST'), { nil: undefined }),
        port: fc.option(fc.constantFrom('any', 443, 8443), { nil: undefined }),
      }),
      { minLength: 2, maxLength: 4 },
    );
    const requests = ['a.example', 'b.a.example', 'c.b.a.example', '10.1.1.1'].flatMap((host) =>
      ['/a', '/a/b', '/a/b/c', '/x'].flatMap((path) =>
        [443, 8443].flatMap((port) =>
          ['GET', 'POST'].map((method) => ({ scheme: 'https' as const, host, path, port, method })),
        ),
      ),
    );
    fc.assert(
      fc.property(rules, (list) => {
        const text = JSON.stringify(list.map(({ type, ...match }) => ({ type, condition: { match } })));
        const { policy } = parsePolicy(text);
        const deciding = new Set(requests.map((request) => evaluate(policy!, request).rule?.range.start));
        for (const { code, range } of lintPolicy(policy!, []))
          if (code === 'shadowed' || code === 'duplicate') expect(deciding.has(range.start)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('rules that open too much', () => {
  it.each([
    [rule('{ host: "*" }', 'allow', ', acknowledge: any-host'), ['too-broad 1']],
    [rule('{ host: "*.com" }', 'allow', ', acknowledge: any-host'), ['too-broad 1']],
    [rule('{ method: GET }', 'allow', ', acknowledge: any-host'), ['too-broad 1']],
    [rule('{ host: "*.github.io" }'), ['too-broad 1']],
    [rule('{ host: "*.mine.github.io" }'), []],
    [rule('{ host: "*" }', 'block'), []],
    [rule('{ host: "*.github.io" }', 'block'), []],
  ])('%s', (text, expected) => {
    expect(codes(text)).toEqual(expected);
  });
});

it.each([
  [rule('{ host: a.example, path: /x }', 'block') + rule('{ host: a.example }', 'tunnel'), ['never-unread 2']],
  [rule('{ host: a.example, path: /x }') + rule('{ host: a.example }', 'tunnel'), ['never-unread 2']],
  [rule('{ host: b.example, path: /x }') + rule('{ host: a.example }', 'tunnel'), []],
  [rule('{ host: a.example }', 'tunnel') + rule('{ host: a.example, path: /x }', 'block'), []],
])('tunnels that are read: %s', (text, expected) => {
  expect(codes(text)).toEqual(expected);
});

it.each([
  ['mode: enforce', 'a.example', 'a.example', []],
  ['mode: enforce', 'a.example', 'b.example', ['secret-unreachable']],
  ['mode: enforce', '"*.a.example"', 'b.a.example', []],
  ['mode: enforce', 'b.a.example', '"*.a.example"', []],
  ['mode: enforce', '10.0.0.0/8', '10.1.1.1', []],
  ['mode: enforce', '10.1.1.1', '10.0.0.0/8', []],
  ['mode: monitor', 'a.example', 'b.example', []],
  ['default: allow', 'a.example', 'b.example', []],
])('secrets: %s, bound to %s, allowed %s', (top, bound, allowed, expected) => {
  const text = `${top}\nrules:\n  ${rule(`{ host: ${allowed} }`)}secrets: { T: { hosts: [${bound}], in: basic } }\n`;
  expect(lint(text).map(({ code }) => code)).toEqual(expected);
});

it('runs the tests of the policy', () => {
  const text = `rules:
  ${rule('{ host: a.example, path: /gists/** }', 'block')}  ${rule('{ host: a.example }')}tests:
  - { request: "GET https://a.example/user", expect: allow }
  - { request: "GET https://a.example/gists", expect: allow }
  - { request: "GET https://a..example/", expect: block }
`;
  expect(lint(text).map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'test-failed: Expected allow. rule 1 blocks GET https://a.example/gists.',
    'test-failed: Expected block. This is no request: a label of the host is empty, too long or ends in a hyphen.',
  ]);
});

it('names hosts that were seen and that no rule speaks of', () => {
  const text = `mode: monitor\nrules:\n  ${rule('{ host: a.example, path: /x }')}`;
  expect(lint(text, ['a.example', 'b.example', 'b.example']).map(({ host, message }) => [host, message])).toEqual([
    ['b.example', 'b.example was seen and no rule speaks of it: it is let through and marked.'],
  ]);
  expect(lint('[]', ['b.example'])[0]?.message).toContain('it is blocked');
  expect(lint(rule('{ method: GET }', 'block'), ['b.example'])).toEqual([]);
});

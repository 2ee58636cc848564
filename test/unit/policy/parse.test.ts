import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/core/policy/evaluate';
import { parsePolicy } from '../../../src/core/policy/parse';

/** `code line:column` of each problem. */
const problems = (text: string) =>
  parsePolicy(text).problems.map(({ code, line, column }) => `${code} ${line}:${column}`);
const rule = (fields: string) => `- { type: allow, ${fields} }`;

const FULL = `version: 1
mode: enforce            # what happens to a request that default would refuse
default: block           # when no rule matches
rules:
  - type: allow
    description: Allow Claude Code to access Anthropic completions
    condition:
      match: { host: api.anthropic.com, method: POST, path: /v1/messages }
  - type: block
    description: No gists, GitHub is allowed below
    condition:
      match: { host: api.github.com, path: /gists/** }
    action: deny
  - type: allow
    condition:
      match: { host: [github.com, "*.GitHub.com."], method: [GET, HEAD], port: [443, 8443], scheme: https, agent: claude }
    addresses: any
  - type: tunnel
    description: Pinned certificate, cannot be inspected
    acknowledge: any-host
    condition:
      match: { host: "*" , port: any }
secrets:
  GITHUB_TOKEN:
    hosts: [api.github.com, github.com]
    in: [header:authorization, basic]
  NOWHERE:
    hosts: []
tests:
  - { request: "GET https://api.github.com/user", expect: allow }
  - { request: "POST https://api.github.com/gists", expect: block }
`;

describe('forms', () => {
  it('reads the full form', () => {
    const parsed = parsePolicy(FULL);
    expect(parsed.problems).toEqual([]);
    const { rules, secrets, tests, ...rest } = parsed.policy!;
    expect(rest).toEqual({ mode: 'enforce', default: 'block' });
    expect(rules.map(({ range, ...fields }) => [fields, FULL.slice(range.start, range.end).split(':')[0]])).toEqual([
      [
        {
          index: 0,
          type: 'allow',
          description: 'Allow Claude Code to access Anthropic completions',
          match: { host: ['api.anthropic.com'], method: ['POST'], path: ['/v1/messages'] },
          addresses: 'public',
          acknowledged: false,
        },
        'type',
      ],
      [
        {
          index: 1,
          type: 'block',
          description: 'No gists, GitHub is allowed below',
          match: { host: ['api.github.com'], path: ['/gists/**'] },
          addresses: 'public',
          acknowledged: false,
        },
        'type',
      ],
      [
        {
          index: 2,
          type: 'allow',
          description: undefined,
          match: {
            host: ['github.com', '*.github.com'],
            method: ['GET', 'HEAD'],
            port: [443, 8443],
            scheme: ['https'],
            agent: ['claude'],
          },
          addresses: 'any',
          acknowledged: false,
        },
        'type',
      ],
      [
        {
          index: 3,
          type: 'tunnel',
          description: 'Pinned certificate, cannot be inspected',
          match: { host: ['*'], port: 'any' },
          addresses: 'public',
          acknowledged: true,
        },
        'type',
      ],
    ]);
    expect(secrets.map(({ name, hosts, in: places }) => [name, hosts, places])).toEqual([
      ['GITHUB_TOKEN', ['api.github.com', 'github.com'], ['header:authorization', 'basic']],
      ['NOWHERE', [], []],
    ]);
    expect(tests.map(({ request, expect: expected }) => [request, expected])).toEqual([
      ['GET https://api.github.com/user', 'allow'],
      ['POST https://api.github.com/gists', 'block'],
    ]);
  });

  // The two documents of the specification, as they stand.
  const request = { scheme: 'https', host: 'api.anthropic.com', port: 443, method: 'POST' } as const;
  it.each([
    [
      '{"type":"allow","description":"Allow Claude Code to access Anthropic completions","condition":{"match":{"host":"api.anthropic.com","method":"POST","path":"/v1/complete"}}}',
      '/v1/complete',
      'allow',
    ],
    [
      '{"type":"block","description":"…","condition":{"match":{"host":"api.anthropic.com","method":"POST","path":"/v1/messages"}},"action":"deny"}',
      '/v1/messages',
      'block',
    ],
  ])('reads a single rule as JSON', (text, path, action) => {
    const { policy, problems: found } = parsePolicy(text);
    expect(found).toEqual([]);
    expect([policy?.mode, policy?.default, policy?.rules.length]).toEqual(['enforce', 'block', 1]);
    expect(evaluate(policy!, { ...request, path })).toMatchObject({ action, rule: { index: 0 } });
    expect(evaluate(policy!, { ...request, path: '/other' })).toMatchObject({ action: 'block', rule: undefined });
  });

  it.each([
    ['[]', 0],
    ['rules: []', 0],
    ['rules:', 0],
    ['mode: monitor', 0],
    [
      '- type: allow\n  condition: { match: { host: a.example } }\n- type: block\n  condition: { match: { host: b.example } }',
      2,
    ],
    ['[{"type":"allow","condition":{"match":{"host":"a.example"}}}]', 1],
    ['{\n\t"rules": [\n\t\t{ "type": "allow", "condition": { "match": { "host": "a.example" } } }\n\t]\n}', 1],
    ['\uFEFFrules:\r\n  - type: allow\r\n    condition:\r\n      match:\r\n        host: a.example\r\n', 1],
    ['---\nrules: []\n', 0],
  ])('reads %j', (text, count) => {
    expect(parsePolicy(text).problems).toEqual([]);
    expect(parsePolicy(text).policy?.rules).toHaveLength(count);
  });

  it('says that "ask" blocks, without refusing the file', () => {
    expect(problems('mode: ask')).toEqual(['ask-blocks 1:7']);
    expect(parsePolicy('mode: ask').policy?.mode).toBe('ask');
  });
});

describe('what is refused, and where', () => {
  it.each([
    ['', ['empty 1:1']],
    ['# nothing but a comment\n', ['empty 1:1']],
    ['---\n', ['empty 1:4']],
    ['null', ['empty 1:1']],
    ['hello', ['bad-value 1:1']],
    ['42', ['bad-value 1:1']],
    ['a: [', ['yaml 1:5']],
    ['a: "', ['yaml 1:5']],
    ['rules: []\n---\nrules: []', ['yaml 2:1']],
    ['x: *a', ['alias 1:4']],
    ['x: &a 1', ['alias 1:4']],
    ['a: 1\nb: !!str x', ['tag 2:4']],
    ['%YAML 1.1\n---\nmode: monitor', ['directive 1:1']],
    ['[['.repeat(40), ['too-deep 1:33']],

    ['version: 2', ['bad-value 1:10']],
    ['version: "1"', ['bad-value 1:10']],
    ['mode: Enforce', ['bad-value 1:7']],
    ['mode:', ['bad-value 1:6']],
    ['mode: true', ['bad-value 1:7']],
    ['default: deny', ['bad-value 1:10']],
    ['rulez: []', ['unknown-key 1:1']],
    ['rules: {}', ['bad-value 1:8']],
    ['rules: [1]', ['bad-value 1:9']],
    ['rules: []\nrules: []', ['duplicate-key 2:1']],
    ['<<: {mode: monitor}', ['unknown-key 1:1']],

    [rule('condition: { match: { host: a.example } }, type: allow'), ['duplicate-key 1:61']],
    ['- condition: { match: { host: a.example } }', ['missing-type 1:3']],
    ['- type: permit\n  condition: { match: { host: a.example } }', ['bad-value 1:9']],
    ['- type: allow', ['missing-condition 1:3']],
    ['- type: block', ['missing-condition 1:3']],
    ['- type: allow\n  condition:', ['missing-condition 2:13']],
    ['- type: allow\n  condition: a.example', ['missing-condition 2:14']],
    ['- type: allow\n  condition: { host: a.example }', ['unknown-key 2:16', 'missing-condition 2:14']],
    ['- type: allow\n  condition: { match: {} }', ['missing-condition 2:23']],
    ['- type: allow\n  match: { host: a.example }', ['unknown-key 2:3', 'missing-condition 1:3']],
    [rule('condition: { match: { hots: a.example } }'), ['unknown-key 1:40']],
    [rule('condition: { match: { host: [] } }'), ['bad-value 1:46']],
    [rule('condition: { match: { host: 1.5 } }'), ['bad-value 1:46']],
    [rule('condition: { match: { host: "https://a.example/" } }'), ['bad-value 1:46']],
    [rule('condition: { match: { host: "a.example:80" } }'), ['bad-value 1:46']],
    [rule('condition: { match: { host: a.example, path: x } }'), ['bad-value 1:63']],
    [rule('condition: { match: { host: a.example, path: "/a?b" } }'), ['bad-value 1:63']],
    [rule('condition: { match: { host: a.example, method: get } }'), ['bad-value 1:65']],
    [rule('condition: { match: { host: a.example, method: "*" } }'), ['bad-value 1:65']],
    [rule('condition: { match: { host: a.example, port: 0 } }'), ['bad-value 1:63']],
    [rule('condition: { match: { host: a.example, port: 65536 } }'), ['bad-value 1:63']],
    [rule('condition: { match: { host: a.example, port: "443" } }'), ['bad-value 1:63']],
    [rule('condition: { match: { host: a.example, port: [80, any] } }'), ['bad-value 1:63']],
    [rule('condition: { match: { host: a.example, scheme: ftp } }'), ['bad-value 1:65']],
    [rule('description: 5, condition: { match: { host: a.example } }'), ['bad-value 1:31']],
    [rule('addresses: private, condition: { match: { host: a.example } }'), ['bad-value 1:29']],
    [rule('action: deny, condition: { match: { host: a.example } }'), ['conflict 1:26']],
    ['- { type: block, action: allow, condition: { match: { host: a.example } } }', ['conflict 1:26']],
    ['- { type: tunnel, condition: { match: { host: a.example, path: /x } } }', ['bad-value 1:3']],

    [rule('condition: { match: { host: "*" } }'), ['any-host 1:3']],
    [rule('condition: { match: { host: "*.com" } }'), ['any-host 1:3']],
    [rule('condition: { match: { host: "*.COM." } }'), ['any-host 1:3']],
    [rule('condition: { match: { host: "*.ｃｏｍ" } }'), ['any-host 1:3']],
    [rule('condition: { match: { host: [a.example, 0.0.0.0/0] } }'), ['any-host 1:3']],
    [rule('condition: { match: { method: GET } }'), ['any-host 1:3']],
    ['- { type: tunnel, condition: { match: { host: "*" } } }', ['any-host 1:3']],
    ['- { type: block, condition: { match: { host: "*" } } }', []],
    [rule('acknowledge: any-host, condition: { match: { host: "*" } }'), []],
    [rule('acknowledge: true, condition: { match: { host: "*" } }'), ['bad-value 1:31', 'any-host 1:3']],
    ['- { type: block, addresses: any, condition: { match: { host: a.example } } }', ['no-effect 1:29']],

    [
      '- { type: reroute, condition: { match: { host: a.example } }, action: { to: "http://x" } }',
      ['not-supported-yet 1:11'],
    ],
    ...['limit: { requests: 60, per: minute }', 'expires: 2026-12-31T00:00Z'].map(
      (key) =>
        [rule(`${key}, condition: { match: { host: a.example } }`), ['not-supported-yet 1:18']] as [string, string[]],
    ),
    ...(
      [
        ['upstream: { ca: a.pem, clientCert: ~/b.pem }', []],
        ['upstream: { ca: [a.pem, /b.pem], clientCert: { cert: c.pem, key: k.pem } }', []],
        ['upstream: { insecure: a test server }', []],
        ['websocket: refuse', []],
        ['detection: mask', []],
        ['credentials: none', []],
        ['detection: ignore', ['bad-value 1:29']],
        ['credentials: own', ['bad-value 1:31']],
        ['upstream: {}', ['bad-value 1:28']],
        ['upstream: a.pem', ['bad-value 1:28']],
        ['upstream: { cas: a.pem }', ['unknown-key 1:30']],
        ['upstream: { ca: [] }', ['bad-value 1:34']],
        ['upstream: { ca: 1 }', ['bad-value 1:34']],
        ['upstream: { ca: "a\\0b" }', ['bad-value 1:34']],
        ['upstream: { clientCert: 1 }', ['bad-value 1:42']],
        ['upstream: { clientCert: { cert: a.pem } }', ['bad-value 1:42']],
        ['upstream: { clientCert: { cert: a.pem, key: [] } }', ['bad-value 1:62']],
        ['upstream: { insecure: true }', ['bad-value 1:40']],
        ['upstream: { insecure: " " }', ['bad-value 1:40']],
        ['upstream: { insecure: }', ['bad-value 1:40']],
        ['upstream: { ca: a.pem, insecure: x }', ['conflict 1:51']],
        ['websocket: allow', ['bad-value 1:29']],
      ] as const
    ).map(
      ([field, expected]) =>
        [rule(`${field}, condition: { match: { host: a.example } }`), [...expected]] as [string, string[]],
    ),
    ['- { type: block, upstream: { ca: a }, condition: { match: { host: a.example } } }', ['conflict 1:28']],
    ['- { type: tunnel, upstream: { ca: a }, condition: { match: { host: a.example } } }', ['conflict 1:29']],
    ['- { type: block, websocket: refuse, condition: { match: { host: a.example } } }', ['conflict 1:29']],
    ['- { type: block, detection: mark, condition: { match: { host: a.example } } }', ['conflict 1:29']],
    ...['query', 'header', 'contentType', 'maxBodyBytes'].map(
      (key) =>
        [rule(`condition: { match: { host: a.example, ${key}: {} } }`), ['not-supported-yet 1:57']] as [
          string,
          string[],
        ],
    ),
    ...['all', 'any', 'not'].map(
      (key) =>
        [rule(`condition: { ${key}: [] }`), ['not-supported-yet 1:31', 'missing-condition 1:29']] as [string, string[]],
    ),

    ['secrets: []', ['bad-value 1:10']],
    ['secrets:\n  A:', ['bad-value 2:5']],
    ['secrets: { A: { hosts: a.example } }', ['bad-value 1:15']],
    ['secrets: { A: { in: basic } }', ['bad-value 1:15']],
    ['secrets: { A: { hosts: "*", in: basic } }', ['bad-value 1:24']],
    ['secrets: { A: { hosts: "*.com", in: basic } }', ['bad-value 1:24']],
    ['secrets: { A: { hosts: a.example, in: body } }', ['bad-value 1:39']],
    ['secrets: { A: { hosts: a.example, in: "body:" } }', ['bad-value 1:39']],
    ['secrets: { A: { hosts: a.example, in: websocket } }', []],
    ['secrets: { A: { hosts: a.example, in: aws4 } }', []],
    ['secrets: { A: { hosts: a.example, in: aws } }', ['bad-value 1:39']],
    ['secrets: { A: { hosts: a.example, in: [path, "body:a.b 1"] } }', []],
    ['secrets: { A: { hosts: a.example, in: header:cookie } }', ['bad-value 1:39']],
    ['secrets: { A: { hosts: a.example, in: header:User-Agent } }', ['bad-value 1:39']],
    ['secrets: { A: { hosts: [], in: basic }, A: { hosts: [] } }', ['duplicate-key 1:41']],
    ['secrets: { 1: { hosts: [] } }', ['bad-value 1:12']],
    ['tests: {}', ['bad-value 1:8']],
    ['tests: [x]', ['bad-value 1:9']],
    ['tests: [{ request: /x, expect: allow }]', ['bad-value 1:9']],
    ['tests: [{ request: "GET https://a.example/" }]', ['bad-value 1:9']],
    ['tests: [{ request: "GET https://a.example/", expect: deny }]', ['bad-value 1:54', 'bad-value 1:9']],
  ])('%j', (text, expected) => {
    expect(problems(text)).toEqual(expected);
    expect(parsePolicy(text).policy === undefined).toBe(expected.some((code) => !code.startsWith('no-effect')));
  });

  it('suggests the key that was meant', () => {
    expect(parsePolicy(rule('condition: { match: { host: a.example, metod: GET } }')).problems[0]?.message).toBe(
      '"metod" is not a key of a match (did you mean "method"?). Known: host, port, scheme, method, path, agent.',
    );
    expect(parsePolicy('mode: montor').problems[0]?.message).toContain('did you mean "monitor"?');
  });

  it('says that a later key refuses the file rather than be ignored', () => {
    expect(
      parsePolicy('- {type: allow, limit: {}, condition: {match: {host: a.example}}}').problems[0]?.message,
    ).toContain('refuses the file rather than ignore the limit');
  });

  it('gives ranges in the text', () => {
    const text = 'rules:\r\n  - type: allow\r\n    wrong: 1\r\n    condition: { match: { host: a.example } }\r\n';
    const [problem] = parsePolicy(text).problems;
    expect(text.slice(problem!.range.start, problem!.range.end)).toBe('wrong');
    expect([problem!.line, problem!.column]).toEqual([3, 5]);
  });
});

describe('never throws', () => {
  it('on any text', () => {
    const words = fc.constantFrom(
      'rules:',
      '- ',
      'type: allow',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      "'",
      '#',
      '|',
      '&',
      '*',
      '!',
      '%',
      '\t',
      'host',
      '\u0000',
      '\uFEFF',
      '?',
      '<<',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 4 })), { maxLength: 30 }), (parts) => {
        const { policy, problems: found } = parsePolicy(parts.join(''));
        if (policy === undefined) expect(found.some(({ severity }) => severity === 'error')).toBe(true);
        for (const { line, column } of found) expect(line > 0 && column > 0).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(['[', '{a: ', '- ', '? ', 'a: ', '!a ', '&a ', 'a: ]\n', '"', '\t', '[a, ', '{', '- - '])(
    'on %j without end',
    (piece) => {
      expect(parsePolicy(piece.repeat(20_000)).policy).toBeUndefined();
    },
  );
});

it('reads what a rule says of its upstream', () => {
  const text = `- type: allow
  websocket: refuse
  upstream:
    ca: a.pem
    clientCert: both.pem
  condition: { match: { host: a.example } }
- { type: allow, upstream: { insecure: "lab, self-signed" }, condition: { match: { host: b.example } } }
`;
  const [first, second] = parsePolicy(text).policy!.rules;
  expect(first).toMatchObject({
    websocket: 'refuse',
    upstream: { ca: ['a.pem'], clientCert: { cert: 'both.pem', key: 'both.pem' } },
  });
  expect(second!.upstream).toEqual({ insecure: 'lab, self-signed' });
  expect(second!.websocket).toBeUndefined();
});

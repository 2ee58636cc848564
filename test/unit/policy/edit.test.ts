import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addRule,
  blockHost,
  type EditResult,
  moveRule,
  removeRule,
  setDefault,
  setMode,
  updateRule,
} from '../../../src/core/policy/edit';
import { evaluate } from '../../../src/core/policy/evaluate';
import { parsePolicy } from '../../../src/core/policy/parse';
import { type NewRule, newRuleOf, sameRule } from '../../../src/core/policy/ruleText';
import { applySplice } from '../../../src/core/policy/yamlSplice';

const FULL = `# head
version: 1
mode: monitor   # let through
default: block

rules:   # the rules
  # --- Claude
  - type: allow   # yes
    description: "Claude: messages"
    condition:
      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, '/v1/x'] }
    # a note in the rule

  # --- GitHub
  - description: |
      Two lines
      # not a comment
    type: block
    condition:
      match:
        host:
          - github.com   # the site
          - "*.github.com"
        path: '/gists/**'
    action: deny
  - { type: tunnel, condition: { match: { host: t.example, port: 22 } } }

  # - type: allow
  #   commented: out

secrets:
  T: { hosts: [api.github.com], in: basic }   # bound
tests: []
`;

const JSON_LIST = `[
  {
    "type": "allow",
    "condition": { "match": { "host": "a.example", "method": ["GET", "HEAD"] } }
  },
  {
    "type": "block",
    "description": "b",
    "condition": { "match": { "host": "b.example" } },
    "action": "deny"
  }
]
`;
const SINGLE = `# one rule
type: block
description: >-
  folded
  text
condition:
  match:
    host: b.example # bee
`;
const NEW: NewRule = { type: 'block', description: 'Block x.example', host: ['x.example'], port: 'any' };

function textOf(result: EditResult): string {
  expect(result.ok ? '' : result.error.message).toBe('');
  return result.ok ? result.value.text : '';
}
const rulesOf = (text: string) => parsePolicy(text).policy!.rules.map(newRuleOf);
const failure = (result: EditResult) => (result.ok ? undefined : result.error.reason);
/** Lines that an edit took out and put in. */
function difference(before: string, after: string): string[] {
  const old = before.split('\n');
  const fresh = after.split('\n');
  let head = 0;
  while (head < old.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (
    tail < Math.min(old.length, fresh.length) - head &&
    old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]
  )
    tail++;
  return [
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...fresh.slice(head, fresh.length - tail).map((line) => `+${line}`),
  ];
}

describe('addRule', () => {
  const lines = [
    '  - type: block',
    '    description: Block x.example',
    '    condition:',
    '      match: { host: x.example, port: any }',
  ];

  it.each([[0], [1], [2], [3], [undefined]])('puts four lines at %s and changes nothing else', (at) => {
    const text = textOf(addRule(FULL, NEW, at === undefined ? {} : { at }));
    expect(difference(FULL, text).sort()).toEqual(lines.map((line) => `+${line}`).sort());
    expect(rulesOf(text)[at ?? 3]).toMatchObject(NEW);
  });

  it('keeps the comment above a rule with that rule', () => {
    const text = textOf(addRule(FULL, NEW, { at: 1 }));
    expect(text).toContain(`${lines.join('\n')}\n  # --- GitHub\n  - description`);
    expect(textOf(addRule(FULL, NEW, { at: 0 }))).toContain(
      `rules:   # the rules\n${lines.join('\n')}\n  # --- Claude`,
    );
  });

  it.each([
    ['rules: []\n', `rules:\n${lines.join('\n')}\n`],
    ['rules: [] # none\nmode: ask\n', `rules: # none\n${lines.join('\n')}\nmode: ask\n`],
    ['rules:\n', `rules:\n${lines.join('\n')}\n`],
    ['rules:', `rules:\n${lines.join('\n')}`],
    ['mode: ask # x', `mode: ask # x\nrules:\n${lines.join('\n')}`],
    ['mode: ask\n', `mode: ask\nrules:\n${lines.join('\n')}\n`],
    ['[]\n', '[{ type: block, description: Block x.example, condition: { match: { host: x.example, port: any } } }]\n'],
    [
      '{"mode":"ask"}',
      '{"mode":"ask", "rules": [{"type":"block","description":"Block x.example","condition":{"match":{"host":"x.example","port":"any"}}}]}',
    ],
    [
      '{"rules":[]}',
      '{"rules": [{"type":"block","description":"Block x.example","condition":{"match":{"host":"x.example","port":"any"}}}]}',
    ],
    [
      '- type: block\n  condition: { match: { host: b.example } }',
      '- type: block\n  condition: { match: { host: b.example } }\n- type: block\n  description: Block x.example\n  condition:\n    match: { host: x.example, port: any }',
    ],
  ])('into %j', (before, after) => {
    const text = textOf(addRule(before, NEW));
    // JSON stays JSON, YAML's own flow style its own.
    if (before === '[]\n') expect(rulesOf(text)).toHaveLength(1);
    else expect(text).toBe(after);
  });

  it('makes a list of a single rule', () => {
    const text = textOf(addRule(SINGLE, NEW, { at: 0 }));
    expect(text).toBe(`- type: block
  description: Block x.example
  condition:
    match: { host: x.example, port: any }
# one rule
- type: block
  description: >-
    folded
    text
  condition:
    match:
      host: b.example # bee
`);
    expect(rulesOf(text)[1]?.description).toBe('folded text');
    const json = '{"type":"allow","condition":{"match":{"host":"a.example"}}}\n';
    expect(rulesOf(textOf(addRule(json, NEW, { at: 0 }))).map(({ type }) => type)).toEqual(['block', 'allow']);
    expect(() => JSON.parse(textOf(addRule(json, NEW, { at: 0 }))) as unknown).not.toThrow();
  });

  it('keeps JSON JSON, each rule on lines of its own', () => {
    for (const at of [0, 1, 2]) {
      const text = textOf(addRule(JSON_LIST, NEW, { at }));
      expect(JSON.parse(text)).toHaveLength(3);
      expect(text).toMatch(/\n {2}\{"type":"block","description":"Block x\.example".*\},?\n/);
    }
  });

  it('keeps the line ends and the byte order mark', () => {
    const text = textOf(addRule(`\uFEFF${FULL.replaceAll('\n', '\r\n')}`, NEW, { at: 1 }));
    expect(text.replaceAll('\r\n', '')).not.toContain('\n');
    expect(text.startsWith('\uFEFF#')).toBe(true);
    const single = '\uFEFFtype: block\r\ncondition: { match: { host: b.example } }\r\n';
    expect(textOf(setMode(single, 'monitor')).startsWith('\uFEFFmode: monitor\r\nrules:\r\n- type: block')).toBe(true);
  });

  it('refuses what would not be a policy', () => {
    expect(failure(addRule('rules: [', NEW))).toBe('invalid-policy');
    expect(failure(addRule('', NEW))).toBe('invalid-policy');
    expect(failure(addRule(FULL, { type: 'allow', host: ['*'] }))).toBe('unsupported');
    expect(failure(addRule(FULL, { type: 'allow', host: ['not a host'] }))).toBe('unsupported');
    expect(failure(addRule(FULL, { type: 'allow' }))).toBe('unsupported');
  });
});

describe('blockHost', () => {
  it('blocks in front of everything, once', () => {
    const once = textOf(blockHost(FULL, 'github.com'));
    const request = { scheme: 'https', host: 'github.com', port: 443, method: 'GET', path: '/' } as const;
    expect(evaluate(parsePolicy(once).policy!, request)).toMatchObject({ effective: 'block', rule: { index: 0 } });
    const again = blockHost(once, 'github.com');
    expect(again).toEqual({
      ok: true,
      value: { text: once, splice: { start: once.length, end: once.length, text: '' } },
    });
  });
});

describe('removeRule', () => {
  it('takes the lines of the rule and nothing else', () => {
    expect(difference(FULL, textOf(removeRule(FULL, 0)))).toEqual([
      '-  - type: allow   # yes',
      '-    description: "Claude: messages"',
      '-    condition:',
      "-      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, '/v1/x'] }",
      '-    # a note in the rule',
    ]);
    expect(textOf(removeRule(FULL, 1))).not.toContain('not a comment');
    expect(textOf(removeRule(FULL, 1))).toContain('# --- GitHub\n  - { type: tunnel');
    expect(textOf(removeRule(FULL, 2))).toContain('action: deny\n\n  # - type: allow\n');
  });

  it.each([
    [
      'rules: # r\n  # c\n  - type: block\n    condition: { match: { host: a.example } }\nmode: ask\n',
      'rules: [] # r\n  # c\nmode: ask\n',
    ],
    ['- type: block\n  condition: { match: { host: a.example } }\n', '[]\n'],
    ['# c\ntype: block\ncondition: { match: { host: a.example } }\n', '# c\n[]\n'],
    ['{"type":"block","condition":{"match":{"host":"a.example"}}}', '[]'],
    ['rules: [{ type: block, condition: { match: { host: a.example } } }] # x\n', 'rules: [] # x\n'],
  ])('the last one of %j', (before, after) => {
    expect(textOf(removeRule(before, 0))).toBe(after);
  });

  it('keeps JSON JSON', () => {
    expect(JSON.parse(textOf(removeRule(JSON_LIST, 0)))).toHaveLength(1);
    expect(JSON.parse(textOf(removeRule(JSON_LIST, 1)))).toHaveLength(1);
  });

  it('knows that there is no such rule', () => {
    expect([-1, 3, 0.5, NaN].map((index) => failure(removeRule(FULL, index)))).toEqual(Array(4).fill('no-such-rule'));
  });
});

describe('updateRule', () => {
  const change = (index: number, fields: Partial<NewRule>, text = FULL) =>
    difference(text, textOf(updateRule(text, index, { ...rulesOf(text)[index]!, ...fields })));

  it.each<[string, number, Partial<NewRule>, string[]]>([
    ['nothing', 0, {}, []],
    [
      'a scalar in braces',
      0,
      { method: ['GET'] },
      [
        "-      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, '/v1/x'] }",
        "+      match: { host: api.anthropic.com, method: GET, path: [/v1/messages, '/v1/x'] }",
      ],
    ],
    [
      'an entry of a list',
      0,
      { path: ['/v1/messages', '/v1/y', '/v1/z'] },
      [
        "-      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, '/v1/x'] }",
        '+      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, /v1/y, /v1/z] }',
      ],
    ],
    [
      'a new key in braces',
      0,
      { port: [8443] },
      [
        "-      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, '/v1/x'] }",
        "+      match: { host: api.anthropic.com, port: 8443, method: POST, path: [/v1/messages, '/v1/x'] }",
      ],
    ],
    [
      'a key gone from braces',
      0,
      { path: undefined },
      [
        "-      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, '/v1/x'] }",
        '+      match: { host: api.anthropic.com, method: POST }',
      ],
    ],
    [
      'a quoted text',
      0,
      { description: 'It\'s "new"' },
      ['-    description: "Claude: messages"', '+    description: "It\'s \\"new\\""'],
    ],
    ['a text gone', 0, { description: undefined }, ['-    description: "Claude: messages"']],
    ['a new key', 0, { addresses: 'any' }, ['+    addresses: any']],
    ['the type', 0, { type: 'block' }, ['-  - type: allow   # yes', '+  - type: block   # yes']],
    [
      'the type with its action',
      1,
      { type: 'allow' },
      [
        '-    type: block',
        '-    condition:',
        '-      match:',
        '-        host:',
        '-          - github.com   # the site',
        '-          - "*.github.com"',
        "-        path: '/gists/**'",
        '-    action: deny',
        '+    type: allow',
        '+    condition:',
        '+      match:',
        '+        host:',
        '+          - github.com   # the site',
        '+          - "*.github.com"',
        "+        path: '/gists/**'",
        '+    action: allow',
      ],
    ],
    [
      'an entry added to lines',
      1,
      { host: ['github.com', 'gist.github.com', '*.github.com'] },
      ['+          - gist.github.com'],
    ],
    ['an entry gone from lines', 1, { host: ['*.github.com'] }, ['-          - github.com   # the site']],
    [
      'an entry after the last line',
      1,
      { host: ['github.com', '*.github.com', 'x.example'] },
      ['+          - x.example'],
    ],
    ['a text in single quotes', 1, { path: ["/it's"] }, ["-        path: '/gists/**'", "+        path: '/it''s'"]],
    [
      'a block text',
      1,
      { description: 'One line' },
      ['-  - description: |', '-      Two lines', '-      # not a comment', '+  - description: One line'],
    ],
    [
      'a first key gone',
      1,
      { description: undefined },
      ['-  - description: |', '-      Two lines', '-      # not a comment', '-    type: block', '+  - type: block'],
    ],
    [
      'several at once',
      2,
      { type: 'allow', host: ['a.example', 'b.example'], method: ['GET'], agent: ['claude'] },
      [
        '-  - { type: tunnel, condition: { match: { host: t.example, port: 22 } } }',
        '+  - { type: allow, condition: { match: { host: [a.example, b.example], port: 22, method: GET, agent: claude } } }',
      ],
    ],
  ])('changes %s', (_, index, fields, expected) => {
    expect(change(index, fields)).toEqual(expected);
  });

  it('changes JSON and a single rule in place', () => {
    expect(change(1, { type: 'allow', description: 'c' }, JSON_LIST)).toEqual([
      '-    "type": "block",',
      '-    "description": "b",',
      '-    "condition": { "match": { "host": "b.example" } },',
      '-    "action": "deny"',
      '+    "type": "allow",',
      '+    "description": "c",',
      '+    "condition": { "match": { "host": "b.example" } },',
      '+    "action": "allow"',
    ]);
    expect(change(0, { path: ['/x'], addresses: 'any' }, JSON_LIST)).toEqual([
      '-    "condition": { "match": { "host": "a.example", "method": ["GET", "HEAD"] } }',
      '+    "addresses": "any",',
      '+    "condition": { "match": { "host": "a.example", "method": ["GET", "HEAD"], "path": "/x" } }',
    ]);
    expect(change(0, { host: ['c.example'] }, SINGLE)).toEqual([
      '-    host: b.example # bee',
      '+    host: c.example # bee',
    ]);
  });

  it('does not touch what a panel does not show', () => {
    const text = '- type: allow\n  condition: { match: { host: a.example, scheme: https, agent: claude } }\n';
    expect(change(0, { method: ['GET'] }, text)).toEqual([
      '-  condition: { match: { host: a.example, scheme: https, agent: claude } }',
      '+  condition: { match: { host: a.example, scheme: https, method: GET, agent: claude } }',
    ]);
  });

  it('changes a mapping in lines or in braces, and leaves it where nothing of it changed', () => {
    const text = `- type: allow
  upstream:
    # from the company
    ca: a.pem
  condition: { match: { host: a.example } }
- { type: allow, upstream: { insecure: 'lab' }, condition: { match: { host: b.example } } }
`;
    expect(change(0, { websocket: 'refuse' }, text)).toEqual(['+  websocket: refuse']);
    expect(change(0, { detection: 'mark', credentials: 'any' }, text)).toEqual([
      '+  detection: mark',
      '+  credentials: any',
    ]);
    expect(change(0, { upstream: { ca: ['b.pem'] } }, text)).toEqual([
      '-  upstream:',
      '-    # from the company',
      '-    ca: a.pem',
      '+  upstream: { ca: b.pem }',
    ]);
    expect(change(1, { upstream: undefined }, text)).toEqual([
      "-- { type: allow, upstream: { insecure: 'lab' }, condition: { match: { host: b.example } } }",
      '+- { type: allow, condition: { match: { host: b.example } } }',
    ]);
  });

  it('refuses what would not be a policy, and a rule that is not there', () => {
    expect(failure(updateRule(FULL, 0, { type: 'allow', host: ['*'] }))).toBe('unsupported');
    expect(failure(updateRule(FULL, 3, NEW))).toBe('no-such-rule');
    expect(failure(updateRule('[', 0, NEW))).toBe('invalid-policy');
  });
});

describe('moveRule', () => {
  it('takes the comments above along', () => {
    const text = textOf(moveRule(FULL, 1, 0));
    expect(text).toContain('rules:   # the rules\n  # --- GitHub\n  - description: |');
    expect(text).toContain('action: deny\n  # --- Claude\n  - type: allow   # yes');
    expect(text.split('\n').sort()).toEqual(FULL.split('\n').sort());
    expect(textOf(moveRule(text, 0, 1))).toBe(FULL);
  });

  it.each([
    [0, 2],
    [2, 0],
    [1, 1],
  ])('from %i to %i', (from, to) => {
    for (const text of [FULL, FULL.replaceAll('\n', '\r\n')]) {
      const rules = rulesOf(text);
      rules.splice(to, 0, ...rules.splice(from, 1));
      expect(rulesOf(textOf(moveRule(text, from, to)))).toEqual(rules);
    }
  });

  it('in JSON, and at the end of a text without a line end', () => {
    expect(JSON.parse(textOf(moveRule(JSON_LIST, 0, 1)))).toMatchObject([{ type: 'block' }, { type: 'allow' }]);
    const text =
      '- { type: block, condition: { match: { host: a.example } } }\n- { type: block, condition: { match: { host: b.example } } }';
    expect(textOf(moveRule(text, 0, 1))).toBe(text.split('\n').reverse().join('\n'));
  });

  it('knows that there is no such rule', () => {
    expect(failure(moveRule(FULL, 0, 3))).toBe('no-such-rule');
    expect(failure(moveRule(FULL, 3, 0))).toBe('no-such-rule');
  });
});

describe('setMode and setDefault', () => {
  it.each([
    [FULL, 'mode: monitor   # let through', 'mode: enforce   # let through'],
    ['"mode": "monitor"\n', '"mode": "monitor"', '"mode": "enforce"'],
    ["mode: 'monitor' # x\n", "'monitor'", "'enforce'"],
    ['{"mode":"monitor","rules":[]}', '"monitor"', '"enforce"'],
    ['{\n  "mode": "monitor"\n}', '"monitor"', '"enforce"'],
  ])('changes a mode that is there', (text, old, fresh) => {
    expect(textOf(setMode(text, 'enforce'))).toBe(text.replace(old, fresh));
  });

  it.each([
    ['rules: []\n', 'mode: monitor\nrules: []\n'],
    ['# c\nrules: []\n', '# c\nmode: monitor\nrules: []\n'],
    ['version: 1 # one\nrules: []\n', 'version: 1 # one\nmode: monitor\nrules: []\n'],
    ['version: 1', 'version: 1\nmode: monitor'],
    ['{"rules":[]}', '{"mode": "monitor", "rules":[]}'],
    ['{\n  "rules": []\n}\n', '{\n  "mode": "monitor",\n  "rules": []\n}\n'],
    ['[]', '{"mode": "monitor", "rules": []}'],
    [
      '# c\n- { type: block, condition: { match: { host: a.example } } }\n',
      'mode: monitor\nrules:\n# c\n- { type: block, condition: { match: { host: a.example } } }\n',
    ],
    [
      'type: block\ncondition: { match: { host: a.example } }\n',
      'mode: monitor\nrules:\n- type: block\n  condition: { match: { host: a.example } }\n',
    ],
    [
      '{"type":"block","condition":{"match":{"host":"a.example"}}}',
      '{"mode": "monitor", "rules": [{"type":"block","condition":{"match":{"host":"a.example"}}}]}',
    ],
  ])('adds a mode to %j', (before, after) => {
    expect(textOf(setMode(before, 'monitor'))).toBe(after);
  });

  it('changes the default', () => {
    expect(textOf(setDefault(FULL, 'allow'))).toBe(FULL.replace('default: block', 'default: allow'));
    expect(textOf(setDefault('mode: ask\nrules: []\n', 'allow'))).toBe('mode: ask\ndefault: allow\nrules: []\n');
    expect(textOf(setDefault('rules: []\n', 'allow'))).toBe('default: allow\nrules: []\n');
    expect(textOf(setDefault(FULL, 'block'))).toBe(FULL);
    expect(failure(setMode('mode: x', 'ask'))).toBe('invalid-policy');
  });
});

const word = fc.constantFrom('a.example', '*.b.example', '10.0.0.0/8', 'xn--bcher-kva.example');
const text = fc.oneof(
  fc.constantFrom(
    'plain',
    "it's",
    'a: b',
    '# no',
    '- x',
    'true',
    '12',
    ' lead',
    'a, b',
    '{x}',
    '[x]',
    '"q"',
    'ü😀',
    'null',
    '~',
    '*',
    '&a',
    '!t',
    '|',
    '>',
    '%',
    '@',
    '`',
    'a #b',
    'two\nlines',
    '\ttab',
    'x:',
  ),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
);
const list = <T>(values: fc.Arbitrary<T>) =>
  fc.option(fc.uniqueArray(values, { minLength: 1, maxLength: 3 }), { nil: undefined });
const file = fc.constantFrom('a.pem', '~/b c.pem', '/x: y', "it's");
const anyUpstream: fc.Arbitrary<NewRule['upstream']> = fc.oneof(
  fc.constant(undefined),
  fc.record({ insecure: fc.constantFrom('why not', 'true', '{x}') }),
  fc.record({ ca: fc.uniqueArray(file, { minLength: 1, maxLength: 2 }) }),
  fc.record({ ca: fc.constant(undefined), clientCert: fc.record({ cert: file, key: file }) }),
);
const anyRule: fc.Arbitrary<NewRule> = fc
  .record({
    rule: fc.record({
      type: fc.constantFrom('allow' as const, 'block' as const),
      description: fc.option(text, { nil: undefined }),
      host: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
      port: fc.option(
        fc.oneof(
          fc.constant('any' as const),
          fc.uniqueArray(fc.integer({ min: 1, max: 65535 }), { minLength: 1, maxLength: 3 }),
        ),
        { nil: undefined },
      ),
      scheme: list(fc.constantFrom('http' as const, 'https' as const, 'wss' as const)),
      method: list(fc.constantFrom('GET', 'POST', 'M-SEARCH')),
      path: list(fc.constantFrom('/', '/a/**', "/it's", '/a:b', '/[x]', '/a,b', '/{x}', '/%20', '/"')),
      agent: list(fc.constantFrom('claude', 'my agent', '12', 'true')),
      addresses: fc.constantFrom('any' as const, 'public' as const, undefined),
    }),
    more: fc.record({
      upstream: anyUpstream,
      websocket: fc.constantFrom('refuse' as const, undefined),
      detection: fc.constantFrom('block' as const, 'mask' as const, 'mark' as const, undefined),
      credentials: fc.constantFrom('managed' as const, 'none' as const, 'any' as const, undefined),
    }),
  })
  .map(({ rule, more }) => (rule.type === 'allow' ? { ...rule, ...more } : rule));
const anyText = fc.constantFrom(
  FULL,
  FULL.replaceAll('\n', '\r\n'),
  FULL.trimEnd(),
  `\uFEFF${FULL}`,
  JSON_LIST,
  SINGLE,
  JSON.stringify({ rules: JSON.parse(JSON_LIST) as unknown }, undefined, '\t'),
  'mode: ask',
  'rules: []',
  '[]',
);
const anyEdit = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), rule: anyRule, at: fc.nat(4) }),
  fc.record({ kind: fc.constant('update' as const), rule: anyRule, at: fc.nat(4) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(4) }),
  fc.record({ kind: fc.constant('move' as const), at: fc.nat(4), to: fc.nat(4) }),
  fc.record({
    kind: fc.constant('mode' as const),
    mode: fc.constantFrom('monitor' as const, 'ask' as const, 'enforce' as const),
  }),
);

describe('any edits, one after the other', () => {
  it('say what was meant, change no other rule, and keep every comment of other rules', () => {
    fc.assert(
      fc.property(anyText, fc.array(anyEdit, { minLength: 1, maxLength: 5 }), (start, edits) => {
        let current = start;
        for (const one of edits) {
          const before = parsePolicy(current).policy!;
          const rules = before.rules.map(newRuleOf);
          const result = apply(current, one);
          if (!result.ok) {
            expect(result.error.reason).toBe('no-such-rule');
            continue;
          }
          const { text: after, splice } = result.value;
          expect(applySplice(current, splice)).toBe(after);
          const at = 'at' in one ? one.at : 0;
          if (one.kind === 'add') rules.splice(at, 0, one.rule);
          else if (one.kind === 'update') rules[at] = one.rule;
          else if (one.kind === 'remove') rules.splice(at, 1);
          else if (one.kind === 'move') rules.splice(one.to, 0, ...rules.splice(at, 1));
          const policy = parsePolicy(after).policy!;
          expect(policy.rules.map(newRuleOf).map((rule, i) => sameRule(rule, rules[i]!))).toEqual(
            rules.map(() => true),
          );
          expect(policy.mode).toBe(one.kind === 'mode' ? one.mode : before.mode);
          // Comments that stand in no rule stay, whatever is done to rules.
          for (const comment of [
            '# head',
            '# --- GitHub',
            '# --- Claude',
            '#   commented: out',
            '# the rules',
            '# bound',
          ])
            expect(after.includes(comment)).toBe(current.includes(comment));
          if (current.includes('\r\n')) expect(after.replaceAll('\r\n', '')).not.toContain('\n');
          current = after;
        }
      }),
      { numRuns: 400 },
    );
  });
});

type AnyEdit = typeof anyEdit extends fc.Arbitrary<infer T> ? T : never;

function apply(current: string, one: AnyEdit): EditResult {
  switch (one.kind) {
    case 'add':
      return addRule(current, one.rule, { at: one.at });
    case 'update':
      return updateRule(current, one.at, one.rule);
    case 'remove':
      return removeRule(current, one.at);
    case 'move':
      return moveRule(current, one.at, one.to);
    case 'mode':
      return setMode(current, one.mode);
  }
}

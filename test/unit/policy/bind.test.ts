import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindSecret, bindablePlace, withBinding } from '../../../src/core/policy/bind';
import { defaultPolicyText } from '../../../src/core/policy/defaults';
import { parsePolicy } from '../../../src/core/policy/parse';

const KEY = { name: 'KEY', hosts: ['api.example.com'], in: ['header:authorization'] };
const IN = '"header:authorization"';

function bound(text: string, binding = KEY): string {
  const result = bindSecret(text, binding);
  if (!result.ok) throw new Error(result.error.message);
  const { policy } = parsePolicy(result.value.text);
  expect(policy?.secrets.find(({ name }) => name === binding.name)).toMatchObject(binding);
  return result.value.text;
}

describe('bindSecret', () => {
  it.each([
    [
      'no secrets yet',
      'mode: enforce\n',
      `mode: enforce\nsecrets:\n  KEY: { hosts: [api.example.com], in: [${IN}] }\n`,
    ],
    [
      'no line end, CRLF',
      'mode: enforce\r\nrules: []',
      `mode: enforce\r\nrules: []\r\nsecrets:\r\n  KEY: { hosts: [api.example.com], in: [${IN}] }\r\n`,
    ],
    [
      'nothing under secrets',
      'secrets: # of mine\nmode: enforce\n',
      `secrets: # of mine\n  KEY: { hosts: [api.example.com], in: [${IN}] }\nmode: enforce\n`,
    ],
    [
      'another secret',
      'secrets:\n  # the old one\n  A: { hosts: [a.example], in: [basic] } # kept\n',
      `secrets:\n  # the old one\n  A: { hosts: [a.example], in: [basic] } # kept\n  KEY: { hosts: [api.example.com], in: [${IN}] }\n`,
    ],
    [
      'one that goes nowhere',
      'secrets:\n  KEY:\n    hosts: [] # nowhere\nmode: enforce\n',
      `secrets:\n  KEY:\n    hosts: [api.example.com] # nowhere\n    in: [${IN}]\nmode: enforce\n`,
    ],
    [
      'JSON',
      '{"mode": "enforce", "rules": []}',
      `{"mode": "enforce", "rules": [], "secrets": { "KEY": { "hosts": ["api.example.com"], "in": [${IN}] } }}`,
    ],
    [
      'a list of rules alone',
      '# mine\n- type: block\n  condition: { match: { host: a.example } }\n',
      `mode: enforce\nrules:\n# mine\n- type: block\n  condition: { match: { host: a.example } }\nsecrets:\n  KEY: { hosts: [api.example.com], in: [${IN}] }\n`,
    ],
  ])('%s', (_, text, expected) => {
    expect(bound(text)).toBe(expected);
  });

  it('adds a host and a place to lists that are there, with their comments', () => {
    const text = 'secrets:\n  KEY:\n    hosts:\n      - a.example # first\n    in: basic # there\n';
    const more = withBinding({ name: 'KEY', hosts: ['a.example'], in: ['basic'] }, 'b.example', 'query:key');
    expect(bound(text, { ...more, hosts: [...more.hosts], in: [...more.in] })).toBe(
      'secrets:\n  KEY:\n    hosts:\n      - a.example # first\n      - b.example\n    in: [basic, "query:key"] # there\n',
    );
    expect(withBinding(more, 'b.example', 'query:key')).toEqual(more);
  });

  it('leaves every line of the default policy as it is', () => {
    const before = defaultPolicyText().split('\n');
    const after = bound(defaultPolicyText()).split('\n');
    expect(after.filter((line) => !before.includes(line))).toHaveLength(2);
    expect(after.filter((line) => before.includes(line))).toEqual(before);
  });

  it('writes nothing into a policy with errors, and none that would not hold', () => {
    expect(bindSecret('moed: enforce\n', KEY)).toMatchObject({ ok: false, error: { reason: 'invalid-policy' } });
    for (const hosts of [['*'], ['*.com'], ['a b']])
      expect(bindSecret('mode: enforce\n', { ...KEY, hosts })).toMatchObject({ ok: false });
    for (const place of ['header:cookie', 'body', 'several parts', 'header:x\nmode: monitor'])
      expect(bindSecret('mode: enforce\n', { ...KEY, in: [place] })).toMatchObject({ ok: false });
    const aliased = 'secrets:\n  A: &a { hosts: [a.example], in: [basic] }\n  KEY: *a\n';
    expect(bindSecret(aliased, KEY).ok).toBe(false);
  });

  it('never says anything else than what was meant, whatever the names are', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('secrets:\n  A: { hosts: [a.example], in: basic }\n', 'mode: monitor\n', '{"mode":"monitor"}'),
        (name, text) => {
          const result = bindSecret(text, { ...KEY, name });
          if (!result.ok) return;
          const { policy } = parsePolicy(result.value.text);
          const others = parsePolicy(text).policy!.secrets.filter((secret) => secret.name !== name);
          expect(policy!.mode).toBe(parsePolicy(text).policy!.mode);
          expect(policy!.secrets.map((secret) => secret.name)).toEqual([...others.map((secret) => secret.name), name]);
        },
      ),
    );
  });
});

it.each([
  ['header:x-api-key', true],
  ['basic', true],
  ['query:key', true],
  ['path', true],
  ['body:client_secret', true],
  ['websocket', true],
  ['body', false],
  ['query', false],
  ['host', false],
  ['header name', false],
  ['header:cookie', false],
  ['several parts', false],
  ['trailer', false],
])('%s can be bound: %s', (place, expected) => {
  expect(bindablePlace(place) !== undefined).toBe(expected);
});

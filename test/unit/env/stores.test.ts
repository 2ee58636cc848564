// Stores: what is swapped gives every byte back; what is described is never a value.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restoreBytes, splice } from '../../../src/core/env/splice';
import { type StoreKind, describeStore, isSwappable, planStore } from '../../../src/core/env/stores';

const SECRET = 'Zq7-vX2.kP9_mN4rT6wB8yC1';
const never = () => false;
const plan = (kind: StoreKind, text: string) => planStore(kind, Buffer.from(text), never);

const token = fc.stringMatching(/^[A-Za-z0-9._~-]{16,40}$/);
const junk = fc.oneof(
  fc.constantFrom('\n', '\r\n', '# note\n', 'machine a.example ', 'password ', 'default\n', 'macdef x\n\n', '"', '\\', ' ', 'github.com:\n', '  oauth_token: ', '//r.example/:_authToken=', '_auth=', '\xe9'), // prettier-ignore
  token,
);

describe('planStore', () => {
  it.each(['netrc', 'npmrc', 'gh'] as const)('%s: swap and restore is identity, and no value is left', (kind) => {
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 30 }), (parts) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        const candidates = planStore(kind, bytes, never);
        const byValue = new Map<string, string>();
        for (const { value } of candidates)
          if (!byValue.has(value)) byValue.set(value, `dummy-${byValue.size}-${'x'.repeat(20)}`);
        const pairs = candidates.map(({ value, raw }) => ({ dummy: byValue.get(value)!, raw }));
        const swapped = splice(
          bytes,
          candidates.map(({ start, end }, i) => ({ start, end, text: pairs[i]!.dummy })),
        );
        expect(Buffer.from(restoreBytes(swapped, pairs).bytes).equals(bytes)).toBe(true);
        const dummies = new Set(byValue.values());
        expect(planStore(kind, swapped, (text) => dummies.has(text))).toEqual([]);
      }),
    );
  });

  it('is never ticked, and says that every folder reads it', () => {
    const [found] = plan('netrc', `machine a.example login me password ${SECRET}\n`);
    expect(found).toMatchObject({
      key: 'NETRC_A_EXAMPLE',
      ticked: false,
      value: SECRET,
      line: 1,
      hosts: ['a.example'],
    });
    expect(found?.reason).toMatch(/every program of every folder/);
    expect(found?.reason).not.toContain(SECRET);
  });

  it('offers no host for what the proxy cannot put back', () => {
    expect(plan('npmrc', `//a.example/:_auth=${SECRET}\n`)[0]).toMatchObject({ hosts: [], in: [] });
    expect(plan('netrc', 'machine a.example password short\n')[0]).toMatchObject({ hosts: [] });
    expect(plan('netrc', `machine a.example password ${SECRET}\n`)[0]?.hosts).toEqual(['a.example']);
  });

  it('leaves dummies and the stores that are not swapped alone', () => {
    expect(planStore('netrc', Buffer.from(`machine a.example password ${SECRET}`), () => true)).toEqual([]);
    expect(isSwappable('aws') || isSwappable('claude') || isSwappable('codex')).toBe(false);
    expect(plan('aws', `aws_secret_access_key=${SECRET}`)).toEqual([]);
  });
});

describe('describeStore', () => {
  it.each([
    ['aws', `[default]\naws_access_key_id = x\naws_secret_access_key = ${SECRET}\n`, ['access keys']],
    ['netrc', `machine a.example password ${SECRET}`, ['the password for a.example']],
    ['npmrc', `//a.example/:_authToken=${SECRET}`, ['the token of npm for a.example']],
    ['gh', `github.com:\n    oauth_token: ${SECRET}\n`, ['the token of gh for github.com']],
    ['claude', JSON.stringify({ claudeAiOauth: { accessToken: SECRET } }), ['the login of Claude Code']],
    ['codex', JSON.stringify({ OPENAI_API_KEY: SECRET, tokens: null }), ['an OpenAI API key']],
    ['codex', 'not json', []],
    ['aws', '[default]\nregion = x\n', []],
  ] as const)('%s', (kind, text, kinds) => {
    const found = describeStore(kind, Buffer.from(text));
    expect(found).toEqual(kinds);
    expect(JSON.stringify(found)).not.toContain(SECRET);
  });
});

import { describe, expect, it } from 'vitest';
import { evaluate, evaluateConnect } from '../../../src/core/policy/evaluate';
import { parsePolicy } from '../../../src/core/policy/parse';
import { refusalFor, refusalForFinding } from '../../../src/core/policy/refusal';
import type { PolicyRequest } from '../../../src/core/policy/types';
import type { Finding } from '../../../src/core/secrets/types';

const request: PolicyRequest = {
  scheme: 'https',
  host: 'x.example',
  port: 443,
  method: 'POST',
  path: '/a/"<script>alert(1)</script>?token=SECRET',
};
const file = { policyFile: '.sandbox-agent/policy.yaml' };
const decide = (text: string) => evaluate(parsePolicy(text).policy!, request);
interface Body {
  error: Record<string, unknown> & { message: string; for_the_agent: string; for_the_user: string };
}
const body = (json: string) => (JSON.parse(json) as Body).error;

describe('refusalFor', () => {
  const blocked = refusalFor(
    decide(
      '[{type: allow, condition: {match: {host: y.example}}}, {type: block, description: "<b>No</b>", condition: {match: {host: x.example}}}]',
    ),
    request,
    file,
  );

  it('names the rule, why, and what to do', () => {
    expect(body(blocked.json)).toMatchObject({
      type: 'sandbox_agent_blocked',
      code: 'blocked_by_policy',
      rule: { number: 2, description: '<b>No</b>' },
      message: blocked.sentence,
    });
    expect(blocked.sentence).toBe('rule 2 "<b>No</b>" blocks POST https://x.example/a/"<script>alert(1)</script>.');
    expect(body(blocked.json).for_the_user).toContain('rule 2');
    expect(body(blocked.json).for_the_user).toContain('.sandbox-agent/policy.yaml');
    expect(blocked.header).toBe('blocked; rule=2');
  });

  it('tells the agent not to get around it and to tell its user', () => {
    expect(body(blocked.json).for_the_agent).toMatch(/do not try another way.*tell the user/is);
  });

  it('says what to add where no rule matched', () => {
    const refused = refusalFor(decide('[]'), request, file);
    expect(refused.header).toBe('blocked; rule=default');
    expect(body(refused.json)).toMatchObject({ rule: null });
    expect(body(refused.json).for_the_user).toContain('add a rule for x.example');
  });

  it('does not suggest a rule where none would help', () => {
    const unreadable = { ...request, path: '/%' };
    const refused = refusalFor(evaluate(parsePolicy('mode: monitor').policy!, unreadable), unreadable, file);
    expect(body(refused.json).for_the_user).not.toContain('add a rule');
    expect(refused.sentence).toContain('cannot be read');
  });

  it('has no query and nothing unescaped in the page', () => {
    for (const text of [blocked.json, blocked.html, blocked.header, blocked.sentence])
      expect(text).not.toContain('SECRET');
    expect(blocked.html).not.toMatch(/<script|<b>/);
    expect(blocked.html).toContain('&#60;script&#62;');
  });

  it('speaks of a connection at CONNECT', () => {
    const decision = evaluateConnect(parsePolicy('[]').policy!, { host: 'x.example', port: 443 });
    const connect = { ...request, method: 'CONNECT', path: '' };
    expect(refusalFor(decision, connect, file).sentence).toBe(
      'No rule matches a connection to x.example:443; the default blocks it.',
    );
  });
});

describe('refusalForFinding', () => {
  it.each(['dummy-unbound', 'dummy-elsewhere', 'dummy-cleartext', 'dummy-unverified', 'echo-redacted'] as const)(
    '%s',
    (kind) => {
      const finding: Finding = { kind, secret: 'GITHUB_TOKEN', place: 'header:authorization', action: 'blocked' };
      const refusal = refusalForFinding(finding, request);
      expect(body(refusal.json)).toMatchObject({ code: 'blocked_secret', secret: 'GITHUB_TOKEN' });
      expect(refusal.sentence).toContain('GITHUB_TOKEN');
      expect(refusal.header).toBe('blocked; rule=secret');
      expect(refusal.json + refusal.html).not.toContain('SECRET=');
      expect(refusal.json).not.toContain('token=SECRET');
    },
  );
});

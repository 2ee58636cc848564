import { describe, expect, it } from 'vitest';
import { defaultPolicyText } from '../../../src/core/policy/defaults';
import { evaluate } from '../../../src/core/policy/evaluate';
import { parsePolicy } from '../../../src/core/policy/parse';

const { policy, problems } = parsePolicy(defaultPolicyText());

it('parses without a problem, in monitor mode', () => {
  expect(problems).toEqual([]);
  expect([policy?.mode, policy?.default]).toEqual(['monitor', 'block']);
});

describe('what it allows', () => {
  it.each([
    ['POST', 'https', 'api.anthropic.com', '/v1/messages?beta=true', true],
    ['POST', 'https', 'api.anthropic.com', '/v1/messages/count_tokens', true],
    ['GET', 'https', 'api.anthropic.com', '/api/hello', true],
    ['GET', 'https', 'api.anthropic.com', '/api/claude_code/settings', true],
    ['POST', 'https', 'api.anthropic.com', '/v1/files', false],
    ['POST', 'https', 'api.anthropic.com', '/v1/messages/batches', false],
    ['GET', 'https', 'platform.claude.com', '/v1/oauth/hello', true],
    ['POST', 'https', 'platform.claude.com', '/v1/oauth/token', true],
    ['GET', 'https', 'claude.ai', '/', true],
    ['GET', 'https', 'downloads.claude.ai', '/claude-code/latest', true],
    ['GET', 'wss', 'api.openai.com', '/v1/responses', true],
    ['POST', 'https', 'api.openai.com', '/v1/files', false],
    ['POST', 'https', 'chatgpt.com', '/backend-api/codex/responses', true],
    ['POST', 'https', 'generativelanguage.googleapis.com', '/v1beta/models/gemini-2.5-pro:streamGenerateContent', true],
    ['GET', 'https', 'github.com', '/', false],
    ['GET', 'https', 'localhost', '/', false],
  ] as const)('%s %s://%s%s: %s', (method, scheme, host, path, allowed) => {
    const decision = evaluate(policy!, { method, scheme, host, port: 443, path });
    expect(decision.action === 'allow').toBe(allowed);
    expect(decision.addresses).toBe('public');
  });
});

it('holds presets that parse when their "#" is taken away', () => {
  const text = defaultPolicyText().replace(
    /^( *)# (?=( *)(?:- type|description|condition|match|addresses|secrets:|GITHUB|hosts|in:))/gm,
    '$1',
  );
  const opened = parsePolicy(text);
  expect(opened.problems).toEqual([]);
  expect(opened.policy!.rules.length).toBeGreaterThan(policy!.rules.length + 4);
  expect(opened.policy!.secrets).toHaveLength(1);
  const npm = { method: 'GET', scheme: 'https', host: 'registry.npmjs.org', port: 443, path: '/@a%2fb' } as const;
  expect(evaluate(opened.policy!, npm).action).toBe('allow');
});

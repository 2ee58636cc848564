import { describe, expect, it } from 'vitest';
import { canonicalPattern } from '../../../src/core/policy/hosts';
import { PROVIDERS } from '../../../src/core/secrets/providerTable';

/**
 * Wildcards that were looked at: all machines below answer to the vendor, none runs a customer's code. A new one must be
 * looked at as well, for the real value goes to whatever host the agent names below it.
 */
const REVIEWED_WILDCARDS = new Set([
  '*.pkg.github.com',
  '*.slack.com',
  '*.huggingface.co',
  '*.twilio.com',
  '*.sentry.io',
  '*.openai.azure.com',
  '*.pinecone.io',
  '*.upstash.io',
  '*.datadoghq.com',
  '*.datadoghq.eu',
  '*.ddog-gov.com',
]);
const NEVER = /^header:(?:cookie|referer|user-agent|host|origin)$/;

describe.each(PROVIDERS)('$id', (row) => {
  it('matches whole names and whole values', () => {
    for (const pattern of [...row.names, ...row.shapes]) {
      expect(pattern.source).toMatch(/^\^.*\$$/);
      expect(pattern.flags).toBe('');
    }
    expect(row.names.length + row.shapes.length).toBeGreaterThan(0);
  });

  it('names canonical hosts that no stranger runs', () => {
    for (const host of row.hosts) {
      expect(canonicalPattern(host)).toEqual({ ok: true, value: host });
      if (host.includes('*')) expect(REVIEWED_WILDCARDS).toContain(host);
    }
  });

  it('names places that injection knows', () => {
    for (const place of row.in) {
      expect(place).toMatch(/^(?:header:[a-z0-9-]+|basic|query:[A-Za-z0-9_-]+)$/);
      expect(place).not.toMatch(NEVER);
    }
  });

  it('says where that is written', () => expect(row.source).toMatch(/^[a-z0-9.-]+\.[a-z]+(?:\/|$)/));
});

it('knows those that must be there', () => {
  const ids = PROVIDERS.map(({ id }) => id);
  for (const id of ['anthropic', 'openai', 'github', 'google-ai', 'stripe', 'slack', 'aws', 'hugging-face', 'npm'])
    expect(ids).toContain(id);
  expect(ids.length).toBeGreaterThan(40);
});

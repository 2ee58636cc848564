import { describe, expect, it } from 'vitest';
import { canonicalPattern } from '../../../src/core/policy/hosts';
import { PROVIDERS } from '../../../src/core/secrets/providerTable';
import { examplesOf } from './providers/examples';

/**
 * Wildcards that were looked at: all machines below answer to the vendor, none runs a customer's code or shows a customer what
 * was sent. A new one must be looked at as well, for the real value goes to whatever host the agent names below it.
 */
const REVIEWED_WILDCARDS = new Set([
  '*.pkg.github.com',
  '*.githubcopilot.com',
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
  '*.adyen.com',
  '*.adyenpayments.com',
  '*.chargebee.com',
  '*.api.mailchimp.com',
  '*.nr-data.net',
  '*.betterstackdata.com',
  '*.live.dynatrace.com',
  '*.apps.dynatrace.com',
  '*.atlassian.net',
  '*.zendesk.com',
  '*.freshdesk.com',
  '*.api.sanity.io',
  '*.apicdn.sanity.io',
  '*.okta.com',
  '*.oktapreview.com',
  '*.okta-emea.com',
  // Customers' machines are below them; what they could do with a signature is kept from them (aws.ts, maySignFor).
  '*.amazonaws.com',
  '*.amazonaws.com.cn',
  '*.api.aws',
  '*.r2.cloudflarestorage.com',
]);
const NEVER = /^header:(?:cookie|referer|user-agent|host|origin)$/;

it('knows at least 120 providers, each once, and no name twice', () => {
  const ids = PROVIDERS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThanOrEqual(120);
  const names = PROVIDERS.flatMap((row) => row.names);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

it('knows those that must be there', () => {
  const ids = PROVIDERS.map(({ id }) => id);
  for (const id of 'anthropic openai google-ai vertex-ai mistral cohere groq xai deepseek together fireworks perplexity openrouter replicate hugging-face elevenlabs assemblyai deepgram stability voyage pinecone weaviate langsmith langfuse wandb github gitlab bitbucket npm pypi rubygems crates-io docker-hub nuget aws azure-client azure-openai gcp-service-account cloudflare digitalocean heroku vercel netlify fly render railway linode hetzner supabase neon planetscale upstash mongodb-atlas stripe paypal square adyen paddle lemon-squeezy slack discord telegram twilio sendgrid mailgun postmark resend mailchimp brevo sentry datadog new-relic grafana pagerduty honeycomb posthog segment mixpanel amplitude notion linear atlassian asana airtable figma zendesk hubspot shopify contentful sanity algolia mapbox auth0 okta clerk workos circleci buildkite travis codecov snyk sonar'.split(
    ' ',
  ))
    // prettier-ignore
    expect(ids).toContain(id);
});

describe.each(PROVIDERS)('$id', (row) => {
  it('is whole', () => {
    for (const name of row.names) expect(name).toMatch(/^[A-Z][A-Z0-9_]{2,60}$/);
    for (const shape of [...row.shapes, ...row.weakShapes]) {
      expect(shape.source).toMatch(/^\^.*\$$/);
      expect(shape.flags).toBe('');
    }
    expect(row.names.length + row.shapes.length).toBeGreaterThan(0);
    expect(row.title).not.toBe('');
    expect(row.source).toMatch(/^[a-z0-9.-]+\.[a-z]+(?:\/|$)/);
  });

  it('names canonical hosts that no stranger runs', () => {
    for (const host of [...row.hosts, ...row.modelHosts]) {
      expect(canonicalPattern(host)).toEqual({ ok: true, value: host });
      if (host.includes('*')) expect(REVIEWED_WILDCARDS).toContain(host);
    }
    if (row.modelApi) expect(row.hosts).not.toEqual([]);
  });

  it('names places in the words of policies, and none that is never one', () => {
    for (const place of row.in) {
      expect(place).toMatch(/^(?:header:[a-z0-9-]+|basic|query:[A-Za-z0-9_-]+|body:[A-Za-z0-9_.]+|path|aws4)$/);
      expect(place).not.toMatch(NEVER);
    }
    // Customers' machines are below their hosts: a signature may go there, a value never.
    if (row.kind === 'aws') expect(row.in).toEqual(['aws4']);
    else expect(row.in).not.toContain('aws4');
    if (row.kind !== 'http' && row.kind !== 'aws') expect([row.in, row.hosts]).toEqual([[], []]);
  });
});

it('has no shape that takes what another row’s shape describes, outside of families', () => {
  const shaped = PROVIDERS.flatMap((row) => row.shapes.map((shape) => ({ row, shape })));
  const clashes = shaped.flatMap(({ row, shape }) =>
    examplesOf(shape).flatMap((example) =>
      shaped
        .filter((other) => other.row !== row && !(row.family !== undefined && row.family === other.row.family))
        .filter((other) => other.shape.test(example))
        .map((other) => `${row.id} / ${other.row.id}`),
    ),
  );
  expect(clashes).toEqual([]);
});

it('has weak shapes that no strong one takes', () => {
  for (const row of PROVIDERS)
    for (const shape of row.weakShapes)
      for (const example of examplesOf(shape))
        expect(PROVIDERS.filter(({ shapes }) => shapes.some((strong) => strong.test(example)))).toEqual([]);
});

it('keeps enough that is secret in each shape for a dummy', () => {
  for (const row of PROVIDERS)
    for (const shape of row.shapes)
      for (const example of examplesOf(shape)) {
        const kept = (shape.exec(example) ?? [])
          .slice(1)
          .reduce((sum, group: string | undefined) => sum + (group?.length ?? 0), 0);
        expect(example.length - kept).toBeGreaterThanOrEqual(16);
      }
});

const hostile = ['a', 'A', '0', '-', '_', '.', '~', '=', 'sk-', 'ey', 'a-', 'A.', '0:', 'x_', '\n', '{', '\\'].map(
  (piece) => piece.repeat(Math.ceil(100_000 / piece.length)),
);

it('has no shape that a text of 100 kB keeps busy', () => {
  const shapes = PROVIDERS.flatMap(({ shapes, weakShapes }) => [...shapes, ...weakShapes]);
  const started = performance.now();
  let tried = 0;
  for (const shape of shapes) {
    const [example = ''] = examplesOf(shape, 1);
    const { length } = /^.*?[^A-Za-z0-9]/.exec(example)?.[0] ?? '';
    for (const text of hostile)
      for (const whole of [text, example.slice(0, length || 4) + text, example + text, `${text}!`]) {
        shape.test(whole);
        tried++;
      }
  }
  // About a second; a shape that goes back over the text would take minutes for one of these.
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(tried).toBeGreaterThan(5_000);
});

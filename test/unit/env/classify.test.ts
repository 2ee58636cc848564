import { describe, expect, it } from 'vitest';
import { classify, isPublicName } from '../../../src/core/env/classify';
import { PROVIDERS } from '../../../src/core/secrets/providerTable';
import { isServedPlace } from '../../../src/core/secrets/providers';
import { body, hex, keys } from './fakeKeys';

const fresh = { tracked: false, doubt: undefined };
const judge = (key: string, value: string) => classify(key, value, fresh);

describe('what is ticked', () => {
  const ticked: readonly (readonly [key: string, value: string, provider: string | undefined])[] = [
    ['ANTHROPIC_API_KEY', keys.anthropic(), 'anthropic'],
    ['WHATEVER', keys.anthropic(), 'anthropic'],
    ['OPENAI_API_KEY', keys.openai(), 'openai'],
    ['GITHUB_TOKEN', keys.github(), 'github'],
    ['GEMINI_API_KEY', keys.google(), 'google-ai'],
    ['STRIPE_SECRET_KEY', keys.stripe(), 'stripe'],
    ['SLACK_BOT_TOKEN', keys.slack(), 'slack'],
    ['HF_TOKEN', keys.huggingFace(), 'hugging-face'],
    ['NPM_TOKEN', keys.npm(), 'npm'],
    ['MISTRAL_API_KEY', body(32), 'mistral'],
    ['MY_SERVICE_TOKEN', hex(32), undefined],
    ['myServiceApiKey', body(32), undefined],
    ['ADMIN_PASSWORD', 'correct-horse-battery-staple', undefined],
    ['TELEGRAM_BOT_TOKEN', `123456789:AA${body(33)}`, 'telegram'],
    ['AZURE_CLIENT_SECRET', `${body(3)}8Q~${body(34)}`, 'azure-client'],
    ['PLAID_ACCESS_TOKEN', 'access-sandbox-0f8fad5b-d9cb-469f-a165-70867728950e', 'plaid-item'],
    // A shape says whose it is, whatever the name says.
    ['SESSION_SECRET', keys.github(), 'github'],
  ];
  it.each(ticked)('%s', (key, value, provider) => {
    const found = judge(key, value);
    expect(found).toMatchObject({ ticked: true, from: 0, to: value.length, secret: value, provider });
    expect(found!.reason).not.toContain(value);
  });

  it('binds known keys to hosts and places', () => {
    expect(judge('ANTHROPIC_API_KEY', keys.anthropic())).toMatchObject({
      hosts: ['api.anthropic.com'],
      in: ['header:x-api-key', 'header:authorization'],
    });
    expect(judge('MY_SERVICE_TOKEN', hex(32))).toMatchObject({ hosts: [], in: [] });
  });

  it('ticks what a known name says, unless no place can be served or the program needs it itself', () => {
    for (const row of PROVIDERS)
      for (const name of row.names) {
        const value = body(43, name.length);
        const found = judge(name, value)!;
        const known = PROVIDERS.find(({ id }) => id === found.provider)!;
        const sent = known.kind === 'http' || (known.kind === 'aws' && !name.endsWith('_ID'));
        expect(found.ticked).toBe(sent && known.in.some(isServedPlace));
        expect(found.reason).not.toContain(value);
      }
  });

  it.each(['Bearer', 'Key', 'FlyV1', 'SSWS', 'GenieKey'])('takes the token behind %s', (word) => {
    const value = `${word} ${body(40)}`;
    expect(judge('A_TOKEN', value)).toMatchObject({ from: word.length + 1, to: value.length, ticked: true });
  });

  it('takes the token behind a scheme word', () => {
    const value = `Bearer ${keys.anthropic()}`;
    expect(judge('AUTH_HEADER', value)).toMatchObject({ from: 7, to: value.length, secret: keys.anthropic() });
  });

  it('takes the password out of a URL', () => {
    const password = body(20);
    const value = `https://me:${password}@git.example.com`;
    expect(judge('GIT_URL', value)).toMatchObject({ from: 11, to: 31, secret: password, ticked: true });
  });
});

describe('what is shown and not ticked', () => {
  const unticked: readonly (readonly [key: string, value: string, reason: RegExp])[] = [
    ['DB_PASSWORD', body(20), /database/],
    ['POSTGRES_PASSWORD', body(20), /database/],
    ['DATABASE_URL', `postgres://u:${body(20)}@db/x`, /postgres connection/],
    ['SMTP_PASS', body(20), /mail/],
    ['JWT_SECRET', hex(64), /signs/],
    ['NEXTAUTH_SECRET', body(44), /signs/],
    ['SECRET_KEY_BASE', hex(128), /signs/],
    ['ENCRYPTION_KEY', hex(64), /encrypts/],
    ['RAILS_MASTER_KEY', hex(32), /encrypts/],
    ['STRIPE_WEBHOOK_SECRET', `whsec_${body(32)}`, /webhooks/],
    ['SLACK_SIGNING_SECRET', hex(32), /webhooks/],
    ['SSH_PASSPHRASE', body(20), /SSH/],
    ['DEPLOY_KEY', keys.pem(), /PEM/],
    ['AWS_ACCESS_KEY_ID', keys.aws(), /AWS key.*no secret/],
    ['R2_ACCESS_KEY_ID', hex(32), /no secret/],
    ['NEXT_PUBLIC_API_KEY', hex(32), /public/],
    ['VITE_OPENAI_API_KEY', keys.openai(), /public/],
    ['SLACK_SIGNING_SECRET', hex(32), /webhooks/],
    ['RANDOM_NAME', `whsec_${body(32)}`, /webhooks/],
    ['AZURE_STORAGE_KEY', `${body(86)}==`, /signed/],
    ['CLOUDINARY_API_SECRET', body(27), /signed/],
    ['AGE_SECRET_KEY', `AGE-SECRET-KEY-1${body(58, 1, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}`, /encrypts/],
    ['SOMETHING', `pscale_pw_${body(43)}`, /database/],
    ['PAGERDUTY_TOKEN', body(20), /together with other text/],
    ['SOMETHING', body(40), /random/],
    ['API_TOKEN', 'aB3dE5f', /too short/],
    ['ADMIN_PASSWORD', 'correct horse battery staple', /several words/],
    ['DB_PASSWORD', 'correct horse battery staple', /database/],
    ['GOOGLE_CREDENTIALS', Buffer.from(`{"type":"${body(200)}"}`).toString('base64'), /JSON in base64/],
    ['APPLE_KEY', Buffer.from(keys.pem()).toString('base64'), /PEM/],
    ['SERVICE_ACCOUNT', JSON.stringify({ private_key: keys.pem() }), /PEM/],
    ['SERVICE_ACCOUNT', JSON.stringify({ type: 'service_account', private_key: keys.pem() }), /Google service account/],
  ];
  it.each(unticked)('%s', (key, value, reason) => {
    const found = judge(key, value);
    expect(found).toMatchObject({ ticked: false });
    expect(found!.reason).toMatch(reason);
    expect(found!.reason).not.toContain(value);
  });

  it('leaves files in git alone', () => {
    const found = classify('ANTHROPIC_API_KEY', keys.anthropic(), { tracked: true, doubt: undefined });
    expect(found).toMatchObject({ ticked: false, provider: 'anthropic' });
    expect(found!.reason).toMatch(/tracked by git/);
  });

  it('leaves what programs read in different ways', () => {
    const found = classify('ANTHROPIC_API_KEY', keys.anthropic(), { tracked: false, doubt: 'it is odd' });
    expect(found).toMatchObject({ ticked: false, reason: 'it is odd' });
  });
});

it('is quick with names and values made to keep it busy', () => {
  for (const piece of ['WEBHOOK_', 'JWT_TOKEN_', 'SESSION_', '_1', '-----BEGIN A', 'xox', 'a.', ',a ', '@', 'A'])
    for (const text of [piece.repeat(60_000), `${piece.repeat(60_000)}!`]) {
      judge(text, body(30));
      judge('A_TOKEN', text);
    }
});

describe('what is no secret', () => {
  it.each([
    ['DEBUG', 'true'],
    ['PORT', '3000'],
    ['HOST', 'localhost'],
    ['DB_USER', 'postgres'],
    ['DB_PASSWORD', 'postgres'],
    ['API_URL', 'https://api.example.com/v1'],
    ['CALLBACK_URL', 'http://localhost:3000/auth/callback'],
    ['DATABASE_URL', 'postgres://localhost:5432/app'],
    ['OPENAI_API_KEY', 'your-openai-key-here'],
    ['OPENAI_API_KEY', `sk-proj-${'x'.repeat(40)}`],
    ['API_TOKEN', '<paste it here, please>'],
    ['API_TOKEN', '${OTHER_TOKEN}'],
    ['API_TOKEN', '$OTHER_TOKEN'],
    ['API_TOKEN', 'op://vault/item/field-123'],
    ['API_TOKEN', 'ENC[AES256_GCM,data:abc123]'],
    ['API_TOKEN', 'changeme'],
    ['TOKEN_EXPIRES_IN', '7days-and-12hours'],
    ['GOOGLE_CLIENT_ID', '1234567890-abcdefg1234.apps.googleusercontent.com'],
    ['GOOGLE_APPLICATION_CREDENTIALS', './keys/service-account-1.json'],
    ['STRIPE_PUBLISHABLE_KEY', ['pk', 'live', body(32)].join('_')],
    ['SUPABASE_ANON_KEY', body(60)],
    ['AUTH_STRATEGY', 'jwt-with-refresh-tokens'],
    ['APP_NAME', 'my-great-application-2024'],
    ['BUILD_ID', hex(40)],
    ['REQUEST_ID', '0f8fad5b-d9cb-469f-a165-70867728950e'],
    ['NODE_OPTIONS', '--max-old-space-size=4096'],
    ['ALLOWED_ORIGINS', 'a.example.com,b.example.com,c.example.com'],
    ['MAIL_FROM', 'someone.1234@example.com'],
    ['SENTENCE', 'this is a text with 12 words, or so'],
    ['EMPTY', ''],
  ])('%s=%s', (key, value) => expect(judge(key, value)).toBeUndefined());
});

it.each([
  ['NEXT_PUBLIC_KEY', true],
  ['vite_token', true],
  ['PUBLICATION_KEY', false],
  ['API_KEY', false],
])('isPublicName(%s) is %s', (name, expected) => {
  expect(isPublicName(name)).toBe(expected);
});

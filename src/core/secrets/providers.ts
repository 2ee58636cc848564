// Who issues which secrets: names of variables, shapes of values, the hosts they belong to and the places where those hosts
// read them. Each row names the vendor's documentation. A secret that no row knows is bound by the user.
import type { Place } from './types';

export type SecretKind = 'http' | 'aws' | 'database' | 'signing' | 'encryption' | 'webhook' | 'ssh';

export interface Provider {
  readonly id: string;
  readonly title: string;
  /** Names of variables, whole. */
  readonly names: readonly RegExp[];
  /** Shapes of values, whole; a match on the shape alone is enough. */
  readonly shapes: readonly RegExp[];
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
  readonly kind: SecretKind;
  /** Requests to these hosts are conversations with a model: what the agent read is mentioned there. */
  readonly modelApi: boolean;
  readonly source: string;
}

const BEARER: readonly Place[] = ['header:authorization'];

function provider(
  id: string,
  title: string,
  source: string,
  row: Partial<Provider> & Pick<Provider, 'names'>,
): Provider {
  return { id, title, source, shapes: [], hosts: [], in: BEARER, kind: 'http', modelApi: false, ...row };
}

export const PROVIDERS: readonly Provider[] = [
  provider('anthropic', 'Anthropic', 'docs.anthropic.com/en/api/overview#authentication', {
    names: [/^ANTHROPIC_(?:API_KEY|AUTH_TOKEN)$/, /^CLAUDE_API_KEY$/, /^CLAUDE_CODE_OAUTH_TOKEN$/],
    shapes: [/^sk-ant-[A-Za-z0-9_-]{16,}$/],
    hosts: ['api.anthropic.com'],
    in: ['header:x-api-key', 'header:authorization'],
    modelApi: true,
  }),
  provider('openrouter', 'OpenRouter', 'openrouter.ai/docs/api-reference/authentication', {
    names: [/^OPENROUTER_API_KEY$/],
    shapes: [/^sk-or-[A-Za-z0-9-]{20,}$/],
    hosts: ['openrouter.ai'],
    modelApi: true,
  }),
  provider('deepseek', 'DeepSeek', 'api-docs.deepseek.com', {
    names: [/^DEEPSEEK_API_KEY$/],
    hosts: ['api.deepseek.com'],
    modelApi: true,
  }),
  provider('openai', 'OpenAI', 'platform.openai.com/docs/api-reference/authentication', {
    names: [/^OPENAI_(?:API_KEY|ADMIN_KEY)$/, /^CODEX_API_KEY$/],
    shapes: [/^sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}$/, /^sk-[A-Za-z0-9]{48}$/],
    hosts: ['api.openai.com'],
    modelApi: true,
  }),
  provider(
    'github',
    'GitHub',
    'docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github',
    {
      names: [/^(?:GITHUB|GH)_(?:TOKEN|PAT|ACCESS_TOKEN|API_TOKEN)$/, /^GITHUB_PERSONAL_ACCESS_TOKEN$/],
      shapes: [/^gh[pousr]_[A-Za-z0-9]{36,}$/, /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/],
      hosts: [
        'api.github.com',
        'github.com',
        'uploads.github.com',
        'raw.githubusercontent.com',
        'codeload.github.com',
        'ghcr.io',
      ],
      in: ['header:authorization', 'basic'],
    },
  ),
  provider('google-ai', 'Google AI', 'ai.google.dev/gemini-api/docs/api-key', {
    names: [/^(?:GEMINI|GOOGLE_AI|GOOGLE_GENERATIVE_AI|GOOGLE)_API_KEY$/],
    shapes: [/^AIza[A-Za-z0-9_-]{35}$/],
    hosts: ['generativelanguage.googleapis.com'],
    in: ['header:x-goog-api-key', 'query:key'],
    modelApi: true,
  }),
  provider('stripe', 'Stripe', 'docs.stripe.com/keys', {
    names: [/^STRIPE_(?:SECRET|API|RESTRICTED|SECRET_API)_?KEY$/],
    shapes: [/^[sr]k_(?:live|test)_[A-Za-z0-9]{16,}$/],
    hosts: ['api.stripe.com', 'files.stripe.com'],
    in: ['header:authorization', 'basic'],
  }),
  provider('slack', 'Slack', 'docs.slack.dev/authentication/tokens', {
    names: [/^SLACK_(?:BOT_|USER_|APP_)?TOKEN$/, /^SLACK_API_TOKEN$/],
    shapes: [/^xox[abpre](?:-[A-Za-z0-9]+){2,}$/, /^xapp-[0-9]-[A-Za-z0-9-]{20,}$/],
    hosts: ['slack.com', '*.slack.com'],
  }),
  provider('aws', 'AWS', 'docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html', {
    names: [/^AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/],
    shapes: [/^(?:AKIA|ASIA)[A-Z2-7]{16}$/],
    in: [],
    kind: 'aws',
  }),
  provider('hugging-face', 'Hugging Face', 'huggingface.co/docs/hub/security-tokens', {
    names: [/^(?:HF|HUGGING_?FACE(?:_HUB)?)_(?:TOKEN|API_KEY|API_TOKEN)$/],
    shapes: [/^hf_[A-Za-z0-9]{30,}$/],
    hosts: ['huggingface.co', '*.huggingface.co', '*.hf.co'],
  }),
  provider('npm', 'npm', 'docs.npmjs.com/about-access-tokens', {
    names: [/^(?:NPM|NODE_AUTH)_TOKEN$/, /^NPM_(?:AUTH|ACCESS)_TOKEN$/],
    shapes: [/^npm_[A-Za-z0-9]{36}$/],
    hosts: ['registry.npmjs.org'],
  }),
  provider('mistral', 'Mistral', 'docs.mistral.ai/api', {
    names: [/^MISTRAL_API_KEY$/],
    hosts: ['api.mistral.ai', 'codestral.mistral.ai'],
    modelApi: true,
  }),
  provider('groq', 'Groq', 'console.groq.com/docs/quickstart', {
    names: [/^GROQ_API_KEY$/],
    shapes: [/^gsk_[A-Za-z0-9]{40,}$/],
    hosts: ['api.groq.com'],
    modelApi: true,
  }),
  provider('xai', 'xAI', 'docs.x.ai/docs/tutorial', {
    names: [/^XAI_API_KEY$/],
    shapes: [/^xai-[A-Za-z0-9]{40,}$/],
    hosts: ['api.x.ai'],
    modelApi: true,
  }),
  provider('cohere', 'Cohere', 'docs.cohere.com/reference/about', {
    names: [/^(?:COHERE|CO)_API_KEY$/],
    hosts: ['api.cohere.com', 'api.cohere.ai'],
    modelApi: true,
  }),
  provider('perplexity', 'Perplexity', 'docs.perplexity.ai', {
    names: [/^(?:PERPLEXITY|PPLX)_API_KEY$/],
    shapes: [/^pplx-[A-Za-z0-9]{40,}$/],
    hosts: ['api.perplexity.ai'],
    modelApi: true,
  }),
  provider('gitlab', 'GitLab', 'docs.gitlab.com/api/rest/authentication', {
    names: [/^GITLAB_(?:TOKEN|PAT|API_TOKEN|ACCESS_TOKEN)$/],
    shapes: [/^glpat-[A-Za-z0-9_.-]{20,}$/],
    hosts: ['gitlab.com'],
    in: ['header:private-token', 'header:authorization', 'basic'],
  }),
  provider(
    'sendgrid',
    'SendGrid',
    'www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/authentication',
    {
      names: [/^SENDGRID_API_KEY$/],
      shapes: [/^SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}$/],
      hosts: ['api.sendgrid.com'],
    },
  ),
  provider('twilio', 'Twilio', 'www.twilio.com/docs/usage/requests-to-twilio', {
    names: [/^TWILIO_(?:AUTH_TOKEN|API_SECRET)$/],
    hosts: ['*.twilio.com'],
    in: ['basic'],
  }),
  provider('cloudflare', 'Cloudflare', 'developers.cloudflare.com/fundamentals/api/get-started', {
    names: [/^(?:CLOUDFLARE|CF)_API_(?:TOKEN|KEY)$/],
    hosts: ['api.cloudflare.com'],
    in: ['header:authorization', 'header:x-auth-key'],
  }),
  provider('vercel', 'Vercel', 'vercel.com/docs/rest-api', {
    names: [/^VERCEL_TOKEN$/],
    hosts: ['api.vercel.com', 'vercel.com'],
  }),
  provider('linear', 'Linear', 'linear.app/developers/graphql', {
    names: [/^LINEAR_API_KEY$/],
    shapes: [/^lin_api_[A-Za-z0-9]{32,}$/],
    hosts: ['api.linear.app'],
  }),
  provider('notion', 'Notion', 'developers.notion.com/reference/authentication', {
    names: [/^NOTION_(?:TOKEN|API_KEY|SECRET)$/],
    shapes: [/^(?:ntn|secret)_[A-Za-z0-9]{40,}$/],
    hosts: ['api.notion.com'],
  }),
  provider('sentry', 'Sentry', 'docs.sentry.io/api/auth', {
    names: [/^SENTRY_(?:AUTH_TOKEN|API_TOKEN)$/],
    shapes: [/^sntry[su]_[A-Za-z0-9_=+/-]{30,}$/],
    hosts: ['sentry.io', '*.sentry.io'],
  }),
  provider('replicate', 'Replicate', 'replicate.com/docs/reference/http', {
    names: [/^REPLICATE_API_(?:TOKEN|KEY)$/],
    shapes: [/^r8_[A-Za-z0-9]{30,}$/],
    hosts: ['api.replicate.com'],
    modelApi: true,
  }),
  provider('tavily', 'Tavily', 'docs.tavily.com/documentation/api-reference/introduction', {
    names: [/^TAVILY_API_KEY$/],
    shapes: [/^tvly-[A-Za-z0-9-]{20,}$/],
    hosts: ['api.tavily.com'],
  }),
  provider('elevenlabs', 'ElevenLabs', 'elevenlabs.io/docs/api-reference/authentication', {
    names: [/^(?:ELEVENLABS|ELEVEN|XI)_API_KEY$/],
    hosts: ['api.elevenlabs.io'],
    in: ['header:xi-api-key'],
  }),
  provider('digitalocean', 'DigitalOcean', 'docs.digitalocean.com/reference/api', {
    names: [/^(?:DIGITALOCEAN|DO)_(?:TOKEN|API_TOKEN|ACCESS_TOKEN)$/],
    shapes: [/^do[opr]_v1_[0-9a-f]{64}$/],
    hosts: ['api.digitalocean.com'],
  }),
  provider('resend', 'Resend', 'resend.com/docs/api-reference/introduction', {
    names: [/^RESEND_API_KEY$/],
    shapes: [/^re_[A-Za-z0-9_]{20,}$/],
    hosts: ['api.resend.com'],
  }),
];

/** The provider of a value: by its shape first, which cannot lie, then by the name of its variable. */
export function lookupProvider(name: string, value: string): Provider | undefined {
  const upper = name.toUpperCase();
  // Prefixes that frameworks put before a name do not change whose it is.
  const bare = upper.replace(
    /^(?:NEXT_PUBLIC_|VITE_|REACT_APP_|EXPO_PUBLIC_|NUXT_(?:PUBLIC_)?|TF_VAR_|MY_|PROD_|DEV_|STAGING_|TEST_)+/,
    '',
  );
  return (
    PROVIDERS.find((row) => row.shapes.some((shape) => shape.test(value))) ??
    PROVIDERS.find((row) => row.names.some((pattern) => pattern.test(upper) || pattern.test(bare)))
  );
}

const MODEL_HOSTS = new Set(PROVIDERS.filter((row) => row.modelApi).flatMap((row) => row.hosts));

/** Whether requests to this host are conversations with a model. */
export function isModelApi(host: string): boolean {
  return MODEL_HOSTS.has(host);
}

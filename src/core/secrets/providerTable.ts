// Who issues which secrets: names of variables, shapes of values, the hosts they belong to and the places where those hosts
// read them. Each row names the vendor's documentation. A host pattern never reaches machines that run a customer's code:
// whoever rents one would be sent the key. A secret that no row knows is bound by the user.
import type { Place } from './types';

/** `aws`: requests are signed with it, it does not travel itself. */
export type SecretKind = 'http' | 'aws';

export interface Provider {
  readonly id: string;
  readonly title: string;
  /** Names of variables, whole. */
  readonly names: readonly RegExp[];
  /** Shapes of values, whole; a match on the shape alone is enough. */
  readonly shapes: readonly RegExp[];
  /** Patterns as in policy rules. Empty: every customer has hosts of their own, the user binds it. */
  readonly hosts: readonly string[];
  /** Empty: the place where it is read cannot be served yet. */
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
    // Codex sends its API key to chatgpt.com as well.
    hosts: ['api.openai.com', 'chatgpt.com'],
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
        'gist.github.com',
        'uploads.github.com',
        'raw.githubusercontent.com',
        'codeload.github.com',
        'ghcr.io',
        '*.pkg.github.com',
        'models.github.ai',
      ],
      in: ['header:authorization', 'basic'],
    },
  ),
  provider('google-ai', 'Google AI', 'ai.google.dev/gemini-api/docs/api-key', {
    names: [/^(?:GEMINI|GOOGLE_AI|GOOGLE_GENERATIVE_AI|GOOGLE)_API_KEY$/],
    // Keys made since 2026 begin with "AQ.".
    shapes: [/^AIza[A-Za-z0-9_-]{35}$/, /^AQ\.Ab[A-Za-z0-9_-]{30,}$/],
    hosts: ['generativelanguage.googleapis.com'],
    // `authorization` on the endpoints that speak OpenAI's language.
    in: ['header:x-goog-api-key', 'query:key', 'header:authorization'],
    modelApi: true,
  }),
  provider('google-maps', 'Google Maps', 'developers.google.com/maps/api-security-best-practices', {
    names: [/^GOOGLE_(?:MAPS|PLACES|GEOCODING)_(?:API_)?KEY$/],
    shapes: [/^AIza[A-Za-z0-9_-]{35}$/],
    hosts: ['maps.googleapis.com', 'places.googleapis.com', 'routes.googleapis.com'],
    in: ['query:key', 'header:x-goog-api-key'],
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
    hosts: ['huggingface.co', '*.huggingface.co'],
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
    names: [/^NOTION_(?:ACCESS_|API_)?TOKEN$/, /^NOTION_(?:API_KEY|SECRET)$/],
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
  provider('azure-openai', 'Azure OpenAI', 'learn.microsoft.com/azure/ai-services/openai/reference', {
    names: [/^AZURE_OPENAI_(?:API_)?KEY$/],
    hosts: ['*.openai.azure.com'],
    in: ['header:api-key'],
    modelApi: true,
  }),
  provider('together', 'Together AI', 'docs.together.ai/docs/quickstart', {
    names: [/^TOGETHER_(?:AI_)?API_KEY$/, /^TOGETHERAI_API_KEY$/],
    hosts: ['api.together.xyz', 'api.together.ai'],
    modelApi: true,
  }),
  provider('fireworks', 'Fireworks AI', 'docs.fireworks.ai/api-reference/introduction', {
    names: [/^FIREWORKS_(?:AI_)?API_KEY$/],
    shapes: [/^fw_[A-Za-z0-9]{20,}$/],
    hosts: ['api.fireworks.ai'],
    modelApi: true,
  }),
  provider('cerebras', 'Cerebras', 'inference-docs.cerebras.ai', {
    names: [/^CEREBRAS_API_KEY$/],
    shapes: [/^csk-[a-z0-9]{40,}$/],
    hosts: ['api.cerebras.ai'],
    modelApi: true,
  }),
  provider('voyage', 'Voyage AI', 'docs.voyageai.com/docs/api-key-and-installation', {
    names: [/^VOYAGE_API_KEY$/],
    hosts: ['api.voyageai.com'],
    modelApi: true,
  }),
  provider('deepgram', 'Deepgram', 'developers.deepgram.com/docs/authenticating', {
    names: [/^DEEPGRAM_API_KEY$/],
    hosts: ['api.deepgram.com'],
  }),
  provider('langsmith', 'LangSmith', 'docs.smith.langchain.com', {
    names: [/^(?:LANGSMITH|LANGCHAIN)_API_KEY$/],
    shapes: [/^lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}$/],
    hosts: ['api.smith.langchain.com', 'eu.api.smith.langchain.com'],
    in: ['header:x-api-key'],
  }),
  provider('pinecone', 'Pinecone', 'docs.pinecone.io/reference/api/authentication', {
    names: [/^PINECONE_API_KEY$/],
    shapes: [/^pcsk_[A-Za-z0-9_]{50,}$/],
    hosts: ['api.pinecone.io', '*.pinecone.io'],
    in: ['header:api-key'],
  }),
  // Every project has a host of its own, which runs its owner's code: a pattern for all would reach strangers' projects.
  provider('supabase', 'Supabase', 'supabase.com/docs/guides/api/api-keys', {
    names: [/^SUPABASE_(?:SECRET_KEY|SERVICE_(?:ROLE_)?KEY)$/],
    shapes: [/^sb_secret_[A-Za-z0-9_-]{20,}$/],
    in: ['header:apikey', 'header:authorization'],
  }),
  provider('supabase-management', 'Supabase', 'supabase.com/docs/reference/api/introduction', {
    names: [/^SUPABASE_ACCESS_TOKEN$/],
    shapes: [/^sbp_[0-9a-f]{40}$/],
    hosts: ['api.supabase.com'],
  }),
  provider('upstash', 'Upstash', 'upstash.com/docs/redis/features/restapi', {
    names: [/^UPSTASH_(?:REDIS|VECTOR)_REST_TOKEN$/],
    hosts: ['*.upstash.io'],
  }),
  provider('figma', 'Figma', 'developers.figma.com/docs/rest-api/personal-access-tokens', {
    names: [/^FIGMA_(?:API_KEY|TOKEN|ACCESS_TOKEN|PERSONAL_ACCESS_TOKEN)$/],
    shapes: [/^figd_[A-Za-z0-9_-]{30,}$/],
    hosts: ['api.figma.com'],
    in: ['header:x-figma-token', 'header:authorization'],
  }),
  provider('datadog', 'Datadog', 'docs.datadoghq.com/api/latest/authentication', {
    names: [/^(?:DD|DATADOG)_(?:API|APP|APPLICATION)_KEY$/],
    hosts: ['*.datadoghq.com', '*.datadoghq.eu', '*.ddog-gov.com'],
    in: ['header:dd-api-key', 'header:dd-application-key'],
  }),
  provider('brave-search', 'Brave Search', 'api-dashboard.search.brave.com/documentation/guides/authentication', {
    names: [/^BRAVE_(?:SEARCH_)?API_KEY$/],
    shapes: [/^BSA[A-Za-z0-9_-]{26,29}$/],
    hosts: ['api.search.brave.com'],
    in: ['header:x-subscription-token'],
  }),
  provider('exa', 'Exa', 'docs.exa.ai/reference/getting-started', {
    names: [/^EXA_API_KEY$/],
    hosts: ['api.exa.ai'],
    in: ['header:x-api-key', 'header:authorization'],
  }),
  provider('firecrawl', 'Firecrawl', 'docs.firecrawl.dev/api-reference/v2-introduction', {
    names: [/^FIRECRAWL_API_KEY$/],
    shapes: [/^fc-[0-9a-f]{32}$/],
    hosts: ['api.firecrawl.dev'],
  }),
  provider('discord', 'Discord', 'discord.com/developers/docs/reference#authentication', {
    names: [/^DISCORD_(?:BOT_)?TOKEN$/],
    hosts: ['discord.com'],
  }),
  // The token is a part of the path (`/botTOKEN/method`), which is no place of this version.
  provider('telegram', 'Telegram', 'core.telegram.org/bots/api#authorizing-your-bot', {
    names: [/^(?:TELEGRAM|TG)_(?:BOT_)?TOKEN$/, /^TELEGRAM_BOT_API_KEY$/],
    shapes: [/^\d{8,10}:AA[A-Za-z0-9_-]{33}$/],
    hosts: ['api.telegram.org'],
    in: [],
  }),
  provider('airtable', 'Airtable', 'airtable.com/developers/web/api/authentication', {
    names: [/^AIRTABLE_(?:API_KEY|TOKEN|PAT|ACCESS_TOKEN)$/],
    shapes: [/^pat[A-Za-z0-9]{14}\.[0-9a-f]{64}$/],
    hosts: ['api.airtable.com', 'content.airtable.com'],
  }),
  provider('mailgun', 'Mailgun', 'documentation.mailgun.com/docs/mailgun/api-reference', {
    names: [/^MAILGUN_API_KEY$/],
    shapes: [/^key-[0-9a-f]{32}$/],
    hosts: ['api.mailgun.net', 'api.eu.mailgun.net'],
    in: ['basic'],
  }),
  provider('postmark', 'Postmark', 'postmarkapp.com/developer/api/overview', {
    names: [/^POSTMARK_(?:SERVER_(?:API_)?|ACCOUNT_(?:API_)?|API_)?TOKEN$/],
    hosts: ['api.postmarkapp.com'],
    in: ['header:x-postmark-server-token', 'header:x-postmark-account-token'],
  }),
  provider('netlify', 'Netlify', 'docs.netlify.com/api/get-started', {
    names: [/^NETLIFY_(?:AUTH_|API_)?TOKEN$/],
    shapes: [/^nfp_[A-Za-z0-9]{30,}$/],
    hosts: ['api.netlify.com'],
  }),
  provider('heroku', 'Heroku', 'devcenter.heroku.com/articles/platform-api-quickstart', {
    names: [/^HEROKU_API_(?:KEY|TOKEN)$/],
    shapes: [/^HRKU-[A-Za-z0-9_-]{30,}$/],
    hosts: ['api.heroku.com'],
    in: ['header:authorization', 'basic'],
  }),
  provider('pypi', 'PyPI', 'pypi.org/help/#apitoken', {
    names: [/^(?:PYPI_(?:API_)?TOKEN|TWINE_PASSWORD|UV_PUBLISH_TOKEN|POETRY_PYPI_TOKEN_PYPI)$/],
    shapes: [/^pypi-AgE[A-Za-z0-9_-]{50,}$/],
    hosts: ['upload.pypi.org', 'test.pypi.org'],
    in: ['basic'],
  }),
];

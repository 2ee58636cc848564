// Model APIs, and what agents use beside them: search, speech, vectors, tracing.
import { UUID, provider, type Provider } from './row';

const modelApi = true;

export const MODEL_PROVIDERS: readonly Provider[] = [
  provider('anthropic', 'Anthropic', 'docs.anthropic.com/en/api/overview#authentication', {
    names: 'ANTHROPIC_{API_KEY,AUTH_TOKEN,ADMIN_KEY,ADMIN_API_KEY} CLAUDE_API_KEY CLAUDE_CODE_OAUTH_TOKEN',
    // Tools look for the end as well.
    shapes: [/^(sk-ant-[a-z]{3,5}\d\d-)[A-Za-z0-9_-]{93}(AA)$/, /^(sk-ant-(?:[a-z]{3,5}\d\d-)?)[A-Za-z0-9_-]{16,}$/],
    hosts: ['api.anthropic.com'],
    in: ['header:x-api-key', 'header:authorization'],
    modelApi,
  }),
  provider('openrouter', 'OpenRouter', 'openrouter.ai/docs/api-reference/authentication', {
    names: 'OPENROUTER_API_KEY',
    shapes: [/^(sk-or-(?:v1-)?)[A-Za-z0-9-]{20,}$/],
    hosts: ['openrouter.ai'],
    modelApi,
  }),
  provider('deepseek', 'DeepSeek', 'api-docs.deepseek.com', {
    names: 'DEEPSEEK_API_KEY',
    weakShapes: [/^(sk-)[0-9a-f]{32}$/],
    hosts: ['api.deepseek.com'],
    modelApi,
  }),
  provider('openai', 'OpenAI', 'platform.openai.com/docs/api-reference/authentication', {
    names: 'OPENAI_{API_KEY,ADMIN_KEY,KEY,TOKEN} CODEX_API_KEY',
    shapes: [/^(sk-(?:proj|svcacct|admin)-)[A-Za-z0-9_-]{20,}$/],
    weakShapes: [/^(sk-)[A-Za-z0-9]{48}$/],
    // Codex sends its API key to chatgpt.com as well.
    hosts: ['api.openai.com', 'chatgpt.com'],
    modelApi,
  }),
  provider('azure-openai', 'Azure OpenAI', 'learn.microsoft.com/azure/ai-services/openai/reference', {
    names: 'AZURE_OPENAI_{API_KEY,KEY}',
    hosts: ['*.openai.azure.com'],
    in: ['header:api-key'],
    modelApi,
  }),
  provider('google-ai', 'Google AI', 'ai.google.dev/gemini-api/docs/api-key', {
    names: '{GEMINI,GOOGLE_AI,GOOGLE_GENERATIVE_AI,GOOGLE}_API_KEY',
    // Keys made since 2026 begin with "AQ.".
    shapes: [/^(AIza)[A-Za-z0-9_-]{35}$/, /^(AQ\.Ab)[A-Za-z0-9_-]{30,}$/],
    family: 'google-api-key',
    hosts: ['generativelanguage.googleapis.com'],
    // `authorization` on the endpoints that speak OpenAI's language.
    in: ['header:x-goog-api-key', 'query:key', 'header:authorization'],
    modelApi,
  }),
  provider('vertex-ai', 'Google Vertex AI', 'cloud.google.com/vertex-ai/generative-ai/docs/start/api-keys', {
    names: '{VERTEX,VERTEX_AI,GOOGLE_VERTEX,GOOGLE_VERTEX_AI}_API_KEY',
    shapes: [/^(AIza)[A-Za-z0-9_-]{35}$/, /^(AQ\.Ab)[A-Za-z0-9_-]{30,}$/],
    family: 'google-api-key',
    hosts: ['aiplatform.googleapis.com'],
    in: ['header:x-goog-api-key', 'query:key'],
    modelApi,
  }),
  provider('mistral', 'Mistral', 'docs.mistral.ai/api', {
    names: 'MISTRAL_API_KEY CODESTRAL_API_KEY',
    hosts: ['api.mistral.ai', 'codestral.mistral.ai'],
    modelApi,
  }),
  provider('groq', 'Groq', 'console.groq.com/docs/quickstart', {
    names: 'GROQ_API_KEY',
    shapes: [/^(gsk_)[A-Za-z0-9]{40,}$/],
    hosts: ['api.groq.com'],
    modelApi,
  }),
  provider('xai', 'xAI', 'docs.x.ai/docs/tutorial', {
    names: '{XAI,GROK}_API_KEY',
    shapes: [/^(xai-)[A-Za-z0-9]{40,}$/],
    hosts: ['api.x.ai'],
    modelApi,
  }),
  provider('cohere', 'Cohere', 'docs.cohere.com/reference/about', {
    names: '{COHERE,CO}_API_KEY',
    hosts: ['api.cohere.com', 'api.cohere.ai'],
    modelApi,
  }),
  provider('perplexity', 'Perplexity', 'docs.perplexity.ai', {
    names: '{PERPLEXITY,PPLX,PERPLEXITYAI}_API_KEY',
    shapes: [/^(pplx-)[A-Za-z0-9]{40,}$/],
    hosts: ['api.perplexity.ai'],
    modelApi,
  }),
  provider('together', 'Together AI', 'docs.together.ai/docs/quickstart', {
    names: '{TOGETHER,TOGETHER_AI,TOGETHERAI}_API_KEY',
    hosts: ['api.together.xyz', 'api.together.ai'],
    modelApi,
  }),
  provider('fireworks', 'Fireworks AI', 'docs.fireworks.ai/api-reference/introduction', {
    names: '{FIREWORKS,FIREWORKS_AI}_API_KEY',
    shapes: [/^(fw_)[A-Za-z0-9]{20,}$/],
    hosts: ['api.fireworks.ai'],
    modelApi,
  }),
  provider('cerebras', 'Cerebras', 'inference-docs.cerebras.ai', {
    names: 'CEREBRAS_API_KEY',
    shapes: [/^(csk-)[a-z0-9]{40,}$/],
    hosts: ['api.cerebras.ai'],
    modelApi,
  }),
  provider('replicate', 'Replicate', 'replicate.com/docs/reference/http', {
    names: 'REPLICATE_API_{TOKEN,KEY}',
    shapes: [/^(r8_)[A-Za-z0-9]{30,}$/],
    hosts: ['api.replicate.com'],
    modelApi,
  }),
  provider('nvidia', 'NVIDIA NIM', 'docs.api.nvidia.com/nim/reference/llm-apis', {
    names: '{NVIDIA,NIM,NVIDIA_NIM}_API_KEY',
    shapes: [/^(nvapi-)[A-Za-z0-9_-]{60,70}$/],
    hosts: ['integrate.api.nvidia.com', 'ai.api.nvidia.com'],
    modelApi,
  }),
  provider('moonshot', 'Moonshot', 'platform.moonshot.ai/docs', {
    names: '{MOONSHOT,KIMI}_API_KEY',
    hosts: ['api.moonshot.ai', 'api.moonshot.cn'],
    modelApi,
  }),
  provider('zai', 'Z.ai', 'docs.z.ai/api-reference/introduction', {
    names: '{ZAI,Z_AI,ZHIPU,ZHIPUAI}_API_KEY',
    hosts: ['api.z.ai', 'open.bigmodel.cn'],
    modelApi,
  }),
  provider(
    'dashscope',
    'Alibaba Model Studio',
    'www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope',
    {
      names: 'DASHSCOPE_API_KEY',
      hosts: ['dashscope.aliyuncs.com', 'dashscope-intl.aliyuncs.com', 'dashscope-us.aliyuncs.com'],
      modelApi,
    },
  ),
  provider('ai21', 'AI21', 'docs.ai21.com/reference', { names: 'AI21_API_KEY', hosts: ['api.ai21.com'], modelApi }),
  provider('deepinfra', 'DeepInfra', 'deepinfra.com/docs/openai_api', {
    names: 'DEEPINFRA_{API_KEY,TOKEN,API_TOKEN}',
    hosts: ['api.deepinfra.com'],
    modelApi,
  }),
  provider('sambanova', 'SambaNova', 'docs.sambanova.ai/cloud/docs/get-started/quickstart', {
    names: 'SAMBANOVA_API_KEY',
    hosts: ['api.sambanova.ai'],
    modelApi,
  }),
  provider('baseten', 'Baseten', 'docs.baseten.co/development/model-apis/overview', {
    names: 'BASETEN_API_KEY',
    // A model of one's own is called at a host below api.baseten.co's sister domains, which run customers' code.
    hosts: ['inference.baseten.co', 'api.baseten.co'],
    modelApi,
  }),
  provider('vercel-ai-gateway', 'Vercel AI Gateway', 'vercel.com/docs/ai-gateway/authentication', {
    names: 'AI_GATEWAY_API_KEY',
    hosts: ['ai-gateway.vercel.sh'],
    modelApi,
  }),
  provider('hugging-face', 'Hugging Face', 'huggingface.co/docs/hub/security-tokens', {
    names: '{HF,HUGGINGFACE,HUGGING_FACE,HUGGINGFACE_HUB,HUGGING_FACE_HUB,HUGGINGFACEHUB}_{TOKEN,API_KEY,API_TOKEN}',
    shapes: [/^(hf_)[A-Za-z0-9]{30,}$/],
    hosts: ['huggingface.co', '*.huggingface.co'],
    modelHosts: ['router.huggingface.co', 'api-inference.huggingface.co'],
  }),
  provider('voyage', 'Voyage AI', 'docs.voyageai.com/docs/api-key-and-installation', {
    names: '{VOYAGE,VOYAGEAI}_API_KEY',
    hosts: ['api.voyageai.com'],
    modelApi,
  }),
  provider('jina', 'Jina AI', 'jina.ai/reader', {
    names: 'JINA_{API_KEY,AI_API_KEY}',
    shapes: [/^(jina_)[A-Za-z0-9_-]{50,64}$/],
    hosts: ['api.jina.ai', 'r.jina.ai', 's.jina.ai'],
  }),
  provider('elevenlabs', 'ElevenLabs', 'elevenlabs.io/docs/api-reference/authentication', {
    names: '{ELEVENLABS,ELEVEN_LABS,ELEVEN,XI}_API_KEY',
    weakShapes: [/^(sk_)[0-9a-f]{48}$/],
    hosts: ['api.elevenlabs.io', 'api.us.elevenlabs.io', 'api.eu.residency.elevenlabs.io'],
    in: ['header:xi-api-key'],
  }),
  provider('assemblyai', 'AssemblyAI', 'www.assemblyai.com/docs/api-reference/overview', {
    names: '{ASSEMBLYAI,ASSEMBLY_AI,AAI}_API_KEY',
    hosts: ['api.assemblyai.com', 'api.eu.assemblyai.com', 'streaming.assemblyai.com'],
  }),
  provider('deepgram', 'Deepgram', 'developers.deepgram.com/docs/authenticating', {
    names: 'DEEPGRAM_API_KEY',
    hosts: ['api.deepgram.com'],
  }),
  provider('cartesia', 'Cartesia', 'docs.cartesia.ai/get-started/authenticate-your-client-applications', {
    names: 'CARTESIA_API_KEY',
    shapes: [/^(sk_car_)[A-Za-z0-9_-]{20,}$/],
    hosts: ['api.cartesia.ai'],
    in: ['header:x-api-key', 'header:authorization'],
  }),
  provider('stability', 'Stability AI', 'platform.stability.ai/docs/api-reference', {
    names: 'STABILITY_{API_KEY,AI_API_KEY,KEY}',
    hosts: ['api.stability.ai'],
  }),
  provider('langsmith', 'LangSmith', 'docs.smith.langchain.com', {
    names: '{LANGSMITH,LANGCHAIN}_API_KEY',
    shapes: [/^(lsv2_(?:pt|sk)_)[0-9a-f]{32}_[0-9a-f]{10}$/],
    hosts: ['api.smith.langchain.com', 'eu.api.smith.langchain.com'],
    in: ['header:x-api-key'],
  }),
  provider('langfuse', 'Langfuse', 'langfuse.com/docs/api-and-data-platform/features/public-api', {
    names: 'LANGFUSE_SECRET_KEY',
    shapes: [new RegExp(`^(sk-lf-)${UUID}$`)],
    hosts: ['cloud.langfuse.com', 'us.cloud.langfuse.com', 'hipaa.cloud.langfuse.com'],
    in: ['basic'],
  }),
  provider('helicone', 'Helicone', 'docs.helicone.ai/helicone-headers/helicone-auth', {
    names: 'HELICONE_API_KEY',
    shapes: [/^(sk-helicone-)[a-z0-9-]{20,}$/],
    hosts: [
      'oai.helicone.ai',
      'anthropic.helicone.ai',
      'gateway.helicone.ai',
      'ai-gateway.helicone.ai',
      'api.helicone.ai',
    ],
    in: ['header:helicone-auth', 'header:authorization'],
    modelHosts: ['oai.helicone.ai', 'anthropic.helicone.ai', 'gateway.helicone.ai', 'ai-gateway.helicone.ai'],
  }),
  provider('portkey', 'Portkey', 'portkey.ai/docs/api-reference/inference-api/headers', {
    names: 'PORTKEY_API_KEY',
    hosts: ['api.portkey.ai'],
    in: ['header:x-portkey-api-key'],
    modelApi,
  }),
  provider('braintrust', 'Braintrust', 'www.braintrust.dev/docs/reference/api/introduction', {
    names: 'BRAINTRUST_API_KEY',
    hosts: ['api.braintrust.dev'],
  }),
  provider('wandb', 'Weights & Biases', 'docs.wandb.ai/support/find_api_key', {
    names: 'WANDB_{API_KEY,KEY}',
    hosts: ['api.wandb.ai'],
    in: ['basic', 'header:authorization'],
  }),
  provider('logfire', 'Pydantic Logfire', 'logfire.pydantic.dev/docs/how-to-guides/create-write-tokens', {
    names: 'LOGFIRE_{TOKEN,WRITE_TOKEN,READ_TOKEN}',
    // Its SDK takes the region from the token.
    shapes: [/^(pylf_v\d_[a-z]{2}_)[A-Za-z0-9]{40,}$/],
    hosts: ['logfire-us.pydantic.dev', 'logfire-eu.pydantic.dev', 'logfire-api.pydantic.dev'],
  }),
  provider('pinecone', 'Pinecone', 'docs.pinecone.io/reference/api/authentication', {
    names: 'PINECONE_API_KEY',
    shapes: [/^(pcsk_)[A-Za-z0-9_]{50,}$/],
    hosts: ['api.pinecone.io', '*.pinecone.io'],
    in: ['header:api-key'],
  }),
  provider('weaviate', 'Weaviate', 'docs.weaviate.io/weaviate/configuration/authentication', {
    names: '{WEAVIATE,WCD,WCS}_API_KEY',
  }),
  provider('qdrant', 'Qdrant', 'qdrant.tech/documentation/cloud/authentication', {
    names: 'QDRANT_API_KEY',
    in: ['header:api-key', 'header:authorization'],
  }),
  provider('llama-cloud', 'LlamaCloud', 'developers.llamaindex.ai/python/cloud/general/api_key', {
    names: 'LLAMA_CLOUD_API_KEY',
    shapes: [/^(llx-)[A-Za-z0-9]{40,60}$/],
    hosts: ['api.cloud.llamaindex.ai', 'api.cloud.eu.llamaindex.ai'],
  }),
  provider('tavily', 'Tavily', 'docs.tavily.com/documentation/api-reference/introduction', {
    names: 'TAVILY_API_KEY',
    shapes: [/^(tvly-(?:dev-|prod-)?)[A-Za-z0-9-]{20,}$/],
    hosts: ['api.tavily.com'],
  }),
  provider('brave-search', 'Brave Search', 'api-dashboard.search.brave.com/documentation/guides/authentication', {
    names: 'BRAVE_{API_KEY,SEARCH_API_KEY}',
    shapes: [/^(BSA)[A-Za-z0-9_-]{26,29}$/],
    hosts: ['api.search.brave.com'],
    in: ['header:x-subscription-token'],
  }),
  provider('exa', 'Exa', 'docs.exa.ai/reference/getting-started', {
    names: 'EXA_API_KEY',
    hosts: ['api.exa.ai'],
    in: ['header:x-api-key', 'header:authorization'],
  }),
  provider('firecrawl', 'Firecrawl', 'docs.firecrawl.dev/api-reference/v2-introduction', {
    names: 'FIRECRAWL_API_KEY',
    shapes: [/^(fc-)[0-9a-f]{32}$/],
    hosts: ['api.firecrawl.dev'],
  }),
  provider('serper', 'Serper', 'serper.dev/playground', {
    names: 'SERPER_API_KEY',
    hosts: ['google.serper.dev', 'scrape.serper.dev'],
    in: ['header:x-api-key'],
  }),
  provider('serpapi', 'SerpApi', 'serpapi.com/search-api', {
    names: '{SERPAPI,SERP_API}_{API_KEY,KEY}',
    hosts: ['serpapi.com'],
    in: ['query:api_key'],
  }),
  // Sandboxes run at other hosts below e2b.app: customers' code.
  provider('e2b', 'E2B', 'e2b.dev/docs/api-key', {
    names: 'E2B_API_KEY',
    shapes: [/^(e2b_)[0-9a-f]{40}$/],
    hosts: ['api.e2b.app', 'api.e2b.dev'],
    in: ['header:x-api-key'],
  }),
  provider('browserbase', 'Browserbase', 'docs.browserbase.com/reference/api/overview', {
    names: 'BROWSERBASE_API_KEY',
    shapes: [/^(bb_live_)[A-Za-z0-9_-]{20,}$/],
    hosts: ['api.browserbase.com'],
    in: ['header:x-bb-api-key'],
  }),
  provider('apify', 'Apify', 'docs.apify.com/api/v2', {
    names: 'APIFY_{TOKEN,API_TOKEN,API_KEY}',
    shapes: [/^(apify_api_)[A-Za-z0-9]{36}$/],
    hosts: ['api.apify.com'],
    in: ['header:authorization', 'query:token'],
  }),
];

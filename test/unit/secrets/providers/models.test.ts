import { MODEL_PROVIDERS } from '../../../../src/core/secrets/providers/models';
import { testRows } from './examples';

testRows(MODEL_PROVIDERS, [
  ['ANTHROPIC_API_KEY', 'anthropic', 'api.anthropic.com', 'header:x-api-key'],
  ['OPENAI_API_KEY', 'openai', 'api.openai.com', 'header:authorization'],
  ['GEMINI_API_KEY', 'google-ai', 'generativelanguage.googleapis.com', 'header:x-goog-api-key'],
  ['MISTRAL_API_KEY', 'mistral', 'api.mistral.ai', 'header:authorization'],
  ['ELEVENLABS_API_KEY', 'elevenlabs', 'api.elevenlabs.io', 'header:xi-api-key'],
  ['LANGFUSE_SECRET_KEY', 'langfuse', 'cloud.langfuse.com', 'basic'],
  ['SERPAPI_API_KEY', 'serpapi', 'serpapi.com', 'query:api_key'],
  ['WEAVIATE_API_KEY', 'weaviate', '', 'header:authorization'],
]);

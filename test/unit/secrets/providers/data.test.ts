import { DATA_PROVIDERS } from '../../../../src/core/secrets/providers/data';
import { testRows } from './examples';

testRows(DATA_PROVIDERS, [
  ['SUPABASE_SERVICE_ROLE_KEY', 'supabase', '', 'header:apikey'],
  ['NEON_API_KEY', 'neon', 'console.neon.tech', 'header:authorization'],
  ['MONGODB_ATLAS_CLIENT_SECRET', 'mongodb-atlas', 'cloud.mongodb.com', 'basic'],
  ['MONGODB_ATLAS_PRIVATE_KEY', 'mongodb-atlas-key', '', ''],
  ['PLANETSCALE_SERVICE_TOKEN', 'planetscale-service', 'api.planetscale.com', ''],
  ['UPSTASH_REDIS_REST_TOKEN', 'upstash', '*.upstash.io', 'header:authorization'],
  ['VAULT_TOKEN', 'vault', '', 'header:x-vault-token'],
]);

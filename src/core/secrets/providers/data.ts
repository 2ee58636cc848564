// Databases and what stores secrets. Most databases have a host for each customer: the user binds those.
import { provider, type Provider } from './row';

export const DATA_PROVIDERS: readonly Provider[] = [
  // Every project has a host of its own, which runs its owner's code: a pattern for all would reach strangers' projects.
  provider('supabase', 'Supabase', 'supabase.com/docs/guides/api/api-keys', {
    names: 'SUPABASE_{SECRET_KEY,SERVICE_KEY,SERVICE_ROLE_KEY}',
    shapes: [/^(sb_secret_)[A-Za-z0-9_-]{20,}$/],
    in: ['header:apikey', 'header:authorization'],
  }),
  provider('supabase-management', 'Supabase', 'supabase.com/docs/reference/api/introduction', {
    names: 'SUPABASE_ACCESS_TOKEN',
    shapes: [/^(sbp_)[0-9a-f]{40}$/],
    hosts: ['api.supabase.com'],
  }),
  provider('neon', 'Neon', 'api-docs.neon.tech/reference/authentication', {
    names: 'NEON_{API_KEY,TOKEN}',
    shapes: [/^(napi_)[a-z0-9]{60,70}$/],
    hosts: ['console.neon.tech'],
  }),
  provider('planetscale', 'PlanetScale', 'planetscale.com/docs/api/reference/getting-started-with-planetscale-api', {
    names: 'PLANETSCALE_OAUTH_TOKEN',
    shapes: [/^(pscale_oauth_)[A-Za-z0-9_.=-]{32,64}$/],
    hosts: ['api.planetscale.com'],
  }),
  // One header holds `ID:TOKEN`: not a place that injection knows.
  provider('planetscale-service', 'PlanetScale service', 'planetscale.com/docs/api/reference/service-tokens', {
    names: 'PLANETSCALE_{SERVICE_TOKEN,TOKEN}',
    shapes: [/^(pscale_tkn_)[A-Za-z0-9_.=-]{32,64}$/],
    hosts: ['api.planetscale.com'],
    in: [],
  }),
  provider('planetscale-password', 'PlanetScale', 'planetscale.com/docs/vitess/connecting/connection-strings', {
    shapes: [/^(pscale_pw_)[A-Za-z0-9_.=-]{32,64}$/],
    kind: 'database',
  }),
  provider('upstash', 'Upstash', 'upstash.com/docs/redis/features/restapi', {
    names: 'UPSTASH_{REDIS,VECTOR}_REST_TOKEN KV_REST_API_TOKEN',
    hosts: ['*.upstash.io'],
  }),
  provider('qstash', 'Upstash QStash', 'upstash.com/docs/qstash/overall/getstarted', {
    names: 'QSTASH_TOKEN',
    hosts: ['qstash.upstash.io'],
  }),
  provider('mongodb-atlas', 'MongoDB Atlas', 'www.mongodb.com/docs/atlas/configure-api-access', {
    names: '{MONGODB_ATLAS,MCLI}_CLIENT_SECRET',
    shapes: [/^(mdb_sa_sk_)[A-Za-z0-9_-]{40}$/],
    hosts: ['cloud.mongodb.com'],
    in: ['basic'],
  }),
  // HTTP Digest: the key answers a challenge and does not travel.
  provider('mongodb-atlas-key', 'MongoDB Atlas', 'www.mongodb.com/docs/atlas/api/api-authentication', {
    names: '{MONGODB_ATLAS,MCLI}_{PRIVATE_KEY,PRIVATE_API_KEY}',
    kind: 'signing',
  }),
  provider('turso', 'Turso', 'docs.turso.tech/api-reference/authentication', {
    names: 'TURSO_API_TOKEN',
    hosts: ['api.turso.tech'],
  }),
  provider('turso-database', 'Turso database', 'docs.turso.tech/sdk/http/reference', { names: 'TURSO_AUTH_TOKEN' }),
  provider('cockroachdb', 'CockroachDB Cloud', 'www.cockroachlabs.com/docs/cockroachcloud/cloud-api', {
    names: 'COCKROACH_API_KEY',
    shapes: [/^(CCDB1_[A-Za-z0-9]{22}_)[A-Za-z0-9]{40}$/],
    hosts: ['cockroachlabs.cloud'],
  }),
  provider('clickhouse', 'ClickHouse Cloud', 'clickhouse.com/docs/cloud/manage/openapi', {
    names: 'CLICKHOUSE_{CLOUD_KEY_SECRET,CLOUD_API_SECRET,API_SECRET}',
    shapes: [/^(4b1d)[A-Za-z0-9]{38}$/],
    hosts: ['api.clickhouse.cloud'],
    in: ['basic'],
  }),
  provider('confluent', 'Confluent Cloud', 'docs.confluent.io/cloud/current/api.html', {
    names: 'CONFLUENT_{CLOUD_API_SECRET,API_SECRET}',
    hosts: ['api.confluent.cloud'],
    in: ['basic'],
  }),
  provider('elastic-cloud', 'Elastic Cloud', 'www.elastic.co/docs/deploy-manage/api-keys/elastic-cloud-api-keys', {
    names: 'EC_API_KEY ELASTIC_CLOUD_API_KEY',
    hosts: ['api.elastic-cloud.com'],
  }),
  provider('databricks', 'Databricks', 'docs.databricks.com/aws/en/dev-tools/auth/pat', {
    names: 'DATABRICKS_{TOKEN,ACCESS_TOKEN}',
    shapes: [/^(dapi)[0-9a-f]{32}(-\d)?$/],
  }),
  provider('snowflake', 'Snowflake', 'docs.snowflake.com/en/user-guide/programmatic-access-tokens', {
    names: 'SNOWFLAKE_{PAT,TOKEN}',
  }),
  provider('algolia', 'Algolia', 'www.algolia.com/doc/rest-api/search', {
    names: 'ALGOLIA_{API_KEY,ADMIN_KEY,ADMIN_API_KEY,WRITE_KEY,WRITE_API_KEY}',
    // The host names the application, whose owner reads its request log.
    in: ['header:x-algolia-api-key', 'query:x-algolia-api-key'],
  }),
  provider('doppler', 'Doppler', 'docs.doppler.com/reference/auth-token-formats', {
    names: 'DOPPLER_{TOKEN,SERVICE_TOKEN,PERSONAL_TOKEN}',
    shapes: [
      /^(dp\.(?:pt|ct|sa|scim|audit)\.)[A-Za-z0-9]{40,44}$/,
      /^(dp\.st\.(?:[a-z0-9_-]{2,35}\.)?)[A-Za-z0-9]{40,44}$/,
    ],
    hosts: ['api.doppler.com'],
    in: ['header:authorization', 'basic'],
  }),
  provider('vault', 'HashiCorp Vault', 'developer.hashicorp.com/vault/docs/concepts/tokens', {
    names: 'VAULT_TOKEN',
    shapes: [/^(hv[sbr]\.)[A-Za-z0-9_-]{24,}$/],
    in: ['header:x-vault-token', 'header:authorization'],
  }),
  // JSON in base64 whose keys the client computes with.
  provider('onepassword', '1Password service account', 'developer.1password.com/docs/service-accounts', {
    names: 'OP_SERVICE_ACCOUNT_TOKEN',
    shapes: [/^(ops_eyJ)[A-Za-z0-9+/=_-]{250,}$/],
    kind: 'signing',
  }),
  provider('age', 'age', 'github.com/FiloSottile/age', {
    names: 'AGE_SECRET_KEY SOPS_AGE_KEY',
    shapes: [/^(AGE-SECRET-KEY-1)[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}$/],
    kind: 'encryption',
  }),
  provider('dotenvx', 'dotenvx', 'dotenvx.com/docs/env-keys-file', {
    names: 'DOTENV_PRIVATE_KEY DOTENV_PRIVATE_KEY_{PRODUCTION,STAGING,CI,LOCAL,DEVELOPMENT}',
    kind: 'encryption',
  }),
];

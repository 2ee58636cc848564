import { CLOUD_PROVIDERS } from '../../../../src/core/secrets/providers/clouds';
import { testRows } from './examples';

testRows(CLOUD_PROVIDERS, [
  ['AWS_SECRET_ACCESS_KEY', 'aws', '*.amazonaws.com', 'aws4'],
  ['R2_SECRET_ACCESS_KEY', 'cloudflare-r2', '*.r2.cloudflarestorage.com', 'aws4'],
  ['CLOUDFLARE_API_TOKEN', 'cloudflare', 'api.cloudflare.com', 'header:authorization'],
  ['HCLOUD_TOKEN', 'hetzner', 'api.hetzner.cloud', 'header:authorization'],
  ['RAILWAY_TOKEN', 'railway', 'backboard.railway.com', 'header:project-access-token'],
  ['AZURE_CLIENT_SECRET', 'azure-client', 'login.microsoftonline.com', 'body:client_secret'],
  ['AZURE_STORAGE_KEY', 'azure-storage', '', ''],
  ['FASTLY_API_TOKEN', 'fastly', 'api.fastly.com', 'header:fastly-key'],
]);

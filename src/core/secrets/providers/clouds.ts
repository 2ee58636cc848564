// Clouds, hosting and domains. A host that runs its customers' code is no host of a key.
import { provider, type Provider } from './row';

export const CLOUD_PROVIDERS: readonly Provider[] = [
  provider('aws', 'AWS', 'docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html', {
    names: 'AWS_{ACCESS_KEY_ID,SECRET_ACCESS_KEY,SESSION_TOKEN}',
    shapes: [/^(A(?:KI|SI)A)[A-Z2-7]{16}$/],
    // Machines of customers below them get no signature that is good elsewhere (aws.ts).
    hosts: ['*.amazonaws.com', '*.amazonaws.com.cn', '*.api.aws'],
    kind: 'aws',
  }),
  provider('cloudflare-r2', 'Cloudflare R2', 'developers.cloudflare.com/r2/api/tokens', {
    names: '{R2,CLOUDFLARE_R2,CF_R2}_{ACCESS_KEY_ID,SECRET_ACCESS_KEY}',
    hosts: ['*.r2.cloudflarestorage.com'],
    kind: 'aws',
  }),
  provider('aws-bedrock', 'Amazon Bedrock', 'docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html', {
    names: 'AWS_BEARER_TOKEN_BEDROCK',
    hosts: [
      'us-east-1',
      'us-east-2',
      'us-west-2',
      'eu-central-1',
      'eu-west-1',
      'eu-west-2',
      'eu-west-3',
      'eu-north-1',
      'ap-northeast-1',
      'ap-south-1',
      'ap-southeast-1',
      'ap-southeast-2',
      'ca-central-1',
      'sa-east-1',
    ].map((region) => `bedrock-runtime.${region}.amazonaws.com`),
    modelApi: true,
  }),
  provider(
    'azure-client',
    'Microsoft Entra application',
    'learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow',
    {
      names: '{AZURE,ARM,AZURE_AD,AZURE_APP}_CLIENT_SECRET MICROSOFT_CLIENT_SECRET AUTH_MICROSOFT_ENTRA_ID_SECRET',
      shapes: [/^[A-Za-z0-9_~.]{3}(\dQ~)[A-Za-z0-9_~.-]{31,34}$/],
      hosts: ['login.microsoftonline.com'],
      in: ['body:client_secret'],
    },
  ),
  provider('azure-storage', 'Azure Storage', 'learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key', {
    names: 'AZURE_STORAGE_{KEY,ACCOUNT_KEY,ACCESS_KEY}',
    kind: 'signing',
  }),
  provider(
    'azure-devops',
    'Azure DevOps',
    'learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate',
    {
      names: 'AZURE_DEVOPS_{PAT,EXT_PAT,TOKEN} SYSTEM_ACCESSTOKEN ADO_PAT',
      // Its documentation: 84 characters with a fixed signature at 76 to 80.
      shapes: [/^[A-Za-z0-9]{76}(AZDO)[A-Za-z0-9]{4}$/],
      hosts: ['dev.azure.com', 'pkgs.dev.azure.com', 'vssps.dev.azure.com', 'feeds.dev.azure.com'],
      in: ['basic', 'header:authorization'],
    },
  ),
  provider('gcp-service-account', 'Google service account', 'cloud.google.com/iam/docs/keys-create-delete', {
    names:
      '{GCP,GOOGLE,GCLOUD,FIREBASE}_{SERVICE_ACCOUNT,SERVICE_ACCOUNT_KEY,SERVICE_ACCOUNT_JSON,SA_KEY,CREDENTIALS} GOOGLE_APPLICATION_CREDENTIALS_JSON FIREBASE_PRIVATE_KEY',
    kind: 'signing',
  }),
  provider('google-maps', 'Google Maps', 'developers.google.com/maps/api-security-best-practices', {
    names: 'GOOGLE_{MAPS,PLACES,GEOCODING}_{API_KEY,KEY}',
    shapes: [/^(AIza)[A-Za-z0-9_-]{35}$/],
    family: 'google-api-key',
    hosts: ['maps.googleapis.com', 'places.googleapis.com', 'routes.googleapis.com'],
    in: ['query:key', 'header:x-goog-api-key'],
  }),
  provider('youtube', 'YouTube Data API', 'developers.google.com/youtube/v3/getting-started', {
    names: '{YOUTUBE,YOUTUBE_DATA}_{API_KEY,KEY}',
    shapes: [/^(AIza)[A-Za-z0-9_-]{35}$/],
    family: 'google-api-key',
    hosts: ['youtube.googleapis.com', 'www.googleapis.com'],
    in: ['query:key', 'header:x-goog-api-key'],
  }),
  provider('google-oauth', 'Google OAuth client', 'developers.google.com/identity/protocols/oauth2/web-server', {
    names: '{GOOGLE,GMAIL}_{CLIENT_SECRET,OAUTH_CLIENT_SECRET} AUTH_GOOGLE_SECRET',
    shapes: [/^(GOCSPX-)[A-Za-z0-9_-]{28}$/],
    hosts: ['oauth2.googleapis.com'],
    in: ['body:client_secret'],
  }),
  provider('cloudflare', 'Cloudflare', 'developers.cloudflare.com/fundamentals/api/get-started/token-formats', {
    names: '{CLOUDFLARE,CF}_{API_TOKEN,API_KEY,GLOBAL_API_KEY}',
    // 40 characters and a checksum whose form is not published.
    shapes: [/^(cf(?:k|ut|at)_)[A-Za-z0-9]{44,56}$/],
    hosts: ['api.cloudflare.com'],
    in: ['header:authorization', 'header:x-auth-key'],
  }),
  provider(
    'cloudflare-origin-ca',
    'Cloudflare Origin CA',
    'developers.cloudflare.com/fundamentals/api/get-started/ca-keys',
    {
      names: 'CLOUDFLARE_API_USER_SERVICE_KEY CLOUDFLARE_ORIGIN_CA_KEY',
      shapes: [/^(v1\.0-)[0-9a-f]{24}-[0-9a-f]{146}$/],
      hosts: ['api.cloudflare.com'],
      in: ['header:x-auth-user-service-key'],
    },
  ),
  provider(
    'turnstile',
    'Cloudflare Turnstile',
    'developers.cloudflare.com/turnstile/get-started/server-side-validation',
    {
      names: '{TURNSTILE,CLOUDFLARE_TURNSTILE}_{SECRET,SECRET_KEY}',
      hosts: ['challenges.cloudflare.com'],
      in: ['body:secret'],
    },
  ),
  provider('digitalocean', 'DigitalOcean', 'docs.digitalocean.com/reference/api', {
    names: '{DIGITALOCEAN,DO}_{TOKEN,API_TOKEN,ACCESS_TOKEN}',
    shapes: [/^(do[opr]_v1_)[0-9a-f]{64}$/],
    hosts: ['api.digitalocean.com'],
  }),
  provider('heroku', 'Heroku', 'devcenter.heroku.com/articles/platform-api-quickstart', {
    names: 'HEROKU_API_{KEY,TOKEN}',
    shapes: [/^(HRKU-)[A-Za-z0-9_-]{30,}$/],
    hosts: ['api.heroku.com'],
    in: ['header:authorization', 'basic'],
  }),
  provider('vercel', 'Vercel', 'vercel.com/docs/rest-api', {
    names: 'VERCEL_{TOKEN,API_TOKEN,ACCESS_TOKEN} TURBO_TOKEN',
    hosts: ['api.vercel.com', 'vercel.com'],
  }),
  provider('vercel-blob', 'Vercel Blob', 'vercel.com/docs/vercel-blob/using-blob-sdk', {
    names: 'BLOB_READ_WRITE_TOKEN',
    // Its SDK takes the store from the token.
    shapes: [/^(vercel_blob_rw_[A-Za-z0-9]{8,40}_)[A-Za-z0-9]{24,}$/],
    hosts: ['blob.vercel-storage.com', 'vercel.com'],
  }),
  provider('netlify', 'Netlify', 'docs.netlify.com/api/get-started', {
    names: 'NETLIFY_{TOKEN,AUTH_TOKEN,API_TOKEN,ACCESS_TOKEN}',
    shapes: [/^(nfp_)[A-Za-z0-9]{30,}$/],
    hosts: ['api.netlify.com'],
  }),
  provider('fly', 'Fly.io', 'fly.io/docs/security/tokens', {
    names: 'FLY_{API_TOKEN,ACCESS_TOKEN}',
    shapes: [/^(fo1_)[A-Za-z0-9_-]{43}$/],
    hosts: ['api.fly.io', 'api.machines.dev'],
  }),
  provider('render', 'Render', 'render.com/docs/api', {
    names: 'RENDER_{API_KEY,TOKEN,API_TOKEN}',
    shapes: [/^(rnd_)[A-Za-z0-9]{28,32}$/],
    hosts: ['api.render.com'],
  }),
  provider('railway', 'Railway', 'docs.railway.com/guides/public-api', {
    names: 'RAILWAY_{TOKEN,API_TOKEN}',
    hosts: ['backboard.railway.com', 'backboard.railway.app'],
    in: ['header:authorization', 'header:project-access-token'],
  }),
  provider('koyeb', 'Koyeb', 'www.koyeb.com/docs/reference/api', {
    names: 'KOYEB_{TOKEN,API_TOKEN}',
    hosts: ['app.koyeb.com'],
  }),
  provider('deno-deploy', 'Deno Deploy', 'docs.deno.com/subhosting/api', {
    names: 'DENO_DEPLOY_{TOKEN,ACCESS_TOKEN}',
    shapes: [/^(ddp_)[A-Za-z0-9]{36}$/],
    hosts: ['api.deno.com', 'dash.deno.com', 'console.deno.com'],
  }),
  provider('linode', 'Linode', 'techdocs.akamai.com/linode-api/reference/get-started', {
    names: 'LINODE_{TOKEN,CLI_TOKEN,API_TOKEN,API_KEY}',
    hosts: ['api.linode.com'],
  }),
  provider('hetzner', 'Hetzner Cloud', 'docs.hetzner.cloud', {
    names: 'HCLOUD_TOKEN HETZNER_{TOKEN,API_TOKEN,CLOUD_TOKEN,CLOUD_API_TOKEN}',
    hosts: ['api.hetzner.cloud'],
  }),
  provider('hetzner-dns', 'Hetzner DNS', 'dns.hetzner.com/api-docs', {
    names: 'HETZNER_DNS_{TOKEN,API_TOKEN,API_KEY}',
    hosts: ['dns.hetzner.com'],
    in: ['header:auth-api-token'],
  }),
  provider('scaleway', 'Scaleway', 'www.scaleway.com/en/developers/api', {
    names: '{SCW,SCALEWAY}_SECRET_KEY',
    hosts: ['api.scaleway.com'],
    in: ['header:x-auth-token'],
  }),
  provider('ovh', 'OVHcloud', 'docs.ovhcloud.com/en/guides/manage-and-operate/api/first-steps', {
    names: 'OVH_APPLICATION_SECRET',
    kind: 'signing',
  }),
  provider('vultr', 'Vultr', 'www.vultr.com/api', { names: 'VULTR_{API_KEY,TOKEN}', hosts: ['api.vultr.com'] }),
  provider('backblaze', 'Backblaze B2', 'www.backblaze.com/apidocs/b2-authorize-account', {
    names: 'B2_{APPLICATION_KEY,APP_KEY} BACKBLAZE_{APPLICATION_KEY,APP_KEY}',
    hosts: ['api.backblazeb2.com'],
    in: ['basic'],
  }),
  provider('cloudinary', 'Cloudinary', 'cloudinary.com/documentation/signatures', {
    names: 'CLOUDINARY_{API_SECRET,SECRET}',
    kind: 'signing',
  }),
  provider('bunny', 'bunny.net', 'docs.bunny.net/reference/bunnynet-api-overview', {
    names: '{BUNNY,BUNNYNET,BUNNY_NET}_{API_KEY,ACCESS_KEY}',
    hosts: ['api.bunny.net', 'video.bunnycdn.com'],
    in: ['header:accesskey'],
  }),
  provider('fastly', 'Fastly', 'www.fastly.com/documentation/reference/api/auth-tokens', {
    names: 'FASTLY_{API_TOKEN,API_KEY,KEY,TOKEN}',
    hosts: ['api.fastly.com', 'rt.fastly.com'],
    in: ['header:fastly-key'],
  }),
  provider('akamai', 'Akamai EdgeGrid', 'techdocs.akamai.com/developer/docs/edgegrid', {
    names: 'AKAMAI_CLIENT_SECRET',
    kind: 'signing',
  }),
  provider('tailscale', 'Tailscale', 'tailscale.com/kb/1101/api', {
    names: '{TAILSCALE,TS}_API_{KEY,TOKEN}',
    shapes: [/^(tskey-api-[A-Za-z0-9]{8,20}-)[A-Za-z0-9]{24,40}$/],
    hosts: ['api.tailscale.com'],
    in: ['basic', 'header:authorization'],
  }),
  provider('ngrok', 'ngrok', 'ngrok.com/docs/api', { names: 'NGROK_API_KEY', hosts: ['api.ngrok.com'] }),
  provider('dnsimple', 'DNSimple', 'developer.dnsimple.com/v2', {
    names: 'DNSIMPLE_{TOKEN,API_TOKEN,ACCESS_TOKEN}',
    hosts: ['api.dnsimple.com', 'api.sandbox.dnsimple.com'],
  }),
  provider('gandi', 'Gandi', 'api.gandi.net/docs/authentication', {
    names: 'GANDI_{PAT,TOKEN,API_KEY,PERSONAL_ACCESS_TOKEN}',
    hosts: ['api.gandi.net'],
  }),
  provider('namecheap', 'Namecheap', 'www.namecheap.com/support/api/intro', {
    names: 'NAMECHEAP_API_KEY',
    hosts: ['api.namecheap.com', 'api.sandbox.namecheap.com'],
    in: ['query:ApiKey', 'body:ApiKey'],
  }),
  provider('etherscan', 'Etherscan', 'docs.etherscan.io/getting-started', {
    names: 'ETHERSCAN_API_KEY',
    hosts: ['api.etherscan.io'],
    in: ['query:apikey'],
  }),
];

// Work tools, content, and public data.
import { UUID, provider, withUuid, type Provider } from './row';

export const WORK_PROVIDERS: readonly Provider[] = [
  provider('linear', 'Linear', 'linear.app/developers/graphql', {
    names: 'LINEAR_{API_KEY,API_TOKEN,TOKEN,ACCESS_TOKEN}',
    shapes: [/^(lin_(?:api|oauth)_)[A-Za-z0-9]{32,}$/],
    hosts: ['api.linear.app', 'mcp.linear.app'],
  }),
  provider('notion', 'Notion', 'developers.notion.com/reference/authentication', {
    names: 'NOTION_{TOKEN,ACCESS_TOKEN,API_TOKEN,API_KEY,SECRET,KEY,INTEGRATION_TOKEN}',
    shapes: [/^(ntn_)[A-Za-z0-9]{40,}$/, /^(secret_)[A-Za-z0-9]{40,}$/],
    hosts: ['api.notion.com'],
  }),
  provider(
    'atlassian',
    'Atlassian',
    'support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account',
    {
      names: '{ATLASSIAN,JIRA,CONFLUENCE}_{API_TOKEN,TOKEN,API_KEY}',
      shapes: [/^(ATATT3)[A-Za-z0-9_=-]{100,}$/],
      hosts: ['*.atlassian.net', 'api.atlassian.com', 'api.bitbucket.org', 'bitbucket.org'],
      in: ['basic', 'header:authorization'],
    },
  ),
  provider('asana', 'Asana', 'developers.asana.com/docs/personal-access-token', {
    names: 'ASANA_{ACCESS_TOKEN,TOKEN,PAT,API_TOKEN,PERSONAL_ACCESS_TOKEN}',
    hosts: ['app.asana.com'],
  }),
  provider('airtable', 'Airtable', 'airtable.com/developers/web/api/authentication', {
    names: 'AIRTABLE_{API_KEY,TOKEN,PAT,ACCESS_TOKEN,API_TOKEN}',
    shapes: [/^(pat)[A-Za-z0-9]{14}\.[0-9a-f]{64}$/],
    hosts: ['api.airtable.com', 'content.airtable.com'],
  }),
  provider('figma', 'Figma', 'developers.figma.com/docs/rest-api/personal-access-tokens', {
    names: 'FIGMA_{API_KEY,TOKEN,ACCESS_TOKEN,PERSONAL_ACCESS_TOKEN}',
    shapes: [/^(figd_)[A-Za-z0-9_-]{30,}$/],
    hosts: ['api.figma.com'],
    in: ['header:x-figma-token', 'header:authorization'],
  }),
  provider('clickup', 'ClickUp', 'developer.clickup.com/docs/authentication', {
    names: 'CLICKUP_{API_KEY,API_TOKEN,TOKEN}',
    shapes: [/^(pk_\d{6,12}_)[A-Z0-9]{32}$/],
    hosts: ['api.clickup.com'],
  }),
  provider('monday', 'monday.com', 'developer.monday.com/api-reference/docs/authentication', {
    names: 'MONDAY_{API_TOKEN,API_KEY,TOKEN}',
    hosts: ['api.monday.com'],
  }),
  provider('trello', 'Trello', 'developer.atlassian.com/cloud/trello/guides/rest-api/authorization', {
    names: 'TRELLO_{TOKEN,API_TOKEN}',
    shapes: [/^(ATTA)[0-9A-Fa-f]{72}$/],
    hosts: ['api.trello.com'],
    in: ['query:token'],
  }),
  provider('zendesk', 'Zendesk', 'developer.zendesk.com/api-reference/introduction/security-and-auth', {
    names: 'ZENDESK_{API_TOKEN,TOKEN,API_KEY}',
    hosts: ['*.zendesk.com'],
    in: ['basic', 'header:authorization'],
  }),
  provider('freshdesk', 'Freshdesk', 'developers.freshdesk.com/api', {
    names: 'FRESHDESK_API_KEY',
    hosts: ['*.freshdesk.com'],
    in: ['basic'],
  }),
  provider('intercom', 'Intercom', 'developers.intercom.com/docs/build-an-integration/learn-more/authentication', {
    names: 'INTERCOM_{ACCESS_TOKEN,TOKEN,API_KEY}',
    // Base64 of "tok:…".
    shapes: [/^(dG9r)[A-Za-z0-9+/]{50,}={0,2}$/],
    hosts: ['api.intercom.io', 'api.eu.intercom.io', 'api.au.intercom.io'],
  }),
  provider('hubspot', 'HubSpot', 'developers.hubspot.com/docs/guides/apps/private-apps/overview', {
    names: 'HUBSPOT_{ACCESS_TOKEN,API_KEY,TOKEN,PRIVATE_APP_TOKEN,PRIVATE_APP_ACCESS_TOKEN}',
    shapes: [withUuid('pat-[a-z]{2,3}\\d-')],
    hosts: ['api.hubapi.com', 'api-eu1.hubapi.com'],
  }),
  provider('pipedrive', 'Pipedrive', 'pipedrive.readme.io/docs/core-api-concepts-authentication', {
    names: 'PIPEDRIVE_{API_TOKEN,API_KEY,TOKEN}',
    hosts: ['api.pipedrive.com'],
    in: ['header:x-api-token', 'query:api_token'],
  }),
  // A shop's host hands some paths on to servers of apps: the user binds the own shop.
  provider('shopify', 'Shopify', 'shopify.dev/docs/api/admin-rest#authentication', {
    names: '{SHOPIFY,SHOPIFY_ADMIN}_{ACCESS_TOKEN,API_ACCESS_TOKEN,TOKEN} SHOPIFY_ADMIN_API_TOKEN',
    shapes: [/^(shp(?:at|ca|pa|ua)_)[0-9a-fA-F]{32}$/],
    in: ['header:x-shopify-access-token', 'basic'],
  }),
  // Checks the signature of what Shopify sends, and buys tokens.
  provider('shopify-secret', 'Shopify application', 'shopify.dev/docs/apps/build/webhooks/subscribe/https', {
    names: 'SHOPIFY_{API_SECRET,API_SECRET_KEY,CLIENT_SECRET}',
    shapes: [/^(shpss_)[0-9a-fA-F]{32}$/],
    kind: 'webhook',
  }),
  provider('contentful', 'Contentful', 'www.contentful.com/developers/docs/references/authentication', {
    names: 'CONTENTFUL_{MANAGEMENT_TOKEN,MANAGEMENT_API_ACCESS_TOKEN,MANAGEMENT_ACCESS_TOKEN,PERSONAL_ACCESS_TOKEN}',
    shapes: [/^(CFPAT-)[A-Za-z0-9_-]{43}$/],
    hosts: ['api.contentful.com', 'upload.contentful.com', 'api.eu.contentful.com'],
  }),
  provider(
    'contentful-delivery',
    'Contentful delivery',
    'www.contentful.com/developers/docs/references/authentication',
    {
      names: 'CONTENTFUL_{ACCESS_TOKEN,DELIVERY_TOKEN,DELIVERY_API_TOKEN,PREVIEW_TOKEN,PREVIEW_ACCESS_TOKEN}',
      hosts: ['cdn.contentful.com', 'preview.contentful.com', 'graphql.contentful.com', 'cdn.eu.contentful.com'],
      in: ['header:authorization', 'query:access_token'],
    },
  ),
  provider('sanity', 'Sanity', 'www.sanity.io/docs/content-lake/http-auth', {
    names: 'SANITY_{TOKEN,API_TOKEN,AUTH_TOKEN,WRITE_TOKEN,READ_TOKEN,API_WRITE_TOKEN,API_READ_TOKEN}',
    shapes: [/^(sk)[A-Za-z0-9]{140,200}$/],
    hosts: ['api.sanity.io', '*.api.sanity.io', '*.apicdn.sanity.io'],
  }),
  provider('storyblok', 'Storyblok', 'www.storyblok.com/docs/api/content-delivery/v2/getting-started/authentication', {
    names: 'STORYBLOK_{TOKEN,ACCESS_TOKEN,PREVIEW_TOKEN,API_TOKEN}',
    hosts: ['api.storyblok.com', 'api-us.storyblok.com'],
    in: ['query:token'],
  }),
  provider(
    'storyblok-management',
    'Storyblok management',
    'www.storyblok.com/docs/api/management/getting-started/authentication',
    {
      names: 'STORYBLOK_{MANAGEMENT_TOKEN,OAUTH_TOKEN,PERSONAL_ACCESS_TOKEN}',
      hosts: ['mapi.storyblok.com', 'api-us.storyblok.com'],
    },
  ),
  provider('datocms', 'DatoCMS', 'www.datocms.com/docs/content-management-api/authentication', {
    names: 'DATOCMS_{API_TOKEN,TOKEN,READONLY_TOKEN,CDA_TOKEN,CMA_TOKEN}',
    hosts: ['graphql.datocms.com', 'site-api.datocms.com'],
  }),
  provider('webflow', 'Webflow', 'developers.webflow.com/data/reference/authentication/site-token', {
    names: 'WEBFLOW_{API_TOKEN,TOKEN,API_KEY,SITE_TOKEN}',
    hosts: ['api.webflow.com'],
  }),
  provider('typeform', 'Typeform', 'www.typeform.com/developers/get-started/personal-access-token', {
    names: 'TYPEFORM_{TOKEN,API_TOKEN,API_KEY,ACCESS_TOKEN}',
    shapes: [/^(tfp_)[A-Za-z0-9_.=-]{40,70}$/],
    hosts: ['api.typeform.com', 'api.eu.typeform.com'],
  }),
  provider('calendly', 'Calendly', 'developer.calendly.com/how-to-authenticate-with-personal-access-tokens', {
    names: 'CALENDLY_{TOKEN,API_TOKEN,API_KEY,ACCESS_TOKEN,PERSONAL_ACCESS_TOKEN}',
    hosts: ['api.calendly.com'],
  }),
  provider('cal-com', 'Cal.com', 'cal.com/docs/api-reference/v2/introduction', {
    names: '{CALCOM,CAL_COM}_API_KEY',
    shapes: [/^(cal_(?:live_)?)[0-9a-f]{32}$/],
    hosts: ['api.cal.com'],
    in: ['header:authorization', 'query:apiKey'],
  }),
  provider('dropbox', 'Dropbox', 'www.dropbox.com/developers/documentation/http/documentation', {
    names: 'DROPBOX_{ACCESS_TOKEN,TOKEN}',
    shapes: [/^(sl\.(?:u\.)?)[A-Za-z0-9_-]{100,}$/],
    hosts: ['api.dropboxapi.com', 'content.dropboxapi.com', 'notify.dropboxapi.com'],
  }),
  provider('mapbox', 'Mapbox', 'docs.mapbox.com/accounts/guides/tokens', {
    names: 'MAPBOX_{SECRET_TOKEN,ACCESS_TOKEN,TOKEN,DOWNLOADS_TOKEN,API_KEY}',
    // The middle names the account; libraries read it.
    shapes: [/^(sk\.eyJ[A-Za-z0-9_-]{20,}\.)[A-Za-z0-9_-]{22}$/],
    hosts: ['api.mapbox.com'],
    in: ['query:access_token', 'basic'],
  }),
  provider('deepl', 'DeepL', 'developers.deepl.com/docs/getting-started/auth', {
    names: 'DEEPL_{API_KEY,AUTH_KEY,KEY}',
    // The end says which of the two hosts it is for; libraries read it.
    shapes: [new RegExp(`^${UUID}(:fx)$`)],
    hosts: ['api.deepl.com', 'api-free.deepl.com'],
  }),
  provider('spotify', 'Spotify', 'developer.spotify.com/documentation/web-api/tutorials/client-credentials-flow', {
    names: 'SPOTIFY_{CLIENT_SECRET,SECRET} AUTH_SPOTIFY_SECRET',
    hosts: ['accounts.spotify.com'],
    in: ['basic'],
  }),
  provider('unsplash', 'Unsplash', 'unsplash.com/documentation', {
    names: 'UNSPLASH_{ACCESS_KEY,API_KEY}',
    hosts: ['api.unsplash.com'],
    in: ['header:authorization', 'query:client_id'],
  }),
  provider('pexels', 'Pexels', 'www.pexels.com/api/documentation', {
    names: 'PEXELS_API_KEY',
    hosts: ['api.pexels.com'],
  }),
  provider('giphy', 'GIPHY', 'developers.giphy.com/docs/api', {
    names: 'GIPHY_{API_KEY,KEY}',
    hosts: ['api.giphy.com'],
    in: ['query:api_key'],
  }),
  provider('tmdb', 'TMDB', 'developer.themoviedb.org/docs/authentication-application', {
    names: 'TMDB_{API_KEY,KEY,ACCESS_TOKEN,API_TOKEN,READ_ACCESS_TOKEN,API_READ_ACCESS_TOKEN,BEARER_TOKEN}',
    hosts: ['api.themoviedb.org'],
    in: ['query:api_key', 'header:authorization'],
  }),
  provider('openweather', 'OpenWeather', 'openweathermap.org/appid', {
    names: '{OPENWEATHER,OPENWEATHERMAP,OPEN_WEATHER,OWM}_{API_KEY,KEY}',
    hosts: ['api.openweathermap.org'],
    in: ['query:appid'],
  }),
  provider('newsapi', 'News API', 'newsapi.org/docs/authentication', {
    names: '{NEWSAPI,NEWS_API}_{API_KEY,KEY}',
    hosts: ['newsapi.org'],
    in: ['header:x-api-key', 'query:apiKey', 'header:authorization'],
  }),
  provider('alpha-vantage', 'Alpha Vantage', 'www.alphavantage.co/documentation', {
    names: '{ALPHAVANTAGE,ALPHA_VANTAGE}_{API_KEY,KEY}',
    hosts: ['www.alphavantage.co'],
    in: ['query:apikey'],
  }),
  provider('finnhub', 'Finnhub', 'finnhub.io/docs/api/authentication', {
    names: 'FINNHUB_{API_KEY,TOKEN,KEY}',
    hosts: ['finnhub.io'],
    in: ['query:token', 'header:x-finnhub-token'],
  }),
  provider('maxmind', 'MaxMind', 'dev.maxmind.com/license-key', {
    names: '{MAXMIND,GEOIP,GEOIPUPDATE}_LICENSE_KEY',
    shapes: [/^[A-Za-z0-9]{6}_[A-Za-z0-9]{29}(_mmk)$/],
    hosts: ['geoip.maxmind.com', 'geolite.info', 'download.maxmind.com', 'updates.maxmind.com'],
    in: ['basic', 'query:license_key'],
  }),
  provider('ipinfo', 'IPinfo', 'ipinfo.io/developers', {
    names: 'IPINFO_{TOKEN,API_KEY,API_TOKEN}',
    hosts: ['ipinfo.io', 'api.ipinfo.io'],
    in: ['header:authorization', 'query:token', 'basic'],
  }),
];

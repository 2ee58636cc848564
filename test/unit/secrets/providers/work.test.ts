import { WORK_PROVIDERS } from '../../../../src/core/secrets/providers/work';
import { testRows } from './examples';

testRows(WORK_PROVIDERS, [
  ['NOTION_TOKEN', 'notion', 'api.notion.com', 'header:authorization'],
  ['LINEAR_API_KEY', 'linear', 'api.linear.app', 'header:authorization'],
  ['JIRA_API_TOKEN', 'atlassian', '*.atlassian.net', 'basic'],
  ['FIGMA_TOKEN', 'figma', 'api.figma.com', 'header:x-figma-token'],
  ['SHOPIFY_ACCESS_TOKEN', 'shopify', '', 'header:x-shopify-access-token'],
  ['SHOPIFY_API_SECRET', 'shopify-secret', '', ''],
  ['MAPBOX_ACCESS_TOKEN', 'mapbox', 'api.mapbox.com', 'query:access_token'],
  ['TMDB_API_KEY', 'tmdb', 'api.themoviedb.org', 'query:api_key'],
]);

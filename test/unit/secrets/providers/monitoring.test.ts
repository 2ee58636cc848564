import { MONITORING_PROVIDERS } from '../../../../src/core/secrets/providers/monitoring';
import { testRows } from './examples';

testRows(MONITORING_PROVIDERS, [
  ['SENTRY_AUTH_TOKEN', 'sentry', 'sentry.io', 'header:authorization'],
  ['DD_API_KEY', 'datadog', '*.datadoghq.com', 'header:dd-api-key'],
  ['NEW_RELIC_LICENSE_KEY', 'new-relic-license', '*.nr-data.net', 'header:api-key'],
  ['GRAFANA_TOKEN', 'grafana', '', 'header:authorization'],
  ['PAGERDUTY_TOKEN', 'pagerduty', 'api.pagerduty.com', ''],
  ['HONEYCOMB_API_KEY', 'honeycomb', 'api.honeycomb.io', 'header:x-honeycomb-team'],
  ['AMPLITUDE_API_KEY', 'amplitude-ingest', 'api2.amplitude.com', 'body:api_key'],
]);

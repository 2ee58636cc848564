// Errors, logs, metrics, alarms and product analytics.
import { provider, withUuid, type Provider } from './row';

export const MONITORING_PROVIDERS: readonly Provider[] = [
  provider('sentry', 'Sentry', 'docs.sentry.io/account/auth-tokens', {
    names: 'SENTRY_{AUTH_TOKEN,API_TOKEN,TOKEN,ORG_TOKEN}',
    // Of organisation tokens, the middle is JSON that says whose they are and for which server; its tools read it.
    shapes: [/^(sntrys_eyJ[A-Za-z0-9+/]+={0,2}_)[A-Za-z0-9+/]{43}$/, /^(sntryu_)[0-9a-f]{64}$/],
    hosts: ['sentry.io', '*.sentry.io'],
  }),
  provider('datadog', 'Datadog', 'docs.datadoghq.com/api/latest/authentication', {
    names: '{DD,DATADOG}_{API_KEY,APP_KEY,APPLICATION_KEY}',
    hosts: ['*.datadoghq.com', '*.datadoghq.eu', '*.ddog-gov.com'],
    in: ['header:dd-api-key', 'header:dd-application-key'],
  }),
  provider('new-relic', 'New Relic', 'docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys', {
    names: '{NEW_RELIC,NEWRELIC}_{API_KEY,USER_KEY,USER_API_KEY}',
    shapes: [/^(NRAK-)[A-Z0-9]{27}$/],
    hosts: ['api.newrelic.com', 'api.eu.newrelic.com'],
    in: ['header:api-key', 'header:x-api-key'],
  }),
  provider('new-relic-license', 'New Relic license', 'docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys', {
    names: '{NEW_RELIC,NEWRELIC}_{LICENSE_KEY,LICENCE_KEY,INGEST_KEY}',
    shapes: [/^[0-9a-f]{36}(NRAL)$/],
    hosts: [
      '*.nr-data.net',
      'collector.newrelic.com',
      'log-api.newrelic.com',
      'log-api.eu.newrelic.com',
      'metric-api.newrelic.com',
      'metric-api.eu.newrelic.com',
      'trace-api.newrelic.com',
      'trace-api.eu.newrelic.com',
    ],
    in: ['header:api-key', 'header:x-license-key', 'query:license_key'],
  }),
  // Data sources of a stack may be anybody's server: the user binds the own stack.
  provider('grafana', 'Grafana', 'grafana.com/docs/grafana/latest/developers/http_api/authentication', {
    names: 'GRAFANA_{TOKEN,API_TOKEN,API_KEY,SERVICE_ACCOUNT_TOKEN,AUTH}',
    shapes: [/^(glsa_)[A-Za-z0-9]{32}_[0-9a-f]{8}$/],
    in: ['header:authorization', 'basic'],
  }),
  provider(
    'grafana-cloud',
    'Grafana Cloud',
    'grafana.com/docs/grafana-cloud/developer-resources/api-reference/cloud-api',
    {
      names: '{GRAFANA_CLOUD,GCLOUD_RW}_{API_KEY,TOKEN,ACCESS_POLICY_TOKEN}',
      shapes: [/^(glc_eyJ)[A-Za-z0-9+/=]{60,}$/],
      hosts: ['grafana.com'],
    },
  ),
  // `Authorization: Token token=KEY`: not a place that injection knows.
  provider('pagerduty', 'PagerDuty', 'developer.pagerduty.com/docs/authentication', {
    names: 'PAGERDUTY_{TOKEN,API_KEY,API_TOKEN,USER_TOKEN}',
    hosts: ['api.pagerduty.com', 'api.eu.pagerduty.com'],
    in: [],
  }),
  provider('pagerduty-events', 'PagerDuty events', 'developer.pagerduty.com/docs/events-api-v2-overview', {
    names: 'PAGERDUTY_{ROUTING_KEY,INTEGRATION_KEY}',
    hosts: ['events.pagerduty.com', 'events.eu.pagerduty.com'],
    in: ['body:routing_key'],
  }),
  provider('opsgenie', 'Opsgenie', 'docs.opsgenie.com/docs/api-overview', {
    names: 'OPSGENIE_{API_KEY,KEY,TOKEN}',
    hosts: ['api.opsgenie.com', 'api.eu.opsgenie.com'],
  }),
  provider('incident-io', 'incident.io', 'api-docs.incident.io', {
    names: '{INCIDENT_IO,INCIDENTIO}_{API_KEY,TOKEN}',
    hosts: ['api.incident.io'],
  }),
  provider('statuspage', 'Statuspage', 'developer.statuspage.io', {
    names: 'STATUSPAGE_{API_KEY,TOKEN}',
    hosts: ['api.statuspage.io'],
  }),
  provider('honeycomb', 'Honeycomb', 'docs.honeycomb.io/configure/environments/manage-api-keys', {
    names: 'HONEYCOMB_{API_KEY,KEY,WRITEKEY}',
    shapes: [/^(hc[a-z]ik_)[0-9a-z]{58}$/],
    hosts: ['api.honeycomb.io', 'api.eu1.honeycomb.io'],
    in: ['header:x-honeycomb-team'],
  }),
  provider('axiom', 'Axiom', 'axiom.co/docs/reference/tokens', {
    names: 'AXIOM_{TOKEN,API_TOKEN}',
    shapes: [withUuid('xa[ap]t-')],
    hosts: ['api.axiom.co', 'api.eu.axiom.co'],
  }),
  provider('better-stack', 'Better Stack', 'betterstack.com/docs/uptime/api/getting-started-with-uptime-api', {
    names: '{BETTERSTACK,BETTER_STACK,BETTERUPTIME}_{API_TOKEN,API_KEY,TOKEN}',
    hosts: ['uptime.betterstack.com', 'telemetry.betterstack.com'],
  }),
  provider('logtail', 'Better Stack logs', 'betterstack.com/docs/logs/ingesting-data/http/logs', {
    names: '{LOGTAIL,BETTERSTACK,BETTER_STACK}_SOURCE_TOKEN',
    hosts: ['in.logs.betterstack.com', '*.betterstackdata.com'],
  }),
  provider('papertrail', 'Papertrail', 'www.papertrail.com/help/settings-api', {
    names: 'PAPERTRAIL_{API_TOKEN,TOKEN}',
    hosts: ['papertrailapp.com'],
    in: ['header:x-papertrail-token'],
  }),
  provider(
    'dynatrace',
    'Dynatrace',
    'docs.dynatrace.com/docs/manage/identity-access-management/access-tokens-and-oauth-clients/access-tokens',
    {
      names: 'DYNATRACE_{API_TOKEN,TOKEN} DT_API_TOKEN',
      // The middle is the public id of the token.
      shapes: [/^(dt0[a-z]\d\d\.[A-Z0-9]{24}\.)[A-Z0-9]{64}$/],
      hosts: ['*.live.dynatrace.com', '*.apps.dynatrace.com'],
    },
  ),
  provider('rollbar', 'Rollbar', 'docs.rollbar.com/reference/getting-started-1', {
    names: 'ROLLBAR_{ACCESS_TOKEN,TOKEN,SERVER_TOKEN,POST_SERVER_ITEM_ACCESS_TOKEN}',
    hosts: ['api.rollbar.com'],
    in: ['header:x-rollbar-access-token'],
  }),
  provider('bugsnag', 'BugSnag', 'developer.smartbear.com/bugsnag/docs/reporting-events-over-http', {
    names: 'BUGSNAG_API_KEY',
    hosts: ['notify.bugsnag.com', 'sessions.bugsnag.com'],
    in: ['header:bugsnag-api-key'],
  }),
  // The key of a project (`phc_`) is public.
  provider('posthog', 'PostHog', 'posthog.com/docs/api', {
    names: 'POSTHOG_{PERSONAL_API_KEY,API_TOKEN,PERSONAL_KEY,CLI_TOKEN}',
    shapes: [/^(phx_)[A-Za-z0-9]{40,}$/],
    hosts: ['us.posthog.com', 'eu.posthog.com', 'app.posthog.com'],
  }),
  provider('segment', 'Segment', 'www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api', {
    names: 'SEGMENT_{WRITE_KEY,KEY}',
    hosts: ['api.segment.io', 'events.eu1.segmentapis.com'],
    in: ['basic', 'body:writeKey'],
  }),
  provider('mixpanel', 'Mixpanel', 'developer.mixpanel.com/reference/authentication', {
    names: 'MIXPANEL_{API_SECRET,SECRET,SERVICE_ACCOUNT_SECRET}',
    hosts: ['mixpanel.com', 'api.mixpanel.com', 'data.mixpanel.com', 'eu.mixpanel.com', 'api-eu.mixpanel.com'],
    in: ['basic'],
  }),
  provider('amplitude', 'Amplitude', 'amplitude.com/docs/apis/authentication', {
    names: 'AMPLITUDE_{SECRET_KEY,SECRET,API_SECRET}',
    hosts: ['amplitude.com', 'analytics.eu.amplitude.com'],
    in: ['basic'],
  }),
  provider('amplitude-ingest', 'Amplitude', 'amplitude.com/docs/apis/analytics/http-v2', {
    names: 'AMPLITUDE_{API_KEY,KEY}',
    hosts: ['api2.amplitude.com', 'api.eu.amplitude.com'],
    in: ['body:api_key'],
  }),
  provider('statsig', 'Statsig', 'docs.statsig.com/http-api', {
    names: 'STATSIG_{SERVER_SECRET,SECRET_KEY,SERVER_KEY,SERVER_SECRET_KEY,SERVER_API_KEY}',
    hosts: ['api.statsig.com', 'statsigapi.net', 'api.statsigcdn.com'],
    in: ['header:statsig-api-key'],
  }),
];

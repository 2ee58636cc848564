import { AUTH_PROVIDERS } from '../../../../src/core/secrets/providers/auth';
import { testRows } from './examples';

testRows(AUTH_PROVIDERS, [
  ['CLERK_SECRET_KEY', 'clerk', 'api.clerk.com', 'header:authorization'],
  ['WORKOS_API_KEY', 'workos', 'api.workos.com', 'header:authorization'],
  ['OKTA_API_TOKEN', 'okta', '*.okta.com', 'header:authorization'],
  ['AUTH0_CLIENT_SECRET', 'auth0', '', 'body:client_secret'],
  ['STYTCH_SECRET', 'stytch', 'api.stytch.com', 'basic'],
  ['RECAPTCHA_SECRET_KEY', 'recaptcha', 'www.google.com', 'body:secret'],
  ['LAUNCHDARKLY_SDK_KEY', 'launchdarkly-sdk', 'sdk.launchdarkly.com', 'header:authorization'],
]);

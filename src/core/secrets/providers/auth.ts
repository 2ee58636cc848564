// Sign-in services, captchas and feature flags.
import { UUID, provider, type Provider } from './row';

export const AUTH_PROVIDERS: readonly Provider[] = [
  provider('stytch', 'Stytch', 'stytch.com/docs/api/overview', {
    names: 'STYTCH_{SECRET,PROJECT_SECRET}',
    shapes: [/^(secret-(?:live|test)-)[A-Za-z0-9_=-]{36}$/],
    hosts: ['api.stytch.com', 'test.stytch.com'],
    in: ['basic'],
  }),
  provider('clerk', 'Clerk', 'clerk.com/docs/reference/backend-api', {
    names: 'CLERK_{SECRET_KEY,API_KEY}',
    shapes: [/^(sk_(?:live|test)_)[A-Za-z0-9]{40,50}$/],
    family: 'sk-live',
    hosts: ['api.clerk.com', 'api.clerk.dev'],
  }),
  provider('workos', 'WorkOS', 'workos.com/docs/reference/authentication', {
    names: 'WORKOS_API_KEY',
    shapes: [/^(sk_(?:live|test)_)[A-Za-z0-9]{40,}$/],
    family: 'sk-live',
    hosts: ['api.workos.com'],
  }),
  provider('magic', 'Magic', 'magic.link/docs/api/server-side-sdks/node', {
    names: '{MAGIC,MAGIC_LINK}_SECRET_KEY',
    shapes: [/^(sk_(?:live|test)_)[A-Z0-9]{16}$/],
    family: 'sk-live',
    hosts: ['api.magic.link', 'tee.express.magiclabs.com'],
    in: ['header:x-magic-secret-key'],
  }),
  provider('okta', 'Okta', 'developer.okta.com/docs/guides/create-an-api-token', {
    names: 'OKTA_{API_TOKEN,TOKEN,API_KEY}',
    hosts: ['*.okta.com', '*.oktapreview.com', '*.okta-emea.com'],
  }),
  provider('auth0', 'Auth0 application', 'auth0.com/docs/api/authentication', {
    names: 'AUTH0_{CLIENT_SECRET,MANAGEMENT_CLIENT_SECRET} AUTH_AUTH0_SECRET',
    // Every tenant has a host of its own, and its scripts see what is posted there.
    in: ['body:client_secret'],
  }),
  provider(
    'auth0-management',
    'Auth0 Management API',
    'auth0.com/docs/secure/tokens/access-tokens/management-api-access-tokens',
    {
      names: 'AUTH0_{MANAGEMENT_API_TOKEN,MANAGEMENT_TOKEN,API_TOKEN}',
    },
  ),
  provider('recaptcha', 'reCAPTCHA', 'developers.google.com/recaptcha/docs/verify', {
    names: 'RECAPTCHA_{SECRET,SECRET_KEY}',
    hosts: ['www.google.com', 'www.recaptcha.net'],
    in: ['body:secret', 'query:secret'],
  }),
  provider('hcaptcha', 'hCaptcha', 'docs.hcaptcha.com', {
    names: 'HCAPTCHA_{SECRET,SECRET_KEY}',
    hosts: ['api.hcaptcha.com'],
    in: ['body:secret'],
  }),
  provider('launchdarkly', 'LaunchDarkly', 'launchdarkly.com/docs/api', {
    names: 'LAUNCHDARKLY_{ACCESS_TOKEN,API_KEY,API_TOKEN}',
    hosts: ['app.launchdarkly.com', 'app.eu.launchdarkly.com'],
  }),
  provider('launchdarkly-sdk', 'LaunchDarkly SDK', 'launchdarkly.com/docs/sdk/concepts/client-side-server-side', {
    names: 'LAUNCHDARKLY_SDK_KEY',
    weakShapes: [new RegExp(`^(sdk-)${UUID}$`)],
    hosts: ['sdk.launchdarkly.com', 'stream.launchdarkly.com', 'events.launchdarkly.com'],
  }),
];

import { describe, expect, it } from 'vitest';
import {
  type AgentEnvironmentOptions,
  agentEnvironment,
  proxyUrl,
  wiringEnvironment,
} from '../../../src/core/agents/environment';

const OPTIONS: AgentEnvironmentOptions = {
  host: '127.0.0.1',
  port: 4100,
  label: 'claude',
  token: 'to/ken',
  caFile: '/state/ca.pem',
  bundleFile: '/state/ca-bundle.pem',
  preload: '/dist/preload.cjs',
  dummies: { ANTHROPIC_API_KEY: 'dummy' },
  inherited: {},
};

describe('wiringEnvironment', () => {
  it('has proxy variables in both letter cases, with the token escaped', () => {
    const env = wiringEnvironment(OPTIONS);
    for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy', 'ALL_PROXY', 'all_proxy'])
      expect(env[name]).toBe('http://claude:to%2Fken@127.0.0.1:4100');
    for (const name of ['NO_PROXY', 'no_proxy']) expect(env[name]).toBe('localhost,127.0.0.1,::1');
  });

  it.each([
    'SSL_CERT_FILE',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'REQUESTS_CA_BUNDLE',
    'PIP_CERT',
    'CARGO_HTTP_CAINFO',
    'npm_config_cafile',
    'AWS_CA_BUNDLE',
    'DENO_CERT',
    'NODE_EXTRA_CA_CERTS',
  ])('points %s to the bundle', (name) => {
    expect(wiringEnvironment(OPTIONS)[name]).toBe('/state/ca-bundle.pem');
  });

  it('pins the base URL to what the user has, or to the vendor', () => {
    expect(wiringEnvironment(OPTIONS)['ANTHROPIC_BASE_URL']).toBe('https://api.anthropic.com');
    expect(
      wiringEnvironment({ ...OPTIONS, inherited: { ANTHROPIC_BASE_URL: 'https://gateway.example' } })[
        'ANTHROPIC_BASE_URL'
      ],
    ).toBe('https://gateway.example');
  });

  it('holds no key: a settings file is for everybody to read', () => {
    expect(Object.values(wiringEnvironment(OPTIONS))).not.toContain('dummy');
  });
});

describe('agentEnvironment', () => {
  it('adds the dummies', () => {
    expect(agentEnvironment(OPTIONS)['ANTHROPIC_API_KEY']).toBe('dummy');
  });

  it.each([
    [undefined, '/dist/preload.cjs', '--require /dist/preload.cjs'],
    ['--max-old-space-size=4096', '/dist/preload.cjs', '--max-old-space-size=4096 --require /dist/preload.cjs'],
    ['--require /dist/preload.cjs', '/dist/preload.cjs', '--require /dist/preload.cjs'],
    [undefined, '/a b/pre"load.cjs', '--require "/a b/pre\\"load.cjs"'],
  ])('keeps NODE_OPTIONS %s', (inherited, preload, expected) => {
    expect(agentEnvironment({ ...OPTIONS, preload, inherited: { NODE_OPTIONS: inherited } })['NODE_OPTIONS']).toBe(
      expected,
    );
  });

  it('leaves NODE_OPTIONS alone without a preload', () => {
    expect(agentEnvironment({ ...OPTIONS, preload: undefined })).not.toHaveProperty('NODE_OPTIONS');
  });
});

it('proxyUrl escapes label and token', () => {
  expect(proxyUrl({ host: '127.0.0.1', port: 1, label: 'a b', token: 'c@d' })).toBe('http://a%20b:c%40d@127.0.0.1:1');
});

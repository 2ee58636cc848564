import { describe, expect, it } from 'vitest';
import { connectionSecret, urlSecret } from '../../../src/core/env/urlSecret';
import { body, hex } from './fakeKeys';

const password = body(20);

describe('urlSecret', () => {
  const found: readonly (readonly [url: string, secret: string, ticked: boolean, hosts: string[], places: string[]])[] =
    [
      [`postgres://app:${password}@localhost:5432/db`, password, false, [], []],
      [`redis://:${password}@cache`, password, false, [], []],
      [`https://me:${password}@git.example.com/x.git`, password, true, ['git.example.com'], ['basic']],
      [`https://${password}@git.example.com/x.git`, password, true, ['git.example.com'], ['basic']],
      [`http://me:${password}@127.0.0.1:9200`, password, true, ['127.0.0.1'], ['basic']],
      [`https://api.example.com/v1?a=1&api_key=${password}&b=2`, password, true, ['api.example.com'], ['query:api_key']], // prettier-ignore
      [`jdbc:postgresql://h/db?user=x&password=${password}`, password, false, [], []],
      [`https://hooks.slack.com/services/T0/B0/${password}`, `T0/B0/${password}`, false, [], []],
      ['mysql://u:pa/ss#wo?rd@host/db', 'pa/ss#wo?rd', false, [], []],
      ['smtps://u:p%40ss%2Fword1@host', 'p@ss/word1', false, [], []],
      ['https://u:hunter22@host.example', 'hunter22', false, [], []],
    ];
  it.each(found)('%s holds a secret', (url, secret, ticked, hosts, places) => {
    const part = urlSecret('X_URL', url);
    expect(part).toMatchObject({ secret, ticked, hosts, in: places });
    expect(part!.reason).not.toContain(secret);
    expect(url.slice(part!.from, part!.to).replaceAll('%40', '@').replaceAll('%2F', '/')).toBe(secret);
  });

  it.each([
    'https://example.com/auth/callback?code_challenge=plain',
    'postgres://postgres:postgres@localhost/db',
    'postgres://localhost/db',
    'postgres://user:${DB_PASSWORD}@localhost/db',
    'http://localhost:3000/@scope/package',
    'http://localhost:3000?mail=a@b.example',
    'https://name@example.com/x',
    'https://example.com/?key=short',
    `https://${hex(32)}@o1.ingest.sentry.io/1`,
    'not a url',
    '',
  ])('%s holds none', (url) => expect(urlSecret('X_URL', url)).toBeUndefined());

  it('takes a DSN for what it is: public', () => {
    expect(urlSecret('SENTRY_DSN', `https://${hex(32)}@errors.example.com/1`)).toBeUndefined();
  });
});

describe('connectionSecret', () => {
  it.each([
    [`Server=x;User Id=y;Password=${password};Encrypt=1`, password],
    [`host=db user=app password=${password} sslmode=require`, password],
    [`DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${password}==;EndpointSuffix=x`, `${password}==`],
  ])('%s', (value, secret) => {
    const part = connectionSecret(value)!;
    expect(value.slice(part.from, part.to)).toBe(secret);
    expect(part).toMatchObject({ secret, ticked: false });
  });
  it.each(['password=x', 'Server=x;Password=changeme;', 'hello', `password=${password}`])('%s holds none', (value) =>
    expect(connectionSecret(value)).toBeUndefined(),
  );
});

import { describe, expect, it } from 'vitest';
import { findCredentials, isManaged } from '../../../src/core/secrets/credentials';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { keys } from '../env/fakeKeys';

const KEY: BoundSecret = {
  name: 'KEY',
  value: keys.anthropic(1),
  dummy: keys.anthropic(2),
  hosts: ['api.example.com'],
  in: ['header:authorization', 'header:x-odd', 'query:key', 'path'],
};
const base64 = (text: string) => Buffer.from(text).toString('base64');

function find(headers: Readonly<Record<string, string>>, path = '/', secrets: readonly BoundSecret[] = [KEY]) {
  return findCredentials(path, Object.keys(headers), Object.values(headers), secrets);
}
const seen = (...args: Parameters<typeof find>) => find(...args).map(({ place, text }) => [place, text]);

describe('finds credentials', () => {
  it.each<[string, Record<string, string>, string, string, string]>([
    ['a bearer', { authorization: 'Bearer attackers-own-key' }, '/', 'header:authorization', 'attackers-own-key'],
    ['another scheme', { authorization: 'token  attackers-own' }, '/', 'header:authorization', 'attackers-own'],
    ['no scheme', { authorization: 'attackers-own-key' }, '/', 'header:authorization', 'attackers-own-key'],
    ['Basic', { authorization: `Basic ${base64('user:secret')}` }, '/', 'header:authorization', 'user:secret'],
    ['a key field', { 'x-api-key': 'attackers-own-key' }, '/', 'header:x-api-key', 'attackers-own-key'],
    ['a vendor’s field', { 'dd-api-key': 'attackers-own-key' }, '/', 'header:dd-api-key', 'attackers-own-key'],
    ['a bound field', { 'x-odd': 'Key attackers-own' }, '/', 'header:x-odd', 'attackers-own'],
    ['a bound parameter', {}, '/?a=1&key=attackers%2Down', 'query:key', 'attackers-own'],
    [
      'an old presigned URL of AWS',
      {},
      '/k?AWSAccessKeyId=THEIR-KEY-ID&Signature=x',
      'query:AWSAccessKeyId',
      'THEIR-KEY-ID',
    ],
    ['a known parameter', {}, '/?access_token=attackers-own', 'query:access_token', 'attackers-own'],
    ['a segment', {}, `/bot123456789:AA${'x'.repeat(33)}/send`, 'path', `123456789:AA${'x'.repeat(33)}`],
  ])('%s', (_, headers, path, place, text) => {
    expect(seen(headers, path)).toEqual([[place, text]]);
  });
});

describe('takes for none', () => {
  it.each<[string, Record<string, string>, string]>([
    ['cookies and page tokens', { cookie: 'session=0123456789', 'x-csrf-token': '0123456789' }, '/'],
    ['a signed request', { authorization: 'AWS4-HMAC-SHA256 Credential=AKIA/2026, Signature=00' }, '/'],
    ['words', { 'x-api-key': 'none', authorization: 'Bearer' }, '/?key=on'],
    ['paging', {}, '/?page_token=CAUQAA0123456789&next=0123456789abcdef'],
    [
      'ordinary segments',
      {},
      '/repos/someone/some-long-repository-name/commits/0123456789abcdef0123456789abcdef01234567',
    ],
  ])('%s', (_, headers, path) => {
    expect(seen(headers, path)).toEqual([]);
  });
});

it('knows the managed one: by its dummy, by its value, as user or password', () => {
  const managed = (headers: Record<string, string>, path?: string) =>
    find(headers, path).map((credential) => isManaged(credential, [KEY]));
  for (const text of [KEY.dummy, KEY.value]) {
    expect(managed({ authorization: `Bearer ${text}` })).toEqual([true]);
    expect(managed({ authorization: `Basic ${base64(`x:${text}`)}` })).toEqual([true]);
    expect(managed({ authorization: `Basic ${base64(`${text}:`)}` })).toEqual([true]);
    expect(managed({}, `/?key=${text}`)).toEqual([true]);
  }
  // In the URL alphabet, too, which injection takes: the user makes it differ.
  const basic = Buffer.from(`~?~?:${KEY.dummy}`).toString('base64url');
  expect(basic).toMatch(/[-_]/);
  expect(managed({ authorization: `Basic ${basic}` })).toEqual([true]);
  expect(managed({ authorization: `Bearer x${KEY.dummy}` })).toEqual([false]);
  expect(managed({ authorization: `Basic ${base64(`x:y${KEY.dummy}`)}` })).toEqual([false]);
});

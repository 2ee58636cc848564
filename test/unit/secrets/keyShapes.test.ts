import { describe, expect, it } from 'vitest';
import { checkedRecipe, tokenChecksum } from '../../../src/core/env/dummyChecks';
import { findKeyShapes } from '../../../src/core/secrets/keyShapes';
import { body, hex, keys, seeded } from '../env/fakeKeys';

const github = (seed: number) => ['ghp', `${body(30, seed)}${tokenChecksum(body(30, seed))}`].join('_');
const found = (text: string) =>
  findKeyShapes(text).map(({ provider, at, length }) => [provider, text.slice(at, at + length)]);

describe.each([
  ['anthropic', keys.anthropic(3)],
  ['openai', keys.openai(3)],
  ['github', github(3)],
  ['github', `github_pat_${body(22)}_${body(59)}`],
  ['google-ai', keys.google(3)],
  ['stripe', keys.stripe(3)],
  ['slack', keys.slack(3)],
  ['aws', keys.aws(3)],
  ['hugging-face', keys.huggingFace(3)],
  ['digitalocean', `dop_v1_${hex(64)}`],
])('%s', (provider, token) => {
  it.each([
    ['alone', token],
    ['in JSON', `{"a":"${token}"}`],
    ['in a URL', `https://x.example/?key=${token}&b=1`],
    ['as a password', `https://${token}@host.example/`],
    ['in a header', `Authorization: Bearer ${token}\r\n`],
    ['at the end of a sentence', `it is ${token}, really`],
  ])('%s', (_, text) => {
    expect(found(text)).toEqual([[provider, token]]);
  });
  it('as bytes, behind bytes of all kinds', () => {
    const before = Buffer.from([0xff, 0xc3, 0xa9, 0]);
    const [first] = findKeyShapes(Buffer.concat([before, Buffer.from(token)]));
    expect([first?.at, first?.length]).toEqual([4, token.length]);
  });
  it('is nothing when it is known, or a part of something', () => {
    expect(findKeyShapes(`a ${token}`, new Set([token]))).toEqual([]);
    expect(found(`zz${token}`)).toEqual([]);
  });
});

it('takes a checksum that is wrong for no token', () => {
  expect(found(keys.github(1))).toEqual([]);
  expect(found(keys.npm(1))).toEqual([]);
  expect(found(checkedRecipe(keys.github(1))!.make(seeded(2))!)).toHaveLength(1);
});

it.each([
  'sk-ant-your-key-here-please-replace-it',
  'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'sk_live_abcdefghijklmnopqrstuvwx',
  `sha512-${Buffer.from(seeded(1)(64)).toString('base64')}`,
  '123e4567-e89b-42d3-a456-426614174000',
  `key-${hex(32)}`,
  'https://cdn.example/assets/npm_package_lifecycle_event_handler.js',
  'hf_hub_download_and_cache_everything_at_once',
])('%s is nothing', (text) => expect(found(text)).toEqual([]));

it('finds nothing in random base64', () => {
  const text = Buffer.from(seeded(5)(1_000_000));
  expect(found(text.toString('base64'))).toEqual([]);
  expect(found(text.toString('base64url'))).toEqual([]);
  expect(found(text.toString('hex'))).toEqual([]);
});

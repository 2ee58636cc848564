import { describe, expect, it } from 'vitest';
import { PROVIDERS } from '../../../src/core/secrets/providerTable';
import { hasShape, isModelApi, lookupProvider } from '../../../src/core/secrets/providers';
import { body, hex, keys } from '../env/fakeKeys';

const id = (name: string, value: string) => lookupProvider(name, value)?.id;

describe('lookupProvider', () => {
  it.each([
    ['by shape', 'X', keys.anthropic(), 'anthropic'],
    ['by shape against the name', 'OPENAI_API_KEY', keys.anthropic(), 'anthropic'],
    ['by name', 'MISTRAL_API_KEY', body(32), 'mistral'],
    ['by name in lower case', 'mistral_api_key', body(32), 'mistral'],
    ['behind a framework’s prefix', 'NEXT_PUBLIC_OPENAI_API_KEY', body(51), 'openai'],
    ['before a suffix', 'OPENAI_API_KEY_2', body(51), 'openai'],
    ['an old one', 'OLD_GITHUB_TOKEN_PROD', hex(40), 'github'],
    ['one shape, two services: the name decides', 'GOOGLE_MAPS_API_KEY', keys.google(), 'google-maps'],
    ['one shape, two services, no name', 'X', keys.google(), 'google-ai'],
    ['OpenRouter is not OpenAI', 'X', `sk-or-v1-${hex(64)}`, 'openrouter'],
    ['a new Google key', 'X', `AQ.Ab${body(48)}`, 'google-ai'],
    ['an AWS id', 'X', keys.aws(), 'aws'],
    ['a GitHub fine-grained token', 'X', `github_pat_${body(22)}_${body(59)}`, 'github'],
    ['nobody’s', 'API_KEY', body(40), undefined],
    ['a part of a shape', 'X', `x${keys.github()}`, undefined],
    ['nothing', '', '', undefined],
  ])('%s', (_, name, value, expected) => expect(id(name, value)).toBe(expected));

  it('tells a shape from a name', () => {
    const github = lookupProvider('GITHUB_TOKEN', 'x')!;
    expect(hasShape(github, keys.github())).toBe(true);
    expect(hasShape(github, hex(40))).toBe(false);
  });
});

describe('isModelApi', () => {
  it.each(['api.anthropic.com', 'api.openai.com', 'generativelanguage.googleapis.com', 'mine.openai.azure.com'])(
    '%s',
    (host) => expect(isModelApi(host)).toBe(true),
  );
  it.each(['api.github.com', 'anthropic.com', 'api.anthropic.com.evil.example', ''])('not %s', (host) =>
    expect(isModelApi(host)).toBe(false),
  );
});

it('has no provider twice', () => {
  expect(new Set(PROVIDERS.map((row) => row.id)).size).toBe(PROVIDERS.length);
});

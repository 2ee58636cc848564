import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROVIDERS } from '../../../src/core/secrets/providerTable';
import {
  hasShape,
  isModelApi,
  isServedPlace,
  literalStart,
  lookupProvider,
  matchShape,
  shapesToTry,
} from '../../../src/core/secrets/providers';
import { body, hex, keys } from '../env/fakeKeys';
import { examplesOf } from './providers/examples';

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
    ['one shape, and the name of a third', 'CLERK_SECRET_KEY', ['sk', 'live', body(42)].join('_'), 'clerk'],
    ['that shape without a name', 'X', ['sk', 'live', body(42)].join('_'), 'stripe'],
    ['a weak shape', 'X', ['sk', body(48)].join('-'), 'openai'],
    ['a weak shape against a name', 'MOONSHOT_API_KEY', ['sk', body(48)].join('-'), 'moonshot'],
    ['OpenRouter is not OpenAI', 'X', `sk-or-v1-${hex(64)}`, 'openrouter'],
    ['a new Google key', 'X', `AQ.Ab${body(48)}`, 'google-ai'],
    ['an AWS id', 'X', keys.aws(), 'aws'],
    ['a GitHub fine-grained token', 'X', `github_pat_${body(22)}_${body(59)}`, 'github'],
    ['nobody’s', 'API_KEY', body(40), undefined],
    ['a part of a shape', 'X', `x${keys.github()}`, undefined],
    ['a name without end', 'A'.repeat(10_000), body(40), undefined],
    ['far too long', 'X', keys.anthropic() + 'a'.repeat(20_000), undefined],
    ['nothing', '', '', undefined],
  ])('%s', (_, name, value, expected) => expect(id(name, value)).toBe(expected));

  it.each(['gho', 'ghp', 'ghr', 'ghs', 'ghu'])('%s_ is GitHub', (prefix) =>
    expect(id('X', [prefix, body(36)].join('_'))).toBe('github'),
  );
  it.each(['sk_live', 'sk_test', 'rk_live', 'rk_test'])('%s_ is Stripe', (prefix) =>
    expect(id('X', [prefix, body(99)].join('_'))).toBe('stripe'),
  );
  it.each(['xoxb', 'xoxp', 'xoxa', 'xoxr', 'xoxs', 'xoxe'])('%s- is Slack', (prefix) =>
    expect(id('X', [prefix, body(11, 1, '0123456789'), body(12, 2, '0123456789'), body(24)].join('-'))).toBe('slack'),
  );

  it('tells a shape from a name', () => {
    const github = lookupProvider('GITHUB_TOKEN', 'x')!;
    expect(hasShape(github, keys.github())).toBe(true);
    expect(hasShape(github, hex(40))).toBe(false);
  });

  it('tries a value against few shapes, whatever it is', () => {
    const values = PROVIDERS.flatMap(({ shapes }) => shapes.flatMap((shape) => examplesOf(shape, 1)));
    for (const value of [...values, '', 'a', 'sk', body(40)]) expect(shapesToTry(value).length).toBeLessThanOrEqual(40);
    expect(shapesToTry(body(20_000))).toEqual([]);
    for (let i = 0; i < 10_000; i++) lookupProvider(`SOME_NAME_${i}`, body(40, i));
  });

  it('answers for any name and value', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), (name, value) => {
        const found = lookupProvider(name, value);
        expect(found === undefined || PROVIDERS.includes(found)).toBe(true);
      }),
    );
  });
});

describe('the index', () => {
  it.each([
    ['^(gh[pousr]_)x$', 'gh'],
    ['^(sk-ant-(?:a)?)x$', 'sk-ant-'],
    ['^(AQ\\.Ab)x$', 'AQ.Ab'],
    ['^(A(?:KI|SI)A)x$', 'A'],
    ['^(ab?)x$', 'a'],
    ['^a|b$', ''],
    ['^[ab]$', ''],
    ['^(?:a|b)$', ''],
    ['^\\d{8}$', ''],
    ['^((?:live|test)_)x$', ''],
    ['', ''],
  ])('%s begins with "%s"', (source, start) => expect(literalStart(source)).toBe(start));

  it('leaves out no shape that would match', () => {
    for (const row of PROVIDERS)
      for (const shape of [...row.shapes, ...row.weakShapes])
        for (const example of examplesOf(shape))
          expect(shapesToTry(example).map((entry) => entry.shape)).toContain(shape);
  });
});

describe('matchShape', () => {
  it('says what is no secret', () => {
    expect(matchShape(keys.github())).toMatchObject({ kept: [[0, 4]] });
    expect(matchShape(keys.anthropic())).toMatchObject({ kept: [[0, 13], [106, 108]] }); // prettier-ignore
    expect(matchShape(`dapi${hex(32)}`)).toMatchObject({ kept: [[0, 4]] });
    expect(matchShape(`${hex(32)}-us12`)).toMatchObject({ kept: [[32, 37]] });
    expect(matchShape(['sk', body(48)].join('-'))).toMatchObject({ provider: { id: 'openai' }, kept: [[0, 3]] });
    expect(matchShape(body(40))).toBeUndefined();
  });
});

it.each([
  ['header:x-api-key', true],
  ['basic', true],
  ['query:key', true],
  ['path', true],
  ['body:token', true],
  ['websocket', true],
  ['aws4', true],
  ['body:', false],
  ['cookie', false],
])('isServedPlace(%s) is %s', (place, served) => expect(isServedPlace(place)).toBe(served));

describe('isModelApi', () => {
  it.each([
    'api.anthropic.com',
    'api.openai.com',
    'generativelanguage.googleapis.com',
    'mine.openai.azure.com',
    'models.github.ai',
    'api.individual.githubcopilot.com',
    'router.huggingface.co',
    'bedrock-runtime.eu-central-1.amazonaws.com',
  ])('%s', (host) => expect(isModelApi(host)).toBe(true));
  it.each(['api.github.com', 'huggingface.co', 'anthropic.com', 'api.anthropic.com.evil.example', ''])(
    'not %s',
    (host) => expect(isModelApi(host)).toBe(false),
  );
});

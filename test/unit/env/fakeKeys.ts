// Keys in the shapes of real ones, put together at run time so that no scanner takes this repository for leaking any.

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Characters that look random and are the same in every run; `seed` makes different ones. */
export function body(length: number, seed = 1, alphabet = BASE62): string {
  let state = seed * 2654435761;
  let out = '';
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    out += alphabet[(state >>> 8) % alphabet.length]!;
  }
  return out;
}

export const hex = (length: number, seed = 1) => body(length, seed, '0123456789abcdef');
const base64url = (object: object) => Buffer.from(JSON.stringify(object)).toString('base64url');

export const keys = {
  anthropic: (seed = 1) => ['sk', 'ant', 'api03', `${body(93, seed)}AA`].join('-'),
  openai: (seed = 1) => ['sk', 'proj', body(64, seed)].join('-'),
  github: (seed = 1) => ['ghp', body(36, seed)].join('_'),
  google: (seed = 1) => ['AIza', body(35, seed)].join(''),
  stripe: (seed = 1) => ['sk', 'live', body(32, seed)].join('_'),
  slack: (seed = 1) => ['xoxb', body(12, seed, '0123456789'), body(13, seed, '0123456789'), body(24, seed)].join('-'),
  aws: (seed = 1) => ['AKIA', body(16, seed, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')].join(''),
  huggingFace: (seed = 1) => ['hf', body(34, seed)].join('_'),
  npm: (seed = 1) => ['npm', body(36, seed)].join('_'),
  jwt: (claims: object, seed = 1) =>
    [base64url({ alg: 'HS256', typ: 'JWT' }), base64url(claims), body(43, seed)].join('.'),
  pem: (lines = 3) =>
    [
      ['-----BEGIN', 'RSA PRIVATE', 'KEY-----'].join(' '),
      ...Array.from({ length: lines }, (_, i) => body(64, i + 1)),
      ['-----END', 'RSA PRIVATE', 'KEY-----'].join(' '),
    ].join('\n'),
};

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (data: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(data);

/** Random bytes that are the same in every run. */
export function seeded(seed = 1): (count: number) => Uint8Array {
  let state = seed >>> 0;
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
}

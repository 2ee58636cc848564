// Ordinary requests, as tools and people send them: nothing in them is a secret, so nothing may be found in them. The same in
// every run.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { pushBody } from './packs';

export interface BenignRequest {
  readonly name: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Numbers from 0 to 1, the same in every run (Mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const root = path.join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** `mentioned`: dummies, which conversations with a model speak of. At least 200 requests. */
export function benignRequests(mentioned: readonly string[] = []): BenignRequest[] {
  const random = numbers(20);
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
  const whole = (below: number) => Math.floor(random() * below);
  const hex = (count: number) => bytes(count).toString('hex');
  const uuid = () => hex(16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const token = (count: number) => bytes(count).toString('base64url');
  const code = read('src/core/secrets/matcher.ts');
  const prose = read('README.md');
  const slice = (text: string, length: number) => {
    const at = whole(Math.max(1, text.length - length));
    return text.slice(at, at + length);
  };
  const jwtLike = () =>
    [`{"alg":"RS256","kid":"${hex(8)}"}`, `{"sub":"${uuid()}","iat":${1_700_000_000 + whole(1e7)}}`]
      .map((part) => Buffer.from(part).toString('base64url'))
      .concat(token(32))
      .join('.');
  const png = () =>
    Buffer.concat([
      Buffer.from('89504e470d0a1a0a0000000d4948445200000100000001000806000000', 'hex'),
      Buffer.from('0000200049444154', 'hex'),
      zlib.deflateSync(bytes(6000)),
      Buffer.from('0000000049454e44', 'hex'),
    ]);
  const minified = () =>
    slice(code, 6000)
      .replace(/\/\/.*$/gm, '')
      .replace(/\s+/g, ' ')
      .replace(/ ?([{}();,=<>+]) ?/g, '$1');
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const headers = (type: string, more: Readonly<Record<string, string>> = {}) => ({
    'user-agent': 'node-fetch/3.3.2 (+https://github.com/node-fetch/node-fetch)',
    accept: '*/*',
    'accept-encoding': 'gzip, deflate, br, zstd',
    'content-type': type,
    'x-request-id': uuid(),
    traceparent: `00-${hex(16)}-${hex(8)}-01`,
    ...more,
  });
  const nothing = Buffer.alloc(0);
  const kinds: Readonly<Record<string, () => Omit<BenignRequest, 'name'>>> = {
    'a package': () => ({
      method: 'GET',
      host: 'registry.npmjs.org',
      path: `/@scope%2fpackage-${whole(99)}/-/package-${whole(99)}.${whole(9)}.0.tgz?integrity=sha512-${encodeURIComponent(bytes(64).toString('base64'))}`,
      headers: headers('text/plain', { 'if-none-match': `W/"${hex(16)}"` }),
      body: nothing,
    }),
    'ids and hashes': () => ({
      method: 'POST',
      host: 'telemetry.example.com',
      path: `/v1/events/${uuid()}?session=${token(16)}&build=${hex(20)}`,
      headers: headers('application/json', { cookie: `sid=${token(24)}; _ga=GA1.2.${whole(1e9)}.${whole(1e9)}` }),
      body: json(
        Array.from({ length: 20 }, () => ({
          id: uuid(),
          sha1: hex(20),
          sha256: hex(32),
          at: whole(1e9),
          key: `key-${hex(16)}`,
        })),
      ),
    }),
    'a conversation': () => ({
      method: 'POST',
      host: 'api.anthropic.com',
      path: '/v1/messages?beta=true',
      headers: headers('application/json', { 'anthropic-version': '2023-06-01' }),
      body: json({
        model: 'claude-sonnet-4-5',
        messages: [
          { role: 'user', content: `${slice(prose, 1500)}\nAPI_KEY=${mentioned[whole(mentioned.length)] ?? 'none'}\n` },
          {
            role: 'assistant',
            content: [
              { type: 'text', text: slice(code, 3000) },
              {
                type: 'tool_use',
                id: `toolu_${token(18)}`,
                name: 'Bash',
                input: { command: `cat .env && echo "${mentioned.join(' ')}" | sed 's/\\n/ /g'` },
              },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png().toString('base64') } },
            ],
          },
        ],
      }),
    }),
    'a package that is published': () => {
      const tarball = zlib.gzipSync(Buffer.concat([Buffer.from(code), bytes(3000)]));
      return {
        method: 'PUT',
        host: 'registry.npmjs.org',
        path: `/package-${whole(99)}`,
        headers: headers('application/json', { 'npm-command': 'publish' }),
        body: json({
          _id: 'package',
          readme: slice(prose, 2000),
          versions: {
            '1.0.0': {
              dist: {
                shasum: createHash('sha1').update(tarball).digest('hex'),
                integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
              },
            },
          },
          _attachments: {
            'package-1.0.0.tgz': { content_type: 'application/octet-stream', data: tarball.toString('base64') },
          },
        }),
      };
    },
    'minified code': () => ({
      method: 'POST',
      host: 'cdn.example.com',
      path: `/assets/index-${token(6)}.js`,
      headers: headers('text/javascript'),
      body: Buffer.from(minified()),
    }),
    'a source map': () => ({
      method: 'POST',
      host: 'sentry.example.com',
      path: `/api/0/projects/x/releases/${hex(20)}/files/`,
      headers: headers('application/json'),
      body: json({
        version: 3,
        sources: ['../src/a.ts'],
        sourcesContent: [slice(code, 4000)],
        mappings: Array.from({ length: 900 }, () => 'AACgBEFJSKUI'.slice(whole(6), 7 + whole(5))).join(','),
      }),
    }),
    'an image': () => ({
      method: 'PUT',
      host: 'images.example.com',
      path: `/${hex(16)}.png`,
      headers: headers('image/png'),
      body: png(),
    }),
    'bytes of all kinds': () => ({
      method: 'PUT',
      host: 'storage.example.com',
      path: `/o/${token(20)}?uploadType=resumable&upload_id=${token(40)}`,
      headers: headers('application/octet-stream'),
      body: bytes(20_000),
    }),
    'ids that look like JWTs': () => ({
      method: 'GET',
      host: 'api.example.com',
      path: `/me?state=${jwtLike()}`,
      headers: headers('application/json', { 'x-id': jwtLike() }),
      body: json({ next: jwtLike(), cursor: Buffer.from(`{"after":${whole(1e9)}}`).toString('base64') }),
    }),
    'a form': () => ({
      method: 'POST',
      host: 'www.example.com',
      path: '/search',
      headers: headers('application/x-www-form-urlencoded'),
      body: Buffer.from(
        new URLSearchParams({
          q: slice(prose, 300),
          page: `${whole(9)}`,
          token: token(16),
          url: `https://x.example/?a=${uuid()}&b=c%20d`,
        }).toString(),
      ),
    }),
    'a multipart form': () => ({
      method: 'POST',
      host: 'www.example.com',
      path: '/upload',
      headers: headers('multipart/form-data; boundary=----b'),
      body: Buffer.concat([
        Buffer.from(
          `------b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n${png().toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n------b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${slice(prose, 400).replace(/[=é]/g, '=3D')}=\r\nand on\r\n------b--\r\n`,
        ),
      ]),
    }),
    'compressed logs': () => ({
      method: 'POST',
      host: 'logs.example.com',
      path: '/v1/logs',
      headers: headers('application/gzip'),
      body: zlib.gzipSync(
        Array.from(
          { length: 50 },
          () => `{"level":"info","trace":"${hex(16)}","msg":${JSON.stringify(slice(prose, 80))}}`,
        ).join('\n'),
      ),
    }),
    'a certificate': () => ({
      method: 'POST',
      host: 'ca.example.com',
      path: '/csr',
      headers: headers('application/x-pem-file'),
      body: Buffer.from(
        `-----BEGIN CERTIFICATE-----\n${bytes(900).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
      ),
    }),
    'HTML with entities': () => ({
      method: 'POST',
      host: 'wiki.example.com',
      path: '/page',
      headers: headers('text/html'),
      body: Buffer.from(
        `<p>${slice(prose, 1500).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)}&nbsp;&#x2014; 100&#37; &amp;amp; </p>`,
      ),
    }),
    'other languages': () => ({
      method: 'POST',
      host: 'translate.example.com',
      path: `/t?q=${encodeURIComponent('すべての人間は、生まれながらにして自由であり')}`,
      headers: headers('application/json'),
      body: json({
        q: 'Все люди рождаются свободными — 人人生而自由'.repeat(20),
        ascii: '\\u0412\\u0441\\u0435 \\u043b\\u044e\\u0434\\u0438',
      }),
    }),
  };
  const requests = Object.entries(kinds).flatMap(([name, make]) =>
    Array.from({ length: 14 }, (_, i) => ({ name: `${name} ${i + 1}`, ...make() })),
  );
  const versions = [1, 2, 3].map((version) => `${slice(code, 4000)}\n${prose}\nversion ${version} ${hex(20)}\n`);
  return [
    ...requests,
    ...[versions.slice(0, 1), versions].map((some, i) => ({
      name: `a push ${i + 1}`,
      method: 'POST',
      host: 'github.com',
      path: '/owner/repository.git/git-receive-pack',
      headers: headers('application/x-git-receive-pack-request'),
      body: pushBody(some),
    })),
  ];
}

/** Its varying parts, as the split watch is given them. */
export function partsOf({ path: target, headers, body }: BenignRequest): string[] {
  const { pathname, searchParams } = new URL(target, 'http://x.example');
  const small = body.length < 4096 ? [Buffer.from(body).toString('latin1')] : [];
  return [...searchParams.values(), ...pathname.split('/'), ...Object.values(headers), ...small];
}

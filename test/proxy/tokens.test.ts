// OAuth: a dummy refresh token is traded for new tokens; the client gets dummies of them, and they work at once.
import type http2 from 'node:http2';
import zlib from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import type { BoundSecret } from '../../src/core/secrets/types';
import { Pipeline } from '../../src/proxy/pipeline/pipeline';
import { ALLOW_LOCALHOST, GuardedFixture } from '../support/guarded';
import { Http2Origin, openSession, request } from '../support/http2';

const POLICY = `${ALLOW_LOCALHOST}secrets:
  LOGIN: { hosts: [localhost], in: ["body:refresh_token"] }
  LOGIN access token: { hosts: [localhost], in: ["header:authorization"] }
`;
const text = (letter: string) => `${letter}0k3n`.repeat(9);
const REFRESH: BoundSecret = {
  name: 'LOGIN',
  value: `rt-${text('r')}`,
  dummy: `rt-${text('d')}`,
  hosts: ['localhost'],
  in: ['body:refresh_token'],
};
const ACCESS = `at-${text('A')}`;
const ROTATED = `rt-${text('R')}`;

let fixture: GuardedFixture;
let origin: Http2Origin | undefined;
let client: http2.ClientHttp2Session | undefined;
afterEach(async () => {
  client?.destroy();
  await fixture.close();
  await origin?.close();
  origin = client = undefined;
});

const kept: BoundSecret[] = [];
async function open(answer: string | Buffer, fields: string): Promise<void> {
  kept.length = 0;
  fixture = await GuardedFixture.open('wire', POLICY, [REFRESH]);
  fixture.origin.onRequest = ({ socket }, head) => {
    const body = head.startsWith('POST') ? Buffer.from(answer) : Buffer.from('ok');
    socket.write(`HTTP/1.1 200 OK\r\n${head.startsWith('POST') ? fields : ''}Content-Length: ${body.length}\r\n\r\n`);
    socket.end(body);
  };
}

const JSON_TYPE = 'Content-Type: application/json\r\n';
const answer = JSON.stringify({ token_type: 'Bearer', access_token: ACCESS, refresh_token: ROTATED, expires_in: 3600 });
const trade = (path = '/v1/oauth/token') =>
  fixture.send(
    `POST ${path}`,
    JSON_TYPE,
    JSON.stringify({ grant_type: 'refresh_token', refresh_token: REFRESH.dummy }),
  );
interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}
const tokensOf = (response: string) => JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4)) as Tokens;

it('the client gets dummies, and what it sends with them is real', async () => {
  await open(answer, JSON_TYPE);
  const response = await trade();
  expect(response).toMatch(/^HTTP\/1\.1 200 /);
  expect(response).not.toContain(ACCESS);
  expect(response).not.toContain(ROTATED);
  const tokens = tokensOf(response);
  expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
  expect(tokens.access_token).toHaveLength(ACCESS.length);
  await fixture.send('GET /', `Authorization: Bearer ${tokens.access_token}\r\n`);
  expect(fixture.origin.heads.at(-1)).toContain(`Authorization: Bearer ${ACCESS}`);
  // The new refresh token is traded like the old one.
  await fixture.send('POST /v1/oauth/token', JSON_TYPE, JSON.stringify({ refresh_token: tokens.refresh_token }));
  await fixture.origin.until(() =>
    fixture.origin.connections.some(({ received }) => received.includes(`"${ROTATED}"`)),
  );
  const flows = await fixture.until((all) => all.length === 3 && all.every(({ outcome }) => outcome === 'allowed'));
  expect(flows[1]!.injected).toEqual(['LOGIN access token']);
  expect(JSON.stringify(flows)).not.toContain(ACCESS);
});

it('in a compressed answer, and the same token twice has one dummy', async () => {
  await open(zlib.gzipSync(answer), `${JSON_TYPE}Content-Encoding: gzip\r\n`);
  const send = () =>
    fixture.send(
      'POST /oauth2/token',
      `${JSON_TYPE}Accept-Encoding: gzip\r\n`,
      JSON.stringify({ refresh_token: REFRESH.dummy }),
    );
  const first = tokensOf(await send());
  expect(tokensOf(await send())).toEqual(first);
  expect(first.access_token).not.toBe(ACCESS);
});

it('answers that are none, or for which nothing was put in, pass as they are', async () => {
  await open('not json', JSON_TYPE);
  expect(await trade()).toMatch(/not json$/);
  await fixture.close();
  await open(answer, JSON_TYPE);
  expect(await fixture.send('POST /v1/oauth/token', JSON_TYPE, '{"refresh_token":"x"}')).toContain(ACCESS);
});

it('nobody makes secrets of what he likes: only a grant of the managed refresh token counts', async () => {
  const words = {
    access_token: 'application/json',
    refresh_token: 'github.com/me/project',
    accessToken: 'x'.repeat(30),
  };
  await open(JSON.stringify(words), JSON_TYPE);
  expect(tokensOf(await trade())).toEqual(words);
  expect(fixture.guard.secrets).toHaveLength(1);
  await fixture.close();
  // A dummy in another place of the request, or another method: what comes back is the answer of whoever wrote it.
  fixture = await GuardedFixture.open(
    'wire',
    POLICY.replace('["body:refresh_token"]', '["body:refresh_token", "header:authorization"]'),
    [REFRESH],
  );
  fixture.origin.onRequest = ({ socket }) =>
    socket.end(`HTTP/1.1 200 OK\r\n${JSON_TYPE}Content-Length: ${answer.length}\r\n\r\n${answer}`);
  const bearer = `Authorization: Bearer ${REFRESH.dummy}\r\n`;
  expect(await fixture.send('GET /repos/a/b/contents/oauth/token', bearer)).toContain(ACCESS);
  expect(await fixture.send('POST /oauth/token', `${bearer}${JSON_TYPE}`, '{"code":"x"}')).toContain(ACCESS);
  expect(fixture.guard.secrets).toHaveLength(1);
});

it('the same token under several names has one dummy, and of each kind the last two are known', async () => {
  await open('', '');
  let round = 0;
  fixture.origin.onRequest = ({ socket }) => {
    const token = `at-${text(String(round++))}`;
    const body = JSON.stringify({ token, access_token: token, deep: { accessToken: token } });
    socket.end(`HTTP/1.1 200 OK\r\n${JSON_TYPE}Content-Length: ${body.length}\r\n\r\n${body}`);
  };
  for (let i = 0; i < 4; i++) {
    const { token, access_token, deep } = tokensOf(await trade()) as Tokens & {
      token: string;
      deep: { accessToken: string };
    };
    expect([token, deep.accessToken]).toEqual([access_token, access_token]);
    expect(access_token).not.toContain(text(String(i)));
  }
  expect(fixture.guard.secrets.map(({ name }) => name)).toEqual([
    'LOGIN',
    'LOGIN access token',
    'LOGIN access token 2',
  ]);
});

it('a token answer that is too long is no answer', async () => {
  await open(JSON.stringify({ access_token: ACCESS, more: 'x'.repeat(1_100_000) }), JSON_TYPE);
  const response = await trade();
  expect(response).toMatch(/^HTTP\/1\.1 502 /);
  expect(response).not.toContain(ACCESS);
});

it('they are kept before their dummies go on, over HTTP/2 as well', async () => {
  await open(answer, JSON_TYPE);
  origin = new Http2Origin(fixture.originCa);
  origin.onStream = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(answer);
  };
  fixture.originPort = await origin.listen();
  // A pipeline that keeps: as the process of a session has it.
  let release: (() => void) | undefined;
  const pipeline = new Pipeline(fixture.guard, undefined, (secrets) => {
    kept.push(...secrets);
    return new Promise((resolve) => (release = resolve));
  });
  (fixture.pipeline as { request: Pipeline['request'] }).request = (...args) => pipeline.request(...args);
  client = await openSession(fixture);
  let done = false;
  const waiting = request(
    client,
    { ':method': 'POST', ':path': '/oauth/token', 'content-type': 'application/json' },
    JSON.stringify({ refresh_token: REFRESH.dummy }),
  ).finally(() => (done = true));
  while (!release) await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(false);
  expect(kept.map(({ name, value }) => [name, value])).toEqual([
    ['LOGIN access token', ACCESS],
    ['LOGIN refresh token', ROTATED],
  ]);
  release();
  const tokens = JSON.parse((await waiting).body) as Tokens;
  expect(tokens.access_token).toBe(kept[0]!.dummy);
});

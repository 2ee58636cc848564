// AWS clients that sign with dummies, through the real engine, against a server that takes only what the real key signed; and
// what must not be signed again. The server is written from AWS's documentation alone (support/aws4Verifier).
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import https from 'node:https';
import type http2 from 'node:http2';
import { type Duplex, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { BoundSecret } from '../../src/core/secrets/types';
import { MAX_HELD_BYTES } from '../../src/proxy/pipeline/bodyStage';
import {
  type Account,
  AwsServer,
  type Parts,
  type Signer,
  authorization,
  presign,
  signedChunks,
  verify,
} from '../support/aws4Verifier';
import { DUMMY, GuardedFixture, REAL, SECRET as API_KEY } from '../support/guarded';
import { Http2Origin, openSession, request as request2 } from '../support/http2';
import { testLeaf } from '../support/pki';
import { connectRaw, connectTls } from '../support/rawClient';
import { AUTH, TOKEN } from '../support/wire';

const policy = (more = '') => `version: 1
mode: enforce
rules:
  - type: allow
    addresses: any
    ${more}
    condition: { match: { host: [localhost, s3.example, "*.amazonaws.com"], port: any } }
`;

/** Put together from parts: nobody's. */
const key = (name: string, value: string, dummy: string): BoundSecret => ({
  name,
  value,
  dummy,
  hosts: ['localhost', '*.amazonaws.com', 's3.example'],
  in: ['aws4'],
});
const ID = key('AWS_ACCESS_KEY_ID', ['AKIA', 'R34LR34LR34LR34L'].join(''), ['AKIA', 'DDDDUUUUMMMMYYYY'].join(''));
const SECRET = key('AWS_SECRET_ACCESS_KEY', ['r34l', 'Secret/Access+Key', '0123456789abcd'].join('/'), ['dummy', 'SecretAccessKey', '0123456789abcdefgh'].join('0')); // prettier-ignore
const SESSION = key('AWS_SESSION_TOKEN', ['r34l', 'session+token/', 'x'.repeat(60), '=='].join(''), ['dumm', 'ySessionToken', 'y'.repeat(61), '=='].join('')); // prettier-ignore
const ACCOUNT: Account = { keyId: ID.value, secret: SECRET.value };
const TIME = '20261124T120000Z';
const client = (more: Partial<Signer> = {}): Signer => ({
  keyId: ID.dummy,
  secret: SECRET.dummy,
  time: TIME,
  region: 'eu-west-1',
  service: 's3',
  ...more,
});
const ATTACKER: Partial<Signer> = {
  keyId: ['AKIA', 'ATTACKERSOWNKEY2'].join(''),
  secret: ['attackers', 'own', 'secret'].join('-'),
};

let fixture: GuardedFixture;
let server: AwsServer;
let origin: Http2Origin | undefined;
let session: http2.ClientHttp2Session | undefined;
const agents: https.Agent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  session?.destroy();
  await fixture.close();
  await server.close();
  await origin?.close();
  origin = session = undefined;
});

async function open(
  more = '',
  secrets: readonly BoundSecret[] = [ID, SECRET],
  { account = ACCOUNT, host = 'localhost' } = {},
): Promise<void> {
  fixture = await GuardedFixture.open('wire', policy(more), secrets, {
    lookup: () => Promise.resolve(['127.0.0.1']),
  });
  server = new AwsServer(testLeaf(fixture.originCa, host), account);
  fixture.originPort = await server.listen();
}

type Created = (error: Error | null, stream: Duplex) => void;

/** Clients of Node through the proxy. */
class ProxyAgent extends https.Agent {
  override createConnection({ host, port }: https.RequestOptions, done?: Created): undefined {
    const authority = `${host ?? ''}:${port ?? 443}`;
    connectTls({ proxyPort: fixture.proxyPort, authority, auth: AUTH, ca: fixture.proxyCa.cert }).then(
      ({ socket }) => {
        socket.removeAllListeners('data');
        done?.(null, socket);
      },
      (error: unknown) => done?.(error as Error, undefined as never),
    );
    return undefined;
  }
}

function sdk() {
  const httpsAgent = new ProxyAgent({ keepAlive: false });
  agents.push(httpsAgent);
  return {
    region: 'eu-west-1',
    endpoint: `https://localhost:${fixture.originPort}`,
    requestHandler: { httpsAgent },
    maxAttempts: 1,
  };
}
const DUMMIES = { accessKeyId: ID.dummy, secretAccessKey: SECRET.dummy };

/** Sends one request and resolves to the status and the body. */
async function send(
  { method, target, headers }: Parts,
  body?: Buffer,
  { size = Infinity, to = 'localhost' } = {},
): Promise<string> {
  const raw = await connectTls({
    proxyPort: fixture.proxyPort,
    authority: `${to}:${fixture.originPort}`,
    auth: AUTH,
    ca: fixture.proxyCa.cert,
  });
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = body && !('content-length' in headers) ? `content-length: ${body.length}\r\n` : '';
  raw.write(`${method} ${target} HTTP/1.1\r\n${fields.join('')}${length}connection: close\r\n\r\n`);
  for (let at = 0; body && at < body.length; at += size) {
    raw.socket.write(body.subarray(at, at + size));
    if (size < Infinity) await new Promise((resolve) => setImmediate(resolve));
    if (raw.closed) break;
  }
  return raw.end();
}

const host = (to = 'localhost') => `${to}:${fixture.originPort}`;

/** A request with its Authorization field. `body` undefined: none. */
function signed(given: Partial<Parts> = {}, body?: Buffer, more: Partial<Signer> = {}, payload?: string): Parts {
  const { method = body ? 'PUT' : 'GET', target = '/bucket/key', headers = {} } = given;
  const hash = payload ?? verifierHash(body);
  const all = {
    host: host(),
    'x-amz-date': TIME,
    ...(more.service === undefined || payload !== undefined ? { 'x-amz-content-sha256': hash } : {}),
    ...headers,
  };
  const parts = { method, target, headers: all };
  return { ...parts, headers: { ...all, authorization: authorization(client(more), parts, hash) } };
}

const verifierHash = (body: Buffer = Buffer.alloc(0)) => createHash('sha256').update(body).digest('hex');

const flowsOf = (count: number) =>
  fixture.until((all) => all.length >= count && all.every(({ outcome }) => outcome !== 'open'));

describe('AWS’s SDK', () => {
  it('S3: objects are put and got, with checksums and a session token', async () => {
    await open('', [ID, SECRET, SESSION], { account: { ...ACCOUNT, token: SESSION.value } });
    const s3 = new S3Client({
      ...sdk(),
      forcePathStyle: true,
      credentials: { ...DUMMIES, sessionToken: SESSION.dummy },
    });
    const body = Buffer.from('some text that is stored');
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a key/with (odd) + chars~$&=@.txt', Body: body }));
    await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'ключ', Range: 'bytes=0-9', VersionId: 'a+b/c=' }));
    expect(server.refused).toEqual([]);
    expect(server.taken.map(({ method }) => method)).toEqual(['PUT', 'GET']);
    expect(server.taken[0]!.body.equals(body)).toBe(true);
    const flows = await flowsOf(2);
    for (const flow of flows)
      expect(flow).toMatchObject({ injected: [SECRET.name, ID.name, SESSION.name], findings: [] });
    const shown = JSON.stringify(flows);
    for (const { value } of [ID, SECRET, SESSION]) expect(shown).not.toContain(value);
    for (const { headers } of server.taken)
      expect(shown).not.toContain(/Signature=(\w+)/.exec(headers['authorization']!)![1]);
  });

  it('S3: a stream, in chunks with a checksum as trailer', async () => {
    await open();
    const s3 = new S3Client({ ...sdk(), forcePathStyle: true, credentials: DUMMIES });
    const parts = Array.from({ length: 40 }, (_, i) => Buffer.alloc(10_000 + i, String(i % 10)));
    const whole = Buffer.concat(parts);
    await s3.send(
      new PutObjectCommand({
        Bucket: 'bucket',
        Key: 'stream',
        Body: Readable.from(parts),
        ContentLength: whole.length,
        ChecksumAlgorithm: 'CRC32',
      }),
    );
    expect(server.refused).toEqual([]);
    expect(server.taken[0]!.headers['x-amz-content-sha256']).toBe('STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    expect(server.taken[0]!.body.equals(whole)).toBe(true);
  });

  it('DynamoDB: an item', async () => {
    await open();
    const db = new DynamoDBClient({ ...sdk(), credentials: DUMMIES });
    await db.send(new PutItemCommand({ TableName: 'table', Item: { id: { S: 'x'.repeat(5000) } } }));
    expect(server.refused).toEqual([]);
    expect(JSON.parse(server.taken[0]!.body.toString())).toMatchObject({ TableName: 'table' });
  });

  it('with the attacker’s own keys: refused, and nothing of it arrives', async () => {
    await open();
    const credentials = { accessKeyId: ATTACKER.keyId!, secretAccessKey: ATTACKER.secret! };
    const s3 = new S3Client({ ...sdk(), forcePathStyle: true, credentials });
    const put = s3.send(new PutObjectCommand({ Bucket: 'theirs', Key: 'k', Body: 'stolen' }));
    await expect(put).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    expect([server.taken, server.refused]).toEqual([[], []]);
  });
});

it('curl signs, as s3 and as another service', async () => {
  await open();
  const curl = (...args: readonly string[]) =>
    promisify(execFile)('curl', [
      '-sS',
      '--proxy',
      `http://claude:${TOKEN}@127.0.0.1:${fixture.proxyPort}`,
      '--proxy-insecure',
      '-k',
      '--user',
      `${ID.dummy}:${SECRET.dummy}`,
      '-w',
      '%{http_code}',
      ...args,
    ]);
  const url = `https://localhost:${fixture.originPort}`;
  const got = await curl('--aws-sigv4', 'aws:amz:eu-west-1:dynamodb', '-d', '{"a":1}', `${url}/?a=1&b=2`);
  expect(got.stdout).toBe('{}200');
  const empty = verifierHash();
  const object = await curl('--aws-sigv4', 'aws:amz:eu-west-1:s3', '-H', `x-amz-content-sha256: ${empty}`, `${url}/b/k`); // prettier-ignore
  expect(object.stdout).toBe('{}200');
  expect(server.refused).toEqual([]);
});

describe('what the real key signs', () => {
  it('a body of which nobody says the hash is held and signed', async () => {
    await open();
    const body = Buffer.from('{"TableName": "t"}');
    for (const size of [3, 100])
      expect(await send(signed({}, body, { service: 'dynamodb' }), body, { size })).toMatch(/^HTTP\/1\.1 200 /);
    expect(await send(signed({ method: 'GET' }, undefined, { service: 'sts' }))).toMatch(/^HTTP\/1\.1 200 /);
    expect(server.taken.map((one) => one.body.toString())).toEqual([body.toString(), body.toString(), '']);
    const [flow] = await flowsOf(3);
    expect(flow).toMatchObject({ injected: [SECRET.name, ID.name], findings: [] });
  });

  it('chunks that are signed themselves, with and without a trailer, however they are cut', async () => {
    await open();
    const parts = [Buffer.alloc(70_000, 'a'), Buffer.alloc(9_000, 'b'), Buffer.from('c')];
    for (const [trailer, size] of [
      [undefined, 1000],
      [undefined, 65_536],
      ['x-amz-checksum-crc32:AAAAAA==', 4_321],
    ] as const) {
      const payload = `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer === undefined ? '' : '-TRAILER'}`;
      const headers = { 'x-amz-decoded-content-length': '79001', 'content-encoding': 'aws-chunked' };
      const probe = signedChunks(client(), '0'.repeat(64), parts, trailer);
      const parts_ = signed({ headers: { ...headers, 'content-length': String(probe.length) } }, probe, {}, payload);
      const seed = /Signature=(\w+)/.exec(parts_.headers['authorization']!)![1]!;
      const body = signedChunks(client(), seed, parts, trailer);
      expect(await send(parts_, body, { size })).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(server.refused).toEqual([]);
    for (const { body } of server.taken) expect(body.equals(Buffer.concat(parts))).toBe(true);
  });

  it('a presigned URL, with and without a token', async () => {
    await open('', [ID, SECRET, SESSION]);
    const headers = { host: host() };
    const get = { method: 'GET', target: '/b/k%20%2B?versionId=a%2Fb', headers };
    expect(await send({ ...get, target: presign(client(), get) })).toMatch(/^HTTP\/1\.1 200 /);
    const put = { method: 'PUT', target: '/b/k', headers };
    expect(await send({ ...put, target: presign(client(), put) }, Buffer.from('x'))).toMatch(/^HTTP\/1\.1 200 /);
    const sts = { method: 'GET', target: '/?Action=GetCallerIdentity', headers };
    const identity = presign(client({ service: 'sts' }), sts, verifierHash());
    expect(await send({ ...sts, target: identity })).toMatch(/^HTTP\/1\.1 200 /);
    server.account = { ...ACCOUNT, token: SESSION.value };
    const withToken = presign(client(), get, 'UNSIGNED-PAYLOAD', SESSION.dummy);
    expect(await send({ ...get, target: withToken })).toMatch(/^HTTP\/1\.1 200 /);
    const flows = await flowsOf(4);
    expect(flows.map((flow) => [flow.injected, flow.findings])).toEqual(
      Array.from({ length: 4 }, () => [[SECRET.name, ID.name, SESSION.name], []]),
    );
    expect(JSON.stringify(flows)).not.toContain(encodeURIComponent(SESSION.value));
  });

  it('where the id is not swapped: the signature says which key it is', async () => {
    await open('', [SECRET, key('DEV_AWS_SECRET_ACCESS_KEY', 'another-real-one', 'another-dummy')]);
    expect(await send(signed({}, undefined, { keyId: ID.value }))).toMatch(/^HTTP\/1\.1 200 /);
    const [flow] = await flowsOf(1);
    expect(flow).toMatchObject({ injected: [SECRET.name], findings: [] });
  });

  it('for a program that has the real key itself, which is shown where its id or token is secret', async () => {
    await open('', [ID, SECRET, SESSION], { account: { ...ACCOUNT, token: SESSION.value } });
    const real = { keyId: ID.value, secret: SECRET.value };
    const headers = { 'x-amz-security-token': SESSION.value };
    expect(await send(signed({ headers }, undefined, real))).toMatch(/^HTTP\/1\.1 200 /);
    const get = { method: 'GET', target: '/b/k', headers: { host: host() } };
    const presigned = presign(client(real), get, 'UNSIGNED-PAYLOAD', SESSION.value);
    expect(await send({ ...get, target: presigned })).toMatch(/^HTTP\/1\.1 200 /);
    const flows = await flowsOf(2);
    for (const { findings } of flows)
      for (const finding of findings) expect(finding).toMatchObject({ kind: 'real-value', action: 'marked' });
  });

  it('over HTTP/2, where no Host field says the host', async () => {
    await open();
    const taken: unknown[] = [];
    origin = new Http2Origin(fixture.originCa);
    origin.onStream = (stream, headers) => {
      const fields = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
      const parts = { method: 'GET', target: headers[':path']!, headers: { ...fields, host: headers[':authority']! } };
      taken.push(verify(ACCOUNT, parts, Buffer.alloc(0)));
      stream.respond({ ':status': 200 });
      stream.end('ok');
    };
    fixture.originPort = await origin.listen();
    session = await openSession(fixture);
    const { headers } = signed();
    const { host: authority, ...fields } = headers;
    await request2(session, { ':method': 'GET', ':path': '/bucket/key', ':authority': authority, ...fields });
    expect(taken).toEqual([expect.objectContaining({ target: '/bucket/key' })]);
  });

  it('for all paths, queries and fields', async () => {
    await open();
    const encode = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`); // prettier-ignore
    const word = fc.stringMatching(/^[A-Za-z0-9 _~!'()*+,;:@$&=/?ü€-]{1,12}$/).map(encode);
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 3 }),
        fc.dictionary(word, word, { maxKeys: 3 }),
        fc.dictionary(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/), { maxKeys: 3 }), // prettier-ignore
        fc.constantFrom(undefined, 'dynamodb', 'execute-api'),
        async (segments, query, headers, service) => {
          const text = Object.entries(query).map((pair) => pair.join('='));
          const target = `/${segments.join('/')}${text.length > 0 ? `?${text.join('&')}` : ''}`;
          const more = service === undefined ? {} : { service };
          const answer = await send(signed({ target, headers }, undefined, more));
          expect(answer).toMatch(/^HTTP\/1\.1 200 /);
        },
      ),
      { numRuns: 60 },
    );
    expect(server.refused).toEqual([]);
  });
});

describe('what is not signed again', () => {
  const blocked = async (count: number) => {
    const flows = await flowsOf(count);
    expect([server.taken, server.refused]).toEqual([[], []]);
    expect(fixture.origin.heads).toEqual([]);
    return flows.map(({ outcome, findings }) => [outcome, findings.at(-1)?.kind, findings.at(-1)?.place]);
  };
  const FOREIGN = ['blocked', 'foreign-credential', 'header:authorization'];

  it.each([
    ['the attacker’s own pair', () => signed({}, undefined, ATTACKER)],
    ['the attacker’s id with the dummy secret', () => signed({}, undefined, { keyId: ATTACKER.keyId! })],
    ['the dummy id with the attacker’s secret', () => signed({}, undefined, { secret: ATTACKER.secret! })],
    [
      'a signature that was tampered with',
      () => {
        const { headers, ...rest } = signed();
        return { ...rest, headers: { ...headers, authorization: headers['authorization']!.replace(/.$/, (c) => (c === '0' ? '1' : '0')) } }; // prettier-ignore
      },
    ],
    ['another path than was signed', () => ({ ...signed(), target: '/bucket/other' })],
    ['another parameter', () => ({ ...signed(), target: '/bucket/key?acl' })],
    ['another method', () => ({ ...signed(), method: 'DELETE' })],
    [
      'another value of a signed field',
      () => {
        const { headers, ...rest } = signed({ headers: { 'x-amz-acl': 'private' } });
        return { ...rest, headers: { ...headers, 'x-amz-acl': 'public-read' } };
      },
    ],
    ['a token of nobody’s', () => signed({ headers: { 'x-amz-security-token': 'somebodys-token' } })],
  ])('%s', async (_, parts) => {
    await open();
    expect(await send(parts())).toMatch(/^HTTP\/1\.1 403 /);
    const [[outcome, kind] = []] = await blocked(1);
    expect([outcome, kind]).toEqual(FOREIGN.slice(0, 2));
  });

  it('a presigned URL of the attacker’s, in every spelling', async () => {
    await open();
    const put = { method: 'PUT', target: '/theirs/k', headers: { host: host() } };
    const url = presign(client(ATTACKER), put);
    for (const target of [url, url.replaceAll('X-Amz', 'x%2Damz'), url.replaceAll('X-Amz', 'x-amz')])
      expect(await send({ ...put, target }, Buffer.from('stolen'))).toMatch(/^HTTP\/1\.1 403 /);
    const old = '/theirs/k?AWSAccessKeyId=THEIRSTHEIRSTHEIRS&Expires=1&Signature=abc';
    expect(await send({ ...put, target: old }, Buffer.from('stolen'))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await blocked(4)).toEqual([
      ...Array.from({ length: 3 }, () => ['blocked', 'foreign-credential', 'query:X-Amz-Signature']),
      ['blocked', 'foreign-credential', 'query:AWSAccessKeyId'],
    ]);
  });

  it('a body that is not the signed one', async () => {
    await open();
    const body = Buffer.from('{"TableName": "t"}');
    const parts = signed({}, body, { service: 'dynamodb' });
    expect(await send(parts, Buffer.from('{"TableName": "x"}'))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await blocked(1)).toEqual([FOREIGN]);
  });

  it('chunks that somebody else signed: the upload ends', async () => {
    await open();
    const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    const data = [Buffer.alloc(9000, 'a'), Buffer.alloc(9000, 'b')];
    const length = String(signedChunks(client(), '', data).length);
    const headers = { 'x-amz-decoded-content-length': '18000', 'content-length': length };
    const parts = signed({ headers }, data[0], {}, payload);
    const seed = /Signature=(\w+)/.exec(parts.headers['authorization']!)![1]!;
    const body = signedChunks(client(ATTACKER), seed, data);
    expect(await send(parts, body)).toMatch(/^HTTP\/1\.1 403 /);
    const good = signedChunks(client(), seed, data);
    good[good.length - 3000] = 0x63;
    expect(await send(parts, good)).toMatch(/^HTTP\/1\.1 403 /);
    const flows = await flowsOf(2);
    for (const flow of flows) expect(flow.findings.at(-1)).toMatchObject({ kind: 'foreign-credential', place: 'body' });
    expect(server.taken).toEqual([]);
    expect(await send(parts, signedChunks(client(), seed, data))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('towards a host that the key is not bound to', async () => {
    await open(
      '',
      [ID, SECRET].map((secret) => ({ ...secret, hosts: ['other.example'] })),
    );
    expect(await send(signed())).toMatch(/^HTTP\/1\.1 403 /);
    const body = Buffer.from('{}');
    expect(await send(signed({}, body, { service: 'dynamodb' }), body)).toMatch(/^HTTP\/1\.1 403 /);
    const get = { method: 'GET', target: '/b/k', headers: { host: host() } };
    expect(await send({ ...get, target: presign(client(), get) })).toMatch(/^HTTP\/1\.1 403 /);
    // Nothing in it is a dummy, and still it was made with one.
    fixture.guard.setSecrets([{ ...SECRET, hosts: ['other.example'] }]);
    expect(await send(signed({}, undefined, { keyId: ID.value }))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await blocked(4)).toEqual([
      ['blocked', 'dummy-unbound', 'header:authorization'],
      ['blocked', 'dummy-unbound', 'header:authorization'],
      ['blocked', 'dummy-unbound', 'query:X-Amz-Signature'],
      ['blocked', 'dummy-unbound', 'header:authorization'],
    ]);
  });

  it('for one host, sent to another', async () => {
    await open('', [ID, SECRET], { host: 's3.example' });
    const parts = signed({ headers: { host: host('other.example') } });
    expect(await send(parts, undefined, { to: 's3.example' })).toMatch(/^HTTP\/1\.1 421 /);
    const swapped = { ...parts, headers: { ...parts.headers, host: host('s3.example') } };
    expect(await send(swapped, undefined, { to: 's3.example' })).toMatch(/^HTTP\/1\.1 403 /);
    expect([server.taken, server.refused]).toEqual([[], []]);
  });

  it('for another service than the machines of a host are', async () => {
    const to = 'evil.execute-api.eu-west-1.amazonaws.com';
    await open('', [ID, SECRET], { host: to });
    const to_ = { target: '/', headers: { host: host(to) } };
    expect(await send(signed(to_, undefined, { service: 'sts' }), undefined, { to })).toMatch(/^HTTP\/1\.1 403 /);
    expect(await send(signed(to_), undefined, { to })).toMatch(/^HTTP\/1\.1 403 /);
    expect(await blocked(2)).toEqual([
      ['blocked', 'dummy-unbound', 'header:authorization'],
      ['blocked', 'dummy-unbound', 'header:authorization'],
    ]);
    const own = await send(signed(to_, undefined, { service: 'execute-api' }), undefined, { to });
    expect(own).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('without the Host field among what is signed', async () => {
    await open();
    const headers = { 'x-amz-date': TIME, 'x-amz-content-sha256': verifierHash() };
    const parts = { method: 'GET', target: '/b/k', headers };
    const authorization_ = authorization(client(), parts, verifierHash());
    const answer = await send({ ...parts, headers: { host: host(), ...headers, authorization: authorization_ } });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('does not cover the Host field');
    expect([server.taken, server.refused]).toEqual([[], []]);
  });

  it('without encryption, or without a verified certificate', async () => {
    await open('upstream: { insecure: lab }');
    expect(await send(signed())).toMatch(/^HTTP\/1\.1 403 /);
    expect(await blocked(1)).toEqual([['blocked', 'dummy-unverified', 'header:authorization']]);
    const raw = await connectRaw(fixture.proxyPort);
    const parts = signed({ headers: { host: 's3.example' } });
    const fields = Object.entries(parts.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    raw.write(
      `GET http://s3.example/bucket/key HTTP/1.1\r\n${fields.join('')}proxy-authorization: ${AUTH}\r\nconnection: close\r\n\r\n`,
    );
    expect(await raw.end()).toMatch(/^HTTP\/1\.1 403 /);
    expect((await blocked(2))[1]).toEqual(['blocked', 'dummy-cleartext', 'header:authorization']);
  });

  it('with SigV4A, or with a body that is signed in another way', async () => {
    await open();
    const { headers, ...rest } = signed();
    const ecdsa = headers['authorization']!.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256');
    const answer = await send({ ...rest, headers: { ...headers, authorization: ecdsa } });
    expect(answer).toMatch(/^HTTP\/1\.1 501 /);
    expect(answer).toContain('SigV4A');
    const events = await send(signed({}, Buffer.from('x'), {}, 'STREAMING-AWS4-HMAC-SHA256-EVENTS'), Buffer.from('x'));
    expect(events).toMatch(/^HTTP\/1\.1 501 /);
    expect([server.taken, server.refused]).toEqual([[], []]);
  });

  it('in a form that can be read in two ways', async () => {
    await open();
    const parts = signed();
    const both = presign(client(), { method: 'GET', target: '/b/k', headers: { host: host() } });
    expect(await send({ ...parts, target: both })).toMatch(/^HTTP\/1\.1 400 /);
    expect([server.taken, server.refused]).toEqual([[], []]);
  });

  it('a body that is too long to be held', async () => {
    await open();
    const body = Buffer.alloc(MAX_HELD_BYTES + 100_000, 'a');
    const answer = await send(signed({}, body, { service: 'dynamodb' }), body, { size: 1 << 20 });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect([server.taken, server.refused]).toEqual([[], []]);
    // Whose hash the client says streams.
    expect(await send(signed({}, body), body, { size: 1 << 20 })).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('unless the policy says so, or the user trusts the key: then it goes out as it is', async () => {
    await open('credentials: any', [ID, SECRET], { account: ATTACKER as Account });
    expect(await send(signed({}, undefined, ATTACKER))).toMatch(/^HTTP\/1\.1 200 /);
    const body = Buffer.from('{}');
    const item = signed({}, body, { ...ATTACKER, service: 'dynamodb' });
    expect(await send(item, body)).toMatch(/^HTTP\/1\.1 200 /);
    // Not with the dummy's id, which is somebody's: it would go out beside another's signature.
    expect(await send(signed({}, undefined, { secret: ATTACKER.secret! }))).toMatch(/^HTTP\/1\.1 403 /);
    fixture.setPolicy(policy('credentials: none'));
    expect(await send(signed())).toMatch(/^HTTP\/1\.1 403 /);
    fixture.setPolicy(policy());
    expect(await send(signed({}, undefined, ATTACKER))).toMatch(/^HTTP\/1\.1 403 /);
    const flows = await flowsOf(5);
    const { credential } = flows.at(-1)!.findings.at(-1)!;
    const { salt } = (fixture.guard.trust as unknown as { settings: { salt: string } }).settings;
    fixture.guard.setTrust({ salt, hashes: [credential!] });
    expect(await send(signed({}, undefined, ATTACKER))).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('what else is in the request', () => {
  it('a masked body is signed as it goes out', async () => {
    await open('detection: mask', [ID, SECRET, API_KEY]);
    const body = Buffer.from(`{"text": "${REAL}"}`);
    const masked = body.toString().replace(REAL, DUMMY);
    for (const parts of [signed({}, body), signed({}, body, { service: 'dynamodb' })])
      expect(await send(parts, body, { size: 10 })).toMatch(/^HTTP\/1\.1 200 /);
    expect(server.taken.map((one) => one.body.toString())).toEqual([masked, masked]);
    // What the client says is not made true.
    expect(await send(signed({}, Buffer.from('another')), body)).toMatch(/^HTTP\/1\.1 403 /);
    expect(server.refused).toHaveLength(1);
  });

  it('a value that is read from the body, or from another signed field, is in what is signed', async () => {
    const field: BoundSecret = { ...API_KEY, in: ['body:token', 'header:x-api-key'] };
    await open('', [ID, SECRET, field]);
    const body = Buffer.from(`{"token": "${DUMMY}"}`);
    const headers = { 'content-type': 'application/json', 'x-api-key': DUMMY };
    for (const more of [{}, { service: 'execute-api' }])
      expect(await send(signed({ headers }, body, more), body, { size: 5 })).toMatch(/^HTTP\/1\.1 200 /);
    for (const one of server.taken) {
      expect(one.body.toString()).toBe(`{"token": "${REAL}"}`);
      expect(one.headers['x-api-key']).toBe(REAL);
    }
    expect(server.taken).toHaveLength(2);
  });

  it('a real value does not leave, also not over the border of two chunks, signed or not', async () => {
    await open('detection: mask', [ID, SECRET, API_KEY]);
    const half = [Buffer.from(`some text ${REAL.slice(0, 15)}`), Buffer.from(`${REAL.slice(15)} and more text`)];
    const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    const length = String(signedChunks(client(), '', half).length);
    const headers = { 'content-length': length, 'x-amz-decoded-content-length': '63' };
    const parts = signed({ headers }, half[0], {}, payload);
    const seed = /Signature=(\w+)/.exec(parts.headers['authorization']!)![1]!;
    expect(await send(parts, signedChunks(client(), seed, half))).toMatch(/^HTTP\/1\.1 403 /);
    const open_ = Buffer.from(
      half.map((data) => `${data.length.toString(16)}\r\n${data.toString()}\r\n`).join('') + '0\r\n\r\n',
    );
    const unsigned = signed({}, open_, {}, 'STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    expect(await send(unsigned, open_)).toMatch(/^HTTP\/1\.1 403 /);
    expect(server.taken).toEqual([]);
    const flows = await flowsOf(2);
    for (const flow of flows) expect(flow.findings.at(-1)).toMatchObject({ kind: 'real-value', action: 'blocked' });
  });

  it('the real signature does not come back in a redirect', async () => {
    await open();
    const get = { method: 'GET', target: '/b/k', headers: { host: host() } };
    const target = presign(client(), get);
    const dummy = target.slice(-64);
    await send({ ...get, target });
    const real = server.taken[0]!.target.slice(-64);
    expect(real).not.toBe(dummy);
    server.answer = { location: `https://elsewhere.example/k?X-Amz-Signature=${real}` };
    const answer = await send({ ...get, target });
    expect(answer).not.toContain(real);
    expect(answer).toContain(dummy);
  });
});

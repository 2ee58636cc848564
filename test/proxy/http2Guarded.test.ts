// Policy, injection, redaction and recording over HTTP/2: by Node's client, by curl, and to origins of both kinds. The same
// promises as over HTTP/1.1 (guarded.test.ts).
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DUMMY, ELSEWHERE, GuardedFixture, REAL, SECRET } from '../support/guarded';
import { Http2Origin, openSession, request } from '../support/http2';
import { TOKEN } from '../support/wire';
import { works } from '../support/works';

const POLICY = `version: 1
mode: enforce
rules:
  - type: block
    description: No gists
    condition: { match: { host: localhost, port: any, path: "/gists/**" } }
  - type: allow
    addresses: any
    condition: { match: { host: localhost, port: any } }
`;

let fixture: GuardedFixture;
let origin: Http2Origin | undefined;
let client: http2.ClientHttp2Session | undefined;
afterEach(async () => {
  client?.destroy();
  await fixture.close();
  await origin?.close();
  origin = client = undefined;
});

/** What an origin saw of each request. */
interface Seen {
  readonly path: string;
  readonly fields: string;
  body: string;
}
const seen: Seen[] = [];

/** A guarded session to an origin of that kind; `answer` as HTTP/2, the HTTP/1.1 origin echoes. */
async function open(kind: 'HTTP/1.1' | 'HTTP/2', policy = POLICY): Promise<http2.ClientHttp2Session> {
  seen.length = 0;
  fixture = await GuardedFixture.open('wire', policy, [SECRET, ELSEWHERE]);
  if (kind === 'HTTP/2') {
    origin = new Http2Origin(fixture.originCa);
    origin.onStream = (stream, headers) => {
      const entry: Seen = { path: headers[':path']!, fields: JSON.stringify(headers), body: '' };
      seen.push(entry);
      stream.on('data', (chunk: Buffer) => (entry.body += chunk.toString('latin1')));
      stream.on('end', () => {
        if (stream.destroyed) return;
        stream.respond({ ':status': 200, 'x-echo': String(headers['x-api-key']) }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-last': String(headers['x-api-key']) }));
        stream.end(`you sent ${String(headers['x-api-key'])} and ${entry.body.length} bytes.`);
      });
    };
    fixture.originPort = await origin.listen();
  } else {
    fixture.origin.onRequest = ({ socket }, head) => {
      const key = /x-api-key: (.*)\r\n/.exec(head)?.[1] ?? 'undefined';
      seen.push({ path: head.split(' ')[1]!, fields: head, body: '' });
      const body = `you sent ${key} and nothing.`;
      socket.write(
        `HTTP/1.1 200 ${key}\r\nX-Echo: ${key}\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\nX-Last: ${key}\r\n\r\n`,
      );
    };
  }
  return (client = await openSession(fixture));
}
const settled = (count: number) =>
  fixture.until((all) => all.length >= count && all.every(({ outcome }) => outcome !== 'open'));

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('HTTP/2 to an origin of %s', (kind) => {
  it('puts the real value in and takes it out of fields, body and trailers', async () => {
    const session = await open(kind);
    const answer = await request(session, { ':path': '/v1', 'x-api-key': DUMMY, authorization: `Bearer ${DUMMY}` });
    expect(seen[0]!.fields).toContain(REAL);
    expect(seen[0]!.fields).toContain(`Bearer ${REAL}`);
    expect(seen[0]!.fields).not.toContain(DUMMY);
    expect(answer.headers['x-echo']).toBe(DUMMY);
    expect(answer.body).toMatch(new RegExp(`^you sent ${DUMMY} and `));
    expect(answer.trailers['x-last']).toBe(DUMMY);
    const [flow] = await settled(1);
    expect(flow).toMatchObject({ method: 'GET', path: '/v1', outcome: 'allowed', status: 200, injected: ['API_KEY'] });
    expect(flow!.findings.map(({ kind: found, place }) => `${found} ${place}`)).toEqual(
      expect.arrayContaining(['echo-redacted response header:x-echo', 'echo-redacted response body']),
    );
    expect(JSON.stringify(flow)).not.toContain(REAL);
  });

  it('puts the real value into the query', async () => {
    const session = await open(kind);
    await request(session, { ':path': `/v1?key=${DUMMY}&a=1` });
    expect(seen[0]!.path).toBe(`/v1?key=${REAL}&a=1`);
  });

  it('blocks an endpoint with an answer that says so, and nothing reaches the origin', async () => {
    const session = await open(kind);
    for (const path of ['/gists/1', '/%67ists/1', '/x/../gists/1', '//gists/1', '/gists;a=b/1', '/GISTS/../gists/1']) {
      const answer = await request(session, { ':method': 'POST', ':path': path }, 'hello');
      expect(answer.status).toBe(403);
      expect(answer.headers['x-sandbox-agent']).toBe('blocked; rule=1');
      expect(JSON.parse(answer.body)).toMatchObject({ error: { type: 'sandbox_agent_blocked' } });
    }
    expect(seen).toEqual([]);
    const flows = await settled(6);
    expect(flows.map(({ outcome, status }) => [outcome, status])).toEqual(
      Array.from({ length: 6 }, () => ['blocked', 403]),
    );
  });

  it('refuses a dummy that belongs elsewhere: in a field, a body, however it is cut, and in trailers', async () => {
    const session = await open(kind);
    expect(await request(session, { ':path': '/', 'x-note': ELSEWHERE.dummy })).toMatchObject({ status: 403 });
    expect(seen).toEqual([]);
    const stream = session.request({ ':method': 'POST', ':path': '/upload' });
    stream.on('error', () => undefined);
    const status = new Promise((resolve) => stream.once('response', (head) => resolve(head[':status'])));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.write(`text ${ELSEWHERE.dummy.slice(0, 20)}`);
    stream.write(`${ELSEWHERE.dummy.slice(20)} text`);
    expect(await status).toBe(403);
    stream.resume();
    await closed;
    const last = session.request({ ':method': 'POST', ':path': '/trailers' }, { waitForTrailers: true });
    last.on('error', () => undefined);
    const refused = new Promise((resolve) => last.once('response', (head) => resolve(head[':status'])));
    last.on('wantTrailers', () => last.sendTrailers({ 'x-note': ELSEWHERE.dummy }));
    last.end('body');
    last.resume();
    expect(await refused).toBe(403);
    // What was sent of a body before is at the origin; that it was whole never is, nor the dummy.
    const raw = fixture.origin.connections.map(({ received }) => received).join();
    expect(raw + seen.map(({ body }) => body).join()).not.toContain(ELSEWHERE.dummy);
    expect(raw).not.toMatch(/\r\n0\r\n/);
    const flows = await settled(3);
    expect(flows.map(({ outcome }) => outcome)).toEqual(['blocked', 'blocked', 'blocked']);
    expect(flows.every(({ findings }) => findings.some(({ kind: found }) => found === 'dummy-unbound'))).toBe(true);
    // The session goes on.
    expect(await request(session, { ':path': '/v1', 'x-api-key': DUMMY })).toMatchObject({ status: 200 });
  });

  it('judges each crumb of a cookie, and the whole', async () => {
    const session = await open(kind);
    const half = ELSEWHERE.dummy.length / 2;
    const crumbs = [`a=${ELSEWHERE.dummy.slice(0, half)}`, `b=${ELSEWHERE.dummy}`];
    expect(await request(session, { ':path': '/', cookie: crumbs })).toMatchObject({ status: 403 });
    expect(seen).toEqual([]);
  });

  it('cuts what a new policy refuses, and nothing else', async () => {
    const session = await open(kind);
    const events: string[] = [];
    if (kind === 'HTTP/1.1')
      fixture.origin.onRequest = ({ socket }) =>
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
    else
      origin!.onStream = (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('one');
      };
    const streams = ['/stays', '/goes'].map((where) => {
      const stream = session.request({ ':path': where });
      stream.on('error', () => undefined);
      stream.on('close', () => events.push(where));
      return stream;
    });
    await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('data', resolve))));
    fixture.setPolicy(POLICY.replace('/gists/**', '/goes'));
    fixture.engine.reconsider();
    await new Promise((resolve) => streams[1]!.once('close', resolve));
    expect(await request(session, { ':path': '/goes' })).toMatchObject({ status: 403 });
    expect(events).toEqual(['/goes']);
    streams[0]!.close();
    const flows = await settled(3);
    expect(flows.find(({ path: where }) => where === '/goes')).toMatchObject({
      outcome: 'blocked',
      error: { code: 'policy-changed' },
    });
  });
});

describe.skipIf(!works('curl', '--version'))('curl --http2', () => {
  const hasHttp2 = works('sh', '-c', 'curl --version | grep -q HTTP2');
  async function curl(...args: string[]): Promise<string> {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-curl-'));
    try {
      const ca = path.join(directory, 'ca.pem');
      writeFileSync(ca, fixture.proxyCa.cert);
      const upload = path.join(directory, 'upload');
      writeFileSync(upload, Buffer.alloc(5 * 1024 * 1024, 'upload '));
      const proxy = `http://claude:${TOKEN}@127.0.0.1:${fixture.proxyPort}`;
      const all = [
        '-sS',
        '--http2',
        '--cacert',
        ca,
        '--proxy',
        proxy,
        '--noproxy',
        '',
        '-w',
        '\n%{http_version} %{http_code}',
      ];
      return await new Promise((resolve, reject) =>
        execFile('curl', [...all, ...args.map((arg) => (arg === '@UPLOAD' ? `@${upload}` : arg))], (error, out, err) =>
          error ? reject(new Error(err)) : resolve(out),
        ),
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  it.skipIf(!hasHttp2).each(['HTTP/1.1', 'HTTP/2'] as const)(
    'gets, with the key injected, from an origin of %s',
    async (kind) => {
      await open(kind);
      const out = await curl('-H', `x-api-key: ${DUMMY}`, `https://${fixture.authority}/v1`);
      expect(out).toMatch(new RegExp(`^you sent ${DUMMY} and .*\\n2 200$`));
      expect(seen[0]!.fields).toContain(REAL);
    },
  );

  it.skipIf(!hasHttp2)('posts 5 MiB', async () => {
    await open('HTTP/2');
    const out = await curl('--data-binary', '@UPLOAD', `https://${fixture.authority}/upload`);
    expect(out).toMatch(/and 5242880 bytes\.\n2 200$/);
    const [flow] = await settled(1);
    expect(flow).toMatchObject({ method: 'POST', requestBytes: 5 * 1024 * 1024, outcome: 'allowed' });
  });

  it.skipIf(!hasHttp2)('gets a 403 in JSON for a blocked endpoint, with a body of 5 MiB on its way', async () => {
    await open('HTTP/2');
    const out = await curl('--data-binary', '@UPLOAD', `https://${fixture.authority}/gists/new`);
    expect(out).toMatch(/\n2 403$/);
    expect(JSON.parse(out.slice(0, out.lastIndexOf('\n')))).toMatchObject({ error: { type: 'sandbox_agent_blocked' } });
    expect(seen).toEqual([]);
  });
});

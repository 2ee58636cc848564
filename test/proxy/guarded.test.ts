// Policy, injection, redaction and recording on the wire. The main scenario runs through both engines.
import type net from 'node:net';
import zlib from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { DUMMY, ELSEWHERE, GuardedFixture, REAL, SECRET } from '../support/guarded';
import { connectRaw } from '../support/rawClient';
import { AUTH } from '../support/wire';

const POLICY = `version: 1
mode: enforce
rules:
  - type: block
    description: No gists
    condition: { match: { host: localhost, port: PORT, path: "/gists/**" } }
  - type: allow
    addresses: any
    condition: { match: { host: [localhost, "127.0.0.1"], port: any } }
`;

let fixture: GuardedFixture;
afterEach(() => fixture.close());
const open = async (kind: 'wire' | 'http-mitm-proxy' = 'wire', policy = POLICY) =>
  (fixture = await GuardedFixture.open(kind, policy));

describe.each(['wire', 'http-mitm-proxy'] as const)('the main scenario, engine %s', (kind) => {
  it('injects the key and blocks one endpoint', async () => {
    await open(kind);
    expect(await fixture.send('GET /v1/messages', `x-api-key: ${DUMMY}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(fixture.origin.heads[0]).toContain(REAL);
    expect(fixture.origin.heads[0]).not.toContain(DUMMY);
    const refused = await fixture.send('POST /gists/new', `Authorization: Bearer ${DUMMY}\r\n`, 'hello');
    expect(refused).toMatch(/^HTTP\/1\.1 403 /);
    expect(refused).toMatch(/x-sandbox-agent: blocked; rule=1/);
    expect(JSON.parse(refused.slice(refused.indexOf('{'), refused.lastIndexOf('}') + 1))).toMatchObject({
      error: { type: 'sandbox_agent_blocked' },
    });
    expect(fixture.origin.heads).toHaveLength(1);
    const flows = await fixture.until((all) => all.length === 2 && all.every(({ outcome }) => outcome !== 'open'));
    expect(flows.map(({ outcome, injected }) => [outcome, injected])).toEqual([
      ['allowed', ['API_KEY']],
      ['blocked', []],
    ]);
  });
});

describe('what the policy refuses anyway', () => {
  it('is recorded as an alarm where it carries a stand-in of another host or a real value; the answer is the policy’s', async () => {
    fixture = await GuardedFixture.open('wire', POLICY, [SECRET, ELSEWHERE]);
    const answers = [
      await fixture.send('GET /gists/1', `Authorization: Bearer ${ELSEWHERE.dummy}\r\n`),
      await fixture.send(`GET /gists/2?x=${btoa(REAL)}`, `x-api-key: ${DUMMY}\r\n`),
      await fixture.send('GET /gists/3', `x-api-key: ${DUMMY}\r\n`),
    ];
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*x-sandbox-agent: blocked; rule=1/);
      expect(answer).toContain('No gists');
      expect(answer).not.toContain(REAL);
    }
    expect(fixture.origin.heads).toEqual([]);
    const flows = await fixture.until((all) => all.length === 3 && all.every(({ outcome }) => outcome === 'blocked'));
    expect(flows.map(({ findings }) => findings)).toEqual([
      [{ kind: 'dummy-unbound', secret: 'OTHER_KEY', place: 'header:authorization', action: 'blocked' }],
      [{ kind: 'real-value', secret: 'API_KEY', place: 'query:x', action: 'blocked', form: 'base64' }],
      [],
    ]);
    expect(flows.flatMap(({ injected }) => injected)).toEqual([]);
  });
});

describe('injection', () => {
  it.each([
    ['header, bare', '/', `x-api-key: ${DUMMY}`, `x-api-key: ${REAL}`],
    ['Bearer', '/', `Authorization: Bearer ${DUMMY}`, `Authorization: Bearer ${REAL}`],
    [
      'Basic password',
      '/',
      `Authorization: Basic ${btoa(`user:${DUMMY}`)}`,
      `Authorization: Basic ${btoa(`user:${REAL}`)}`,
    ],
    ['Basic user', '/', `Authorization: Basic ${btoa(`${DUMMY}:`)}`, `Authorization: Basic ${btoa(`${REAL}:`)}`],
    ['query', `/x?a=1&key=${DUMMY}&b=2`, 'X: 1', `GET /x?a=1&key=${REAL}&b=2 HTTP/1.1`],
  ])('puts the value into %s', async (_, path, field, expected) => {
    await open();
    await fixture.send(`GET ${path}`, `${field}\r\n`);
    expect(fixture.origin.heads[0]).toContain(expected);
  });

  it.each([
    ['Cookie', '/', `Cookie: key=${DUMMY}`],
    ['Referer', '/', `Referer: https://x/?key=${DUMMY}`],
    ['another field', '/', `X-Note: ${DUMMY}`],
    ['the path', `/${DUMMY}`, 'X: 1'],
    ['another parameter', `/?note=${DUMMY}`, 'X: 1'],
  ])('leaves the dummy in %s on its own host', async (_, path, field) => {
    await open();
    await fixture.send(`GET ${path}`, `${field}\r\n`);
    expect(fixture.origin.heads[0]).toContain(DUMMY);
    expect(fixture.origin.heads[0]).not.toContain(REAL);
    const [flow] = await fixture.until((all) => all.length === 1);
    expect(flow!.findings).toMatchObject([{ kind: 'dummy-elsewhere', action: 'marked' }]);
  });

  it.each([
    ['a header', '/', `x-api-key: ${DUMMY}`, ''],
    ['Basic', '/', `Authorization: Basic ${btoa(`x:${DUMMY}`)}`, ''],
    ['the query', `/?x=${DUMMY}`, 'X: 1', ''],
    ['the query, percent-encoded', `/?x=${Buffer.from(DUMMY).toString('hex').replace(/../g, '%$&')}`, 'X: 1', ''],
    ['the body', '/', 'X: 1', `{"stolen":"${DUMMY}"}`],
  ])('blocks the dummy in %s to a host that the secret is not bound to, and shows it', async (_, path, field, body) => {
    fixture = await GuardedFixture.open('wire', POLICY, [{ ...SECRET, hosts: ['api.anthropic.com'] }]);
    const answer = await fixture.send(`POST ${path}`, `${field}\r\n`, body);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('API_KEY');
    expect(answer).not.toContain(DUMMY);
    expect(fixture.origin.heads).toHaveLength(0);
    const [flow] = await fixture.until((all) => all.length === 1 && all[0]!.outcome === 'blocked');
    expect(flow!.findings).toMatchObject([{ kind: 'dummy-unbound', action: 'blocked', secret: 'API_KEY' }]);
  });

  it('sees a dummy that is cut over two writes of a body', async () => {
    fixture = await GuardedFixture.open('wire', POLICY, [{ ...SECRET, hosts: ['api.anthropic.com'] }]);
    fixture.origin.onRequest = () => undefined;
    const client = await fixture.connect();
    client.write(
      `POST / HTTP/1.1\r\nHost: ${fixture.authority}\r\nContent-Length: ${DUMMY.length + 2}\r\n\r\n"${DUMMY.slice(0, 10)}`,
    );
    await fixture.origin.until(() => fixture.origin.heads.length === 1);
    client.write(`${DUMMY.slice(10)}"`);
    expect(await client.response(10)).toMatch(/^HTTP\/1\.1 403 /);
    expect(fixture.origin.connections[0]!.received).not.toContain(DUMMY.slice(10));
  });

  const unbound = { ...SECRET, hosts: ['elsewhere.example'] };

  it('sees a dummy in a trailer, and in a body that names a coding it does not have', async () => {
    fixture = await GuardedFixture.open('wire', POLICY, [unbound]);
    const chunked = `Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nhi\r\n0\r\nX-T: ${DUMMY}\r\n`;
    expect(await fixture.send('POST /', chunked)).toMatch(/^HTTP\/1\.1 403 /);
    for (const coding of ['identity', 'gzip', 'br'])
      expect(await fixture.send('POST /', `Content-Encoding: ${coding}\r\n`, DUMMY)).toMatch(/^HTTP\/1\.1 403 /);
    expect(fixture.origin.connections.map(({ received }) => received).join()).not.toContain(DUMMY);
  });

  it('cuts an answer that is under way when the rest of the request holds a dummy', async () => {
    fixture = await GuardedFixture.open('wire', POLICY, [unbound]);
    fixture.origin.onRequest = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    const client = await fixture.connect();
    client.write(`POST / HTTP/1.1\r\nHost: ${fixture.authority}\r\nContent-Length: 100\r\n\r\n`);
    await client.until((text) => text.includes('hello'));
    client.write(DUMMY);
    expect(await client.end()).toMatch(/\r\n\r\n5\r\nhello\r\n$/);
    const flows = await fixture.until((all) => all.some(({ outcome }) => outcome === 'blocked'));
    expect(flows[0]!.findings).toMatchObject([{ kind: 'dummy-unbound', action: 'blocked' }]);
  });

  it('never puts a value into cleartext towards a host that is not this machine', async () => {
    fixture = await GuardedFixture.open(
      'wire',
      'version: 1\nrules:\n  - type: allow\n    condition: { match: { host: api.example.com, port: 80 } }\n',
      [{ ...SECRET, hosts: ['api.example.com'] }],
    );
    const client = await connectRaw(fixture.proxyPort);
    const answer = await client
      .write(
        `GET http://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\nProxy-Authorization: ${AUTH}\r\nx-api-key: ${DUMMY}\r\n\r\n`,
      )
      .response(20);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toMatch(/encrypt/);
    client.socket.destroy();
  });

  it('obeys the bindings of the policy before the provider table', async () => {
    fixture = await GuardedFixture.open(
      'wire',
      `${POLICY}secrets:\n  API_KEY: { hosts: [api.example.com], in: ["header:x-api-key"] }\n`,
    );
    expect(await fixture.send('GET /', `x-api-key: ${DUMMY}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('redaction', () => {
  it('takes the value out of response headers, bodies and trailers, however they are cut', async () => {
    await open();
    fixture.origin.onRequest = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nX-Echo: ${REAL}\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const text = `before ${REAL} after`;
      const chunk = (part: string) => `${part.length.toString(16)}\r\n${part}\r\n`;
      socket.write(chunk(text.slice(0, 12)));
      setImmediate(() => socket.end(`${chunk(text.slice(12))}0\r\nX-Trailer: ${REAL}\r\n\r\n`));
    };
    const answer = await fixture.send('GET /echo');
    expect(answer).not.toContain(REAL);
    expect(answer).toContain(`X-Echo: ${DUMMY}`);
    expect(answer.split(DUMMY)).toHaveLength(4);
    expect(answer.replace(/\r\n[0-9a-f]+\r\n/g, '')).toContain(`before ${DUMMY} after`);
    const [flow] = await fixture.until((all) => all.length === 1 && all[0]!.outcome === 'allowed');
    expect(flow!.findings.map(({ kind, place }) => [kind, place])).toContainEqual(['echo-redacted', 'response body']);
  });

  it('keeps Content-Length true', async () => {
    await open();
    fixture.origin.onRequest = ({ socket }) =>
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${REAL.length}\r\n\r\n${REAL}`);
    expect(await fixture.send('GET /')).toMatch(
      new RegExp(`Content-Length: ${REAL.length}\\r\\n[^]*\\r\\n\\r\\n${DUMMY}$`),
    );
  });

  it('takes the value out of interim responses, field names, and bodies in a coding that nobody knows', async () => {
    await open();
    fixture.origin.onRequest = ({ socket }) =>
      socket.end(
        `HTTP/1.1 103 Early ${REAL}\r\nLink: </${REAL}>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nX-${REAL}: 1\r\nContent-Encoding: aws-chunked\r\nContent-Length: ${REAL.length}\r\n\r\n${REAL}`,
      );
    const answer = await fixture.send('GET /');
    expect(answer).not.toContain(REAL);
    expect(answer.split(DUMMY)).toHaveLength(5);
  });

  it('is not fooled by the label of a coding: body and trailers', async () => {
    await open();
    fixture.origin.onRequest = ({ socket }) =>
      socket.end(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${REAL.length.toString(16)}\r\n${REAL}\r\n0\r\nX-T: ${REAL}\r\n\r\n`,
      );
    const answer = await fixture.send('GET /');
    expect(answer).not.toContain(REAL);
    expect(answer.split(DUMMY)).toHaveLength(3);
  });

  it('looks for secrets that come while an answer is under way', async () => {
    fixture = await GuardedFixture.open('wire', POLICY, []);
    let stream: net.Socket | undefined;
    fixture.origin.onRequest = ({ socket }) => {
      stream = socket;
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
    };
    const client = await fixture.connect();
    client.write(`GET / HTTP/1.1\r\nHost: ${fixture.authority}\r\n\r\n`);
    await client.until((text) => text.includes('first'));
    fixture.guard.setSecrets([SECRET]);
    stream!.write(`${REAL.length.toString(16)}\r\n${REAL}\r\n0\r\n\r\n`);
    const answer = await client.until((text) => text.endsWith('0\r\n\r\n'));
    expect(answer).not.toContain(REAL);
    expect(answer).toContain(DUMMY);
  });

  it('leaves a compressed body that nobody asked for as it is', async () => {
    await open();
    const body = zlib.gzipSync('compressed');
    fixture.origin.onRequest = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.end(body);
    };
    const answer = await fixture.send('GET /');
    expect(zlib.gunzipSync(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1')).toString()).toBe(
      'compressed',
    );
  });
});

describe('recording', () => {
  it('holds no real value, whatever the client and the origin do', async () => {
    await open();
    fixture.origin.onRequest = ({ socket }) =>
      socket.end(`HTTP/1.1 200 ${REAL}\r\nX-Echo: ${REAL}\r\nSet-Cookie: s=${REAL}\r\nContent-Length: 0\r\n\r\n`);
    // A client that got hold of the real value puts it everywhere.
    await fixture.send(
      `GET /${REAL}?key=${REAL}&b=${btoa(REAL)}`,
      `x-api-key: ${REAL}\r\nAuthorization: Basic ${btoa(`user:${REAL}`)}\r\nX-Other: ${encodeURIComponent(REAL)}\r\nCookie: ${REAL}\r\n`,
    );
    await fixture.send('GET /', `x-api-key: ${DUMMY}\r\nAuthorization: Bearer some-other-credential-of-the-user\r\n`);
    const flows = await fixture.until((all) => all.length === 2 && all.every(({ outcome }) => outcome !== 'open'));
    const text = JSON.stringify(flows);
    expect(text).not.toContain(REAL);
    expect(text).not.toContain(btoa(REAL).replace(/=+$/, ''));
    expect(text).not.toContain('some-other-credential');
    expect(text).toContain(DUMMY);
  });

  it('holds no real value in a host, a method or a field name, in lower case either', async () => {
    await open('wire', 'version: 1\nmode: enforce\nrules: []\n');
    const lower = REAL.toLowerCase();
    const client = await fixture.connect(`${lower}.example:443`);
    await client
      .write(`GET / HTTP/1.1\r\nHost: ${lower}.example\r\n${REAL}: a\r\n${lower}: b\r\nConnection: close\r\n\r\n`)
      .end();
    await fixture.send(`${REAL} /`);
    const flows = await fixture.until((all) => all.length === 2 && all.every(({ outcome }) => outcome !== 'open'));
    expect(JSON.stringify(flows).toLowerCase()).not.toContain(lower);
    expect(flows[0]!.host).toBe(`${DUMMY.toLowerCase()}.example`);
  });

  it('shows what the policy let through only because of the mode', async () => {
    await open(
      'wire',
      'version: 1\nmode: monitor\nrules:\n  - type: allow\n    addresses: any\n    condition: { match: { host: localhost, port: PORT, path: /known } }\n',
    );
    expect(await fixture.send('GET /unknown')).toMatch(/^HTTP\/1\.1 403 /); // no rule permits a loopback address
    expect(await fixture.send('GET /known')).toMatch(/^HTTP\/1\.1 200 /);
    const flows = await fixture.until((all) => all.length === 2 && all.every(({ outcome }) => outcome !== 'open'));
    expect(flows[0]!.decision).toMatchObject({ action: 'block', effective: 'allow' });
    expect(flows[0]).toMatchObject({ outcome: 'blocked', error: { code: 'private-address' } });
  });
});

describe('policy changes', () => {
  it('count for the next request, also on an open connection, and cut what they refuse', async () => {
    await open();
    const client = await fixture.connect();
    const request = `GET /x HTTP/1.1\r\nHost: ${fixture.authority}\r\n\r\n`;
    expect(await client.write(request).response()).toMatch(/ 200 /);
    fixture.setPolicy(
      'version: 1\nmode: monitor\nrules:\n  - type: block\n    condition: { match: { host: localhost, port: any } }\n',
    );
    fixture.engine.reconsider();
    expect(await client.write(request).response(20)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('cut what was opened under wider terms: addresses, and WebSockets that are refused now', async () => {
    const rule = (more: string) =>
      `version: 1\nmode: enforce\nrules:\n  - { type: allow, ${more} condition: { match: { host: localhost, port: PORT } } }\n`;
    for (const narrower of ['addresses: any, websocket: refuse,', '']) {
      await open('wire', rule('addresses: any,'));
      fixture.origin.onRequest = ({ socket }) =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      const client = await fixture.connect();
      client.write(
        `GET / HTTP/1.1\r\nHost: ${fixture.authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
      await client.until((text) => text.includes(' 101 '));
      fixture.setPolicy(rule('addresses: any,'));
      fixture.engine.reconsider();
      await new Promise((resolve) => setImmediate(resolve));
      expect(client.closed).toBe(false);
      fixture.setPolicy(rule(narrower));
      fixture.engine.reconsider();
      await client.end();
      expect(client.closed).toBe(true);
      if (narrower !== '') await fixture.close();
    }
  });

  it('block everything when a text does not parse', async () => {
    await open();
    expect(fixture.setPolicy('rules: [')).toBe(false);
    expect(await fixture.send('GET /')).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('path disguises', () => {
  it.each([
    '/gists/1',
    '/%67ists/1',
    '//gists/1',
    '/./gists/1',
    '/x/../gists/1',
    '/x/%2e%2e/gists/1',
    '/gists%2f1',
    '/gists;a=b/1',
    '/x\\..\\gists\\1',
    '/%2567ists/1',
    '/GISTS/../gists/1',
  ])('%s is blocked', async (path) => {
    await open();
    expect(await fixture.send(`GET ${path}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(fixture.origin.heads).toHaveLength(0);
  });

  it('forwards the bytes of an npm scope as they are', async () => {
    await open();
    await fixture.send('GET /@scope%2fname');
    expect(fixture.origin.heads[0]).toMatch(/^GET \/@scope%2fname HTTP/);
  });
});

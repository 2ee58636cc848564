// The leak test: a real value in every form, at every place of a request, by curl through the proxy as a process of its own,
// under each of the three actions; then requests that hold nothing, none of which may be stopped. `npm run leaktest` writes what
// came out to docs/leaktest.md.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Flow } from '../../src/core/flows/flow';
import type { BoundSecret } from '../../src/core/secrets/types';
import { testLeaf } from '../support/pki';
import { ProxyProcess } from '../support/proxyProcess';
import { TOKEN } from '../support/wire';
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

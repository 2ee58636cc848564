// With the real forked proxy: new tokens of a server are in the vault before their dummies reach the client, survive a restart,
// and a credential that the user trusts passes from the next request on.
import http from 'node:http';
import type net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Flow } from '../../src/core/flows/flow';
import type { FolderSession } from '../../src/host/folderSession';
import { sendThrough } from '../support/sendThrough';
import { sessionOf } from '../support/sessions';
import { ANTHROPIC, TestWorkspace } from '../support/workspace';

const ACCESS = ['at', 'Acc35sT0k3nAcc35sT0k3nAcc35sT0k3n'].join('-');
const OWN = ['somebodys', 'own', 'key', '0123456789'].join('-');

let workspace: TestWorkspace;
let origin: http.Server;
const sessions: FolderSession[] = [];
const seen: { url: string; authorization: string; body: string }[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    await session.stop();
    session.dispose();
  }
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
  workspace.remove();
});

async function open(): Promise<FolderSession> {
  const session = sessionOf(workspace);
  sessions.push(session);
  await session.open();
  return session;
}

const send = (session: FolderSession, target: string, headers: http.OutgoingHttpHeaders, body = '') =>
  sendThrough(session, (origin.address() as net.AddressInfo).port, target, headers, body);

it('tokens are kept, and what is trusted passes', async () => {
  seen.length = 0;
  workspace = new TestWorkspace({ '.env': `ANTHROPIC_API_KEY=${ANTHROPIC}\n` });
  origin = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      seen.push({ url: request.url!, authorization: String(request.headers.authorization), body });
      response.setHeader('content-type', 'application/json');
      response.end(request.url === '/oauth/token' ? JSON.stringify({ access_token: ACCESS }) : '{}');
    });
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const session = await open();
  const scan = await session.scan();
  await session.protect(scan.values.map(({ id }) => id));
  await session.policy.write(`version: 1
rules:
  - { type: allow, addresses: any, condition: { match: { host: "127.0.0.1", port: any } } }
secrets:
  ANTHROPIC_API_KEY: { hosts: ["127.0.0.1"], in: ["body:refresh_token", "header:authorization"] }
  ANTHROPIC_API_KEY access token: { hosts: ["127.0.0.1"], in: ["header:authorization"] }
`);
  const flows: Flow[] = [];
  session.onDidSeeFlows((batch) => flows.push(...batch));
  await session.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
  const dummy = /=(.*)/.exec(workspace.read('.env'))![1]!;
  const json = { 'content-type': 'application/json' };
  const [, text] = await send(session, '/oauth/token', json, JSON.stringify({ refresh_token: dummy }));
  expect(seen[0]!.body).toContain(ANTHROPIC);
  expect(text).not.toContain(ACCESS);
  const access = (JSON.parse(text) as { access_token: string }).access_token;
  expect((await session.secrets()).map(({ name }) => name)).toEqual([
    'ANTHROPIC_API_KEY',
    'ANTHROPIC_API_KEY access token',
  ]);

  // Another process on the same folder, after a restart: it knows the token.
  await session.stop();
  session.dispose();
  const again = await open();
  again.onDidSeeFlows((batch) => flows.push(...batch));
  await again.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
  expect((await send(again, '/me', { authorization: `Bearer ${access}` }))[0]).toBe(200);
  expect(seen.at(-1)!.authorization).toBe(`Bearer ${ACCESS}`);

  expect((await send(again, '/me', { authorization: `Bearer ${OWN}` }))[0]).toBe(403);
  const foreign = () => flows.flatMap(({ findings }) => findings).find(({ kind }) => kind === 'foreign-credential');
  while (!foreign()) await new Promise<void>((resolve) => again.onDidSeeFlows(() => resolve()));
  await again.trust('127.0.0.1', foreign()!.credential!);
  // The message to the proxy is on its way before any later request.
  expect((await send(again, '/me', { authorization: `Bearer ${OWN}` }))[0]).toBe(200);
  await again.distrust((await again.trusted())[0]!.hash);
  expect((await send(again, '/me', { authorization: `Bearer ${OWN}` }))[0]).toBe(403);
  expect(JSON.stringify(flows)).not.toContain(ACCESS);
  expect(JSON.stringify(flows)).not.toContain(OWN);
});

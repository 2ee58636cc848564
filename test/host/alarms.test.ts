// What the command line does about alarms, with the real proxy and the built dist/cli.js: trust counts at once in a session that
// runs elsewhere, a binding is in the policy, `run` says at its end what was blocked, and nothing is widened without a person.
import { execFile } from 'node:child_process';
import http from 'node:http';
import type net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Flow } from '../../src/core/flows/flow';
import type { FolderSession } from '../../src/host/folderSession';
import { sendThrough } from '../support/sendThrough';
import { sessionOf } from '../support/sessions';
import { ANTHROPIC, TestWorkspace } from '../support/workspace';

const dist = path.join(import.meta.dirname, '../../dist');
const OWN = ['somebodys', 'own', 'key', '0123456789'].join('-');
const POLICY = `version: 1
rules:
  - { type: allow, addresses: any, condition: { match: { host: "127.0.0.1", port: any } } }
`;

let workspace: TestWorkspace;
let origin: http.Server;
let session: FolderSession;
const flows: Flow[] = [];
beforeEach(async () => {
  flows.length = 0;
  workspace = new TestWorkspace({ '.env': `ANTHROPIC_API_KEY=${ANTHROPIC}\n` });
  origin = http.createServer((_, response) => response.end('{}'));
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  session = await open();
  await session.protect((await session.scan()).values.map(({ id }) => id));
});
afterEach(async () => {
  await session.stop();
  session.dispose();
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
  workspace.remove();
});

async function open(): Promise<FolderSession> {
  const opened = sessionOf(workspace);
  opened.onDidSeeFlows((batch) => flows.push(...batch));
  await opened.open();
  return opened;
}

const port = () => (origin.address() as net.AddressInfo).port;
const send = async (target: string, key: string) =>
  (await sendThrough(session, port(), target, { authorization: `Bearer ${key}` }))[0];

interface Ended {
  readonly code: number;
  readonly text: string;
}

/** `yes`: on a terminal, where somebody types it. */
function cli(args: readonly string[], yes = false): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: workspace.base, XDG_STATE_HOME: workspace.xdg };
  const command = [process.execPath, path.join(dist, 'cli.js'), ...args];
  const [file, ...rest] = yes ? ['script', '-qec', command.map((part) => `'${part}'`).join(' '), '/dev/null'] : command;
  return new Promise((resolve) => {
    const child = execFile(file!, rest, { cwd: workspace.folder, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    );
    child.stdin!.end(yes ? 'y\n' : '');
  });
}

/** The session heard of what another program wrote. */
const heard = () =>
  new Promise<void>((resolve) => {
    const subscription = session.onDidLog((text) => {
      if (!text.includes('trusted credentials was changed')) return;
      subscription.dispose();
      resolve();
    });
  });

async function start(secrets: string): Promise<void> {
  expect((await session.policy.write(`${POLICY}${secrets}`)).filter(({ severity }) => severity === 'error')).toEqual(
    [],
  );
  await session.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
}

async function finding(kind: string): Promise<Flow['findings'][number]> {
  const found = () => flows.flatMap(({ findings }) => findings).find((one) => one.kind === kind);
  while (!found()) await new Promise<void>((resolve) => session.onDidSeeFlows(() => resolve()));
  return found()!;
}

const BOUND = 'secrets:\n  ANTHROPIC_API_KEY: { hosts: ["127.0.0.1"], in: "header:authorization" }\n';

it.skipIf(process.platform !== 'linux')(
  'trust on the command line counts at once in a session that runs elsewhere, and its end too',
  async () => {
    await start(BOUND);
    expect(await send('/a', OWN)).toBe(403);
    const hash = (await finding('foreign-credential')).credential!;
    const alone = await cli(['trust', '--host', '127.0.0.1', hash]);
    expect([alone.code, alone.text]).toEqual([1, expect.stringContaining('takes a yes of a person')]);
    expect(await session.trusted()).toEqual([]);
    let told = heard();
    const trusted = await cli(['trust', '--host', '127.0.0.1', hash], true);
    expect(trusted.text).toContain('Trusted on 127.0.0.1, and nowhere else.');
    await told;
    expect(await send('/b', OWN)).toBe(200);
    expect(await send('/c', `${OWN}x`)).toBe(403);
    const list = await cli(['trust', '--list']);
    expect(list.text).toMatch(new RegExp(`^${hash}  127\\.0\\.0\\.1  since \\d{4}-\\d\\d-\\d\\d\\n$`));
    told = heard();
    expect((await cli(['trust', '--remove', hash])).code).toBe(0);
    await told;
    expect(await send('/d', OWN)).toBe(403);
    expect((await cli(['trust', '--remove', hash])).code).toBe(1);
    expect((await cli(['trust', '--list'])).text).toContain('No credential is trusted');
  },
);

it('trust takes a host and a hash, and one thing at a time', async () => {
  for (const args of [
    ['trust'],
    ['trust', '--host', '127.0.0.1'],
    ['trust', '--host', 'a b', 'ff'],
    ['trust', '--list', '--host', 'a.example', 'ff'],
    ['trust', '--list', '.', '.'],
    ['bind', 'A'],
    ['bind', 'A', '--host', 'a.example', '--in', 'body'],
    ['bind', 'A', '--host', 'a.example', '--in', 'header:cookie'],
  ])
    expect((await cli(args)).code, args.join(' ')).toBe(2);
});

it.skipIf(process.platform !== 'linux')(
  'bind writes the policy, and the next session puts the value in; a running one asks first',
  async () => {
    await start('# mine\nsecrets:\n  ANTHROPIC_API_KEY: { hosts: [] } # nowhere yet\n');
    const dummy = workspace.read('.env').trim().split('=')[1]!;
    expect(await send('/a', dummy)).toBe(403);
    const args = ['bind', 'ANTHROPIC_API_KEY', '--host', '127.0.0.1', '--in', 'header:authorization'];
    expect((await cli(args)).code).toBe(1);
    expect(workspace.read('.sandbox-agent/policy.yaml')).toContain('hosts: []');
    expect((await cli(args, true)).text).toContain('ANTHROPIC_API_KEY is bound to 127.0.0.1');
    expect(workspace.read('.sandbox-agent/policy.yaml')).toBe(
      `${POLICY}# mine\nsecrets:\n  ANTHROPIC_API_KEY: { hosts: ["127.0.0.1"], in: ["header:authorization"] } # nowhere yet\n`,
    );
    await session.policy.refresh();
    expect(session.policy.state.pending?.valid).toBe(true);
    expect(await send('/b', dummy)).toBe(403);
    await session.stop();
    session.dispose();
    session = await open();
    await session.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
    expect(await send('/c', dummy)).toBe(200);
    expect((await cli(['bind', 'NOBODY', '--host', '127.0.0.1', '--in', 'basic'], true)).text).toContain(
      'No secret NOBODY',
    );
  },
);

it('run says at its end what was blocked, with the hash that trusts it', async () => {
  await session.policy.write(`${POLICY}${BOUND}`);
  const ask = `curl -s -o /dev/null --noproxy '' -H 'authorization: Bearer ${OWN}' http://127.0.0.1:${port()}/x; exit 5`;
  const { code, text } = await cli(['run', '--', 'sh', '-c', ask]);
  expect(code).toBe(5);
  expect(text).toMatch(
    /alarm: claude, 127\.0\.0\.1: not ANTHROPIC_API_KEY, in the header authorization: another credential/,
  );
  expect(text).toMatch(/sandbox-agent trust --host 127\.0\.0\.1 [0-9a-f]{64}\n/);
  expect(text).not.toContain(OWN);
});

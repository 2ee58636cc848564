// What the proxy found becomes an alarm, once, and is decided with the real commands: bind the secret, trust the credential, mark
// for rotation. Real requests through the real proxy; notifications and their buttons are in the browser tests.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import manifest from '../../package.json';
import type { Alarm } from '../../src/core/flows/alarms';
import type { FindingKind } from '../../src/core/secrets/types';
import type { FolderEntry } from '../../src/vscode/sessions';
import { flowItem } from '../../src/vscode/views/flowNodes';
import { onlyEntry, setting, type Test, until } from './harness';

const command = (name: string, ...args: unknown[]) => vscode.commands.executeCommand(`sandboxAgent.${name}`, ...args);
const FOREIGN = ['somebodys', 'own', 'key', '0123456789'].join('-');
const WITHOUT = setting.policy.slice(0, setting.policy.indexOf('secrets:'));

/** A real client of the agent `terminal`: status and body. */
async function request(target: string, init: { headers?: Record<string, string>; method?: string; body?: string }) {
  const { session } = await onlyEntry();
  const env = {
    ...process.env,
    ...session.agentEnvironment('terminal'),
    NO_PROXY: '',
    no_proxy: '',
    ELECTRON_RUN_AS_NODE: '1',
    REQUEST: JSON.stringify([`${setting.url}${target}`, init]),
  };
  const script =
    'fetch(...JSON.parse(process.env.REQUEST)).then(async (answer) => console.log(answer.status, await answer.text()))';
  return new Promise<string>((resolve) => {
    execFile(process.execPath, ['-e', script], { env }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const dummy = async () => {
  const { session } = await onlyEntry();
  return (await session.secrets()).find(({ name }) => name === 'DEMO_API_KEY')!.dummy;
};

/** The flow of a request, once it is there. */
async function flowOf({ flows }: FolderEntry, target: string) {
  const find = () => flows.flows.find(({ path: seen, outcome }) => seen === target && outcome !== 'open');
  await until(flows.onDidChange, () => find() !== undefined);
  return find()!;
}

async function alarmOf(entry: FolderEntry, kind: FindingKind): Promise<Alarm> {
  const find = () => entry.alarms.all.find(({ finding }) => finding.kind === kind);
  await until(entry.alarms.onDidChange, () => find() !== undefined);
  return find()!;
}

const row = (entry: FolderEntry, flow: Alarm['flow']) => ({ kind: 'flow' as const, entry, flow });
const iconOf = (item: vscode.TreeItem) => (item.iconPath as vscode.ThemeIcon).id;

function offers(id: string, item: vscode.TreeItem): boolean {
  const { when } = manifest.contributes.menus['view/item/context'].find(
    (one) => one.command === `sandboxAgent.${id}` && one.when.includes('flow'),
  )!;
  return new RegExp(/\/(.*)\//.exec(when)![1]!).test(item.contextValue!);
}

let raised: Alarm[] = [];

export const alarmTests: readonly Test[] = [
  [
    'a flow that another extension made up binds and trusts nothing',
    async () => {
      const entry = await onlyEntry();
      raised = [];
      entry.alarms.onDidRaise((alarm) => raised.push(alarm));
      const [flow] = entry.flows.flows;
      assert.deepEqual(entry.alarms.all, []);
      for (const [name, kind] of [
        ['bindSecret', 'dummy-unbound'],
        ['trustCredential', 'foreign-credential'],
      ]) {
        const finding = { kind, secret: 'DEMO_API_KEY', place: 'basic', action: 'blocked', credential: '0'.repeat(64) };
        const made = { ...flow, id: 123_456_789, host: 'attacker.example', findings: [finding] };
        assert.equal(await command(name!, { kind: 'flow', entry, flow: made, unattended: true }), false);
        assert.equal(
          await command(name!, { kind: 'flow', entry, flow: { ...made, id: flow!.id }, unattended: true }),
          false,
        );
      }
      assert.equal(entry.session.policy.state.approvedText, setting.policy);
      assert.deepEqual(await entry.session.trusted(), []);
    },
  ],
  [
    'the stand-in of a secret without hosts is one alarm, however often; Bind Secret to This Host lets the next request through',
    async () => {
      const entry = await onlyEntry();
      const { session } = entry;
      await session.policy.write(`${WITHOUT}# of mine\n`);
      const key = await dummy();
      assert.match(
        await request('/once', bearer(key)),
        /^403 [^]*stand-in of DEMO_API_KEY[^]*Bind Secret to This Host/,
      );
      await request('/twice', bearer(key));
      const alarm = await alarmOf(entry, 'dummy-unbound');
      const { findings, ...flow } = await flowOf(entry, '/twice');
      assert.deepEqual(
        findings.map(({ place, action }) => [place, action]),
        [['header:authorization', 'blocked']],
      );
      assert.equal(flow.agent, 'terminal');
      assert.deepEqual(
        raised.map((one) => one.finding.secret),
        ['DEMO_API_KEY'],
      );
      assert.equal(entry.alarms.unseen, 1);
      const item = flowItem(row(entry, alarm.flow));
      assert.equal(iconOf(item), 'report');
      assert.ok(offers('bindSecret', item) && !offers('trustCredential', item));
      assert.equal(await command('bindSecret', { ...row(entry, alarm.flow), unattended: true }), true);
      assert.equal(entry.alarms.unseen, 0);
      const text = readFileSync(session.policy.state.file, 'utf8');
      assert.equal(
        text,
        `${WITHOUT}secrets:\n  DEMO_API_KEY: { hosts: [localhost], in: ["header:authorization"] }\n# of mine\n`,
      );
      assert.equal(session.policy.state.approvedText, text);
      assert.match(await request('/bound', bearer(key)), /^200 .*whoever holds the real key/);
      assert.ok(!offers('bindSecret', flowItem(row(entry, await flowOf(entry, '/bound')))));
    },
  ],
  [
    'seen somewhere in a body, it is bound to the field that the user names',
    async () => {
      const entry = await onlyEntry();
      await entry.session.policy.write(`${WITHOUT}# of mine\n`);
      const body = JSON.stringify({ token: await dummy() });
      const post = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
      assert.match(await request('/body', post), /^403 /);
      const flow = await flowOf(entry, '/body');
      assert.equal(flow.findings[0]?.place, 'body');
      assert.equal(await command('bindSecret', { ...row(entry, flow), unattended: true, place: 'body:token' }), true);
      assert.match(await request('/field', post), /^401 /);
      assert.deepEqual((await flowOf(entry, '/field')).injected, ['DEMO_API_KEY']);
      await entry.session.policy.write(setting.policy);
    },
  ],
  [
    'a foreign credential is one question; trusted it passes on its host, and Trusted Credentials takes it back',
    async () => {
      const entry = await onlyEntry();
      const { session } = entry;
      assert.match(await request('/foreign', bearer(FOREIGN)), /^403 [^]*not DEMO_API_KEY[^]*Trust Credential/);
      await request('/foreign/again', bearer(FOREIGN));
      const alarm = await alarmOf(entry, 'foreign-credential');
      await flowOf(entry, '/foreign/again');
      assert.equal(raised.filter(({ finding }) => finding.kind === 'foreign-credential').length, 1);
      const item = flowItem(row(entry, alarm.flow));
      assert.ok(offers('trustCredential', item) && !offers('bindSecret', item));
      assert.equal(await command('trustCredential', { ...row(entry, alarm.flow), unattended: true }), true);
      assert.match(await request('/trusted', bearer(FOREIGN)), /^401 /);
      assert.match(await request('/other', bearer(`${FOREIGN}x`)), /^403 /);
      const [trusted] = await session.trusted();
      assert.equal(trusted?.host, 'localhost');
      assert.ok(!JSON.stringify([trusted, entry.flows.flows]).includes(FOREIGN));
      assert.deepEqual(await command('trustedCredentials', { remove: trusted.hash }), []);
      assert.match(await request('/taken-back', bearer(FOREIGN)), /^403 /);
      const again = () => raised.filter(({ finding }) => finding.credential === trusted.hash).length === 2;
      await until(entry.alarms.onDidChange, again);
    },
  ],
  [
    'a real value on its way out is an alarm whose flow offers Mark for Rotation, and is never shown',
    async () => {
      const entry = await onlyEntry();
      const hidden = Buffer.from(setting.real).toString('base64url');
      assert.match(await request(`/leak?data=${hidden}`, {}), /^403 [^]*real value of DEMO_API_KEY/);
      const { flow, finding } = await alarmOf(entry, 'real-value');
      const item = flowItem(row(entry, flow));
      assert.equal(iconOf(item), 'report');
      assert.ok(offers('markForRotation', item));
      await command('openFlow', row(entry, flow));
      const text = vscode.window.activeTextEditor!.document.getText();
      assert.match(
        text,
        /DEMO_API_KEY, in the query parameter data: the real value was on its way out \(written as base64/,
      );
      assert.match(text, /\n {11}the request was blocked\n/);
      assert.ok(!JSON.stringify([flow, finding, text]).includes(setting.real) && !text.includes(hidden));
      await command('markForRotation', { ...row(entry, flow), reason: 'seen in a test' });
      const marked = async () =>
        (await entry.session.secrets()).find(({ name }) => name === 'DEMO_API_KEY')!.marked?.reason;
      assert.equal(await marked(), 'seen in a test');
    },
  ],
  [
    'an alarm keeps its flow when the list of flows is cleared',
    async () => {
      const entry = await onlyEntry();
      const { flow } = await alarmOf(entry, 'real-value');
      await command('clearFlows');
      assert.equal(entry.flows.get(flow.id), undefined);
      await command('openFlow', row(entry, flow));
      assert.match(vscode.window.activeTextEditor!.document.getText(), new RegExp(`GET .*${path.sep}leak`));
      entry.alarms.markSeen();
    },
  ],
];

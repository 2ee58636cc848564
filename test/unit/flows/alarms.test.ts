import { expect, it } from 'vitest';
import { type Alarm, AlarmLog, alarmKey, isAlarm } from '../../../src/core/flows/alarms';
import type { Finding, FindingKind } from '../../../src/core/secrets/types';
import { flowOf } from './flows';

const finding = (change: Partial<Finding> = {}): Finding => ({
  kind: 'dummy-unbound',
  secret: 'KEY',
  place: 'header:authorization',
  action: 'blocked',
  ...change,
});

function opened(): { readonly log: AlarmLog; readonly raised: Alarm[] } {
  const log = new AlarmLog();
  const raised: Alarm[] = [];
  log.onDidRaise((alarm) => raised.push(alarm));
  return { log, raised };
}

it.each<[FindingKind, Finding['action'], boolean]>([
  ['dummy-unbound', 'blocked', true],
  ['dummy-unbound', 'marked', false],
  ['real-value', 'blocked', true],
  ['real-value', 'masked', true],
  ['real-value', 'marked', false],
  ['foreign-credential', 'blocked', true],
  ['dummy-elsewhere', 'marked', false],
  ['dummy-cleartext', 'blocked', false],
  ['dummy-unverified', 'blocked', false],
  ['unknown-key', 'marked', false],
  ['echo-redacted', 'masked', false],
])('%s, %s: alarm %s', (kind, action, expected) => {
  expect(isAlarm(finding({ kind, action }))).toBe(expected);
});

it('is raised once for a host and a secret, over batches, flows, places and later versions of a flow', () => {
  const { log, raised } = opened();
  const first = flowOf({ id: 1, outcome: 'open', findings: [finding()] });
  log.take([first, { ...first, outcome: 'blocked' }]);
  log.take([flowOf({ id: 2, findings: [finding({ place: 'body' }), finding()] })]);
  expect(raised.map(({ flow }) => flow.id)).toEqual([1]);
  log.take([flowOf({ id: 3, host: 'y.example', findings: [finding()] })]);
  log.take([flowOf({ id: 4, findings: [finding({ secret: 'OTHER' })] })]);
  log.take([flowOf({ id: 5, findings: [finding({ kind: 'real-value' })] })]);
  expect(raised.map(({ flow }) => flow.id)).toEqual([1, 3, 4, 5]);
  expect(log.all.map(({ flow }) => flow.id)).toEqual([5, 4, 3, 1]);
  expect(log.flow(1)?.outcome).toBe('blocked');
  expect(log.flow(2)).toBeUndefined();
});

it('tells one foreign credential from another by its hash', () => {
  const { log, raised } = opened();
  const foreign = (credential: string) => finding({ kind: 'foreign-credential', credential });
  log.take([flowOf({ id: 1, findings: [foreign('a')] }), flowOf({ id: 2, findings: [foreign('b')] })]);
  log.take([flowOf({ id: 3, findings: [foreign('a')] })]);
  expect(raised.map(({ flow }) => flow.id)).toEqual([1, 2]);
  expect(alarmKey({ host: 'h' }, foreign('a'))).not.toBe(alarmKey({ host: 'h' }, foreign('b')));
});

it('counts what nobody has looked at', () => {
  const { log } = opened();
  let changes = 0;
  log.onDidChange(() => changes++);
  log.take([flowOf({ id: 1, findings: [finding()] }), flowOf({ id: 2, host: 'y', findings: [finding()] })]);
  expect([log.unseen, changes]).toEqual([2, 2]);
  log.markSeen(2);
  log.markSeen(2);
  expect([log.unseen, changes]).toEqual([1, 3]);
  log.take([flowOf({ id: 1, outcome: 'blocked', findings: [finding()] })]);
  log.markSeen();
  expect(log.unseen).toBe(0);
  log.take([flowOf({ id: 9, findings: [finding()] })]);
  expect(log.unseen).toBe(0);
});

it('is raised again where what was decided was taken back', () => {
  const { log, raised } = opened();
  log.take([flowOf({ id: 1, findings: [finding()] })]);
  log.forget(({ flow }) => flow.host === 'another');
  log.take([flowOf({ id: 2, findings: [finding()] })]);
  log.forget(({ flow }) => flow.host === 'x.example');
  log.take([flowOf({ id: 3, findings: [finding()] })]);
  expect(raised.map(({ flow }) => flow.id)).toEqual([1, 3]);
  expect(log.all).toHaveLength(1);
});

it('keeps the newest of a flood of made-up hosts', () => {
  const { log, raised } = opened();
  for (let id = 1; id <= 30_000; id++) log.take([flowOf({ id, host: `h${id}.example`, findings: [finding()] })]);
  expect(log.all).toHaveLength(500);
  expect(raised).toHaveLength(30_000);
  expect(log.all[0]!.flow.id).toBe(30_000);
  log.take([flowOf({ id: 30_001, host: 'h30000.example', findings: [finding()] })]);
  expect(raised).toHaveLength(30_000);
});

import { describe, expect, it } from 'vitest';
import {
  describeFlow,
  flowOrigin,
  flowOutcome,
  isLeak,
  outcomeLine,
  ruleLabel,
} from '../../../src/core/flows/describe';
import type { Flow } from '../../../src/core/flows/flow';
import { flowOf } from './flows';

const blocked = { action: 'block', effective: 'block', layer: 'workspace', reason: 'r' } as const;

describe('isLeak', () => {
  it.each([
    ['echo-redacted', true],
    ['real-value', true],
    ['dummy-unbound', false],
    ['foreign-credential', false],
  ] as const)('%s: %s', (kind, expected) => {
    expect(isLeak({ kind, secret: 'A', place: 'body', action: 'marked' })).toBe(expected);
  });
});

describe('flowOutcome', () => {
  it.each<[Partial<Flow>, string]>([
    [{}, 'allowed'],
    [{ outcome: 'open' }, 'open'],
    [{ injected: ['A'] }, 'injected A'],
    [{ injected: ['A', 'B'], outcome: 'open' }, 'injected A, B'],
    [{ decision: { ...blocked, effective: 'allow', rule: undefined, description: undefined } }, 'allowed, no rule'],
    [{ outcome: 'blocked', decision: { ...blocked, rule: 1, description: 'No gists' } }, 'blocked rule 2 "No gists"'],
    [{ outcome: 'blocked', decision: { ...blocked, rule: 1, description: undefined } }, 'blocked rule 2'],
    [{ outcome: 'blocked', decision: { ...blocked, rule: undefined, description: undefined } }, 'blocked default'],
    [
      { outcome: 'blocked', findings: [{ kind: 'dummy-unbound', secret: 'A', place: 'body', action: 'blocked' }] },
      'blocked A in body',
    ],
    [{ outcome: 'blocked', error: { code: 'private-address', message: 'm' } }, 'blocked private-address'],
    [{ outcome: 'failed', error: { code: 'dns', message: 'm' } }, 'failed dns'],
    [{ outcome: 'failed' }, 'failed unknown'],
    [{ outcome: 'aborted' }, 'aborted'],
  ])('%j: %s', (change, expected) => {
    expect(flowOutcome(flowOf(change))).toBe(expected);
  });
});

it.each<[Partial<Flow>, string]>([
  [{}, 'https://x.example'],
  [{ port: 8443 }, 'https://x.example:8443'],
  [{ scheme: 'http', port: 80 }, 'http://x.example'],
  [{ scheme: 'wss', host: '::1' }, 'wss://[::1]'],
])('%j: %s', (change, expected) => {
  expect(flowOrigin(flowOf(change))).toBe(expected);
});

it('is one line for a terminal', () => {
  expect(outcomeLine(flowOf({ injected: ['KEY'] }))).toBe('GET https://x.example/a 200 injected KEY');
  expect(outcomeLine(flowOf({ status: undefined, outcome: 'open' }))).toBe('GET https://x.example/a - open');
  expect(ruleLabel({ ...blocked, rule: undefined, description: undefined })).toBe('default');
});

it('is a whole document', () => {
  const text = describeFlow(
    flowOf({
      injected: ['KEY'],
      findings: [{ kind: 'echo-redacted', secret: 'KEY', place: 'response body', action: 'masked' }],
      error: { code: 'upstream-cut', message: 'The answer ended early.' },
      timing: { firstByteMs: 3.14, totalMs: 42.4, reused: true },
    }),
  );
  expect(text).toBe(`GET https://x.example/a

outcome    injected KEY
status     200 OK
agent      claude
started    2026-11-23T12:00:00.000Z
time       42 ms in all, first byte after 3.1 ms, on an open connection
size       0 bytes sent, 5 bytes received
decision   allow: rule 1 "All of it" allows GET https://x.example/a.
injected   KEY: the real value went out in its place
finding    KEY in response body: the answer held the real value, which was replaced, masked
error      upstream-cut: The answer ended early.

--- request
accept: */*

--- response
content-type: text/plain
`);
});

it('says what a tunnel is, and what is not there', () => {
  const text = describeFlow(
    flowOf({
      kind: 'tunnel',
      decision: undefined,
      status: undefined,
      reasonPhrase: undefined,
      requestHeaders: [],
      responseHeaders: [],
      timing: { firstByteMs: undefined, totalMs: undefined, reused: false },
    }),
  );
  expect(text).toContain('inspected  no: a tunnel passes unread');
  expect(text).toContain('status     none\n');
  expect(text).toContain('time       – in all');
  expect(text.match(/\(none\)/g)).toHaveLength(2);
});

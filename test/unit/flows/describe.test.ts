import { describe, expect, it } from 'vitest';
import {
  agentInWords,
  describeFinding,
  describeFlow,
  flowOrigin,
  flowOutcome,
  isLeak,
  maskedSecrets,
  outcomeLine,
  placeInWords,
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
    [{ findings: [{ kind: 'real-value', secret: 'A', place: 'body', action: 'masked' }] }, 'masked A'],
    [
      { injected: ['B'], findings: [{ kind: 'real-value', secret: 'A', place: 'body', action: 'masked' }] },
      'injected B, masked A',
    ],
    [{ findings: [{ kind: 'real-value', secret: 'A', place: 'body', action: 'marked' }] }, 'allowed'],
    [{ decision: { ...blocked, effective: 'allow', rule: undefined, description: undefined } }, 'allowed, no rule'],
    [{ outcome: 'blocked', decision: { ...blocked, rule: 1, description: 'No gists' } }, 'blocked rule 2 "No gists"'],
    [{ outcome: 'blocked', decision: { ...blocked, rule: 1, description: undefined } }, 'blocked rule 2'],
    [{ outcome: 'blocked', decision: { ...blocked, rule: undefined, description: undefined } }, 'blocked default'],
    [
      { outcome: 'blocked', findings: [{ kind: 'dummy-unbound', secret: 'A', place: 'body', action: 'blocked' }] },
      'blocked A in body',
    ],
    [
      {
        outcome: 'blocked',
        decision: { ...blocked, rule: 1, description: undefined },
        findings: [{ kind: 'dummy-unbound', secret: 'A', place: 'body', action: 'blocked' }],
      },
      'blocked rule 2, A in body',
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

describe('a finding in words', () => {
  it.each([
    ['header:authorization', 'the header authorization'],
    ['header name', 'the name of a header'],
    ['basic', 'Basic credentials (header authorization)'],
    ['query:key', 'the query parameter key'],
    ['query', 'a query parameter'],
    ['path', 'the path'],
    ['host', 'the host name'],
    ['body', 'the body'],
    ['body:client_secret', 'the field client_secret of the body'],
    ['websocket', 'a WebSocket message'],
    ['aws4', 'the signature of an AWS request'],
    ['trailer', 'a trailer'],
    ['several parts', 'several parts of requests, in pieces'],
    ['response body', 'the body of the answer'],
    ['response header:set-cookie', 'the header set-cookie of the answer'],
    ['something new', 'something new'],
    [`header:${'x'.repeat(60)}`, `the header ${'x'.repeat(48)}…`],
  ])('%s: %s', (place, expected) => {
    expect(placeInWords(place)).toBe(expected);
  });

  it('says place, form and action', () => {
    expect(
      describeFinding({ kind: 'real-value', secret: 'A', place: 'body', action: 'blocked', form: 'hex in base64' }),
    ).toBe('A, in the body: the real value was on its way out (written as hex in base64); the request was blocked');
    expect(describeFinding({ kind: 'dummy-unbound', secret: 'A', place: 'body', action: 'marked' })).toBe(
      'A, in the body: its stand-in was on the way to a host it is not bound to; it stayed a stand-in',
    );
    expect(maskedSecrets([{ kind: 'echo-redacted', secret: 'A', place: 'body', action: 'masked' }])).toEqual([]);
  });

  it('names the command line that trusts a foreign credential, by its hash', () => {
    const credential = 'ab'.repeat(32);
    const text = describeFlow(
      flowOf({
        outcome: 'blocked',
        findings: [{ kind: 'foreign-credential', secret: 'A', place: 'basic', action: 'blocked', credential }],
      }),
    );
    expect(text).toContain('finding    not A, in Basic credentials (header authorization): another credential was on');
    expect(text).toContain(`sandbox-agent trust --host x.example ${credential}\n`);
  });
});

it.each([
  ['claude', 'Claude Code'],
  ['other', 'A program'],
  ['mine', 'mine'],
])('the agent %s in words: %s', (agent, expected) => {
  expect(agentInWords({ agent })).toBe(expected);
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
finding    KEY, in the body of the answer: the answer held the real value
           it became the stand-in
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

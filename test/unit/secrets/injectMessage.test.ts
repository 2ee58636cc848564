import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MessageTarget, compileMessageInjection } from '../../../src/core/secrets/injectMessage';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { bytes, keys, text } from '../env/fakeKeys';

const secret = (name: string, value: string, dummy: string, more: Partial<BoundSecret> = {}): BoundSecret => ({
  name,
  value,
  dummy,
  hosts: ['api.example.com'],
  in: ['websocket'],
  ...more,
});
const A = secret('A', keys.anthropic(1), keys.anthropic(2));
const ODD = secret('ODD', 'p"w\\d\n\u0001 ö', keys.github(2));
const HERE: MessageTarget = { host: 'api.example.com', unsafe: undefined };

const inject = (secrets: readonly BoundSecret[], message: string, where = HERE, isText = true) => {
  const given = bytes(message);
  const result = compileMessageInjection(secrets, where)(given, isText);
  return { ...result, out: text(result.bytes), same: result.bytes === given };
};
const MARKED = { kind: 'dummy-elsewhere', secret: 'A', place: 'websocket', action: 'marked' };

describe('a value goes in', () => {
  it.each([
    ['a whole JSON string', `{"token":"${A.dummy}"}`, `{"token":"${A.value}"}`],
    ['in an array', `["auth","${A.dummy}"]`, `["auth","${A.value}"]`],
    ['alone', `"${A.dummy}"`, `"${A.value}"`],
    ['behind a scheme word', `{"a":{"Authorization": "Bearer ${A.dummy}"}}`, `{"a":{"Authorization": "Bearer ${A.value}"}}`], // prettier-ignore
    ['plain text', A.dummy, A.value],
    ['a line of plain text', `PASS oauth:${A.dummy}\r\nNICK x`, `PASS oauth:${A.value}\r\nNICK x`],
  ])('%s', (_, message, out) => {
    expect(inject([A], message)).toMatchObject({ out, injected: ['A'], findings: [] });
  });

  it('once in a message; others stay dummies', () => {
    const twice = inject([A], JSON.stringify([A.dummy, A.dummy]));
    expect(twice).toMatchObject({ out: JSON.stringify([A.value, A.dummy]), injected: ['A'], findings: [MARKED] });
  });

  it('escaped for JSON', () => {
    expect(JSON.parse(inject([ODD], JSON.stringify({ token: ODD.dummy })).out)).toEqual({ token: ODD.value });
  });
});

describe('a dummy stays', () => {
  it.each([
    ['a sentence', JSON.stringify({ text: `my key is ${A.dummy}` })],
    ['the end of a sentence', JSON.stringify({ text: `is ${A.dummy}.` })],
    ['the name of a member', JSON.stringify({ [A.dummy]: 1 })],
    ['a name, with space', `{"${A.dummy}" : 1}`],
    ['JSON inside a string', JSON.stringify({ body: JSON.stringify({ token: A.dummy }) })],
    ['part of a longer word', `x${A.dummy} ${A.dummy}-more`],
  ])('%s', (_, message) => {
    const result = inject([A], message);
    expect(result).toMatchObject({ same: true, injected: [] });
    expect(result.findings[0]).toEqual(MARKED);
  });

  it('in binary messages, and where no place says websocket', () => {
    expect(inject([A], A.dummy, HERE, false)).toMatchObject({ same: true, findings: [MARKED] });
    const elsewhere = { ...A, in: ['header:x', 'websocket2'] };
    expect(inject([elsewhere], A.dummy)).toMatchObject({ same: true, findings: [MARKED] });
  });

  it('where the value would end a line of text', () => {
    expect(inject([ODD], `PASS ${ODD.dummy}`)).toMatchObject({ same: true, injected: [] });
  });

  it('unseen at a host that it is not bound to: others look for that', () => {
    expect(inject([A], A.dummy, { ...HERE, host: 'other.example' })).toMatchObject({ same: true, findings: [] });
  });
});

it.each(['dummy-cleartext', 'dummy-unverified'] as const)('refuses the whole message: %s', (unsafe) => {
  const result = inject([A], `{"token":"${A.dummy}"}`, { ...HERE, unsafe });
  expect(result).toMatchObject({
    same: true,
    injected: [],
    findings: [{ kind: unsafe, secret: 'A', place: 'websocket', action: 'blocked' }],
  });
});

it('leaves messages without a dummy as they are, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.boolean(), (message, isText) => {
      expect(compileMessageInjection([A, ODD, secret('E', 'x', '')], HERE)(message, isText).bytes).toBe(message);
    }),
  );
});

it('keeps JSON what it was, but for the value', () => {
  const replace = (value: unknown): unknown => JSON.parse(JSON.stringify(value), (_, v: unknown) => (v === ODD.dummy ? ODD.value : v)); // prettier-ignore
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      const message = [before, ODD.dummy, after];
      expect(JSON.parse(inject([ODD], JSON.stringify(message)).out)).toEqual(replace(message));
    }),
  );
});

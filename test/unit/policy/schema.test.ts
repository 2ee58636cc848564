import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultPolicyText } from '../../../src/core/policy/defaults';
import { parsePolicy } from '../../../src/core/policy/parse';
import { policySchema } from '../../../src/core/policy/schema';

interface Node {
  readonly [key: string]: unknown;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly $ref?: string;
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean | Node;
  readonly required?: readonly string[];
  readonly pattern?: string;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minProperties?: number;
}
const schema = policySchema() as Node & { definitions: Record<string, Node> };

/** The words of draft 7 that the schema uses, and no others. */
function accepts(node: Node, value: unknown): boolean {
  if (node.$ref !== undefined) return accepts(schema.definitions[node.$ref.split('/').pop()!]!, value);
  if (node.anyOf && !node.anyOf.some((one) => accepts(one, value))) return false;
  if (node.enum && !node.enum.includes(value)) return false;
  if ('const' in node && node.const !== value) return false;
  switch (node.type) {
    case undefined:
      return true;
    case 'null':
      return value === null;
    case 'string':
      return (
        typeof value === 'string' &&
        value.length >= (node.minLength ?? 0) &&
        (node.pattern === undefined || new RegExp(node.pattern, 'u').test(value))
      );
    case 'integer':
      return Number.isInteger(value) && (value as number) >= node.minimum! && (value as number) <= node.maximum!;
    case 'array':
      return (
        Array.isArray(value) && value.length >= (node.minItems ?? 0) && value.every((one) => accepts(node.items!, one))
      );
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      const entries = Object.entries(value);
      return (
        entries.length >= (node.minProperties ?? 0) &&
        (node.required ?? []).every((key) => key in value) &&
        entries.every(([key, one]) => {
          const own = node.properties?.[key] ?? node.additionalProperties;
          return typeof own === 'object' && accepts(own, one);
        })
      );
    }
    default:
      throw new Error(`a type that this test does not know: ${node.type}`);
  }
}

it('is what media/policy.schema.json holds (run "node scripts/generate.mjs")', () => {
  const file = readFileSync(path.join(import.meta.dirname, '../../../media/policy.schema.json'), 'utf8');
  expect(file).toBe(`${JSON.stringify(policySchema(), undefined, 2)}\n`);
});

describe('agrees with the parser', () => {
  const rule = (match: string, more = '') => `[{"type":"block","condition":{"match":${match}}${more}}]`;
  it.each([
    [defaultPolicyText(), true],
    ['[]', true],
    [
      '{"type":"allow","description":"…","condition":{"match":{"host":"api.anthropic.com","method":"POST","path":"/v1/complete"}}}',
      true,
    ],
    [
      rule(
        '{"host":["a.example","*.b.example"],"port":[1,2],"scheme":"wss","method":["GET"],"path":"/a/**","agent":"x"}',
      ),
      true,
    ],
    [rule('{"host":"a.example","port":"any"}', ',"action":"deny"'), true],
    [
      '[{"type":"allow","upstream":{"ca":["a"],"clientCert":{"cert":"a","key":"b"}},"websocket":"refuse","condition":{"match":{"host":"a.example"}}}]',
      true,
    ],
    ['[{"type":"allow","upstream":{"insecure":true},"condition":{"match":{"host":"a.example"}}}]', false],
    ['[{"type":"allow","upstream":{},"condition":{"match":{"host":"a.example"}}}]', false],
    ['[{"type":"allow","upstream":{"clientCert":{"cert":"a"}},"condition":{"match":{"host":"a.example"}}}]', false],
    ['{"version":1,"mode":"ask","default":"allow","rules":null,"secrets":null,"tests":null}', true],
    ['{"secrets":{"A":{"hosts":[]},"B":{"hosts":"b.example","in":["basic","header:x"]}}}', true],
    ['{"tests":[{"request":"GET https://a.example/","expect":"allow"}]}', true],
    ['{"mode":"x"}', false],
    ['{"rulez":[]}', false],
    ['{"version":2}', false],
    [rule('{}'), false],
    [rule('{"hots":"a.example"}'), false],
    [rule('{"host":[]}'), false],
    [rule('{"host":1}'), false],
    [rule('{"host":"a.example","port":0}'), false],
    [rule('{"host":"a.example","port":"443"}'), false],
    [rule('{"host":"a.example","method":"get"}'), false],
    [rule('{"host":"a.example","path":"x"}'), false],
    [rule('{"host":"a.example"}', ',"limit":{}'), false],
    ['[{"type":"block"}]', false],
    ['[{"condition":{"match":{"host":"a.example"}}}]', false],
    ['{"secrets":{"A":{"in":"basic"}}}', false],
    ['{"secrets":{"A":{"hosts":"a.example","in":"body"}}}', false],
    ['{"tests":[{"request":"/x","expect":"allow"}]}', false],
    ['"x"', false],
  ])('%.80s: %s', (text, valid) => {
    expect(parsePolicy(text).policy !== undefined).toBe(valid);
    expect(accepts(schema, parse(text))).toBe(valid);
  });
});

it('explains every key', () => {
  const unexplained: string[] = [];
  const walk = (node: Node, at: string): void => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (typeof child['description'] !== 'string') unexplained.push(`${at}.${key}`);
      walk(child, `${at}.${key}`);
    }
    for (const child of [...(node.anyOf ?? []), ...(node.items ? [node.items] : [])]) walk(child, at);
    if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, `${at}.*`);
  };
  walk(schema, '');
  for (const node of Object.values(schema.definitions)) walk(node, 'rule');
  expect(unexplained).toEqual([]);
});

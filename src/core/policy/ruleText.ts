// A rule as an editor holds it, and how it is written: as block YAML, as flow YAML, or as JSON. What is written here reads
// back as the same rule, whatever its texts hold.
import { canonicalPattern } from './hosts';
import type { Addresses, Credentials, Detection, Policy, Rule, RuleType, RuleUpstream, Scheme } from './types';

/** A rule to be written. A list of one is written as the value alone; an empty list as nothing. */
export interface NewRule {
  readonly type: RuleType;
  readonly description?: string | undefined;
  readonly host?: readonly string[] | undefined;
  readonly port?: readonly number[] | 'any' | undefined;
  readonly scheme?: readonly Scheme[] | undefined;
  readonly method?: readonly string[] | undefined;
  readonly path?: readonly string[] | undefined;
  readonly agent?: readonly string[] | undefined;
  readonly addresses?: Addresses | undefined;
  /** `acknowledge: any-host`: the rule may open every host. */
  readonly acknowledge?: boolean | undefined;
  readonly upstream?: RuleUpstream | undefined;
  readonly websocket?: 'refuse' | undefined;
  readonly detection?: Detection | undefined;
  readonly credentials?: Credentials | undefined;
}

type Word = string | number;
export type RuleValue = Word | readonly Word[] | RuleFields;
export interface RuleFields {
  readonly [key: string]: RuleValue | undefined;
}

/** The rule of a policy in the form that can be written. */
export function newRuleOf({ type, description, match, addresses, acknowledged, ...rest }: Rule): NewRule {
  const { upstream, websocket, detection, credentials } = rest;
  return {
    type,
    description,
    ...match,
    addresses,
    acknowledge: acknowledged,
    upstream,
    websocket,
    detection,
    credentials,
  };
}

/** What stands in the rule itself, in the order in which it is written. */
export function ownFields({ type, description, addresses, acknowledge, upstream, ...rest }: NewRule): RuleFields {
  const { websocket, detection, credentials } = rest;
  return {
    type,
    description: description === '' ? undefined : description,
    addresses: addresses === 'any' ? 'any' : undefined,
    acknowledge: acknowledge === true ? 'any-host' : undefined,
    upstream: upstream && upstreamFields(upstream),
    websocket,
    detection,
    credentials,
  };
}

function upstreamFields({ ca, clientCert, insecure }: RuleUpstream): RuleFields | undefined {
  const both = clientCert?.cert === clientCert?.key ? clientCert?.cert : clientCert && { ...clientCert };
  const fields: RuleFields = { ca: one(ca), clientCert: both, insecure };
  return present(fields).length > 0 ? fields : undefined;
}

/** What stands in `condition.match`, in the order in which it is written. */
export function matchFields({ host, port, scheme, method, path, agent }: NewRule): RuleFields {
  return {
    host: one(host),
    port: port === 'any' ? port : one(port),
    scheme: one(scheme),
    method: one(method),
    path: one(path),
    agent: one(agent),
  };
}

/** Whether two rules say the same, as the policy reads them. */
export function sameRule(a: NewRule, b: NewRule): boolean {
  return JSON.stringify(normal(a)) === JSON.stringify(normal(b));
}

/** Whether two policies say the same, however they are written. */
export function samePolicy(a: Policy, b: Policy): boolean {
  const text = (policy: Policy) =>
    JSON.stringify(policy, (key, value: unknown) => (key === 'range' ? undefined : value));
  return text(a) === text(b);
}

function normal(rule: NewRule): unknown {
  const host = rule.host?.map((pattern) => {
    const canonical = canonicalPattern(pattern);
    return canonical.ok ? canonical.value : pattern;
  });
  const list = (value: RuleValue | undefined) =>
    typeof value === 'object' ? value : value === undefined ? [] : [value];
  const { type, description, ...own } = ownFields(rule);
  const match = Object.entries(matchFields({ ...rule, host })).map(([key, value]) => [key, list(value)]);
  return [type, description ?? '', present(own), match];
}

function one<T extends string | number>(values: readonly T[] | undefined): T | readonly T[] | undefined {
  if (values === undefined || values.length === 0) return undefined;
  return values.length === 1 ? values[0] : values;
}

export const isList = (value: RuleValue): value is readonly Word[] => Array.isArray(value);

const present = (fields: RuleFields) =>
  Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));

/** Lines of a block sequence item, each with its line end; `indent` stands before the dash. */
export function blockRule(rule: NewRule, indent: string, eol: string): string {
  const lines = present(ownFields(rule)).map(([key, value]) => `${key}: ${flowValue(value)}`);
  lines.push('condition:', `  match: ${flowMap(matchFields(rule))}`);
  return lines.map((line, i) => `${indent}${i === 0 ? '- ' : '  '}${line}${eol}`).join('');
}

/** One line, for a flow sequence: YAML's own style, or JSON. */
export function flowRule(rule: NewRule, json: boolean): string {
  const own = ownFields(rule);
  const match = matchFields(rule);
  if (json) return JSON.stringify({ ...own, condition: { match } });
  return `{ ${present(own)
    .map(([key, value]) => `${key}: ${flowValue(value)}, `)
    .join('')}condition: { match: ${flowMap(match)} } }`;
}

function flowMap(fields: RuleFields, quote: '' | '"' | "'" = ''): string {
  const entries = present(fields).map(([key, value]) => `${quote}${key}${quote}: ${flowValue(value, quote)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** A value as it may stand anywhere, also inside braces. `quote`: the quotes that the old value had. */
export function flowValue(value: RuleValue, quote: '' | '"' | "'" = ''): string {
  if (typeof value === 'number') return String(value);
  if (isList(value)) return `[${value.map((item) => flowValue(item, quote)).join(', ')}]`;
  if (typeof value === 'object') return flowMap(value, quote);
  if (quote === "'" && /^[\x20-\x7e]*$/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return quote === '' && isPlain(value) ? value : JSON.stringify(value);
}

/** Whether YAML reads a bare word back as the same text, in any context. */
function isPlain(text: string): boolean {
  return (
    /^[A-Za-z/][A-Za-z0-9._/-]*(?: [A-Za-z0-9._/-]+)*$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/i.test(text)
  );
}

// Edits of a policy text as splices: parse for ranges, change only what is meant. Comments, order, quoting, indentation and
// line endings of everything else stay as they are. Every result is parsed again before it is returned.
import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { type Result, err, ok } from '../base/result';
import { parsePolicy } from './parse';
import type { Addresses, Mode, RuleType } from './types';

/** A rule as an editor holds it. Lists of one are written as the value alone. */
export interface NewRule {
  readonly type: RuleType;
  readonly description?: string | undefined;
  readonly host?: readonly string[] | undefined;
  readonly port?: readonly number[] | 'any' | undefined;
  readonly method?: readonly string[] | undefined;
  readonly path?: readonly string[] | undefined;
  readonly addresses?: Addresses | undefined;
  readonly acknowledge?: boolean | undefined;
}

export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Edited {
  readonly text: string;
  /** The one change that leads there, for an editor's undo. */
  readonly splice: Splice;
}

export type EditResult = Result<Edited, string>;

/** Inserts a rule before the one at `at` (default: at the end). */
export function addRule(text: string, rule: NewRule, { at }: { readonly at?: number } = {}): EditResult {
  const found = locate(text);
  if (!found.ok) return found;
  const { seq, eol } = found.value;
  if (seq === undefined) return insertRules(text, rule, found.value);
  const items = seq.items as Node[];
  const index = Math.min(Math.max(at ?? items.length, 0), items.length);
  if (seq.flow === true) {
    const flow = flowRule(rule, text.trimStart().startsWith('{') || text.trimStart().startsWith('['));
    if (items.length === 0) {
      const start = seq.range![0] + 1;
      return finish(text, { start, end: seq.range![1] - 1, text: flow });
    }
    if (index === items.length) return finish(text, at0(items[index - 1]!.range![1], `, ${flow}`));
    return finish(text, at0(items[index]!.range![0], `${flow}, `));
  }
  const indent = indentOf(text, items[0] ? dashOf(text, items[0]) : seq.range![0]);
  const lines = blockRule(rule, indent, eol);
  if (index < items.length) return finish(text, at0(blockStart(text, items[index]!), lines));
  return finish(text, appendAt(text, endOfItem(text, items[items.length - 1]!, indent), lines, eol));
}

export function removeRule(text: string, index: number): EditResult {
  const found = locate(text);
  if (!found.ok) return found;
  const items = (found.value.seq?.items ?? []) as Node[];
  const item = items[index];
  const { seq } = found.value;
  if (!item || !seq) return err('There is no such rule.');
  if (seq.flow === true) {
    const next = items[index + 1];
    const previous = items[index - 1];
    if (next) return finish(text, { start: item.range![0], end: next.range![0], text: '' });
    return finish(text, { start: previous ? previous.range![1] : item.range![0], end: item.range![1], text: '' });
  }
  const start = lineStart(text, dashOf(text, item));
  const end = endOfItem(text, item, indentOf(text, dashOf(text, item)));
  if (items.length > 1) return finish(text, { start, end, text: '' });
  // "rules:" with nothing below would be null: say that the list is empty.
  if (!found.value.rulesPair) return err('The only rule of a short form cannot be removed: delete the file instead.');
  const key = found.value.rulesPair.key as Node;
  const colon = text.indexOf(':', key.range![1]) + 1;
  const edited = text.slice(0, colon) + ' []' + text.slice(colon, start) + text.slice(end);
  return finishText(text, edited);
}

/** Replaces what the rule says. A comment inside the old rule goes with it; those above it stay. */
export function updateRule(text: string, index: number, rule: NewRule): EditResult {
  const found = locate(text);
  if (!found.ok) return found;
  const { seq, single, eol } = found.value;
  const item = ((seq?.items ?? (single ? [single] : [])) as Node[])[index];
  if (!item) return err('There is no such rule.');
  if (!seq || seq.flow === true || (item as YAMLMap).flow === true) {
    const json = text.trimStart().startsWith('{') || text.trimStart().startsWith('[');
    if (!seq && (item as YAMLMap).flow !== true) return err('A policy that is a single rule is changed as text.');
    return finish(text, { start: item.range![0], end: item.range![1], text: flowRule(rule, json) });
  }
  const indent = indentOf(text, dashOf(text, item));
  const start = lineStart(text, dashOf(text, item));
  const end = endOfItem(text, item, indent);
  const last = text.slice(0, end).endsWith('\n') ? '' : eol;
  const lines = blockRule(rule, indent, eol);
  return finish(text, { start, end, text: last === '' ? lines : lines.slice(0, -eol.length) });
}

/** Moves a rule with the comments directly above it so that it stands at `to`. */
export function moveRule(text: string, from: number, to: number): EditResult {
  const found = locate(text);
  if (!found.ok) return found;
  const items = (found.value.seq?.items ?? []) as Node[];
  if (!items[from] || !items[to] || !found.value.seq) return err('There is no such rule.');
  if (from === to) return finishText(text, text);
  if (found.value.seq.flow === true) {
    const texts = items.map((item) => text.slice(item.range![0], item.range![1]));
    texts.splice(to, 0, ...texts.splice(from, 1));
    let edited = text;
    for (let i = items.length - 1; i >= 0; i--)
      edited = edited.slice(0, items[i]!.range![0]) + texts[i]! + edited.slice(items[i]!.range![1]);
    return finishText(text, edited);
  }
  const { eol } = found.value;
  const starts = items.map((item) => blockStart(text, item));
  const end = endOfItem(text, items[items.length - 1]!, indentOf(text, dashOf(text, items[0]!)));
  const blocks = starts
    .map((start, i) => text.slice(start, starts[i + 1] ?? end))
    .map((block) => (block.endsWith('\n') ? block : block + eol));
  blocks.splice(to, 0, ...blocks.splice(from, 1));
  let joined = blocks.join('');
  if (!text.slice(0, end).endsWith('\n')) joined = joined.slice(0, -eol.length);
  return finish(text, { start: starts[0]!, end, text: joined });
}

export function setMode(text: string, mode: Mode): EditResult {
  return setTop(text, 'mode', mode);
}

export function setDefault(text: string, action: 'block' | 'allow'): EditResult {
  return setTop(text, 'default', action);
}

function setTop(text: string, key: string, value: string): EditResult {
  const found = locate(text);
  if (!found.ok) return found;
  const { root, eol } = found.value;
  if (!isMap(root) || found.value.single)
    return err(`A policy in a short form has no "${key}": write it in the full form first.`);
  const pair = root.items.find((item) => isScalar(item.key) && item.key.value === key);
  if (pair && isScalar(pair.value) && pair.value.range) {
    const old = text.slice(pair.value.range[0], pair.value.range[1]);
    const quote = /^["']/.exec(old)?.[0] ?? '';
    return finish(text, { start: pair.value.range[0], end: pair.value.range[1], text: `${quote}${value}${quote}` });
  }
  const first = root.items[0]?.key as Node | undefined;
  if (root.flow === true)
    return finish(text, at0(root.range![0] + 1, first ? `"${key}": "${value}", ` : `"${key}": "${value}"`));
  const version = root.items.find((item) => isScalar(item.key) && item.key.value === 'version');
  const at = version
    ? nextLine(text, (version.value as Node).range![1])
    : first
      ? lineStart(text, first.range![0])
      : text.length;
  return finish(text, at0(at, `${text.slice(0, at).endsWith('\n') || at === 0 ? '' : eol}${key}: ${value}${eol}`));
}

interface Located {
  readonly root: Node;
  readonly seq: YAMLSeq | undefined;
  readonly single: YAMLMap | undefined;
  readonly rulesPair: Pair | undefined;
  readonly eol: string;
}

function locate(text: string): Result<Located, string> {
  const document = parseDocument(text, { version: '1.2', merge: false });
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  if (document.errors.length > 0) return err('The policy is not valid YAML: repair it as text first.');
  const root = document.contents as Node | null;
  if (root === null) return err('The policy is empty.');
  if (isSeq(root)) return ok({ root, seq: root, single: undefined, rulesPair: undefined, eol });
  if (!isMap(root)) return err('The policy is not a mapping or a list.');
  if (root.has('type')) return ok({ root, seq: undefined, single: root, rulesPair: undefined, eol });
  const rulesPair = root.items.find((item) => isScalar(item.key) && item.key.value === 'rules');
  const rules = rulesPair?.value;
  return ok({ root, seq: isSeq(rules) ? rules : undefined, single: undefined, rulesPair, eol });
}

/** No list of rules yet: a single rule becomes a list, a missing or empty `rules:` gets one. */
function insertRules(text: string, rule: NewRule, { root, single, rulesPair, eol }: Located): EditResult {
  if (single) {
    if (single.flow !== true) {
      const lines = text.slice(single.range![0], single.range![1]).trimEnd().split(/\r?\n/);
      const old = `- ${lines.join(`${eol}  `)}${eol}`;
      return finish(text, { start: single.range![0], end: single.range![1], text: blockRule(rule, '', eol) + old });
    }
    const old = text.slice(single.range![0], single.range![1]);
    return finish(text, { start: single.range![0], end: single.range![1], text: `[${flowRule(rule, true)}, ${old}]` });
  }
  const map = root as YAMLMap;
  if (map.flow === true) {
    if (rulesPair) return err('"rules" is not a list.');
    return finish(
      text,
      at0(map.range![1] - 1, `${map.items.length > 0 ? ', ' : ''}"rules": [${flowRule(rule, true)}]`),
    );
  }
  if (rulesPair) {
    const at = nextLine(text, text.indexOf(':', (rulesPair.key as Node).range![1]));
    return finish(text, at0(at, `${text.slice(0, at).endsWith('\n') ? '' : eol}${blockRule(rule, '  ', eol)}`));
  }
  return finish(
    text,
    at0(text.length, `${text === '' || text.endsWith('\n') ? '' : eol}rules:${eol}${blockRule(rule, '  ', eol)}`),
  );
}

const at0 = (at: number, text: string): Splice => ({ start: at, end: at, text });

function appendAt(text: string, at: number, lines: string, eol: string): Splice {
  return at0(at, text.slice(0, at).endsWith('\n') ? lines : `${eol}${lines.slice(0, -eol.length)}`);
}

const lineStart = (text: string, at: number) => text.lastIndexOf('\n', at - 1) + 1;
const nextLine = (text: string, at: number) => {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
};
const indentOf = (text: string, at: number) => /^[ \t]*/.exec(text.slice(lineStart(text, at), at))![0];
/** Where the dash of a block item stands. */
const dashOf = (text: string, item: Node) => text.lastIndexOf('-', item.range![0] - 1);

/** The start of an item with the comment lines directly above it. */
function blockStart(text: string, item: Node): number {
  let start = lineStart(text, dashOf(text, item));
  while (start > 0) {
    const above = lineStart(text, start - 1);
    if (!/^[ \t]*#/.test(text.slice(above, start))) break;
    start = above;
  }
  return start;
}

/** Just past the last line of an item: the lines after its dash that are indented deeper, without trailing blank or comment lines. */
function endOfItem(text: string, item: Node, indent: string): number {
  let end = nextLine(text, dashOf(text, item));
  let at = end;
  while (at < text.length) {
    const next = nextLine(text, at);
    const line = text.slice(at, next);
    const own = /^[ \t]*/.exec(line)![0].length;
    const blank = line.trim() === '';
    if (!blank && own <= indent.length) break;
    if (!blank && !line.trim().startsWith('#')) end = next;
    at = next;
  }
  return end;
}

function blockRule(rule: NewRule, indent: string, eol: string): string {
  const lines = [`- type: ${rule.type}`];
  if (rule.description) lines.push(`  description: ${plain(rule.description)}`);
  if (rule.addresses === 'any') lines.push('  addresses: any');
  if (rule.acknowledge) lines.push('  acknowledge: any-host');
  lines.push('  condition:', `    match: ${flowMap(matchOf(rule), false)}`);
  return lines.map((line) => `${indent}${line}${eol}`).join('');
}

function flowRule(rule: NewRule, json: boolean): string {
  const entries: [string, unknown][] = [['type', rule.type]];
  if (rule.description) entries.push(['description', rule.description]);
  if (rule.addresses === 'any') entries.push(['addresses', 'any']);
  if (rule.acknowledge) entries.push(['acknowledge', 'any-host']);
  entries.push(['condition', { match: Object.fromEntries(matchOf(rule)) }]);
  return json ? JSON.stringify(Object.fromEntries(entries)) : flowMap(entries, false);
}

function matchOf(rule: NewRule): [string, unknown][] {
  const one = (values: readonly (string | number)[]) => (values.length === 1 ? values[0] : values);
  const entries: [string, unknown][] = [];
  if (rule.host && rule.host.length > 0) entries.push(['host', one(rule.host)]);
  if (rule.port === 'any') entries.push(['port', 'any']);
  else if (rule.port && rule.port.length > 0) entries.push(['port', one(rule.port)]);
  if (rule.method && rule.method.length > 0) entries.push(['method', one(rule.method)]);
  if (rule.path && rule.path.length > 0) entries.push(['path', one(rule.path)]);
  return entries;
}

function flowMap(entries: readonly (readonly [string, unknown])[], json: boolean): string {
  return `{ ${entries.map(([key, value]) => `${key}: ${flowValue(value, json)}`).join(', ')} }`;
}

function flowValue(value: unknown, json: boolean): string {
  if (Array.isArray(value)) return `[${value.map((item) => flowValue(item, json)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return flowMap(Object.entries(value), json);
  return typeof value === 'number' ? String(value) : plain(String(value));
}

/** A plain scalar where YAML reads it back as the same text in any context, else in double quotes. */
function plain(text: string): string {
  return /^[A-Za-z/][A-Za-z0-9._/-]*(?: [A-Za-z0-9._/-]+)*$/.test(text) &&
    !/^(?:true|false|null|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

function finish(text: string, splice: Splice): EditResult {
  const edited = text.slice(0, splice.start) + splice.text + text.slice(splice.end);
  return checked(edited, splice);
}

function finishText(before: string, after: string): EditResult {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let back = 0;
  while (
    back < before.length - start &&
    back < after.length - start &&
    before[before.length - 1 - back] === after[after.length - 1 - back]
  )
    back++;
  return checked(after, { start, end: before.length - back, text: after.slice(start, after.length - back) });
}

function checked(text: string, splice: Splice): EditResult {
  const problem = parsePolicy(text).problems.find(({ severity }) => severity === 'error');
  return problem ? err(problem.message) : ok({ text, splice });
}

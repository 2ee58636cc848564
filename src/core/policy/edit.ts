// Edits of a policy text as splices: parse for ranges, change only what is meant. Comments, order, quoting, indentation and
// line endings of everything else stay as they are. Every result is parsed again: one that does not say exactly what was
// meant, and nothing else, is never returned.
import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { type Result, err, ok } from '../base/result';
import { RULE_KEYS } from './fields';
import { parsePolicy } from './parse';
import {
  blockRule,
  flowRule,
  matchFields,
  type NewRule,
  newRuleOf,
  ownFields,
  type RuleFields,
  type RuleValue,
  sameRule,
} from './ruleText';
import { blockedAlready, blockHostRule } from './suggest';
import type { Mode, Policy } from './types';
import {
  applySplice,
  colonEnd,
  contentEnd,
  dashes,
  flowSeparator,
  lineEnd,
  lineStart,
  pairOf,
  setKey,
  spliceBetween,
  type Splice,
  startOf,
} from './yamlSplice';

export type { NewRule } from './ruleText';

export interface Edited {
  readonly text: string;
  /** The one change that leads there, for an editor's undo. Empty where the text already said it. */
  readonly splice: Splice;
}

export interface EditFailure {
  /** `invalid-policy`: the text has errors, so what an edit of it means is not known. `unsupported`: to be done as text. */
  readonly reason: 'invalid-policy' | 'no-such-rule' | 'unsupported';
  readonly message: string;
}

export type EditResult = Result<Edited, EditFailure>;

/** Inserts a rule so that it stands at `at` (default: last). Short forms become lists. */
export function addRule(text: string, rule: NewRule, { at }: { readonly at?: number } = {}): EditResult {
  return edit(text, (policy, found) => {
    const index = Math.min(Math.max(at ?? policy.rules.length, 0), policy.rules.length);
    const rules = policy.rules.map(newRuleOf);
    rules.splice(index, 0, rule);
    return { rules, texts: [insertRule(text, found, rule, index)] };
  });
}

/** A block of the whole host, before every other rule. No change where the host is blocked so already. */
export function blockHost(text: string, host: string): EditResult {
  const { policy } = parsePolicy(text);
  if (policy && blockedAlready(policy, host) !== undefined) return ok({ text, splice: spliceBetween(text, text) });
  return addRule(text, blockHostRule(host), { at: 0 });
}

export function removeRule(text: string, index: number): EditResult {
  return edit(text, (policy, found) => {
    if (!policy.rules[index]) return noSuchRule();
    return { rules: without(policy, index), texts: [deleteRule(text, found, index)] };
  });
}

/** Changes what differs and leaves the rest of the rule, with its comments, as it is written. */
export function updateRule(text: string, index: number, rule: NewRule): EditResult {
  return edit(text, (policy, found) => {
    if (!policy.rules[index]) return noSuchRule();
    const rules = policy.rules.map(newRuleOf);
    const old = rules[index]!;
    rules[index] = rule;
    return { rules, texts: [changeFields(text, index, old, rule), replaceRule(text, found, index, rule)] };
  });
}

/** Moves a rule, with the comments directly above it, so that it stands at `to`. */
export function moveRule(text: string, from: number, to: number): EditResult {
  return edit(text, (policy, found) => {
    const rules = policy.rules.map(newRuleOf);
    if (!rules[from] || !rules[to]) return noSuchRule();
    rules.splice(to, 0, ...rules.splice(from, 1));
    return { rules, texts: [from === to ? text : reorder(text, found, from, to)] };
  });
}

export function setMode(text: string, mode: Mode): EditResult {
  return edit(text, (policy, found) => ({
    rules: policy.rules.map(newRuleOf),
    mode,
    texts: [policy.mode === mode ? text : setTop(text, found, 'mode', mode)],
  }));
}

export function setDefault(text: string, action: Policy['default']): EditResult {
  return edit(text, (policy, found) => ({
    rules: policy.rules.map(newRuleOf),
    default: action,
    texts: [policy.default === action ? text : setTop(text, found, 'default', action)],
  }));
}

/** What the text must say after an edit, and texts that may say it, the gentlest first. */
interface Plan {
  readonly rules: readonly NewRule[];
  readonly mode?: Mode;
  readonly default?: Policy['default'];
  readonly texts: readonly (string | undefined)[];
}

/** The policy of a text that is to be edited, or why it cannot be. */
export function readable(text: string): Result<Policy, EditFailure> {
  const { policy, problems } = parsePolicy(text);
  if (policy) return ok(policy);
  const first = problems.find(({ severity }) => severity === 'error');
  const message = `The policy has an error in line ${first?.line ?? 1}: correct it as text first.`;
  return err({ reason: 'invalid-policy', message });
}

export const eolOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

/** The nodes of a text with their places in it. */
export const parseForEdit = (text: string): unknown =>
  parseDocument(text, { version: '1.2', merge: false, uniqueKeys: false, keepSourceTokens: true }).contents;

function edit(text: string, plan: (policy: Policy, found: Located) => Plan | EditFailure): EditResult {
  const before = readable(text);
  if (!before.ok) return before;
  const planned = plan(before.value, locate(text));
  if ('reason' in planned) return err(planned);
  const wanted = { ...before.value, ...planned };
  for (const after of planned.texts)
    if (after !== undefined && says(after, wanted)) return ok({ text: after, splice: spliceBetween(text, after) });
  const message = 'This policy is written in a way that only an edit of its text can change.';
  return err({ reason: 'unsupported', message });
}

function says(text: string, wanted: Omit<Policy, 'rules'> & { readonly rules: readonly NewRule[] }): boolean {
  const { policy } = parsePolicy(text);
  if (policy?.mode !== wanted.mode || policy.default !== wanted.default) return false;
  const rest = ({ secrets, tests }: Pick<Policy, 'secrets' | 'tests'>) =>
    JSON.stringify([secrets, tests], (key, value: unknown) => (key === 'range' ? undefined : value));
  return (
    policy.rules.length === wanted.rules.length &&
    policy.rules.every((rule, i) => sameRule(newRuleOf(rule), wanted.rules[i]!)) &&
    rest(policy) === rest(wanted)
  );
}

const noSuchRule = (): EditFailure => ({ reason: 'no-such-rule', message: 'There is no such rule any more.' });
const without = (policy: Policy, index: number) => policy.rules.filter((_, i) => i !== index).map(newRuleOf);

/** Where things stand in a valid policy text. */
interface Located {
  readonly root: YAMLMap | YAMLSeq;
  /** The list of rules, where there is one. */
  readonly seq: YAMLSeq | undefined;
  /** The document is this one rule. */
  readonly single: YAMLMap | undefined;
  readonly rulesPair: Pair | undefined;
  readonly eol: string;
  readonly json: boolean;
}

function locate(text: string): Located {
  const root = parseForEdit(text) as YAMLMap | YAMLSeq;
  const eol = eolOf(text);
  const json = /^\uFEFF?\s*[{[]/.test(text);
  const none = { seq: undefined, single: undefined, rulesPair: undefined };
  if (isSeq(root)) return { ...none, root, seq: root, eol, json };
  if (root.has('type')) return { ...none, root, single: root, eol, json };
  const rulesPair = pairOf(root, 'rules');
  return { ...none, root, seq: isSeq(rulesPair?.value) ? rulesPair.value : undefined, rulesPair, eol, json };
}

const insert = (text: string, at: number, inserted: string) =>
  applySplice(text, { start: at, end: at, text: inserted });

/** Whole lines put before the line that begins at `at`, also where the text ends without a line end. */
function insertLines(text: string, at: number, lines: string, eol: string): string {
  if (at === 0 || /[\n\uFEFF]$/.test(text.slice(0, at))) return insert(text, at, lines);
  return insert(text, at, eol + (at === text.length ? lines.slice(0, -eol.length) : lines));
}

function insertRule(text: string, found: Located, rule: NewRule, index: number): string {
  const { seq, eol, json } = found;
  if (!seq || seq.items.length === 0) return insertFirstRules(text, found, rule, index);
  const { items } = seq;
  const next = items[index];
  if (seq.flow === true) {
    const written = flowRule(rule, json);
    if (next) return insert(text, startOf(next), written + flowSeparator(text, startOf(next), eol));
    const last = items[items.length - 1];
    return insert(text, contentEnd(text, last), flowSeparator(text, startOf(last), eol) + written);
  }
  const lines = blockRule(rule, indentOf(text, seq), eol);
  if (next) return insertLines(text, blockStart(text, dashes(seq)[index]!), lines, eol);
  return insertLines(text, itemEnd(text, seq, items.length - 1), lines, eol);
}

/** There is no list yet, or an empty one: a single rule becomes a list, a missing or empty `rules:` gets one. */
function insertFirstRules(text: string, found: Located, rule: NewRule, index: number): string {
  const { root, single, seq, rulesPair, eol, json } = found;
  if (single) {
    const list = asList(text, single);
    return insertRule(list, locate(list), rule, index);
  }
  if (seq && seq === root)
    return applySplice(text, { start: startOf(seq), end: contentEnd(text, seq), text: `[${flowRule(rule, json)}]` });
  const map = root as YAMLMap;
  if (map.flow === true) {
    const written = `[${flowRule(rule, json)}]`;
    if (rulesPair) {
      const start = colonEnd(text, rulesPair);
      const end = rulesPair.value ? contentEnd(text, rulesPair.value) : start;
      return applySplice(text, { start, end, text: ` ${written}` });
    }
    const last = map.items[map.items.length - 1];
    const at = last ? contentEnd(text, last.value ?? last.key) : startOf(map) + 1;
    return insert(text, at, `${last ? flowSeparator(text, startOf(last.key), eol) : ''}"rules": ${written}`);
  }
  const lines = blockRule(rule, '  ', eol);
  if (!rulesPair) return insertLines(text, lineEnd(text, contentEnd(text, map)), `rules:${eol}${lines}`, eol);
  const start = colonEnd(text, rulesPair);
  const end = seq ? contentEnd(text, seq) : start;
  const emptied = applySplice(text, { start, end, text: '' });
  return insertLines(emptied, lineEnd(emptied, start), lines, eol);
}

/** A document that is one rule, as a list of one. */
function asList(text: string, single: YAMLMap): string {
  const start = startOf(single);
  const end = contentEnd(text, single);
  if (single.flow === true) return applySplice(text, { start, end, text: `[${text.slice(start, end)}]` });
  const lines = text.slice(start, end).split('\n');
  const shifted = lines.map((line, i) => (i === 0 ? `- ${line}` : line.trim() === '' ? line : `  ${line}`));
  return applySplice(text, { start, end, text: shifted.join('\n') });
}

function deleteRule(text: string, { seq, single, root, rulesPair, eol }: Located, index: number): string | undefined {
  if (single) {
    const end = contentEnd(text, single);
    return applySplice(text, { start: startOf(single), end, text: '[]' });
  }
  if (!seq) return undefined;
  const { items } = seq;
  const item = items[index];
  if (seq.flow === true) {
    const next = items[index + 1];
    const previous = items[index - 1];
    const start = next || !previous ? startOf(item) : contentEnd(text, previous);
    return applySplice(text, { start, end: next ? startOf(next) : contentEnd(text, item), text: '' });
  }
  const start = lineStart(text, dashes(seq)[index]!);
  const end = itemEnd(text, seq, index);
  const removed = applySplice(text, { start, end, text: '' });
  if (items.length > 1) return removed;
  // "rules:" with nothing below would be null, and an empty text no policy: say that the list is empty.
  if (seq === root) return applySplice(text, { start, end, text: `[]${eol}` });
  return rulesPair && insert(removed, colonEnd(text, rulesPair), ' []');
}

function replaceRule(
  text: string,
  { seq, single, eol, json }: Located,
  index: number,
  rule: NewRule,
): string | undefined {
  const item = single ?? (seq?.items[index] as YAMLMap | undefined);
  if (!item) return undefined;
  if (seq && seq.flow !== true && item.flow !== true) {
    const lines = blockRule(rule, indentOf(text, seq), eol);
    const start = lineStart(text, dashes(seq)[index]!);
    const end = lineEnd(text, contentEnd(text, item));
    return applySplice(text, { start, end, text: text.slice(0, end).endsWith('\n') ? lines : lines.trimEnd() });
  }
  if (item.flow !== true) return undefined;
  return applySplice(text, { start: startOf(item), end: contentEnd(text, item), text: flowRule(rule, json) });
}

/** One key after the other, each found anew in the changed text. */
function changeFields(text: string, index: number, old: NewRule, rule: NewRule): string | undefined {
  const own: readonly string[] = RULE_KEYS.filter((key) => key !== 'condition');
  const inMatch = Object.keys(matchFields(rule));
  let changed: string | undefined = text;
  const step = (inside: 'rule' | 'match', key: string, value: RuleValue | undefined) => {
    if (changed === undefined) return;
    const { seq, single, eol } = locate(changed);
    const item = single ?? (seq?.items[index] as YAMLMap | undefined);
    const map = inside === 'rule' ? item : (item?.getIn(['condition', 'match']) as YAMLMap | undefined);
    if (!isMap(map)) return void (changed = undefined);
    const order = inside === 'rule' ? own : inMatch;
    if (key === 'action' && !map.has('action')) return;
    const splice = setKey(changed, map, key, value, { before: order.slice(0, order.indexOf(key)), eol });
    changed = splice && applySplice(changed, splice);
  };
  const fields: readonly (readonly ['rule' | 'match', RuleFields, RuleFields])[] = [
    ['match', matchFields(old), matchFields(rule)],
    ['rule', ownFields(old), ownFields(rule)],
  ];
  if (old.type !== rule.type) step('rule', 'action', rule.type === 'block' ? 'deny' : 'allow');
  for (const [inside, before, after] of fields)
    for (const key of Object.keys(after))
      if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) step(inside, key, after[key]);
  return changed;
}

function reorder(text: string, { seq, eol }: Located, from: number, to: number): string | undefined {
  if (!seq) return undefined;
  const { items } = seq;
  const pieces: string[] = [];
  const starts = seq.flow === true ? items.map(startOf) : dashes(seq).map((dash) => blockStart(text, dash));
  const ends =
    seq.flow === true
      ? items.map((item) => contentEnd(text, item))
      : starts.map((_, i) => starts[i + 1] ?? itemEnd(text, seq, i));
  starts.forEach((start, i) => pieces.push(text.slice(start, ends[i])));
  const lastEnds = seq.flow === true || pieces[pieces.length - 1]!.endsWith('\n');
  if (!lastEnds) pieces.push(`${pieces.pop()!}${eol}`);
  const gaps = starts.map((start, i) => (i === 0 ? '' : text.slice(ends[i - 1], start)));
  pieces.splice(to, 0, ...pieces.splice(from, 1));
  let joined = pieces.map((piece, i) => gaps[i]! + piece).join('');
  if (!lastEnds) joined = joined.slice(0, -eol.length);
  return applySplice(text, { start: starts[0]!, end: ends[ends.length - 1]!, text: joined });
}

function setTop(
  text: string,
  { root, single, eol, json }: Located,
  key: 'mode' | 'default',
  value: string,
): string | undefined {
  if (single) {
    const list = asList(text, single);
    return setTop(list, locate(list), key, value);
  }
  if (isSeq(root)) {
    const start = startOf(root);
    const end = contentEnd(text, root);
    if (root.flow === true) {
      const list = text.slice(start, end);
      const written = json ? `{"${key}": "${value}", "rules": ${list}}` : `{ ${key}: ${value}, rules: ${list} }`;
      return applySplice(text, { start, end, text: written });
    }
    return insertLines(text, blockStart(text, dashes(root)[0]!), `${key}: ${value}${eol}rules:${eol}`, eol);
  }
  const before = key === 'mode' ? ['version'] : ['version', 'mode'];
  const known = before.some((name) => root.has(name)) || root.has(key);
  const first = root.items[0];
  if (known || !first) {
    const splice = setKey(text, root, key, value, { before, eol });
    return splice && applySplice(text, splice);
  }
  const quote = isScalar(first.key) && first.key.type === 'QUOTE_DOUBLE' ? '"' : '';
  const entry = `${quote}${key}${quote}: ${quote}${value}${quote}`;
  if (root.flow === true) return insert(text, startOf(first.key), entry + flowSeparator(text, startOf(first.key), eol));
  return insertLines(text, lineStart(text, startOf(first.key)), `${entry}${eol}`, eol);
}

const indentOf = (text: string, seq: YAMLSeq) => text.slice(lineStart(text, dashes(seq)[0]!), dashes(seq)[0]);

/** The start of an item with the comment lines directly above it that are not indented into the item before. */
function blockStart(text: string, dash: number): number {
  let start = lineStart(text, dash);
  const column = dash - start;
  while (start > lineStart(text, 0)) {
    const above = lineStart(text, start - 1);
    const comment = /^( *)#/.exec(text.slice(above, start));
    if (!comment || comment[1]!.length > column) break;
    start = above;
  }
  return start;
}

/** Just past the last line of an item, with the comment lines right below that are indented into it. */
function itemEnd(text: string, seq: YAMLSeq, index: number): number {
  const column = indentOf(text, seq).length;
  let end = lineEnd(text, contentEnd(text, seq.items[index]));
  for (;;) {
    const next = lineEnd(text, end);
    const comment = /^( *)#/.exec(text.slice(end, next));
    if (!comment || comment[1]!.length <= column) return end;
    end = next;
  }
}

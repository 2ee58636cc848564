// Single changes of a YAML mapping as splices of its text: found by the ranges of the parsed nodes, touching nothing else.
// Knows YAML's two styles and no policy. What comes out is to be parsed and checked by the caller.
import { type CST, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { flowValue, isList, type RuleValue } from './ruleText';

/** Replace the text from `start` to `end` (UTF-16 units). */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function applySplice(text: string, { start, end, text: inserted }: Splice): string {
  return text.slice(0, start) + inserted + text.slice(end);
}

/** The smallest splice that makes one text of the other. */
export function spliceBetween(before: string, after: string): Splice {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let back = 0;
  while (back < shorter - start && before[before.length - 1 - back] === after[after.length - 1 - back]) back++;
  return { start, end: before.length - back, text: after.slice(start, after.length - back) };
}

/** Where the line of `at` begins; a byte order mark is before the first line. */
export function lineStart(text: string, at: number): number {
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  return start === 0 && text.startsWith('\uFEFF') ? 1 : start;
}

/** Just past the line end of `at`, or the end of the text. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

export const startOf = (node: unknown): number => (node as Node).range![0];

/** Where the content of a node ends, without the blank lines and comments that follow it. */
export function contentEnd(text: string, node: unknown): number {
  const range = (node as Node).range!;
  if (isMap(node) && node.flow !== true) {
    const last = node.items[node.items.length - 1];
    if (last) return pairEnd(text, last);
  }
  if (isSeq(node) && node.flow !== true && node.items.length > 0)
    return contentEnd(text, node.items[node.items.length - 1]);
  if (isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED'))
    return text.slice(0, range[1]).trimEnd().length;
  return range[1];
}

const pairEnd = (text: string, { key, value }: Pair) => contentEnd(text, value ?? key);

/** The offset of the dash of each item of a block sequence (the document is parsed with `keepSourceTokens`). */
export function dashes(seq: YAMLSeq): number[] {
  const token = seq.srcToken as CST.BlockSequence | undefined;
  return (token?.items ?? []).flatMap(({ start }) =>
    start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset),
  );
}

/** The offset just past the colon of a pair. */
export function colonEnd(text: string, { key, value }: Pair): number {
  const end = contentEnd(text, key);
  const limit = value === null || value === undefined ? text.length : startOf(value) + 1;
  const colon = text.slice(end, limit).indexOf(':');
  return colon < 0 ? end : end + colon + 1;
}

export function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** Sets, adds or (for undefined) removes a key. A new key goes after the last of `before` that is there. */
export function setKey(
  text: string,
  map: YAMLMap,
  key: string,
  value: RuleValue | undefined,
  { before, eol }: { readonly before: readonly string[]; readonly eol: string },
): Splice | undefined {
  const index = map.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
  const pair = map.items[index];
  if (pair) return value === undefined ? removePair(text, map, index) : replaceValue(text, map, pair, value, eol);
  if (value === undefined) return undefined;
  const previous = map.items.filter((item) => isScalar(item.key) && before.includes(String(item.key.value))).pop();
  return insertPair(text, map, previous, quoted(key, quoteOfKeys(text, map)), value, eol);
}

type Quote = '' | '"' | "'";

function quoteAt(text: string, at: number): Quote {
  const char = text[at];
  return char === '"' || char === "'" ? char : '';
}

const quoted = (word: string, quote: Quote) => `${quote}${word}${quote}`;

function quoteOfKeys(text: string, map: YAMLMap): Quote {
  const first = map.items[0];
  if (first) return quoteAt(text, startOf(first.key));
  return /^\uFEFF?\s*[{[]/.test(text) ? '"' : '';
}

/** Texts in JSON are in quotes. */
const quoteOfValues = (text: string, map: YAMLMap): Quote => (map.flow === true ? quoteOfKeys(text, map) : '');

/** Whether each entry of a flow collection has a line of its own. */
function ownLine(text: string, at: number): boolean {
  return text.slice(lineStart(text, at), at).trim() === '';
}

/** What goes between two entries of a flow collection, where `at` is one of them. */
export function flowSeparator(text: string, at: number, eol: string): string {
  return ownLine(text, at) ? `,${eol}${text.slice(lineStart(text, at), at)}` : ', ';
}

function insertPair(
  text: string,
  map: YAMLMap,
  previous: Pair | undefined,
  key: string,
  value: RuleValue,
  eol: string,
) {
  const entry = `${key}: ${flowValue(value, quoteOfValues(text, map))}`;
  const last = previous ?? map.items[map.items.length - 1];
  if (map.flow === true) {
    if (!last) return { start: startOf(map) + 1, end: startOf(map) + 1, text: ` ${entry} ` };
    const at = pairEnd(text, last);
    return { start: at, end: at, text: `${flowSeparator(text, startOf(last.key), eol)}${entry}` };
  }
  if (!last) return undefined;
  const at = lineEnd(text, pairEnd(text, last));
  const column = startOf(map.items[0]!.key) - lineStart(text, startOf(map.items[0]!.key));
  const line = `${' '.repeat(column)}${entry}`;
  return { start: at, end: at, text: text.slice(0, at).endsWith('\n') ? `${line}${eol}` : `${eol}${line}` };
}

function removePair(text: string, map: YAMLMap, index: number): Splice {
  const pair = map.items[index]!;
  const start = startOf(pair.key);
  const end = pairEnd(text, pair);
  if (map.flow === true) {
    const next = map.items[index + 1];
    if (next) return { start, end: startOf(next.key), text: '' };
    const previous = map.items[index - 1];
    return { start: previous ? pairEnd(text, previous) : start, end, text: '' };
  }
  if (ownLine(text, start)) return { start: lineStart(text, start), end: lineEnd(text, end), text: '' };
  // The first key of a sequence item shares its line with the dash: the next key (or comment) moves up to it.
  const rest = lineEnd(text, end);
  return { start, end: rest + /^[ \t]*/.exec(text.slice(rest))![0].length, text: '' };
}

function replaceValue(text: string, map: YAMLMap, pair: Pair, value: RuleValue, eol: string): Splice {
  const old = pair.value;
  const colon = colonEnd(text, pair);
  const quote = quoteOfValues(text, map);
  if (old === null || old === undefined) return { start: colon, end: colon, text: ` ${flowValue(value, quote)}` };
  // A list stays one, also of one; but `any` port is a word, not an entry.
  if (isSeq(old) && value !== 'any' && old.items.length > 0 && (isList(value) || typeof value !== 'object'))
    return replaceItems(text, old, isList(value) ? value : [value], eol);
  const collection = isSeq(old) || isMap(old);
  const block = collection ? old.flow !== true : isScalar(old) && old.type?.startsWith('BLOCK') === true;
  const start = block ? colon : startOf(old);
  const written = flowValue(value, isScalar(old) ? quoteAt(text, startOf(old)) || quote : quote);
  const end = contentEnd(text, old);
  return { start, end, text: block || start === end ? ` ${written}` : written };
}

/** Changes what differs between an old list and a new one; what is the same at both ends keeps its text. */
function replaceItems(text: string, seq: YAMLSeq, values: readonly (string | number)[], eol: string): Splice {
  const items = seq.items;
  const old = items.map((item) => (isScalar(item) ? item.value : undefined));
  let first = 0;
  while (first < old.length && first < values.length && old[first] === values[first]) first++;
  let same = 0;
  while (
    same < old.length - first &&
    same < values.length - first &&
    old[old.length - 1 - same] === values[values.length - 1 - same]
  )
    same++;
  const last = old.length - same;
  const quote = quoteAt(text, startOf(items[0]));
  const added = values.slice(first, values.length - same).map((value) => flowValue(value, quote));
  if (seq.flow !== true) {
    const starts = dashes(seq).map((dash) => lineStart(text, dash));
    const indent = ' '.repeat(dashes(seq)[0]! - starts[0]!);
    const start = starts[first] ?? lineEnd(text, contentEnd(text, items[items.length - 1]));
    const end = last > first ? lineEnd(text, contentEnd(text, items[last - 1])) : start;
    const lines = added.map((value) => `${indent}- ${value}${eol}`).join('');
    if (text.slice(0, start).endsWith('\n') || start === 0) return { start, end, text: lines };
    return { start, end, text: `${eol}${lines.trimEnd()}` };
  }
  const separator = flowSeparator(text, startOf(items[0]), eol);
  const joined = added.join(separator);
  if (last > first && added.length > 0)
    return { start: startOf(items[first]), end: contentEnd(text, items[last - 1]), text: joined };
  if (added.length > 0) {
    if (first > 0) {
      const at = contentEnd(text, items[first - 1]);
      return { start: at, end: at, text: `${separator}${joined}` };
    }
    return { start: startOf(items[0]), end: startOf(items[0]), text: `${joined}${separator}` };
  }
  if (last < items.length) return { start: startOf(items[first]), end: startOf(items[last]), text: '' };
  return { start: contentEnd(text, items[first - 1]), end: contentEnd(text, items[last - 1]), text: '' };
}

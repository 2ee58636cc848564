// Reads checked values out of YAML nodes and collects what is wrong with their places. Knows the forms of values, not what a
// policy means. Nothing unknown is passed over in silence.
import { isMap, isScalar, isSeq, type LineCounter, type Node, type YAMLMap } from 'yaml';
import type { Problem, Severity, TextRange } from './types';

export const scalarOf = (node: unknown): unknown => (isScalar(node) ? node.value : undefined);
/** A key with nothing after it. */
export const isEmptyNode = (node: unknown): boolean => node === null || (isScalar(node) && node.value === null);

export function rangeOf(node: unknown): TextRange {
  const range = (node as Node | null | undefined)?.range;
  return range ? { start: range[0], end: range[1] } : { start: 0, end: 0 };
}

export class YamlReader {
  readonly problems: Problem[] = [];

  /** `later`: keys of the language that this version does not have. */
  constructor(
    private readonly lines: LineCounter,
    private readonly text: string,
    private readonly later: ReadonlySet<string>,
  ) {}

  get failed(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }

  report(severity: Severity, code: string, message: string, range: TextRange): void {
    const { line, col } = this.lines.linePos(Math.min(range.start, this.text.length));
    this.problems.push({ severity, code, message, range, line: Math.max(line, 1), column: Math.max(col, 1) });
  }

  error(code: string, message: string, node: unknown): void {
    this.report('error', code, message, rangeOf(node));
  }

  /** The keys of a mapping, each known and there once. */
  keys(map: YAMLMap, known: readonly string[], of: string): Map<string, unknown> {
    const values = new Map<string, unknown>();
    for (const { key, value } of map.items) {
      const name = scalarOf(key);
      if (typeof name !== 'string') this.error('bad-value', `A key of ${of} is not a word.`, key);
      else if (values.has(name))
        this.error('duplicate-key', `"${name}" is there twice in ${of}: only one of them can be meant.`, key);
      else if (known.includes(name)) values.set(name, value);
      else if (this.later.has(name))
        this.error(
          'not-supported-yet',
          `"${name}" is not supported by this version, which refuses the file rather than ignore the limit.`,
          key,
        );
      else
        this.error(
          'unknown-key',
          `"${name}" is not a key of ${of}${didYouMean(name, known)}. Known: ${known.join(', ')}.`,
          key,
        );
    }
    return values;
  }

  choice<T extends string>(node: unknown, choices: readonly T[], name: string): T | undefined {
    if (node === undefined) return undefined;
    const value = scalarOf(node);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
      const hint = typeof value === 'string' ? didYouMean(value, choices) : '';
      this.error('bad-value', `"${name}" must be ${either(choices)}${hint}.`, node);
    }
    return found;
  }

  string(node: unknown, name: string): string | undefined {
    if (node === undefined) return undefined;
    const value = scalarOf(node);
    if (typeof value === 'string') return value;
    this.error('bad-value', `"${name}" must be text (put it in quotes).`, node);
    return undefined;
  }

  /** One text or a list of them, each checked; what `check` returns is what is wrong with one. */
  strings(node: unknown, name: string, check: (text: string) => string | undefined): string[] | undefined {
    if (node === undefined) return undefined;
    const items: unknown[] = isSeq(node) ? node.items : [node];
    if (items.length === 0) {
      this.error('bad-value', `"${name}" is an empty list: it would match nothing.`, node);
      return undefined;
    }
    const values: string[] = [];
    for (const item of items) {
      const value = scalarOf(item);
      const wrong = typeof value === 'string' && value !== '' ? check(value) : undefined;
      if (typeof value !== 'string' || value === '')
        this.error('bad-value', `"${name}" must be text or a list of texts (put "*" in quotes).`, item ?? node);
      else if (wrong !== undefined) this.error('bad-value', `"${value}" in "${name}": ${wrong}.`, item);
      else values.push(value);
    }
    return values;
  }

  /** The entries of a list, or of nothing. */
  items(node: unknown, name: string): readonly unknown[] {
    if (node === undefined || isEmptyNode(node)) return [];
    if (isSeq(node)) return node.items;
    this.error('bad-value', `"${name}" must be a list.`, node);
    return [];
  }

  map(node: unknown, message: string, code = 'bad-value', at: unknown = node): YAMLMap | undefined {
    if (isMap(node)) return node;
    this.error(code, message, node ?? at);
    return undefined;
  }
}

const either = (choices: readonly string[]) =>
  choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices[choices.length - 1]!}`;

/** ` (did you mean "host"?)` for a near miss, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= (candidate.length > 4 ? 2 : 1))
    .sort((a, b) => a.far - b.far)[0];
  return near ? ` (did you mean "${near.candidate}"?)` : '';
}

/** Edits that lead from one to the other, two letters exchanged counting as one. Long words are near to nothing. */
function distance(a: string, b: string): number {
  if (a.length > 40) return a.length;
  const rows = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const steps = [rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same];
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) steps.push(rows[i - 2]![j - 2]! + 1);
      row.push(Math.min(...steps));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

// The text of a .vscode/settings.json with our variables for the panel of Claude Code in it, and without them again. Spliced:
// comments, order, formatting and every entry of the user's stay.
import { findNodeAtLocation, getNodeValue, modify, type Node, parseTree } from 'jsonc-parser';

export interface Variable {
  readonly name: string;
  readonly value: string;
}

const KEY = 'claudeCode.environmentVariables';
const FORMAT = { insertSpaces: true, tabSize: 2 } as const;

/**
 * Ours behind the user's own, so that ours count. `text` undefined: a new file. Undefined when the text is not JSON (with
 * comments), or holds something else where we must write.
 */
export function addVariables(text: string | undefined, ours: readonly Variable[]): string | undefined {
  if (text === undefined || text.trim() === '') return `${JSON.stringify({ [KEY]: ours }, undefined, 2)}\n`;
  const root = parse(text);
  if (root?.type !== 'object') return undefined;
  const list = findNodeAtLocation(root, [KEY]);
  if (!list) return apply(text, modify(text, [KEY], ours, { formattingOptions: FORMAT }));
  if (list.type !== 'array') return undefined;
  const last = list.children?.at(-1);
  if (!last) return apply(text, modify(text, [KEY], ours, { formattingOptions: FORMAT }));
  // Before the bracket, not behind the last entry: a comment that trails it stays with it.
  const bracket = list.offset + list.length - 1;
  const between = text.slice(endOf(last), bracket);
  const indent = /\n([ \t]*)$/.exec(text.slice(0, last.offset))?.[1] ?? (between.includes('\n') ? '  ' : undefined);
  const [join, close] = indent === undefined ? [' ', ''] : [`\n${indent}`, /\n[ \t]*$/.exec(between)?.[0] ?? '\n'];
  const entries = ours.map((variable) => `${join}${JSON.stringify(variable)}`).join(',');
  return [
    text.slice(0, endOf(last)),
    commaIn(between) < 0 ? ',' : '',
    between.slice(0, between.length - /\s*$/.exec(between)![0].length),
    entries,
    close,
    text.slice(bracket),
  ].join('');
}

/** All entries of the setting, the user's and ours. */
export function variablesIn(text: string): readonly Variable[] {
  return entriesOf(text).map(({ variable }) => variable);
}

/** Whether all of ours are there, as they must be. */
export function holdsVariables(text: string, ours: readonly Variable[]): boolean {
  const there = new Set(variablesIn(text).map(keyOf));
  return ours.every((variable) => there.has(keyOf(variable)));
}

/** Without what equals one of ours; the key goes with its last entry unless the user had it. Undefined: not JSON any more. */
export function removeVariables(text: string, ours: readonly Variable[], keepKey: boolean): string | undefined {
  const root = parse(text);
  if (root?.type !== 'object') return undefined;
  const mine = new Set(ours.map(keyOf));
  let out = text;
  for (;;) {
    const entry = entriesOf(out).findLast(({ variable }) => mine.has(keyOf(variable)));
    if (!entry) break;
    out = removeEntry(out, entry.node);
  }
  const list = findNodeAtLocation(parse(out)!, [KEY]);
  if (out === text || keepKey || list?.type !== 'array' || (list.children ?? []).length > 0) return out;
  return apply(out, modify(out, [KEY], undefined, { formattingOptions: FORMAT }));
}

/** Whether the user had the key before us. */
export function hasKey(text: string | undefined): boolean {
  const root = text === undefined ? undefined : parse(text);
  return root?.type === 'object' && findNodeAtLocation(root, [KEY]) !== undefined;
}

function parse(text: string): Node | undefined {
  const errors: { error: number }[] = [];
  const root = parseTree(text, errors as never, { allowTrailingComma: true });
  return errors.length === 0 ? root : undefined;
}

interface Entry {
  readonly node: Node;
  readonly variable: Variable;
}

function entriesOf(text: string): Entry[] {
  const root = parse(text);
  const list = root?.type === 'object' ? findNodeAtLocation(root, [KEY]) : undefined;
  if (list?.type !== 'array') return [];
  return (list.children ?? []).flatMap((node) => {
    const variable = getNodeValue(node) as Partial<Variable> | null;
    return typeof variable?.name === 'string' && typeof variable.value === 'string'
      ? [{ node, variable: { name: variable.name, value: variable.value } }]
      : [];
  });
}

/** With its line, and with the comma that would be left over. */
function removeEntry(text: string, node: Node): string {
  const list = node.parent!;
  const bracket = list.offset + list.length - 1;
  const index = list.children!.indexOf(node);
  const next = list.children![index + 1];
  const previous = list.children![index - 1];
  const after = text.slice(endOf(node), next?.offset ?? bracket);
  const comma = commaIn(after);
  const end = endOf(node) + (comma < 0 ? 0 : comma + 1);
  const from = node.offset - /\s*$/.exec(text.slice(0, node.offset))![0].length;
  let before = text.slice(0, from);
  if (!next && comma < 0 && previous) {
    const gap = before.slice(endOf(previous));
    const left = commaIn(gap);
    if (left >= 0) before = before.slice(0, endOf(previous)) + gap.slice(0, left) + gap.slice(left + 1);
  }
  return before + text.slice(end);
}

const endOf = (node: Node) => node.offset + node.length;
const keyOf = ({ name, value }: Variable) => JSON.stringify([name, value]);
const apply = (text: string, edits: ReturnType<typeof modify>) =>
  [...edits]
    .sort((a, b) => b.offset - a.offset)
    .reduce((out, { offset, length, content }) => out.slice(0, offset) + content + out.slice(offset + length), text);

/** Where the first comma stands that is not in a comment; -1 without one. */
function commaIn(text: string): number {
  return text.replace(/\/\/[^\n]*|\/\*[^]*?\*\//g, (comment) => ' '.repeat(comment.length)).indexOf(',');
}

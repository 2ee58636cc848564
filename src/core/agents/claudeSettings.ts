// Claude Code's settings files: what we write into them for each level, merged as text so that everything of the user's stays
// as it is, and taken out again. One value of a wrong type voids the whole file for Claude Code: nothing unchecked is written.
import { type Node, createScanner, findNodeAtLocation, getNodeValue, parseTree } from 'jsonc-parser';
import { type Result, err, ok } from '../base/result';

/** What belongs into one settings file. Values have the types that Claude Code 2.1 takes. */
export interface ClaudeWiring {
  readonly env: Readonly<Record<string, string>>;
  /** `permissions.deny`, such as `Read(//home/me/.local/state/sandbox-agent/**)`. */
  readonly deny: readonly string[];
  /** Only for the level "confined commands". */
  readonly sandbox: ClaudeSandbox | undefined;
}

export interface ClaudeSandbox {
  readonly enabled: true;
  readonly failIfUnavailable: true;
  readonly allowUnsandboxedCommands: false;
  readonly network: { readonly allowedDomains: readonly string[]; readonly httpProxyPort?: number };
}

/** `twice`: a block that we must write into is there twice, and Claude Code reads the last one only. */
export type MergeProblem = 'invalid-json' | 'not-an-object' | 'wrong-type' | 'twice';

/** Blocks that we write into, with the types that they must have. */
const BLOCKS = [
  [['env'], 'object'],
  [['permissions'], 'object'],
  [['permissions', 'deny'], 'array'],
  [['sandbox'], 'object'],
  [['sandbox', 'network'], 'object'],
] as const;

/**
 * The text with our settings in it; `text` undefined: a new file. Comments, order and formatting of what is there stay.
 * Refused: text that is not JSON (with comments), or that holds something else where we must write.
 */
export function mergeClaudeSettings(text: string | undefined, wiring: ClaudeWiring): Result<string, MergeProblem> {
  if (text === undefined || text.trim() === '') return ok(`${JSON.stringify(fresh(wiring), undefined, 2)}\n`);
  const root = parse(text);
  if (!root) return err('invalid-json');
  if (root.type !== 'object') return err('not-an-object');
  for (const [keyPath, type] of BLOCKS) {
    const nodes = valuesAt(root, keyPath);
    if (nodes.some((node) => node.type !== type)) return err('wrong-type');
    if (nodes.length > 1) return err('twice');
  }
  let out = text;
  // Each new one becomes the first of its block, in front of what is there: appending would move a comment that trails the
  // last one. Backwards, so that they stand in their order.
  for (const [name, value] of Object.entries(wiring.env).reverse()) out = set(out, ['env', name], value);
  const denied = valueAt(out, ['permissions', 'deny']) as unknown[] | undefined;
  const missing = wiring.deny.filter((rule) => !denied?.includes(rule));
  if (denied)
    for (const rule of [...missing].reverse())
      out = insertFirst(out, valuesAt(parse(out)!, ['permissions', 'deny'])[0]!, JSON.stringify(rule));
  else if (missing.length > 0) out = set(out, ['permissions', 'deny'], missing);
  if (wiring.sandbox) {
    const { network, ...rest } = wiring.sandbox;
    for (const [key, value] of Object.entries(rest).reverse()) out = set(out, ['sandbox', key], value);
    for (const [key, value] of Object.entries(network).reverse()) out = set(out, ['sandbox', 'network', key], value);
  }
  return ok(out);
}

function fresh({ env, deny, sandbox }: ClaudeWiring): object {
  return { env, ...(deny.length > 0 ? { permissions: { deny } } : {}), ...(sandbox ? { sandbox } : {}) };
}

/**
 * What an edited file becomes without our settings: every leaf that we set gets its old value back or goes, unless the user
 * changed it since, and so does every element that we added to a list. Undefined when the text is no longer valid. `''` when
 * nothing of the user's is in it.
 */
export function removeOurs(now: string, before: string | undefined, after: string): string | undefined {
  if (!parse(now)) return undefined;
  const old = before === undefined ? undefined : parse(before);
  const ours = getNodeValue(parse(after)!) as object;
  let out = now;
  for (const [keyPath, value] of leaves(ours)) {
    const previous = old ? valuesAt(old, keyPath) : [];
    if (previous.length > 0 && previous.every((node) => same(getNodeValue(node), value))) continue;
    out = takeBack(out, keyPath, value, previous, before ?? '');
  }
  for (const keyPath of [['permissions', 'deny'], ['sandbox', 'network'], ['sandbox'], ['permissions'], ['env']]) {
    if (old && valuesAt(old, keyPath).length > 0) continue;
    // Innermost first; one that holds a comment of the user's stays.
    const empty = valuesAt(parse(out)!, keyPath).filter((node) => isBare(out, node));
    for (const node of empty.reverse()) out = cut(out, node.parent!);
  }
  const rest = parse(out);
  return before === undefined && rest && isBare(out, rest) && out.trim().length === rest.length ? '' : out;
}

/** One leaf: its k-th occurrence gets the k-th value that was there before, as it was written. */
function takeBack(
  text: string,
  keyPath: readonly string[],
  value: unknown,
  previous: readonly Node[],
  before: string,
): string {
  let out = text;
  const nodes = valuesAt(parse(text)!, keyPath);
  for (const [k, node] of [...nodes.entries()].reverse()) {
    const was = previous[k];
    if (same(getNodeValue(node), value)) {
      if (was) out = replace(out, node.offset, node.length, before.slice(was.offset, was.offset + was.length));
      else out = cut(out, node.parent!);
    } else if (Array.isArray(value) && node.type === 'array') {
      const kept = was ? (getNodeValue(was) as unknown[]) : [];
      const added = value.filter((item) => !kept.some((other) => same(other, item)));
      const elements = (node.children ?? []).filter((child) =>
        added.some((item) => same(item, getNodeValue(child) as unknown)),
      );
      for (const element of elements.reverse()) out = cut(out, element);
    }
  }
  return out;
}

/** The text without one element or property, its comma, and the line where nothing else stood. Comments around it stay. */
function cut(text: string, node: Node): string {
  const siblings = node.parent?.children ?? [];
  // An index into the list as it was parsed: those behind it may be gone, those before it are still there.
  const previous = siblings[siblings.indexOf(node) - 1];
  const end = node.offset + node.length;
  const next = commaAt(text, end);
  const last = next === undefined && previous ? commaAt(text, previous.offset + previous.length) : undefined;
  let out = text;
  if (next !== undefined) out = replace(out, next, 1, '');
  out = replace(out, node.offset, node.length, '');
  let at = node.offset;
  if (last !== undefined) {
    out = replace(out, last, 1, '');
    at--;
  }
  return closeGap(out, at);
}

/** At a place where something was taken out: the whole line goes if it is blank now, else the spaces behind it. */
function closeGap(text: string, at: number): string {
  const lineStart = Math.max(text.lastIndexOf('\n', at - 1), -1) + 1;
  const lineEnd = text.indexOf('\n', at);
  if (lineEnd >= 0 && lineStart > 0 && text.slice(lineStart, lineEnd).trim() === '')
    return text.slice(0, lineStart) + text.slice(lineEnd + 1);
  const gap = /^[ \t]*/.exec(text.slice(at))![0].length;
  return replace(text, at, gap, '');
}

/** Where the comma behind a value stands, past spaces and comments. */
function commaAt(text: string, from: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(from);
  scanner.scan();
  const offset = scanner.getTokenOffset();
  return text[offset] === ',' ? offset : undefined;
}

const replace = (text: string, offset: number, length: number, content: string) =>
  text.slice(0, offset) + content + text.slice(offset + length);

/** An empty object or list without so much as a comment in it. */
function isBare(text: string, node: Node): boolean {
  return (
    (node.type === 'object' || node.type === 'array') &&
    text.slice(node.offset + 1, node.offset + node.length - 1).trim() === ''
  );
}

/** Whether our settings are in the text, unchanged. */
export function holdsWiring(text: string, wiring: ClaudeWiring): boolean {
  const root = parse(text);
  if (!root) return false;
  const value = getNodeValue(root) as object;
  const env = Object.entries(wiring.env).every(([name, wanted]) => at(value, ['env', name]) === wanted);
  const deny = at(value, ['permissions', 'deny']);
  const denied = wiring.deny.every((rule) => Array.isArray(deny) && deny.includes(rule));
  return env && denied && (!wiring.sandbox || at(value, ['sandbox', 'enabled']) === true);
}

const ELSEWHERE = 'which would send the conversation elsewhere';
const ACCOUNT = 'with which the agent speaks to the model in the name of another account, whose owner may see it';
/** Variables in a committed settings file that work against the guard, and what they do. */
const HOSTILE_VARIABLES: readonly (readonly [RegExp, string])[] = [
  [/^(?:https?|all|no)_proxy$/i, 'which would lead traffic past the proxy'],
  [/^NODE_USE_ENV_PROXY$/, 'which would let programs on Node go past the proxy'],
  [/^ANTHROPIC_(?:BEDROCK_|VERTEX_)?BASE_URL$/, ELSEWHERE],
  [/^CLAUDE_CODE_USE_(?:BEDROCK|VERTEX)$/, ELSEWHERE],
  [/^ANTHROPIC_(?:AUTH_TOKEN|API_KEY)$/, ACCOUNT],
  [/^ANTHROPIC_CUSTOM_HEADERS$/, 'which adds headers of its own, credentials too, to each request to the model'],
  [
    /^(?:NODE_TLS_REJECT_UNAUTHORIZED|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/,
    'which changes whom the agent trusts',
  ],
];
const NOT_TAKEN_BACK = 'nothing of ours takes that back: take it out of the file, or do not start the agent here';

/**
 * Things in a settings file that weaken the guard or keep it from seeing traffic: each a sentence for the user. `pinned`:
 * variables that we set in a file which wins over this one.
 */
export function hostileSettings(text: string, pinned: ReadonlySet<string>): string[] {
  const root = parse(text);
  if (root?.type !== 'object') return [];
  const value = getNodeValue(root) as object;
  const env = (at(value, ['env']) ?? {}) as Record<string, unknown>;
  const found: string[] = [];
  for (const name of Object.keys(env)) {
    const what = HOSTILE_VARIABLES.find(([pattern]) => pattern.test(name))?.[1];
    if (what === undefined) continue;
    const held = pinned.has(name) ? 'the value that we set takes precedence' : NOT_TAKEN_BACK;
    found.push(`It sets ${name}, ${what}; ${held}.`);
  }
  if (at(value, ['apiKeyHelper']) !== undefined)
    found.push(
      `It sets apiKeyHelper, a command of its own that runs and gives the key, ${ACCOUNT}; ${NOT_TAKEN_BACK}.`,
    );
  if (at(value, ['sandbox', 'network', 'tlsTerminate']) !== undefined)
    found.push(
      'It sets sandbox.network.tlsTerminate, which does not chain to a proxy: https requests of its commands fail and are not seen.',
    );
  return found;
}

function parse(text: string): Node | undefined {
  const errors: { error: number }[] = [];
  const root = parseTree(text, errors as never, { allowTrailingComma: true });
  return errors.length === 0 ? root : undefined;
}

function valueAt(text: string, keyPath: readonly string[]): unknown {
  const root = parse(text);
  const node = root && findNodeAtLocation(root, [...keyPath]);
  return node && (getNodeValue(node) as unknown);
}

/** Every value at a path, also where a key is there twice: programs read the last, editors show the first. */
function valuesAt(root: Node, keyPath: readonly string[]): Node[] {
  let nodes = [root];
  for (const key of keyPath)
    nodes = nodes.flatMap((node) =>
      node.type !== 'object'
        ? []
        : (node.children ?? []).flatMap(({ children: [name, value] = [] }) =>
            value && name?.value === key ? [value] : [],
          ),
    );
  return nodes;
}

/** In each place where the key stands, or in a new one. */
function set(text: string, keyPath: readonly string[], value: unknown): string {
  const there = valuesAt(parse(text)!, keyPath);
  if (there.length > 0)
    return there.reduceRight((out, node) => replace(out, node.offset, node.length, JSON.stringify(value)), text);
  // The innermost block that is there gets a property with the rest of the path in it.
  const depth = keyPath.findLastIndex((_, i) => valuesAt(parse(text)!, keyPath.slice(0, i)).length > 0);
  const block = valuesAt(parse(text)!, keyPath.slice(0, depth)).at(-1)!;
  const nested = keyPath.slice(depth + 1).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return insertFirst(text, block, `${JSON.stringify(keyPath[depth])}: ${JSON.stringify(nested, undefined, 2)}`);
}

/** A property or an element in front of those that are there, laid out as the first of them is. */
function insertFirst(text: string, block: Node, content: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const first = block.children?.[0];
  if (first) {
    const gap = /(?:\r?\n)?[ \t]*$/.exec(text.slice(0, first.offset))![0];
    const separator = gap.includes('\n') ? gap : ' ';
    return replace(text, first.offset, 0, `${laidOut(content, separator)},${separator}`);
  }
  const inside = block.offset + 1;
  if (block.type === 'array') return replace(text, inside, 0, laidOut(content, ''));
  const outer = /(?:^|\n)([ \t]*)[^\n]*$/.exec(text.slice(0, inside))![1]!;
  const closes = /^[ \t]*\}/.test(text.slice(inside));
  const line = `${eol}${outer}  `;
  return replace(text, inside, 0, `${line}${laidOut(content, line)}${closes ? `${eol}${outer}` : ''}`);
}

/** Pretty JSON in a block of lines that begin with `separator`; on one line where that is none. */
function laidOut(json: string, separator: string): string {
  return separator.includes('\n') ? json.replaceAll('\n', separator) : json.replace(/\n */g, ' ');
}

function at(value: unknown, keyPath: readonly string[]): unknown {
  return keyPath.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function leaves(value: object, keyPath: readonly string[] = []): [string[], unknown][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string[], unknown][] =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? leaves(inner, [...keyPath, key])
      : [[[...keyPath, key], inner]],
  );
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

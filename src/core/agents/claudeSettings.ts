// Claude Code's settings files: what we write into them for each level, merged as text so that everything of the user's stays
// as it is, and taken out again. One value of a wrong type voids the whole file for Claude Code: nothing unchecked is written.
import { type Edit, type Node, findNodeAtLocation, getNodeValue, modify, parseTree } from 'jsonc-parser';
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

export type MergeProblem = 'invalid-json' | 'not-an-object' | 'wrong-type';

const FORMAT = { insertSpaces: true, tabSize: 2 } as const;

/**
 * The text with our settings in it; `text` undefined: a new file. Comments, order and formatting of what is there stay.
 * Refused: text that is not JSON (with comments), or that holds something else where we must write.
 */
export function mergeClaudeSettings(text: string | undefined, wiring: ClaudeWiring): Result<string, MergeProblem> {
  if (text === undefined || text.trim() === '') return ok(`${JSON.stringify(fresh(wiring), undefined, 2)}\n`);
  const root = parse(text);
  if (!root) return err('invalid-json');
  if (root.type !== 'object') return err('not-an-object');
  for (const [keyPath, type] of [
    [['env'], 'object'],
    [['permissions'], 'object'],
    [['permissions', 'deny'], 'array'],
    [['sandbox'], 'object'],
  ] as const) {
    const node = findNodeAtLocation(root, [...keyPath]);
    if (node && node.type !== type) return err('wrong-type');
  }
  let out = text;
  for (const [name, value] of Object.entries(wiring.env)) out = set(out, ['env', name], value);
  const denied = valueAt(out, ['permissions', 'deny']) as unknown[] | undefined;
  const missing = wiring.deny.filter((rule) => !denied?.includes(rule));
  // At index 0: appending would move a comment that trails the last element.
  if (denied) for (const rule of missing) out = insertFirst(out, ['permissions', 'deny'], rule);
  else if (missing.length > 0) out = set(out, ['permissions', 'deny'], missing);
  if (wiring.sandbox) {
    const { network, ...rest } = wiring.sandbox;
    for (const [key, value] of Object.entries(rest)) out = set(out, ['sandbox', key], value);
    for (const [key, value] of Object.entries(network)) out = set(out, ['sandbox', 'network', key], value);
  }
  return ok(out);
}

function fresh({ env, deny, sandbox }: ClaudeWiring): object {
  return { env, ...(deny.length > 0 ? { permissions: { deny } } : {}), ...(sandbox ? { sandbox } : {}) };
}

/**
 * What an edited file becomes without our settings: every leaf that we set gets its old value back or goes, unless the user
 * changed it since. Undefined when the text is no longer valid. `''` when nothing of the user's is in it.
 */
export function removeOurs(now: string, before: string | undefined, after: string): string | undefined {
  if (!parse(now)) return undefined;
  const old = before === undefined ? {} : (getNodeValue(parse(before)!) as object);
  const ours = getNodeValue(parse(after)!) as object;
  let out = now;
  for (const [keyPath, value] of leaves(ours)) {
    const previous = at(old, keyPath);
    if (same(previous, value)) continue;
    const current = valueAt(out, keyPath);
    if (same(current, value)) out = set(out, keyPath, previous);
    else if (Array.isArray(value) && Array.isArray(current)) {
      const added = value.filter((item) => !(Array.isArray(previous) && previous.includes(item)));
      for (const item of added) {
        const index = (valueAt(out, keyPath) as unknown[]).indexOf(item);
        if (index >= 0) out = set(out, [...keyPath, index], undefined);
      }
      if (previous === undefined && (valueAt(out, keyPath) as unknown[]).length === 0)
        out = set(out, keyPath, undefined);
    }
  }
  for (const keyPath of [['sandbox', 'network'], ['sandbox'], ['permissions'], ['env']]) {
    const value = valueAt(out, keyPath);
    if (
      at(old, keyPath) === undefined &&
      typeof value === 'object' &&
      value !== null &&
      Object.keys(value).length === 0
    )
      out = set(out, keyPath, undefined);
  }
  const rest = parse(out);
  return before === undefined && rest && Object.keys(getNodeValue(rest) as object).length === 0 ? '' : out;
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

/** Things in a settings file that weaken the guard or keep it from seeing traffic: each a sentence for the user. */
export function hostileSettings(text: string): string[] {
  const root = parse(text);
  if (root?.type !== 'object') return [];
  const value = getNodeValue(root) as object;
  const env = (at(value, ['env']) ?? {}) as Record<string, unknown>;
  const found: string[] = [];
  for (const name of Object.keys(env)) {
    if (/^(?:https?|all|no)_proxy$/i.test(name))
      found.push(`It sets ${name}, which would lead traffic past the proxy; the local settings take precedence.`);
    if (/^ANTHROPIC_(?:BASE_URL|AUTH_TOKEN|API_KEY)$/.test(name))
      found.push(`It sets ${name}, which would send the conversation elsewhere; the local settings take precedence.`);
    if (/^(?:NODE_TLS_REJECT_UNAUTHORIZED|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/.test(name))
      found.push(`It sets ${name}, which changes whom the agent trusts.`);
  }
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

function valueAt(text: string, keyPath: readonly (string | number)[]): unknown {
  const root = parse(text);
  const node = root && findNodeAtLocation(root, [...keyPath]);
  return node && (getNodeValue(node) as unknown);
}

function set(text: string, keyPath: readonly (string | number)[], value: unknown): string {
  return apply(
    text,
    modify(text, [...keyPath], value, { formattingOptions: { ...FORMAT, eol: text.includes('\r\n') ? '\r\n' : '\n' } }),
  );
}

function insertFirst(text: string, keyPath: readonly string[], value: unknown): string {
  return apply(
    text,
    modify(text, [...keyPath, 0], value, {
      isArrayInsertion: true,
      formattingOptions: { ...FORMAT, eol: text.includes('\r\n') ? '\r\n' : '\n' },
    }),
  );
}

function apply(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.offset - a.offset)
    .reduce((out, { offset, length, content }) => out.slice(0, offset) + content + out.slice(offset + length), text);
}

function at(value: unknown, keyPath: readonly (string | number)[]): unknown {
  return keyPath.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string | number, unknown>)[key] : undefined,
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

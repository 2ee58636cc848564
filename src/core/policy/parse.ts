// Policy text to policy, or to problems with their place. Every key and value is checked; nothing unknown is ignored: a
// text with an error is never in force. YAML by the `yaml` library (JSON is YAML), ranges from its nodes.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { checkHostPattern } from './hosts';
import type {
  Addresses,
  Match,
  Mode,
  ParsedPolicy,
  Policy,
  PolicyTest,
  Problem,
  Rule,
  RuleType,
  Scheme,
  SecretBinding,
  Severity,
  TextRange,
} from './types';

export const MODES: readonly Mode[] = ['monitor', 'ask', 'enforce'];
export const RULE_TYPES: readonly RuleType[] = ['allow', 'block', 'tunnel'];
const SCHEMES: readonly Scheme[] = ['http', 'https', 'ws', 'wss'];
const TOP_KEYS = ['version', 'mode', 'default', 'rules', 'secrets', 'tests'];
const RULE_KEYS = ['type', 'description', 'condition', 'action', 'addresses', 'acknowledge'];
const MATCH_KEYS = ['host', 'port', 'scheme', 'method', 'path', 'agent'];
/** Part of the language, but not of this version: refused, because ignoring a limit would open what it was to close. */
const LATER = new Set([
  'limit',
  'expires',
  'query',
  'header',
  'all',
  'any',
  'not',
  'credentials',
  'upstream',
  'websocket',
  'contentType',
  'maxBodyBytes',
  'graphql',
  'mcp',
]);
const PLACE = /^(?:basic|(?:header|query):[!#$%&'*+\-.^_`|~0-9A-Za-z]+)$/;
const NEVER_PLACES = new Set(['cookie', 'referer', 'user-agent', 'host']);

/** Parses a policy document in the full form, as a single rule, or as a list of rules. Never throws. */
export function parsePolicy(text: string): ParsedPolicy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2', merge: false });
  const reader = new Reader(lines, text);
  for (const error of document.errors)
    reader.report(
      'error',
      'yaml',
      `This is not valid YAML: ${error.message.split('\n')[0]!.replace(/ at line \d+.*$/, '')}.`,
      { start: error.pos[0], end: error.pos[1] },
    );
  if (document.errors.length > 0) return { policy: undefined, problems: reader.problems };
  refuseAliases(document, reader);
  const policy = reader.document(document.contents as Node | null);
  const failed = reader.problems.some((problem) => problem.severity === 'error');
  return { policy: failed ? undefined : policy, problems: reader.problems };
}

/** Anchors and aliases make a rule mean something written elsewhere: a reviewer must see what a rule says where it stands. */
function refuseAliases(document: Document, reader: Reader): void {
  visit(document, {
    Alias: (_, node) =>
      reader.report(
        'error',
        'alias',
        'Aliases are not allowed in a policy: write the value where it is meant.',
        rangeOf(node),
      ),
  });
}

function rangeOf(node: unknown): TextRange {
  const range = (node as Node | null)?.range;
  return range ? { start: range[0], end: range[1] } : { start: 0, end: 0 };
}

class Reader {
  readonly problems: Problem[] = [];

  constructor(
    private readonly lines: LineCounter,
    private readonly text: string,
  ) {}

  report(severity: Severity, code: string, message: string, range: TextRange): void {
    const { line, col } = this.lines.linePos(Math.min(range.start, this.text.length));
    this.problems.push({ severity, code, message, range, line: Math.max(line, 1), column: Math.max(col, 1) });
  }

  #error(code: string, message: string, node: unknown): undefined {
    this.report('error', code, message, rangeOf(node));
    return undefined;
  }

  document(root: Node | null): Policy | undefined {
    if (root === null || (isScalar(root) && root.value === null))
      return this.#error(
        'empty',
        'The policy is empty. Nothing of it is in force; write "rules:" or delete the file to start again.',
        root,
      );
    const short = { mode: 'enforce', default: 'block', secrets: [], tests: [] } as const;
    if (isSeq(root)) return { ...short, rules: root.items.flatMap((item, index) => this.#rule(item, index) ?? []) };
    if (!isMap(root))
      return this.#error('bad-value', 'A policy is a mapping with "rules:", a list of rules, or one rule.', root);
    if (root.has('type')) return { ...short, rules: [this.#rule(root, 0)].flatMap((rule) => rule ?? []) };
    return this.#full(root);
  }

  #full(root: YAMLMap): Policy {
    const values = this.#keys(root, TOP_KEYS, 'the policy');
    const version = values.get('version');
    if (version !== undefined && scalar(version) !== 1) this.#error('bad-value', '"version" must be 1.', version);
    const mode = this.#choice(values.get('mode'), MODES, 'mode') ?? 'enforce';
    if (mode === 'ask')
      this.report(
        'warning',
        'ask-blocks',
        'Mode "ask" has nobody to ask yet: until it has, it blocks like "enforce".',
        rangeOf(values.get('mode')),
      );
    const rules = values.get('rules');
    if (rules !== undefined && !isSeq(rules) && !isEmpty(rules))
      this.#error('bad-value', '"rules" must be a list.', rules);
    return {
      mode,
      default: this.#choice(values.get('default'), ['block', 'allow'] as const, 'default') ?? 'block',
      rules: isSeq(rules) ? rules.items.flatMap((item, index) => this.#rule(item, index) ?? []) : [],
      secrets: this.#secrets(values.get('secrets')),
      tests: this.#tests(values.get('tests')),
    };
  }

  #rule(node: unknown, index: number): Rule | undefined {
    if (!isMap(node)) return this.#error('bad-value', 'A rule is a mapping with "type" and "condition".', node);
    const values = this.#keys(node, RULE_KEYS, 'a rule');
    const typeNode = values.get('type');
    if (typeNode === undefined)
      return this.#error('missing-type', 'The rule has no "type": write allow, block or tunnel.', node);
    if (scalar(typeNode) === 'reroute')
      return this.#error(
        'not-supported-yet',
        'Rules of type "reroute" are not supported by this version: the file is refused rather than read without them.',
        typeNode,
      );
    const type = this.#choice(typeNode, RULE_TYPES, 'type');
    if (!type) return undefined;
    this.#checkAction(values.get('action'), type);
    const match = this.#condition(values.get('condition'), type);
    const addresses: Addresses =
      this.#choice(values.get('addresses'), ['public', 'any'] as const, 'addresses') ?? 'public';
    const acknowledge = this.#choice(values.get('acknowledge'), ['any-host'] as const, 'acknowledge');
    if (match && type !== 'block' && acknowledge === undefined) {
      const wide = match.host ? match.host.find(isWide) : '*';
      if (wide !== undefined)
        this.#error(
          'any-host',
          `This rule opens ${wide === '*' ? 'every host' : `all of ${wide}`}. If that is meant, add "acknowledge: any-host" to it.`,
          node,
        );
    }
    if (match && type === 'tunnel' && (match.method ?? match.path ?? match.scheme))
      this.#error('bad-value', 'A tunnel is not read: it can be limited by host, port and agent only.', node);
    return (
      match && {
        index,
        type,
        description: this.#text(values.get('description'), 'description'),
        match,
        addresses,
        range: rangeOf(node),
      }
    );
  }

  #checkAction(node: unknown, type: RuleType): void {
    if (node === undefined) return;
    const action = this.#choice(node, ['allow', 'deny'] as const, 'action');
    if (action && (action === 'deny') !== (type === 'block'))
      this.#error(
        'conflict',
        `"type: ${type}" and "action: ${action}" contradict each other: remove one of them.`,
        node,
      );
  }

  #condition(node: unknown, type: RuleType): Match | undefined {
    if (node === undefined)
      return type === 'block'
        ? this.#error(
            'missing-condition',
            'A rule needs a "condition". To block everything use "default: block".',
            node,
          )
        : this.#error('missing-condition', 'A rule needs a "condition" with "match".', node);
    if (!isMap(node)) return this.#error('bad-value', '"condition" must be a mapping with "match".', node);
    const match = this.#keys(node, ['match'], 'a condition').get('match');
    if (!isMap(match))
      return this.#error('missing-condition', 'A condition needs "match" with at least one field.', node);
    const values = this.#keys(match, MATCH_KEYS, 'a match');
    if (values.size === 0)
      return this.#error('missing-condition', '"match" names nothing: give it at least a host.', match);
    const hosts = this.#list(values.get('host'), 'host', (text) => checkHostPattern(text));
    return {
      host: hosts,
      port: this.#ports(values.get('port')),
      scheme: this.#list(values.get('scheme'), 'scheme', (text) =>
        SCHEMES.includes(text as Scheme) ? undefined : `must be ${SCHEMES.join(', ')}`,
      ) as Scheme[] | undefined,
      method: this.#list(values.get('method'), 'method', checkMethod),
      path: this.#list(values.get('path'), 'path', checkPath),
      agent: this.#list(values.get('agent'), 'agent', () => undefined),
    };
  }

  #ports(node: unknown): number[] | 'any' | undefined {
    if (node === undefined) return undefined;
    if (scalar(node) === 'any') return 'any';
    const ports = (isSeq(node) ? node.items : [node]).map(scalar);
    if (
      ports.length > 0 &&
      ports.every(
        (port): port is number => Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65535,
      )
    )
      return ports;
    return this.#error('bad-value', '"port" must be a number from 1 to 65535, a list of them, or "any".', node);
  }

  #secrets(node: unknown): SecretBinding[] {
    if (node === undefined || isEmpty(node)) return [];
    if (!isMap(node)) {
      this.#error('bad-value', '"secrets" must be a mapping from the name of a secret to its hosts and places.', node);
      return [];
    }
    return node.items.flatMap(({ key, value }) => {
      if (!isMap(value)) return this.#error('bad-value', 'A secret needs "hosts" and "in".', value ?? key) ?? [];
      const values = this.#keys(value, ['hosts', 'in'], 'a secret');
      const hosts = this.#list(
        values.get('hosts'),
        'hosts',
        (text) => checkHostPattern(text) ?? (isWide(text) ? 'is too wide for a secret' : undefined),
      );
      const places = this.#list(values.get('in'), 'in', checkPlace);
      if (!hosts || !places) return this.#error('bad-value', 'A secret needs both "hosts" and "in".', value) ?? [];
      return [{ name: String(scalar(key)), hosts, in: places, range: rangeOf(value) }];
    });
  }

  #tests(node: unknown): PolicyTest[] {
    if (node === undefined || isEmpty(node)) return [];
    if (!isSeq(node)) {
      this.#error('bad-value', '"tests" must be a list.', node);
      return [];
    }
    return node.items.flatMap((item) => {
      if (!isMap(item)) return this.#error('bad-value', 'A test is a mapping with "request" and "expect".', item) ?? [];
      const values = this.#keys(item, ['request', 'expect'], 'a test');
      const request = this.#text(values.get('request'), 'request');
      const expect = this.#choice(values.get('expect'), ['allow', 'block', 'tunnel'] as const, 'expect');
      if (request === undefined || !/^\S+ (?:https?|wss?):\/\/\S+$/.test(request))
        return (
          this.#error(
            'bad-value',
            '"request" must be a method and a URL, such as "GET https://api.github.com/user".',
            item,
          ) ?? []
        );
      return expect
        ? [{ request, expect, range: rangeOf(item) }]
        : (this.#error('bad-value', 'A test needs "expect".', item) ?? []);
    });
  }

  /** The keys of a mapping, each of them known. */
  #keys(map: YAMLMap, known: readonly string[], of: string): Map<string, unknown> {
    const values = new Map<string, unknown>();
    for (const { key, value } of map.items) {
      const name = scalar(key);
      if (typeof name !== 'string') this.#error('bad-value', `A key of ${of} is not a word.`, key);
      else if (known.includes(name)) values.set(name, value);
      else if (LATER.has(name))
        this.#error(
          'not-supported-yet',
          `"${name}" is not supported by this version. The file is refused rather than read without that limit.`,
          key,
        );
      else
        this.#error(
          'unknown-key',
          `"${name}" is not a key of ${of}${suggestion(name, known)}. Known: ${known.join(', ')}.`,
          key,
        );
    }
    return values;
  }

  #choice<T extends string>(node: unknown, choices: readonly T[], name: string): T | undefined {
    if (node === undefined) return undefined;
    const value = scalar(node);
    if (choices.includes(value as T)) return value as T;
    return this.#error(
      'bad-value',
      `"${name}" must be ${choices.join(', ')}${typeof value === 'string' ? suggestion(value, choices) : ''}.`,
      node,
    );
  }

  #text(node: unknown, name: string): string | undefined {
    if (node === undefined) return undefined;
    const value = scalar(node);
    return typeof value === 'string'
      ? value
      : this.#error('bad-value', `"${name}" must be text (put it in quotes).`, node);
  }

  #list(node: unknown, name: string, check: (text: string) => string | undefined): string[] | undefined {
    if (node === undefined) return undefined;
    const items: unknown[] = isSeq(node) ? node.items : [node];
    if (items.length === 0)
      return this.#error('bad-value', `"${name}" is an empty list: it would match nothing.`, node);
    return items.flatMap((item) => {
      const value = scalar(item);
      if (typeof value !== 'string' || value === '')
        return (
          this.#error('bad-value', `"${name}" must be text or a list of texts (put "*" in quotes).`, item ?? node) ?? []
        );
      const wrong = check(value);
      return wrong === undefined
        ? [value]
        : (this.#error('bad-value', `"${value}" in "${name}": ${wrong}.`, item) ?? []);
    });
  }
}

const scalar = (node: unknown): unknown => (isScalar(node) ? node.value : isAlias(node) ? undefined : undefined);
const isEmpty = (node: unknown) => node === null || (isScalar(node) && node.value === null);
/** `*`, or one level below a top-level domain. */
const isWide = (pattern: string) => pattern === '*' || /^\*\.[^.]+\.?$/.test(pattern) || /\/[0-7]$/.test(pattern);

function checkMethod(text: string): string | undefined {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) return 'is not a method';
  return text === text.toUpperCase() ? undefined : `methods are case-sensitive: write ${text.toUpperCase()}`;
}

function checkPath(text: string): string | undefined {
  if (!text.startsWith('/') && !text.startsWith('*')) return 'a path starts with "/"';
  return /[?#\s]/.test(text) ? 'a path holds no query, fragment or space' : undefined;
}

function checkPlace(text: string): string | undefined {
  if (!PLACE.test(text)) return 'must be header:NAME, basic or query:NAME';
  return NEVER_PLACES.has(text.replace(/^header:/, '').toLowerCase()) ? 'a secret is never put there' : undefined;
}

/** `(did you mean "host"?)` for a near miss. */
function suggestion(word: string, known: readonly string[]): string {
  const near = known.find(
    (candidate) => distance(word.toLowerCase(), candidate.toLowerCase()) <= (candidate.length > 4 ? 2 : 1),
  );
  return near ? ` (did you mean "${near}"?)` : '';
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

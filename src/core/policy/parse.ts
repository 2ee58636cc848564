// Policy text to policy, or to problems with their place. Every key and value is checked; nothing unknown is ignored: a
// text with an error is never in force. YAML by the `yaml` library (JSON is YAML), ranges from its nodes.
import { isMap, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import {
  CLIENT_CERT_KEYS,
  CREDENTIALS,
  DEFAULTS,
  DETECTIONS,
  MATCH_KEYS,
  MODES,
  RULE_KEYS,
  RULE_TYPES,
  TOP_KEYS,
  UPSTREAM_KEYS,
  checkFile,
  checkMethod,
  checkPath,
  checkScheme,
  isPort,
} from './fields';
import { canonicalPattern, checkHostPattern, isWideHost } from './hosts';
import type {
  Match,
  ParsedPolicy,
  Policy,
  PolicyTest,
  Rule,
  RuleType,
  RuleUpstream,
  Scheme,
  SecretBinding,
  TextRange,
} from './types';
import { refuseYaml } from './yamlGuard';
import { isEmptyNode, rangeOf, scalarOf, YamlReader } from './yamlReader';

/** Part of the language, but not of this version: refused, because ignoring a limit would open what it was to close. */
const LATER = new Set('limit expires query header all any not contentType maxBodyBytes graphql mcp'.split(' '));
const PLACE = /^(?:basic|path|websocket|aws4|(?:header|query):[!#$%&'*+\-.^_`|~0-9A-Za-z]+|body:[^\0-\x1f\x7f]+)$/;
const NEVER_PLACES = new Set([
  'cookie',
  'set-cookie',
  'referer',
  'user-agent',
  'host',
  'origin',
  'proxy-authorization',
]);
const MAX_YAML_ERRORS = 5;
const TEST_RESULTS = ['allow', 'block', 'tunnel'] as const;

/** Parses a policy document in the full form, as a single rule, or as a list of rules. Never throws. */
export function parsePolicy(text: string): ParsedPolicy {
  const lines = new LineCounter();
  const reader = new YamlReader(lines, text, LATER);
  const root = load(text, lines, reader);
  const policy = reader.failed ? undefined : readDocument(reader, root);
  return { policy: reader.failed ? undefined : policy, problems: reader.problems };
}

function load(text: string, lines: LineCounter, reader: YamlReader): unknown {
  const refused = refuseYaml(text);
  if (refused) {
    lines.addNewLine(0);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
    reader.report('error', refused.code, refused.message, refused.range);
    return null;
  }
  // Keys that are there twice are found by the reader: the library's own check is quadratic.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, version: '1.2', merge: false });
  // One mistake can make an error of every token behind it.
  for (const { code, message, pos } of [...document.errors, ...document.warnings].slice(0, MAX_YAML_ERRORS))
    reader.report('error', 'yaml', yamlMessage(code, message), { start: pos[0], end: pos[1] });
  return document.contents;
}

function yamlMessage(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'A policy is one document: remove the "---" between the two.';
  const first = message
    .split('\n')[0]!
    .replace(/ at line \d+.*$/, '')
    .replace(/\.$/, '');
  return `This is not valid YAML: ${first}.`;
}

function readDocument(reader: YamlReader, root: unknown): Policy | undefined {
  const short = { mode: 'enforce', default: 'block', secrets: [], tests: [] } as const;
  if (isEmptyNode(root)) {
    const what = 'The policy is empty: it says nothing, so nothing of it is in force.';
    reader.error('empty', `${what} Write "rules:", or delete the file to start again.`, root);
    return undefined;
  }
  if (isSeq(root)) return { ...short, rules: readRules(reader, root.items) };
  const map = reader.map(root, 'A policy is a mapping with "rules:", a list of rules, or one rule.');
  if (!map) return undefined;
  return map.has('type') ? { ...short, rules: readRules(reader, [map]) } : readFull(reader, map);
}

function readFull(reader: YamlReader, root: YAMLMap): Policy {
  const values = reader.keys(root, TOP_KEYS, 'the policy');
  const version = values.get('version');
  if (version !== undefined && scalarOf(version) !== 1) reader.error('bad-value', '"version" must be 1.', version);
  const mode = reader.choice(values.get('mode'), MODES, 'mode') ?? 'enforce';
  if (mode === 'ask') {
    const message = 'Mode "ask" has nobody to ask yet: until it has, it blocks like "enforce".';
    reader.report('warning', 'ask-blocks', message, rangeOf(values.get('mode')));
  }
  return {
    mode,
    default: reader.choice(values.get('default'), DEFAULTS, 'default') ?? 'block',
    rules: readRules(reader, reader.items(values.get('rules'), 'rules')),
    secrets: readSecrets(reader, values.get('secrets')),
    tests: reader.items(values.get('tests'), 'tests').flatMap((item) => readTest(reader, item) ?? []),
  };
}

function readRules(reader: YamlReader, items: readonly unknown[]): Rule[] {
  return items.flatMap((item, index) => readRule(reader, item, index) ?? []);
}

function readRule(reader: YamlReader, item: unknown, index: number): Rule | undefined {
  const node = reader.map(item, 'A rule is a mapping with "type" and "condition".');
  if (!node) return undefined;
  const values = reader.keys(node, RULE_KEYS, 'a rule');
  const type = readType(reader, values.get('type'), node);
  const match = readCondition(reader, values.get('condition'), node);
  const description = reader.string(values.get('description'), 'description');
  const addresses = reader.choice(values.get('addresses'), ['public', 'any'] as const, 'addresses');
  const acknowledged = reader.choice(values.get('acknowledge'), ['any-host'] as const, 'acknowledge') !== undefined;
  const upstream = readUpstream(reader, values.get('upstream'));
  const websocket = reader.choice(values.get('websocket'), ['refuse'] as const, 'websocket');
  const detection = reader.choice(values.get('detection'), DETECTIONS, 'detection');
  const credentials = reader.choice(values.get('credentials'), CREDENTIALS, 'credentials');
  if (!type || !match) return undefined;
  checkAction(reader, values.get('action'), type);
  const wide = match.host ? match.host.find(isWideHost) : '*';
  if (type !== 'block' && wide !== undefined && !acknowledged) {
    const opens = wide === '*' ? 'every host' : `all of ${wide}`;
    const fix = 'Name the hosts, or add "acknowledge: any-host" to the rule if that is meant.';
    reader.error('any-host', `This rule opens ${opens}. ${fix}`, node);
  }
  if (type === 'tunnel' && (match.method ?? match.path ?? match.scheme))
    reader.error('bad-value', 'A tunnel is not read: it can be limited by host, port and agent only.', node);
  if (type === 'block' && addresses !== undefined) {
    const message = '"addresses" says nothing on a rule that blocks.';
    reader.report('warning', 'no-effect', message, rangeOf(values.get('addresses')));
  }
  for (const key of ['upstream', 'websocket', 'detection', 'credentials'] as const) {
    const message = `"${key}" belongs to a rule of type "allow": this one sends nothing that it could apply to.`;
    if (type !== 'allow' && values.has(key)) reader.error('conflict', message, values.get(key) ?? node);
  }
  return {
    index,
    type,
    description,
    match,
    addresses: addresses ?? 'public',
    acknowledged,
    upstream,
    websocket,
    detection,
    credentials,
    range: rangeOf(node),
  };
}

function readUpstream(reader: YamlReader, node: unknown): RuleUpstream | undefined {
  if (node === undefined) return undefined;
  const map = reader.map(node, '"upstream" is a mapping with "ca", "clientCert" or "insecure".');
  if (!map) return undefined;
  const values = reader.keys(map, UPSTREAM_KEYS, '"upstream"');
  if (map.items.length === 0) reader.error('bad-value', '"upstream" says nothing: remove it.', map);
  const ca = reader.strings(values.get('ca'), 'ca', checkFile);
  const clientCert = readClientCert(reader, values.get('clientCert'));
  const reason = values.get('insecure');
  const insecure = scalarOf(reason);
  if (reason !== undefined && (typeof insecure !== 'string' || insecure.trim() === '')) {
    const message = '"insecure" turns off the check of a certificate: say why, in words.';
    reader.error('bad-value', message, reason ?? map);
    return undefined;
  }
  if (ca && insecure !== undefined) {
    const message = '"insecure" verifies no certificate and "ca" says how to: remove one of them.';
    reader.error('conflict', message, reason);
  }
  return {
    ...(ca ? { ca } : {}),
    ...(clientCert ? { clientCert } : {}),
    ...(typeof insecure === 'string' ? { insecure } : {}),
  };
}

/** One file with certificate and key, or one for each. */
function readClientCert(reader: YamlReader, node: unknown): RuleUpstream['clientCert'] {
  if (node === undefined) return undefined;
  const file = (value: unknown, name: string) => {
    const text = scalarOf(value);
    if (typeof text === 'string' && checkFile(text) === undefined) return text;
    reader.error('bad-value', `"${name}" must be the name of a PEM file.`, value ?? node);
    return undefined;
  };
  if (!isMap(node)) {
    const both = file(node, 'clientCert');
    return both === undefined ? undefined : { cert: both, key: both };
  }
  const values = reader.keys(node, CLIENT_CERT_KEYS, '"clientCert"');
  const [cert, key] = [file(values.get('cert'), 'cert'), file(values.get('key'), 'key')];
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

function readType(reader: YamlReader, node: unknown, rule: YAMLMap): RuleType | undefined {
  if (node === undefined) reader.error('missing-type', 'The rule has no "type": write allow, block or tunnel.', rule);
  else if (scalarOf(node) === 'reroute') {
    const message = 'Rules of type "reroute" are not supported by this version, which refuses the file rather than';
    reader.error('not-supported-yet', `${message} read it without them.`, node);
  } else return reader.choice(node, RULE_TYPES, 'type');
  return undefined;
}

function checkAction(reader: YamlReader, node: unknown, type: RuleType): void {
  const action = reader.choice(node, ['allow', 'deny'] as const, 'action');
  if (action === undefined || (action === 'deny') === (type === 'block')) return;
  const message = `"type: ${type}" and "action: ${action}" contradict each other: remove one of them.`;
  reader.error('conflict', message, node);
}

function readCondition(reader: YamlReader, node: unknown, rule: YAMLMap): Match | undefined {
  const missing = 'missing-condition';
  const before = reader.problems.length;
  const condition = reader.map(node, 'A rule needs "condition" with "match".', missing, rule);
  if (!condition) return undefined;
  const field = reader.keys(condition, ['match'], 'a condition').get('match');
  const match = reader.map(field, 'A condition needs "match" with at least a host.', missing, condition);
  if (!match) return undefined;
  if (match.items.length === 0) {
    reader.error(missing, '"match" names nothing: give it at least a host.', match);
    return undefined;
  }
  const values = reader.keys(match, MATCH_KEYS, 'a match');
  const read: Match = {
    host: reader.strings(values.get('host'), 'host', checkHostPattern)?.map(canonical),
    port: readPorts(reader, values.get('port')),
    scheme: reader.strings(values.get('scheme'), 'scheme', checkScheme) as Scheme[] | undefined,
    method: reader.strings(values.get('method'), 'method', checkMethod),
    path: reader.strings(values.get('path'), 'path', checkPath),
    agent: reader.strings(values.get('agent'), 'agent', () => undefined),
  };
  // A match with a mistake in it says nothing: what it would open is not worth a second message.
  return reader.problems.length > before ? undefined : read;
}

function readPorts(reader: YamlReader, node: unknown): number[] | 'any' | undefined {
  if (node === undefined) return undefined;
  if (scalarOf(node) === 'any') return 'any';
  const ports = (isSeq(node) ? node.items : [node]).map(scalarOf);
  if (ports.length > 0 && ports.every(isPort)) return ports;
  reader.error('bad-value', '"port" must be a number from 1 to 65535, a list of them, or "any".', node);
  return undefined;
}

function readSecrets(reader: YamlReader, node: unknown): SecretBinding[] {
  if (node === undefined || isEmptyNode(node)) return [];
  const map = reader.map(node, '"secrets" must be a mapping from the name of a secret to its hosts and places.');
  const names = new Set<string>();
  const found: SecretBinding[] = [];
  for (const { key, value } of map?.items ?? []) {
    const name = scalarOf(key);
    if (typeof name !== 'string' || name === '') {
      reader.error('bad-value', 'The name of a secret is text (put it in quotes).', key);
      continue;
    }
    if (names.has(name)) reader.error('duplicate-key', `The secret "${name}" is there twice.`, key);
    names.add(name);
    const binding = reader.map(value, 'A secret needs "hosts" and "in".', 'bad-value', key);
    if (binding) found.push(...readSecret(reader, name, binding));
  }
  return found;
}

function readSecret(reader: YamlReader, name: string, node: YAMLMap): SecretBinding[] {
  const values = reader.keys(node, ['hosts', 'in'], 'a secret');
  const hostNode = values.get('hosts');
  const range: TextRange = rangeOf(node);
  // An empty list says something that nothing else can: this secret goes nowhere.
  const nowhere = isSeq(hostNode) && hostNode.items.length === 0;
  const hosts = nowhere ? [] : reader.strings(hostNode, 'hosts', checkSecretHost)?.map(canonical);
  const places = reader.strings(values.get('in'), 'in', checkPlace) ?? (nowhere ? [] : undefined);
  if (hosts && places) return [{ name, hosts, in: places, range }];
  reader.error('bad-value', 'A secret needs both "hosts" and "in".', node);
  return [];
}

function readTest(reader: YamlReader, item: unknown): PolicyTest | undefined {
  const node = reader.map(item, 'A test is a mapping with "request" and "expect".');
  if (!node) return undefined;
  const values = reader.keys(node, ['request', 'expect'], 'a test');
  const request = reader.string(values.get('request'), 'request');
  const expect = reader.choice(values.get('expect'), TEST_RESULTS, 'expect');
  if (request !== undefined && expect !== undefined && /^\S+ (?:https?|wss?):\/\/\S+$/.test(request))
    return { request, expect, range: rangeOf(node) };
  const example = '{ request: "GET https://api.github.com/user", expect: allow }';
  reader.error('bad-value', `A test is a method with a URL and what to expect, such as ${example}.`, node);
  return undefined;
}

/** For patterns that were checked: a bad one stays as it is, and the text that holds it is never in force. */
function canonical(pattern: string): string {
  const result = canonicalPattern(pattern);
  return result.ok ? result.value : pattern;
}

function checkSecretHost(pattern: string): string | undefined {
  return checkHostPattern(pattern) ?? (isWideHost(canonical(pattern)) ? 'is too wide for a secret' : undefined);
}

/** What is wrong with a place as written in a policy, to be put after it; undefined when nothing is. */
export function checkPlace(text: string): string | undefined {
  if (!PLACE.test(text)) return 'must be header:NAME, basic, query:NAME, path, body:NAME, websocket or aws4';
  return NEVER_PLACES.has(text.replace(/^header:/, '').toLowerCase()) ? 'a secret is never put there' : undefined;
}

// The JSON schema of a policy file, for completion and hover in editors. It speaks of form only; what is refused, and why, is
// the parser's to say. Written to media/policy.schema.json by scripts/generate.mjs.
import {
  CREDENTIALS,
  DEFAULTS,
  DETECTIONS,
  type MATCH_KEYS,
  MODES,
  type RULE_KEYS,
  RULE_TYPES,
  SCHEMES,
  type TOP_KEYS,
} from './fields';

type Schema = Readonly<Record<string, unknown>>;
/** One property for each key that the parser knows: a key without words for it does not compile. */
type Properties<K extends string> = Readonly<Record<K, Schema>>;

const oneOrMore = (item: Schema, description: string, examples: readonly unknown[] = []): Schema => ({
  description,
  anyOf: [item, { type: 'array', items: item, minItems: 1 }],
  ...(examples.length > 0 ? { examples } : {}),
});
const text: Schema = { type: 'string', minLength: 1 };
const port: Schema = { type: 'integer', minimum: 1, maximum: 65535 };
const closed = (properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});

const HOSTS =
  'An exact name, `*.example.com` (any subdomain at any depth, not example.com itself), an IP address, or a CIDR block.';

const FILES =
  'Relative to the folder, absolute, or `~/…`. Better outside the folder: an agent can change what is in it. Read when the policy comes into force; where a file is missing, the requests of the rule are refused.';

const match: Properties<(typeof MATCH_KEYS)[number]> = {
  host: oneOrMore(text, `${HOSTS} A bare \`*\` means every host.`, ['api.github.com', '*.github.com']),
  port: {
    description:
      'A port, a list of ports, or `any`. Left out: 443 for https and wss, 80 for http and ws; a rule that blocks then means every port.',
    anyOf: [port, { type: 'array', items: port, minItems: 1 }, { const: 'any' }],
  },
  scheme: oneOrMore({ enum: [...SCHEMES] }, 'http, https, ws or wss. Left out: any of them.'),
  method: oneOrMore({ ...text, pattern: '^[^a-z]+$' }, 'HTTP methods, case-sensitive. Left out: every method.', [
    'GET',
    ['GET', 'HEAD'],
  ]),
  path: oneOrMore(
    { ...text, pattern: '^[/*][^?#\\s]*$' },
    'A path without the query. `*` stands for anything inside a segment, `**` for anything across segments; `/a/**` means `/a` too. Every way in which a server may read a path is checked.',
    ['/v1/messages', '/repos/*/*/issues/**'],
  ),
  agent: oneOrMore(text, 'The label of the agent that sends the request. Left out: every agent.', ['claude']),
};

const rule: Properties<(typeof RULE_KEYS)[number]> = {
  type: {
    description:
      'allow: let through. block: refuse with a 403 that explains itself, in every mode. tunnel: pass the bytes unread (for pinned certificates); nothing is injected and nothing inspected.',
    enum: [...RULE_TYPES],
  },
  description: {
    description: 'What the rule is for. Shown in the list of requests and to a blocked agent.',
    type: 'string',
  },
  condition: closed(
    { match: closed(match, { description: 'All of these must be so.', minProperties: 1 }) },
    { description: 'What the rule applies to.', required: ['match'] },
  ),
  action: { description: 'The same as the type, in other words. May be left out.', enum: ['allow', 'deny'] },
  addresses: {
    description:
      'Where the name may lead. public: only to addresses on the internet. any: also to this machine and private networks.',
    enum: ['public', 'any'],
    default: 'public',
  },
  upstream: closed(
    {
      ca: oneOrMore(
        text,
        `PEM files with certificates that the chain of the server may end in, beside the usual ones. ${FILES}`,
        ['~/company-ca.pem'],
      ),
      clientCert: {
        description: `The certificate that this side shows: one PEM file with certificate and key, or a file for each. The key must not need a passphrase. ${FILES}`,
        anyOf: [
          text,
          closed(
            {
              cert: { ...text, description: 'A PEM file with the certificate, and those between it and its root.' },
              key: { ...text, description: 'A PEM file with the key.' },
            },
            { required: ['cert', 'key'] },
          ),
        ],
      },
      insecure: {
        ...text,
        description:
          'The certificate of the server is not verified; the text is the reason. Nothing is injected into such a request: one that would carry a secret is refused.',
        examples: ['self-signed test server in the lab'],
      },
    },
    { description: 'TLS towards the server, on a rule that allows.', minProperties: 1 },
  ),
  websocket: {
    description:
      'refuse: a WebSocket handshake is answered 426, so that a client which can falls back to plain requests (Codex does). On a rule that allows.',
    enum: ['refuse'],
  },
  detection: {
    description:
      'What is done with the real value of a secret on its way out, outside the places where it belongs. block: the request is refused (the default). mask: its dummy goes in its place (the default towards model APIs). mark: it passes and is shown. On a rule that allows.',
    enum: [...DETECTIONS],
  },
  credentials: {
    description:
      'Whose credential a request may carry. managed: the bound secret, or none (the default on a host that a secret is bound to; others can be trusted one by one). none: none at all. any: whatever it carries. On a rule that allows.',
    enum: [...CREDENTIALS],
  },
  acknowledge: {
    description: 'Says that a rule which opens every host, or a whole top-level domain, is meant.',
    enum: ['any-host'],
  },
};

const secret = closed(
  {
    hosts: {
      description: `Where the real value may be sent. ${HOSTS} An empty list: nowhere.`,
      anyOf: [text, { type: 'array', items: text }],
    },
    in: oneOrMore(
      { type: 'string', pattern: '^(basic|path|websocket|aws4|(header|query|body):.+)$' },
      'Where in a request the secret is read: `header:NAME`, `basic` (user or password of Basic authentication), `query:NAME`, `path` (a segment), `body:NAME` (a field of a form, or a path into JSON), `websocket` (text messages), `aws4` (AWS requests are signed with it again).',
      [['header:authorization', 'basic']],
    ),
  },
  { required: ['hosts'] },
);

const test = closed(
  {
    request: {
      description: 'A method and a URL.',
      type: 'string',
      pattern: '^\\S+ (https?|wss?)://\\S+$',
      examples: ['GET https://api.github.com/user'],
    },
    expect: { description: 'What the rules must say of it.', enum: ['allow', 'block', 'tunnel'] },
  },
  { required: ['request', 'expect'] },
);

const top: Properties<(typeof TOP_KEYS)[number]> = {
  version: { description: 'The version of the policy language.', const: 1 },
  mode: {
    description:
      'What happens to a request that no rule matches and that the default would block. monitor: let it through and mark it. ask: block it, until there is somebody to ask. enforce: block it.',
    enum: [...MODES],
    default: 'enforce',
  },
  default: { description: 'What happens when no rule matches.', enum: [...DEFAULTS], default: 'block' },
  rules: {
    description: 'The first rule that matches decides.',
    anyOf: [{ type: 'array', items: { $ref: '#/definitions/rule' } }, { type: 'null' }],
  },
  secrets: {
    description: 'Where secrets may go, by their name. A secret that is not named goes where its provider says.',
    anyOf: [{ type: 'object', additionalProperties: secret }, { type: 'null' }],
  },
  tests: {
    description: 'Requests and what must become of them; checked whenever the file is looked at.',
    anyOf: [{ type: 'array', items: test }, { type: 'null' }],
  },
};

/** JSON Schema, draft 7. */
export function policySchema(): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Sandbox Agent policy',
    description: 'What coding agents may reach. A whole policy, a list of rules, or one rule.',
    definitions: { rule: closed(rule, { required: ['type', 'condition'] }) },
    anyOf: [closed(top), { type: 'array', items: { $ref: '#/definitions/rule' } }, { $ref: '#/definitions/rule' }],
  };
}

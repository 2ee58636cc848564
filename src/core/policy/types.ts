// The shapes that everything about policy shares. What they mean is docs/policy.md; `evaluate` is the only judge.

export type Mode = 'monitor' | 'ask' | 'enforce';
export type RuleType = 'allow' | 'block' | 'tunnel';
export type Scheme = 'http' | 'https' | 'ws' | 'wss';
export type Layer = 'managed' | 'user' | 'workspace';
/** Whether a permitted name may resolve to loopback, private or metadata addresses (`any`) or not (`public`). */
export type Addresses = 'public' | 'any';

/** One request as the policy sees it. The engine made every field; nothing here is raw client text except `path`. */
export interface PolicyRequest {
  readonly scheme: Scheme;
  /** Canonical (core/base/host), without brackets. */
  readonly host: string;
  readonly port: number;
  /** As sent; methods are case-sensitive (RFC 9110, 9.1). */
  readonly method: string;
  /** Origin-form target with the query, the bytes as the client sent them: `/a%2fb?x=1`. `*` for OPTIONS *. */
  readonly path: string;
  /** Label of the authenticated client, such as `claude`. */
  readonly agent?: string | undefined;
}

/** What is known at CONNECT. */
export type ConnectRequest = Pick<PolicyRequest, 'host' | 'port' | 'agent'>;

export interface Match {
  /** Patterns: exact name, `*.name`, `*`, IP literal, CIDR. Undefined: any host. */
  readonly host?: readonly string[] | undefined;
  readonly port?: readonly number[] | 'any' | undefined;
  readonly scheme?: readonly Scheme[] | undefined;
  readonly method?: readonly string[] | undefined;
  /** Globs: `*` inside a segment, `**` across. */
  readonly path?: readonly string[] | undefined;
  readonly agent?: readonly string[] | undefined;
}

/** Refuse the request, put the dummy in the place of the value, or let it pass and say so. */
export type Detection = 'block' | 'mask' | 'mark';

/** The bound secret or none, none at all, or whatever the request carries. */
export type Credentials = 'managed' | 'none' | 'any';

export interface Rule {
  /** Place in the file, from 0: what messages call "rule 1" is index 0. */
  readonly index: number;
  readonly type: RuleType;
  readonly description: string | undefined;
  readonly match: Match;
  readonly addresses: Addresses;
  /** `acknowledge: any-host` is written. */
  readonly acknowledged: boolean;
  /** Only where the rule allows. */
  readonly upstream: RuleUpstream | undefined;
  /** `refuse`: a WebSocket handshake is answered 426. Only where the rule allows. */
  readonly websocket: 'refuse' | undefined;
  /** What is done with real values on their way out; undefined: by the host. Only where the rule allows. */
  readonly detection: Detection | undefined;
  /** Whose credential a request may carry; undefined: `managed` where a secret is bound to the host. Only where the rule allows. */
  readonly credentials: Credentials | undefined;
  /** Offsets in the policy text (UTF-16 units). */
  readonly range: TextRange;
}

/** TLS towards the upstream, where it differs. Files are relative to the workspace folder, absolute, or begin with `~/`. */
export interface RuleUpstream {
  /** PEM files: certificates that its chain may end in, beside the usual ones. */
  readonly ca?: readonly string[] | undefined;
  /** PEM files; the same one where it holds both. */
  readonly clientCert?: { readonly cert: string; readonly key: string } | undefined;
  /** The certificate is not verified; the reason for that. */
  readonly insecure?: string | undefined;
}

export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** `secrets:` in the policy: where a secret may be injected. Overrides what the provider table says. */
export interface SecretBinding {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly in: readonly string[];
  readonly range: TextRange;
}

export interface PolicyTest {
  readonly request: string;
  readonly expect: 'allow' | 'block' | 'tunnel';
  readonly range: TextRange;
}

export interface Policy {
  readonly mode: Mode;
  readonly default: 'block' | 'allow';
  readonly rules: readonly Rule[];
  readonly secrets: readonly SecretBinding[];
  readonly tests: readonly PolicyTest[];
}

export type Severity = 'error' | 'warning' | 'information';

/** Something wrong with a policy text. `line` and `column` are 1-based, `range` is in UTF-16 units. */
export interface Problem {
  readonly severity: Severity;
  /** Stable identifier such as `unknown-key`, `shadowed`, `bad-value`. */
  readonly code: string;
  /** What is wrong, what it means, what to do: one or two sentences. */
  readonly message: string;
  readonly range: TextRange;
  readonly line: number;
  readonly column: number;
}

export interface ParsedPolicy {
  /** Undefined when a problem is an error: a text with errors is never in force. */
  readonly policy: Policy | undefined;
  readonly problems: readonly Problem[];
}

export type Action = 'allow' | 'block' | 'tunnel';

export interface TraceStep {
  readonly rule: number;
  readonly matched: boolean;
  /** Which condition decided: `host github.com is not *.example.com`, or `matched`. */
  readonly why: string;
}

/** The one answer that the tree, the 403 body, the tester, the log and the diagnostics all print. */
export interface Decision {
  /** What rules and default say, before the mode. */
  readonly action: Action;
  /** What the mode makes of it: the only field the wire obeys. `ask` blocks until there is someone to ask. */
  readonly effective: Action;
  /** The rule that decided; undefined: `default`, or a refusal that no rule can change. */
  readonly rule: Rule | undefined;
  readonly layer: Layer;
  /** One sentence, safe to show to an agent: `rule 2 "No gists" blocks GET https://api.github.com/gists`. */
  readonly reason: string;
  readonly addresses: Addresses;
  /** The path has no reading that makes sense: refused, and no rule can change it. */
  readonly unreadable?: boolean;
  /** How each rule fared, in order, up to the one that decided. Computed when first read. */
  readonly trace: readonly TraceStep[];
}

// The judge: policy and request in, one decision out. Pure and total. First matching rule decides, then `default`; of all
// readings of the path the strictest decision wins. The wire obeys `effective` and nothing else.
import { type CompiledGlob, compileGlob, matchesGlob } from './glob';
import { type HostIndex, indexHosts, matchesIndex } from './hosts';
import { readings } from './paths';
import type { Action, ConnectRequest, Decision, Mode, Policy, PolicyRequest, Rule, TraceStep } from './types';

export interface CompiledPolicy {
  readonly policy: Policy;
  evaluate(request: PolicyRequest): Decision;
  /**
   * What is known at CONNECT. `block` only when no rule could allow a request to that host and port; `tunnel` when a
   * tunnel rule decides before any other could.
   */
  evaluateConnect(request: ConnectRequest): Decision;
}

interface CompiledRule {
  readonly rule: Rule;
  readonly hosts: HostIndex | undefined;
  readonly ports: ReadonlySet<number> | 'any' | undefined;
  readonly methods: ReadonlySet<string> | undefined;
  readonly paths: readonly CompiledGlob[] | undefined;
  readonly schemes: ReadonlySet<string> | undefined;
  readonly agents: ReadonlySet<string> | undefined;
}

const cache = new WeakMap<Policy, CompiledPolicy>();

/** Compiled once a policy object: rules are found by host, not by trying each. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const known = cache.get(policy);
  if (known) return known;
  const compiled = new Compiled(policy);
  cache.set(policy, compiled);
  return compiled;
}

/** `compilePolicy(policy).evaluate(request)`. */
export function evaluate(policy: Policy, request: PolicyRequest): Decision {
  return compilePolicy(policy).evaluate(request);
}

export function evaluateConnect(policy: Policy, request: ConnectRequest): Decision {
  return compilePolicy(policy).evaluateConnect(request);
}

class Compiled implements CompiledPolicy {
  readonly #rules: readonly CompiledRule[];
  readonly #byExact = new Map<string, number[]>();
  readonly #bySuffix = new Map<string, number[]>();
  /** Rules that name no host, any host, or blocks of addresses: tried for every request. */
  readonly #others: number[] = [];

  constructor(readonly policy: Policy) {
    this.#rules = policy.rules.map(compileRule);
    this.#rules.forEach(({ hosts }, index) => {
      if (!hosts || hosts.any || hosts.blocks.length > 0) {
        this.#others.push(index);
        return;
      }
      for (const host of hosts.exact) push(this.#byExact, host, index);
      for (const suffix of hosts.suffixes) push(this.#bySuffix, suffix, index);
    });
  }

  evaluate(request: PolicyRequest): Decision {
    const paths = readings(request.path);
    if (paths === undefined)
      return this.#decide(
        request,
        undefined,
        'block',
        'the path cannot be read: it holds a control character or a bad percent sequence',
        'block',
      );
    const candidates = this.#candidates(request.host);
    let strictest: CompiledRule | undefined;
    let action: Action = 'allow';
    let first = true;
    for (const path of paths) {
      const rule = this.#first(candidates, request, path);
      const found: Action = rule?.rule.type ?? this.policy.default;
      if (
        first ||
        strictness(found) > strictness(action) ||
        (found === action && strictest === undefined && rule !== undefined && action === 'block')
      ) {
        strictest = rule;
        action = found;
        first = false;
      }
    }
    return this.#decide(
      request,
      strictest?.rule,
      action,
      undefined,
      effective(action, strictest?.rule, this.policy.mode),
    );
  }

  evaluateConnect(request: ConnectRequest): Decision {
    const asRequest: PolicyRequest = {
      scheme: request.port === 80 ? 'http' : 'https',
      host: request.host,
      port: request.port,
      method: 'CONNECT',
      path: '/',
      agent: request.agent,
    };
    let block: CompiledRule | undefined;
    for (const index of this.#candidates(request.host)) {
      const rule = this.#rules[index]!;
      if (!matchesConnect(rule, asRequest)) continue;
      if (rule.rule.type === 'tunnel' || rule.rule.type === 'allow')
        return this.#decide(asRequest, rule.rule, rule.rule.type, undefined, rule.rule.type);
      // A block that names neither method nor path refuses all that could come; a narrower one leaves the rest open.
      if (!rule.methods && !rule.paths && !rule.schemes) {
        block = rule;
        break;
      }
    }
    if (block) return this.#decide(asRequest, block.rule, 'block', undefined, 'block');
    const action = this.policy.default;
    return this.#decide(asRequest, undefined, action, undefined, effective(action, undefined, this.policy.mode));
  }

  /** Indices of the rules whose host could match, in order. */
  #candidates(host: string): readonly number[] {
    const lists: (readonly number[])[] = [];
    const exact = this.#byExact.get(host);
    if (exact) lists.push(exact);
    if (this.#bySuffix.size > 0) {
      for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
        const list = this.#bySuffix.get(host.slice(dot));
        if (list) lists.push(list);
      }
    }
    if (this.#others.length > 0) lists.push(this.#others);
    if (lists.length === 1) return lists[0]!;
    return [...new Set(lists.flat())].sort((a, b) => a - b);
  }

  #first(candidates: readonly number[], request: PolicyRequest, path: string): CompiledRule | undefined {
    for (const index of candidates) {
      const rule = this.#rules[index]!;
      if (mismatch(rule, request, path) === undefined) return rule;
    }
    return undefined;
  }

  #decide(
    request: PolicyRequest,
    rule: Rule | undefined,
    action: Action,
    because: string | undefined,
    result: Action,
  ): Decision {
    return new Verdict(this.policy, request, rule, action, because, result, () => this.#trace(request, rule));
  }

  #trace(request: PolicyRequest, decided: Rule | undefined): TraceStep[] {
    const paths = readings(request.path) ?? [];
    const steps: TraceStep[] = [];
    for (const compiled of this.#rules) {
      const reasons = paths.map((path) => mismatch(compiled, request, path));
      const matched = reasons.some((reason) => reason === undefined) || compiled.rule === decided;
      steps.push({
        rule: compiled.rule.index,
        matched,
        why: matched ? 'matched' : (reasons[0] ?? 'the path cannot be read'),
      });
      if (compiled.rule === decided) break;
    }
    return steps;
  }
}

/** A decision; its trace is worked out when somebody reads it, which the wire never does. */
class Verdict implements Decision {
  readonly layer = 'workspace';
  #trace: readonly TraceStep[] | undefined;

  constructor(
    private readonly policy: Policy,
    private readonly request: PolicyRequest,
    readonly rule: Rule | undefined,
    readonly action: Action,
    private readonly because: string | undefined,
    readonly effective: Action,
    private readonly makeTrace: () => readonly TraceStep[],
  ) {}

  get addresses(): Decision['addresses'] {
    return this.rule?.addresses ?? 'public';
  }

  get reason(): string {
    const what = describe(this.request);
    if (this.because !== undefined) return `${what} is refused: ${this.because}.`;
    const verb = { allow: 'allows', block: 'blocks', tunnel: 'passes unread' }[this.action];
    if (this.rule) return `${ruleName(this.rule)} ${verb} ${what}.`;
    if (this.effective === this.action)
      return `No rule matches ${what}; the default ${this.action === 'block' ? 'blocks' : 'allows'} it.`;
    return `No rule matches ${what}; mode ${this.policy.mode} lets it through and marks it.`;
  }

  get trace(): readonly TraceStep[] {
    return (this.#trace ??= this.makeTrace());
  }

  toJSON(): object {
    const { action, effective: result, rule, layer, reason, addresses, trace } = this;
    return {
      action,
      effective: result,
      rule: rule && { index: rule.index, type: rule.type, description: rule.description },
      layer,
      reason,
      addresses,
      trace,
    };
  }
}

/** `rule 2 "No gists"`: counted from 1, as people do. */
export function ruleName(rule: Pick<Rule, 'index' | 'description'>): string {
  return `rule ${rule.index + 1}${rule.description ? ` "${rule.description}"` : ''}`;
}

/** `GET https://api.github.com/gists`: without the query, which may hold what nobody should repeat. */
export function describe(request: Pick<PolicyRequest, 'scheme' | 'host' | 'port' | 'method' | 'path'>): string {
  const standard = request.port === (request.scheme === 'https' || request.scheme === 'wss' ? 443 : 80);
  const host = request.host.includes(':') ? `[${request.host}]` : request.host;
  const query = request.path.indexOf('?');
  const path = query < 0 ? request.path : request.path.slice(0, query);
  return `${request.method} ${request.scheme}://${host}${standard ? '' : `:${request.port}`}${path.length > 200 ? `${path.slice(0, 200)}…` : path}`;
}

/** The mode changes only what `default` does; `ask` blocks until there is somebody to ask. */
function effective(action: Action, rule: Rule | undefined, mode: Mode): Action {
  return action === 'block' && rule === undefined && mode === 'monitor' ? 'allow' : action;
}

const strictness = (action: Action) => (action === 'block' ? 2 : action === 'allow' ? 1 : 0);

function push(map: Map<string, number[]>, key: string, index: number): void {
  const list = map.get(key);
  if (list) list.push(index);
  else map.set(key, [index]);
}

function compileRule(rule: Rule): CompiledRule {
  const { match } = rule;
  return {
    rule,
    hosts: match.host && indexHosts(match.host),
    ports: match.port === 'any' || match.port === undefined ? match.port : new Set(match.port),
    methods: match.method && new Set(match.method),
    paths: match.path?.map(compileGlob),
    schemes: match.scheme && new Set(match.scheme),
    agents: match.agent && new Set(match.agent),
  };
}

const DEFAULT_PORT = { http: 80, ws: 80, https: 443, wss: 443 } as const;

/** Why a rule does not match, or undefined when it does. */
function mismatch(compiled: CompiledRule, request: PolicyRequest, path: string): string | undefined {
  const { rule, hosts, ports, methods, paths, schemes, agents } = compiled;
  if (hosts && !matchesIndex(hosts, request.host)) return `host ${request.host} is not ${list(rule.match.host)}`;
  if (ports !== 'any' && !matchesPort(ports, rule, request))
    return ports
      ? `port ${request.port} is not ${[...ports].join(' or ')}`
      : `port ${request.port} is not the default of ${request.scheme}`;
  if (schemes && !schemes.has(request.scheme)) return `scheme ${request.scheme} is not ${list(rule.match.scheme)}`;
  if (methods && !methods.has(request.method)) return `method ${request.method} is not ${list(rule.match.method)}`;
  if (agents && !agents.has(request.agent ?? ''))
    return `agent ${request.agent ?? 'unknown'} is not ${list(rule.match.agent)}`;
  if (paths && !paths.some((glob) => matchesGlob(glob, path))) return `path is not ${list(rule.match.path)}`;
  return undefined;
}

/** Without `port` an allow means the scheme's own port; a block means every port, as nobody blocks half a host. */
function matchesPort(ports: ReadonlySet<number> | undefined, rule: Rule, request: PolicyRequest): boolean {
  if (ports) return ports.has(request.port);
  return rule.type === 'block' || request.port === DEFAULT_PORT[request.scheme];
}

function matchesConnect({ rule, hosts, ports, agents }: CompiledRule, request: PolicyRequest): boolean {
  if (hosts && !matchesIndex(hosts, request.host)) return false;
  if (agents && !agents.has(request.agent ?? '')) return false;
  if (ports === 'any' || rule.type === 'block')
    return ports === 'any' || ports === undefined || ports.has(request.port);
  return ports ? ports.has(request.port) : request.port === 443 || request.port === 80;
}

const list = (values: readonly (string | number)[] | undefined) => (values ?? []).join(' or ');

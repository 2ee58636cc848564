// The judge: policy and request in, one decision out. Pure and total. First matching rule decides, then `default`; of all
// readings of the path the strictest decision wins. The wire obeys `effective` and nothing else.
import { defaultPort, describe, ruleName, shorten } from './explain';
import { type CompiledGlob, compileGlob, matchesGlob } from './glob';
import { type HostIndex, indexHosts, matchesIndex } from './hosts';
import { pathOf, readings } from './paths';
import { RuleList } from './ruleList';
import type { Action, Addresses, ConnectRequest, Decision, Policy, PolicyRequest, Rule, TraceStep } from './types';

export { ruleName } from './explain';

export interface CompiledPolicy {
  readonly policy: Policy;
  evaluate(request: PolicyRequest): Decision;
  /**
   * What is known at CONNECT. `block` only when no rule could allow a request to that host and port; `tunnel` when a
   * tunnel rule is the first of all that could match.
   */
  evaluateConnect(request: ConnectRequest): Decision;
}

const MAX_DECIDED = 2_000;
const MAX_KEPT_PATH = 512;
/** Of the same path on other hosts or with other methods: they are compared one by one. */
const MAX_SAME_PATH = 8;

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
  readonly #byExact = new Map<string, RuleList>();
  readonly #bySuffix = new Map<string, RuleList>();
  /** Rules that name no host, any host, or blocks of addresses: tried for every request. */
  readonly #others = new RuleList();
  /** Decisions of late, by path: programs ask for the same again and again. */
  readonly #decided = new Map<string, readonly { readonly request: PolicyRequest; readonly decision: Decision }[]>();
  #decidedCount = 0;

  constructor(readonly policy: Policy) {
    this.#rules = policy.rules.map(compileRule);
    this.#rules.forEach(({ hosts }, index) => {
      if (!hosts || hosts.any || hosts.blocks.length > 0) {
        this.#others.add(index);
        return;
      }
      for (const host of hosts.exact) push(this.#byExact, host, index);
      for (const suffix of hosts.suffixes) push(this.#bySuffix, suffix, index);
    });
  }

  evaluate(request: PolicyRequest): Decision {
    const known = this.#decided.get(request.path);
    const same = known?.find((entry) => isSame(entry.request, request));
    if (same) return same.decision;
    const decision = this.#decide(request);
    if (request.path.length > MAX_KEPT_PATH || (known?.length ?? 0) >= MAX_SAME_PATH) return decision;
    if (this.#decidedCount++ >= MAX_DECIDED) {
      this.#decided.clear();
      this.#decidedCount = 0;
    }
    this.#decided.set(request.path, [...(known ?? []), { request, decision }]);
    return decision;
  }

  #decide(request: PolicyRequest): Decision {
    const paths = readings(request.path);
    if (paths === undefined)
      return new Verdict(this, request, {
        rule: undefined,
        action: 'block',
        effective: 'block',
        addresses: 'public',
        because: 'its path cannot be read: a control character, a bad percent sequence, or too many disguises',
      });
    const lists = this.#lists(request.host);
    let strictest = this.#judge(lists, request, paths[0]!);
    for (let i = 1; i < paths.length; i++) {
      const found = this.#judge(lists, request, paths[i]!);
      if (strictness(found) > strictness(strictest)) strictest = found;
    }
    return new Verdict(this, request, strictest);
  }

  evaluateConnect({ host, port, agent }: ConnectRequest): Decision {
    const request: PolicyRequest = {
      scheme: port === 80 ? 'http' : 'https',
      host,
      port,
      method: 'CONNECT',
      path: '',
      agent,
    };
    let narrowerBlock = false;
    for (const index of inOrder(this.#lists(host).map(({ all }) => all))) {
      const compiled = this.#rules[index]!;
      if (!matchesConnect(compiled, request)) continue;
      const { rule } = compiled;
      if (rule.type === 'block') {
        // One that names a method, a path or a scheme leaves the rest open; its requests must be seen to be judged.
        if (isNarrow(compiled)) narrowerBlock = true;
        else return new Verdict(this, request, outcome(rule));
      } else {
        const action = rule.type === 'tunnel' && narrowerBlock ? 'allow' : rule.type;
        return new Verdict(this, request, { ...outcome(rule), action, effective: action });
      }
    }
    return new Verdict(this, request, this.#byDefault());
  }

  /** How each rule fared for one reading of the path, up to the one that decided. */
  trace(request: PolicyRequest, { rule: decided, reading }: Outcome): TraceStep[] {
    const steps: TraceStep[] = [];
    const connecting = request.method === 'CONNECT' && request.path === '';
    for (const compiled of this.#rules) {
      const { rule } = compiled;
      if (rule === decided) {
        steps.push({ rule: rule.index, matched: true, why: connecting ? 'could decide a request' : 'matched' });
        break;
      }
      const why = connecting
        ? matchesConnect(compiled, request)
          ? 'decides some requests only, which are judged one by one'
          : (mismatch(compiled, request, undefined) ?? 'not for this port')
        : (mismatch(compiled, request, reading ?? pathOf(request.path)) ?? 'not tried: the path cannot be read');
      steps.push({ rule: rule.index, matched: false, why });
    }
    return steps;
  }

  /** The rules whose host could match. */
  #lists(host: string): RuleList[] {
    const lists: RuleList[] = [];
    const exact = this.#byExact.get(host);
    if (exact) lists.push(exact);
    if (this.#bySuffix.size > 0) {
      for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
        const list = this.#bySuffix.get(host.slice(dot));
        if (list) lists.push(list);
      }
    }
    if (this.#others.all.length > 0) lists.push(this.#others);
    return lists;
  }

  #judge(lists: readonly RuleList[], request: PolicyRequest, reading: string): Outcome {
    const [only] = lists;
    const candidates =
      lists.length === 1
        ? only!.forPath(reading, this.#rules)
        : lists.flatMap((list) => list.forPath(reading, this.#rules));
    for (const index of inOrder(candidates)) {
      const rule = this.#rules[index]!;
      if (matches(rule, request, reading)) return { ...outcome(rule.rule), reading };
    }
    return { ...this.#byDefault(), reading };
  }

  #byDefault(): Outcome {
    const action = this.policy.default;
    // The mode changes only what `default` does; `ask` blocks until there is somebody to ask.
    const effective = action === 'block' && this.policy.mode === 'monitor' ? 'allow' : action;
    return { rule: undefined, action, effective, addresses: 'public' };
  }
}

interface Outcome {
  readonly rule: Rule | undefined;
  readonly action: Action;
  readonly effective: Action;
  readonly addresses: Addresses;
  /** The reading of the path that led here. */
  readonly reading?: string;
  /** Why no rule could change it. */
  readonly because?: string;
}

const outcome = (rule: Rule): Outcome => ({
  rule,
  action: rule.type,
  effective: rule.type,
  addresses: rule.addresses,
});

const RANK = { tunnel: 0, allow: 1, block: 2 } as const;

/**
 * What is refused over what a mode lets through over what is allowed; among equals the rule that says more, or that permits
 * less: public addresses only, certificates verified.
 */
function strictness({ rule, action, effective, addresses }: Outcome): number {
  const tie =
    action === 'block'
      ? Number(rule !== undefined)
      : Number(addresses === 'public') * 2 + Number(rule?.upstream?.insecure === undefined);
  return RANK[effective] * 16 + RANK[action] * 4 + tie;
}

/** Every field but the path, which is compared before. */
function isSame(a: PolicyRequest, b: PolicyRequest): boolean {
  return (
    a.method === b.method && a.host === b.host && a.port === b.port && a.scheme === b.scheme && a.agent === b.agent
  );
}

/** A decision; its trace is worked out when somebody reads it, which the wire never does. */
class Verdict implements Decision {
  readonly layer = 'workspace';
  readonly rule: Rule | undefined;
  readonly action: Action;
  readonly effective: Action;
  readonly addresses: Addresses;
  readonly #compiled: Compiled;
  readonly #request: PolicyRequest;
  readonly #outcome: Outcome;
  #trace: readonly TraceStep[] | undefined;

  constructor(compiled: Compiled, request: PolicyRequest, found: Outcome) {
    this.rule = found.rule;
    this.action = found.action;
    this.effective = found.effective;
    this.addresses = found.addresses;
    this.#compiled = compiled;
    this.#request = request;
    this.#outcome = found;
  }

  get unreadable(): boolean {
    return this.#outcome.because !== undefined;
  }

  get reason(): string {
    const { because, reading } = this.#outcome;
    const what = describe(this.#request);
    if (because !== undefined) return `${what} is refused: ${because}.`;
    const disguised = reading !== undefined && reading !== pathOf(this.#request.path);
    const whole = disguised ? `${what} (which a server may read as "${shorten(reading)}")` : what;
    const { rule, action, effective } = this;
    if (rule) {
      if (action === 'block') return `${ruleName(rule)} blocks ${whole}.`;
      return action === 'allow' ? `${ruleName(rule)} allows ${whole}.` : `${ruleName(rule)} passes ${whole} unread.`;
    }
    if (effective === action)
      return `No rule matches ${whole}; the default ${action === 'block' ? 'blocks' : 'allows'} it.`;
    return `No rule matches ${whole}; mode ${this.#compiled.policy.mode} lets it through and marks it.`;
  }

  get trace(): readonly TraceStep[] {
    return (this.#trace ??= this.#compiled.trace(this.#request, this.#outcome));
  }

  toJSON(): object {
    const { action, effective, rule, layer, reason, addresses, trace } = this;
    return {
      action,
      effective,
      rule: rule && { index: rule.index, type: rule.type, description: rule.description },
      layer,
      reason,
      addresses,
      trace,
    };
  }
}

function push(map: Map<string, RuleList>, key: string, index: number): void {
  let list = map.get(key);
  if (!list) map.set(key, (list = new RuleList()));
  list.add(index);
}

/** The first rule that matches decides: lists that were found in several places become one in the order of the file. */
function inOrder(lists: readonly (readonly number[])[]): readonly number[] {
  if (lists.length <= 1) return lists[0] ?? [];
  return [...new Set(lists.flat())].sort((a, b) => a - b);
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

function matches(compiled: CompiledRule, request: PolicyRequest, path: string): boolean {
  const { rule, hosts, ports, methods, paths, schemes, agents } = compiled;
  return (
    (!hosts || matchesIndex(hosts, request.host)) &&
    (!methods || methods.has(request.method)) &&
    matchesPort(ports, rule, request) &&
    (!schemes || schemes.has(request.scheme)) &&
    (!agents || agents.has(request.agent ?? '')) &&
    (!paths || paths.some((glob) => matchesGlob(glob, path)))
  );
}

/** The first condition that a rule fails on, in words; undefined when it matches. `path` undefined: only host and port. */
function mismatch(compiled: CompiledRule, request: PolicyRequest, path: string | undefined): string | undefined {
  const { rule, hosts, ports, methods, paths, schemes, agents } = compiled;
  const { match } = rule;
  if (hosts && !matchesIndex(hosts, request.host)) return `host ${request.host} is not ${list(match.host)}`;
  if (agents && !agents.has(request.agent ?? ''))
    return `agent ${request.agent ?? 'without a label'} is not ${list(match.agent)}`;
  if (path === undefined) return ports instanceof Set ? `port ${request.port} is not ${list([...ports])}` : undefined;
  if (!matchesPort(ports, rule, request))
    return ports instanceof Set
      ? `port ${request.port} is not ${list([...ports])}`
      : `port ${request.port} is not the default of ${request.scheme}`;
  if (schemes && !schemes.has(request.scheme)) return `scheme ${request.scheme} is not ${list(match.scheme)}`;
  if (methods && !methods.has(request.method)) return `method ${request.method} is not ${list(match.method)}`;
  if (paths && !paths.some((glob) => matchesGlob(glob, path)))
    return `path ${shorten(path)} is not ${list(match.path)}`;
  return undefined;
}

/** Without `port` an allow means the scheme's own port; a block means every port, as nobody blocks half a host. */
function matchesPort(ports: CompiledRule['ports'], rule: Rule, request: PolicyRequest): boolean {
  if (ports === 'any') return true;
  if (ports) return ports.has(request.port);
  return rule.type === 'block' || request.port === defaultPort(request.scheme);
}

/** Whether a rule could decide some request on a connection: its scheme is not known yet, so both default ports count. */
function matchesConnect({ rule, hosts, ports, agents }: CompiledRule, request: PolicyRequest): boolean {
  if (hosts && !matchesIndex(hosts, request.host)) return false;
  if (agents && !agents.has(request.agent ?? '')) return false;
  if (ports === 'any') return true;
  if (ports) return ports.has(request.port);
  return rule.type === 'block' || request.port === 443 || request.port === 80;
}

const isNarrow = ({ methods, paths, schemes }: CompiledRule) => Boolean(methods ?? paths ?? schemes);

const list = (values: readonly (string | number)[] | undefined) => (values ?? []).join(' or ');

// What is valid but probably not meant, and what the policy does not speak of yet. Findings carry a range of the text.
import { evaluate, ruleName } from './evaluate';
import { compileHosts, matchesHost } from './hosts';
import type { Policy, Rule, Severity, TextRange } from './types';

export interface LintFinding {
  readonly severity: Severity;
  readonly code: 'shadowed' | 'duplicate' | 'secret-unreachable' | 'unused-host' | 'too-broad';
  readonly message: string;
  readonly range: TextRange;
  /** For `unused-host`: the host to make a rule for. */
  readonly host?: string;
}

/** `seenHosts`: canonical hosts of recorded flows that no rule decided; where each was last seen is up to the caller. */
export function lintPolicy(policy: Policy, seenHosts: readonly string[]): LintFinding[] {
  return [
    ...policy.rules.flatMap((rule) => shadow(policy, rule)),
    ...policy.rules.flatMap(broad),
    ...policy.secrets.flatMap((binding) => unreachable(policy, binding)),
    ...seenHosts.flatMap((host) => unruled(policy, host)),
  ];
}

/** A rule that an earlier one leaves nothing to. Only what is certain is said. */
function shadow(policy: Policy, rule: Rule): LintFinding[] {
  const earlier = policy.rules.slice(0, rule.index).find((other) => covers(other, rule));
  if (!earlier) return [];
  const same = covers(rule, earlier) && earlier.type === rule.type;
  return [
    {
      severity: 'warning',
      code: same ? 'duplicate' : 'shadowed',
      message: `This rule never decides: ${ruleName(earlier)} above matches everything that it would.`,
      range: rule.range,
    },
  ];
}

function covers(wide: Rule, narrow: Rule): boolean {
  const a = wide.match;
  const b = narrow.match;
  const list = <T>(outer: readonly T[] | undefined, inner: readonly T[] | undefined) =>
    outer === undefined || (inner?.every((item) => outer.includes(item)) ?? false);
  const hosts =
    a.host === undefined ||
    (b.host?.every((pattern) =>
      a.host!.some(
        (outer) =>
          outer === pattern || (!pattern.includes('*') && !pattern.includes('/') && matchesHost(outer, pattern)),
      ),
    ) ??
      false);
  const ports =
    a.port === 'any' ||
    (wide.type === 'block' && a.port === undefined) ||
    (a.port === undefined ? b.port === undefined && narrow.type !== 'block' : b.port !== 'any' && list(a.port, b.port));
  return (
    hosts &&
    ports &&
    list(a.scheme, b.scheme) &&
    list(a.method, b.method) &&
    list(a.path, b.path) &&
    list(a.agent, b.agent)
  );
}

function broad(rule: Rule): LintFinding[] {
  if (rule.type === 'block' || !(rule.match.host === undefined || rule.match.host.includes('*'))) return [];
  return [
    {
      severity: 'warning',
      code: 'too-broad',
      message: 'This rule opens every host: an agent can send anything anywhere.',
      range: rule.range,
    },
  ];
}

function unreachable(policy: Policy, { name, hosts, range }: Policy['secrets'][number]): LintFinding[] {
  const lost = hosts.filter((pattern) => {
    if (policy.mode === 'monitor' || policy.default === 'allow') return false;
    const sample = pattern.startsWith('*.') ? `x.${pattern.slice(2)}` : pattern;
    return !policy.rules.some(
      ({ type, match }) => type !== 'block' && (match.host === undefined || compileHosts(match.host)(sample)),
    );
  });
  if (lost.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'secret-unreachable',
      message: `${name} is bound to ${lost.join(', ')}, which no rule allows.`,
      range,
    },
  ];
}

function unruled(policy: Policy, host: string): LintFinding[] {
  const decision = evaluate(policy, { scheme: 'https', host, port: 443, method: 'GET', path: '/' });
  if (
    decision.rule !== undefined ||
    policy.rules.some(({ match }) => match.host !== undefined && compileHosts(match.host)(host))
  )
    return [];
  const effect = decision.effective === 'block' ? 'blocked' : 'let through and marked';
  return [
    {
      severity: 'information',
      code: 'unused-host',
      message: `${host} was seen and no rule speaks of it: it is ${effect}.`,
      range: { start: 0, end: 0 },
      host,
    },
  ];
}

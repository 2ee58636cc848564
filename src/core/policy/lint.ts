// What is valid but probably not meant, and what the policy does not speak of yet. Findings carry a range of the text. Only
// what is certain is said: a linter that guesses is switched off.
import { evaluate } from './evaluate';
import { ruleName } from './explain';
import { compileGlob, matchesGlob } from './glob';
import { compileHosts, isWideHost, matchesHost } from './hosts';
import { parseRequest } from './requestText';
import type { Match, Policy, Rule, Severity, TextRange } from './types';

export interface LintFinding {
  readonly severity: Severity;
  readonly code:
    'shadowed' | 'duplicate' | 'too-broad' | 'never-unread' | 'secret-unreachable' | 'test-failed' | 'unused-host';
  readonly message: string;
  readonly range: TextRange;
  /** For `unused-host`: the host to make a rule for. */
  readonly host?: string;
}

/** `seenHosts`: canonical hosts of recorded flows that no rule decided. */
export function lintPolicy(policy: Policy, seenHosts: readonly string[]): LintFinding[] {
  return [
    ...policy.rules.flatMap((rule) => shadow(policy, rule)),
    ...policy.rules.flatMap(broad),
    ...policy.rules.flatMap((rule) => watched(policy, rule)),
    ...policy.secrets.flatMap((binding) => unreachable(policy, binding)),
    ...policy.tests.flatMap((test) => failed(policy, test)),
    ...[...new Set(seenHosts)].flatMap((host) => unruled(policy, host)),
  ];
}

/** A rule that an earlier one leaves nothing to. */
function shadow(policy: Policy, rule: Rule): LintFinding[] {
  const earlier = policy.rules.slice(0, rule.index).find((other) => covers(other, rule));
  if (!earlier) return [];
  const same = covers(rule, earlier) && earlier.type === rule.type;
  const message = `This rule never decides: ${ruleName(earlier)} above matches all that it would.`;
  const fix = same ? 'Remove one of them.' : 'Move it up, or remove it.';
  return [
    { severity: 'warning', code: same ? 'duplicate' : 'shadowed', message: `${message} ${fix}`, range: rule.range },
  ];
}

/** Whether every request that `narrow` matches is matched by `wide`. False also where it is only not certain. */
function covers(wide: Rule, narrow: Rule): boolean {
  const a = wide.match;
  const b = narrow.match;
  return (
    each(a.host, b.host, coversHost) &&
    coversPort(wide, narrow) &&
    each(a.scheme, b.scheme, Object.is) &&
    each(a.method, b.method, Object.is) &&
    each(a.path, b.path, coversPath) &&
    each(a.agent, b.agent, Object.is)
  );
}

function each<T>(
  outer: readonly T[] | undefined,
  inner: readonly T[] | undefined,
  covered: (outer: T, inner: T) => boolean,
): boolean {
  return outer === undefined || (inner?.every((one) => outer.some((other) => covered(other, one))) ?? false);
}

function coversPort({ type, match: { port } }: Rule, narrow: Rule): boolean {
  const own = narrow.match.port;
  if (port === 'any' || (port === undefined && type === 'block')) return true;
  if (port === undefined) return own === undefined && narrow.type !== 'block';
  return typeof own === 'object' && own.every((one) => port.includes(one));
}

function coversHost(outer: string, inner: string): boolean {
  if (outer === inner || outer === '*') return true;
  if (inner.startsWith('*.')) return outer.startsWith('*.') && inner.slice(1).endsWith(outer.slice(1));
  return !inner.includes('*') && !inner.includes('/') && matchesHost(outer, inner);
}

function coversPath(outer: string, inner: string): boolean {
  if (outer === inner || outer === '**') return true;
  if (!inner.includes('*')) return matchesGlob(compileGlob(outer), inner);
  const below = /^([^*]*)\/\*\*$/.exec(outer)?.[1];
  return below !== undefined && (inner.startsWith(`${below}/`) || inner === below);
}

/** Names below which anyone can have a host of their own. */
const SHARED = new Set(
  (
    'github.io gitlab.io githubusercontent.com amazonaws.com cloudfront.net azurewebsites.net blob.core.windows.net ' +
    'azureedge.net googleusercontent.com appspot.com run.app web.app firebaseapp.com pages.dev workers.dev r2.dev ' +
    'vercel.app netlify.app herokuapp.com fly.dev onrender.com ngrok.io ngrok.app ngrok-free.app trycloudflare.com ' +
    'blogspot.com wordpress.com co.uk com.au co.jp com.br'
  ).split(' '),
);

function broad({ type, match, range }: Rule): LintFinding[] {
  if (type === 'block') return [];
  const wide = match.host ? match.host.find((pattern) => isWideHost(pattern)) : '*';
  const shared = match.host?.find((pattern) => pattern.startsWith('*.') && SHARED.has(pattern.slice(2)));
  const found = wide ?? shared;
  if (found === undefined) return [];
  const message =
    found === wide
      ? `This rule opens ${found === '*' ? 'every host' : found}: an agent can send anything to places that anyone can set up.`
      : `Anyone can have a host below ${found.slice(2)}: name the hosts that are meant.`;
  return [{ severity: 'warning', code: 'too-broad', message, range }];
}

/** A tunnel behind a rule that has to see requests to the same host. */
function watched(policy: Policy, rule: Rule): LintFinding[] {
  if (rule.type !== 'tunnel') return [];
  const earlier = policy.rules.slice(0, rule.index).find(({ type, match }) => {
    const narrow = type === 'allow' || (match.method ?? match.path ?? match.scheme) !== undefined;
    return narrow && rule.match.host?.every((host) => each(match.host, [host], coversHost)) === true;
  });
  if (!earlier || covers(earlier, rule)) return [];
  const message = `Nothing passes unread here: ${ruleName(earlier)} above has to see the requests. Move the tunnel up.`;
  return [{ severity: 'warning', code: 'never-unread', message, range: rule.range }];
}

function unreachable(policy: Policy, { name, hosts, range }: Policy['secrets'][number]): LintFinding[] {
  if (policy.mode === 'monitor' || policy.default === 'allow') return [];
  const open = policy.rules.filter(({ type }) => type !== 'block');
  const lost = hosts.filter((host) => !open.some(({ match }) => speaksOf(match, host)));
  if (lost.length === 0) return [];
  const message = `${name} is bound to ${lost.join(', ')}, which no rule allows: it can never be sent there.`;
  return [{ severity: 'warning', code: 'secret-unreachable', message, range }];
}

function speaksOf({ host }: Match, pattern: string): boolean {
  return (
    host === undefined ||
    host.some((other) => matchesHost(other, sample(pattern)) || matchesHost(pattern, sample(other)))
  );
}

/** Some host that a pattern means. */
const sample = (pattern: string) => pattern.replace(/^\*/, 'any').replace(/\/\d+$/, '');

function failed(policy: Policy, { request, expect, range }: Policy['tests'][number]): LintFinding[] {
  const space = request.indexOf(' ');
  const parsed = parseRequest(request.slice(0, space), request.slice(space + 1));
  const { action, reason } = parsed.ok
    ? evaluate(policy, parsed.value)
    : { action: undefined, reason: `This is no request: ${parsed.error}.` };
  if (action === expect) return [];
  return [{ severity: 'warning', code: 'test-failed', message: `Expected ${expect}. ${reason}`, range }];
}

function unruled(policy: Policy, host: string): LintFinding[] {
  if (policy.rules.some(({ match }) => match.host !== undefined && compileHosts(match.host)(host))) return [];
  const { rule, effective } = evaluate(policy, { scheme: 'https', host, port: 443, method: 'GET', path: '/' });
  if (rule !== undefined) return [];
  const effect = effective === 'block' ? 'blocked' : 'let through and marked';
  const message = `${host} was seen and no rule speaks of it: it is ${effect}.`;
  return [{ severity: 'information', code: 'unused-host', message, range: { start: 0, end: 0 }, host }];
}

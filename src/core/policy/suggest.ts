// The rules that one click makes. A block covers the whole host; an allow is the narrowest that the request needs.
import type { NewRule } from './edit';
import { pathOf } from './paths';
import type { Policy, PolicyRequest } from './types';

/** Every port and method of a host. It belongs first in the file: the first rule that matches decides. */
export function blockHostRule(host: string): NewRule {
  return { type: 'block', description: `Block ${host}`, host: [host], port: 'any' };
}

export function blockPathRule(request: Pick<PolicyRequest, 'host' | 'path'>): NewRule {
  return {
    type: 'block',
    description: `Block ${request.host}${pathOf(request.path)}`,
    host: [request.host],
    port: 'any',
    path: [literal(pathOf(request.path))],
  };
}

/** Exactly this host, method and path. */
export function allowRule(request: PolicyRequest): NewRule {
  const standard = request.port === (request.scheme === 'https' || request.scheme === 'wss' ? 443 : 80);
  return {
    type: 'allow',
    description: `Allow ${request.method} ${request.host}`,
    host: [request.host],
    ...(standard ? {} : { port: [request.port] }),
    method: [request.method],
    path: [literal(pathOf(request.path))],
  };
}

/** Index of a rule that blocks the whole host already, before any other rule could let it through; else undefined. */
export function blockedAlready(policy: Policy, host: string): number | undefined {
  for (const rule of policy.rules) {
    const { match } = rule;
    const whole =
      match.host?.length === 1 &&
      match.host[0] === host &&
      !match.method &&
      !match.path &&
      !match.scheme &&
      !match.agent &&
      (match.port === 'any' || match.port === undefined);
    if (rule.type === 'block' && whole) return rule.index;
    if (rule.type !== 'block') return undefined;
  }
  return undefined;
}

/** A path with `*` in it would be read as a glob: `*` there matches itself and more, which is the nearest there is. */
const literal = (path: string) => path.replace(/\s/g, '*');

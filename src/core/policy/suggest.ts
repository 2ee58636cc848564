// The rules that one click makes. A block covers the whole host; an allow is the narrowest that the request needs.
import { defaultPort } from './explain';
import { pathOf, readings } from './paths';
import type { NewRule } from './ruleText';
import type { Policy, PolicyRequest } from './types';

/** Every port, method and path of a host. It belongs first in the file: the first rule that matches decides. */
export function blockHostRule(host: string): NewRule {
  return { type: 'block', description: `Block ${host}`, host: [host], port: 'any' };
}

/** Every method on this path of the host, and what is below it. */
export function blockPathRule({ host, path }: Pick<PolicyRequest, 'host' | 'path'>): NewRule {
  const bare = pathOf(path).replace(/\/+$/, '');
  const paths = globs(path).map((glob) => `${glob.replace(/\/+$/, '')}/**`);
  return { type: 'block', description: `Block ${host}${bare}`, host: [host], port: 'any', path: paths };
}

/** Exactly this host, port, method and path, in every reading of the path that a request with it needs. */
export function allowRule({ scheme, host, port, method, path }: PolicyRequest): NewRule {
  return {
    type: 'allow',
    description: `Allow ${method} ${host}`,
    host: [host],
    port: port === defaultPort(scheme) ? undefined : [port],
    method: [method],
    path: globs(path),
  };
}

/** This host with every method and path: the wider step, only on request. */
export function allowHostRule({ scheme, host, port }: Pick<PolicyRequest, 'scheme' | 'host' | 'port'>): NewRule {
  const ports = port === defaultPort(scheme) ? undefined : [port];
  return { type: 'allow', description: `Allow ${host}`, host: [host], port: ports };
}

/** Index of a rule that blocks the whole host already, before any other could let it through; else undefined. */
export function blockedAlready(policy: Policy, host: string): number | undefined {
  for (const { type, match, index } of policy.rules) {
    if (type !== 'block') return undefined;
    const whole = !match.method && !match.path && !match.scheme && !match.agent;
    const ports = match.port === 'any' || match.port === undefined;
    if (whole && ports && match.host?.includes(host)) return index;
  }
  return undefined;
}

/** Globs for each reading of a path. What a glob cannot say (a space, a mark of a query, bytes) is said by `*`. */
function globs(target: string): string[] {
  const found = readings(target) ?? [pathOf(target)];
  return [...new Set(found.map((reading) => reading.replace(/[^\x21-\x7e]+|[?#]/g, '*') || '/'))];
}

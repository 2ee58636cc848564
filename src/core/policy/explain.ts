// Words for what a policy says: names of rules, requests as one line. Safe to show to an agent: no query, no header.
import { authority } from '../base/host';
import type { PolicyRequest, Rule, Scheme } from './types';

const MAX_PATH = 200;
const DEFAULT_PORT = { http: 80, ws: 80, https: 443, wss: 443 } as const;

export function defaultPort(scheme: Scheme): number {
  return DEFAULT_PORT[scheme];
}

/** `rule 2 "No gists"`: counted from 1, as people do. */
export function ruleName(rule: Pick<Rule, 'index' | 'description'>): string {
  return `rule ${rule.index + 1}${rule.description ? ` "${rule.description}"` : ''}`;
}

/** `GET https://api.github.com/gists`: without the query, which may hold what nobody should repeat. */
export function describe(request: Pick<PolicyRequest, 'scheme' | 'host' | 'port' | 'method' | 'path'>): string {
  const { scheme, host, port, method } = request;
  if (method === 'CONNECT') return `a connection to ${authority(host, port)}`;
  const bare = host.includes(':') ? `[${host}]` : host;
  const query = request.path.indexOf('?');
  const path = query < 0 ? request.path : request.path.slice(0, query);
  return `${method} ${scheme}://${port === defaultPort(scheme) ? bare : authority(host, port)}${shorten(path)}`;
}

export function shorten(path: string): string {
  return path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
}

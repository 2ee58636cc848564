// A rule as a row of text fields, and back. What a row does not show, or was not touched, stays as it is in the rule.
import { type Result, err, ok } from '../base/result';
import { checkMethod, checkPath, isPort } from './fields';
import { canonicalPattern, checkHostPattern, isWideHost } from './hosts';
import type { NewRule } from './ruleText';
import type { RuleType } from './types';

export interface Row {
  readonly type: RuleType;
  readonly host: string;
  readonly port: string;
  readonly method: string;
  readonly path: string;
  readonly description: string;
  /** May lead to this machine and private networks. */
  readonly anyAddress: boolean;
  /** Opening every host is meant. */
  readonly anyHost: boolean;
}

/** What is wrong, by field. */
export type RowErrors = Partial<Record<keyof Row, string>>;

export function rowOf(rule: NewRule): Row {
  return {
    type: rule.type,
    host: (rule.host ?? []).join(', '),
    port: rule.port === 'any' ? 'any' : (rule.port ?? []).join(', '),
    method: (rule.method ?? []).join(', '),
    path: (rule.path ?? []).join(', '),
    description: rule.description ?? '',
    anyAddress: rule.addresses === 'any',
    anyHost: rule.acknowledge === true,
  };
}

/** The rule that a row says, on top of the rule that it was made from. */
export function readRow(row: Row, before: NewRule): Result<NewRule, RowErrors> {
  const was = rowOf(before);
  const errors: RowErrors = {};
  const list = (
    field: 'host' | 'method' | 'path',
    read: (text: string) => string[],
    check: (one: string) => string | undefined,
  ) => {
    if (row[field] === was[field]) return before[field];
    const values = read(row[field]);
    for (const value of values) {
      const wrong = check(value);
      if (wrong !== undefined) errors[field] ??= `"${value}": ${wrong}`;
    }
    return values.length > 0 ? values : undefined;
  };
  const host = list('host', words, checkHostPattern);
  const method = list('method', (text) => words(text.toUpperCase()).filter((word) => word !== 'ANY'), checkMethod);
  const path = list('path', paths, checkPath);
  const port = row.port === was.port ? before.port : readPorts(row.port, errors);
  if (row.type !== 'block') checkOpen(row, host, errors);
  if (row.type === 'tunnel') {
    const message = 'a tunnel is not read: it is limited by host, port and agent only';
    if (method) errors.method ??= message;
    if (path) errors.path ??= message;
    if (before.scheme) errors.type ??= 'a tunnel cannot be limited by scheme';
  }
  if (!host && !port && !method && !path && !before.scheme && !before.agent)
    errors.host ??= 'name a host, or what else the rule applies to';
  if (Object.keys(errors).length > 0) return err(errors);
  return ok({
    ...before,
    type: row.type,
    host,
    port,
    method,
    path,
    description: row.description.trim() === '' ? undefined : row.description.trim(),
    addresses: row.type !== 'block' && row.anyAddress ? 'any' : 'public',
    acknowledge: row.type !== 'block' && row.anyHost,
    // What they say applies only to what is let through and seen.
    upstream: row.type === 'allow' ? before.upstream : undefined,
    websocket: row.type === 'allow' ? before.websocket : undefined,
    detection: row.type === 'allow' ? before.detection : undefined,
    credentials: row.type === 'allow' ? before.credentials : undefined,
  });
}

function checkOpen({ anyHost }: Row, host: readonly string[] | undefined, errors: RowErrors): void {
  if (anyHost) return;
  const wide = host?.find((pattern) => {
    const canonical = canonicalPattern(pattern);
    return canonical.ok && isWideHost(canonical.value);
  });
  if (wide !== undefined)
    errors.host ??= `"${wide}" opens more than anyone can check; tick "every host" if that is meant`;
  else if (!host) errors.host ??= 'name a host; without one the rule opens every host';
}

const words = (text: string) => text.split(/[\s,]+/).filter((word) => word !== '');
/** A path may hold a comma: it parts two paths only before a "/" or a space. */
const paths = (text: string) => text.split(/\s*,\s+|\s+|,(?=[/*])/).filter((word) => word !== '' && word !== 'any');

function readPorts(text: string, errors: RowErrors): NewRule['port'] {
  const parts = words(text);
  if (parts.length === 0) return undefined;
  if (parts.length === 1 && (parts[0] === 'any' || parts[0] === '*')) return 'any';
  const ports = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  if (!ports.every(isPort)) errors.port = 'a port is a number from 1 to 65535, or "any"';
  return ports;
}

// Host patterns: which canonical host a rule or a binding means. Both sides are canonical; raw text is never compared.
import { parseIpv4, parseIpv6 } from '../base/address';
import { canonicalHost } from '../base/host';
import { type Result, err, ok } from '../base/result';

/**
 * The canonical form of a pattern: an exact name or IP literal, `*.name` (any subdomain at any depth, not the apex), `*`,
 * or a CIDR block. The error says what is wrong with it.
 */
export function canonicalPattern(pattern: string): Result<string, string> {
  if (pattern === '*') return ok('*');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(pattern)) return err('write the host alone, without the scheme and the path');
  if (/^[^:]+:\d+$/.test(pattern)) return err('write the host alone; the port goes into "port"');
  if (pattern.startsWith('*.')) {
    const rest = canonicalHost(pattern.slice(2));
    if (!rest.ok) return err(rest.error);
    if (rest.value.kind !== 'name') return err('a wildcard goes with a name, not with an address');
    return ok(`*.${rest.value.host}`);
  }
  if (pattern.includes('*')) return err('a "*" stands alone or as the first label ("*.example.com")');
  const slash = pattern.indexOf('/');
  if (slash >= 0) return canonicalBlock(pattern.slice(0, slash), pattern.slice(slash + 1));
  const host = canonicalHost(pattern);
  return host.ok ? ok(host.value.host) : err(host.error);
}

function canonicalBlock(base: string, bitsText: string): Result<string, string> {
  const host = canonicalHost(base);
  const bits = /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : 999;
  if (!host.ok || host.value.kind === 'name') return err('the part before "/" is not an IP address');
  if (bits > (host.value.kind === 'ipv4' ? 32 : 128)) return err('the prefix length is out of range');
  return ok(`${host.value.host}/${bits}`);
}

/** Whether a canonical pattern opens more than anyone owns: `*`, all of a top-level domain, a /7 or larger. */
export function isWideHost(pattern: string): boolean {
  return pattern === '*' || /^\*\.[^.]+$/.test(pattern) || /\/[0-7]$/.test(pattern);
}

/** What is wrong with a pattern as written, or undefined. */
export function checkHostPattern(pattern: string): string | undefined {
  const result = canonicalPattern(pattern);
  return result.ok ? undefined : result.error;
}

/** Whether `host` (canonical) is meant by `pattern` (any spelling). A bad pattern matches nothing. */
export function matchesHost(pattern: string, host: string): boolean {
  return compileHosts([pattern])(host);
}

export interface HostIndex {
  /** Canonical patterns without a wildcard or block. */
  readonly exact: ReadonlySet<string>;
  /** `.example.com` for `*.example.com`. */
  readonly suffixes: readonly string[];
  readonly blocks: readonly ((host: string) => boolean)[];
  readonly any: boolean;
}

export function indexHosts(patterns: readonly string[]): HostIndex {
  const exact = new Set<string>();
  const suffixes: string[] = [];
  const blocks: ((host: string) => boolean)[] = [];
  let any = false;
  for (const pattern of patterns) {
    const canonical = canonicalPattern(pattern);
    if (!canonical.ok) continue;
    const text = canonical.value;
    if (text === '*') any = true;
    else if (text.startsWith('*.')) suffixes.push(text.slice(1));
    else if (text.includes('/')) blocks.push(blockMatcher(text));
    else exact.add(text);
  }
  return { exact, suffixes, blocks, any };
}

export function matchesIndex(index: HostIndex, host: string): boolean {
  return (
    index.any ||
    index.exact.has(host) ||
    index.suffixes.some((suffix) => host.length > suffix.length && host.endsWith(suffix)) ||
    index.blocks.some((block) => block(host))
  );
}

/** A predicate over canonical hosts. */
export function compileHosts(patterns: readonly string[]): (host: string) => boolean {
  const index = indexHosts(patterns);
  return (host) => matchesIndex(index, host);
}

function blockMatcher(text: string): (host: string) => boolean {
  const slash = text.indexOf('/');
  const base = bitsOf(text.slice(0, slash));
  if (base === undefined) return () => false;
  const prefix = base.slice(0, Number(text.slice(slash + 1)));
  return (host) => {
    const own = bitsOf(host);
    return own?.length === base.length && own.startsWith(prefix);
  };
}

/** An address as a string of bits; undefined for a name. */
function bitsOf(host: string): string | undefined {
  if (host.includes(':'))
    return parseIpv6(host)
      ?.map((word) => word.toString(2).padStart(16, '0'))
      .join('');
  if (!/^\d+(?:\.\d+){3}$/.test(host)) return undefined;
  return parseIpv4(host)?.toString(2).padStart(32, '0');
}

// One canonical form for every host name or address that reaches us. A name is parsed once, here, and only the canonical
// form is ever compared (threat-model: host disguises). Never compare raw host text anywhere else.
import { err, ok, type Result } from './result';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './address';

/** `name`: lower-case A-labels without a trailing dot. `ipv4`: dotted decimal. `ipv6`: RFC 5952, without brackets. */
export interface CanonicalHost {
  readonly kind: 'name' | 'ipv4' | 'ipv6';
  readonly host: string;
}

const NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/;
const PLAIN = /^[a-z0-9._-]+$/;

/**
 * The canonical form of a host as written in a URL, a CONNECT line, an SNI or a policy: IDNA to A-labels (UTS 46, by the
 * WHATWG URL parser), lower case, no trailing dot; IPv4 in any of the forms that resolvers accept (decimal, octal, hex,
 * fewer parts; WHATWG URL, section 3.5) as dotted decimal; IPv6 as in RFC 5952, an IPv4-mapped one as its IPv4 address.
 * Refused, with the reason: empty, longer than 253, control or forbidden characters, a zone id, a bad label.
 */
export function canonicalHost(raw: string): Result<CanonicalHost, string> {
  if (raw === '') return err('the host is empty');
  if (raw.length > 1024) return err('the host is too long');
  const bracketed = raw.startsWith('[') && raw.endsWith(']');
  const inner = bracketed ? raw.slice(1, -1) : raw;
  if (bracketed || inner.includes(':')) {
    const words = parseIpv6(inner);
    if (words === undefined) return err('not an IPv6 address (zone ids are refused)');
    return ok(fromIpv6(words));
  }
  let name = inner.toLowerCase();
  if (!PLAIN.test(name)) {
    // Only names that hold something else than LDH go through the (slower) URL parser, which does the IDNA mapping.
    if (/[\u0000-\u0020\u007f#%/:<>?@[\\\]^|]/.test(name))
      return err('the host holds a character that no host may hold');
    try {
      name = new URL(`http://${name}/`).hostname;
    } catch {
      return err('the host is not a valid internationalised name');
    }
    if (name === '') return err('the host is empty');
  }
  if (name.endsWith('.')) name = name.slice(0, -1);
  if (name.length > 253) return err('the host is longer than 253 characters');
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last)) {
    const address = parseIpv4(name);
    if (address === undefined) return err('ends in a number but is not an IPv4 address');
    return ok({ kind: 'ipv4', host: formatIpv4(address) });
  }
  if (!NAME.test(name)) return err('a label of the host is empty, too long or ends in a hyphen');
  return ok({ kind: 'name', host: name });
}

function fromIpv6(words: readonly number[]): CanonicalHost {
  const mapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  if (mapped) return { kind: 'ipv4', host: formatIpv4(words[6]! * 0x10000 + words[7]!) };
  return { kind: 'ipv6', host: formatIpv6(words) };
}

/** `host:port` for messages and pool keys, with brackets where RFC 3986 wants them. */
export function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Splits `host`, `host:port`, `[v6]` or `[v6]:port`. `port` is undefined where none is written; a written port must be
 * 1–65535 without signs or spaces.
 */
export function splitAuthority(text: string): Result<{ host: string; port: number | undefined }, string> {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text);
  if (!match) return err('not a host with an optional port');
  const port = match[2] === undefined ? undefined : Number(match[2]);
  if (port !== undefined && (port < 1 || port > 65535)) return err('the port is out of range');
  return ok({ host: match[1]!, port });
}

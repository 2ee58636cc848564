// Who a request is for: the authority of CONNECT, the SNI, `Host` and an absolute target must name one canonical host
// (threat-model: domain fronting). A difference is refused here; nothing later looks at raw host text.
import { authority, canonicalHost, splitAuthority } from '../../core/base/host';
import type { Target } from '../engine';
import { BadMessage } from '../http1/head';

const DEFAULT_PORT = { http: 80, https: 443 } as const;

/** `host:port` of a CONNECT line (RFC 9110, 9.3.6): the port is required. */
export function connectAuthority(text: string): { host: string; port: number } {
  const split = splitAuthority(text);
  if (!split.ok || split.value.port === undefined)
    throw new BadMessage('bad-authority', 'The CONNECT target is not host:port.');
  return connectTarget(split.value.host, split.value.port);
}

/** What a CONNECT line or a SOCKS5 request names: the only place where its host becomes canonical. Throws `BadMessage`. */
export function connectTarget(host: string, port: number): { host: string; port: number } {
  if (port < 1 || port > 65535) throw new BadMessage('bad-authority', 'The port is out of range.');
  return { host: canonical(host), port };
}

/** Target and origin-form path of an absolute-form request (RFC 9112, 3.2.2). */
export function absoluteTarget(target: string): { target: Target; path: string } | undefined {
  const match = /^(https?):\/\/([^/?]*)(.*)$/i.exec(target);
  if (!match) return undefined;
  const scheme = match[1]!.toLowerCase() as Target['scheme'];
  const split = splitAuthority(match[2]!);
  if (!split.ok)
    throw new BadMessage('bad-authority', 'The authority of the target is not host:port (user names are refused).');
  const rest = match[3]!;
  return {
    target: { scheme, host: canonical(split.value.host), port: split.value.port ?? DEFAULT_PORT[scheme] },
    path: rest.startsWith('/') ? rest : `/${rest}`,
  };
}

/**
 * Checks a request's `Host` against where it goes. Without a port it inherits the connection's (that is how clients
 * write it after CONNECT to a default port, and some after any). Throws `BadMessage` 421.
 */
export function checkHost(value: string, target: Target): void {
  const split = splitAuthority(value);
  if (!split.ok) throw new BadMessage('bad-host', 'The Host field is not host:port.');
  const host = canonical(split.value.host);
  if (host !== target.host || (split.value.port !== undefined && split.value.port !== target.port)) {
    throw new BadMessage(
      'identity-mismatch',
      `The connection was opened for ${authority(target.host, target.port)}, the request names another host. Nothing was forwarded.`,
      421,
    );
  }
}

/** Whether a server name (SNI) is the host of the connection. Literals never match: RFC 6066 allows names only. */
export function sniMatches(servername: string, host: string): boolean {
  const name = canonicalHost(servername);
  return name.ok && name.value.host === host;
}

/** `raw` in latin1, one character a byte, as heads and SOCKS requests are read. */
function canonical(raw: string): string {
  const host = canonicalHost(unicode(raw));
  if (!host.ok) throw new BadMessage('bad-authority', `The host is refused: ${host.error}.`);
  return host.value.host;
}

/** Names that are not ASCII are taken as UTF-8, which is what clients that do not map them themselves send. */
function unicode(raw: string): string {
  if (!/[^\0-\x7f]/.test(raw)) return raw;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(raw, 'latin1'));
  } catch {
    throw new BadMessage('bad-authority', 'The host is refused: it is neither ASCII nor UTF-8.');
  }
}

// The proxy that a machine has to go through (a company's), as the environment names it. Pure: the environment is an argument.
// Its URL may hold a password: it never goes into a message.
import { canonicalHost } from './host';
import { type Result, err, ok } from './result';

export interface ParentProxy {
  /** `http`, `https`, `socks5` or `socks5h`, with user and password where it asks for them. */
  readonly url: string;
  /** What is reached without it, as curl reads NO_PROXY. */
  readonly noProxy: string;
  /** PEM certificates that the chain of an https proxy may end in, beside the engine's. */
  readonly ca: readonly string[];
}

export interface ParentAddress {
  readonly kind: 'http' | 'https' | 'socks5';
  /** Canonical. */
  readonly host: string;
  readonly port: number;
  /** Percent-decoded. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
}

const KINDS = { 'http:': 'http', 'https:': 'https', 'socks5:': 'socks5', 'socks5h:': 'socks5' } as const;
const PORTS = { http: 80, https: 443, socks5: 1080 } as const;

/** Reads a proxy URL; without a scheme it is http, as curl takes it. The error says what is wrong, never what it holds. */
export function parseParentUrl(text: string): Result<ParentAddress, string> {
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  let login: ParentAddress['login'];
  try {
    url = new URL(written);
    const user = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    login = user === '' && password === '' ? undefined : { user, password };
  } catch {
    return err('it is not a URL');
  }
  const kind = KINDS[url.protocol as keyof typeof KINDS] as ParentAddress['kind'] | undefined;
  if (kind === undefined) return err('its scheme is none of http, https and socks5');
  const host = canonicalHost(url.hostname);
  if (!host.ok) return err(host.error);
  // RFC 1929, 2: lengths of one byte. A colon would end the user of Basic credentials (RFC 7617, 2).
  if (kind === 'socks5' && login && [login.user, login.password].some((part) => part === '' || byteLength(part) > 255))
    return err('a socks5 proxy takes a user and a password of 1 to 255 bytes');
  if (kind !== 'socks5' && login?.user.includes(':') === true) return err('its user holds a colon');
  return ok({ kind, host: host.value.host, port: url.port === '' ? PORTS[kind] : Number(url.port), login });
}

const byteLength = (text: string) => new TextEncoder().encode(text).length;

export interface OurProxies {
  /** Ports that we listen on, on this machine. */
  readonly ports: readonly number[];
  /** Labels of our clients: a URL on this machine with one of them as its user is a proxy of ours, of any folder. */
  readonly labels: readonly string[];
}

export interface ParentFound {
  readonly parent: ParentProxy | undefined;
  /** Why a proxy that the environment names is not used, as a sentence. */
  readonly problem: string | undefined;
}

/** In curl's order: the lower-case name first. */
const NAMES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'] as const;

/**
 * The parent proxy that the environment of the user names, for both schemes: HTTPS_PROXY before HTTP_PROXY before
 * ALL_PROXY, in either case. One that is ours (a terminal of ours started this program) is passed over in silence.
 */
export function parentFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  ours: OurProxies,
): ParentFound {
  for (const name of NAMES) {
    const url = environment[name];
    if (!url) continue;
    const address = parseParentUrl(url);
    if (!address.ok) {
      return {
        parent: undefined,
        problem: `${name} does not name a proxy that can be used: ${address.error}. Upstreams are dialled directly.`,
      };
    }
    if (isOurs(address.value, ours)) continue;
    const noProxy = environment['no_proxy'] ?? environment['NO_PROXY'] ?? '';
    return { parent: { url, noProxy, ca: [] }, problem: undefined };
  }
  return { parent: undefined, problem: undefined };
}

function isOurs({ host, port, login }: ParentAddress, { ports, labels }: OurProxies): boolean {
  const here = host === 'localhost' || host.startsWith('127.') || host === '::1' || host === '0.0.0.0' || host === '::';
  return here && (ports.includes(port) || (login !== undefined && labels.includes(login.user)));
}

// The secret inside a URL or a connection string: only the password, the key that stands for a user, or a query parameter.
// The rest is no secret and must stay as it is, or the program could not connect.
import { canonicalHost, splitAuthority } from '../base/host';
import type { Place } from '../secrets/types';

export interface PartialSecret {
  /** Span in the value, in UTF-16 units. */
  readonly from: number;
  readonly to: number;
  /** As programs use it: percent-decoded. */
  readonly secret: string;
  readonly ticked: boolean;
  readonly reason: string;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

/** With a colon in the scheme: `jdbc:postgresql`. */
const URL_LIKE = /^([A-Za-z][A-Za-z0-9+.:-]*):\/\/(\S+)$/;
const HTTP = /^(?:https?|wss?)$/i;
/** Another variable, a place for the value, or what every tutorial takes. */
const NO_SECRET =
  /^(?:\$\{[^}]*\}|\$[A-Za-z_]\w*|<.*>|\{\{.*\}\}|x{3,}|\*{3,}|pass(?:word)?|secret|changeme|postgres(?:ql)?|mysql|redis|mongo(?:db)?|root|admin|guest|user|test|example|your[-_]?password)$/i;
const QUERY_NAME =
  /(?:^|[_-])(?:api[_-]?key|apikey|key|token|access[_-]?token|secret|password|sig|signature|auth|code)$/i;
/** URLs that are keys themselves: who has one may post. */
const CAPABILITY =
  /^https:\/\/(?:hooks\.slack\.com\/(?:services|workflows)\/|discord(?:app)?\.com\/api\/webhooks\/\d+\/|[a-z0-9.-]+\.webhook\.office\.com\/)(\S+)$/i;
/** Shorter ones get no dummy. */
const MIN_TICKED = 12;
const MIN_SHOWN = 6;

/** `key`: the name of the variable in upper case. */
export function urlSecret(key: string, value: string): PartialSecret | undefined {
  const url = URL_LIKE.exec(value);
  if (!url) return undefined;
  const capability = CAPABILITY.exec(value);
  if (capability) {
    const from = value.length - capability[1]!.length;
    return part(value, from, value.length, 'the path of this URL is the key; this version does not put values there');
  }
  return inUserinfo(key, value, url[1]!, url[2]!) ?? inQuery(value, url[1]!, url[2]!);
}

function inUserinfo(key: string, value: string, scheme: string, rest: string): PartialSecret | undefined {
  // Passwords with `/`, `#` or `?` that nobody escaped are common: up to the last `@`, unless the part before the first
  // `/` is a host with its port (`host:8080/path/@scope`).
  const at = rest.lastIndexOf('@', strictEnd(rest));
  if (at <= 0) return undefined;
  const userinfo = rest.slice(0, at);
  const colon = userinfo.indexOf(':');
  if (colon >= 0 ? /^\d{1,5}[/?#]/.test(userinfo.slice(colon + 1)) : /[/?#]/.test(userinfo)) return undefined;
  if (/[/?#]/.test(userinfo.slice(0, Math.max(colon, 0)))) return undefined;
  const start = scheme.length + 3;
  const from = colon < 0 ? start : start + colon + 1;
  const to = start + at;
  const text = value.slice(from, to);
  if (text.length < MIN_SHOWN || NO_SECRET.test(text)) return undefined;
  const host = hostOf(rest.slice(at + 1));
  if (/sentry/i.test(host) || /(?:^|_)DSN$/.test(key)) {
    if (HTTP.test(scheme)) return undefined; // a Sentry DSN names a project and is shipped to browsers
  }
  // Without a password, a user is a name, unless it looks like a key.
  if (colon < 0 && !(text.length >= MIN_TICKED && /\d/.test(text) && /[A-Za-z]/.test(text))) return undefined;
  if (!HTTP.test(scheme))
    return part(value, from, to, `password of a ${scheme.toLowerCase()} connection, which the proxy does not read`);
  return bound(value, from, to, 'password inside a URL', host, 'basic');
}

/** Where a URL that follows the rules has its `@` at the latest; for others, the end. */
function strictEnd(rest: string): number {
  const end = rest.search(/[/?#]/);
  return end >= 0 && rest.slice(0, end).includes('@') ? end : rest.length;
}

function inQuery(value: string, scheme: string, rest: string): PartialSecret | undefined {
  const mark = rest.indexOf('?');
  if (mark < 0) return undefined;
  let at = scheme.length + 3 + mark + 1;
  for (const pair of rest.slice(mark + 1).split(/[&#]/)) {
    const equals = pair.indexOf('=');
    const from = at + equals + 1;
    const to = at + pair.length;
    const text = value.slice(from, to);
    const name = pair.slice(0, Math.max(equals, 0));
    if (QUERY_NAME.test(name) && text.length >= MIN_TICKED && /\d/.test(text) && !NO_SECRET.test(text)) {
      if (!HTTP.test(scheme))
        return part(value, from, to, `password of a ${scheme.toLowerCase()} connection, which the proxy does not read`);
      return bound(value, from, to, 'key inside a URL', hostOf(rest), `query:${name}`);
    }
    at = to + 1;
  }
  return undefined;
}

/** `Server=…;Password=…;`, `host=… password=…`, `AccountKey=…`: the password of a connection string. */
export function connectionSecret(value: string): PartialSecret | undefined {
  const match = /(?:^|[;&?\s])(?:password|pwd|accountkey|sharedaccesskey|accesskey)\s*=\s*([^;&\s]+)/i.exec(value);
  if (!match || (match.index === 0 && match[0].length === value.length)) return undefined;
  const to = match.index + match[0].length;
  const from = to - match[1]!.length;
  if (match[1]!.length < MIN_SHOWN || NO_SECRET.test(match[1]!)) return undefined;
  return part(value, from, to, 'password of a connection string, which the proxy does not read', false);
}

function bound(value: string, from: number, to: number, what: string, host: string, place: Place): PartialSecret {
  const found = part(value, from, to, '');
  if (to - from < MIN_TICKED) return { ...found, reason: `${what}, too short for a dummy that nobody could guess` };
  if (host === '')
    return { ...found, ticked: true, in: [place], reason: `${what}; bind it to its host under "secrets:"` };
  return { ...found, ticked: true, hosts: [host], in: [place], reason: `${what}; goes to ${host}` };
}

function part(value: string, from: number, to: number, reason: string, encoded = true): PartialSecret {
  const text = value.slice(from, to);
  return { from, to, secret: encoded ? decoded(text) : text, ticked: false, reason, hosts: [], in: [] };
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The canonical host at the beginning of `host:port/path`; empty where there is none. */
function hostOf(text: string): string {
  const split = splitAuthority(/^[^/?#]*/.exec(text)![0]);
  const host = split.ok ? canonicalHost(split.value.host) : split;
  return host.ok ? host.value.host : '';
}

// Which values are secrets, and which of those are ticked for the swap, each with the reason that the user reads. When in
// doubt a value is shown and left unticked: a dummy in the wrong place breaks the user's program.
import { lookupProvider } from '../secrets/providers';
import type { Place } from '../secrets/types';

export interface Classified {
  /** Span of the secret inside the value, in UTF-16 units: the whole, or a part of a URL. */
  readonly from: number;
  readonly to: number;
  readonly ticked: boolean;
  readonly reason: string;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

const PUBLIC_PREFIX = /^(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|GATSBY|PUBLIC|VUE_APP|STORYBOOK)_/i;
const SECRET_NAME =
  /(?:^|[_.-])(?:api_?key|apikey|key|token|secret|password|passwd|pwd|pass|credentials?|auth|pat|private|license|dsn|webhook_url)(?:$|[_.-])/i;
const DATABASE =
  /(?:^|_)(?:DB|DATABASE|POSTGRES(?:QL)?|PG|MYSQL|MARIADB|MONGO(?:DB)?|REDIS|RABBITMQ|AMQP|MSSQL|SMTP|LDAP)(?:_|PASS|$)/i;
const SIGNING =
  /(?:SIGNING|JWT|SESSION|COOKIE|CSRF|NEXTAUTH|AUTH)_(?:SECRET|KEY)$|^(?:SECRET_KEY(?:_BASE)?|APP_KEY|APP_SECRET)$/i;
const ENCRYPTION = /(?:ENCRYPTION|CIPHER|AES|MASTER|FERNET|CRYPT|PEPPER|SALT)_?(?:KEY|SECRET)?$/i;
const WEBHOOK = /WEBHOOK.*(?:SECRET|KEY)$|_SIGNING_SECRET$/i;
const SSH = /(?:^|_)SSH(?:_|$)/i;
const HTTP_SCHEME = /^(?:https?|wss?)$/i;
const URL_WITH_USER = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^\s/?#@]*(?::[^\s/?#]*)?)@[^\s/?#]+/;
const ORDINARY =
  /^(?:true|false|yes|no|on|off|null|none|undefined|localhost|development|production|staging|test|debug|info|warn|error|postgres|mysql|redis|root|admin|user|password|changeme|secret|example|default|utf-?8|\d+(?:\.\d+)*|\d+(?:ms|s|m|h|d|kb|mb|gb)?)$/i;
const REFERENCE = /^(?:op:\/\/|vault:|secret:\/\/|aws-?sm:|\$\{[^}]+\}$|\$[A-Z_]+$|\$\()/;
const PLACEHOLDER = /^(?:<.*>|\[.*\]|x{4,}|\*{4,}|your[_-].*|.*(?:_|-)here|replace[_-]?me|todo|fixme)$/i;
/** secrets.md: shorter values are not searched for, and no dummy of 64 random bits fits. */
const MIN_LENGTH = 12;

/** The secret in a value, or undefined where there is none. `tracked`: the file is in git. */
export function classify(
  key: string,
  value: string,
  { tracked }: { readonly tracked: boolean },
): Classified | undefined {
  if (value.length < MIN_LENGTH || ORDINARY.test(value) || PLACEHOLDER.test(value) || REFERENCE.test(value))
    return shortSecret(key, value);
  const pem = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(value);
  if (pem) return whole(value, false, 'a private key (PEM): signing and SSH keys do not travel in HTTP');
  const url = URL_WITH_USER.exec(value);
  if (url) return inUrl(key, value, url, tracked);
  const known = lookupProvider(key, value);
  const byShape = known?.shapes.some((shape) => shape.test(value)) === true;
  const named = SECRET_NAME.test(key);
  const random = looksRandom(value);
  if (
    !known &&
    !(named && (random || !isPlainText(value))) &&
    !(random && entropy(value) > 3.7 && value.length >= 20 && !isLocator(value))
  )
    return undefined;
  if (!known && (isLocator(value) || /\s/.test(value))) return undefined;
  const binding = { provider: known?.id, hosts: known?.hosts ?? [], in: known?.in ?? [] };
  if (PUBLIC_PREFIX.test(key))
    return whole(value, false, 'its name says that it is compiled into public code', binding);
  if (tracked)
    return whole(
      value,
      false,
      'the file is tracked by git: the value is in the history already, so change it at the provider',
      binding,
    );
  if (known?.kind === 'aws')
    return whole(
      value,
      false,
      'AWS signs requests with it: swapping needs signing again, which this version does not do',
      binding,
    );
  const own = byShape ? undefined : ownUse(key);
  if (own) return whole(value, false, own, binding);
  if (known)
    return whole(
      value,
      true,
      `${known.title} ${byShape ? 'key, by its shape' : 'key, by its name'}; goes to ${known.hosts.join(', ')}`,
      binding,
    );
  if (named)
    return whole(
      value,
      true,
      'its name says that it is a secret; bind it to a host under "secrets:" in the policy',
      binding,
    );
  return whole(value, false, 'it looks random, but nothing says what it is', binding);
}

/** Names that mark a secret which never leaves in HTTP. */
function ownUse(key: string): string | undefined {
  if (WEBHOOK.test(key)) return 'checks webhooks that come in: the program needs the real one';
  if (ENCRYPTION.test(key)) return 'encrypts data: a dummy would make stored data unreadable';
  if (SIGNING.test(key)) return 'signs sessions or tokens of your own program';
  if (SSH.test(key)) return 'belongs to SSH, which the proxy does not read';
  if (DATABASE.test(key)) return 'belongs to a database or mail server, which the proxy does not read';
  return undefined;
}

function inUrl(key: string, value: string, url: RegExpExecArray, tracked: boolean): Classified | undefined {
  const [, scheme, userinfo] = url;
  const start = scheme!.length + 3;
  const colon = userinfo!.indexOf(':');
  const http = HTTP_SCHEME.test(scheme!);
  // Some services take the key as the user, without a password.
  const from = colon < 0 ? start : start + colon + 1;
  const to = start + userinfo!.length;
  if (to - from < 6 || (colon < 0 && !looksRandom(value.slice(from, to)))) return undefined;
  const ticked = http && !tracked && to - from >= MIN_LENGTH && !PUBLIC_PREFIX.test(key);
  const reason = http
    ? 'password inside a URL; bind it to its host under "secrets:" in the policy'
    : `password of a ${scheme!.toLowerCase()} connection, which the proxy does not read`;
  const host = /@(?:\[[^\]]*\]|[^:/?#]*)/.exec(value.slice(to))?.[0].slice(1) ?? '';
  return {
    from,
    to,
    ticked,
    reason,
    provider: undefined,
    hosts: ticked && /^[a-z0-9.-]+\.[a-z]{2,}$/i.test(host) ? [host.toLowerCase()] : [],
    in: ticked ? ['basic'] : [],
  };
}

/** Too short to swap, but worth showing when its name says secret. */
function shortSecret(key: string, value: string): Classified | undefined {
  if (
    value.length < 6 ||
    value.length >= MIN_LENGTH ||
    ORDINARY.test(value) ||
    PLACEHOLDER.test(value) ||
    REFERENCE.test(value) ||
    !SECRET_NAME.test(key) ||
    !looksRandom(value)
  )
    return undefined;
  return whole(value, false, 'too short for a dummy that nobody could guess', {
    provider: undefined,
    hosts: [],
    in: [],
  });
}

function whole(
  value: string,
  ticked: boolean,
  reason: string,
  binding: Pick<Classified, 'provider' | 'hosts' | 'in'> = { provider: undefined, hosts: [], in: [] },
): Classified {
  return { from: 0, to: value.length, ticked, reason, ...binding };
}

/** Letters and digits mixed, no spaces: not a word, a path or a sentence. */
function looksRandom(value: string): boolean {
  if (/\s/.test(value)) return false;
  const classes = [/[a-z]/, /[A-Z]/, /\d/].filter((cls) => cls.test(value)).length;
  return classes >= 2 && /\d/.test(value);
}

/** A path, a URL without credentials, a host, an address of mail, a list: it says where, not who. */
function isLocator(value: string): boolean {
  return (
    /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/|\.{0,2}\/|[A-Za-z]:\\)/.test(value) ||
    /^[^\s@]+@[^\s@]+\.[a-z]+$/i.test(value) ||
    /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/i.test(value) ||
    /,\s*\S+,/.test(value)
  );
}

const isPlainText = (value: string) => /^[A-Za-z]+(?:[-_. ][A-Za-z]+)*$/.test(value) && value.length < 24;

/** Shannon entropy in bits a character. */
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}

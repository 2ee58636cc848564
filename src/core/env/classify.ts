// Which values are secrets, and which of those are ticked for the swap, each with the reason that the user reads. When in
// doubt a value is shown and left unticked: a dummy in the wrong place breaks the user's program.
import { awsRole } from '../secrets/aws';
import type { Provider, SecretKind } from '../secrets/providerTable';
import { hasShape, isServedPlace, lookupProvider } from '../secrets/providers';
import type { Place } from '../secrets/types';
import { referenceReason } from './classifyReference';
import { connectionSecret, urlSecret } from './urlSecret';

export interface Classified {
  /** Span of the secret inside the value, in UTF-16 units: the whole, or a part. */
  readonly from: number;
  readonly to: number;
  /** The secret as programs use it: of a URL, percent-decoded. */
  readonly secret: string;
  readonly ticked: boolean;
  readonly reason: string;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

export interface ClassifyContext {
  /** The file is in git. */
  readonly tracked: boolean;
  /** Why programs may read another value from the file (scan.ts). */
  readonly doubt: string | undefined;
}

/** secrets.md: shorter values are not searched for, and hardly a dummy of 64 random bits fits. */
const MIN_LENGTH = 12;
const MIN_SHOWN = 6;

const PUBLIC_PREFIX = /^(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|GATSBY|PUBLIC|VUE_APP|STORYBOOK|NG_APP)_/;
/** Made to be seen, or saying where and how instead of who. */
const PUBLIC_NAME =
  /(?:^|_)(?:PUBLISHABLE|PUBLIC|ANON|SITE)_KEY$|(?:^|_)(?:ID|URL|URI|ENDPOINT|HOST|PORT|NAME|PATH|FILE|DIR|EMAIL|REGION|TTL|EXPIRY|EXPIRES(?:_IN)?|ALGORITHM|ALG|TYPE|MODE|VERSION|LENGTH|ROUNDS|PREFIX|HEADER|ISSUER|AUDIENCE|SCOPES?|PROVIDERS?)$/;
const PUBLIC_SHAPE = /^(?:pk_(?:live|test)_|sb_publishable_)[A-Za-z0-9_-]+$/;
const STRONG_NAME =
  /(?:^|_)(?:API_?KEY|APIKEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE|PASSWD|PASS|PWD|CREDENTIALS?|PAT)(?:_|\d|$)/;
const WEAK_NAME = /(?:^|_)(?:KEY|AUTH|PRIVATE|LICENSE|CREDS?|SIGNATURE)(?:_|\d|$)/;
const PASSWORD_NAME = /(?:^|_)(?:PASSWORD|PASSPHRASE|PASSWD|PASS|PWD)(?:_|\d|$)/;
const PHRASE_NAME = /(?:PASSWORD|PASSPHRASE|PASSWD|PASS|PWD)\d*$/;

const DATABASE =
  /(?:^|_)(?:DB|DATABASE|POSTGRES(?:QL)?|PG|PGPASSWORD|MYSQL|MARIADB|MONGO(?:DB)?|REDIS|RABBITMQ|AMQP|KAFKA|MSSQL|ORACLE|CLICKHOUSE|NEO4J|SMTP|IMAP|MAIL|LDAP|FTP|SFTP)(?:_|PASS|$)/;
const SIGNING =
  /(?:^|_)(?:SIGNING|SIGNATURE|HMAC|JWT|SESSION|COOKIE|CSRF|NEXTAUTH|AUTH|VAPID)(?:_(?:PRIVATE|ACCESS|REFRESH|TOKEN))*_(?:SECRET|KEY)$|^(?:SECRET_KEY(?:_BASE)?|DJANGO_SECRET_KEY|FLASK_SECRET_KEY|APP_KEY|APP_SECRET)$/;
const ENCRYPTION =
  /(?:^|_)(?:ENCRYPTION|ENCRYPT|CIPHER|AES|MASTER|FERNET|CRYPTO?|PEPPER|SALT)(?:_?(?:KEY|SECRET|SALT))?$/;
const WEBHOOK = /(?:^|_)WEBHOOK(?:_[A-Z0-9]+)*_(?:SECRET|KEY|TOKEN)$|_SIGNING_SECRET$/;
const SSH = /(?:^|_)SSH(?:_|$)/;

const ORDINARY =
  /^(?:true|false|yes|no|on|off|null|none|undefined|localhost|development|production|staging|test|debug|info|warn|error|postgres(?:ql)?|mysql|redis|root|admin|user|password|changeme|secret|example|default|utf-?8|\d+(?:\.\d+)*|\d+(?:ms|s|m|h|d|kb|mb|gb)?|\d{4}-\d\d-\d\d\S*)$/i;
const PLACEHOLDER =
  /^(?:<.*>|\[.*\]|\{\{.*\}\}|.*\.{3}|.*…)$|x{6}|\*{4}|^(?:your|insert|enter|replace|change)[-_ ].*|[-_ ]?(?:change|replace)[-_ ]?me|(?:^|[-_])(?:your|example|placeholder)(?:$|[-_])|[-_]here$|^(?:todo|fixme)\b/i;
/** As text, or in base64. */
const PEM = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|^LS0tLS1CRUdJTi/;
const SERVICE_ACCOUNT = /"type"\s*:\s*"service_account"/;
const BASE64_JSON = /^ey[I-L][A-Za-z0-9+/_-]+=*$/;
const SCHEME_WORD = /^(Bearer|Token|Bot|ApiKey|Api-Key|Api-Token|Key|SSWS|GenieKey|FlyV1|DeepL-Auth-Key) +(?=\S+$)/i;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A variable that a bundler puts into what every visitor gets. */
export function isPublicName(name: string): boolean {
  return PUBLIC_PREFIX.test(name.toUpperCase());
}

/** The secret in a value, or undefined where there is none. */
export function classify(name: string, value: string, context: ClassifyContext): Classified | undefined {
  const key = upperSnake(name);
  if (value.length < MIN_SHOWN || ORDINARY.test(value) || PUBLIC_SHAPE.test(value)) return undefined;
  if (referenceReason(value) !== undefined) return undefined;
  if (PEM.test(value))
    return whole(
      value,
      false,
      SERVICE_ACCOUNT.test(value)
        ? 'a Google service account: requests are signed with the private key (PEM) in it, which does not travel'
        : 'a private key (PEM): signing and SSH keys do not travel in HTTP',
    );
  if (BASE64_JSON.test(value) && value.length > 200)
    return whole(value, false, 'JSON in base64: the program reads what is in it, which a dummy would break');
  const scheme = SCHEME_WORD.exec(value);
  if (scheme) return shifted(classify(name, value.slice(scheme[0].length), context), scheme[0].length);
  const known = lookupProvider(key, value);
  const byShape = known !== undefined && hasShape(known, value);
  if (!byShape) {
    const part = urlSecret(key, value) ?? connectionSecret(value);
    if (part) return withDoubts(key, { ...part, provider: undefined }, context);
    if (isLocator(value) || PLACEHOLDER.test(value)) return undefined;
  } else if (entropy(value) < 2.5) {
    return undefined; // `sk-ant-xxxxxxxx`: a shape filled with nothing
  }
  if (known && (byShape || isToken(value))) return knownSecret(key, value, known, byShape, context);
  return namedSecret(key, value, context);
}

/** Why the program, or another protocol, needs the real one. */
const OF_KIND: Readonly<Record<Exclude<SecretKind, 'http' | 'aws'>, string>> = {
  signing: 'something is signed or checked with it: it does not travel itself, and the program needs the real one',
  webhook: 'it checks webhooks that come in: the program needs the real one',
  encryption: 'it encrypts data: a dummy would make stored data unreadable',
  database: 'it belongs to a database or mail server, which the proxy does not read',
};

/**
 * Without a secret key it opens nothing. With a dummy of it, each presigned URL and each list of keys would be a finding, and
 * programs that look a key up by its id would fail; all of that for nothing, as the signature says which key it is.
 */
const KEY_ID =
  'the id of a key, which is no secret and stands in every presigned URL; requests are signed again with the real key whether or not it is swapped';

const UNSERVED = 'it travels together with other text, where this version does not put values';

function knownSecret(
  key: string,
  value: string,
  known: Provider,
  byShape: boolean,
  context: ClassifyContext,
): Classified {
  const binding = { provider: known.id, hosts: known.hosts, in: known.in };
  const why = `${known.title} key, by its ${byShape ? 'shape' : 'name'}`;
  if (known.kind === 'aws' && awsRole(key, value).role === 'id')
    return whole(value, false, `${why}; ${KEY_ID}`, binding);
  if (known.kind !== 'http' && known.kind !== 'aws')
    return whole(value, false, `${why}; ${OF_KIND[known.kind]}`, binding);
  if (!known.in.some(isServedPlace)) return whole(value, false, `${why}; ${UNSERVED}`, binding);
  const where =
    known.hosts.length > 0
      ? `goes to ${known.hosts.join(', ')}`
      : 'bind it to your own host there under "secrets:" in the policy';
  return withDoubts(key, whole(value, true, `${why}; ${where}`, binding), context);
}

/** No provider is known: the name of the variable and how random the value looks must do. */
function namedSecret(key: string, value: string, context: ClassifyContext): Classified | undefined {
  if (PUBLIC_NAME.test(key)) return undefined;
  const own = ownUse(key);
  const strong = STRONG_NAME.test(key);
  const weak = WEAK_NAME.test(key);
  const random = looksRandom(value);
  const phrase = PHRASE_NAME.test(key) && /^[^\r\n]{1,80}$/.test(value) && context.doubt === undefined;
  const password = PASSWORD_NAME.test(key) && (isToken(value) || phrase);
  const named =
    password ||
    (strong && isToken(value) && (random || !isWords(value))) ||
    ((weak || own !== undefined) && random) ||
    (own !== undefined && strong && !isWords(value));
  if (value.length < MIN_LENGTH)
    return named && (random || password) && !isWords(value)
      ? whole(value, false, 'too short for a dummy that nobody could guess')
      : undefined;
  if (!named) {
    if (!random || value.startsWith('-') || UUID.test(value) || value.length < 20 || entropy(value) < 3.7)
      return undefined;
    return whole(value, false, 'it looks random, but nothing says what it is');
  }
  if (own) return whole(value, false, own);
  if (!isToken(value)) return whole(value, false, 'a password of several words: a dummy would be another kind of text');
  const reason = 'its name says that it is a secret; bind it to a host under "secrets:" in the policy';
  return withDoubts(key, whole(value, true, reason), context);
}

/** What speaks against a swap, whatever the secret is. */
function withDoubts(key: string, found: Classified, { tracked, doubt }: ClassifyContext): Classified {
  const against = PUBLIC_PREFIX.test(key)
    ? 'its name says that it is compiled into public code'
    : tracked
      ? 'the file is tracked by git: the value is in the history already, so change it at the provider'
      : doubt;
  return against !== undefined && found.ticked ? { ...found, ticked: false, reason: against } : found;
}

/** Names that mark a secret which the program keeps to itself or gives to something that does not speak HTTP. */
function ownUse(key: string): string | undefined {
  if (WEBHOOK.test(key)) return 'checks webhooks that come in: the program needs the real one';
  if (ENCRYPTION.test(key)) return 'encrypts data: a dummy would make stored data unreadable';
  if (SIGNING.test(key)) return 'signs sessions or tokens of your own program';
  if (SSH.test(key)) return 'belongs to SSH, which the proxy does not read';
  if (DATABASE.test(key)) return 'belongs to a database or mail server, which the proxy does not read';
  return undefined;
}

function whole(
  value: string,
  ticked: boolean,
  reason: string,
  binding: Pick<Classified, 'provider' | 'hosts' | 'in'> = { provider: undefined, hosts: [], in: [] },
): Classified {
  return { from: 0, to: value.length, secret: value, ticked, reason, ...binding };
}

function shifted(found: Classified | undefined, by: number): Classified | undefined {
  return found && { ...found, from: found.from + by, to: found.to + by };
}

/** `openaiApiKey` and `openai.api-key` as `OPENAI_API_KEY`. Of a very long name the end, which is what says something. */
function upperSnake(name: string): string {
  const end = name.slice(-200).replace(/[.-]/g, '_');
  // `E2B_API_KEY` has no humps.
  return (/[a-z]/.test(end) ? end.replace(/([a-z0-9])([A-Z])/g, '$1_$2') : end).toUpperCase();
}

/** One run of characters: what a credential is, and a sentence is not. */
const isToken = (value: string) => !/\s/.test(value);

/** Letters and digits mixed: not a word, not a sentence. */
function looksRandom(value: string): boolean {
  if (!isToken(value)) return false;
  const classes = [/[a-z]/, /[A-Z]/, /\d/].filter((cls) => cls.test(value)).length;
  return classes >= 2 && (/\d/.test(value) || entropy(value) > 4);
}

const isWords = (value: string) => /^[A-Za-z]+(?:[-_. ][A-Za-z]+)*$/.test(value) && entropy(value) < 3.9;

/** A path, a URL without credentials, a host, an address of mail, a list: it says where, not who. */
function isLocator(value: string): boolean {
  return (
    /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/|[A-Za-z]:\\)/.test(value) ||
    // Base64 may begin with a slash and hold another; a path is more regular.
    (/^~?\.{0,2}\/(?=\S*[/.])/.test(value) && entropy(value) < 4.3) ||
    /^[^\s@]+@[^\s@]+\.[a-z]+$/i.test(value) ||
    /^(?:[a-z0-9-]{1,40}\.)+[a-z]{2,24}(?::\d+)?$/.test(value) ||
    /^\d+(?:\.\d+){3}(?::\d+)?$/.test(value) ||
    /\.(?:json|pem|key|crt|cer|p12|pfx|ya?ml|txt|env|db|sqlite3?)$/i.test(value) ||
    /,\s*\S+,/.test(value)
  );
}

/** Shannon entropy in bits a character. */
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}

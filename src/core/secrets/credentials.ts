// Which credentials a request head carries: by the fields and parameters that are made for them, and by the places that the
// secrets of the host are bound to. Texts of credentials never leave the caller.
import { basicParts, decodeBase64, percentDecode, toLatin1 } from './encodings';
import { matchShape } from './providers';
import type { BoundSecret } from './types';

export interface Credential {
  /** `header:authorization`, `query:access_token`, `path`. */
  readonly place: string;
  /** Latin1, one char a byte; of Basic credentials user and password together, as they stand before base64. */
  readonly text: string;
  /** What must be a managed one for the credential to be: the text itself; user or password of Basic. */
  readonly parts: readonly string[];
}

/** RFC 9110, 11.6.2, and what vendors made up. Not cookies: servers hand them out to everyone. */
const FIELD =
  /^(?:authorization|sec-websocket-protocol|x-api-key|api-key|apikey|x-goog-api-key|x-auth-token|x-auth-key|x-access-token|private-token|job-token|x-amz-security-token|x-figma-token|x-vault-token|[a-z0-9-]+-(?:api-?key|api-token|access-token|auth-token))$/;
/** Tokens of a session with a page, not of an account. */
const NO_CREDENTIAL = /^(?:x-)?(?:csrf|xsrf)-/;
const QUERY =
  /^(?:access_token|api_key|apikey|api-key|auth_token|private_token|personal_access_token|client_secret|awsaccesskeyid)$/i;
/** Credentials are no words: a shorter text is a scheme, a flag, a placeholder. */
const MIN_LENGTH = 8;

/** Names come again and again; a stranger's many must not fill the memory. */
const MAX_NAMES = 512;
const knownNames = new Map<string, boolean>();

function isCredentialField(name: string): boolean {
  let is = knownNames.get(name);
  if (is === undefined) {
    is = FIELD.test(name) && !NO_CREDENTIAL.test(name);
    if (knownNames.size < MAX_NAMES) knownNames.set(name, is);
  }
  return is;
}

const placesBySecrets = new WeakMap<readonly BoundSecret[], ReadonlySet<string>>();

function placesOf(secrets: readonly BoundSecret[]): ReadonlySet<string> {
  let all = placesBySecrets.get(secrets);
  if (!all) {
    all = new Set(secrets.flatMap((secret) => secret.in));
    placesBySecrets.set(secrets, all);
  }
  return all;
}

/** `secrets`: those bound to the host of the request. `path` is the origin-form target, `lower[i]` the name of `values[i]`. */
export function findCredentials(
  path: string,
  lower: readonly string[],
  values: readonly string[],
  secrets: readonly BoundSecret[],
): Credential[] {
  const places = placesOf(secrets);
  const found: Credential[] = [];
  const add = (place: string, text: string, parts: readonly string[] = [text]) => {
    if (text.length >= MIN_LENGTH) found.push({ place, text, parts });
  };
  for (const [i, name] of lower.entries()) {
    const place = `header:${name}`;
    if (!isCredentialField(name) && !places.has(place)) continue;
    const value = values[i]!.trim();
    if (name === 'sec-websocket-protocol') {
      for (const word of value.split(',')) {
        const key = /^\s*openai-insecure-api-key\.(\S+)/.exec(word)?.[1];
        if (key !== undefined) add(place, key);
      }
      continue;
    }
    if (name !== 'authorization') {
      add(place, places.has(place) ? bare(value) : value);
      continue;
    }
    const [, scheme = '', rest = ''] = /^([A-Za-z][A-Za-z0-9-]*) +(.*)$/s.exec(value) ?? ['', '', value];
    // Signed requests name a key and hold no credential (they are looked at where they are signed).
    if (/^(?:aws4-|digest$|negotiate$|ntlm$|hawk$)/i.test(scheme)) continue;
    const basic = scheme.toLowerCase() === 'basic' ? decodeBase64(rest.trim()) : undefined;
    if (basic === undefined) add(place, rest);
    else add(place, basic, basicParts(basic));
  }
  const mark = path.indexOf('?');
  if (mark >= 0)
    // Some servers part parameters at a semicolon, too.
    for (const part of path.slice(mark + 1).split(/[&;]/)) {
      const equals = part.indexOf('=');
      const name = percentDecode(part.slice(0, Math.max(0, equals)));
      if (places.has(`query:${name}`) || QUERY.test(name)) add(`query:${name}`, percentDecode(part.slice(equals + 1)));
    }
  if (places.has('path'))
    for (const segment of (mark < 0 ? path : path.slice(0, mark)).split('/')) {
      const plain = percentDecode(segment);
      // A word may stand before it (Telegram's `/bot<token>/`).
      for (const text of new Set([plain, plain.replace(/^[A-Za-z]{1,12}/, '')])) if (isKey(text)) add('path', text);
    }
  return found;
}

/**
 * Whether a credential is one of these secrets: the value itself, or what stands for it. Of Basic credentials the other half
 * must be none: servers that ignore one half would take it.
 */
export function isManaged({ parts }: Credential, secrets: readonly BoundSecret[]): boolean {
  const managed = parts.map(
    (part) => secrets.some(({ dummy }) => part === dummy) || secrets.some(({ value }) => part === toLatin1(value)),
  );
  return managed.includes(true) && parts.every((part, i) => managed[i] === true || isNoKey(part, i === 0));
}

/** A name of a user, or what stands where a server wants something. */
function isNoKey(text: string, user: boolean): boolean {
  if (
    text.length < MIN_LENGTH ||
    /^(?:x-access-token|x-oauth-basic|oauth2?|oauth2accesstoken|__token__|api_token|anonymous)$/.test(text)
  )
    return true;
  return (
    user && text.length < 64 && /^[A-Za-z0-9._%+@-]+$/.test(text) && !/^[A-Za-z0-9_-]{20,}$/.test(text) && !isKey(text)
  );
}

/** Without a scheme word (RFC 9110, 11.4). */
const bare = (value: string) => value.replace(/^[A-Za-z][A-Za-z0-9-]* +/, '');

const isKey = (text: string) => text.length >= 16 && matchShape(text) !== undefined;

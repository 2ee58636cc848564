// Reads who signed a request with AWS Signature Version 4, and how: from the Authorization field or from the query (presigned).
// Writes other ids and signatures in their place, and leaves everything else as it is. It judges nothing.
import { percentDecode, percentEncode, toLatin1 } from '../../core/secrets/encodings';
import type { Fields } from '../engine';
import { fieldOf } from '../fields';
import { ALGORITHM, type Scope } from './signature';

export interface SignedRequest extends Scope {
  readonly place: 'header:authorization' | 'query:X-Amz-Signature';
  readonly algorithm: string;
  readonly keyId: string;
  /** YYYYMMDD'T'HHMMSS'Z' */
  readonly time: string;
  /** In lower case, in the order of the client. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** X-Amz-Security-Token */
  readonly token: string | undefined;
  /** X-Amz-Content-Sha256: a hash in hex, or one of the words that stand for it. */
  readonly payload: string | undefined;
}

/** A path with its query, and the fields beside it. */
export interface SignedHead {
  readonly path: string;
  readonly fields: Fields;
}

const TOKEN = 'x-amz-security-token';
const PAYLOAD = 'x-amz-content-sha256';
const SIGNED_HEADERS = 'x-amz-signedheaders';
const SIGNATURE = 'x-amz-signature';
const CREDENTIAL = 'x-amz-credential';
/** Nobody knows what a server takes for a name; an escape may hide one. */
const MAYBE_QUERY = /[?&](?:x-amz-|[^=&]*%)/i;

/** Undefined: it is not signed so. `unreadable`: it is, in a way that could be read in several ways, or in none. */
export function readSigned({ path, fields }: SignedHead): SignedRequest | 'unreadable' | undefined {
  const at = fields.lower.indexOf('authorization');
  const inHeader = at >= 0 && /^aws4-/i.test(fields.values[at]!);
  const query = MAYBE_QUERY.test(path) ? readQuery(path) : undefined;
  const inQuery = query !== undefined && [SIGNATURE, CREDENTIAL, 'x-amz-algorithm'].some((name) => query.has(name));
  if (!inHeader && !inQuery) {
    // Behind another one, where a quick look does not see it.
    const hidden = fields.lower.some((name, i) => name === 'authorization' && /^aws4-/i.test(fields.values[i]!));
    return hidden ? 'unreadable' : undefined;
  }
  if ((inHeader && inQuery) || twice(fields, ['authorization', TOKEN, PAYLOAD, 'x-amz-date'])) return 'unreadable';
  return (inHeader ? fromHeader(fields, at) : fromQuery(fields, query!)) ?? 'unreadable';
}

function fromHeader(fields: Fields, at: number): SignedRequest | undefined {
  const [, algorithm = '', rest = ''] = /^(\S+)[ \t]+(.*)$/.exec(fields.values[at]!) ?? [];
  const parts = new Map<string, string>();
  for (const part of rest.split(',')) {
    const [, name, value] = /^[ \t]*([A-Za-z]+)=([^ \t]+)[ \t]*$/.exec(part) ?? [];
    if (name === undefined || value === undefined || parts.has(name)) return undefined;
    parts.set(name, value);
  }
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((n) => parts.get(n));
  const time = fieldOf(fields, 'x-amz-date') ?? basicTime(fieldOf(fields, 'date'));
  const token = fieldOf(fields, TOKEN);
  const payload = fieldOf(fields, PAYLOAD);
  return build('header:authorization', algorithm, credential, signedHeaders, signature, time, token, payload);
}

function fromQuery(fields: Fields, query: ReadonlyMap<string, readonly string[]>): SignedRequest | undefined {
  const one = (name: string) => {
    const values = query.get(name);
    return values?.length === 1 ? values[0] : undefined;
  };
  // Twice: who knows which one counts.
  if ([...query].some(([name, values]) => name.startsWith('x-amz-') && values.length > 1)) return undefined;
  return build(
    'query:X-Amz-Signature',
    one('x-amz-algorithm') ?? '',
    one(CREDENTIAL),
    one(SIGNED_HEADERS),
    one(SIGNATURE),
    one('x-amz-date'),
    one(TOKEN) ?? fieldOf(fields, TOKEN),
    one(PAYLOAD) ?? fieldOf(fields, PAYLOAD),
  );
}

function build(
  place: SignedRequest['place'],
  algorithm: string,
  credential: string | undefined,
  signedHeaders: string | undefined,
  signature: string | undefined,
  time: string | undefined,
  token: string | undefined,
  payload: string | undefined,
): SignedRequest | undefined {
  if (algorithm !== ALGORITHM) {
    // Another kind of signature names its key in another form.
    const keyId = credential?.split('/')[0] ?? '';
    return keyId === '' || !/^AWS4-[A-Z0-9-]+$/.test(algorithm)
      ? undefined
      : { ...NOTHING, place, algorithm, keyId, token, payload };
  }
  const match = /^(.+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential ?? '');
  const [, keyId = '', date = '', region = '', service = ''] = match ?? [];
  if (!match || !/^[0-9a-f]{64}$/.test(signature ?? '') || signature === undefined) return undefined;
  if (time === undefined || !/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(date)) return undefined;
  const names = (signedHeaders ?? '').toLowerCase().split(';');
  if (names.some((name) => name === '') || new Set(names).size !== names.length) return undefined;
  return { place, algorithm, keyId, date, region, service, time, signedHeaders: names, signature, token, payload };
}

const NOTHING = { date: '', region: '', service: '', time: '', signedHeaders: [], signature: '' };

/** Names decoded and in lower case. */
function readQuery(path: string): ReadonlyMap<string, readonly string[]> {
  const out = new Map<string, string[]>();
  for (const part of path.slice(path.indexOf('?') + 1).split('&')) {
    const [name, value] = nameAndValue(part);
    out.set(name, [...(out.get(name) ?? []), percentDecode(value)]);
  }
  return out;
}

function nameAndValue(part: string): readonly [name: string, value: string] {
  const equals = part.indexOf('=');
  return [
    percentDecode(equals < 0 ? part : part.slice(0, equals)).toLowerCase(),
    equals < 0 ? '' : part.slice(equals + 1),
  ];
}

function twice({ lower }: Fields, names: readonly string[]): boolean {
  return names.some((name) => lower.indexOf(name) !== lower.lastIndexOf(name));
}

/** A Date field counts where there is no X-Amz-Date. */
function basicTime(date: string | undefined): string | undefined {
  const ms = date === undefined || /^\d{8}T\d{6}Z$/.test(date) ? NaN : Date.parse(date);
  return Number.isNaN(ms) ? date : new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** What is to stand in a signed request in place of what the client wrote. Undefined: that stays. */
export interface Replacements {
  readonly keyId?: string | undefined;
  readonly token?: string | undefined;
  readonly payload?: string | undefined;
  readonly signature?: string | undefined;
  readonly signedHeaders?: readonly string[] | undefined;
}

export function rewriteSigned(head: SignedHead, { place }: SignedRequest, by: Replacements): SignedHead {
  const { names, lower, values } = head.fields;
  const changed = lower.map((name, i) => {
    const value = values[i]!;
    if (name === TOKEN) return by.token === undefined ? value : toLatin1(by.token);
    if (name === PAYLOAD) return by.payload ?? value;
    if (name !== 'authorization' || place !== 'header:authorization') return value;
    return value
      .replace(/([ ,\t]Credential=)([^ ,\t]+)(\/\d{8}\/)/, (_, before: string, id: string, after: string) =>
        [before, by.keyId ?? id, after].join(''),
      )
      .replace(
        /([ ,\t]SignedHeaders=)([^ ,\t]+)/,
        (_, before: string, old: string) => before + (by.signedHeaders?.join(';') ?? old),
      )
      .replace(/([ ,\t]Signature=)([0-9a-f]+)/, (_, before: string, old: string) => before + (by.signature ?? old));
  });
  const path = place === 'query:X-Amz-Signature' ? rewriteQuery(head.path, by) : head.path;
  return { path, fields: { names, lower, values: changed } };
}

function rewriteQuery(path: string, { keyId, token, payload, signature, signedHeaders }: Replacements): string {
  const mark = path.indexOf('?');
  const parts = path.slice(mark + 1).split('&');
  const changed = parts.map((part) => {
    const [name, raw] = nameAndValue(part);
    const put = (value: string | undefined) =>
      value === undefined ? part : `${part.slice(0, part.indexOf('=') + 1)}${percentEncode(value)}`;
    if (name === SIGNATURE) return put(signature);
    if (name === SIGNED_HEADERS) return put(signedHeaders?.join(';'));
    if (name === TOKEN) return put(token);
    if (name === PAYLOAD) return put(payload);
    if (name !== CREDENTIAL || keyId === undefined) return part;
    return put(percentDecode(raw).replace(/^.+(?=\/\d{8}\/)/, () => keyId));
  });
  return `${path.slice(0, mark + 1)}${changed.join('&')}`;
}

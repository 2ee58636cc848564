// The text of a request that AWS Signature Version 4 signs. Clients do not agree on it in every corner (escapes in paths, `+` in
// queries, spaces in fields): there is one text for each reading, and a request is signed again in the reading that its client
// used, so that what goes out is what the client itself would have sent with the real key.
//
// @smithy/signature-v4 signs what it builds itself: it waits (handlers do not), drops a Date field, and takes queries and fields as
// decoded text, where the bytes count here. The tests hold this against it, and against AWS's published examples.
import { formDecode, percentDecode } from '../../core/secrets/encodings';
import type { SignedHead, SignedRequest } from './signedRequest';

export interface CanonicalInput extends SignedHead {
  readonly method: string;
  /** What the Host field says, or stands for it. */
  readonly host: string;
}

export interface Reading {
  readonly path: (path: string) => string;
  readonly query: (parts: readonly string[]) => string;
  readonly field: (value: string) => string;
  /** Services that take the token of a presigned request unsigned (AWS IoT). */
  readonly withoutToken: boolean;
}

/** RFC 3986, 2.3, over bytes. */
const escape = (text: string, keep: RegExp) =>
  text.replace(/[^A-Za-z0-9._~-]/g, (char) =>
    keep.test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
const encode = (text: string) => escape(text, /[^\0-\xff]/);
const encodePath = (text: string) => escape(text, /\//);

/** Without empty and dot segments (RFC 3986, 5.2.4). */
function normalize(path: string): string {
  const out: string[] = [];
  for (const segment of path.split('/'))
    if (segment === '..') out.pop();
    else if (segment !== '' && segment !== '.') out.push(segment);
  return `/${out.join('/')}${out.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

/** S3: encoded once, nothing taken out. */
const ONCE: readonly Reading['path'][] = [(path) => path, (path) => encodePath(percentDecode(path))];
/** All others: what stands in the request line is encoded again. */
const AGAIN: readonly Reading['path'][] = [
  (path) => encodePath(normalize(path)),
  encodePath,
  (path) => encodePath(normalize(percentDecode(path))),
];

const sorted = (pairs: readonly (readonly [string, string])[]) =>
  [...pairs]
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

const pairs = (parts: readonly string[], change: (text: string) => string) =>
  parts.map((part) => {
    const equals = part.indexOf('=');
    const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    return [change(name), change(value)] as const;
  });

const QUERIES: readonly Reading['query'][] = [
  (parts) => sorted(pairs(parts, (text) => encode(percentDecode(text)))),
  (parts) => sorted(pairs(parts, (text) => encode(formDecode(text)))),
  (parts) => sorted(pairs(parts, (text) => text)),
  (parts) => parts.join('&'),
];

const FIELDS: readonly Reading['field'][] = [(value) => value.replace(/[ \t]+/g, ' '), (value) => value];

/** The likely ones first. */
export function* readings({ service, place, token }: SignedRequest): Generator<Reading> {
  const paths = service.startsWith('s3') ? [...ONCE, ...AGAIN] : [...AGAIN, ...ONCE];
  const presigned = place === 'query:X-Amz-Signature' && token !== undefined;
  for (const withoutToken of presigned ? [false, true] : [false])
    for (const field of FIELDS)
      for (const query of QUERIES) for (const path of paths) yield { path, query, field, withoutToken };
}

/** The canonical request: bytes, one char each. A signed field that is not there is left out with its name. */
export function canonicalRequest(
  { method, path, fields, host }: CanonicalInput,
  { signedHeaders, place }: SignedRequest,
  payload: string,
  reading: Reading,
): string {
  const mark = path.indexOf('?');
  const presigned = place === 'query:X-Amz-Signature';
  const parts = (mark < 0 ? [] : path.slice(mark + 1).split('&')).filter((part) => {
    const name = percentDecode(part.replace(/=.*$/s, '')).toLowerCase();
    if (part === '' || (presigned && name === 'x-amz-signature')) return false;
    return !(reading.withoutToken && name === 'x-amz-security-token');
  });
  const lines: string[] = [];
  const names: string[] = [];
  for (const name of [...signedHeaders].sort()) {
    const values =
      name === 'host' ? [host] : fields.values.filter((_, i) => fields.lower[i] === name).map((value) => reading.field(value)); // prettier-ignore
    if (values.length === 0) continue;
    names.push(name);
    lines.push(`${name}:${values.join(',')}\n`);
  }
  const target = reading.path(mark < 0 ? path : path.slice(0, mark));
  return [method, target, reading.query(parts), lines.join(''), names.join(';'), payload].join('\n');
}

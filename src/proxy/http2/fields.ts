// Between HTTP/2 field sections and the fields that handlers judge (RFC 9113, section 8). What is malformed is refused: an
// intermediary that repairs it would send on what the next hop reads otherwise (8.2.1, 8.3, 10.3).
import type { Fields } from '../engine';
import { FORBIDDEN_TRAILER } from '../http1/body';
import type { FieldList } from './frameWriter';
import type { FieldSection } from './hpack';

/** The section breaks a rule of the protocol: its stream is reset (RFC 9113, 8.1.1). The message is for a flow. */
export class Malformed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Malformed';
  }
}

export interface Http2Request {
  readonly method: string;
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string | undefined;
  /** Of an extended CONNECT (RFC 8441). */
  readonly protocol: string | undefined;
  readonly fields: Fields;
  /** What the body will be long, if the message says so. */
  readonly length: number | undefined;
  /** Names that no hop may put into a table (RFC 7541, 6.2.3). */
  readonly neverIndexed: ReadonlySet<string>;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;
/** RFC 9110, 11.7: of one hop, the one to this proxy. Credentials for it go no further. */
const OF_THIS_HOP = new Set(['proxy-authorization', 'proxy-authenticate']);
/** RFC 9113, 8.2.2: these belong to one connection of HTTP/1.1. */
const CONNECTION = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

export function readRequest(section: FieldSection): Http2Request {
  const pseudo = new Map<string, string>();
  const fields = read(section, pseudo, new Set([':method', ':scheme', ':authority', ':path', ':protocol']));
  const method = pseudo.get(':method');
  if (method === undefined || !METHOD.test(method)) throw new Malformed('The request has no valid :method.');
  // Only one of them could be checked against the connection.
  if (fields.lower.indexOf('host') !== fields.lower.lastIndexOf('host'))
    throw new Malformed('There is more than one host field.');
  return {
    method,
    scheme: pseudo.get(':scheme'),
    authority: pseudo.get(':authority'),
    path: pseudo.get(':path'),
    protocol: pseudo.get(':protocol'),
    fields: joinCookies(fields),
    length: contentLength(fields),
    neverIndexed: section.neverIndexed,
  };
}

export function readResponse(section: FieldSection): { status: number; fields: Fields; length: number | undefined } {
  const pseudo = new Map<string, string>();
  const fields = read(section, pseudo, new Set([':status']));
  const status = pseudo.get(':status');
  if (status === undefined || !/^[1-9]\d\d$/.test(status)) throw new Malformed('The response has no valid :status.');
  return { status: Number(status), fields, length: contentLength(fields) };
}

export function readTrailers(section: FieldSection): Fields {
  const fields = read(section, new Map(), new Set());
  if (fields.lower.some((name) => FORBIDDEN_TRAILER.test(name)))
    throw new Malformed('A trailer holds a field that trailers must not hold.');
  return fields;
}

function read(section: FieldSection, pseudo: Map<string, string>, known: ReadonlySet<string>): Fields {
  if (section.tooLarge) throw new Malformed('The fields are longer than 64 KiB.');
  const fields: Fields = { names: [], lower: [], values: [] };
  let behind = false;
  for (let i = 0; i < section.names.length; i++) {
    const name = section.names[i]!;
    const value = section.values[i]!;
    if (BAD_VALUE.test(value)) throw new Malformed('A field value holds a control character or outer white space.');
    if (name.charCodeAt(0) === 58) {
      if (behind) throw new Malformed('A pseudo-field follows a field.');
      if (!known.has(name) || pseudo.has(name)) throw new Malformed('A pseudo-field is unknown or stands twice.');
      pseudo.set(name, value);
      continue;
    }
    behind = true;
    if (!NAME.test(name)) throw new Malformed('A field name is not a token in lower case.');
    if (CONNECTION.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers'))
      throw new Malformed('A field belongs to HTTP/1.1 connections only.');
    if (OF_THIS_HOP.has(name)) continue;
    fields.names.push(name);
    fields.lower.push(name);
    fields.values.push(value);
  }
  return fields;
}

function contentLength({ lower, values }: Fields): number | undefined {
  let length: number | undefined;
  for (let i = 0; i < lower.length; i++) {
    if (lower[i] !== 'content-length') continue;
    if (length !== undefined || !/^\d{1,15}$/.test(values[i]!))
      throw new Malformed('Content-Length is no plain number, or stands twice.');
    length = Number(values[i]);
  }
  return length;
}

/** RFC 9113, 8.2.3: crumbs are one cookie again before they leave HTTP/2, and before anyone judges them. */
function joinCookies(fields: Fields): Fields {
  const first = fields.lower.indexOf('cookie');
  if (first < 0 || !fields.lower.includes('cookie', first + 1)) return fields;
  const cookie = fields.values.filter((_, i) => fields.lower[i] === 'cookie').join('; ');
  const keep = fields.lower.map((name, i) => name !== 'cookie' || i === first);
  const values = fields.values.map((value, i) => (i === first ? cookie : value));
  const pick = (list: string[]) => list.filter((_, i) => keep[i]);
  return { names: pick(fields.names), lower: pick(fields.lower), values: pick(values) };
}

/** Without what HTTP/2 says otherwise: `Host` is `:authority`, framing is in the frames. */
function append(fields: Fields, names: string[], values: string[]): void {
  for (let i = 0; i < fields.lower.length; i++) {
    const name = fields.lower[i]!;
    if (name === 'host' || CONNECTION.has(name)) continue;
    names.push(name);
    values.push(fields.values[i]!);
  }
}

export function requestList(
  method: string,
  scheme: string,
  authority: string,
  path: string,
  fields: Fields,
  neverIndexed?: ReadonlySet<string>,
): FieldList {
  const names = [':method', ':scheme', ':authority', ':path'];
  const values = [method, scheme, authority, path];
  append(fields, names, values);
  return { names, values, neverIndexed };
}

export function responseList(status: number, fields: Fields, neverIndexed?: ReadonlySet<string>): FieldList {
  const names = [':status'];
  const values = [String(status)];
  append(fields, names, values);
  return { names, values, neverIndexed };
}

export function trailerList(fields: Fields): FieldList {
  const names: string[] = [];
  const values: string[] = [];
  append(fields, names, values);
  return { names, values };
}

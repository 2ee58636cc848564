// Strict parsing of HTTP/1.1 message heads (RFC 9112): bytes in, a typed head or a refusal out. No sockets, no I/O.
// Whatever two parsers could read differently is refused here, with nothing forwarded; it must never be repaired.
import type { Fields } from '../engine';

/** Longest head that is read, start line and all fields, in bytes. */
export const MAX_HEAD_BYTES = 64 * 1024;
const MAX_FIELDS = 256;
const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** A message that we refuse to interpret. `status` is what a client is told; an upstream's becomes a 502. */
export class BadMessage extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
    this.name = 'BadMessage';
  }
}

/** Body framing as RFC 9112, section 6.3 derives it from a head alone (before method and status are considered). */
export interface Framing {
  readonly chunked: boolean;
  /** Content-Length, or undefined where there is none. */
  readonly length: number | undefined;
}

export interface Head {
  readonly startLine: string;
  /** End-to-end fields only: hop-by-hop ones (RFC 9110, 7.6.1) are taken out, `Upgrade` too. */
  readonly fields: Fields;
  readonly framing: Framing;
  /** The `Host` value; undefined where there is none. */
  readonly host: string | undefined;
  readonly connectionClose: boolean;
  readonly connectionKeepAlive: boolean;
  /** `websocket`, where `Upgrade` says so and `Connection` lists it; else undefined. */
  readonly upgrade: string | undefined;
  readonly proxyAuthorization: string | undefined;
  /** True when a hop-by-hop field was dropped, so that the bytes cannot be forwarded as they came. */
  readonly stripped: boolean;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Anywhere in a head but for the CRLFs between its lines. */
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
/** Removing one of these on a client's word would change what the message means or where it ends. */
const NEVER_HOP_BY_HOP = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'trailer',
  'te',
  'cache-control',
  'content-type',
  'content-encoding',
  'authorization',
]);

/**
 * Index just past the blank line that ends a head within `bytes`, or -1 while it is incomplete.
 * Throws `BadMessage` as soon as the head is too long or cannot become a valid one (a bare LF).
 */
export function endOfHead(bytes: Buffer): number {
  const at = bytes.indexOf(END_OF_HEAD);
  if (at >= 0 && at <= MAX_HEAD_BYTES) return at + 4;
  if (at >= 0 || bytes.length > MAX_HEAD_BYTES)
    throw new BadMessage('head-too-long', 'The message head is longer than 64 KiB.', 431);
  const lf = bytes.indexOf(10);
  if (lf === 0 || (lf > 0 && bytes[lf - 1] !== 13))
    throw new BadMessage('bare-lf', 'A line of the message head ends in a bare LF.');
  return -1;
}

/** Parses `bytes[0, end)`, which ends with the blank line. Throws `BadMessage` on anything ambiguous. */
export function parseHead(bytes: Buffer, end: number): Head {
  const text = bytes.toString('latin1', 0, end - 4);
  if (CONTROL.test(text)) throw new BadMessage('control-character', 'The message head holds a control character.');
  const lines = text.split('\r\n');
  const startLine = lines[0]!;
  if (lines.length - 1 > MAX_FIELDS)
    throw new BadMessage('too-many-fields', `The message has more than ${MAX_FIELDS} header fields.`, 431);
  const names: string[] = [];
  const lower: string[] = [];
  const values: string[] = [];
  let length: number | undefined;
  let chunked = false;
  let host: string | undefined;
  let proxyAuthorization: string | undefined;
  let upgradeValue: string | undefined;
  let stripped = false;
  let connection: Connection | undefined;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const low = colon <= 0 ? undefined : lowerName(name);
    // A leading space (obs-fold) and a space before the colon both end here: neither is a token.
    if (low === undefined)
      throw new BadMessage(
        'bad-field-name',
        'A header field has no valid name (obs-fold and space before the colon are refused).',
      );
    const value = trim(line, colon + 1);
    switch (low) {
      case 'content-length':
        if (!/^\d{1,15}$/.test(value))
          throw new BadMessage('bad-content-length', 'Content-Length is not a plain number.');
        if (length !== undefined) throw new BadMessage('two-content-lengths', 'There is more than one Content-Length.');
        length = Number(value);
        break;
      case 'transfer-encoding':
        if (chunked || value.toLowerCase() !== 'chunked')
          throw new BadMessage(
            'bad-transfer-encoding',
            'Transfer-Encoding is something else than a single "chunked".',
            501,
          );
        chunked = true;
        break;
      case 'host':
        if (host !== undefined) throw new BadMessage('two-hosts', 'There is more than one Host field.');
        host = value;
        break;
      case 'connection':
      case 'proxy-connection':
        connection = readConnection(
          value,
          connection ?? { close: false, keepAlive: false, upgrade: false, named: undefined },
        );
        stripped = true;
        continue;
      case 'upgrade':
        upgradeValue = upgradeValue === undefined ? value : `${upgradeValue}, ${value}`;
        stripped = true;
        continue;
      case 'proxy-authorization':
        if (proxyAuthorization !== undefined)
          throw new BadMessage('two-proxy-authorizations', 'There is more than one Proxy-Authorization.');
        proxyAuthorization = value;
        stripped = true;
        continue;
      case 'keep-alive':
      case 'proxy-authenticate':
        stripped = true;
        continue;
      case 'te':
        if (value.toLowerCase() === 'trailers') break;
        stripped = true;
        continue;
      default:
    }
    names.push(name);
    lower.push(low);
    values.push(value);
  }
  if (chunked && length !== undefined)
    throw new BadMessage('two-framings', 'There is a Content-Length together with a Transfer-Encoding.');
  const fields: Fields = { names, lower, values };
  return {
    startLine,
    fields: connection?.named ? without(fields, connection.named) : fields,
    framing: { chunked, length },
    host,
    connectionClose: connection?.close ?? false,
    connectionKeepAlive: connection?.keepAlive ?? false,
    // Only WebSocket: `h2c` would open a way for requests that nobody judges (RFC 9110, 7.8 lets us ignore an upgrade).
    upgrade: connection?.upgrade && upgradeValue?.toLowerCase() === 'websocket' ? upgradeValue : undefined,
    proxyAuthorization,
    stripped,
  };
}

/** Names that were seen and are tokens, in lower case: nearly all names are among a few dozen. */
const knownNames = new Map<string, string>();
const MAX_KNOWN = 1_000;

/** A field name in lower case; undefined when it is no token (RFC 9110, 5.1). */
function lowerName(name: string): string | undefined {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) return undefined;
  const lower = name.toLowerCase();
  if (name.length <= 40 && knownNames.size < MAX_KNOWN) knownNames.set(name, lower);
  return lower;
}

interface Connection {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
  named: Set<string> | undefined;
}

function readConnection(value: string, into: Connection): Connection {
  for (const part of value.toLowerCase().split(',')) {
    const option = part.trim();
    if (option === 'close') into.close = true;
    else if (option === 'keep-alive') into.keepAlive = true;
    else if (option === 'upgrade') into.upgrade = true;
    else if (option !== '' && option !== 'te' && option !== 'trailers') {
      if (NEVER_HOP_BY_HOP.has(option))
        throw new BadMessage('bad-connection-option', `Connection names ${option}, which is not hop-by-hop.`);
      (into.named ??= new Set()).add(option);
    }
  }
  return into;
}

function without(fields: Fields, names: ReadonlySet<string>): Fields {
  const kept: Fields = { names: [], lower: [], values: [] };
  for (let i = 0; i < fields.names.length; i++) {
    if (names.has(fields.lower[i]!)) continue;
    kept.names.push(fields.names[i]!);
    kept.lower.push(fields.lower[i]!);
    kept.values.push(fields.values[i]!);
  }
  return kept;
}

/** Optional white space is space and tab only (RFC 9110, 5.6.3); `String.trim` would take more. */
function trim(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isSpace(line.charCodeAt(start))) start++;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

const isSpace = (code: number) => code === 32 || code === 9;

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  /** Minor version of HTTP/1.x. */
  readonly minor: 0 | 1;
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}) (\S+) HTTP\/1\.([01])$/;

export function parseRequestLine(line: string): RequestLine {
  const match = REQUEST_LINE.exec(line);
  if (!match) throw new BadMessage('bad-request-line', 'The request line is not "METHOD target HTTP/1.1".');
  return { method: match[1]!, target: match[2]!, minor: match[3] === '0' ? 0 : 1 };
}

export interface StatusLine {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;

export function parseStatusLine(line: string): StatusLine {
  const match = STATUS_LINE.exec(line);
  if (!match) throw new BadMessage('bad-status-line', 'The status line of the upstream is not valid.');
  return { status: Number(match[2]), reason: match[3] ?? '', minor: match[1] === '0' ? 0 : 1 };
}

/** The head's bytes as text in latin1: start line, fields in order, then `extra` lines (each with CRLF), blank line. */
export function writeHead(startLine: string, fields: Fields, extra: string): string {
  let out = `${startLine}\r\n`;
  const { names, values } = fields;
  for (let i = 0; i < names.length; i++) out += `${names[i]!}: ${values[i]!}\r\n`;
  return `${out}${extra}\r\n`;
}

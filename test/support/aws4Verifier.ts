// AWS Signature Version 4 from its documentation alone, for tests: a server that takes only what was signed with one secret, as
// S3 and the other services check it, and a client that signs. It shares no code with what it tests, and is as strict as they are.
import { createHash, createHmac } from 'node:crypto';
import https from 'node:https';
import type net from 'node:net';
import { URL } from 'node:url';
import type { IssuedCertificate } from '../../src/files/x509';

export interface Parts {
  readonly method: string;
  /** With the query, as it stands in the request line. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Scope {
  readonly time: string;
  readonly region: string;
  readonly service: string;
}

const sha = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const mac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
const hexMac = (key: Buffer, data: string) => mac(key, data).toString('hex');
const EMPTY = sha('');

function deriveKey(secret: string, { time, region, service }: Scope): Buffer {
  const date = mac(`AWS4${secret}`, time.slice(0, 8));
  return mac(mac(mac(date, region), service), 'aws4_request');
}

const scopeOf = ({ time, region, service }: Scope) => `${time.slice(0, 8)}/${region}/${service}/aws4_request`;

const strict = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Of the decoded path for S3; of the normalised, once encoded one for all others. */
function canonicalUri(path: string, service: string): string {
  const decoded = decodeURIComponent(path);
  if (service === 's3') return decoded.split('/').map(strict).join('/');
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '.' && segment !== '') kept.push(strict(segment));
  }
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

function canonicalQuery(query: string, leaveOut: string): string {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', ...value] = part.split('=');
      return [strict(decodeURIComponent(name)), strict(decodeURIComponent(value.join('=')))] as const;
    })
    .filter(([name]) => name !== leaveOut)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
}

function signatureOf(secret: string, scope: Scope, parts: Parts, names: readonly string[], payload: string): string {
  const [path = '', query = ''] = parts.target.split(/\?(.*)/s);
  const text = [
    parts.method,
    canonicalUri(path, scope.service),
    canonicalQuery(query, 'X-Amz-Signature'),
    ...names.map((name) => `${name}:${(parts.headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    payload,
  ].join('\n');
  return hexMac(deriveKey(secret, scope), ['AWS4-HMAC-SHA256', scope.time, scopeOf(scope), sha(text)].join('\n'));
}

export interface Signer extends Scope {
  readonly keyId: string;
  readonly secret: string;
}

/** The `Authorization` value for these headers, all of which are signed. */
export function authorization(signer: Signer, parts: Parts, payload: string): string {
  const names = Object.keys(parts.headers).sort();
  const signature = signatureOf(signer.secret, signer, parts, names, payload);
  return `AWS4-HMAC-SHA256 Credential=${signer.keyId}/${scopeOf(signer)}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

/** A presigned target. */
export function presign(signer: Signer, parts: Parts, payload = 'UNSIGNED-PAYLOAD', token?: string): string {
  const names = Object.keys(parts.headers).sort();
  const target = `${parts.target}${parts.target.includes('?') ? '&' : '?'}X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${strict(`${signer.keyId}/${scopeOf(signer)}`)}&X-Amz-Date=${signer.time}&X-Amz-Expires=900${token === undefined ? '' : `&X-Amz-Security-Token=${strict(token)}`}&X-Amz-SignedHeaders=${strict(names.join(';'))}`;
  return `${target}&X-Amz-Signature=${signatureOf(signer.secret, signer, { ...parts, target }, names, payload)}`;
}

function chunkText(kind: string, scope: Scope, previous: string, ...hashes: readonly string[]): string {
  return [`AWS4-HMAC-SHA256-${kind}`, scope.time, scopeOf(scope), previous, ...hashes].join('\n');
}

/** A body in signed chunks; `trailer` as `name:value`. */
export function signedChunks(signer: Signer, seed: string, parts: readonly Buffer[], trailer?: string): Buffer {
  const key = deriveKey(signer.secret, signer);
  const out: Buffer[] = [];
  let previous = seed;
  for (const data of [...parts, Buffer.alloc(0)]) {
    previous = hexMac(key, chunkText('PAYLOAD', signer, previous, EMPTY, sha(data)));
    out.push(Buffer.from(`${data.length.toString(16)};chunk-signature=${previous}\r\n`), data);
    if (data.length > 0) out.push(Buffer.from('\r\n'));
  }
  if (trailer !== undefined) {
    const signature = hexMac(key, chunkText('TRAILER', signer, previous, sha(`${trailer}\n`)));
    out.push(Buffer.from(`${trailer}\r\nx-amz-trailer-signature:${signature}\r\n`));
  }
  out.push(Buffer.from('\r\n'));
  return Buffer.concat(out);
}

export interface Account {
  readonly keyId: string;
  readonly secret: string;
  /** It must be there, and no other. */
  readonly token?: string | undefined;
}

export interface Taken extends Parts {
  /** Without chunks. */
  readonly body: Buffer;
  readonly raw: Buffer;
}

/** Why a request is not taken, or what it carries. */
export function verify(account: Account, parts: Parts, raw: Buffer): Taken | string {
  const url = new URL(parts.target, 'https://x');
  const header = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    parts.headers['authorization'] ?? '',
  );
  const query = (name: string) => url.searchParams.get(name) ?? undefined;
  const credential = header?.[1] ?? query('X-Amz-Credential');
  const names = (header?.[2] ?? query('X-Amz-SignedHeaders'))?.split(';');
  const signature = header?.[3] ?? query('X-Amz-Signature');
  if (credential === undefined || names === undefined || signature === undefined) return 'it is not signed';
  const [keyId, date, region = '', service = '', last] = credential.split('/');
  const time = header ? parts.headers['x-amz-date'] : query('X-Amz-Date');
  if (keyId !== account.keyId) return 'nobody knows this key id';
  if (last !== 'aws4_request' || time === undefined || time.slice(0, 8) !== date) return 'its scope is wrong';
  if (!names.includes('host')) return 'the host is not signed';
  if (names.some((name) => !(name in parts.headers))) return 'a signed header is not there';
  const token = header ? parts.headers['x-amz-security-token'] : query('X-Amz-Security-Token');
  if (token !== account.token) return 'its token is wrong';
  const open = !header && service === 's3' ? 'UNSIGNED-PAYLOAD' : undefined;
  const payload = parts.headers['x-amz-content-sha256'] ?? query('X-Amz-Content-Sha256') ?? open ?? sha(raw);
  const scope = { time, region, service };
  if (signatureOf(account.secret, scope, parts, names, payload) !== signature) return 'its signature is wrong';
  if (/^[0-9a-f]{64}$/.test(payload) && payload !== sha(raw)) return 'the body is another';
  if (!payload.startsWith('STREAMING-')) return { ...parts, body: raw, raw };
  const signed = payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
  const body = readChunks(raw, signed ? { key: deriveKey(account.secret, scope), scope, seed: signature } : undefined);
  if (typeof body === 'string') return body;
  const length = parts.headers['x-amz-decoded-content-length'];
  return length === String(body.length) ? { ...parts, body, raw } : 'its decoded length is wrong';
}

function readChunks(raw: Buffer, chain: { key: Buffer; scope: Scope; seed: string } | undefined): Buffer | string {
  const out: Buffer[] = [];
  let previous = chain?.seed ?? '';
  for (let at = 0; ;) {
    const end = raw.indexOf('\r\n', at);
    const line = raw.toString('latin1', at, end);
    const match = /^([0-9a-f]+)(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (end < 0 || !match) return 'a chunk has no size';
    const size = parseInt(match[1]!, 16);
    const data = raw.subarray(end + 2, end + 2 + size);
    if (chain) {
      previous = hexMac(chain.key, chunkText('PAYLOAD', chain.scope, previous, EMPTY, sha(data)));
      if (previous !== match[2]) return 'the signature of a chunk is wrong';
    }
    at = end + 2 + size;
    if (size === 0) return readTrailers(raw.toString('latin1', at), chain, previous) ?? Buffer.concat(out);
    if (raw.toString('latin1', at, at + 2) !== '\r\n') return 'a chunk does not end';
    out.push(data);
    at += 2;
  }
}

function readTrailers(
  text: string,
  chain: { key: Buffer; scope: Scope } | undefined,
  previous: string,
): string | undefined {
  if (!text.endsWith('\r\n')) return 'the end of the chunks is missing';
  const lines = text.split('\r\n').filter((line) => line !== '');
  if (!chain || lines.length === 0) return undefined;
  const signature = lines.pop()!;
  const wanted = hexMac(chain.key, chunkText('TRAILER', chain.scope, previous, sha(`${lines.join('\n')}\n`)));
  return signature === `x-amz-trailer-signature:${wanted}` ? undefined : 'the signature of the trailer is wrong';
}

/** A server that answers 200 to what it takes and 403 with the reason to all else. */
export class AwsServer {
  readonly taken: Taken[] = [];
  readonly refused: string[] = [];
  account: Account;
  answer: Readonly<Record<string, string>> = {};
  readonly #server: https.Server;

  constructor({ cert, key }: IssuedCertificate, account: Account) {
    this.account = account;
    this.#server = https.createServer({ cert, key }, (request, response) => {
      const raw: Buffer[] = [];
      request.on('data', (chunk: Buffer) => raw.push(chunk));
      request.on('error', () => undefined);
      request.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        const parts = { method: request.method!, target: request.url!, headers };
        const result = verify(this.account, parts, Buffer.concat(raw));
        if (typeof result === 'string') this.refused.push(result);
        else this.taken.push(result);
        response.writeHead(typeof result === 'string' ? 403 : 200, {
          'content-type': 'application/json',
          ...this.answer,
        });
        response.end(typeof result === 'string' ? result : '{}');
      });
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as net.AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

// The arithmetic of AWS Signature Version 4: hashes, keys, signatures. It keeps no key and no secret.
// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Date, region and service: what a signing key is good for. */
export interface Scope {
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';

export const scopeText = ({ date, region, service }: Scope) => `${date}/${region}/${service}/aws4_request`;

/** Texts are bytes, one char each, as the heads of requests are. */
export const sha256 = (data: string | Uint8Array) =>
  (typeof data === 'string' ? createHash('sha256').update(data, 'latin1') : createHash('sha256').update(data)).digest(
    'hex',
  );

export const EMPTY_SHA256 = sha256('');

const hmac = (key: string | Uint8Array, text: string) => createHmac('sha256', key).update(text, 'latin1').digest();

/** `secret` as the user has it, not as bytes. */
export function signingKey(secret: string, { date, region, service }: Scope): Buffer {
  return [date, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`, 'utf8'));
}

/** Of a whole request. `time` is YYYYMMDD'T'HHMMSS'Z'. */
export function requestSignature(key: Uint8Array, time: string, scope: Scope, canonical: string): string {
  return hmac(key, [ALGORITHM, time, scopeText(scope), sha256(canonical)].join('\n')).toString('hex');
}

/** Signatures of the chunks of one body, each of which holds the one before. */
export class ChunkChain {
  /** `seed` is the signature of the request. */
  constructor(
    private readonly key: Uint8Array,
    private readonly time: string,
    private readonly scope: Scope,
    private previous: string,
  ) {}

  chunk(data: Uint8Array): string {
    return this.#next('PAYLOAD', `${EMPTY_SHA256}\n${sha256(data)}`);
  }

  /** Of the trailer: lines of `name:value`, each with LF. */
  trailer(lines: string): string {
    return this.#next('TRAILER', sha256(lines));
  }

  #next(kind: string, rest: string): string {
    const text = [`${ALGORITHM}-${kind}`, this.time, scopeText(this.scope), this.previous, rest].join('\n');
    this.previous = hmac(this.key, text).toString('hex');
    return this.previous;
  }
}

/** Both in hex. In a time that does not say where they differ. */
export function sameSignature(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one, 'latin1'), Buffer.from(other, 'latin1'));
}

// With which key a request was signed: found by making the signature again, as only who knows the key can. Both count, the dummy
// and the real one, which the user's own programs may have.
import type { AwsKey } from '../../core/secrets/aws';
import { type CanonicalInput, type Reading, canonicalRequest, readings } from './canonical';
import type { SignedRequest } from './signedRequest';
import { EMPTY_SHA256, requestSignature, sameSignature, signingKey } from './signature';

export interface Match {
  readonly key: AwsKey;
  /** What the client signs with. */
  readonly clientSecret: string;
  readonly reading: Reading;
  /** What stood for the body in what was signed. */
  readonly payload: string;
}

/** Undefined: none of these keys. */
export function matchKey(
  keys: readonly AwsKey[],
  signed: SignedRequest,
  input: CanonicalInput,
  payloads: readonly string[],
): Match | undefined {
  const signers = keys.flatMap((key) =>
    [key.secret.dummy, key.secret.value].map((secret) => ({ key, secret, bytes: signingKey(secret, signed) })),
  );
  const tried = new Set<string>();
  for (const reading of signers.length > 0 ? readings(signed) : [])
    for (const payload of payloads) {
      const text = canonicalRequest(input, signed, payload, reading);
      if (tried.has(text)) continue;
      tried.add(text);
      for (const { key, secret, bytes } of signers)
        if (sameSignature(requestSignature(bytes, signed.time, signed, text), signed.signature))
          return { key, clientSecret: secret, reading, payload };
    }
  return undefined;
}

const UNSIGNED = 'UNSIGNED-PAYLOAD';
export const SIGNED_CHUNKS = /^STREAMING-AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?$/;
const CHUNKS = /^STREAMING-(?:AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?|UNSIGNED-PAYLOAD-TRAILER)$/;
const HASH = /^[0-9a-f]{64}$/i;

export const isHash = (payload: string) => HASH.test(payload);

export const isChunked = ({ payload }: SignedRequest) => payload !== undefined && CHUNKS.test(payload);

/** Whether the body is signed in a way that can be signed again. */
export function isServedPayload({ payload, place }: SignedRequest): boolean {
  if (payload === undefined || payload === UNSIGNED || HASH.test(payload)) return true;
  return CHUNKS.test(payload) && (place === 'header:authorization' || !SIGNED_CHUNKS.test(payload));
}

/**
 * What may stand for the body in what was signed; undefined: its hash, which nobody says. `hash` is that, once it is known.
 * Presigned requests to S3 leave the body open.
 */
export function payloadsOf(
  { payload, place, service }: SignedRequest,
  hasBody: boolean,
  hash?: string,
): readonly string[] | undefined {
  if (payload !== undefined) return [payload];
  const presigned = place === 'query:X-Amz-Signature';
  if (presigned && hasBody && service.startsWith('s3')) return [UNSIGNED];
  const known = hasBody ? hash : EMPTY_SHA256;
  if (known === undefined) return undefined;
  return presigned ? [UNSIGNED, known] : [known];
}

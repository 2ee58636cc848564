// Requests that an AWS client signed: with the dummy of a key that is bound to this host, they will be signed again (signStage);
// with another key, they carry a foreign credential. The key is known by its signature, which is made again to see.
import { maySignFor, keysForId, type AwsKey } from '../../core/secrets/aws';
import { toLatin1 } from '../../core/secrets/encodings';
import type { BoundSecret, FindingKind } from '../../core/secrets/types';
import { type Match, isServedPayload, matchKey, payloadsOf } from '../aws/match';
import { type SignedRequest, readSigned, rewriteSigned } from '../aws/signedRequest';
import { ALGORITHM } from '../aws/signature';
import { fieldOf } from '../fields';
import { errorAnswer } from '../wire/errors';
import { hostField } from '../wire/relay';
import { unsafeFor } from './findings';
import { foundForeign, mayPass } from './foreignStage';
import type { Guard } from './guard';
import { refuseFor } from './policyStage';
import type { FlowContext, Stage } from './stage';

/** A request that is to be signed again. */
export interface AwsSigning {
  readonly signed: SignedRequest;
  /** Undefined: the hash of the body decides, too. */
  match: Match | undefined;
  /** Asked with that hash. Undefined: the request goes out as it is, or `answer` is set. */
  readonly judge: (hash: string) => Match | undefined;
}

export class AwsStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const { guard } = this;
    if (guard.secrets.length === 0 && context.decision?.rule?.credentials === undefined) return;
    const signed = readSigned(context);
    if (!signed) return;
    if (signed === 'unreadable') {
      if (this.#concerns(context)) refuse(context, 400, 'aws-unreadable', UNREADABLE);
      return;
    }
    if (context.decision?.rule?.credentials === 'none') {
      this.#foreign(context, signed);
      return;
    }
    const named = keysForId(guard.awsKeys, signed.keyId);
    // A token that was not swapped is the client's own, and of use with its own key only.
    const keys = named.filter(({ token }) => signed.token === undefined || !token || is(token, signed.token));
    if (this.#unserved(context, signed, keys)) return;
    const bound = keys.filter(({ secret }) => guard.boundTo(context.target.host).includes(secret));
    const payloads = payloadsOf(signed, context.head.hasBody);
    const match = payloads && matchKey(keys, signed, inputOf(context), payloads);
    // Without its body nobody can say whose it is, and it is read for those only that may be signed.
    const key = payloads ? match?.key : (bound[0] ?? keys.find(({ id }) => is(id, signed.keyId)));
    if (!key) this.#foreign(context, signed);
    else if (!bound.includes(key)) find(context, 'dummy-unbound', key, signed);
    else if (!maySignFor(context.target.host, signed.service)) {
      find(context, 'dummy-unbound', key, signed);
      context.answer = errorAnswer(403, 'aws-other-service', OTHER_SERVICE);
    } else if (!signed.signedHeaders.includes('host')) refuse(context, 400, 'aws-host-unsigned', HOST_UNSIGNED);
    else {
      const unsafe = unsafeFor(context);
      if (unsafe) find(context, unsafe, key, signed);
      else this.#accept(context, signed, match, bound, key);
    }
  }

  #accept(
    context: FlowContext,
    signed: SignedRequest,
    match: Match | undefined,
    bound: readonly AwsKey[],
    { id, token }: AwsKey,
  ): void {
    const keyId = realFor(id, signed.keyId);
    const realToken = realFor(token, signed.token);
    const { path, fields } = rewriteSigned(context, signed, { keyId, token: realToken });
    context.path = path;
    context.fields = fields;
    const judge = (hash: string) => {
      const found = matchKey(bound, signed, inputOf(context), payloadsOf(signed, true, hash)!);
      if (!found) this.#foreign(context, signed, keyId !== undefined || realToken !== undefined);
      return found;
    };
    context.aws = { signed, match, judge };
  }

  /** Whether a request with somebody's key is this workspace's business. */
  #concerns({ decision, target }: FlowContext): boolean {
    const rule = decision?.rule?.credentials;
    return rule !== 'any' && (rule !== undefined || this.guard.boundTo(target.host).length > 0);
  }

  #unserved(context: FlowContext, { algorithm, payload, ...signed }: SignedRequest, keys: readonly AwsKey[]): boolean {
    const served = algorithm === ALGORITHM && isServedPayload({ algorithm, payload, ...signed });
    if (served || !(this.#concerns(context) || keys.some(({ id }) => is(id, signed.keyId)))) return false;
    if (algorithm !== ALGORITHM) refuse(context, 501, 'aws-algorithm', OTHER_ALGORITHM);
    else refuse(context, 501, 'aws-payload', OTHER_PAYLOAD);
    return true;
  }

  /** `ours`: what is in it of this workspace was put in already, so that it cannot go out with another's signature. */
  #foreign(context: FlowContext, { keyId, place }: SignedRequest, ours = false): void {
    const { guard } = this;
    const rule = context.decision?.rule?.credentials;
    const { host } = context.target;
    const bound = guard.boundTo(host);
    const managed = ours || guard.awsKeys.some(({ id }) => is(id, keyId));
    if (!managed && mayPass(context, guard, { text: keyId, parts: [] })) return;
    if (rule === undefined && bound.length === 0) return;
    const key = guard.awsKeys.find(({ secret }) => bound.includes(secret))?.secret ?? bound[0];
    foundForeign(context, guard, key, { place, text: keyId }, managed);
  }
}

const is = (secret: BoundSecret | undefined, text: string | undefined) =>
  secret !== undefined && (text === secret.dummy || text === toLatin1(secret.value));

/** What goes in the place of a dummy. A field cannot hold a value with control characters (RFC 9110, 5.5). */
function realFor(secret: BoundSecret | undefined, text: string | undefined): string | undefined {
  return secret && text === secret.dummy && !/[\0-\x1f\x7f]/.test(secret.value) ? secret.value : undefined;
}

/** As the client signed it. */
const inputOf = ({ head, target }: FlowContext) => ({ ...head, host: signedHost(head, target) });

/** What the upstream will see as the host. */
export function signedHost({ authority, fields }: FlowContext['head'], target: FlowContext['target']): string {
  return authority ?? fieldOf(fields, 'host') ?? hostField(target);
}

function find(context: FlowContext, kind: FindingKind, key: AwsKey, { place }: SignedRequest): void {
  const finding = { kind, secret: key.secret.name, place, action: 'blocked' } as const;
  context.findings.push(finding);
  refuseFor(finding, context);
}

export function refuse(context: FlowContext, status: number, code: string, message: string): void {
  context.failure = { code, message };
  context.answer = errorAnswer(status, code, message);
}

const OTHER_SERVICE =
  'Customers of AWS run this host, and could use a signature that was made for another service. It was not signed again, and nothing was sent. If the host is yours, sign for the service that it belongs to (execute-api, for example), or send no AWS signature to it.';
const UNREADABLE =
  'The request is signed for AWS in a form that can be read in several ways, or in none, so nobody can say with which key. Nothing was sent. Sign it as the AWS SDKs do: one Authorization field, or one set of X-Amz parameters.';
const HOST_UNSIGNED =
  'The AWS signature does not cover the Host field: whoever receives it could use it elsewhere. Nothing was sent. Sign the Host field, as the AWS SDKs do.';
const OTHER_ALGORITHM =
  'The request is signed with another algorithm than AWS4-HMAC-SHA256 (SigV4A, for example), and cannot be signed again with the real key. Nothing was sent. Use an endpoint of one region, where plain Signature Version 4 is enough.';
const OTHER_PAYLOAD =
  'The body is signed for AWS in a way that cannot be signed again with the real key (event streams and SigV4A chunks are not served). Nothing was sent. Have the client send the hash of the body, UNSIGNED-PAYLOAD, or AWS4-HMAC-SHA256 chunks.';

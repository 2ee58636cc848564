// Signs again what an AWS client signed with a dummy: last, over what really goes out. Where the hash of the body is signed and
// nobody says it, or the body may still change, the body is held. Nothing of a request goes out before it was signed.
import { type Match, SIGNED_CHUNKS, isChunked, isHash } from '../aws/match';
import { AwsChunks, type BadChunk } from '../aws/chunks';
import { canonicalRequest } from '../aws/canonical';
import { rewriteSigned } from '../aws/signedRequest';
import { ChunkChain, requestSignature, sha256, signingKey } from '../aws/signature';
import { asksForCredentials, asksInBody } from '../../core/secrets/aws';
import { type BodyTransform, type HeldBody, RefusedBody } from '../engine';
import { withLength } from '../fields';
import { errorAnswer } from '../wire/errors';
import { type AwsSigning, refuse, signedHost } from './awsStage';
import { MAX_HELD_BYTES } from './bodyStage';
import { detectionFor } from './findings';
import { foundForeign } from './foreignStage';
import type { Guard } from './guard';
import type { FlowContext, Stage } from './stage';

export class SignStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const { aws, hold, head } = context;
    if (!aws) return;
    const { match } = aws;
    const masks = head.hasBody && detectionFor(context).values === 'masked';
    if (!match || hold || (head.hasBody && asksInBody(aws.signed.service)) || (masks && isHash(match.payload)))
      this.#hold(context, aws);
    else if (isChunked(aws.signed)) this.#chunks(context, aws, match);
    else if (!refusedIssue(context, aws, '')) sign(context, aws, match, match.payload);
  }

  /** The client's own signature again, where an upstream sends on what it was asked for (a redirect of S3). */
  response({ response, aws, signature }: FlowContext): void {
    if (!response || !aws || signature === undefined) return;
    const { names, lower, values } = response.fields;
    if (!values.some((value) => value.includes(signature))) return;
    const changed = values.map((value) => value.replaceAll(signature, aws.signed.signature));
    response.fields = { names, lower, values: changed };
  }

  #hold(context: FlowContext, aws: AwsSigning): void {
    const { hold, requestBody } = context;
    const refused = () => context.answer !== undefined;
    context.requestBody = undefined;
    context.hold = {
      maxBytes: hold?.maxBytes ?? MAX_HELD_BYTES,
      judge: async (held, whole) => {
        if (!whole && (!aws.match || asksInBody(aws.signed.service))) {
          refuse(context, 413, 'aws-body-too-long', TOO_LONG);
          return held;
        }
        const hash = sha256(held.body);
        const match = aws.match ?? aws.judge(hash);
        if (refused()) return held;
        if (!hold && !whole) context.requestBody = requestBody;
        const judged = hold ? await hold.judge(held, whole) : whole ? through(requestBody, held) : held;
        if (refused() || (match && refusedIssue(context, aws, judged.body.toString('latin1')))) return judged;
        if (whole) context.fields = withLength(context.fields, judged.body.length);
        // What was not true of the client's body is not made true of ours.
        const again = whole && match?.payload.toLowerCase() === hash;
        if (match) sign(context, aws, match, again ? sha256(judged.body) : match.payload);
        return judged;
      },
    };
  }

  #chunks(context: FlowContext, aws: AwsSigning, match: Match): void {
    const { signed } = aws;
    const inner = context.requestBody;
    if (inner && !inner.keepsLength) throw new Error('nothing is masked in chunks');
    const real = sign(context, aws, match, match.payload);
    if (!context.head.hasBody) return;
    const chain = (secret: string, seed: string) =>
      new ChunkChain(signingKey(secret, signed), signed.time, signed, seed);
    context.requestBody = new AwsChunks({
      chains: SIGNED_CHUNKS.test(match.payload)
        ? { client: chain(match.clientSecret, signed.signature), real: chain(match.key.secret.value, real) }
        : undefined,
      inner,
      refuse: (why) => this.#refuseChunk(context, aws, match, why),
    });
  }

  #refuseChunk(context: FlowContext, { signed }: AwsSigning, { key }: Match, why: BadChunk): never {
    if (why === 'malformed') refuse(context, 400, 'aws-chunks', BAD_CHUNKS);
    else foundForeign(context, this.guard, key.secret, { place: 'body', text: signed.keyId });
    throw new RefusedBody(context.answer!);
  }
}

/** New credentials in the answer would be real ones, in the hands of the client. */
function refusedIssue(context: FlowContext, { signed }: AwsSigning, body: string): boolean {
  if (context.decision?.rule?.credentials === 'any') return false;
  const [, query = ''] = context.path.split(/\?(.*)/s);
  if (!asksForCredentials(signed.service, query, body)) return false;
  context.answer = errorAnswer(403, 'aws-issues-credentials', ISSUES);
  return true;
}

/** Over what goes out now, in the client's reading. Returns the signature. */
function sign(context: FlowContext, { signed }: AwsSigning, { key, reading }: Match, payload: string): string {
  const { head, target } = context;
  // A field may be gone: `Expect` where the body was held.
  const left = signed.signedHeaders.filter((name) => name === 'host' || context.fields.lower.includes(name));
  const ready = rewriteSigned(context, signed, {
    payload: signed.payload === undefined ? undefined : payload,
    signedHeaders: left.length < signed.signedHeaders.length ? left : undefined,
  });
  const input = { method: head.method, ...ready, host: signedHost(head, target) };
  const bytes = signingKey(key.secret.value, signed);
  const signature = requestSignature(bytes, signed.time, signed, canonicalRequest(input, signed, payload, reading));
  const { path, fields } = rewriteSigned(ready, signed, { signature });
  context.path = path;
  context.fields = fields;
  context.signature = signature;
  for (const part of [key.secret, key.id, key.token])
    if (part && !context.injected.includes(part.name)) context.injected.push(part.name);
  return signature;
}

/** A body that is there already, through what would have looked at it on its way. */
function through(transform: BodyTransform | undefined, held: HeldBody): HeldBody {
  if (!transform) return held;
  const body = Buffer.concat([transform.push(held.body), transform.end()]);
  return { body, trailers: held.trailers && (transform.trailers?.(held.trailers) ?? held.trailers) };
}

const ISSUES =
  'The request asks AWS for new credentials, which would come back as real ones. It was not signed again, and nothing was sent. If the user wants that, the rule that allows this request has to say "credentials: any".';
const TOO_LONG =
  'The AWS signature covers the hash of the body, and the body is longer than 16 MiB: it cannot be signed again with the real key. Nothing was sent. Have the client send X-Amz-Content-Sha256, or send the data in parts.';
const BAD_CHUNKS =
  'The body is not in the chunks (aws-chunked) that the request announces. The rest of it was not sent, and the upload was broken off.';

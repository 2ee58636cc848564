// What a request carries: real values are put into the fields of the body that their hosts read, dummies on their way to where
// they do not belong end the request, and real values do not leave. Plain bodies stream through; one that is compressed, or in
// which a credential is read, is held until it was judged whole.
import { createHash } from 'node:crypto';
import { hasFields } from '../../core/secrets/bodyFields';
import { isModelApi } from '../../core/secrets/providers';
import type { BodyScanner } from '../../core/secrets/inject';
import type { Detected, DetectionStream } from '../../core/secrets/detect';
import type { StreamRedactor } from '../../core/secrets/redact';
import type { Finding } from '../../core/secrets/types';
import { type Coding, contentCodings, encode, openDecoder } from '../codecs/contentCoding';
import { type BodyTransform, type Fields, type HeldBody, RefusedBody } from '../engine';
import { DecodeError } from '../codecs/inflate';
import { fieldOf, withLength, withValue, withoutFields } from '../fields';
import { errorAnswer } from '../wire/errors';
import { isChunked } from '../aws/match';
import { asBuffer } from './asBuffer';
import { watched } from './decodedBody';
import { detectionFor, unsafeFor, written } from './findings';
import { foreignCredential } from './foreignStage';
import type { Guard } from './guard';
import { refuseFor } from './policyStage';
import type { FlowContext, Stage } from './stage';
import { GRANT } from './tokenStage';

const NOTHING = Buffer.alloc(0);

/** So much of a body is looked through for keys that nobody told us of. */
const MAX_FIRST = 64 * 1024;
/** A body that is one piece of many is short. */
const MAX_PIECE = 4 * 1024;
/** Bodies are held up to this size, in bytes. */
export const MAX_HELD_BYTES = 16 * 1024 * 1024;

export class BodyStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const { guard } = this;
    if (!context.head.hasBody || guard.secrets.length === 0) return;
    const { fields } = context.head;
    const codings = contentCodings(fields);
    const contentType = fieldOf(fields, 'content-type');
    const reads = guard.bodies.reads(context.target.host) && hasFields(contentType);
    // Seen without their framing (signStage).
    if ((!codings && !reads) || (context.aws && isChunked(context.aws.signed))) {
      context.requestBody = new BodyWatch(context, guard).transform();
      return;
    }
    context.hold = {
      maxBytes: MAX_HELD_BYTES,
      judge: (held, whole) => {
        if (whole) return this.#judge(context, held, codings, reads ? contentType : undefined);
        // Too long to be held: nothing is put in, and what it holds is still looked at.
        const watch = new BodyWatch(context, guard);
        context.requestBody = codings ? watchedRequest(codings, watch) : watch.transform();
        return held;
      },
    };
  }

  async #judge(
    context: FlowContext,
    held: HeldBody,
    codings: readonly Coding[] | undefined,
    contentType: string | undefined,
  ): Promise<HeldBody> {
    const { guard } = this;
    const watch = new BodyWatch(context, guard);
    const plain = codings ? await decodeWhole(codings, held.body) : held.body;
    // What a decoder leaves out (behind the end, in a header) goes on with the rest.
    if (codings) watch.raw(held.body);
    if (typeof plain === 'string') {
      // A label must not hide a plain body; whatever else it is, nobody can say.
      watch.look(held.body, 'body');
      context.failure = { code: plain, message: UNREADABLE[plain] };
      context.answer = errorAnswer(plain === 'body-too-large' ? 413 : 400, plain, UNREADABLE[plain]);
      return held;
    }
    const seen = await watch.whole(plain);
    const trailers = held.trailers && watch.trailers(held.trailers);
    const target = { host: context.target.host, unsafe: unsafeFor(context) };
    const { bytes, injected, places, findings, others } = guard.bodies.inject(target, contentType, seen);
    for (const { secret, place, text } of others) {
      const foreign = foreignCredential(context, guard, { secret, place, text, parts: [text] });
      if (foreign) watch.refuse(foreign);
    }
    for (const finding of findings) {
      if (finding.action === 'blocked') watch.refuse(finding);
      context.findings.push(finding);
    }
    context.injected.push(...injected.filter((name) => !context.injected.includes(name)));
    if (places.length === 1 && GRANT.test(places[0]!))
      context.granted = guard.secrets.find(({ name }) => name === injected[0]);
    const changed = asBuffer(bytes);
    const same = changed.equals(plain);
    const body = same ? held.body : codings && plain !== held.body ? encode(codings, changed) : changed;
    if (body !== held.body) context.fields = describing(context.fields, body);
    return { body, trailers };
  }
}

const UNREADABLE = {
  'bad-content-coding':
    'The request body is not in the content coding that it names, so nobody can say what it holds. Nothing was forwarded. Send it without the coding.',
  'body-too-large':
    'The compressed request body grows beyond 64 MiB, more than is looked through. Nothing was forwarded. Send it without the coding, or in parts.',
};
const MAX_DECODED = 64 * 1024 * 1024;
const SLICE = 64 * 1024;
/** So long others may wait, in milliseconds. */
const TURN_MS = 10;

/** Lets others have a turn when this one took long enough. */
class Turns {
  #since = performance.now();

  async pause(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}

async function decodeWhole(codings: readonly Coding[], body: Buffer): Promise<Buffer | keyof typeof UNREADABLE> {
  if (body.length === 0) return body;
  const decoder = openDecoder(codings);
  const turns = new Turns();
  const out: Uint8Array[] = [];
  let total = 0;
  try {
    // Small pieces: what one of them gives is bounded.
    for (let at = 0; at < body.length; at += SLICE / 16) {
      const part = decoder.push(body.subarray(at, at + SLICE / 16));
      total += part.length;
      if (total > MAX_DECODED) return 'body-too-large';
      out.push(part);
      await turns.pause();
    }
    out.push(decoder.end());
    return Buffer.concat(out);
  } catch (error) {
    return error instanceof DecodeError && error.code === 'bomb' ? 'body-too-large' : 'bad-content-coding';
  } finally {
    decoder.close();
  }
}

/** The fields say of the body what is true of this one. */
function describing(fields: Fields, body: Buffer): Fields {
  const kept = withoutFields(withLength(fields, body.length), DIGESTS);
  if (!kept.lower.includes('content-md5')) return kept;
  return withValue(kept, 'content-md5', createHash('md5').update(body).digest('base64'));
}

const DIGESTS: ReadonlySet<string> = new Set(['content-digest', 'digest', 'repr-digest']);

/** Looks at one request's body as it comes, without its codings. */
class BodyWatch {
  readonly #dummies: BodyScanner;
  readonly #values: StreamRedactor;
  /** For the forms that nothing can be put in the place of. */
  readonly #hidden: DetectionStream;
  readonly #dummyAction: 'marked' | 'blocked';
  readonly #valueAction: Finding['action'];
  readonly #seen = new Set<string>();
  #raw: StreamRedactor | undefined;

  constructor(
    private readonly context: FlowContext,
    private readonly guard: Guard,
  ) {
    const { dummies, values } = detectionFor(context);
    this.#dummies = guard.injection.bodyScanner(context.target.host);
    this.#values = guard.redactor.stream();
    this.#hidden = guard.detector.stream('redacted');
    this.#dummyAction = dummies;
    // Signatures and checksums of chunks say what the client sent: nothing is put into them.
    this.#valueAction = values === 'masked' && context.aws && isChunked(context.aws.signed) ? 'blocked' : values;
  }

  /** The beginning of the body, for what is looked at in one piece. */
  #first: Buffer[] = [];
  #firstBytes = 0;

  /** What may go on. Throws `RefusedBody`. */
  look(bytes: Buffer, place: string): Buffer {
    this.#remember(bytes);
    for (const secret of this.#dummies.push(bytes))
      this.#found({ kind: 'dummy-unbound', secret, place, action: this.#dummyAction });
    return this.#pass(bytes, this.#values.push(bytes), place);
  }

  end(): Buffer {
    const rest = this.#pass(NOTHING, this.#values.end(), 'body');
    this.#report(this.#hidden.end(), 'body');
    this.#lookAtFirst();
    return rest;
  }

  /** A copy: the memory of a chunk may be used again. */
  #remember(bytes: Buffer): void {
    if (this.#firstBytes >= MAX_FIRST) return;
    const part = bytes.subarray(0, MAX_FIRST - this.#firstBytes);
    this.#first.push(Buffer.from(part));
    this.#firstBytes += part.length;
  }

  #lookAtFirst(): void {
    const first = Buffer.concat(this.#first).toString('latin1');
    this.#first = [];
    const { target } = this.context;
    if (isModelApi(target.host)) return;
    if (first.length < MAX_PIECE) this.#report(this.guard.split.note(target.host, [first]), 'several parts');
    for (const title of this.guard.unknownKeys(first))
      this.#found({ kind: 'unknown-key', secret: title, place: 'body', action: 'marked' });
  }

  trailers(section: Buffer): Buffer {
    return Buffer.concat([this.look(section, 'trailer'), this.end()]);
  }

  /** All of it, with others having their turn. */
  async whole(bytes: Buffer): Promise<Buffer> {
    const turns = new Turns();
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += SLICE) {
      out.push(this.look(bytes.subarray(at, at + SLICE), 'body'));
      await turns.pause();
    }
    out.push(this.end());
    return Buffer.concat(out);
  }

  /** Compressed bytes as they are: nothing can be put in the place of a value in them. */
  raw(bytes: Buffer): void {
    const stream = (this.#raw ??= this.guard.redactor.stream());
    stream.push(bytes);
    const action = this.#valueAction === 'marked' ? 'marked' : 'blocked';
    for (const secret of stream.hits.keys())
      this.#found({ kind: 'real-value', secret, form: 'plain', place: 'body', action });
  }

  /** Whether something is held back that may begin a value. */
  get waits(): boolean {
    return this.#values.waits;
  }

  transform(): BodyTransform {
    return {
      // Only masking changes anything.
      keepsLength: this.#valueAction !== 'masked' || this.#values.keepsLength,
      push: (chunk) => this.look(chunk, 'body'),
      end: () => this.end(),
      trailers: (section) => this.trailers(section),
    };
  }

  #pass(given: Buffer, masked: Uint8Array, place: string): Buffer {
    for (const secret of this.#values.hits.keys())
      this.#found({ kind: 'real-value', secret, place, action: this.#valueAction });
    const out = this.#valueAction === 'marked' ? given : asBuffer(masked);
    this.#report(this.#hidden.push(out), place);
    return out;
  }

  #report(detected: readonly Detected[], place: string): void {
    // What could not be masked is not let go.
    const action = this.#valueAction === 'marked' ? 'marked' : 'blocked';
    for (const { secret, form } of detected)
      this.#found({ kind: 'real-value', secret, place, action, ...written(form) });
  }

  #found(finding: Finding): void {
    const key = `${finding.kind} ${finding.secret}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (finding.action === 'blocked') this.refuse(finding);
    this.context.findings.push(finding);
    this.context.changed?.();
  }

  refuse(finding: Finding): never {
    const { context } = this;
    context.findings.push(finding);
    throw new RefusedBody(refuseFor(finding, context));
  }
}

/** Compressed and too long to be held: it goes on as it is, or not at all. */
function watchedRequest(codings: readonly Coding[], watch: BodyWatch): BodyTransform {
  const watcher = {
    look: (bytes: Buffer) => {
      if (bytes.length > 0) watch.look(bytes, 'body');
      return !watch.waits;
    },
    end: () => void watch.end(),
    raw: (bytes: Buffer) => watch.raw(bytes),
  };
  return watched(codings, watcher, watch.transform());
}

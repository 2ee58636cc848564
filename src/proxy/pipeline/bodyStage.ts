// What a request carries: real values are put into the fields of the body that their hosts read, dummies on their way to where
// they do not belong end the request, and real values do not leave. Plain bodies stream through; one that is compressed, or in
// which a credential is read, is held until it was judged whole.
import { refusalForFinding } from '../../core/policy/refusal';
import { hasFields } from '../../core/secrets/bodyFields';
import { isModelApi } from '../../core/secrets/providers';
import type { BodyScanner } from '../../core/secrets/inject';
import type { Detected, DetectionStream } from '../../core/secrets/detect';
import type { StreamRedactor } from '../../core/secrets/redact';
import type { Finding } from '../../core/secrets/types';
import { type Coding, contentCodings, encode, openDecoder } from '../codecs/contentCoding';
import { type BodyTransform, type Fields, type HeldBody, RefusedBody } from '../engine';
import { errorAnswer } from '../wire/errors';
import { asBuffer } from './asBuffer';
import { watched } from './decodedBody';
import { detectionFor, unsafeFor } from './findings';
import { foreignCredential } from './foreignStage';
import type { Guard } from './guard';
import { refusalAnswer } from './policyStage';
import type { FlowContext, Stage } from './stage';

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
    if (!codings && !reads) {
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

  #judge(
    context: FlowContext,
    held: HeldBody,
    codings: readonly Coding[] | undefined,
    contentType: string | undefined,
  ): HeldBody {
    const { guard } = this;
    const watch = new BodyWatch(context, guard);
    const plain = codings ? decodeWhole(codings, held.body) : held.body;
    if (!plain) {
      // A label must not hide a plain body; whatever else it is, nobody can say.
      watch.look(held.body, 'body');
      context.failure = { code: 'bad-content-coding', message: UNREADABLE };
      context.answer = errorAnswer(400, 'bad-content-coding', UNREADABLE);
      return held;
    }
    const seen = Buffer.concat([watch.look(plain, 'body'), watch.end()]);
    const trailers = held.trailers && watch.trailers(held.trailers);
    const target = { host: context.target.host, unsafe: unsafeFor(context) };
    const { bytes, injected, findings, others } = guard.bodies.inject(target, contentType, seen);
    for (const { secret, place, text } of others) {
      const foreign = foreignCredential(context, guard, { secret, place, text, parts: [text] });
      if (foreign) watch.refuse(foreign);
    }
    for (const finding of findings) {
      if (finding.action === 'blocked') watch.refuse(finding);
      context.findings.push(finding);
    }
    context.injected.push(...injected.filter((name) => !context.injected.includes(name)));
    const changed = asBuffer(bytes);
    const body = changed.equals(plain)
      ? held.body
      : codings && plain !== held.body
        ? encode(codings, changed)
        : changed;
    if (body !== held.body) context.fields = withLength(context.fields, body.length);
    return { body, trailers };
  }
}

const UNREADABLE =
  'The request body is not in the content coding that it names, so nobody can say what it holds. Nothing was forwarded. Send it without the coding.';

/** Undefined: it is not in this coding. */
function decodeWhole(codings: readonly Coding[], body: Buffer): Buffer | undefined {
  if (body.length === 0) return body;
  const decoder = openDecoder(codings);
  try {
    return Buffer.concat([decoder.push(body), decoder.end()]);
  } catch {
    return undefined;
  } finally {
    decoder.close();
  }
}

/** Looks at one request's body as it comes, without its codings. */
class BodyWatch {
  readonly #dummies: BodyScanner;
  readonly #values: StreamRedactor;
  /** For the forms that nothing can be put in the place of. */
  readonly #hidden: DetectionStream;
  readonly #dummyAction: 'marked' | 'blocked';
  readonly #valueAction: Finding['action'];
  readonly #seen = new Set<string>();

  constructor(
    private readonly context: FlowContext,
    private readonly guard: Guard,
  ) {
    const { dummies, values } = detectionFor(context);
    this.#dummies = guard.injection.bodyScanner(context.target.host);
    this.#values = guard.redactor.stream();
    this.#hidden = guard.detector.stream('redacted');
    this.#dummyAction = dummies;
    this.#valueAction = values;
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
    const first = Buffer.concat(this.#first);
    this.#first = [];
    const { target } = this.context;
    if (isModelApi(target.host)) return;
    if (first.length < MAX_PIECE)
      this.#report(this.guard.split.note(target.host, [first.toString('latin1')]), 'several parts');
    for (const title of this.guard.unknownKeys(first))
      this.#found({ kind: 'unknown-key', secret: title, place: 'body', action: 'marked' });
  }

  trailers(section: Buffer): Buffer {
    return Buffer.concat([this.look(section, 'trailer'), this.end()]);
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
    for (const { secret } of detected) this.#found({ kind: 'real-value', secret, place, action });
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
    context.answer = refusalAnswer(refusalForFinding(finding, context.request), context);
    throw new RefusedBody(context.answer);
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
  };
  return watched(codings, watcher, watch.transform());
}

function fieldOf({ lower, values }: Fields, name: string): string | undefined {
  const at = lower.indexOf(name);
  return at < 0 ? undefined : values[at];
}

function withLength(fields: Fields, length: number): Fields {
  const at = fields.lower.indexOf('content-length');
  if (at < 0) return fields;
  const values = [...fields.values];
  values[at] = String(length);
  return { ...fields, values };
}

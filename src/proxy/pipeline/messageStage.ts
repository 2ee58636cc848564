// The messages of a WebSocket: real values are put in where a secret is bound to them, dummies on their way to where they
// do not belong end the connection, and real values that come back are replaced. Knows nothing of frames.
import { type MessageInjection, type MessageTarget, compileMessageInjection } from '../../core/secrets/injectMessage';
import type { BodyScanner } from '../../core/secrets/inject';
import type { Detected, DetectionStream } from '../../core/secrets/detect';
import type { BoundSecret, Finding } from '../../core/secrets/types';
import { type BodyTransform, type MessageTransform, type MessageTransforms, RefusedMessage } from '../engine';
import { keepReadable } from '../websocket/deflate';
import { asBuffer } from './asBuffer';
import { detectionFor, unsafeFor, written } from './findings';
import type { Guard } from './guard';
import { refuseFor } from './policyStage';
import type { FlowContext, Stage } from './stage';

const PLACE = 'websocket';
const NOTHING = Buffer.alloc(0);

export class MessageStage implements Stage {
  constructor(private readonly guard: Guard) {}

  /** Only extensions that can be read may be agreed on. */
  request(context: FlowContext): void {
    if (context.head.upgrade && this.guard.secrets.length > 0) context.fields = keepReadable(context.fields);
  }

  /** Without secrets nobody looks, and bytes pass as they are; the first secret that comes ends such a connection. */
  messages(context: FlowContext): MessageTransforms | undefined {
    context.unseen = this.guard.secrets.length === 0;
    if (context.unseen) return undefined;
    return { client: new ClientMessages(context, this.guard), server: new ServerMessages(context, this.guard) };
  }
}

/** One of a kind for each secret: a conversation may repeat itself a thousand times. */
function record(context: FlowContext, finding: Finding): void {
  const { kind, secret, place, action } = finding;
  const known = context.findings.some(
    (other) => other.kind === kind && other.secret === secret && other.place === place && other.action === action,
  );
  if (known) return;
  context.findings.push(finding);
  context.changed?.();
}

class ClientMessages implements MessageTransform {
  readonly #target: MessageTarget;
  readonly #action: 'marked' | 'blocked';
  readonly #valueAction: Finding['action'];
  #secrets: readonly BoundSecret[] | undefined;
  #inject!: MessageInjection;
  /** Goes on from message to message: a dummy cut in two is still one. */
  #scanner!: BodyScanner;
  /** Control frames come between the fragments of a message and must not hide what the fragments hold. */
  #controlScanner!: BodyScanner;
  #detector!: DetectionStream;

  constructor(
    private readonly context: FlowContext,
    private readonly guard: Guard,
  ) {
    this.#target = { host: context.target.host, unsafe: unsafeFor(context) };
    const { dummies, values } = detectionFor(context);
    this.#action = dummies;
    this.#valueAction = values;
  }

  message(given: Buffer, text: boolean): Buffer {
    this.#refresh();
    this.#scan(this.#scanner, given);
    const payload = this.#values(given);
    const { bytes, injected, findings } = this.#inject(payload, text);
    for (const finding of findings) {
      if (finding.action === 'blocked') this.#refuse(finding);
      record(this.context, finding);
    }
    const fresh = injected.filter((name) => !this.context.injected.includes(name));
    if (fresh.length > 0) {
      this.context.injected.push(...fresh);
      this.context.changed?.();
    }
    return bytes === payload ? payload : asBuffer(bytes);
  }

  /** No value is put into these: what a credential belongs in is not that long. */
  long(): Pick<BodyTransform, 'push' | 'end'> {
    const stream = this.guard.redactor.stream();
    const hidden = this.guard.detector.stream('redacted');
    const pass = (given: Buffer, masked: Uint8Array) => {
      this.#leaving(stream.hits.keys(), this.#valueAction);
      const out = this.#valueAction === 'marked' ? given : asBuffer(masked);
      this.#hidden(hidden.push(out));
      return out;
    };
    return {
      push: (chunk) => {
        this.#refresh();
        this.#scan(this.#scanner, chunk);
        return pass(chunk, stream.push(chunk));
      },
      end: () => {
        const rest = pass(NOTHING, stream.end());
        this.#hidden(hidden.end());
        return rest;
      },
    };
  }

  control(payload: Buffer): Buffer {
    this.#refresh();
    this.#scan(this.#controlScanner, payload);
    return this.#values(payload);
  }

  /** Real values in a whole payload: it is refused, or they are replaced. */
  #values(payload: Buffer): Buffer {
    const stream = this.guard.redactor.stream();
    const parts = [stream.push(payload), stream.end()];
    this.#leaving(stream.hits.keys(), this.#valueAction);
    const out = stream.hits.size === 0 || this.#valueAction === 'marked' ? payload : Buffer.concat(parts);
    const hidden = this.guard.detector.stream('redacted');
    this.#hidden([...hidden.push(out), ...hidden.end()]);
    // Goes on from message to message: a value cut in two is still one.
    this.#hidden(this.#detector.push(out));
    return out;
  }

  /** What could not be replaced is not let go. */
  #hidden(detected: readonly Detected[]): void {
    const action = this.#valueAction === 'marked' ? 'marked' : 'blocked';
    for (const { secret, form } of detected) this.#leaving([secret], action, form);
  }

  #leaving(secrets: Iterable<string>, action: Finding['action'], form = 'plain'): void {
    for (const secret of secrets) {
      const finding: Finding = { kind: 'real-value', secret, place: PLACE, action, ...written(form) };
      if (finding.action === 'blocked') this.#refuse(finding);
      record(this.context, finding);
    }
  }

  /** The secrets in force now: a connection may live longer than a binding. */
  #refresh(): void {
    const { secrets, injection } = this.guard;
    if (this.#secrets === secrets) return;
    this.#secrets = secrets;
    this.#inject = compileMessageInjection(secrets, this.#target);
    this.#scanner = injection.bodyScanner(this.#target.host);
    this.#controlScanner = injection.bodyScanner(this.#target.host);
    this.#detector = this.guard.detector.stream();
  }

  #scan(scanner: BodyScanner, bytes: Buffer): void {
    for (const secret of scanner.push(bytes)) {
      const finding: Finding = { kind: 'dummy-unbound', secret, place: PLACE, action: this.#action };
      if (finding.action === 'blocked') this.#refuse(finding);
      record(this.context, finding);
    }
  }

  #refuse(finding: Finding): never {
    record(this.context, finding);
    refuseFor(finding, this.context);
    throw new RefusedMessage();
  }
}

class ServerMessages implements MessageTransform {
  constructor(
    private readonly context: FlowContext,
    private readonly guard: Guard,
  ) {}

  message(payload: Buffer): Buffer {
    const stream = this.guard.redactor.stream();
    const parts = [stream.push(payload), stream.end()];
    if (stream.hits.size === 0) return payload;
    this.#report(stream.hits);
    return Buffer.concat(parts);
  }

  long(): Pick<BodyTransform, 'push' | 'end'> {
    const stream = this.guard.redactor.stream();
    const pass = (bytes: Uint8Array) => {
      this.#report(stream.hits);
      return asBuffer(bytes);
    };
    return { push: (chunk) => pass(stream.push(chunk)), end: () => pass(stream.end()) };
  }

  control(payload: Buffer): Buffer {
    return this.message(payload);
  }

  #report(hits: ReadonlyMap<string, number>): void {
    for (const secret of hits.keys())
      record(this.context, { kind: 'echo-redacted', secret, place: PLACE, action: 'masked' });
  }
}

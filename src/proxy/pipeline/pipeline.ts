// The handlers of every engine: the stages in order, one exchange object a request.
import type { Flow } from '../../core/flows/flow';
import type {
  Client,
  ConnectVerdict,
  Exchange,
  ExchangeEnd,
  Handlers,
  HeldBody,
  InterimHead,
  MessageTransforms,
  RequestHead,
  RequestVerdict,
  ResponseHead,
  ResponseVerdict,
  Target,
} from '../engine';
import { RefusedBody } from '../engine';
import { EXPECT, withoutFields } from '../fields';
import { errorAnswer } from '../wire/errors';
import { tlsKey } from '../upstream/secure';
import type { Guard } from './guard';
import { AwsStage } from './awsStage';
import { BodyStage } from './bodyStage';
import { DetectStage } from './detectStage';
import { ForeignStage } from './foreignStage';
import { InjectStage } from './injectStage';
import { MessageStage } from './messageStage';
import { PolicyStage } from './policyStage';
import { RecordStage } from './recordStage';
import { RedactStage } from './redactStage';
import { SignStage } from './signStage';
import { FlowContext, type Stage } from './stage';
import { type KeepTokens, TokenStage } from './tokenStage';

export class Pipeline implements Handlers {
  readonly #record: RecordStage | undefined;
  readonly #stages: readonly Stage[];
  /** Those that look at the name of a host. */
  readonly #ofHosts: readonly [DetectStage, InjectStage];

  /** `emit` undefined: nothing is recorded. */
  constructor(
    private readonly guard: Guard,
    emit: ((flows: readonly Flow[]) => void) | undefined,
    /** Keeps new tokens; undefined: nobody does, and they are known until the process ends. */
    keep?: KeepTokens,
  ) {
    this.#record = emit && new RecordStage(guard, emit);
    const detect = new DetectStage(guard);
    const inject = new InjectStage(guard);
    this.#ofHosts = [detect, inject];
    this.#stages = [
      ...(this.#record ? [this.#record] : []),
      new PolicyStage(guard),
      detect,
      new ForeignStage(guard),
      new AwsStage(guard),
      inject,
      new BodyStage(guard),
      new RedactStage(guard),
      new TokenStage(guard, keep),
      new MessageStage(guard),
      new SignStage(guard),
    ];
  }

  /**
   * A host that no rule allows is not refused here but inside the tunnel, where the 403 can be read by the agent: nothing
   * is resolved or dialled for it either way. Only `tunnel` is decided at CONNECT, as nothing later is seen.
   */
  connect(target: Target, client: Client): ConnectVerdict {
    const decision = this.guard.policy.evaluateConnect({ host: target.host, port: target.port, agent: client.label });
    if (decision.effective !== 'tunnel') return { kind: 'intercept' };
    const context = new FlowContext('tunnel', target, client, {
      method: 'CONNECT',
      path: '',
      fields: { names: [], lower: [], values: [] },
      upgrade: false,
      hasBody: false,
    });
    context.decision = decision;
    context.addresses = decision.addresses;
    this.#record?.request(context);
    // A tunnel's name is all that is seen of it, and looking it up tells it to others.
    for (const stage of this.#ofHosts) stage.request(context);
    const exchange = new PipelineExchange(context, this.#record ? [this.#record] : [], this.guard);
    if (context.answer) {
      exchange.end({ kind: 'complete' }, { request: 0, response: 0 });
      return { kind: 'answer', answer: context.answer };
    }
    return { kind: 'tunnel', addresses: decision.addresses, exchange };
  }

  request(head: RequestHead, target: Target, client: Client): Exchange {
    const context = new FlowContext('request', target, client, head);
    context.changed = () => this.#record?.response(context);
    for (const stage of this.#stages) {
      stage.request?.(context);
      if (context.answer) break;
    }
    if (context.answer && context.decision?.effective === 'block') this.#alsoSeen(context);
    return new PipelineExchange(context, this.#stages, this.guard);
  }

  /** What the policy refused is an alarm all the same where it carried a secret or its stand-in. The answer stays the policy's. */
  #alsoSeen(context: FlowContext): void {
    const [detect, inject] = this.#ofHosts;
    detect.request(context);
    inject.note(context);
  }

  refused(what: Parameters<Handlers['refused']>[0]): void {
    this.#record?.refused(what);
  }

  flush(): void {
    this.#record?.flush();
  }
}

class PipelineExchange implements Exchange {
  verdict: RequestVerdict;

  constructor(
    private readonly context: FlowContext,
    private readonly stages: readonly Stage[],
    private readonly guard: Guard,
  ) {
    const { answer, hold } = context;
    this.verdict = hold && !answer ? { kind: 'hold', maxBytes: hold.maxBytes } : this.#decided();
  }

  #decided(): RequestVerdict {
    const { answer, path, fields, addresses, tls, requestBody } = this.context;
    return answer ? { kind: 'answer', answer } : { kind: 'forward', path, fields, addresses, tls, body: requestBody };
  }

  async judge(held: HeldBody, whole: boolean): Promise<HeldBody> {
    const { context } = this;
    let judged = held;
    try {
      // The client was told to go on.
      context.fields = withoutFields(context.fields, EXPECT);
      judged = await context.hold!.judge(held, whole);
    } catch (error) {
      // A refusal has set its answer. Anything else is our fault, and nothing goes out.
      if (!(error instanceof RefusedBody)) {
        const message = 'The proxy failed on this body. Nothing was forwarded.';
        context.failure = { code: 'internal', message };
        context.answer = errorAnswer(502, 'internal', message);
      }
    }
    this.verdict = this.#decided();
    return judged;
  }

  interim(head: InterimHead): InterimHead {
    return this.stages.reduce((passed, stage) => stage.interim?.(this.context, passed) ?? passed, head);
  }

  sent(reused: boolean): void {
    this.context.reused = reused;
  }

  response(head: ResponseHead): ResponseVerdict {
    const { context } = this;
    context.firstByteMs = performance.now() - context.started;
    const { status, reason, fields } = head;
    const response = { status, reason, fields, body: undefined, hold: undefined };
    context.response = response;
    for (const stage of this.stages) stage.response?.(context, head);
    return response;
  }

  messages(): MessageTransforms | undefined {
    for (const stage of this.stages) {
      const transforms = stage.messages?.(this.context);
      if (transforms) return transforms;
    }
    return undefined;
  }

  end(how: ExchangeEnd, bytes: { readonly request: number; readonly response: number }): void {
    this.context.end = { how, totalMs: performance.now() - this.context.started, ...bytes };
    for (const stage of this.stages) stage.end?.(this.context);
  }

  stillAllowed(): boolean {
    const { kind, request, head, addresses, tls, answer } = this.context;
    if (answer) return true;
    if (this.context.unseen && this.guard.secrets.length > 0) return false;
    const { policy } = this.guard;
    const decision = kind === 'tunnel' ? policy.evaluateConnect(request) : policy.evaluate(request);
    if (decision.effective !== (kind === 'tunnel' ? 'tunnel' : 'allow')) return false;
    // What was opened under wider terms does not go on under narrower ones.
    if (addresses === 'any' && decision.addresses === 'public') return false;
    if (kind === 'tunnel' || !decision.rule) return true;
    if (head.upgrade && decision.rule.websocket === 'refuse') return false;
    const now = this.guard.upstreamTls(decision.rule);
    return now.ok && tlsKey(now.value) === tlsKey(tls);
  }
}

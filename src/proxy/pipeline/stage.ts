// What the stages of the pipeline share: one context an exchange, the same hooks for each stage. A stage does one thing
// and is about a page long. Stages run in order for requests and responses; the first answer ends the request.
import type { Addresses, Decision, PolicyRequest, Scheme } from '../../core/policy/types';
import type { Finding } from '../../core/secrets/types';
import type { AwsSigning } from './awsStage';
import type {
  BodyTransform,
  Client,
  ExchangeEnd,
  Fields,
  HeldBody,
  HeldResponse,
  InterimHead,
  LocalAnswer,
  MessageTransforms,
  RequestHead,
  ResponseHead,
  Target,
  UpstreamTls,
} from '../engine';

export class FlowContext {
  /** What the client sent: dummies, never real values (unless the client itself had them). */
  readonly request: PolicyRequest;
  readonly startedAt = Date.now();
  readonly started = performance.now();
  /** What goes out: changed by injection. */
  path: string;
  fields: Fields;
  addresses: Addresses = 'public';
  /** What the deciding rule says of the upstream's TLS. */
  tls: UpstreamTls | undefined;
  requestBody: BodyTransform | undefined;
  /** Signed by an AWS client, to be signed again before it goes out. */
  aws: AwsSigning | undefined;
  /** With the real key: it goes out, and is shown to nobody. */
  signature: string | undefined;
  /** The body decides, too: what is asked when it is there, whole or not. May set `answer`, and throw `RefusedBody`. */
  hold:
    | {
        readonly maxBytes: number;
        readonly judge: (held: HeldBody, whole: boolean) => HeldBody | Promise<HeldBody>;
      }
    | undefined;
  /** A WebSocket whose messages nobody looks at. */
  unseen = false;
  decision: Decision | undefined;
  readonly injected: string[] = [];
  readonly findings: Finding[] = [];
  answer: LocalAnswer | undefined;
  /** Why `answer` is an error and no refusal. */
  failure: { readonly code: string; readonly message: string } | undefined;

  response:
    | {
        status: number;
        reason: string;
        fields: Fields;
        body: BodyTransform | undefined;
        hold: HeldResponse | undefined;
      }
    | undefined;
  firstByteMs: number | undefined;
  reused = false;
  end: { how: ExchangeEnd; totalMs: number; request: number; response: number } | undefined;
  /** Set by the recorder. */
  flowId = 0;
  /** Tells the recorder of what changed between the response and the end. */
  changed: (() => void) | undefined;

  constructor(
    readonly kind: 'request' | 'connect' | 'tunnel',
    readonly target: Target,
    readonly client: Client,
    readonly head: RequestHead,
  ) {
    this.path = head.path;
    this.fields = head.fields;
    this.request = {
      scheme: schemeOf(target, head),
      host: target.host,
      port: target.port,
      method: head.method,
      path: head.path,
      agent: client.label,
    };
  }
}

function schemeOf(target: Target, head: RequestHead): Scheme {
  if (!head.upgrade) return target.scheme;
  return target.scheme === 'https' ? 'wss' : 'ws';
}

export interface Stage {
  /** May set `answer` (and then no later stage runs), or change path, fields, addresses, requestBody. */
  request?(context: FlowContext): void;
  /** An interim response, changed or not. */
  interim?(context: FlowContext, head: InterimHead): InterimHead;
  /** May change `context.response`. */
  response?(context: FlowContext, head: ResponseHead): void;
  /** After a 101: what is to be done with messages. The first stage that has an answer decides. */
  messages?(context: FlowContext): MessageTransforms | undefined;
  end?(context: FlowContext): void;
}

// Turns exchanges into flows, and flows into batches. Everything that leaves here has been redacted: real values become
// dummies, and credential fields that are not a dummy are masked whether we know them or not.
import type { Flow, FlowDecision, FlowOutcome, HeaderPairs } from '../../core/flows/flow';
import type { Decision } from '../../core/policy/types';
import type { Client, Fields, Target } from '../engine';
import type { Guard } from './guard';
import { FlowContext, type Stage } from './stage';

const BATCH_MS = 50;
const MAX_PATH = 2_048;
const MASK = '‹hidden›';
/** Fields that carry credentials (RFC 9110, 6265, and what vendors made up). */
const CREDENTIAL =
  /^(?:authorization|cookie|set-cookie|proxy-authorization|x-api-key|api-key|x-goog-api-key|.*-(?:api-?key|token|secret|signature)|x-amz-security-token)$/;
/** OpenAI's way of giving browsers' WebSockets a key. */
const IN_SUBPROTOCOL = /(openai-insecure-api-key\.)([^,\s]+)/g;
const CREDENTIAL_QUERY =
  /([?&;](?:[^=&;]*(?:token|secret|password|signature|api_?key|apikey)[^=&;]*|key|sig|code)=)([^&;#]+)/gi;

export class RecordStage implements Stage {
  #lastId = 0;
  readonly #dirty = new Map<number, FlowContext>();
  #timer: NodeJS.Timeout | undefined;
  /** Nothing of the flow that is being made holds a value: one look at all of it, as nearly every flow is so. */
  #isClean = false;

  constructor(
    private readonly guard: Guard,
    private readonly emit: (flows: readonly Flow[]) => void,
  ) {}

  request(context: FlowContext): void {
    context.flowId = ++this.#lastId;
    this.#touch(context);
  }

  response(context: FlowContext): void {
    this.#touch(context);
  }

  end(context: FlowContext): void {
    this.#touch(context);
    const { peer } = context.client;
    if (peer && !peer.process) peer.whenFound(() => this.#touch(context));
  }

  /** A connection that never became an exchange. */
  refused(what: { target: Target | undefined; client: Client | undefined; code: string; message: string }): void {
    if (!what.client) return; // nobody of ours: not worth a row, and anyone could fill the list
    const target = what.target ?? { scheme: 'https' as const, host: 'unknown', port: 0 };
    const head = {
      method: 'CONNECT',
      path: '',
      fields: { names: [], lower: [], values: [] },
      upgrade: false,
      hasBody: false,
    };
    const context = new FlowContext('connect', target, what.client, head);
    context.end = {
      how: { kind: 'failed', code: what.code, message: what.message },
      totalMs: 0,
      request: 0,
      response: 0,
    };
    this.request(context);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#dirty.size === 0) return;
    const flows = [...this.#dirty.values()].map((context) => this.#flow(context));
    this.#dirty.clear();
    this.emit(flows);
  }

  #touch(context: FlowContext): void {
    this.#dirty.set(context.flowId, context);
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref();
  }

  #flow(context: FlowContext): Flow {
    const { request, response, end, decision } = context;
    this.#isClean = this.#holdsNothing(context);
    const failed = end?.how.kind === 'failed' ? end.how : context.failure;
    return {
      id: context.flowId,
      startedAt: context.startedAt,
      agent: context.client.label,
      process: context.client.peer?.process,
      kind: context.kind,
      scheme: request.scheme,
      host: this.#clean(request.host),
      port: request.port,
      method: this.#clean(request.method),
      path: this.#path(request.path),
      outcome: outcomeOf(context),
      decision: decision ? this.#decision(decision) : undefined,
      injected: context.injected,
      findings: context.findings,
      requestHeaders: this.#headers(context.head.fields),
      requestBytes: end?.request ?? 0,
      status: response?.status ?? context.answer?.status,
      reasonPhrase: response ? this.#clean(response.reason) : context.answer?.reason,
      responseHeaders: response ? this.#headers(response.fields) : (context.answer?.headers ?? []),
      responseBytes: end?.response ?? 0,
      error: failed ? { code: failed.code, message: this.#clean(failed.message) } : undefined,
      timing: { firstByteMs: context.firstByteMs, totalMs: end?.totalMs, reused: context.reused },
    };
  }

  /** The reason names the path, and a path may hold anything. */
  #decision({ action, effective, rule, layer, reason }: Decision): FlowDecision {
    return {
      action,
      effective,
      rule: rule?.index,
      description: rule?.description,
      layer,
      reason: this.#clean(reason),
    };
  }

  /** As it may be shown. Host names and HTTP/2 field names arrive in lower case: so may a value in them. */
  #clean(text: string): string {
    return this.#isClean ? text : this.#redact(text);
  }

  #redact(text: string): string {
    return this.guard.redactor.lower(this.guard.redactor.text(text));
  }

  #holdsNothing({ request, head, response, end, decision }: FlowContext): boolean {
    let all = `${request.host}\n${request.method}\n${request.path}\n${textOf(head.fields)}`;
    if (response) all += `\n${response.reason}\n${textOf(response.fields)}`;
    if (decision) all += `\n${decision.reason}`;
    if (end?.how.kind === 'failed') all += `\n${end.how.message}`;
    return this.#redact(all) === all;
  }

  #path(path: string): string {
    const clean = this.#clean(path).replace(CREDENTIAL_QUERY, (whole, name: string, value: string) =>
      this.#isDummy(value) ? whole : `${name}${MASK}`,
    );
    return clean.length > MAX_PATH ? `${clean.slice(0, MAX_PATH)}…` : clean;
  }

  #headers(fields: Fields): HeaderPairs {
    return fields.names.map(
      (name, i) => [this.#clean(name), this.#value(fields.lower[i]!, fields.values[i]!)] as const,
    );
  }

  #value(name: string, value: string): string {
    const clean = this.#clean(value);
    if (name === 'sec-websocket-protocol')
      return clean.replace(IN_SUBPROTOCOL, (whole, word: string, key: string) =>
        this.#isDummy(key) ? whole : `${word}${MASK}`,
      );
    if (!CREDENTIAL.test(name)) return clean;
    const [, scheme, rest] = /^(\S+ )?(.*)$/s.exec(clean)!;
    return this.#isDummy(rest!) ? clean : `${scheme ?? ''}${MASK}`;
  }

  #isDummy(text: string): boolean {
    return this.guard.secrets.some(({ dummy }) => dummy === text);
  }
}

function outcomeOf({ answer, failure, end }: FlowContext): FlowOutcome {
  if (failure) return 'failed';
  if (answer) return 'blocked';
  if (!end) return 'open';
  switch (end.how.kind) {
    case 'complete':
      return 'allowed';
    case 'aborted':
      return 'aborted';
    case 'failed':
      return end.how.code === 'private-address' ||
        end.how.code === 'identity-mismatch' ||
        end.how.code === 'policy-changed'
        ? 'blocked'
        : 'failed';
  }
}

const textOf = ({ names, values }: Fields) => `${names.join('\n')}\n${values.join('\n')}`;

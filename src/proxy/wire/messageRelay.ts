// One exchange between a client and an upstream of which at least one speaks HTTP/2. Heads go through the handlers, bodies
// through their transforms; flow control, aborts and cuts pass in both directions. The same rules as `Relay`, on messages.
import type {
  BodyTransform,
  Client,
  Exchange,
  ExchangeEnd,
  Fields,
  InterimHead,
  RequestHead,
  ResponseVerdict,
  Target,
} from '../engine';
import { RefusedBody } from '../engine';
import { withoutFields } from '../fields';
import { BadMessage } from '../http1/head';
import { ByteQueue } from '../http2/byteQueue';
import type { Route } from '../upstream/pool';
import { WireError, errorAnswer } from './errors';
import {
  type ClientPort,
  type IncomingHead,
  MAX_INTERIM,
  type NeverIndexed,
  type UpstreamPort,
  type UpstreamPortListener,
} from './ports';

export interface MessageRequest {
  readonly head: RequestHead;
  readonly authority: string;
  readonly target: Target;
  readonly client: Client;
  readonly exchange: Exchange;
  readonly neverIndexed?: NeverIndexed;
}

/** `signal` is asked for only where something has to be waited for. */
export type OpenUpstream = (route: Route, signal: () => AbortSignal) => UpstreamPort | Promise<UpstreamPort>;

/** `holding`: the body decides, too, and is not whole yet; `judging`: it is being decided on. */
type Phase = 'holding' | 'judging' | 'dialling' | 'open' | 'over';

const NOTHING = Buffer.alloc(0);
const LENGTH: ReadonlySet<string> = new Set(['content-length']);

export class MessageRelay implements UpstreamPortListener {
  #phase: Phase = 'dialling';
  #upstream: UpstreamPort | undefined;
  #abort: AbortController | undefined;
  #requestTransform: BodyTransform | undefined;
  /** What came before the upstream was there. */
  readonly #waiting = new ByteQueue();
  /** Of a body that is read whole first. */
  readonly #held: Buffer[] = [];
  /** So many bytes were credited to the client before they were passed on. */
  #ahead = 0;
  #waitingEnd: { readonly trailers: Fields | undefined } | undefined;
  #requestDone: boolean;
  #requestBytes = 0;
  /** Taken by a side that is slow; the other side gets its window back when it is not any more. */
  #owedToClient = 0;
  #owedToUpstream = 0;

  #responseTransform: BodyTransform | undefined;
  /** An answer that is judged whole before its head goes on. */
  #heldResponse:
    { readonly head: IncomingHead; readonly verdict: ResponseVerdict; readonly body: Buffer[] } | undefined;
  #interim = 0;
  #responseBytes = 0;
  #answered = false;
  #ended = false;
  #retried = false;

  constructor(
    private readonly port: ClientPort,
    private readonly request: MessageRequest,
    private readonly openUpstream: OpenUpstream,
    private readonly onOver: () => void,
  ) {
    const { verdict } = request.exchange;
    this.#requestTransform = verdict.kind === 'forward' ? verdict.body : undefined;
    this.#requestDone = !request.head.hasBody;
  }

  get exchange(): Exchange {
    return this.request.exchange;
  }

  start(): void {
    const { verdict } = this.exchange;
    if (verdict.kind === 'answer') {
      this.port.answer(verdict.answer);
      this.#complete();
      return;
    }
    if (verdict.kind === 'hold') {
      this.#phase = 'holding';
      return;
    }
    const { target, client } = this.request;
    this.#dial({ target, client, addresses: verdict.addresses, tls: verdict.tls });
  }

  async #judge(whole: boolean): Promise<void> {
    this.#phase = 'judging';
    const trailers = this.#waitingEnd?.trailers;
    const section = trailers && Buffer.from(trailerSection(trailers), 'latin1');
    const judged = await this.exchange.judge!({ body: Buffer.concat(this.#held), trailers: section }, whole);
    // Over meanwhile, perhaps.
    if ((this.#phase as Phase) !== 'judging') return;
    const { verdict } = this.exchange;
    if (whole) {
      this.#held.length = 0;
      if (judged.body.length > 0) this.#held.push(judged.body);
      this.#ahead = Infinity;
      const last = judged.trailers && parseTrailers(judged.trailers);
      this.#waitingEnd = { trailers: last && last.names.length > 0 ? last : undefined };
    }
    if (verdict.kind === 'forward') {
      this.#requestTransform = verdict.body;
      for (const part of this.#held) this.#waiting.push(part);
      const { target, client } = this.request;
      this.#dial({ target, client, addresses: verdict.addresses, tls: verdict.tls });
    } else if (verdict.kind === 'answer') {
      this.#requestDone = whole;
      this.#answered = true;
      this.port.answer(verdict.answer);
      this.#complete();
    }
  }

  #credit(bytes: number): void {
    const before = Math.min(bytes, this.#ahead);
    this.#ahead -= before;
    if (bytes > before) this.port.taken(bytes - before);
  }

  #dial(route: Route): void {
    this.#phase = 'dialling';
    const upstream = this.openUpstream(route, () => (this.#abort ??= new AbortController()).signal);
    if (!(upstream instanceof Promise)) {
      this.#open(upstream);
      return;
    }
    upstream.then(
      (port) => {
        if (this.#phase === 'dialling') this.#open(port);
        else port.abort();
      },
      (error: unknown) => this.#fail(error instanceof WireError ? error : internal()),
    );
  }

  #open(upstream: UpstreamPort): void {
    const { verdict } = this.exchange;
    if (verdict.kind !== 'forward') return;
    const { head, authority, neverIndexed } = this.request;
    this.#phase = 'open';
    this.#upstream = upstream;
    this.exchange.sent(upstream.reused);
    const changes = this.#requestTransform?.keepsLength === false;
    upstream.send(
      {
        method: head.method,
        path: verdict.path,
        authority,
        fields: changes ? withoutFields(verdict.fields, LENGTH) : verdict.fields,
        hasBody: head.hasBody,
        neverIndexed,
      },
      this,
    );
    while (this.#waiting.length > 0) this.#forward(this.#waiting.shift(Infinity));
    if (this.#waitingEnd) this.#forwardEnd(this.#waitingEnd.trailers);
  }

  // --- from the client

  clientBody(chunk: Buffer): void {
    this.#requestBytes += chunk.length;
    if (this.#phase === 'holding') {
      this.#hold(chunk);
      return;
    }
    if (this.#phase === 'judging') {
      this.#held.push(chunk);
      return;
    }
    if (this.#phase === 'dialling') {
      this.#waiting.push(chunk); // no credit yet: the client's window bounds it
      return;
    }
    this.#forward(chunk);
  }

  #hold(chunk: Buffer): void {
    const { verdict } = this.exchange;
    this.#held.push(chunk);
    if (verdict.kind === 'hold' && this.#requestBytes > verdict.maxBytes) {
      void this.#judge(false);
      return;
    }
    // Nobody could send a body that is longer than its window, were it not for this.
    this.#ahead += chunk.length;
    this.port.taken(chunk.length);
  }

  #forward(chunk: Buffer): void {
    if (this.#phase !== 'open' || !this.#upstream) return;
    let out: Buffer;
    try {
      out = this.#requestTransform ? this.#requestTransform.push(chunk) : chunk;
    } catch (error) {
      this.#refusedBody(error);
      return;
    }
    if (out.length === 0 || this.#upstream.body(out)) this.#credit(chunk.length);
    else this.#owedToClient += chunk.length;
  }

  clientEnd(trailers: Fields | undefined): void {
    // Kept after it was sent, too: a request that is sent again needs it.
    this.#waitingEnd = { trailers };
    if (this.#phase === 'holding') void this.#judge(true);
    else if (this.#phase === 'open') this.#forwardEnd(trailers);
  }

  #forwardEnd(trailers: Fields | undefined): void {
    if (this.#phase !== 'open' || !this.#upstream) return;
    this.#requestDone = true;
    try {
      const transform = this.#requestTransform;
      const rest = transform ? transform.end() : NOTHING;
      const passed = trailers && transform?.trailers ? changedTrailers(transform, trailers) : trailers;
      if (rest.length > 0) this.#upstream.body(rest);
      this.#upstream.end(passed);
    } catch (error) {
      this.#refusedBody(error);
    }
  }

  #refusedBody(error: unknown): void {
    this.#dropUpstream();
    this.#requestDone = false;
    if (!(error instanceof RefusedBody)) this.#fail(internal());
    else if (this.#answered) this.#cut({ kind: 'complete' });
    else {
      this.#answered = true;
      this.port.answer(error.answer);
      this.#complete();
    }
  }

  clientDrained(): void {
    const bytes = this.#owedToUpstream;
    this.#owedToUpstream = 0;
    if (bytes > 0) this.#upstream?.taken(bytes);
  }

  clientGone(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#dropUpstream();
    this.#end({ kind: 'aborted' });
    this.onOver();
  }

  // --- from the upstream

  interim(status: number, head: InterimHead): void {
    if (this.#phase !== 'open') return;
    if (++this.#interim > MAX_INTERIM) {
      this.#fail(new WireError('upstream-too-many-interim', 'The upstream sent too many interim responses.', 502));
      return;
    }
    this.port.interim(status, this.exchange.interim(head));
  }

  head(head: IncomingHead): void {
    if (this.#phase !== 'open') return;
    const verdict = this.exchange.response(head);
    const transform = head.hasBody ? verdict.body : undefined;
    this.#responseTransform = transform;
    if (head.hasBody && verdict.hold) {
      this.#heldResponse = { head, verdict, body: [] };
      return;
    }
    const fields = transform && !transform.keepsLength ? withoutFields(verdict.fields, LENGTH) : verdict.fields;
    this.#answered = true;
    this.port.head(head.status, verdict.reason, fields, !head.hasBody, head.neverIndexed);
    if (!head.hasBody) this.#responseOver();
  }

  body(chunk: Buffer): void {
    if (this.#phase !== 'open') return;
    this.#responseBytes += chunk.length;
    let out: Buffer;
    try {
      out = this.#responseTransform ? this.#responseTransform.push(chunk) : chunk;
    } catch (error) {
      this.#badResponse(error);
      return;
    }
    const held = this.#heldResponse;
    if (held) {
      held.body.push(out);
      if (this.#responseBytes > held.verdict.hold!.maxBytes)
        this.#fail(
          new WireError('upstream-answer-too-long', 'An answer that has to be looked at whole is too long.', 502),
        );
      else this.#upstream?.taken(chunk.length);
      return;
    }
    if (out.length === 0 || this.port.body(out)) this.#upstream?.taken(chunk.length);
    else this.#owedToUpstream += chunk.length;
  }

  end(trailers: Fields | undefined): void {
    if (this.#phase !== 'open') return;
    const transform = this.#responseTransform;
    let rest: Buffer;
    try {
      rest = transform ? transform.end() : NOTHING;
    } catch (error) {
      this.#badResponse(error);
      return;
    }
    if (this.#heldResponse) {
      this.#heldResponse.body.push(rest);
      void this.#judgeResponse();
      return;
    }
    if (rest.length > 0) this.port.body(rest);
    this.port.end(trailers && transform?.trailers ? changedTrailers(transform, trailers) : trailers);
    this.#responseOver();
  }

  async #judgeResponse(): Promise<void> {
    const { head, verdict, body } = this.#heldResponse!;
    const judged = await verdict.hold!.judge(Buffer.concat(body));
    // Cut, or left by its client, meanwhile.
    if (this.#phase !== 'open') return;
    this.#heldResponse = undefined;
    this.#answered = true;
    this.port.head(head.status, verdict.reason, withoutFields(verdict.fields, LENGTH), false, head.neverIndexed);
    this.port.body(judged);
    this.port.end(undefined);
    this.#responseOver();
  }

  #badResponse(error: unknown): void {
    this.#fail(error instanceof BadMessage ? new WireError(`upstream-${error.code}`, error.message, 502) : internal());
  }

  #responseOver(): void {
    // Answered before the request was whole: the rest of it answers nothing.
    if (!this.#requestDone) this.#dropUpstream();
    this.#upstream = undefined;
    this.#complete();
  }

  drained(): void {
    const bytes = this.#owedToClient;
    this.#owedToClient = 0;
    if (bytes > 0) this.#credit(bytes);
  }

  failed(error: WireError, again: boolean): void {
    this.#upstream = undefined;
    if (this.#phase === 'over') return;
    const { verdict } = this.exchange;
    // Sent on body bytes are gone: only what can be said again whole is said again.
    if (again && !this.#retried && !this.#answered && this.#requestBytes === 0 && verdict.kind === 'forward') {
      this.#retried = true;
      const { target, client } = this.request;
      this.#dial({ target, client, addresses: verdict.addresses, tls: verdict.tls });
      return;
    }
    this.#fail(error);
  }

  // --- ends

  /** A policy change or the end of the engine: nothing more passes, in either direction. */
  cut(code: string, message: string): void {
    if (this.#phase === 'over') return;
    this.#dropUpstream();
    this.#cut({ kind: 'failed', code, message });
  }

  #cut(how: ExchangeEnd): void {
    this.#phase = 'over';
    this.#end(how);
    this.port.cut();
    this.onOver();
  }

  #fail(error: WireError): void {
    if (this.#phase === 'over') return;
    this.#dropUpstream();
    const how: ExchangeEnd = { kind: 'failed', code: error.code, message: error.message };
    if (this.#answered) {
      const held = this.#responseTransform?.cut?.();
      if (held && held.length > 0) this.port.body(held);
      this.#cut(how);
      return;
    }
    this.#answered = true;
    this.port.answer(errorAnswer(error.status, error.code, error.message));
    this.#complete(how);
  }

  #complete(how: ExchangeEnd = { kind: 'complete' }): void {
    this.#phase = 'over';
    this.#end(how);
    if (!this.#requestDone) this.port.stopBody();
    this.onOver();
  }

  #dropUpstream(): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    this.#abort?.abort();
    upstream?.abort();
  }

  #end(how: ExchangeEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.exchange.end(how, { request: this.#requestBytes, response: this.#responseBytes });
  }
}

const internal = () => new WireError('internal', 'The proxy failed on this message. Nothing more was forwarded.', 502);

/** Transforms see a trailer section as HTTP/1.1 writes it. */
function changedTrailers(transform: BodyTransform, trailers: Fields): Fields {
  return parseTrailers(transform.trailers!(Buffer.from(trailerSection(trailers), 'latin1')));
}

const trailerSection = ({ names, values }: Fields) =>
  `${names.map((name, i) => `${name}: ${values[i]!}\r\n`).join('')}\r\n`;

/** A trailer section that was checked before (http1/body.ts), as fields. */
export function parseTrailers(section: Buffer): Fields {
  const fields: Fields = { names: [], lower: [], values: [] };
  for (const line of section.toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    fields.names.push(line.slice(0, colon));
    fields.lower.push(line.slice(0, colon).toLowerCase());
    fields.values.push(line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''));
  }
  return fields;
}

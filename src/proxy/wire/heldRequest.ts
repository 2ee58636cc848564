// A request over HTTP/1.1 whose body decides, too: the body is read whole, up to a bound, and nothing of the request goes out
// before it was judged. Then the exchange goes on as any other, with the judged body as if the client had sent it so.
import type { Exchange, HeldBody } from '../engine';
import { EXPECT, withoutFields } from '../fields';
import type { BodyReader } from '../http1/body';
import { requestBody } from '../http1/framing';
import { BadMessage } from '../http1/head';
import type { ClientExchange, RelayOwner, RelayRequest } from './relay';

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const NO_TRAILERS = Buffer.from('\r\n');

/** What a held request needs of its connection beside what a relay needs. */
export interface HeldOwner extends RelayOwner {
  /** Judged: it goes on like this, with these bytes in front of what came meanwhile. */
  release(request: RelayRequest, bytes: Buffer): void;
  /** The body cannot be read: an answer, and the end of the connection. */
  refuseHeld(error: BadMessage): void;
}

export class HeldRequest implements ClientExchange {
  readonly #reader: BodyReader;
  #phase: 'reading' | 'judging' | 'over' = 'reading';
  /** As it came, for a body that turns out to be too long. */
  readonly #raw: Buffer[] = [];
  readonly #payload: Buffer[] = [];
  #bytes = 0;
  #trailers: Buffer | undefined;

  constructor(
    private readonly owner: HeldOwner,
    private readonly request: RelayRequest,
    private readonly maxBytes: number,
  ) {
    this.#reader = requestBody(request.head.framing)!;
  }

  get exchange(): Exchange {
    return this.request.exchange;
  }

  get wantsBytes(): boolean {
    return this.#phase === 'reading';
  }

  /** Nobody else could tell a client that waits for it to go on: the origin has not heard of the request. */
  start(): void {
    const { head, minor } = this.request;
    if (minor === 1 && head.fields.lower.includes('expect')) this.owner.batcher.put(this.owner.stream, CONTINUE);
    this.owner.awaitBody();
  }

  clientBytes(bytes: Buffer, from: number): number {
    if (this.#phase !== 'reading') return 0;
    let taken: number;
    try {
      taken = this.#reader.feed(bytes, from, {
        payload: (part) => {
          this.#payload.push(part);
          this.#bytes += part.length;
        },
        trailers: (section) => (this.#trailers = section),
      });
    } catch (error) {
      const bad = error instanceof BadMessage ? error : new BadMessage('internal', 'The body cannot be read.');
      this.#end({ kind: 'failed', code: bad.code, message: bad.message });
      this.owner.refuseHeld(bad);
      return bytes.length - from;
    }
    this.#raw.push(bytes.subarray(from, from + taken));
    if (this.#bytes > this.maxBytes) void this.#judge(false);
    else if (this.#reader.done) void this.#judge(true);
    else this.owner.awaitBody();
    return taken;
  }

  async #judge(whole: boolean): Promise<void> {
    this.#phase = 'judging';
    const { exchange, head } = this.request;
    const given: HeldBody = { body: Buffer.concat(this.#payload), trailers: this.#trailers };
    const judged = await exchange.judge!(given, whole);
    // A promise changes nothing that TypeScript sees.
    if ((this.#phase as string) === 'over') return;
    this.#phase = 'over';
    // The client was told to go on.
    const ready = { ...head, fields: withoutFields(head.fields, EXPECT) };
    if (!whole) {
      this.owner.release({ ...this.request, head: ready }, Buffer.concat(this.#raw));
      return;
    }
    const { body, trailers = NO_TRAILERS } = judged;
    const answered = exchange.verdict.kind === 'answer';
    const chunked = head.framing.chunked && !answered;
    const framing = chunked ? head.framing : { chunked: false, length: answered ? 0 : body.length };
    const bytes = chunked ? chunk(body, trailers) : answered ? Buffer.alloc(0) : body;
    this.owner.release({ ...this.request, head: { ...ready, framing } }, bytes);
  }

  clientDrained(): void {
    // Nothing was written.
  }

  clientGone(): void {
    this.#end({ kind: 'aborted' });
  }

  cut(code: string, message: string): void {
    if (this.#phase === 'over') return;
    this.#end({ kind: 'failed', code, message });
    this.owner.cut();
  }

  #end(how: Parameters<Exchange['end']>[0]): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.exchange.end(how, { request: this.#bytes, response: 0 });
  }
}

function chunk(body: Buffer, trailers: Buffer): Buffer {
  const last = Buffer.from('0\r\n');
  if (body.length === 0) return Buffer.concat([last, trailers]);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, NO_TRAILERS, last, trailers]);
}

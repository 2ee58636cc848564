// The client's end of one exchange over HTTP/1.1 whose upstream refuses HTTP/1.1: bytes from and to the client connection,
// messages to the relay. Only where `Relay` cannot serve: it keeps the bytes as they are, this cannot.
import { STATUS_CODES } from 'node:http';
import type { Fields, InterimHead, LocalAnswer } from '../engine';
import { requestBody } from '../http1/framing';
import { BadMessage, writeHead } from '../http1/head';
import { MessageRelay, type OpenUpstream, parseTrailers } from './messageRelay';
import { type ClientPort, MAX_UNTAKEN } from './ports';
import { type ClientExchange, type RelayOwner, type RelayRequest, hostField } from './relay';

const CRLF = Buffer.from('\r\n');

export class Http1Client implements ClientPort, ClientExchange {
  readonly #relay: MessageRelay;
  readonly #reader: ReturnType<typeof requestBody>;
  #requestDone: boolean;
  #untaken = 0;
  #trailers: Fields | undefined;
  #chunked = false;
  #close: boolean;
  #over = false;

  constructor(
    private readonly owner: RelayOwner,
    private readonly request: RelayRequest,
    openUpstream: OpenUpstream,
  ) {
    const { head, method, minor, target, client, exchange } = request;
    this.#reader = requestBody(head.framing);
    this.#requestDone = this.#reader === undefined;
    this.#close = head.connectionClose || minor === 0;
    const { verdict } = exchange;
    const message = {
      head: {
        method,
        path: verdict.kind === 'forward' ? verdict.path : '',
        fields: head.fields,
        upgrade: false,
        hasBody: this.#reader !== undefined,
      },
      authority: head.host ?? hostField(target),
      target,
      client,
      exchange,
    };
    this.#relay = new MessageRelay(this, message, openUpstream, () => this.#finish());
  }

  get exchange(): RelayRequest['exchange'] {
    return this.request.exchange;
  }

  get wantsBytes(): boolean {
    return !this.#requestDone;
  }

  start(): void {
    this.#relay.start();
  }

  clientBytes(bytes: Buffer, from: number): number {
    const reader = this.#reader;
    if (!reader || this.#over) return bytes.length - from;
    try {
      const taken = reader.feed(bytes, from, {
        payload: (chunk) => {
          this.#untaken += chunk.length;
          this.#relay.clientBody(chunk);
        },
        trailers: (section) => (this.#trailers = parseTrailers(section)),
      });
      if (this.#untaken > MAX_UNTAKEN) this.owner.stream.pause();
      if (reader.done) {
        this.#requestDone = true;
        this.#relay.clientEnd(this.#trailers && this.#trailers.names.length > 0 ? this.#trailers : undefined);
      }
      return taken;
    } catch (error) {
      // Where the next request would begin is unknown now.
      this.#close = true;
      this.#requestDone = true;
      const bad = error instanceof BadMessage ? error : new BadMessage('internal', 'The body cannot be read.');
      this.#relay.cut(bad.code, bad.message);
      return bytes.length - from;
    }
  }

  clientDrained(): void {
    this.#relay.clientDrained();
  }

  clientGone(): void {
    this.#over = true;
    this.#relay.clientGone();
  }

  cut(): void;
  cut(code: string, message: string): void;
  cut(code?: string, message?: string): void {
    if (code !== undefined && message !== undefined) {
      this.#relay.cut(code, message);
      return;
    }
    this.#over = true;
    this.owner.cut();
  }

  // --- from the relay

  interim(status: number, { reason, fields }: InterimHead): void {
    if (this.request.minor === 1)
      this.owner.batcher.put(this.owner.stream, writeHead(statusLine(status, reason), fields, ''));
  }

  head(status: number, reason: string, fields: Fields, ends: boolean): void {
    const framed = ends || fields.lower.includes('content-length');
    this.#chunked = !framed && this.request.minor === 1;
    if (!framed && !this.#chunked) this.#close = true;
    const extra = `${this.#chunked ? 'Transfer-Encoding: chunked\r\n' : ''}${this.#close ? 'Connection: close\r\n' : ''}`;
    // A body that ends with the head still needs its length said, or the client waits for one.
    const empty = ends && !framedByStatus(status, this.request.method) && !fields.lower.includes('content-length');
    this.owner.batcher.put(
      this.owner.stream,
      writeHead(statusLine(status, reason), fields, `${empty ? 'Content-Length: 0\r\n' : ''}${extra}`),
    );
  }

  body(chunk: Buffer): boolean {
    const { batcher, stream } = this.owner;
    if (!this.#chunked) return batcher.put(stream, chunk);
    batcher.put(stream, `${chunk.length.toString(16)}\r\n`);
    batcher.put(stream, chunk);
    return batcher.put(stream, CRLF);
  }

  end(trailers: Fields | undefined): void {
    if (!this.#chunked) return;
    const section = trailers?.names.map((name, i) => `${name}: ${trailers.values[i]!}\r\n`).join('') ?? '';
    this.owner.batcher.put(this.owner.stream, `0\r\n${section}\r\n`);
  }

  answer({ status, reason, headers, body }: LocalAnswer): void {
    const bytes = Buffer.from(body, 'utf8');
    const fields = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const close = this.#close || !this.#requestDone ? 'connection: close\r\n' : '';
    const head = `HTTP/1.1 ${status} ${reason}\r\n${fields}content-length: ${bytes.length}\r\n${close}\r\n`;
    this.owner.batcher.put(this.owner.stream, head);
    if (this.request.method !== 'HEAD') this.owner.batcher.put(this.owner.stream, bytes);
  }

  taken(bytes: number): void {
    this.#untaken -= bytes;
    if (this.#untaken < MAX_UNTAKEN / 2 && !this.#over) this.owner.stream.resume();
  }

  stopBody(): void {
    this.#close = true;
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.owner.relayDone(!this.#close && this.#requestDone);
  }
}

/** RFC 9112, 6.3: no body, and no length needed to say so. */
const framedByStatus = (status: number, method: string) => method === 'HEAD' || status === 204 || status === 304;

/** HTTP/2 has no reason phrases. */
const statusLine = (status: number, reason: string) =>
  `HTTP/1.1 ${status} ${reason === '' ? (STATUS_CODES[status] ?? '') : reason}`;

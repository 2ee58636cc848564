// The two ends of one exchange where at least one of them speaks HTTP/2: messages instead of bytes. `MessageRelay` stands
// between them. (HTTP/1.1 to HTTP/1.1 does not come this way: `Relay` passes its bytes as they are.) Bounds that both ways share.
import type { Fields, InterimHead, LocalAnswer } from '../engine';
import type { WireError } from './errors';

/** Interim responses (1xx) to one request; an upstream that sends more is broken off. */
export const MAX_INTERIM = 32;
/** Bytes received of an HTTP/1.1 body and not yet passed on: beyond it that side is not read. */
export const MAX_UNTAKEN = 256 * 1024;

/** Names of fields that arrived as such, and must leave so where the next hop has tables (RFC 7541, 6.2.3). */
export type NeverIndexed = ReadonlySet<string> | undefined;

/** The client's end. Bodies are payload: no chunk framing. */
export interface ClientPort {
  interim(status: number, head: InterimHead): void;
  /** `ends`: no body and no trailers follow. */
  head(status: number, reason: string, fields: Fields, ends: boolean, neverIndexed: NeverIndexed): void;
  /** Returns false when the client is slow: the relay's `clientDrained` is called when more may come. */
  body(chunk: Buffer): boolean;
  end(trailers: Fields | undefined): void;
  /** An answer of ours, whole. */
  answer(answer: LocalAnswer): void;
  /** `bytes` of the request's body were passed on: as many more may come. */
  taken(bytes: number): void;
  /** The response is out, the request is not: the rest of it is not wanted. */
  stopBody(): void;
  /** Break off, so that nobody takes what was sent for complete. */
  cut(): void;
}

export interface OutgoingRequest {
  readonly method: string;
  readonly path: string;
  /** What `Host` or `:authority` says. */
  readonly authority: string;
  readonly fields: Fields;
  readonly hasBody: boolean;
  readonly neverIndexed?: NeverIndexed;
}

export interface IncomingHead {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly hasBody: boolean;
  readonly neverIndexed?: NeverIndexed;
}

/** The upstream's end, good for one exchange. */
export interface UpstreamPort {
  /** Whether the connection carried an exchange before. */
  readonly reused: boolean;
  send(request: OutgoingRequest, listener: UpstreamPortListener): void;
  /** Returns false when the upstream is slow: `drained` is called when more may come. */
  body(chunk: Buffer): boolean;
  end(trailers: Fields | undefined): void;
  /** `bytes` of the response's body were passed on. */
  taken(bytes: number): void;
  /** Over before its time, or the rest of the request is not wanted any more. Nothing is heard of it afterwards. */
  abort(): void;
}

export interface UpstreamPortListener {
  interim(status: number, head: InterimHead): void;
  head(head: IncomingHead): void;
  body(chunk: Buffer): void;
  end(trailers: Fields | undefined): void;
  drained(): void;
  /** `again`: nothing was done with the request, or repeating it does no harm; it may be sent once more. */
  failed(error: WireError, again: boolean): void;
}

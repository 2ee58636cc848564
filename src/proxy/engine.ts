// The interface between a wire engine and what decides about traffic. Engines move bytes; handlers judge heads and may
// transform bodies. Our engine (proxy/engine/) and http-mitm-proxy in the tests (test/engines/) implement the same one, with
// the same handlers. Nothing here knows about policy or secrets.
import type { ParentProxy } from '../core/base/parentProxy';
import type { ClientProcess } from '../core/flows/flow';
import type { Addresses } from '../core/policy/types';

/** Header fields in wire order with their original names; `lower[i]` is `names[i]` in lower case. Values are latin1. */
export interface Fields {
  readonly names: string[];
  readonly lower: string[];
  readonly values: string[];
}

/** Where an exchange goes: canonical host, never raw text. */
export interface Target {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

/** The client connection, authenticated. */
export interface Client {
  readonly label: string;
  readonly peer?: Peer | undefined;
}

/** Both ends of a client connection: literals and ports. */
export interface Ends {
  readonly client: Listener;
  readonly own: Listener;
}

/** The other end of a client connection on this machine. */
export interface Peer {
  /** Set when it was found, which may be after the first requests. */
  readonly process: ClientProcess | undefined;
  /** Calls back once, if it is found later; not at all when it is known, or known not to be found. */
  whenFound(tell: () => void): void;
}

export interface RequestHead {
  readonly method: string;
  /** Origin form with the query, as the client sent it. */
  readonly path: string;
  readonly fields: Fields;
  /** HTTP/2: what stands for the Host field, as the client sent it. */
  readonly authority?: string | undefined;
  readonly upgrade: boolean;
  /** False when the request carries no body. */
  readonly hasBody: boolean;
}

export interface ResponseHead {
  /** The head as it came, where it came as bytes: to look at all of it at once. */
  readonly raw?: Buffer | undefined;
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly hasBody: boolean;
}

/** An interim response: everything of it that travels beside the status. */
export type InterimHead = Pick<ResponseHead, 'reason' | 'fields'>;

/** An answer of our own. The engine adds framing and `Connection`. */
export interface LocalAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/**
 * A streaming body transform over decoded payload (no chunk framing). `push` and `end` return what may go on; a
 * transform that keeps every length says so, and the engine keeps `Content-Length`. `stop` cuts the exchange.
 */
export interface BodyTransform {
  readonly keepsLength: boolean;
  push(chunk: Buffer): Buffer;
  end(): Buffer;
  /** The body broke off: what of the bytes held back may still go on. */
  cut?(): Buffer;
  /** The trailer section with its blank line, changed or not. */
  trailers?(section: Buffer): Buffer;
}

export type ConnectVerdict =
  | { readonly kind: 'intercept' }
  | { readonly kind: 'tunnel'; readonly addresses: Addresses; readonly exchange: Exchange }
  | { readonly kind: 'answer'; readonly answer: LocalAnswer };

export type RequestVerdict =
  | {
      readonly kind: 'forward';
      /** Path and fields to send: the client's, with replacements made. */
      readonly path: string;
      readonly fields: Fields;
      readonly addresses: Addresses;
      /** What the deciding rule says of the upstream's TLS; undefined: the roots of the engine. */
      readonly tls: UpstreamTls | undefined;
      readonly body: BodyTransform | undefined;
    }
  | { readonly kind: 'answer'; readonly answer: LocalAnswer }
  /** The body decides, too: it is read whole, up to `maxBytes`, before anything goes out; then `judge` is asked. */
  | { readonly kind: 'hold'; readonly maxBytes: number };

/** A body without its framing; trailers as HTTP/1.1 writes them, with the blank line. */
export interface HeldBody {
  readonly body: Buffer;
  readonly trailers: Buffer | undefined;
}

/** TLS towards one upstream, where it differs from the engine's own. All PEM. */
export interface UpstreamTls {
  /** Further certificates that its chain may end in. */
  readonly ca: readonly string[];
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  /** Its certificate is not verified: a spelled-out exception. Nothing is injected towards it. */
  readonly insecure: boolean;
}

export interface ResponseVerdict {
  readonly fields: Fields;
  readonly reason: string;
  readonly body: BodyTransform | undefined;
  /** The body is kept back until it is whole, and judged: nothing of the answer goes on before. */
  readonly hold?: HeldResponse | undefined;
}

export interface HeldResponse {
  /** A longer body is an answer that cannot be judged: the client gets a 502. */
  readonly maxBytes: number;
  /** With the whole body as `body` leaves it; resolves to what goes on. Never rejects. */
  judge(body: Buffer): Promise<Buffer>;
}

/** What is done with the messages of one direction of a WebSocket: payloads without masks, frames and compression. */
export interface MessageTransform {
  /** A whole message of up to 16 MiB. Its argument where nothing changes. May throw `RefusedMessage`. */
  message(payload: Buffer, text: boolean): Buffer;
  /** A longer one, as it comes. `push` and `end` may throw `RefusedMessage`. */
  long(text: boolean): Pick<BodyTransform, 'push' | 'end'>;
  /** What a ping, pong or close carries, with the close code: at most 125 bytes go on. May throw `RefusedMessage`. */
  control(payload: Buffer): Buffer;
}

/** By the side that sends. */
export interface MessageTransforms {
  readonly client: MessageTransform;
  readonly server: MessageTransform;
}

export type ExchangeEnd =
  | { readonly kind: 'complete' }
  /** The client went away first. */
  | { readonly kind: 'aborted' }
  /** `code` is stable (`connect-refused`, `dns`, `tls-unverified`, `upstream-cut`, …), `message` is for people. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** One request and its response, from the handlers' side. Methods are called in this order, `end` exactly once. */
export interface Exchange {
  readonly verdict: RequestVerdict;
  /**
   * Asked once where `verdict` is `hold`; `verdict` is another one afterwards. With the whole body it resolves to what goes out in
   * its place, and the fields of the verdict say its length. `whole` false: it is longer, and what there is of it comes again
   * through the transform of the verdict. Never rejects.
   */
  judge?(held: HeldBody, whole: boolean): Promise<HeldBody>;
  /** An upstream connection carries the request now. */
  sent(reused: boolean): void;
  /** What an interim response (1xx, RFC 9110, 15.2) may say to the client. */
  interim(head: InterimHead): InterimHead;
  /** Throwing `RefusedBody` cuts the exchange. Called for the final response head only. */
  response(head: ResponseHead): ResponseVerdict;
  /** Asked before a 101 is passed on. Undefined: what follows it passes as the bytes it is. */
  messages?(head: ResponseHead): MessageTransforms | undefined;
  end(how: ExchangeEnd, bytes: { readonly request: number; readonly response: number }): void;
  /** What a policy change makes of it: false cuts the exchange. Asked for every open exchange on reload. */
  stillAllowed(): boolean;
}

export interface Handlers {
  connect(target: Target, client: Client): ConnectVerdict;
  request(head: RequestHead, target: Target, client: Client): Exchange;
  /** A connection that never became an exchange: a bad CONNECT, an identity mismatch, a TLS failure of the client. */
  refused(what: { target: Target | undefined; client: Client | undefined; code: string; message: string }): void;
}

/** Thrown by a request body transform: nothing more goes upstream, the client gets `answer` where that is possible. */
export class RefusedBody extends Error {
  constructor(readonly answer: LocalAnswer) {
    super('request body refused');
    this.name = 'RefusedBody';
  }
}

/** Who may use a port. Each method answers with the client, or undefined: not let in. */
export interface Authenticator {
  /** False: whoever connects is let in. */
  readonly required: boolean;
  /** By the value of `Proxy-Authorization`. */
  byHeader(header: string | undefined): Client | undefined;
  /** By label and token, as SOCKS5 sends them (RFC 1929). */
  byPassword(label: string, token: string): Client | undefined;
}

/** In milliseconds. */
export interface Timeouts {
  /** From the look-up of a name to a connection that may carry a request, a parent proxy and TLS included. */
  readonly connectMs: number;
  /** From the last byte of a request that was sent to the first of its answer. */
  readonly headMs: number;
  /** Without a byte in either direction while an exchange is under way. */
  readonly idleMs: number;
  /** For a client: from its first byte, or from CONNECT, to a finished SOCKS5 or TLS handshake. */
  readonly handshakeMs: number;
}

/** Where an engine listens. */
export interface Listener {
  readonly host: string;
  readonly port: number;
}

/** Thrown by a message transform: the WebSocket is closed with 1008 in both directions, and the message goes nowhere. */
export class RefusedMessage extends Error {
  constructor() {
    super('message refused');
    this.name = 'RefusedMessage';
  }
}

export interface EngineOptions {
  readonly authenticate: Authenticator;
  readonly ca: { readonly cert: string; readonly key: string };
  readonly upstreamCa: readonly string[];
  readonly handlers: Handlers;
  /** The proxy that this machine has to use; undefined: upstreams are dialled directly. */
  readonly parent?: ParentProxy | undefined;
  /** What is not given has its default (`DEFAULT_TIMEOUTS`). */
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Listeners of all engines that belong together: none of them is reached through another. Each adds itself. */
  readonly listeners?: Set<Listener> | undefined;
  /** Finds the process behind a client connection from its port and ours; undefined: nobody asks. */
  readonly findPeer?: ((ends: Ends) => Peer) | undefined;
  /** Asked about each connection before a byte of it is read; undefined: everyone may connect. */
  readonly admit?: ((ends: Ends) => Promise<boolean>) | undefined;
  /** Looks a name up; undefined: the system's resolver. Rejects with Node's error (`ENOTFOUND`). */
  readonly lookup?: ((name: string) => Promise<readonly string[]>) | undefined;
}

export interface Engine {
  /** Resolves when the port accepts connections; rejects with Node's error (`EADDRINUSE`). */
  listen(address: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly host: string; readonly port: number }>;
  /** The handlers changed their mind: cut every open exchange and tunnel that is no longer allowed. */
  reconsider(): void;
  /** Stop accepting; open exchanges get `graceMs`, then they are cut. */
  close(graceMs: number): Promise<void>;
}

// The SOCKS5 front door (RFC 1928, with user and password of RFC 1929), from the first byte to the request. CONNECT only. The
// name is parsed once, to its canonical form; what comes after is the way of an HTTP CONNECT. The parser has no socket.
import type net from 'node:net';
import { formatIpv4, formatIpv6 } from '../../core/base/address';
import type { Authenticator, Client } from '../engine';
import { BadMessage } from '../http1/head';
import { type Door, endWith } from './door';
import { connectTarget } from './identity';

export const SOCKS_VERSION = 5;
const NO_AUTHENTICATION = 0x00;
const USER_PASSWORD = 0x02;
const NO_ACCEPTABLE_METHOD = 0xff;
const CONNECT = 1;

/** RFC 1928, section 6. */
export const REPLY = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  hostUnreachable: 4,
  connectionRefused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

/** The address we are bound to is nobody's business: zeros, as others send them. */
const reply = (code: number) => Buffer.from([SOCKS_VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]);

export type SocksStep =
  /** More bytes are needed; `say` goes out first. */
  | { readonly kind: 'more'; readonly say: Buffer | undefined }
  /** Nothing more is read. `refused` is what is recorded; undefined where nobody of ours asked. */
  | {
      readonly kind: 'end';
      readonly say: Buffer | undefined;
      readonly refused: { readonly client: Client; readonly code: string; readonly message: string } | undefined;
    }
  | {
      readonly kind: 'connect';
      /** Goes out before the reply. */
      readonly say: Buffer | undefined;
      readonly client: Client;
      readonly target: { readonly host: string; readonly port: number };
      /** What came behind the request. */
      readonly rest: Buffer;
    };

/** Bytes in, steps out. */
export class SocksHandshake {
  #held: Buffer = Buffer.alloc(0);
  #stage: 'greeting' | 'password' | 'request' = 'greeting';
  #client: Client | undefined;

  constructor(private readonly authenticate: Authenticator) {}

  /** Takes bytes and goes as far as they lead. Nothing is taken after an `end` or a `connect`. */
  feed(bytes: Buffer): SocksStep {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const said: Buffer[] = [];
    const say = () => (said.length === 0 ? undefined : Buffer.concat(said));
    for (;;) {
      const step = this.#step();
      if (step === undefined) return { kind: 'more', say: say() };
      if (Buffer.isBuffer(step)) said.push(step);
      else {
        if (step.say) said.push(step.say);
        return { ...step, say: say() };
      }
    }
  }

  /** An answer and on, a last step, or undefined while bytes are missing. */
  #step(): Buffer | Exclude<SocksStep, { kind: 'more' }> | undefined {
    switch (this.#stage) {
      case 'greeting':
        return this.#greeting();
      case 'password':
        return this.#password();
      case 'request':
        return this.#request();
    }
  }

  #greeting() {
    const count = this.#held[1];
    if (count === undefined || this.#held.length < 2 + count) return undefined;
    const methods = this.#take(2 + count).subarray(2);
    if (!this.authenticate.required && methods.includes(NO_AUTHENTICATION)) {
      this.#client = this.authenticate.byHeader(undefined);
      this.#stage = 'request';
      return Buffer.from([SOCKS_VERSION, NO_AUTHENTICATION]);
    }
    if (!methods.includes(USER_PASSWORD)) return end(Buffer.from([SOCKS_VERSION, NO_ACCEPTABLE_METHOD]));
    this.#stage = 'password';
    return Buffer.from([SOCKS_VERSION, USER_PASSWORD]);
  }

  #password() {
    const held = this.#held;
    if (held.length > 0 && held[0] !== 1) return end(Buffer.from([1, 1]));
    const userLength = held[1];
    const passwordLength = userLength === undefined ? undefined : held[2 + userLength];
    if (userLength === undefined || passwordLength === undefined) return undefined;
    if (held.length < 3 + userLength + passwordLength) return undefined;
    const bytes = this.#take(3 + userLength + passwordLength);
    const label = bytes.toString('utf8', 2, 2 + userLength);
    this.#client = this.authenticate.byPassword(label, bytes.toString('utf8', 3 + userLength));
    if (!this.#client) return end(Buffer.from([1, 1]));
    this.#stage = 'request';
    return Buffer.from([1, 0]);
  }

  #request(): Exclude<SocksStep, { kind: 'more' }> | undefined {
    const held = this.#held;
    const client = this.#client!;
    if (held.length < 5) return undefined;
    const [version, command, reserved, type, first] = held;
    if (version !== SOCKS_VERSION || reserved !== 0) return refused(client, REPLY.generalFailure, BAD_REQUEST);
    if (command !== CONNECT)
      return refused(client, REPLY.commandNotSupported, {
        code: 'socks-command',
        message: 'A SOCKS5 request asks for BIND or UDP ASSOCIATE: only CONNECT is offered. Nothing was opened.',
      });
    const size = type === 1 ? 4 : type === 4 ? 16 : type === 3 ? 1 + first! : undefined;
    if (size === undefined) return refused(client, REPLY.addressTypeNotSupported, BAD_REQUEST);
    if (held.length < 4 + size + 2) return undefined;
    const bytes = this.#take(4 + size + 2);
    const address = bytes.subarray(4, 4 + size);
    try {
      const target = connectTarget(hostText(type!, address), bytes.readUInt16BE(4 + size));
      return { kind: 'connect', say: undefined, client, target, rest: this.#held };
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      return refused(client, REPLY.notAllowed, error);
    }
  }

  #take(length: number): Buffer {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }
}

/** As it would stand in a CONNECT line: a literal in its usual spelling, a name byte for byte. */
function hostText(type: number, address: Buffer): string {
  if (type === 1) return formatIpv4(address.readUInt32BE(0));
  if (type === 4) return formatIpv6(Array.from({ length: 8 }, (_, i) => address.readUInt16BE(2 * i)));
  return address.toString('latin1', 1);
}

const BAD_REQUEST = { code: 'socks-request', message: 'A SOCKS5 request is malformed. Nothing was opened.' };

const end = (say: Buffer) => ({ kind: 'end', say, refused: undefined }) as const;

const refused = (client: Client, code: number, why: { readonly code: string; readonly message: string }) =>
  ({ kind: 'end', say: reply(code), refused: { client, code: why.code, message: why.message } }) as const;

export const socksDoor: Door = {
  opened: (socket) => socket.write(reply(REPLY.succeeded)),
  refuse: (socket, { code, status }) => endWith(socket, reply(replyFor(code, status))),
  answer: (socket) => endWith(socket, reply(REPLY.notAllowed)),
};

/** `status`: what an HTTP client would get. */
function replyFor(code: string, status: number): number {
  switch (code) {
    case 'connect-refused':
      return REPLY.connectionRefused;
    case 'connect-timeout':
      return REPLY.ttlExpired;
    case 'dns':
    case 'unreachable':
      return REPLY.hostUnreachable;
    default:
      return status === 502 ? REPLY.generalFailure : REPLY.notAllowed;
  }
}

export interface SocksHandlers {
  readonly authenticate: Authenticator;
  /** For the whole handshake. */
  readonly timeoutMs: number;
  refused(client: Client, code: string, message: string): void;
  /** The request, with what came behind it. The socket is paused and has no listeners of ours. */
  connect(target: { readonly host: string; readonly port: number }, client: Client, rest: Buffer): void;
}

/** Serves a client whose first byte is `SOCKS_VERSION`, to the request or the end. */
export function serveSocks(socket: net.Socket, handlers: SocksHandlers): void {
  const handshake = new SocksHandshake(handlers.authenticate);
  const gone = () => socket.destroy();
  const leave = () => {
    clearTimeout(timer);
    socket.removeListener('data', onData);
    socket.removeListener('end', gone);
    socket.removeListener('close', leave);
  };
  const onData = (bytes: Buffer) => {
    const step = handshake.feed(bytes);
    if (step.kind === 'more') {
      if (step.say) socket.write(step.say);
      return;
    }
    leave();
    if (step.kind === 'end') {
      if (step.refused) handlers.refused(step.refused.client, step.refused.code, step.refused.message);
      endWith(socket, step.say ?? '');
      return;
    }
    if (step.say) socket.write(step.say);
    socket.pause();
    socket.removeListener('error', gone);
    handlers.connect(step.target, step.client, step.rest);
  };
  const timer = setTimeout(gone, handlers.timeoutMs).unref();
  socket.on('data', onData);
  socket.on('error', gone);
  socket.on('end', gone);
  socket.on('close', leave);
}

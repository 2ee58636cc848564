// HTTP/2 in raw frames, either end of it: for peers that break the rules as a test wants. It checks nothing of what it sends;
// what it receives is read with the project's own HPACK decoder.
import type net from 'node:net';
import tls from 'node:tls';
import type { IssuedCertificate } from '../../src/files/x509';
import { FRAME_HEADER, Flag, FrameType, PREFACE, frame } from '../../src/proxy/http2/frames';
import { HpackDecoder, HpackEncoder } from '../../src/proxy/http2/hpack';
import { openHttp2Socket } from './http2';
import { testLeaf } from './pki';
import type { WireFixture } from './wire';

export type FieldPairs = readonly (readonly [name: string, value: string])[];

export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
  /** Of HEADERS: the whole block, decoded. */
  readonly fields: FieldPairs | undefined;
}

/** RFC 7541, 5.1. */
export function integer(pattern: number, prefix: number, value: number): Buffer {
  const mask = (1 << prefix) - 1;
  if (value < mask) return Buffer.from([pattern | value]);
  const out = [pattern | mask];
  let rest = value - mask;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return Buffer.from([...out, rest]);
}

const literal = (text: string) => Buffer.concat([integer(0, 7, text.length), Buffer.from(text, 'latin1')]);

/** Literals without indexing, byte for byte (RFC 7541, 6.2.2): they leave every table as it is. */
export const block = (fields: FieldPairs): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));

/** A literal that goes into the dynamic table (RFC 7541, 6.2.1). */
export const indexed = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0x40]), literal(name), literal(value)]);

export class FramePeer {
  /** All of them, DATA without its payload beyond the first 64 KiB of a stream. */
  readonly frames: ReceivedFrame[] = [];
  readonly #bodies = new Map<number, Buffer[]>();
  readonly #received = new Map<number, number>();
  readonly #ended = new Set<number>();
  readonly #resets = new Set<number>();
  closed = false;
  onFrame: ((frame: ReceivedFrame) => void) | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #preface: number;
  #blocks: Buffer[] = [];
  readonly #decoder = new HpackDecoder(4096, 1024 * 1024);
  readonly #encoder = new HpackEncoder();
  #waiting: (() => void)[] = [];

  constructor(
    readonly socket: net.Socket,
    side: 'client' | 'server',
  ) {
    this.#preface = side === 'server' ? PREFACE.length : 0;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
    if (side === 'client') socket.write(PREFACE);
    this.send(FrameType.Settings, 0, 0);
  }

  #read(bytes: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes]);
    if (this.#preface > 0) {
      if (this.#buffer.length < this.#preface) return;
      this.#buffer = this.#buffer.subarray(this.#preface);
      this.#preface = 0;
    }
    while (this.#buffer.length >= FRAME_HEADER) {
      const length = this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < FRAME_HEADER + length) break;
      const payload = this.#buffer.subarray(FRAME_HEADER, FRAME_HEADER + length);
      const [type, flags] = [this.#buffer[3]!, this.#buffer[4]!];
      const id = this.#buffer.readUInt32BE(5) & 0x7fffffff;
      this.#buffer = this.#buffer.subarray(FRAME_HEADER + length);
      const received = { type, flags, id, payload, fields: this.#fields(type, flags, payload) };
      this.frames.push(this.#note(received));
      this.onFrame?.(received);
    }
    this.#changed();
  }

  #note(received: ReceivedFrame): ReceivedFrame {
    const { type, flags, id, payload } = received;
    const data = type === (FrameType.Data as number);
    if ((data || type === (FrameType.Headers as number)) && flags & Flag.EndStream) this.#ended.add(id);
    if (type === (FrameType.RstStream as number)) this.#resets.add(id);
    if (!data) return received;
    const before = this.#received.get(id) ?? 0;
    this.#received.set(id, before + payload.length);
    if (before > 64 * 1024) return { ...received, payload: Buffer.alloc(0) };
    const bodies = this.#bodies.get(id) ?? [];
    this.#bodies.set(id, bodies);
    bodies.push(payload);
    return received;
  }

  #fields(type: number, flags: number, payload: Buffer): FieldPairs | undefined {
    if (type !== (FrameType.Headers as number) && type !== (FrameType.Continuation as number)) return undefined;
    const from = type === (FrameType.Headers as number) && flags & Flag.Priority ? 5 : 0;
    this.#blocks.push(payload.subarray(from));
    if (!(flags & Flag.EndHeaders)) return undefined;
    const { names, values } = this.#decoder.decode(Buffer.concat(this.#blocks.splice(0)));
    return names.map((name, i) => [name, values[i]!] as const);
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when `condition` holds; rejects when the connection closes before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.closed) throw new Error('The connection closed.');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async end(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  // --- sending

  send(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): this {
    const bytes = frame(FrameType.Data, flags, id, payload.length);
    bytes[3] = type; // also one that nobody registered
    payload.copy(bytes, FRAME_HEADER);
    this.socket.write(bytes);
    return this;
  }

  /** A header block of these fields; `flags` beside END_HEADERS. */
  headers(id: number, fields: FieldPairs, flags = 0): this {
    return this.send(FrameType.Headers, Flag.EndHeaders | flags, id, block(fields));
  }

  data(id: number, payload: string | Buffer, flags = 0): this {
    return this.send(FrameType.Data, flags, id, Buffer.isBuffer(payload) ? payload : Buffer.from(payload, 'latin1'));
  }

  /** Through a real encoder, with its table. */
  compressed(id: number, fields: FieldPairs, flags = 0): this {
    this.#encoder.begin();
    for (const [name, value] of fields) this.#encoder.field(name, value, false);
    return this.send(FrameType.Headers, Flag.EndHeaders | flags, id, Buffer.from(this.#encoder.end()));
  }

  settings(...pairs: (readonly [id: number, value: number])[]): this {
    const payload = Buffer.alloc(pairs.length * 6);
    pairs.forEach(([id, value], i) => {
      payload.writeUInt16BE(id, i * 6);
      payload.writeUInt32BE(value, i * 6 + 2);
    });
    return this.send(FrameType.Settings, 0, 0, payload);
  }

  windowUpdate(id: number, increment: number): this {
    return this.send(FrameType.WindowUpdate, 0, id, word(increment));
  }

  reset(id: number, code = 8): this {
    return this.send(FrameType.RstStream, 0, id, word(code));
  }

  // --- what was received

  /** `200`, `reset 1`, `goaway 1` or `closed`: how a stream was answered. */
  async outcome(id: number): Promise<string> {
    let found: string | undefined;
    const look = () => {
      for (const { type, id: on, payload, fields } of this.frames) {
        const status = on === id ? fields?.find(([name]) => name === ':status')?.[1] : undefined;
        if (status && !status.startsWith('1')) found ??= status;
        if (type === (FrameType.RstStream as number) && on === id) found ??= `reset ${payload.readUInt32BE(0)}`;
        if (type === (FrameType.GoAway as number)) found ??= `goaway ${payload.readUInt32BE(4)}`;
      }
      return found !== undefined;
    };
    await this.until(look).catch(() => (found ??= 'closed'));
    return found!;
  }

  /** The payload of DATA on a stream so far, or its first 64 KiB. */
  body(id: number): string {
    return Buffer.concat(this.#bodies.get(id) ?? []).toString('latin1');
  }

  /** How many octets of DATA came on a stream. */
  received(id: number): number {
    return this.#received.get(id) ?? 0;
  }

  get endedStreams(): number {
    return this.#ended.size;
  }

  ended(id: number): boolean {
    return this.#ended.has(id);
  }

  wasReset(id: number): boolean {
    return this.#resets.has(id);
  }

  /** The code of the GOAWAY that ends the connection. */
  async goAway(): Promise<number> {
    const find = () => this.frames.find(({ type }) => type === (FrameType.GoAway as number));
    await this.until(() => find() !== undefined);
    return find()!.payload.readUInt32BE(4);
  }
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A client through the proxy that speaks frames. */
export async function openFrames(
  fixture: Pick<WireFixture, 'proxyPort' | 'proxyCa' | 'authority'>,
): Promise<FramePeer> {
  return new FramePeer(await openHttp2Socket(fixture), 'client');
}

/** The pseudo-fields of a good request, then `more`. */
export function good(authority: string, more: FieldPairs = [], method = 'GET', path = '/'): FieldPairs {
  return [[':method', method], [':scheme', 'https'], [':authority', authority], [':path', path], ...more];
}

/** An origin that speaks HTTP/2 in frames, as a test wants. */
export class FrameOrigin {
  readonly peers: FramePeer[] = [];
  /** Called once a request head is whole. */
  onRequest: (peer: FramePeer, id: number, fields: FieldPairs, index: number) => void = (peer, id) =>
    peer.headers(id, [[':status', '200']]).data(id, 'ok', Flag.EndStream);
  requests = 0;
  readonly #server: tls.Server;

  constructor(ca: IssuedCertificate) {
    const { cert, key } = testLeaf(ca);
    this.#server = tls.createServer({ cert, key, ALPNProtocols: ['h2'] }, (socket) => {
      const peer = new FramePeer(socket, 'server');
      this.peers.push(peer);
      peer.onFrame = ({ id, fields }) => {
        if (fields?.some(([name]) => name === ':method')) this.onRequest(peer, id, fields, ++this.requests);
      };
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as net.AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const { socket } of this.peers) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

// Real WebSocket peers (the `ws` package) on both sides of the proxy, and frames written by hand.
import https from 'node:https';
import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { ClientOptions, ServerOptions } from 'ws';
import { testLeaf } from './pki';
import { connectTls } from './rawClient';
import type { IssuedCertificate } from '../../src/files/x509';
import { AUTH } from './wire';

export interface Message {
  readonly data: Buffer;
  readonly binary: boolean;
}

/** One end, with everything it received. */
export class Peer {
  readonly messages: Message[] = [];
  readonly pings: string[] = [];
  readonly pongs: string[] = [];
  closed: { code: number; reason: string } | undefined;
  error: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(readonly socket: WebSocket) {
    const changed = () => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    socket.on('message', (data: Buffer, binary) => {
      this.messages.push({ data, binary });
      changed();
    });
    socket.on('ping', (data) => {
      this.pings.push(data.toString());
      changed();
    });
    socket.on('pong', (data) => {
      this.pongs.push(data.toString());
      changed();
    });
    socket.on('error', (error) => (this.error = error));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      changed();
    });
  }

  get texts(): string[] {
    return this.messages.map(({ data }) => data.toString());
  }

  async until(condition: (peer: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async received(count: number): Promise<readonly Message[]> {
    await this.until(({ messages, closed }) => messages.length >= count || closed !== undefined);
    return this.messages;
  }

  async close(): Promise<{ code: number; reason: string }> {
    await this.until(({ closed }) => closed !== undefined);
    return this.closed!;
  }
}

/** A `wss` server; `headers` are those of the last handshake. */
export class WebSocketOrigin {
  readonly peers: Peer[] = [];
  readonly raw: net.Socket[] = [];
  headers: NodeJS.Dict<string | string[]> = {};
  readonly #server: https.Server;
  readonly #webSockets: WebSocketServer;
  #waiting: (() => void)[] = [];

  constructor(ca: IssuedCertificate, options: ServerOptions = {}) {
    const { cert, key } = testLeaf(ca);
    this.#server = https.createServer({ cert, key });
    this.#webSockets = new WebSocketServer({ ...options, server: this.#server });
    this.#webSockets.on('connection', (socket, request) => {
      this.headers = request.headers;
      this.raw.push(request.socket);
      this.peers.push(new Peer(socket));
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async peer(index = 0): Promise<Peer> {
    while (this.peers.length <= index) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.peers[index]!;
  }

  async close(): Promise<void> {
    for (const { socket } of this.peers) socket.terminate();
    this.#webSockets.close();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** A client through the proxy, once its handshake is done. */
export async function connectWebSocket(
  where: { readonly proxyPort: number; readonly authority: string; readonly ca: string },
  options: ClientOptions = {},
): Promise<Peer & { raw: net.Socket }> {
  const { socket } = await connectTls({ ...where, auth: AUTH });
  socket.removeAllListeners('data');
  const webSocket = new WebSocket(`wss://${where.authority}/socket`, { ...options, createConnection: () => socket });
  const peer = Object.assign(new Peer(webSocket), { raw: socket });
  await new Promise<void>((resolve, reject) => webSocket.once('open', resolve).once('error', reject));
  return peer;
}

/** A frame as its bytes; latin1 in and out. `mask`: four characters, or none. */
export function frame(first: number, payload: string, mask = ''): string {
  const length = payload.length;
  const bit = mask === '' ? 0 : 0x80;
  const head =
    length < 126
      ? [first, bit | length]
      : length < 65_536
        ? [first, bit | 126, length >> 8, length & 255]
        : [first, bit | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  const body =
    mask === ''
      ? payload
      : Array.from(payload, (char, i) => String.fromCharCode(char.charCodeAt(0) ^ mask.charCodeAt(i & 3))).join('');
  return `${String.fromCharCode(...head)}${mask}${body}`;
}

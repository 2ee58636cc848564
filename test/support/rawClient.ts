// A client that speaks to the proxy in bytes: CONNECT, TLS, then whatever the test writes.
import net from 'node:net';
import tls from 'node:tls';

export class RawClient {
  received = '';
  closed = false;
  #waiting: (() => void)[] = [];

  constructor(readonly socket: net.Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
      this.#changed();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  write(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** What was received since the last `take`. */
  take(): string {
    const text = this.received;
    this.received = '';
    return text;
  }

  /** Resolves when `condition` holds or the connection closed; returns what was received. */
  async until(condition: (received: string) => boolean): Promise<string> {
    while (!condition(this.received) && !this.closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.received;
  }

  /** A whole response with a body of `length` bytes. */
  async response(length = 2): Promise<string> {
    await this.until((text) => text.includes('\r\n\r\n') && text.length >= text.indexOf('\r\n\r\n') + 4 + length);
    return this.take();
  }

  async end(): Promise<string> {
    return this.until(() => false);
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export async function connectRaw(port: number): Promise<RawClient> {
  const socket = net.connect(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return new RawClient(socket);
}

export interface ConnectOptions {
  readonly proxyPort: number;
  readonly authority: string;
  readonly auth?: string | undefined;
  readonly ca: string;
  /** Defaults to the host of `authority`; `''`: none. */
  readonly servername?: string;
}

/** CONNECT and TLS through the proxy. Rejects with the status line of a refused CONNECT, or the TLS error. */
export async function connectTls({ proxyPort, authority, auth, ca, servername }: ConnectOptions): Promise<RawClient> {
  const raw = await connectRaw(proxyPort);
  const host = authority.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  raw.write(
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${auth ? `Proxy-Authorization: ${auth}\r\n` : ''}\r\n`,
  );
  const answer = await raw.until((text) => text.includes('\r\n\r\n'));
  if (!answer.startsWith('HTTP/1.1 200')) {
    raw.socket.destroy();
    throw new Error(answer.split('\r\n')[0] || 'closed');
  }
  raw.socket.removeAllListeners('data');
  const secure = tls.connect({
    socket: raw.socket,
    ca,
    ALPNProtocols: ['http/1.1'],
    servername: servername ?? (net.isIP(host) ? '' : host),
    checkServerIdentity: (_, cert) => tls.checkServerIdentity(host, cert),
  });
  await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
  return new RawClient(secure);
}

// An origin that answers byte for byte what a test wants and reports what it saw. TLS or plain.
import net from 'node:net';
import tls from 'node:tls';
import type { IssuedCertificate } from '../../src/files/x509';

export interface OriginConnection {
  readonly socket: net.Socket;
  /** Everything received on this connection, latin1. */
  received: string;
}

type Answer = (connection: OriginConnection, head: string, index: number) => void;

export class RawOrigin {
  readonly heads: string[] = [];
  readonly connections: OriginConnection[] = [];
  closed = 0;
  /** Called once for each request head. Default: 200 with body `ok`. */
  onRequest: Answer = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  #waiting: (() => void)[] = [];
  readonly #server: net.Server;

  constructor(certificate?: IssuedCertificate) {
    const serve = (socket: net.Socket) => {
      const connection: OriginConnection = { socket, received: '' };
      this.connections.push(connection);
      let pending = '';
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.closed++;
        this.#changed();
      });
      socket.on('data', (bytes: Buffer) => {
        const text = bytes.toString('latin1');
        connection.received += text;
        pending += text;
        const end = pending.indexOf('\r\n\r\n');
        if (end >= 0 && /^[A-Z]+ \S+ HTTP\/1\.\d\r\n/.test(pending)) {
          const head = pending.slice(0, end + 4);
          pending = '';
          this.heads.push(head);
          this.onRequest(connection, head, this.heads.length);
        }
        this.#changed();
      });
    };
    this.#server = certificate
      ? tls.createServer({ cert: certificate.cert, key: certificate.key, ALPNProtocols: ['http/1.1'] }, serve)
      : net.createServer(serve);
    this.#server.on('tlsClientError', () => undefined);
  }

  async listen(host = '127.0.0.1'): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, host, resolve));
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Resolves as soon as `condition` holds; looked at after every byte and every close. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

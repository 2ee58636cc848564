// A company's proxy in a few lines: CONNECT or SOCKS5, to one fixed port whatever is asked for, so that names need no resolver.
// It says what it was asked; a test says what it answers.
import net from 'node:net';
import tls from 'node:tls';
import type { IssuedCertificate } from '../../src/files/x509';

export class ParentProxyServer {
  /** Heads of CONNECTs as they came; for SOCKS5 `host:port`. */
  readonly asked: string[] = [];
  /** User and password of SOCKS5 clients. */
  readonly logins: string[] = [];
  readonly sockets: net.Socket[] = [];
  /** What is said in place of opening the connection. */
  answer: string | undefined;
  /** Comes right behind the words that open it. */
  behind = '';
  readonly #server: net.Server;
  port = 0;

  constructor(
    private readonly kind: 'http' | 'socks5',
    private readonly upstreamPort: () => number,
    certificate?: IssuedCertificate,
  ) {
    const serve = (socket: net.Socket) => {
      this.sockets.push(socket);
      socket.on('error', () => undefined);
      let held = Buffer.alloc(0);
      let stage = 0;
      const onData = (bytes: Buffer) => {
        held = Buffer.concat([held, bytes]);
        if (this.kind === 'http') {
          if (!held.includes('\r\n\r\n')) return;
          this.asked.push(held.toString('latin1'));
          this.#open(socket, onData, 'HTTP/1.1 200 OK\r\nVia: parent\r\n\r\n');
        } else stage = this.#socks(socket, onData, held, stage);
        held = Buffer.alloc(0);
      };
      socket.on('data', onData);
    };
    this.#server = certificate ? tls.createServer(certificate, serve) : net.createServer(serve);
    this.#server.on('tlsClientError', () => undefined);
  }

  #socks(socket: net.Socket, onData: (bytes: Buffer) => void, bytes: Buffer, stage: number): number {
    if (stage === 0) {
      const password = bytes.subarray(2).includes(2);
      socket.write(Buffer.from([5, password ? 2 : 0]));
      return password ? 1 : 2;
    }
    if (stage === 1) {
      const user = bytes.toString('utf8', 2, 2 + bytes[1]!);
      this.logins.push(`${user}:${bytes.toString('utf8', 3 + bytes[1]!)}`);
      socket.write(Buffer.from([1, this.answer === 'login' ? 1 : 0]));
      return 2;
    }
    const host = bytes[3] === 3 ? bytes.toString('latin1', 5, 5 + bytes[4]!) : bytes.subarray(4, -2).join('.');
    this.asked.push(`${host}:${bytes.readUInt16BE(bytes.length - 2)}`);
    // A bound address that is a name: its length has to be read.
    this.#open(socket, onData, Buffer.from([5, 0, 0, 3, 3, 97, 98, 99, 0, 80]).toString('latin1'));
    return 3;
  }

  #open(socket: net.Socket, onData: (bytes: Buffer) => void, opened: string): void {
    if (this.answer !== undefined) {
      socket.end(this.answer, 'latin1');
      return;
    }
    socket.removeListener('data', onData);
    const upstream = net.connect(this.upstreamPort(), '127.0.0.1', () => {
      socket.write(opened + this.behind, 'latin1');
      socket.pipe(upstream).pipe(socket);
    });
    upstream.on('error', () => socket.destroy());
    this.sockets.push(upstream);
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as net.AddressInfo).port;
    return this.port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

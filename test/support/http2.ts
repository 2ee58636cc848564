// HTTP/2 for tests: an origin that speaks nothing else, and client sessions through the proxy. Node's own implementation, so
// that ours is checked against another.
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import type { IssuedCertificate } from '../../src/files/x509';
import { testLeaf } from './pki';
import { AUTH, type WireFixture } from './wire';

type OnStream = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

export class Http2Origin {
  readonly sessions: http2.ServerHttp2Session[] = [];
  streams = 0;
  onStream: OnStream = (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  };
  readonly #server: http2.Http2SecureServer;

  /** Speaks HTTP/2 only, or HTTP/1.1 too with `allowHTTP1`. */
  constructor(ca: IssuedCertificate, options: http2.SecureServerOptions = {}) {
    const { cert, key } = testLeaf(ca);
    this.#server = http2.createSecureServer({ cert, key, ...options });
    this.#server.on('session', (session) => {
      this.sessions.push(session);
      session.on('error', () => undefined);
    });
    this.#server.on('stream', (stream, headers) => {
      this.streams++;
      stream.on('error', () => undefined);
      this.onStream(stream, headers);
    });
    this.#server.on('error', () => undefined);
    this.#server.on('tlsClientError', () => undefined);
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as net.AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** TLS through the proxy with HTTP/2 agreed on, nothing spoken yet. */
export async function openHttp2Socket(
  fixture: Pick<WireFixture, 'proxyPort' | 'proxyCa' | 'authority'>,
): Promise<tls.TLSSocket> {
  const raw = net.connect(fixture.proxyPort, '127.0.0.1');
  raw.on('error', () => undefined);
  const { authority } = fixture;
  raw.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: ${AUTH}\r\n\r\n`);
  await new Promise<void>((resolve, reject) =>
    raw.once('data', (bytes: Buffer) =>
      bytes.toString('latin1').startsWith('HTTP/1.1 200') ? resolve() : reject(new Error(bytes.toString('latin1'))),
    ),
  );
  const secure = tls.connect({ socket: raw, ca: fixture.proxyCa.cert, servername: 'localhost', ALPNProtocols: ['h2'] });
  secure.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('close', reject));
  return secure;
}

export async function openSession(
  fixture: Pick<WireFixture, 'proxyPort' | 'proxyCa' | 'authority'>,
  options: http2.SecureClientSessionOptions = {},
): Promise<http2.ClientHttp2Session> {
  const socket = await openHttp2Socket(fixture);
  const session = http2.connect(`https://${fixture.authority}`, { createConnection: () => socket, ...options });
  session.on('error', () => undefined);
  return session;
}

export interface Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly interim: http2.IncomingHttpHeaders[];
}

/** One exchange. Rejects with the stream's error. */
export function request(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string | Buffer,
  trailers?: http2.OutgoingHttpHeaders,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
    const chunks: Buffer[] = [];
    const interim: http2.IncomingHttpHeaders[] = [];
    let head: http2.IncomingHttpHeaders = {};
    let last: http2.IncomingHttpHeaders = {};
    stream.on('headers', (fields) => interim.push(fields));
    stream.on('response', (fields) => (head = fields));
    stream.on('trailers', (fields: http2.IncomingHttpHeaders) => (last = fields));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('wantTrailers', () => stream.sendTrailers(trailers!));
    stream.on('close', () =>
      stream.rstCode === http2.constants.NGHTTP2_NO_ERROR
        ? resolve({
            status: Number(head[':status']),
            headers: head,
            body: Buffer.concat(chunks).toString('latin1'),
            trailers: last,
            interim,
          })
        : reject(new Error(`stream closed with ${stream.rstCode}`)),
    );
    if (body !== undefined) stream.end(body);
  });
}

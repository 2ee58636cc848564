// A SOCKS5 client in bytes (RFC 1928 and 1929), for the front door and for tests of what it refuses.
import net from 'node:net';
import tls from 'node:tls';
import { type RawClient, RawClient as Client, connectRaw } from './rawClient';
import { TOKEN } from './wire';

export interface SocksRequest {
  readonly user?: string;
  readonly password?: string;
  readonly command?: number;
  /** A name (type 3), byte for byte in latin1, or the bytes of an address. */
  readonly host: string | readonly number[];
  readonly port: number;
}

export const greeting = (...methods: number[]) => Buffer.from([5, methods.length, ...methods]);

export function login(user = 'claude', password = TOKEN): Buffer {
  return Buffer.from([1, user.length, ...Buffer.from(user), password.length, ...Buffer.from(password)]);
}

export function request({ command = 1, host, port }: SocksRequest): Buffer {
  const address =
    typeof host === 'string'
      ? [3, host.length, ...Buffer.from(host, 'latin1')]
      : [host.length === 4 ? 1 : host.length === 16 ? 4 : 9, ...host];
  return Buffer.from([5, command, 0, ...address, port >> 8, port & 255]);
}

/** Writes bytes and resolves with what came back once it is `length` long, or with what there was when it closed. */
export async function say(client: RawClient, bytes: Buffer, length: number): Promise<number[]> {
  client.socket.write(bytes);
  await client.until((received) => received.length >= length);
  return [...Buffer.from(client.take(), 'latin1')];
}

/** The handshake step by step; `reply` is the second byte of the answer to the request. */
export async function connectSocks(
  proxyPort: number,
  what: SocksRequest,
): Promise<{ readonly client: RawClient; readonly reply: number | undefined }> {
  const client = await connectRaw(proxyPort);
  await say(client, greeting(2), 2);
  await say(client, login(what.user, what.password), 2);
  client.socket.write(request(what));
  await client.until((received) => received.length >= 10);
  const reply = client.received.charCodeAt(1);
  client.received = client.received.slice(10);
  return { client, reply: Number.isNaN(reply) ? undefined : reply };
}

/** TLS inside an opened connection. */
export async function secureRaw({ socket }: RawClient, host: string, ca: string): Promise<RawClient> {
  socket.removeAllListeners('data');
  const secure = tls.connect({
    socket,
    ca,
    ALPNProtocols: ['http/1.1'],
    servername: net.isIP(host) ? '' : host,
    checkServerIdentity: (_, cert) => tls.checkServerIdentity(host, cert),
  });
  await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
  return new Client(secure);
}

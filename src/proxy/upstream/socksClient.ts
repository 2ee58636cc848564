// Our side of SOCKS5 towards a parent proxy (RFC 1928, with user and password of RFC 1929). Names go as names: the parent
// resolves them.
import net from 'node:net';
import { parseIpv6 } from '../../core/base/address';
import { authority } from '../../core/base/host';
import type { Target } from '../engine';
import { WireError } from '../wire/errors';
import { readAnswer } from './readAnswer';

const NO_AUTHENTICATION = 0;
const PASSWORD = 2;

/** RFC 1928, section 6. */
const REPLIES: Readonly<Record<number, string>> = {
  1: 'a general failure',
  2: 'refused by its rules',
  3: 'the network is unreachable',
  4: 'the host is unreachable',
  5: 'the connection was refused',
  6: 'it took too long',
  7: 'it does not support CONNECT',
  8: 'it does not support this kind of address',
};

/** Asks for a connection to the target. `parent` names the proxy in messages. Throws `WireError`. */
export async function askSocks(
  socket: net.Socket,
  target: Pick<Target, 'host' | 'port'>,
  login: { readonly user: string; readonly password: string } | undefined,
  parent: string,
): Promise<void> {
  const read = (length: number) =>
    readAnswer(socket, parent, (bytes) => (bytes.length < length ? undefined : { value: bytes, length }));
  const failed = (code: string, why: string) =>
    new WireError(code, `${parent} does not connect: ${why}. Nothing was sent.`, 502);
  socket.write(Buffer.from(login ? [5, 2, NO_AUTHENTICATION, PASSWORD] : [5, 1, NO_AUTHENTICATION]));
  const [version, method] = await read(2);
  if (version !== 5) throw failed('parent-failed', 'what it answered is not SOCKS5');
  if (method === PASSWORD && login) {
    const part = (text: string) => [Buffer.byteLength(text), ...Buffer.from(text)];
    socket.write(Buffer.from([1, ...part(login.user), ...part(login.password)]));
    const [, status] = await read(2);
    if (status !== 0) throw failed('parent-authentication', 'it does not take the user and password of HTTPS_PROXY');
  } else if (method !== NO_AUTHENTICATION) {
    throw failed('parent-authentication', 'it asks for a user and password, which HTTPS_PROXY has to hold');
  }
  socket.write(Buffer.from([5, 1, 0, ...address(target.host), target.port >> 8, target.port & 255]));
  // Version, reply, reserved, type and the first byte of the address: then its length is known.
  const reply = await readAnswer(socket, parent, (bytes) => {
    if (bytes.length < 5) return undefined;
    const size = bytes[3] === 1 ? 4 : bytes[3] === 4 ? 16 : bytes[3] === 3 ? bytes[4]! + 1 : 0;
    // Some leave out the address when they refuse.
    if (bytes[1] !== 0) return { value: bytes[1]!, length: bytes.length };
    if (size === 0) throw failed('parent-failed', 'what it answered is not SOCKS5');
    return bytes.length < 6 + size ? undefined : { value: 0, length: 6 + size };
  });
  if (reply === 0) return;
  const where = authority(target.host, target.port);
  throw failed(reply === 2 ? 'parent-refused' : 'parent-failed', `to ${where}: ${REPLIES[reply] ?? `reply ${reply}`}`);
}

function address(host: string): number[] {
  switch (net.isIP(host)) {
    case 4:
      return [1, ...host.split('.').map(Number)];
    case 6:
      return [4, ...parseIpv6(host)!.flatMap((word) => [word >> 8, word & 255])];
    default:
      return [3, host.length, ...Buffer.from(host, 'latin1')];
  }
}

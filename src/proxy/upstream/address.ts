// A name is resolved once, its addresses are checked, and only a checked address is dialled (threat-model: private
// addresses, DNS rebinding). Never dial a name.
import { promises as dns } from 'node:dns';
import net from 'node:net';
import { addressScope, parseIpv6 } from '../../core/base/address';
import type { Addresses } from '../../core/policy/types';
import { WireError, upstreamError } from '../wire/errors';

/** Addresses to try in order. Throws `WireError` `private-address` (403) or `dns` (502). */
export async function resolve(host: string, addresses: Addresses): Promise<string[]> {
  let found: string[];
  if (net.isIP(host) !== 0) found = [host];
  else {
    try {
      found = (await dns.lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
    } catch (error) {
      throw upstreamError(error as NodeJS.ErrnoException, host);
    }
  }
  if (addresses === 'any') return found;
  const open = found.filter((address) => addressScope(address) === 'public');
  if (open.length > 0) return open;
  throw new WireError(
    'private-address',
    `${host} leads to a loopback, private or metadata address. Only a rule with "addresses: any" may permit that.`,
    403,
  );
}

/** Whether a connection to this address and port would reach a listener at `own`. */
export function isOwnListener(address: string, port: number, own: { host: string; port: number } | undefined): boolean {
  if (own?.port !== port) return false;
  return (
    addressScope(address) === 'loopback' || address === own.host || address === '0.0.0.0' || isUnspecified(address)
  );
}

const isUnspecified = (address: string) => parseIpv6(address)?.every((word) => word === 0) ?? false;

// A name is resolved once, its addresses are checked, and only a checked address is dialled (threat-model: private
// addresses, DNS rebinding). Never dial a name.
import { promises as dns } from 'node:dns';
import net from 'node:net';
import os from 'node:os';
import { addressScope, parseIpv6 } from '../../core/base/address';
import type { Addresses } from '../../core/policy/types';
import type { Listener } from '../engine';
import { WireError, upstreamError } from '../wire/errors';

export type Lookup = (name: string) => Promise<readonly string[]>;

/** The system's resolver, all families, in its order (RFC 6724). */
export const systemLookup: Lookup = async (name) =>
  (await dns.lookup(name, { all: true, verbatim: true })).map(({ address }) => address);

/** The addresses of a canonical host. Throws `WireError` `dns` (502). */
export async function addressesOf(host: string, lookup: Lookup): Promise<readonly string[]> {
  if (net.isIP(host) !== 0) return [host];
  // RFC 6761, 6.3: no resolver has a say in what this machine's own names mean. A real value may go there unencrypted.
  if (isThisMachine(host)) return ['127.0.0.1', '::1'];
  try {
    return await lookup(host);
  } catch (error) {
    throw upstreamError(error as NodeJS.ErrnoException, host);
  }
}

/** Addresses to try in order. Throws `WireError` `private-address` (403) or `dns` (502). */
export async function resolve(host: string, addresses: Addresses, lookup: Lookup): Promise<readonly string[]> {
  const found = await addressesOf(host, lookup);
  if (addresses === 'any') return found;
  const open = found.filter((address) => addressScope(address) === 'public');
  if (open.length > 0) return open;
  throw privateAddress(host);
}

/**
 * What can be judged of a host whose name somebody else resolves: a literal. Names of this machine (RFC 6761, 6.3) never
 * get here. Throws `WireError` `private-address` (403).
 */
export function checkUnresolved(host: string, addresses: Addresses): void {
  if (addresses === 'public' && net.isIP(host) !== 0 && addressScope(host) !== 'public') throw privateAddress(host);
}

/** What can be judged of such a name by its addresses here, if it has any. Throws `WireError` `private-address` (403). */
export function checkAddresses(host: string, found: readonly string[]): void {
  if (found.length > 0 && found.every((address) => addressScope(address) !== 'public')) throw privateAddress(host);
}

/** Whether a host means this machine whoever resolves it. */
export function isThisMachine(host: string): boolean {
  if (net.isIP(host) !== 0) return addressScope(host) === 'loopback' || isUnspecified(host);
  return host === 'localhost' || host.endsWith('.localhost');
}

const privateAddress = (host: string) =>
  new WireError(
    'private-address',
    `${host} leads to a loopback, private or metadata address. Only a rule with "addresses: any" may permit that.`,
    403,
  );

/** Whether a connection to this address and port would reach one of our own listeners. */
export function isOwnListener(address: string, port: number, own: Iterable<Listener>): boolean {
  for (const listener of own) {
    if (listener.port !== port) continue;
    if (addressScope(address) === 'loopback' || address === listener.host || isUnspecified(address)) return true;
    if (isUnspecified(listener.host) && isOwnAddress(address)) return true;
  }
  return false;
}

/** Whether an address is one of this machine's. */
export function isOwnAddress(address: string): boolean {
  if (addressScope(address) === 'loopback' || isUnspecified(address)) return true;
  return Object.values(os.networkInterfaces()).some((list) => list?.some((own) => own.address === address));
}

const isUnspecified = (address: string) =>
  address === '0.0.0.0' || (parseIpv6(address)?.every((word) => word === 0) ?? false);

export const loop = (): WireError => new WireError('loop', 'The request would come back to this proxy.', 508);

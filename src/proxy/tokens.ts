// Who may use the port. A token per agent label; comparison in constant time; a wrong label costs the same as a wrong token.
import crypto from 'node:crypto';
import type { ProxyClient } from '../protocol/proxyMessages';
import type { Authenticator, Client, Peer } from './engine';

const ANYONE: Client = { label: 'unknown' };

/** `undefined`: no authentication, every client is `unknown`. */
export function authenticator(clients: readonly ProxyClient[] | undefined): Authenticator {
  if (!clients) return admitting(ANYONE);
  const known = clients.map(({ label, token }) => ({ client: { label }, digest: digest(`${label}:${token}`) }));
  const find = (credentials: string) => {
    const given = digest(credentials);
    let found: Client | undefined;
    for (const entry of known) if (crypto.timingSafeEqual(entry.digest, given)) found = entry.client;
    return found;
  };
  return {
    required: true,
    byHeader(header) {
      const match = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(header ?? '');
      return match ? find(Buffer.from(match[1]!, 'base64').toString('utf8')) : undefined;
    },
    byPassword: (label, token) => find(`${label}:${token}`),
  };
}

/** Lets everyone in, under one name: for a port that only one sandbox can reach. */
export function admitting(client: Client): Authenticator {
  return { required: false, byHeader: () => client, byPassword: () => client };
}

/** For one connection: its clients are told with the peer that they are. */
export function forConnection(authenticator: Authenticator, peer: Peer | undefined): Authenticator {
  if (!peer) return authenticator;
  const known = (client: Client | undefined) => client && { ...client, peer };
  return {
    required: authenticator.required,
    byHeader: (header) => known(authenticator.byHeader(header)),
    byPassword: (label, token) => known(authenticator.byPassword(label, token)),
  };
}

const digest = (text: string) => crypto.createHash('sha256').update(text).digest();

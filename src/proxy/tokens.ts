// Who may use the port. A token per agent label; comparison in constant time; a wrong label costs the same as a wrong token.
import crypto from 'node:crypto';
import type { ProxyClient } from '../protocol/proxyMessages';
import type { Client } from './engine';

const ANYONE: Client = { label: 'unknown' };

/** `undefined`: no authentication, every client is `unknown`. */
export function authenticator(
  clients: readonly ProxyClient[] | undefined,
): (header: string | undefined) => Client | undefined {
  if (!clients) return () => ANYONE;
  const known = clients.map(({ label, token }) => ({ client: { label }, digest: digest(`${label}:${token}`) }));
  return (header) => {
    const match = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(header ?? '');
    if (!match) return undefined;
    const given = digest(Buffer.from(match[1]!, 'base64').toString('utf8'));
    let found: Client | undefined;
    for (const entry of known) if (crypto.timingSafeEqual(entry.digest, given)) found = entry.client;
    return found;
  };
}

const digest = (text: string) => crypto.createHash('sha256').update(text).digest();

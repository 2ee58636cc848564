// A request written as a method and a URL, as tests of a policy and the command line give it. The path stays as written: the
// URL parser would tidy up what the policy has to see.
import { canonicalHost, splitAuthority } from '../base/host';
import { type Result, err, ok } from '../base/result';
import { defaultPort } from './explain';
import type { PolicyRequest, Scheme } from './types';

/** The request as the proxy would see it; the error says why it would not take it. */
export function parseRequest(method: string, url: string, agent?: string): Result<PolicyRequest, string> {
  const match = /^(https?|wss?):\/\/([^/?#]+)([^#]*)/i.exec(url);
  if (!match) return err('not an http, https, ws or wss URL');
  const split = splitAuthority(match[2]!);
  if (!split.ok) return err(split.error);
  const host = canonicalHost(split.value.host);
  if (!host.ok) return err(host.error);
  const scheme = match[1]!.toLowerCase() as Scheme;
  const path = match[3]!;
  return ok({
    scheme,
    host: host.value.host,
    port: split.value.port ?? defaultPort(scheme),
    method,
    path: path.startsWith('/') ? path : `/${path}`,
    agent,
  });
}

// TLS towards an upstream, or towards a parent proxy, over a connected socket: chain and name verified before a byte of ours
// is written. Contexts are made once for each set of options.
import crypto from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import type { UpstreamTls } from '../engine';
import { WireError, upstreamError } from '../wire/errors';
import type { Attempt } from './attempt';

/** AES-128 first: on one core it is a fifth faster than AES-256 for the same purpose. */
export const CIPHERS =
  'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384';

const MAX_CONTEXTS = 64;
const keys = new WeakMap<UpstreamTls, string>();

/** Says of two sets of options whether they are the same. Holds no key. */
export function tlsKey(options: UpstreamTls | undefined): string {
  if (options === undefined) return '';
  let key = keys.get(options);
  if (key === undefined) {
    key = crypto.createHash('sha256').update(JSON.stringify(options)).digest('base64');
    keys.set(options, key);
  }
  return key;
}

export class ContextStore {
  readonly #contexts = new Map<string, tls.SecureContext>();

  /** `ca`: PEM certificates that chains may end in. Empty: Node's own roots. */
  constructor(private readonly ca: readonly string[]) {
    // 30 ms for all roots: after the port is open, before the first upstream is asked for.
    setImmediate(() => {
      try {
        this.get(undefined);
      } catch {
        // Said to the first request that needs it.
      }
    });
  }

  /** Throws `WireError` `upstream-options` when OpenSSL does not take the certificates. */
  get(options: UpstreamTls | undefined): tls.SecureContext {
    const key = tlsKey(options);
    const known = this.#contexts.get(key);
    if (known) {
      this.#contexts.delete(key); // to the young end: the map's order is the order of use
      this.#contexts.set(key, known);
      return known;
    }
    const roots = this.ca.length > 0 ? this.ca : tls.rootCertificates;
    const more = options?.ca ?? [];
    let context: tls.SecureContext;
    try {
      context = tls.createSecureContext({
        ...(this.ca.length > 0 || more.length > 0 ? { ca: [...roots, ...more] } : {}),
        ...options?.client,
        ciphers: CIPHERS,
        minVersion: 'TLSv1.2',
      });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      const message = `The certificates for this upstream cannot be used (${code}). Nothing was sent. Look at "upstream" of its rule in the policy.`;
      throw new WireError('upstream-options', message, 502);
    }
    if (this.#contexts.size >= MAX_CONTEXTS) this.#contexts.delete(this.#contexts.keys().next().value!);
    this.#contexts.set(key, context);
    return context;
  }
}

export interface SecureOptions {
  /** Canonical: what the certificate must be for. */
  readonly host: string;
  readonly context: tls.SecureContext;
  /** Protocols to offer (RFC 7301), best first. */
  readonly alpn: readonly string[];
  /** A spelled-out exception: neither chain nor name is verified. */
  readonly insecure: boolean;
  readonly session?: Buffer | undefined;
  readonly onSession?: (session: Buffer) => void;
}

/** Rejects with `WireError` (`tls-unverified` where the certificate is the reason); `where` stands for the host in it. */
export function secure(
  socket: net.Socket,
  where: string,
  { host, context, alpn, insecure, session, onSession }: SecureOptions,
  attempt: Attempt,
): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = attempt.own(
      tls.connect({
        socket,
        // RFC 6066, 3: no SNI for literals. The name is checked by `checkServerIdentity` in either case.
        servername: net.isIP(host) === 0 ? host : '',
        checkServerIdentity: (_, cert) => tls.checkServerIdentity(host, cert),
        secureContext: context,
        ALPNProtocols: [...alpn],
        rejectUnauthorized: !insecure,
        ...(session ? { session } : {}),
      }),
    );
    const onError = (error: NodeJS.ErrnoException) => reject(upstreamError(error, where));
    const onClose = () =>
      reject(new WireError('upstream-reset', `${where} closed the connection during the handshake.`, 502));
    secured.once('error', onError);
    secured.once('close', onClose);
    if (onSession) secured.on('session', onSession);
    secured.once('secureConnect', () => {
      secured.removeListener('error', onError);
      secured.removeListener('close', onClose);
      if (secured.authorized || insecure) resolve(secured);
      else reject(upstreamError({ code: String(secured.authorizationError) }, where));
    });
  });
}

// Leaf certificates for the hosts that clients CONNECT to: made in 2–3 ms, kept in a bounded cache, never on disk.
import tls from 'node:tls';
import { type IssuedCertificate, type Issuer, makeLeaf, readIssuer } from '../files/x509';
import { CIPHERS } from './upstream/secure';

const DAY_MS = 86_400_000;
const VALID_DAYS = 30;
const RENEW_BEFORE_MS = 2 * DAY_MS;
const MAX_LEAVES = 1_000;

interface Leaf {
  readonly context: tls.SecureContext;
  readonly renewAt: number;
}

export class LeafStore {
  readonly #leaves = new Map<string, Leaf>();
  readonly #issuer: Issuer;

  /** Throws when `ca` is not a certificate with its key, both PEM. */
  constructor(private readonly ca: IssuedCertificate) {
    this.#issuer = readIssuer(ca);
  }

  /** The TLS context for a canonical host, made on first use and again before it expires. */
  context(host: string): tls.SecureContext {
    const now = Date.now();
    const known = this.#leaves.get(host);
    if (known && known.renewAt > now) {
      this.#leaves.delete(host); // to the young end: the map's order is the order of use
      this.#leaves.set(host, known);
      return known.context;
    }
    const notAfter = now + VALID_DAYS * DAY_MS;
    // A day back: clocks of containers are sometimes behind.
    const { cert, key } = makeLeaf(host, this.#issuer, new Date(now - DAY_MS), new Date(notAfter));
    const context = tls.createSecureContext({
      cert: cert + this.ca.cert,
      key,
      ciphers: CIPHERS,
      minVersion: 'TLSv1.2',
    });
    if (this.#leaves.size >= MAX_LEAVES) this.#leaves.delete(this.#leaves.keys().next().value!);
    this.#leaves.set(host, { context, renewAt: notAfter - RENEW_BEFORE_MS });
    return context;
  }
}

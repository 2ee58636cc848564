// Leaf certificates for the hosts that clients CONNECT to: made in 1–2 ms, kept in a bounded cache, never on disk. Where many
// hosts of one domain are asked for, one certificate with a wildcard serves the rest of them.
import tls from 'node:tls';
import { type IssuedCertificate, type Issuer, makeLeaf, makeLeafKeys, readIssuer } from '../files/x509';
import { CIPHERS } from './upstream/secure';

const DAY_MS = 86_400_000;
const VALID_DAYS = 30;
const RENEW_BEFORE_MS = 2 * DAY_MS;
const MAX_LEAVES = 1_000;
/** So many hosts below one name, and the next ones share a certificate. */
const WORTH_A_WILDCARD = 4;
const MAX_DOMAINS = 4_000;

interface Leaf {
  readonly context: tls.SecureContext;
  readonly renewAt: number;
}

export class LeafStore {
  readonly #leaves = new Map<string, Leaf>();
  /** Certificates made so far below each name. */
  readonly #siblings = new Map<string, number>();
  readonly #issuer: Issuer;
  /** One pair for all: it is in the memory of this process alone, as they all are, and half of the time of a leaf. */
  readonly #keys = makeLeafKeys();

  /** Throws when `ca` is not a certificate with its key, both PEM. `clock`: epoch milliseconds. */
  constructor(
    ca: IssuedCertificate,
    private readonly clock: () => number = Date.now,
  ) {
    this.#issuer = readIssuer(ca);
  }

  get size(): number {
    return this.#leaves.size;
  }

  /** The TLS context for a canonical host, made on first use and again before it expires. */
  context(host: string): tls.SecureContext {
    const domain = wildcardDomain(host);
    const known = this.#known(host) ?? (domain === undefined ? undefined : this.#known(`*.${domain}`));
    if (known) return known;
    if (domain === undefined) return this.#make(host);
    const siblings = this.#siblings.get(domain) ?? 0;
    if (siblings >= WORTH_A_WILDCARD) return this.#make(`*.${domain}`);
    this.#siblings.delete(domain);
    if (this.#siblings.size >= MAX_DOMAINS) this.#siblings.delete(this.#siblings.keys().next().value!);
    this.#siblings.set(domain, siblings + 1);
    return this.#make(host);
  }

  #known(name: string): tls.SecureContext | undefined {
    const leaf = this.#leaves.get(name);
    if (!leaf || leaf.renewAt <= this.clock()) return undefined;
    this.#leaves.delete(name); // to the young end: the map's order is the order of use
    this.#leaves.set(name, leaf);
    return leaf.context;
  }

  #make(name: string): tls.SecureContext {
    const now = this.clock();
    // Never beyond its issuer: some clients refuse a chain whose parts end in the wrong order.
    const notAfter = Math.min(now + VALID_DAYS * DAY_MS, this.#issuer.notAfter);
    // A day back: clocks of containers are sometimes behind.
    const { cert, key } = makeLeaf(name, this.#issuer, new Date(now - DAY_MS), new Date(notAfter), this.#keys);
    const context = tls.createSecureContext({
      // Alone: whoever trusts it holds the CA already, and to read one certificate less is a third of the time.
      cert,
      key,
      // Nobody is verified with this context: none of Node's own roots either.
      ca: [],
      ciphers: CIPHERS,
      minVersion: 'TLSv1.2',
    });
    this.#leaves.delete(name);
    if (this.#leaves.size >= MAX_LEAVES) this.#leaves.delete(this.#leaves.keys().next().value!);
    this.#leaves.set(name, { context, renewAt: notAfter - RENEW_BEFORE_MS });
    return context;
  }
}

/**
 * The name that a wildcard for this host would stand below, or undefined where none should: addresses, names of fewer than
 * four labels (`*.co.uk` would be anybody's), and A-labels, which not every client matches with a wildcard.
 */
function wildcardDomain(host: string): string | undefined {
  const labels = host.split('.');
  if (labels.length < 4 || /^[\d.]+$|:/.test(host) || labels[0]!.startsWith('xn--')) return undefined;
  return labels.slice(1).join('.');
}

// The certificate authority of a folder: made once, renewed before it ends, key 0600 outside the workspace; and the trust
// bundle that tools need whose CA variable replaces their store.
import fs from 'node:fs/promises';
import tls from 'node:tls';
import crypto from 'node:crypto';
import path from 'node:path';
import { readIfThere, writeFileAtomic } from '../files/atomicFile';
import { type IssuedCertificate, makeAuthority, readIssuer } from '../files/x509';
import type { StateFolder } from './stateFolder';

const DAY_MS = 86_400_000;
const VALID_DAYS = 365;
/** So long before its end a CA gets its successor, which is trusted from then on and signs nothing yet. */
const ANNOUNCE_BEFORE_MS = 60 * DAY_MS;
/** So long before its end the successor takes over: agents that started meanwhile trust both. */
const HAND_OVER_BEFORE_MS = 30 * DAY_MS;
/** Where Linux distributions keep the system's roots. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
];

export interface Authority {
  /** What signs leaves now. */
  readonly current: IssuedCertificate;
  /** PEM of what clients are to trust: the current CA, and its successor where there is one. */
  readonly trusted: string;
}

type AuthorityFiles = Pick<StateFolder, 'caCertificate' | 'caKey'>;

/**
 * Loads the CA, or makes one. A CA that ends soon is followed by another without a moment in which a running agent meets a
 * certificate that it cannot know: announced first, used later. Throws when the files are damaged.
 */
export async function loadAuthority(files: AuthorityFiles, name: string, now = Date.now()): Promise<Authority> {
  const next = nextFiles(files);
  let current = await read(files);
  let successor = await read(next);
  const left = (authority: IssuedCertificate) => endOf(authority) - now;
  if (current && successor && left(current) <= HAND_OVER_BEFORE_MS) {
    current = successor;
    successor = undefined;
    await write(files, current, current.cert);
    await Promise.all([fs.rm(next.caKey, { force: true }), fs.rm(next.caCertificate, { force: true })]);
  }
  // Not used for so long that nobody is left who trusts it: nothing to hand over to.
  if (!current || left(current) <= 0) {
    current = make(name, now);
    await write(files, current, current.cert);
  }
  if (left(current) <= ANNOUNCE_BEFORE_MS && !successor) {
    successor = make(name, now);
    await write(next, successor, successor.cert);
  }
  const trusted = `${current.cert}${successor?.cert ?? ''}`;
  if ((await readIfThere(files.caCertificate))?.toString('utf8') !== trusted)
    await writeFileAtomic(files.caCertificate, trusted, { mode: 0o644 });
  return { current, trusted };
}

/** Beside the present ones. */
const nextFiles = ({ caCertificate, caKey }: AuthorityFiles): AuthorityFiles => ({
  caCertificate: caCertificate.replace(/(?=\.pem$)/, '-next'),
  caKey: caKey.replace(/(?=\.pem$)/, '-next'),
});

const endOf = ({ cert }: IssuedCertificate) => Date.parse(new crypto.X509Certificate(cert).validTo);

function make(name: string, now: number): IssuedCertificate {
  return makeAuthority(`Sandbox Agent ${name}`, new Date(now - DAY_MS), new Date(now + VALID_DAYS * DAY_MS));
}

async function read({ caCertificate, caKey }: AuthorityFiles): Promise<IssuedCertificate | undefined> {
  const [certificates, key] = await Promise.all([readIfThere(caCertificate), readIfThere(caKey)]);
  if (!certificates || !key) return undefined;
  // The file is what clients trust: the CA itself comes first in it.
  const [cert] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/.exec(certificates.toString('utf8')) ?? [
    '',
  ];
  const authority = { cert, key: key.toString('utf8') };
  readIssuer(authority);
  return authority;
}

/** The key first: a certificate without its key would be trusted and could not be used. */
async function write(
  { caCertificate, caKey }: AuthorityFiles,
  { key }: IssuedCertificate,
  cert: string,
): Promise<void> {
  await fs.mkdir(path.dirname(caKey), { recursive: true, mode: 0o700 });
  await writeFileAtomic(caKey, key, { mode: 0o600 });
  await writeFileAtomic(caCertificate, cert, { mode: 0o644 });
}

/** PEM certificates that upstream chains may end in: Node's, the system's, and those that the user's environment names. */
export async function upstreamRoots(environment: NodeJS.ProcessEnv): Promise<string[]> {
  // By what they hold: the system has most of Node's own, written in lines of another length.
  const roots = new Map<string, string>();
  const add = (pem: string) => roots.set(pem.replace(/-----[^-]+-----|\s/g, ''), pem.replace(/\r/g, '').trim());
  for (const pem of tls.rootCertificates) add(pem);
  const named = [environment['NODE_EXTRA_CA_CERTS'], environment['SSL_CERT_FILE'], ...SYSTEM_BUNDLES];
  for (const file of named) {
    if (!file) continue;
    const text = await fs.readFile(file, 'utf8').catch(() => '');
    for (const [pem] of text.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)) add(pem);
  }
  return [...roots.values()];
}

/** Writes upstream roots and our CA into one file. */
export async function writeBundle(file: string, roots: readonly string[], ca: string): Promise<void> {
  await writeFileAtomic(file, `${[...roots, ca.trim()].join('\n')}\n`, { mode: 0o644 });
}

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
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** Where Linux distributions keep the system's roots. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
];

/** Loads the CA, or makes one where there is none or it ends soon. Throws when the files are damaged. */
export async function loadAuthority(
  files: Pick<StateFolder, 'caCertificate' | 'caKey'>,
  name: string,
  now = Date.now(),
): Promise<IssuedCertificate> {
  const [cert, key] = await Promise.all([readIfThere(files.caCertificate), readIfThere(files.caKey)]);
  if (cert && key) {
    const authority = { cert: cert.toString('utf8'), key: key.toString('utf8') };
    readIssuer(authority);
    if (Date.parse(new crypto.X509Certificate(authority.cert).validTo) - now > RENEW_BEFORE_MS) return authority;
  }
  const made = makeAuthority(`Sandbox Agent ${name}`, new Date(now - DAY_MS), new Date(now + VALID_DAYS * DAY_MS));
  await fs.mkdir(path.dirname(files.caKey), { recursive: true, mode: 0o700 });
  await writeFileAtomic(files.caKey, made.key, { mode: 0o600 });
  await writeFileAtomic(files.caCertificate, made.cert, { mode: 0o644 });
  return made;
}

/** PEM certificates that upstream chains may end in: Node's, the system's, and those that the user's environment names. */
export async function upstreamRoots(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const roots = new Set<string>(tls.rootCertificates.map((pem) => pem.trim()));
  const named = [environment['NODE_EXTRA_CA_CERTS'], environment['SSL_CERT_FILE'], ...SYSTEM_BUNDLES];
  for (const file of named) {
    if (!file) continue;
    const text = await fs.readFile(file, 'utf8').catch(() => '');
    for (const [pem] of text.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g))
      roots.add(pem.replace(/\r/g, '').trim());
  }
  return [...roots];
}

/** Writes upstream roots and our CA into one file. */
export async function writeBundle(file: string, roots: readonly string[], ca: string): Promise<void> {
  await writeFileAtomic(file, `${[...roots, ca.trim()].join('\n')}\n`, { mode: 0o644 });
}

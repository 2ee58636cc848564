// Private CAs and certificates for the origins, made with the project's own X.509 code: no openssl needed.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadSource } from './bundle.mjs';
import { DOMAIN } from './names.mjs';

const DAY_MS = 86_400_000;
const days = (count) => new Date(Date.now() + count * DAY_MS);

/**
 * Writes into `directory`: origin-ca.pem (peers trust it), peer-ca.pem (clients of the reverse proxies trust it), and the
 * wildcard certificates of both. Returns the files, and `leaf(host, trusted)` for more of the origin's certificates.
 */
export async function makePki(directory) {
  const { makeAuthority, makeLeaf, readIssuer } = await loadSource(
    ['src/files/x509.ts'],
    path.join(directory, 'x509.cjs'),
  );
  const write = (name, text) => {
    const file = path.join(directory, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const authority = (name) => makeAuthority(name, days(-1), days(30));
  const leafOf = (ca, host) => makeLeaf(host, readIssuer(ca), days(-1), days(20));

  const originCa = authority('bench origin CA');
  const peerCa = authority('bench peer CA');
  const strangerCa = authority('nobody trusts this CA');
  const originLeaf = leafOf(originCa, `*.${DOMAIN}`);
  const peerLeaf = leafOf(peerCa, `*.${DOMAIN}`);
  return {
    originCa: write('origin-ca.pem', originCa.cert),
    originCert: write('origin.pem', originLeaf.cert),
    originKey: write('origin.key', originLeaf.key),
    peerCa: write('peer-ca.pem', peerCa.cert),
    peerCert: write('peer.pem', peerLeaf.cert),
    peerKey: write('peer.key', peerLeaf.key),
    leaf: (host, trusted = true) => leafOf(trusted ? originCa : strangerCa, host),
  };
}

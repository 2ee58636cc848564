// The certificates that a proxy makes: taken by strict verifiers (Go, Python 3.13), also the fortieth.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../../../scripts/debian.mjs';
import { hostName } from '../../bench/support/names.mjs';
import { Skip } from '../lab.mjs';

const HOSTS = 40;

const toPem = (der) =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`;

/** The first byte of the serial number has its high bit set: certificate and body are sequences, then [0] version. */
function hasNegativeSerial(der) {
  let at = 0;
  const header = () => {
    const tag = der[at++];
    let length = der[at++];
    if (length & 0x80) {
      const bytes = length & 0x7f;
      length = der.readUIntBE(at, bytes);
      at += bytes;
    }
    return { tag, length };
  };
  header();
  header();
  const version = header();
  if (version.tag === 0xa0) {
    at += version.length;
    header();
  }
  return (der[at] & 0x80) !== 0;
}

export const certificateTests = [
  {
    name: 'leaf passes openssl x509_strict',
    async run(lab) {
      const openssl = findProgram('openssl');
      if (!openssl) throw new Skip('openssl is not installed');
      const client = await lab.connect();
      const leaf = path.join(lab.directory, 'leaf.pem');
      writeFileSync(leaf, toPem(client.socket.getPeerCertificate().raw));
      client.destroy();
      const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', lab.host];
      try {
        const text = execFileSync(openssl, [...args, '-CAfile', lab.peerCa, leaf], { encoding: 'utf8', stdio: 'pipe' });
        return { ok: text.includes(': OK'), got: text.includes(': OK') ? 'OK' : text };
      } catch (error) {
        return { ok: false, got: /error \d+.*/.exec(String(error.stderr) + String(error.stdout))?.[0] ?? 'refused' };
      }
    },
  },
  {
    name: `leaf serials positive (${HOSTS} hosts)`,
    async run(lab) {
      let negative = 0;
      for (let index = 0; index < HOSTS; index++) {
        const client = await lab.connect({ host: hostName(100 + index) });
        if (hasNegativeSerial(client.socket.getPeerCertificate().raw)) negative++;
        client.destroy();
      }
      return { ok: negative === 0, got: `${negative} of ${HOSTS} negative` };
    },
  },
];

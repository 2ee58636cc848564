// A private CA and server certificates for origins under test.
import { type IssuedCertificate, makeAuthority, makeLeaf, readIssuer } from '../../src/files/x509';

const DAY_MS = 86_400_000;
const days = (count: number) => new Date(Date.now() + count * DAY_MS);

export function testAuthority(name = 'Test CA'): IssuedCertificate {
  return makeAuthority(name, days(-1), days(30));
}

export function testLeaf(ca: IssuedCertificate, host = 'localhost'): IssuedCertificate {
  return makeLeaf(host, readIssuer(ca), days(-1), days(20));
}

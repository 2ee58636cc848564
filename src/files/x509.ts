// X.509 certificates with P-256 keys, for the CA of a folder and its leaves. ASN.1 by node-forge, keys and signatures by
// node:crypto (forge's own are slow and RSA only). RFC 5280. It never writes a file.
import crypto from 'node:crypto';
import net from 'node:net';
import type forge from 'node-forge';
import asn1 from 'node-forge/lib/asn1.js';
import util from 'node-forge/lib/util.js';
import { parseIpv4, parseIpv6 } from '../core/base/address';

/** Context-specific tags are plain numbers; the types know only the universal ones. */
const tagged = (tag: number, constructed: boolean, value: Asn1[] | string) =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- see above
  asn1.create(CONTEXT_SPECIFIC, tag, constructed, value);
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const { SEQUENCE, OID, OCTETSTRING, INTEGER, BOOLEAN, BITSTRING, UTF8, UTCTIME, GENERALIZEDTIME, SET } = asn1.Type;

/** A DER structure, as node-forge holds it. */
export type Asn1 = forge.asn1.Asn1;

const raw = (bytes: Buffer) => bytes.toString('latin1');
const sequence = (...parts: Asn1[]) => asn1.create(UNIVERSAL, SEQUENCE, true, parts);
const oid = (id: string) => asn1.create(UNIVERSAL, OID, false, asn1.oidToDer(id).getBytes());
const octets = (bytes: Buffer) => asn1.create(UNIVERSAL, OCTETSTRING, false, raw(bytes));
const integer = (bytes: Buffer) => asn1.create(UNIVERSAL, INTEGER, false, raw(bytes));
const bits = (bytes: Buffer, unused: number) =>
  asn1.create(UNIVERSAL, BITSTRING, false, String.fromCharCode(unused) + raw(bytes));
const boolean = (value: boolean) => asn1.create(UNIVERSAL, BOOLEAN, false, value ? '\xff' : '\x00');
const der = (node: Asn1) => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
/** RFC 5280, 4.1.2.5: UTCTime until 2049. */
const time = (at: Date) =>
  at.getUTCFullYear() < 2050
    ? asn1.create(UNIVERSAL, UTCTIME, false, asn1.dateToUtcTime(at))
    : asn1.create(UNIVERSAL, GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(at));
const extension = (id: string, critical: boolean, value: Asn1) =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(der(value)));
const attribute = (id: string, text: string) =>
  asn1.create(UNIVERSAL, SET, true, [sequence(oid(id), asn1.create(UNIVERSAL, UTF8, false, util.encodeUtf8(text)))]);

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

export interface Issuer {
  readonly key: crypto.KeyObject;
  /** The subject of the issuing certificate, taken from it byte for byte. */
  readonly name: Asn1;
  readonly keyId: Buffer;
  /** Epoch milliseconds. */
  readonly notAfter: number;
}

export interface IssuedCertificate {
  readonly cert: string;
  /** PEM: PKCS#8, of a leaf SEC 1. */
  readonly key: string;
}

/** A self-signed CA that may sign leaves only (path length 0). */
export function makeAuthority(commonName: string, notBefore: Date, notAfter: Date): IssuedCertificate {
  const keys = newKeys();
  const name = sequence(attribute('2.5.4.10', 'Sandbox Agent'), attribute('2.5.4.3', commonName));
  const id = keyId(keys.publicKey);
  const self: Issuer = { key: keys.privateKey, name, keyId: id, notAfter: notAfter.getTime() };
  const cert = certificate(self, name, spkiOf(keys.publicKey), notBefore, notAfter, [
    extension('2.5.29.19', true, sequence(boolean(true), integer(Buffer.from([0])))),
    extension('2.5.29.15', true, bits(Buffer.from([0x06]), 1)), // keyCertSign, cRLSign
    extension('2.5.29.14', false, octets(id)),
  ]);
  return { cert, key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** A key pair for any number of leaves that never leave one process, with what a certificate says of it. */
export interface LeafKeys {
  /** PEM (SEC 1). */
  readonly key: string;
  readonly spki: Asn1;
  readonly keyId: Buffer;
}

export function makeLeafKeys(): LeafKeys {
  const { privateKey, publicKey } = newKeys();
  return {
    // SEC 1: OpenSSL writes PKCS#8 twenty times slower.
    key: privateKey.export({ type: 'sec1', format: 'pem' }) as string,
    spki: spkiOf(publicKey),
    keyId: keyId(publicKey),
  };
}

/** A server certificate for one canonical name or address, or for `*.name`. */
export function makeLeaf(
  host: string,
  issuer: Issuer,
  notBefore: Date,
  notAfter: Date,
  keys = makeLeafKeys(),
): IssuedCertificate {
  const name = net.isIP(host) === 0 ? tagged(2, false, host) : tagged(7, false, raw(addressBytes(host)));
  // RFC 5280 bounds a common name to 64 characters; the name that counts is in the SAN.
  const cert = certificate(issuer, sequence(attribute('2.5.4.3', host.slice(0, 64))), keys.spki, notBefore, notAfter, [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)), // digitalSignature
    extension('2.5.29.37', false, sequence(oid(SERVER_AUTH))),
    extension('2.5.29.17', false, sequence(name)),
    extension('2.5.29.14', false, octets(keys.keyId)),
    extension('2.5.29.35', false, sequence(tagged(0, false, raw(issuer.keyId)))),
  ]);
  return { cert, key: keys.key };
}

/** Throws when `cert` is not a certificate or `key` is not its key, both PEM. */
export function readIssuer({ cert, key }: IssuedCertificate): Issuer {
  const parsed = new crypto.X509Certificate(cert);
  const privateKey = crypto.createPrivateKey(key);
  if (!parsed.checkPrivateKey(privateKey)) throw new Error('The CA key does not belong to the CA certificate.');
  const tbs = (asn1.fromDer(raw(parsed.raw)).value as Asn1[])[0]!;
  return {
    key: privateKey,
    name: (tbs.value as Asn1[])[5]!,
    keyId: keyId(parsed.publicKey),
    notAfter: Date.parse(parsed.validTo),
  };
}

interface Keys {
  readonly privateKey: crypto.KeyObject;
  readonly publicKey: crypto.KeyObject;
}

const newKeys = (): Keys => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });

const spkiOf = (key: crypto.KeyObject) => asn1.fromDer(raw(key.export({ type: 'spki', format: 'der' })));

/** A signed certificate, PEM. */
function certificate(
  issuer: Issuer,
  subject: Asn1,
  spki: Asn1,
  notBefore: Date,
  notAfter: Date,
  extensions: Asn1[],
): string {
  const body = sequence(
    tagged(0, true, [integer(Buffer.from([2]))]),
    integer(serial()),
    sequence(oid(ECDSA_SHA256)),
    issuer.name,
    sequence(time(notBefore), time(notAfter)),
    subject,
    spki,
    tagged(3, true, [sequence(...extensions)]),
  );
  const signature = crypto.sign('sha256', der(body), issuer.key);
  const bytes = der(sequence(body, sequence(oid(ECDSA_SHA256)), bits(signature, 0)));
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** 16 bytes, positive and without a padding byte (OpenSSL refuses "illegal padding", Go refuses negative ones). */
function serial(): Buffer {
  const bytes = crypto.randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}

/** RFC 5280, 4.2.1.2, method 1: SHA-1 over the bits of the public key (65 bytes for an uncompressed P-256 point). */
function keyId(key: crypto.KeyObject): Buffer {
  return crypto
    .createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }).subarray(-65))
    .digest();
}

function addressBytes(ip: string): Buffer {
  const words = parseIpv6(ip);
  if (words) return Buffer.from(words.flatMap((word) => [word >> 8, word & 255]));
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(parseIpv4(ip)!);
  return bytes;
}

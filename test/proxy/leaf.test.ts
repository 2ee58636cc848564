// Leaf certificates: what they say, for names and addresses, how long they are kept, and when a wildcard serves many hosts.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeLeaf, readIssuer } from '../../src/files/x509';
import { LeafStore } from '../../src/proxy/leaf';
import { testAuthority } from '../support/pki';

const DAY = 86_400_000;
const ca = testAuthority('leaf test');
const issuer = readIssuer(ca);
const leaf = (host: string) => makeLeaf(host, issuer, new Date(Date.now() - DAY), new Date(Date.now() + DAY));
/** The certificate that a store shows for a host, seen by a client that verifies it. */
function shown(store: LeafStore, host: string): Promise<tls.PeerCertificate> {
  return new Promise((resolve, reject) => {
    const server = tls.createServer({ SNICallback: (_, done) => done(null, store.context(host)) });
    server.on('connection', () => undefined);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      const socket = tls.connect({ host: '127.0.0.1', port, ca: ca.cert, servername: host });
      socket.on('error', reject);
      socket.once('secureConnect', () => {
        const certificate = socket.getPeerCertificate();
        socket.destroy();
        server.close(() => resolve(certificate));
      });
    });
  });
}

describe('a leaf certificate', () => {
  it.each([
    ['api.example.com', 'DNS:api.example.com'],
    ['xn--bcher-kva.example', 'DNS:xn--bcher-kva.example'],
    ['192.0.2.7', 'IP Address:192.0.2.7'],
    ['2001:db8::1', 'IP Address:2001:DB8:0:0:0:0:0:1'],
    ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
    ['*.cdn.example.com', 'DNS:*.cdn.example.com'],
  ])('for %s says %s', (host, name) => {
    const certificate = new crypto.X509Certificate(leaf(host).cert);
    expect(certificate.subjectAltName).toBe(name);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(crypto.createPublicKey(ca.cert))).toBe(true);
  });

  it('has a positive serial that no other has', () => {
    const serials = Array.from({ length: 200 }, () => new crypto.X509Certificate(leaf('a.example').cert).serialNumber);
    expect(new Set(serials).size).toBe(200);
    // DER integers are signed: a first byte of 0x80 and more would be negative, one of 0x00 padding.
    expect(serials.every((serial) => serial.length === 32 && /^[4-7]/.test(serial))).toBe(true);
  });

  it('passes the strict checks of OpenSSL', (context) => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-leaf-'));
    try {
      execFileSync('openssl', ['version']);
    } catch {
      context.skip();
    }
    writeFileSync(path.join(directory, 'ca.pem'), ca.cert);
    for (const [host, check] of [
      ['api.example.com', ['-verify_hostname', 'api.example.com']],
      ['192.0.2.7', ['-verify_ip', '192.0.2.7']],
      ['2001:db8::1', ['-verify_ip', '2001:db8::1']],
    ] as const) {
      writeFileSync(path.join(directory, 'leaf.pem'), leaf(host).cert);
      const args = ['verify', '-x509_strict', '-purpose', 'sslserver', ...check, '-CAfile', 'ca.pem', 'leaf.pem'];
      expect(execFileSync('openssl', args, { cwd: directory, encoding: 'utf8' })).toContain('OK');
    }
    rmSync(directory, { recursive: true });
  });
});

describe('the store', () => {
  it('makes each once, and again before it ends', async () => {
    let now = Date.now();
    const store = new LeafStore(ca, () => now);
    const first = store.context('api.example.com');
    expect(store.context('api.example.com')).toBe(first);
    now += 27 * DAY;
    expect(store.context('api.example.com')).toBe(first);
    now += 2 * DAY;
    expect(store.context('api.example.com')).not.toBe(first);
  });

  it('never outlives the CA', async () => {
    const certificate = await shown(new LeafStore(ca), 'api.example.com');
    expect(Date.parse(certificate.valid_to)).toBeLessThanOrEqual(issuer.notAfter);
  });

  it('keeps a bounded number', () => {
    const store = new LeafStore(ca);
    for (let i = 0; i < 1_100; i++) store.context(`h${i}.example`);
    expect(store.size).toBe(1_000);
  });

  it('serves the many hosts of one domain with a wildcard, and nobody else with it', async () => {
    const store = new LeafStore(ca);
    for (let i = 0; i < 500; i++) store.context(`shard-${i}.cdn.example.com`);
    expect(store.size).toBe(5);
    expect((await shown(store, 'shard-9999.cdn.example.com')).subjectaltname).toBe('DNS:*.cdn.example.com');
    expect((await shown(store, 'deeper.a.cdn.example.com')).subjectaltname).toBe('DNS:deeper.a.cdn.example.com');
    for (let i = 0; i < 10; i++) store.context(`shop-${i}.co.uk`);
    expect((await shown(store, 'shop-11.co.uk')).subjectaltname).toBe('DNS:shop-11.co.uk');
  });
});

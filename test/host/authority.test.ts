// The CA of a folder over the years: made once, announced before it takes over, and damaged files are said, not replaced.
import crypto from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeLeaf, readIssuer } from '../../src/files/x509';
import { loadAuthority } from '../../src/host/authority';

const DAY = 86_400_000;
let directory: string;
beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-ca-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const files = () => ({ caCertificate: path.join(directory, 'ca.pem'), caKey: path.join(directory, 'ca-key.pem') });
const load = (days: number) => loadAuthority(files(), 'test', Date.now() + days * DAY);
const count = (pem: string) => pem.match(/BEGIN CERTIFICATE/g)?.length ?? 0;

describe('the CA of a folder', () => {
  it('is made once, with a key for its owner alone', async () => {
    const first = await load(0);
    expect((await load(200)).current.cert).toBe(first.current.cert);
    expect(count(first.trusted)).toBe(1);
    if (process.platform !== 'win32') expect(statSync(files().caKey).mode & 0o777).toBe(0o600);
  });

  it('announces its successor, then hands over to it: who trusted both is never in the dark', async () => {
    const { current: old } = await load(-340);
    const announced = await load(-20);
    expect(announced.current.cert).toBe(old.cert);
    expect(count(announced.trusted)).toBe(2);
    expect(readFileSync(files().caCertificate, 'utf8')).toBe(announced.trusted);
    expect((await load(-15)).trusted).toBe(announced.trusted);
    const after = await load(0);
    expect(after.current.cert).not.toBe(old.cert);
    expect(announced.trusted).toContain(after.current.cert.trim());
    expect(count(after.trusted)).toBe(1);
    // An agent that started while both were announced, and a leaf of the new one.
    const now = Date.now();
    const leaf = makeLeaf('localhost', readIssuer(after.current), new Date(now - DAY), new Date(now + DAY));
    await handshake(announced.trusted, leaf.cert + after.current.cert, leaf.key);
  });

  it('that ended while nobody used it is made anew', async () => {
    const { current: old } = await load(0);
    const after = await load(400);
    expect(after.current.cert).not.toBe(old.cert);
    expect(Date.parse(new crypto.X509Certificate(after.current.cert).validTo)).toBeGreaterThan(Date.now() + 700 * DAY);
  });

  it('whose files are damaged is not replaced behind anybody’s back', async () => {
    await load(0);
    const other = await loadAuthority(
      { caCertificate: path.join(directory, 'b.pem'), caKey: path.join(directory, 'b-key.pem') },
      'other',
    );
    writeFileSync(files().caKey, other.current.key);
    await expect(load(0)).rejects.toThrow(/does not belong/);
  });
});

function handshake(ca: string, cert: string, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = tls.createServer({ cert, key }, (socket) => socket.end());
    server.on('tlsClientError', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: 'localhost' });
      socket.on('error', reject);
      socket.once('secureConnect', () => {
        socket.destroy();
        server.close(() => resolve());
      });
    });
  });
}

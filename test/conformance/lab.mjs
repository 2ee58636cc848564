// What a conformance test works with: one peer as a real process, origins that answer byte for byte, and raw clients that go
// through the peer's CONNECT. `runTest` runs a test in it, and starts the peer again after a crash.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { open } from '../bench/load/client.mjs';
import { bearer, DUMMY, ORIGIN, REAL } from '../bench/support/names.mjs';
import { makePki } from '../bench/support/pki.mjs';
import { freePorts, pause, startProcess, stopProcess, waitForPort } from '../bench/support/processes.mjs';
import { residentBytes } from '../bench/support/procfs.mjs';
import { RawOrigin } from './rawOrigin.mjs';

const TEST_TIMEOUT_MS = 25_000;
const OPEN_TIMEOUT_MS = 8_000;
const QUIET_MS = 1_500;
const MIB = 1_048_576;

/** Thrown by a test whose tool or address family this machine does not have. */
export class Skip extends Error {}

export class Lab {
  host = ORIGIN;
  credential = bearer(DUMMY);
  proxy;
  proxyPort = 0;
  /** Certificates that our clients trust: the origins' and the peer's. */
  ca = [];
  #pki;

  constructor(peer) {
    this.peer = peer;
    this.directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-conformance-'));
    this.origin = new RawOrigin();
    /** Its certificate is of a CA that nobody trusts. */
    this.stranger = new RawOrigin();
    /** Trusted like the first, and somebody else's. */
    this.other = new RawOrigin();
  }

  async start() {
    this.#pki = await makePki(this.directory);
    await this.origin.start((host) => this.#pki.leaf(host));
    await this.other.start((host) => this.#pki.leaf(host));
    await this.stranger.start((host) => this.#pki.leaf(host, false));
    // Known before the peer starts: the product's policy names the port of the tunnel.
    [this.tunnelPort] = await freePorts(1);
    await this.startPeer();
  }

  get leafOptions() {
    return this.#pki.leaf(this.host);
  }

  get peerDirectory() {
    return path.join(this.directory, 'peer');
  }

  async startPeer() {
    rmSync(this.peerDirectory, { recursive: true, force: true });
    [this.proxyPort] = await freePorts(1);
    const { command, args, env } = this.peer.launch({
      port: this.proxyPort,
      directory: this.peerDirectory,
      pki: this.#pki,
      ports: { tunnel: this.tunnelPort },
    });
    this.proxy = startProcess(command, args, { env });
    await waitForPort(this.proxyPort, this.proxy);
    // Some write their CA after they listen.
    this.peerCa = this.peer.ca(this.peerDirectory, this.#pki);
    const peerCa = await eventually(() => {
      const text = readFileSync(this.peerCa, 'utf8');
      if (!text.includes('END CERTIFICATE')) throw new Error('the CA is not written yet');
      return text;
    });
    this.ca = [readFileSync(this.#pki.originCa, 'utf8'), peerCa];
  }

  async stop() {
    await stopProcess(this.proxy);
    for (const origin of [this.origin, this.other, this.stranger]) origin.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  get authority() {
    return `${this.host}:${this.origin.port}`;
  }

  /** A TLS client inside a CONNECT tunnel. Rejects with the refusal of CONNECT or of TLS. */
  async connect({ host = this.host, port = this.origin.port, alpn } = {}) {
    const { socket, raw } = await open({
      host,
      port,
      proxyPort: this.proxyPort,
      ca: this.ca,
      alpn,
      timeoutMs: OPEN_TIMEOUT_MS,
    });
    return new RawClient(socket, raw);
  }

  /** A TCP client that has sent nothing yet. */
  async connectRaw() {
    const socket = net.connect(this.proxyPort, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    return new RawClient(socket, socket);
  }

  /** A request head with the given fields; the lines end in CRLF. */
  request(fields = [], { method = 'GET', authority = this.authority } = {}) {
    return `${method} / HTTP/1.1\r\nHost: ${authority}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
  }

  /** One exchange on a connection of its own: what the client read. The origin answers with `handler`. */
  async exchange(request, handler, wait = {}) {
    this.origin.handler = handler;
    const client = await this.connect(wait.to);
    try {
      return await client.talk(request, wait);
    } finally {
      client.destroy();
    }
  }

  /** Whether the peer's process still lives, after the moment that a crash may take. */
  async lives() {
    await pause(150);
    return this.proxy.ended === undefined;
  }

  get log() {
    return this.proxy.log().slice(-300);
  }

  sawRealKey(origin = this.origin) {
    return origin.seen.some((head) => head.includes(REAL));
  }

  get residentMiB() {
    const bytes = residentBytes(this.proxy.pid);
    if (Number.isNaN(bytes)) throw new Skip('memory is read from /proc');
    return bytes / MIB;
  }
}

class RawClient {
  constructor(socket, raw) {
    this.socket = socket;
    this.raw = raw;
  }

  /** Writes, then reads until `until(text)`, the end, or `ms`: `{text, firstMs, closed}`. */
  talk(bytes, { until = () => false, ms = QUIET_MS } = {}) {
    return new Promise((resolve) => {
      const from = performance.now();
      const result = { text: '', firstMs: NaN, closed: false };
      const finish = () => {
        clearTimeout(timer);
        this.socket.removeListener('data', onData);
        this.socket.removeListener('close', onClose);
        resolve(result);
      };
      const onData = (piece) => {
        if (result.text === '') result.firstMs = performance.now() - from;
        result.text += piece.toString('latin1');
        if (until(result.text)) finish();
      };
      const onClose = () => {
        result.closed = true;
        finish();
      };
      const timer = setTimeout(finish, ms);
      this.socket.on('data', onData);
      this.socket.once('close', onClose);
      if (this.socket.destroyed) onClose();
      else if (bytes) this.socket.write(bytes, 'latin1');
    });
  }

  destroy() {
    this.socket.destroy();
    this.raw.destroy();
  }

  reset() {
    this.raw.resetAndDestroy();
  }
}

/** Conditions for `until`. */
export const headIsThere = (text) => text.includes('\r\n\r\n');
export const bodyOf = (length) => (text) => {
  const end = text.indexOf('\r\n\r\n');
  return end >= 0 && text.length >= end + 4 + length;
};
export const count = (text, expression) => (text.match(expression) ?? []).length;

async function eventually(read) {
  for (let attempt = 0; ; attempt++) {
    try {
      return read();
    } catch (error) {
      if (attempt === 100) throw error;
      await pause(20);
    }
  }
}

/** `{ok, got, skipped?, crashed?}`. A test never throws, and finds the peer alive. */
export async function runTest(lab, test) {
  if (test.fresh) await stopProcess(lab.proxy);
  if (lab.proxy.ended !== undefined) await lab.startPeer();
  for (const origin of [lab.origin, lab.other, lab.stranger]) origin.reset();
  let timer;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, got: 'the test timed out' }), TEST_TIMEOUT_MS);
  });
  let result;
  try {
    result = await Promise.race([test.run(lab), timeout]);
  } catch (error) {
    result =
      error instanceof Skip
        ? { ok: false, skipped: true, got: error.message }
        : { ok: false, got: `error: ${error.message}` };
  } finally {
    clearTimeout(timer);
  }
  if (lab.proxy.ended !== undefined)
    Object.assign(result, { ok: false, crashed: true, got: `${lab.proxy.ended}: ${lab.log}` });
  return result;
}

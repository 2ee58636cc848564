// A lean HTTP/1.1-over-TLS client, direct or through CONNECT, for the generators and the conformance tests.
import net from 'node:net';
import tls from 'node:tls';

const TIMEOUT_MS = 20_000;

/**
 * Opens TCP, CONNECT when `proxyPort` is given, then TLS. `at` is the port on 127.0.0.1 to dial without a proxy. Resolves
 * to `{socket, raw, openMs}`; rejects with what the proxy answered to CONNECT.
 */
export function open({ host, port, proxyPort, at = port, context, ca, alpn = ['http/1.1'], timeoutMs = TIMEOUT_MS }) {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const raw = net.connect({ host: '127.0.0.1', port: proxyPort ?? at, noDelay: true });
    const timer = setTimeout(() => fail(new Error('timeout')), timeoutMs);
    const fail = (error) => {
      clearTimeout(timer);
      raw.on('error', () => undefined).destroy();
      reject(error);
    };
    raw.once('error', fail);
    raw.once('connect', async () => {
      try {
        if (proxyPort !== undefined) await tunnel(raw, net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
      } catch (error) {
        fail(error);
        return;
      }
      const socket = tls.connect({
        socket: raw,
        host, // what the certificate must be for
        servername: net.isIP(host) === 0 ? host : '',
        ALPNProtocols: alpn,
        ...(context ? { secureContext: context } : { ca }),
      });
      socket.once('error', fail);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        for (const end of [socket, raw]) {
          end.removeListener('error', fail);
          end.on('error', () => undefined); // seen as a close
        }
        resolve({ socket, raw, openMs: performance.now() - from });
      });
    });
  });
}

/** Sends CONNECT and waits for the blank line after a 200. */
export function tunnel(raw, authority) {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const onClose = () => reject(new Error('closed during CONNECT'));
    const onData = (bytes) => {
      answer = Buffer.concat([answer, bytes]);
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return;
      raw.removeListener('data', onData);
      raw.removeListener('close', onClose);
      raw.pause();
      if (answer.length > end + 4) raw.unshift(answer.subarray(end + 4));
      const line = answer.toString('latin1', 0, answer.indexOf('\r\n'));
      if (/^HTTP\/1\.[01] 200/.test(line)) resolve();
      else reject(new Error(line));
    };
    raw.on('data', onData);
    raw.on('close', onClose);
    raw.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  });
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** One request on an open socket, up to the end of its answer: `{status, ms, headMs, firstMs, bytes}`. */
export function exchange(socket, request, onBody) {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const result = { status: 0, ms: 0, headMs: NaN, firstMs: NaN, bytes: 0 };
    let head = Buffer.alloc(0);
    let expected;
    const settle = (error) => {
      socket.removeListener('data', onData);
      socket.removeListener('close', onClose);
      if (error) reject(error);
      else resolve({ ...result, ms: performance.now() - from });
    };
    const onClose = () => settle(expected === 'close' ? undefined : new Error('closed'));
    const onData = (bytes) => {
      let body = bytes;
      if (expected === undefined) {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        result.headMs = performance.now() - from;
        const text = head.toString('latin1', 0, end);
        result.status = Number(text.slice(9, 12));
        const length = /\r\ncontent-length:\s*(\d+)/i.exec(text);
        expected = /\r\ntransfer-encoding:\s*chunked/i.test(text) ? 'chunked' : length ? Number(length[1]) : 'close';
        body = head.subarray(end + 4);
      }
      if (body.length > 0) {
        if (result.bytes === 0) result.firstMs = performance.now() - from;
        result.bytes += body.length;
        onBody?.(body);
      }
      if (expected === 'chunked' ? body.subarray(-5).equals(LAST_CHUNK) : result.bytes >= expected) settle();
    };
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.write(request);
  });
}

export const getRequest = (authority, path, fields = {}) =>
  `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\n${Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

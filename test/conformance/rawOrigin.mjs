// A TLS origin that answers byte for byte what a test wants, and tells what it saw. One port on 127.0.0.1 and, where there is
// IPv6, on ::1; each address has its own certificate, and the names a wildcard one.
import tls from 'node:tls';
import { DOMAIN } from '../bench/support/names.mjs';

const HEAD_END = '\r\n\r\n';

export class RawOrigin {
  /** Called with `(connection, request)` for each request head. `connection.onBytes(text)` takes what comes after it. */
  handler = undefined;
  /** Heads as they arrived. */
  seen = [];
  opened = 0;
  port = 0;
  hasIpv6 = false;
  #sockets = new Set();
  #servers = [];

  /** `leaf(host)` makes a certificate. */
  async start(leaf) {
    for (const address of ['127.0.0.1', '::1']) {
      const server = tls.createServer({ ...leaf(address), ALPNProtocols: ['http/1.1'] }, (socket) =>
        this.#serve(socket),
      );
      for (const name of [`*.${DOMAIN}`, 'localhost']) server.addContext(name, leaf(name));
      const listening = await new Promise((resolve) => {
        server.once('error', () => resolve(false));
        server.listen(this.port, address, () => resolve(true));
      });
      if (!listening) continue;
      this.#servers.push(server);
      this.port ||= server.address().port;
      if (address === '::1') this.hasIpv6 = true;
    }
    if (this.port === 0) throw new Error('nothing listens on 127.0.0.1');
  }

  #serve(socket) {
    this.opened++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    const connection = { socket, onBytes: undefined, write: (text) => socket.write(text, 'latin1') };
    let text = '';
    socket.on('data', (bytes) => {
      const piece = bytes.toString('latin1');
      if (connection.onBytes) return connection.onBytes(piece);
      text += piece;
      const end = text.indexOf(HEAD_END);
      if (end < 0) return;
      const head = text.slice(0, end + HEAD_END.length);
      const rest = text.slice(end + HEAD_END.length);
      text = '';
      this.seen.push(head);
      this.handler?.(connection, { head, rest, number: this.seen.length });
    });
  }

  reset() {
    for (const socket of this.#sockets) socket.destroy();
    Object.assign(this, { handler: undefined, seen: [], opened: 0 });
  }

  stop() {
    this.reset();
    for (const server of this.#servers) server.close();
  }
}

/** Handlers. */
export const answer = (text) => (connection) => connection.write(text);
export const answerOk = (...fields) =>
  answer(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\nok`);

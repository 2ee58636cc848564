// Bodies in time: what starts early arrives early, what ends early is seen as cut, and who does not read holds the other back.
import http2 from 'node:http2';
import https from 'node:https';
import { WebSocketServer } from 'ws';
import { pause } from '../../bench/support/processes.mjs';
import { bodyOf, headIsThere, Skip } from '../lab.mjs';
import { answer, answerOk } from '../rawOrigin.mjs';

const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const MIB = 1_048_576;
const LARGE_MIB = 200;
const MAX_GROWTH_MIB = 64;

export const streamTests = [
  {
    name: 'response head sent before the body starts',
    async run(lab) {
      const handler = (connection) => {
        connection.write(CHUNKED);
        setTimeout(() => connection.write('4\r\ndata\r\n0\r\n\r\n'), 600);
      };
      const { firstMs } = await lab.exchange(lab.request(), handler, { until: (read) => read.includes('data') });
      return { ok: firstMs < 300, got: `head after ${firstMs.toFixed(0)} ms, body sent at 600 ms` };
    },
  },
  {
    name: 'small body chunks pass at once',
    async run(lab) {
      const handler = (connection) => {
        connection.write(`${CHUNKED}4\r\none!\r\n`);
        setTimeout(() => connection.write('4\r\ntwo!\r\n0\r\n\r\n'), 500);
      };
      const from = performance.now();
      let first = NaN;
      await lab.exchange(lab.request(), handler, {
        until(read) {
          if (Number.isNaN(first) && read.includes('one!')) first = performance.now() - from;
          return read.includes('two!');
        },
      });
      return { ok: first < 300, got: `first chunk after ${first.toFixed(0)} ms, second sent at 500 ms` };
    },
  },
  {
    name: 'client abort closes the upstream stream',
    async run(lab) {
      let closed;
      const cut = new Promise((resolve) => (closed = resolve));
      lab.origin.handler = (connection) => {
        connection.write(`${CHUNKED}2\r\nhi\r\n`);
        const timer = setInterval(() => connection.write('2\r\nhi\r\n'), 50);
        connection.socket.on('close', () => {
          clearInterval(timer);
          closed(true);
        });
      };
      const client = await lab.connect();
      await client.talk(lab.request(), { until: (read) => read.includes('hi') });
      client.destroy();
      const from = performance.now();
      const ok = (await Promise.race([cut, pause(3_000)])) === true;
      return { ok, got: ok ? `closed after ${(performance.now() - from).toFixed(0)} ms` : 'still open after 3 s' };
    },
  },
  {
    name: 'upstream cut mid-body is seen as cut (chunked)',
    async run(lab) {
      const handler = (connection) => {
        connection.write(`${CHUNKED}5\r\nhello\r\n`);
        setTimeout(() => connection.socket.destroy(), 100);
      };
      const { text, closed } = await lab.exchange(lab.request(), handler);
      const complete = /\r\n0\r\n\r\n$/.test(text);
      const invented = /error|aborted/i.test(text.split('\r\n\r\n').slice(1).join(''));
      const got = `${complete ? 'ends as if complete; ' : ''}${invented ? 'error text inside the body; ' : ''}closed: ${closed}`;
      return { ok: !complete && !invented && (await lab.lives()), got };
    },
  },
  {
    name: 'upstream cut mid-body is seen as cut (length)',
    async run(lab) {
      const handler = (connection) => {
        connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello');
        setTimeout(() => connection.socket.destroy(), 100);
      };
      const { text, closed } = await lab.exchange(lab.request(), handler);
      const body = text.split('\r\n\r\n').slice(1).join('\r\n\r\n');
      return { ok: body === 'hello' && closed && (await lab.lives()), got: `closed: ${closed}, body: ${body}` };
    },
  },
  {
    name: 'HTTP/2 to the client',
    async run(lab) {
      lab.origin.handler = answerOk();
      const client = await lab.connect({ alpn: ['h2', 'http/1.1'] });
      const protocol = client.socket.alpnProtocol;
      if (protocol !== 'h2') {
        client.destroy();
        return { ok: false, got: `ALPN ${protocol}` };
      }
      const session = http2.connect(`https://${lab.authority}`, { createConnection: () => client.socket });
      session.on('error', () => undefined);
      const status = await new Promise((resolve) => {
        const stream = session.request({ ':path': '/', authorization: lab.credential });
        stream.once('response', (fields) => resolve(fields[':status']));
        stream.once('error', (error) => resolve(error.message));
        stream.end();
        setTimeout(() => resolve('no answer'), 3_000).unref();
      });
      session.destroy();
      client.destroy();
      return { ok: status === 200 && lab.sawRealKey(), got: `status ${status}` };
    },
  },
  {
    name: 'WebSocket',
    async run(lab) {
      const server = https.createServer(lab.leafOptions);
      const sockets = new WebSocketServer({ server });
      sockets.on('connection', (socket) => socket.on('message', (message, binary) => socket.send(message, { binary })));
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address();
      try {
        const client = await lab.connect({ port });
        const handshake = [
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ];
        const head = lab.request(handshake, { authority: `${lab.host}:${port}` });
        const { text } = await client.talk(head, { until: headIsThere });
        if (!text.includes(' 101 ')) return { ok: false, got: text.slice(0, 100) || 'closed without an answer' };
        // "hi" in one masked text frame (RFC 6455, 5.2)
        const frame = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]).toString('latin1');
        const echo = await client.talk(frame, { until: (read) => read.includes('hi') });
        client.destroy();
        return { ok: echo.text.includes('hi'), got: echo.text.includes('hi') ? 'echo' : '101, but no echo' };
      } finally {
        for (const socket of sockets.clients) socket.terminate();
        server.close();
        server.closeAllConnections();
      }
    },
  },
  {
    name: `back-pressure: slow reader, ${LARGE_MIB} MiB`,
    fresh: true, // growth is measured from a process with no past
    async run(lab) {
      const before = lab.residentMiB;
      let sent = 0;
      const block = Buffer.alloc(MIB);
      lab.origin.handler = (connection) => {
        connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE_MIB * MIB}\r\n\r\n`);
        feed(connection.socket, block, () => ++sent < LARGE_MIB);
      };
      const client = await lab.connect();
      client.socket.write(lab.request());
      await new Promise((resolve) => client.socket.once('readable', resolve));
      client.socket.pause();
      const growth = await growthUntilQuiet(lab, before, () => sent);
      client.destroy();
      return { ok: growth < MAX_GROWTH_MIB, got: `${grown(growth)} while the client did not read` };
    },
  },
  {
    name: `back-pressure: slow origin, ${LARGE_MIB} MiB upload`,
    fresh: true,
    async run(lab) {
      const before = lab.residentMiB;
      lab.origin.handler = (connection) => connection.socket.pause();
      const client = await lab.connect();
      client.socket.write(lab.request([`Content-Length: ${LARGE_MIB * MIB}`], { method: 'POST' }));
      let sent = 0;
      feed(client.socket, Buffer.alloc(MIB), () => ++sent < LARGE_MIB);
      const growth = await growthUntilQuiet(lab, before, () => sent);
      client.destroy();
      return { ok: growth < MAX_GROWTH_MIB, got: `${grown(growth)} while the origin did not read` };
    },
  },
];

/** Writes blocks as the socket takes them, while `more()`. */
function feed(socket, block, more) {
  while (!socket.destroyed) {
    const taken = socket.write(block);
    if (!more()) return;
    if (!taken) {
      socket.once('drain', () => feed(socket, block, more));
      return;
    }
  }
}

/** Above the bound it was still growing when the test ended. */
const grown = (growth) =>
  `grew by ${growth < MAX_GROWTH_MIB ? '' : 'more than '}${Math.min(growth, MAX_GROWTH_MIB).toFixed(0)} MiB`;

/** The growth of the peer once nothing more was taken for a second, or as soon as it is too much. */
async function growthUntilQuiet(lab, before, progress) {
  let last = -1;
  for (let quiet = 0; quiet < 4;) {
    await pause(250);
    quiet = progress() === last ? quiet + 1 : 0;
    last = progress();
    if (lab.residentMiB - before > MAX_GROWTH_MIB) break;
  }
  return lab.residentMiB - before;
}

// The load: N kept-alive TLS connections, each with one request under way, for some seconds. argv: one JSON object
// {port, originPort, connections, seconds, warmup, ca, token, auth, direct}. Prints one JSON line: rps and latencies in ms.
import net from 'node:net';
import tls from 'node:tls';

const o = JSON.parse(process.argv[2]);
const authority = `localhost:${o.originPort}`;
const request = Buffer.from(
  `GET /small HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: bench\r\nAccept: */*\r\nAuthorization: Bearer ${o.token}\r\n\r\n`,
);
const context = tls.createSecureContext({ ca: o.ca });

async function open() {
  const raw = net.connect(o.direct ? o.originPort : o.port, '127.0.0.1');
  raw.setNoDelay(true);
  await new Promise((resolve, reject) => raw.once('connect', resolve).once('error', reject));
  if (!o.direct) {
    raw.write(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${o.auth ? `Proxy-Authorization: ${o.auth}\r\n` : ''}\r\n`,
    );
    const answer = await new Promise((resolve) => raw.once('data', resolve));
    if (!/^HTTP\/1\.[01] 200/.test(answer.toString('latin1'))) throw new Error(answer.toString('latin1'));
  }
  const socket = tls.connect({ socket: raw, servername: 'localhost', secureContext: context });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return socket;
}

const sockets = await Promise.all(Array.from({ length: o.connections }, open));
const latencies = [];
let failed = 0;
let measuring = false;
let stopped = false;
for (const socket of sockets) {
  let need = 0;
  let sent = 0;
  const next = () => {
    if (stopped) return;
    sent = performance.now();
    socket.write(request);
  };
  socket.on('data', (bytes) => {
    if (need === 0) {
      // Every answer of the origin comes in one or two reads: head first, whole.
      const head = bytes.indexOf('\r\n\r\n');
      const text = bytes.toString('latin1', 0, head);
      const length = /content-length: (\d+)/i.exec(text);
      if (!text.startsWith('HTTP/1.1 200')) failed++;
      need = head + 4 + (length ? Number(length[1]) : 0);
      if (/transfer-encoding: chunked/i.test(text)) need = bytes.length;
    }
    need -= bytes.length;
    if (need > 0) return;
    need = 0;
    if (measuring) latencies.push(performance.now() - sent);
    next();
  });
  socket.on('error', () => failed++);
  next();
}
await new Promise((resolve) => setTimeout(resolve, o.warmup * 1000));
measuring = true;
const from = performance.now();
await new Promise((resolve) => setTimeout(resolve, o.seconds * 1000));
measuring = false;
const elapsed = (performance.now() - from) / 1000;
stopped = true;
latencies.sort((a, b) => a - b);
const at = (q) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? null;
console.log(JSON.stringify({ rps: latencies.length / elapsed, p50: at(0.5), p99: at(0.99), failed }));
process.exit(0);

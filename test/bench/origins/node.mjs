// The origin for transfers, event streams and idle streams, and for small requests where there is no nginx. HTTP/1.1 and HTTP/2
// on one port. argv: port, certificate, key, the real credential.
//   /auth  200 only for the real credential   /bytes?n=N   /upload   /events?n=N&ms=M (each event carries its time)   /hold
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { SMALL_BODY } from './body.mjs';

const [port, cert, key, credential] = process.argv.slice(2);
const block = Buffer.alloc(256 * 1024, 0x61);

const routes = {
  '/auth'(request, response) {
    const real = request.headers.authorization === credential;
    response.writeHead(real ? 200 : 403, { 'content-type': 'application/json' });
    response.end(real ? SMALL_BODY : '{}');
  },
  '/bytes'(_, response, query) {
    let left = Number(query.get('n'));
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': left });
    const pump = () => {
      while (left > 0) {
        const piece = block.subarray(0, Math.min(left, block.length));
        left -= piece.length;
        if (!response.write(piece)) {
          response.once('drain', pump);
          return;
        }
      }
      response.end();
    };
    pump();
  },
  '/upload'(request, response) {
    let bytes = 0;
    request.on('data', (piece) => (bytes += piece.length));
    request.on('end', () => response.end(JSON.stringify({ bytes })));
  },
  '/events'(_, response, query) {
    let left = Number(query.get('n'));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.flushHeaders();
    const timer = setInterval(
      () => {
        response.write(`data: ${process.hrtime.bigint()} ${'x'.repeat(60)}\n\n`);
        if (--left > 0) return;
        clearInterval(timer);
        response.end();
      },
      Number(query.get('ms')),
    );
    response.on('close', () => clearInterval(timer));
  },
  '/hold'(_, response) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: hello\n\n');
  },
};

const server = http2.createSecureServer({ cert: readFileSync(cert), key: readFileSync(key), allowHTTP1: true });
server.on('request', (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'https://origin');
  if (pathname in routes) return routes[pathname](request, response, searchParams);
  response.writeHead(404);
  response.end();
});
server.on('sessionError', () => undefined);
server.on('clientError', (_, socket) => socket.destroy());
// Else Nagle and delayed acknowledgements would show as 40 ms before the first event.
server.on('connection', (socket) => socket.setNoDelay(true));
server.keepAliveTimeout = 120_000;
server.listen(Number(port), '127.0.0.1');

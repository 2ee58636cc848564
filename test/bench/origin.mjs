// The origin of the bench: answers 200 with 1 KiB only when the real key arrived, else 401. argv: directory with cert and
// key. nginx would be faster; this one needs nothing installed, and it is the same for every peer and for `direct`.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';

const [dir, real] = process.argv.slice(2);
const body = 'x'.repeat(1024);
const ok = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const no = Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
const END = Buffer.from('\r\n\r\n');
const wanted = Buffer.from(`Bearer ${real}\r\n`);

const server = tls.createServer(
  {
    key: readFileSync(path.join(dir, 'origin.key')),
    cert: readFileSync(path.join(dir, 'origin.pem')),
    ALPNProtocols: ['http/1.1'],
  },
  (socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    let rest;
    socket.on('data', (bytes) => {
      let data = rest ? Buffer.concat([rest, bytes]) : bytes;
      rest = undefined;
      for (;;) {
        const end = data.indexOf(END);
        if (end < 0) break;
        socket.write(data.subarray(0, end + 2).includes(wanted) ? ok : no);
        data = data.subarray(end + 4);
      }
      if (data.length > 0) rest = data;
    });
  },
);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

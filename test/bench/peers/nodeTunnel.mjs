// The least that a Node proxy can do: CONNECT and two pipes, reading nothing. The bound for everything that reads.
import net from 'node:net';

const server = net.createServer({ noDelay: true }, (client) => {
  client.on('error', () => undefined);
  client.once('data', (head) => {
    const [, host, port] = /^CONNECT (.*):(\d+) /.exec(head.toString('latin1'));
    const upstream = net.connect({ host, port: Number(port), noDelay: true }, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
  });
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

// The least that a Node proxy can do: CONNECT and two pipes, reading nothing. The bound for everything that reads. argv: port.
import net from 'node:net';

const server = net.createServer({ noDelay: true }, (client) => {
  client.on('error', () => undefined);
  client.once('data', (head) => {
    const authority = /^CONNECT (.*):(\d+) /.exec(head.toString('latin1'));
    if (!authority) return client.destroy();
    const [, host, port] = authority;
    const upstream = net.connect({ host, port: Number(port), noDelay: true }, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');

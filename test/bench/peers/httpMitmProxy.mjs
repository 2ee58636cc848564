// http-mitm-proxy as published, keep-alive on, with the least of a hook: replace the dummy. argv: directory, dummy, real.
import path from 'node:path';
import { Proxy } from 'http-mitm-proxy';

const [dir, dummy, real] = process.argv.slice(2);
console.debug = console.info = console.error = () => undefined; // it logs for every host
const proxy = new Proxy();
proxy.onError(() => undefined);
proxy.onRequest((context, done) => {
  const { headers } = context.proxyToServerRequestOptions;
  if (headers.authorization === `Bearer ${dummy}`) headers.authorization = `Bearer ${real}`;
  done();
});
const sslCaDir = path.join(dir, 'http-mitm-proxy');
proxy.listen({ port: 0, host: '127.0.0.1', sslCaDir, keepAlive: true }, (error) => {
  if (error) throw error;
  process.send({ port: proxy.httpPort, ca: path.join(sslCaDir, 'certs', 'ca.pem') });
});

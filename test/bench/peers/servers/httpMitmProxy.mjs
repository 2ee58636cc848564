// http-mitm-proxy as published, keep-alive on, with the least of a hook: replace the dummy. argv: port, directory, dummy, real.
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Proxy } from 'http-mitm-proxy';

const [port, directory, dummy, real] = process.argv.slice(2);
console.debug = console.info = console.error = () => undefined; // it logs for every host
mkdirSync(directory, { recursive: true });
const proxy = new Proxy();
proxy.onError(() => undefined);
proxy.onRequest((context, done) => {
  const { headers } = context.proxyToServerRequestOptions;
  if (headers.authorization === dummy) headers.authorization = real;
  done();
});
const sslCaDir = path.join(directory, 'ca');
proxy.listen({ port: Number(port), host: '127.0.0.1', sslCaDir, keepAlive: true }, (error) => {
  if (error) throw error;
  copyFileSync(path.join(sslCaDir, 'certs', 'ca.pem'), path.join(directory, 'ca.pem'));
});

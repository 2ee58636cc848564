// The HTTP proxy of @anthropic-ai/sandbox-runtime with its TLS termination in process, its hook replacing the dummy. argv: port,
// directory, dummy, real, folder with the package. It has no public entry for this: the modules are taken from its dist folder.
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [port, directory, dummy, real, folder] = process.argv.slice(2);
const load = (name) =>
  import(
    pathToFileURL(path.join(folder, 'node_modules/@anthropic-ai/sandbox-runtime/dist/sandbox', `${name}.js`)).href
  );
const { createHttpProxyServer } = await load('http-proxy');
const { createMitmCA } = await load('mitm-ca');
const mitmCA = createMitmCA({});
mkdirSync(directory, { recursive: true });
copyFileSync(mitmCA.certPath, path.join(directory, 'ca.pem'));
const server = createHttpProxyServer({
  filter: async () => true,
  mitmCA,
  mutateHeaders: (headers) => {
    if (headers.authorization === dummy) headers.authorization = real;
  },
});
server.listen(Number(port), '127.0.0.1');

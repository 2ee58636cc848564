// mockttp as a pass-through proxy that sets one header. argv: port, directory, dummy, real, folder with the package.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [port, directory, , real, folder] = process.argv.slice(2);
const mockttp = createRequire(path.join(folder, 'package.json'))('mockttp');
mkdirSync(directory, { recursive: true });
const keyPath = path.join(directory, 'ca.key');
const certPath = path.join(directory, 'ca.pem');
const ca = await mockttp.generateCACertificate();
writeFileSync(keyPath, ca.key, { mode: 0o600 });
writeFileSync(certPath, ca.cert);
const server = mockttp.getLocal({ https: { keyPath, certPath }, http2: true, recordTraffic: false });
await server.forAnyRequest().thenPassThrough({ transformRequest: { updateHeaders: { authorization: real } } });
await server.forAnyWebSocket().thenPassThrough();
await server.start(Number(port));

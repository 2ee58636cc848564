// The demo: a workspace with an .env, and a local https API that accepts nothing but the real key. Used by `npm start`.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { root } from './setup.mjs';

/** Certificates from the product's own builder. */
export async function certificates(directory) {
  const outfile = path.join(directory, 'x509.mjs');
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await build({
    entryPoints: [path.join(root, 'src/files/x509.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    banner,
  });
  const { makeAuthority, makeLeaf, readIssuer } = await import(outfile);
  const from = new Date(Date.now() - 86_400_000);
  const until = new Date(Date.now() + 30 * 86_400_000);
  const ca = makeAuthority('Demo API CA', from, until);
  return { ca, leaf: makeLeaf('localhost', readIssuer(ca), from, until) };
}

/** `{port, real, seen, close}`; `seen` counts requests and how many carried the real key. */
export async function startApi(certificate, real) {
  const seen = { requests: 0, real: 0 };
  const server = https.createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    seen.requests++;
    const keyed = request.headers.authorization === `Bearer ${real}`;
    if (keyed) seen.real++;
    const open = request.url.startsWith('/status');
    response.writeHead(open || keyed ? 200 : 401, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        open ? { status: 'up' } : keyed ? { greeting: 'hello, whoever holds the real key' } : { error: 'wrong key' },
      ),
    );
    request.resume();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    seen,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A workspace folder with git, an .env with a key made for this demo, a policy, and something to run. */
export async function makeDemo() {
  const base = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-demo-'));
  const { ca, leaf } = await certificates(base);
  const caFile = path.join(base, 'api-ca.pem');
  writeFileSync(caFile, ca.cert);
  const real = `demo_${randomBytes(24).toString('hex')}`;
  const api = await startApi(leaf, real);
  const url = `https://localhost:${api.port}`;
  const folder = path.join(base, 'demo-workspace');
  mkdirSync(path.join(folder, '.sandbox-agent'), { recursive: true });
  const env = `# The app's configuration\nNODE_ENV=development\nPORT=3000\nDEMO_API_KEY="${real}"   # the only key the demo API takes\n`;
  writeFileSync(path.join(folder, '.env'), env, { mode: 0o600 });
  writeFileSync(path.join(folder, '.gitignore'), '.env\n');
  writeFileSync(
    path.join(folder, 'ask.mjs'),
    `// Asks the demo API with whatever key the .env holds. Run it in the Sandbox Agent terminal: node ask.mjs /hello
import { readFileSync } from 'node:fs';
const key = /DEMO_API_KEY="(.*)"/.exec(readFileSync(new URL('.env', import.meta.url), 'utf8'))[1];
const response = await fetch('${url}' + (process.argv[2] ?? '/hello'), { headers: { authorization: 'Bearer ' + key } });
console.log(response.status, await response.text());
`,
  );
  writeFileSync(
    path.join(folder, 'README.md'),
    `# Demo workspace

The \`.env\` holds the one key that the demo API (${url}) accepts.

1. *Sandbox Agent: Protect Workspace* swaps it for a stand-in. Look into the \`.env\`.
2. Open the terminal profile *Sandbox Agent* and run \`NO_PROXY= no_proxy= node ask.mjs /hello\`: the API still says hello.
3. \`NO_PROXY= no_proxy= node ask.mjs /admin/keys\` is blocked by the policy, and says why.
4. Put the cursor on ${url}/hello and choose *Block host* from the lightbulb.
5. *Sandbox Agent: Restore Real Values* gives every byte back.
`,
  );
  const policy = `version: 1
mode: enforce
default: block
rules:
  - type: block
    description: No administration
    condition:
      match: { host: localhost, port: ${api.port}, path: "/admin/**" }
  - type: allow
    description: The demo API
    addresses: any
    condition:
      match: { host: localhost, port: ${api.port} }
secrets:
  DEMO_API_KEY:
    hosts: [localhost]
    in: ["header:authorization"]
`;
  writeFileSync(path.join(folder, '.sandbox-agent', 'policy.yaml'), policy);
  try {
    const git = (...args) =>
      execFileSync('git', ['-c', 'user.name=demo', '-c', 'user.email=demo@localhost', ...args], {
        cwd: folder,
        stdio: 'ignore',
      });
    git('init', '-q');
    git('add', '-A');
    git('commit', '-qm', 'demo');
  } catch {
    // Without git the demo works as well.
  }
  return { base, folder, caFile, real, env, policy, api, url };
}

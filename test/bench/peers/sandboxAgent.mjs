// The product as a peer: the built command line, with everything on that it does for a user: policy in enforce mode, injection,
// redaction and detection of several secrets, recording of every flow.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../../scripts/setup.mjs';
import { DOMAIN, DUMMY, REAL } from '../support/names.mjs';

const HOSTS = [`*.${DOMAIN}`, 'localhost', '127.0.0.1', '::1'];

/**
 * First match decides: the rules that do not match are there to be passed by, as in a real policy. The tunnel comes before
 * every rule that could match its port: at CONNECT the path is not known yet.
 */
const policy = (tunnelPort) => `version: 1
mode: enforce
default: block
rules:
  - type: tunnel
    addresses: any
    condition: { match: { host: ${JSON.stringify(HOSTS)}, port: ${tunnelPort ?? 1} } }
  - type: block
    condition: { match: { host: gist.${DOMAIN} } }
  - type: allow
    condition: { match: { host: api.anthropic.com, method: POST, path: /v1/messages } }
  - type: block
    condition: { match: { host: "*.${DOMAIN}", port: any, path: "/admin/**" } }
  - type: allow
    addresses: any
    condition: { match: { host: ${JSON.stringify(HOSTS)}, port: any } }
`;

const otherSecret = (index) => ({
  name: `OTHER_KEY_${index}`,
  value: `other-real-${String(index).repeat(30)}`,
  dummy: `other-fake-${String(index).repeat(30)}`,
  hosts: ['api.example'],
  in: ['header:authorization'],
});
const secrets = [
  { name: 'BENCH_KEY', value: REAL, dummy: DUMMY, hosts: HOSTS, in: ['header:authorization'] },
  ...[1, 2, 3, 4].map(otherSecret),
];

export const sandboxAgent = (node) => ({
  name: 'sandbox-agent',
  title: '**Sandbox Agent**, everything on',
  kind: 'mitm',
  http2: true,
  version: () => JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version,
  ca: (directory) => path.join(directory, 'state', 'ca.pem'),
  launch({ port, directory, pki, ports }) {
    mkdirSync(directory, { recursive: true });
    const inside = (name) => path.join(directory, name);
    writeFileSync(inside('policy.yaml'), policy(ports.tunnel));
    writeFileSync(inside('secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
    const options = {
      listen: `127.0.0.1:${port}`,
      state: inside('state'),
      policy: inside('policy.yaml'),
      secrets: inside('secrets.json'),
      flows: inside('flows.jsonl'),
    };
    return node(
      pki,
      path.join(root, 'dist/cli.js'),
      'proxy',
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
      '--no-auth',
    );
  },
});

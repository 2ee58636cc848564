// Every peer of the comparison: how it starts, and how a client reaches an origin through it.
//   kind  direct: no proxy · tunnel: CONNECT, reads nothing · reverse: ends TLS on both sides, no CONNECT · mitm: CONNECT
//         and reads everything. To a mitm or reverse peer the client sends the dummy, and only the real key counts.
//   launch({port, directory, pki, ports}) → {command, args, env}; `directory` is empty before each start.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePrograms, findProgram } from '../../../scripts/debian.mjs';
import { root } from '../../../scripts/setup.mjs';
import { bearer, DUMMY, REAL } from '../support/names.mjs';
import { installPackage, installedVersion } from './install.mjs';
import { nginxReverse, programVersion } from './nginx.mjs';
import { sandboxAgent } from './sandboxAgent.mjs';

const MOCKTTP = ['mockttp', '4.6.5'];
const SANDBOX_RUNTIME = ['@anthropic-ai/sandbox-runtime', '0.0.83'];

const server = (name) => fileURLToPath(new URL(`servers/${name}.mjs`, import.meta.url));
const resolver = fileURLToPath(new URL('../support/resolveNames.cjs', import.meta.url));

/** A Node program that finds our names and trusts the origin's CA. */
export const node = (pki, ...args) => ({
  command: process.execPath,
  args: ['--require', resolver, ...args.map(String)],
  env: { NODE_EXTRA_CA_CERTS: pki.originCa },
});

/** A proxy that is a Node program of ours around a package: argv is port, directory, dummy, real, package folder. */
const nodePeer = (name, { title, script, version, packageFolder = () => root, http2 = false }) => ({
  name,
  title,
  kind: 'mitm',
  http2,
  version,
  ca: (directory) => path.join(directory, 'ca.pem'),
  prepare: () => void packageFolder(),
  launch: ({ port, directory, pki }) =>
    node(pki, server(script), port, directory, bearer(DUMMY), bearer(REAL), packageFolder()),
});

export const PEERS = [
  { name: 'direct', title: 'direct, no proxy', kind: 'direct', http2: true },
  {
    name: 'node-tunnel',
    title: 'Node CONNECT tunnel, reads nothing',
    kind: 'tunnel',
    http2: true,
    version: () => process.versions.node,
    launch: ({ port, pki }) => node(pki, server('nodeTunnel'), port),
  },
  {
    name: 'nginx',
    title: 'nginx, TLS ended on both sides',
    kind: 'reverse',
    http2: true,
    version: () => programVersion('nginx'),
    ca: (_, pki) => pki.peerCa,
    prepare() {
      if (ensurePrograms({ nginx: 'nginx-light' }).length > 0) throw new Error('nginx is not installed');
    },
    launch: ({ port, directory, pki, ports }) => {
      mkdirSync(directory, { recursive: true });
      return { command: findProgram('nginx'), args: nginxReverse({ port, directory, pki, ports }), env: {} };
    },
  },
  sandboxAgent(node),
  nodePeer('http-mitm-proxy', {
    title: 'http-mitm-proxy, keepAlive',
    script: 'httpMitmProxy',
    version: () => installedVersion(root, 'http-mitm-proxy'),
  }),
  nodePeer('mockttp', {
    title: 'mockttp, transformRequest',
    script: 'mockttp',
    http2: true,
    packageFolder: () => installPackage(...MOCKTTP),
    version: () => MOCKTTP[1],
  }),
  nodePeer('sandbox-runtime', {
    title: 'sandbox-runtime, its TLS-terminating proxy',
    script: 'sandboxRuntime',
    packageFolder: () => installPackage(...SANDBOX_RUNTIME),
    version: () => SANDBOX_RUNTIME[1],
  }),
];

export const PRODUCT = 'sandbox-agent';

/** Peers by name; throws on a name that is none. */
export function findPeers(names) {
  return names.map((name) => {
    const found = PEERS.find((peer) => peer.name === name);
    if (!found) throw new Error(`no peer "${name}": ${PEERS.map((peer) => peer.name).join(', ')}`);
    return found;
  });
}

/** Installs what peers need. `{present, missing: [{peer, reason}]}`: a peer that cannot be had is reported, not dropped. */
export function preparePeers(peers) {
  const present = [];
  const missing = [];
  for (const peer of peers) {
    try {
      peer.prepare?.();
      present.push(peer);
    } catch (error) {
      missing.push({ peer, reason: String(error.message ?? error).split('\n')[0] });
    }
  }
  return { present, missing };
}

/** How a client reaches `originPort` through a peer: the port to dial, whether to CONNECT, the credential to send. */
export function routeThrough(peer, { proxyPort, reversePort, originPort }) {
  switch (peer.kind) {
    case 'direct':
      return { connect: false, port: originPort, originPort, credential: bearer(REAL) };
    case 'reverse':
      return { connect: false, port: reversePort, originPort, credential: bearer(DUMMY) };
    default:
      return {
        connect: true,
        port: proxyPort,
        originPort,
        credential: bearer(peer.kind === 'mitm' ? DUMMY : REAL),
      };
  }
}

// The machine and the tools of a run, for the head of the document. No host name, no path.
import os from 'node:os';
import { programVersion } from './peers/nginx.mjs';
import { canPin } from './support/processes.mjs';

export function describeMachine({ shim, missing }) {
  const cpus = os.cpus();
  const version = (name) => programVersion(name) ?? 'missing';
  return [
    `${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node} (OpenSSL ${process.versions.openssl})`,
    `origin: nginx ${version('nginx')} for small requests, Node for streams and transfers`,
    shim ? `load: h2load ${version('h2load')}, curl ${version('curl')}, Node` : `load: Node (no h2load: ${missing})`,
    canPin ? 'proxy pinned to one core, origin and load to another' : 'not pinned: fewer than two cores, or no taskset',
  ];
}

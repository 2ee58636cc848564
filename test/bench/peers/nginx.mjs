// nginx as a reverse proxy that ends TLS on both sides and swaps the credential: the limit of what reading and re-encrypting
// costs in C. Not a drop-in peer: no CONNECT, one certificate made beforehand.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../../../scripts/debian.mjs';
import { bearer, DUMMY, ORIGIN, REAL } from '../support/names.mjs';

/** `1.22.1`, or undefined. nginx, curl and h2load all print it somewhere in their first line. */
export function programVersion(name) {
  const file = findProgram(name);
  if (!file) return undefined;
  const { stdout, stderr } = spawnSync(file, [name === 'nginx' ? '-v' : '--version'], { encoding: 'utf8' });
  return /\d+\.\d+[.\d]*/.exec(`${stdout}${stderr}`)?.[0];
}

/** What both of our nginx configurations have in common: one worker, everything written below `directory`. */
export const nginxCommon = (directory) => ({
  main: `daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log warn;
worker_rlimit_nofile 20000;
events { worker_connections 8192; }`,
  http: `access_log off; keepalive_requests 10000000; keepalive_timeout 300s; tcp_nodelay on;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi; ssl_protocols TLSv1.2 TLSv1.3; map_hash_bucket_size 256;`,
});

/** Writes the configuration and returns nginx's arguments. `port` leads to the small origin, `port.streams` to the other. */
export function nginxReverse({ port, directory, pki, ports }) {
  const { main, http } = nginxCommon(directory);
  const block = (name, listen, originPort) => `
  upstream ${name} { server 127.0.0.1:${originPort}; keepalive 512; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${listen} ssl http2 backlog=4096;
    ssl_certificate ${pki.peerCert}; ssl_certificate_key ${pki.peerKey};
    client_max_body_size 0;
    location / {
      proxy_pass https://${name}; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header Authorization $credential;
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 300s;
      proxy_ssl_server_name on; proxy_ssl_name ${ORIGIN}; proxy_ssl_verify on; proxy_ssl_session_reuse on;
      proxy_ssl_trusted_certificate ${pki.originCa}; proxy_ssl_protocols TLSv1.2 TLSv1.3;
    }
  }`;
  const file = path.join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `${main}
http {
  ${http}
  map $http_authorization $credential { default $http_authorization; "${bearer(DUMMY)}" "${bearer(REAL)}"; }
  ${block('small', port, ports.small)}
  ${block('streams', ports.reverseStreams, ports.streams)}
}
`,
    { mode: 0o600 },
  );
  return ['-c', file, '-e', path.join(directory, 'error.log')];
}

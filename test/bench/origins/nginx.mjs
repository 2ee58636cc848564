// The origin for small requests: nginx with one worker, HTTP/1.1 and HTTP/2. `/auth` answers 200 only to the real key, so that
// every request that counts has gone through the proxy's rewriting hook.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from '../../../scripts/debian.mjs';
import { nginxCommon } from '../peers/nginx.mjs';
import { bearer, REAL } from '../support/names.mjs';
import { SMALL_BODY } from './body.mjs';

export function nginxOrigin({ directory, port, pki }) {
  mkdirSync(directory, { recursive: true });
  const { main, http } = nginxCommon(directory);
  const file = path.join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `${main}
http {
  ${http}
  http2_max_concurrent_streams 256; default_type application/json;
  map $http_authorization $refused { default 1; "${bearer(REAL)}" 0; }
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    ssl_certificate ${pki.originCert}; ssl_certificate_key ${pki.originKey}; ssl_session_cache shared:origin:4m;
    location = /auth { if ($refused) { return 403; } return 200 '${SMALL_BODY}'; }
  }
}
`,
    { mode: 0o600 },
  );
  return [findProgram('nginx'), ['-c', file, '-e', path.join(directory, 'error.log')]];
}

// The files that `upstream:` of a rule names, read once when the policy comes into force. What cannot be read or used makes the
// requests of that rule fail; nothing falls back to less. No content of a file goes into a message.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { type Result, err, ok } from '../../core/base/result';
import type { RuleUpstream } from '../../core/policy/types';
import type { UpstreamTls } from '../engine';

const MAX_BYTES = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * `folder`: what relative names are relative to; undefined: there are none. The error is a sentence with the name of the
 * file as the policy writes it.
 */
export function readUpstreamTls(upstream: RuleUpstream, folder: string | undefined): Result<UpstreamTls, string> {
  const { ca = [], clientCert, insecure } = upstream;
  const authorities: string[] = [];
  for (const file of ca) {
    const text = readPem(file, folder);
    if (!text.ok) return text;
    const found = text.value.match(CERTIFICATE);
    if (!found) return err(`"${file}" holds no certificate in PEM form.`);
    authorities.push(...found);
  }
  const cert = clientCert && readPem(clientCert.cert, folder);
  const key = clientCert && readPem(clientCert.key, folder);
  if (cert?.ok === false) return cert;
  if (key?.ok === false) return key;
  const client = cert && key ? { cert: cert.value, key: key.value } : undefined;
  if (clientCert && client) {
    try {
      tls.createSecureContext(client);
    } catch {
      const both = clientCert.cert === clientCert.key ? clientCert.cert : `${clientCert.cert}" with "${clientCert.key}`;
      return err(`"${both}" is not a certificate with its key in PEM form (the key must not need a passphrase).`);
    }
  }
  try {
    tls.createSecureContext({ ca: authorities });
  } catch {
    return err(`A certificate in "${ca.join('", "')}" is damaged.`);
  }
  return ok({ ca: authorities, client, insecure: insecure !== undefined });
}

function readPem(name: string, folder: string | undefined): Result<string, string> {
  const home = name.startsWith('~/') ? path.join(os.homedir(), name.slice(2)) : name;
  if (!path.isAbsolute(home) && folder === undefined) return err(`"${name}" is relative, and there is no folder here.`);
  let handle: number | undefined;
  try {
    // Without O_NONBLOCK a pipe of that name would hold the whole proxy.
    handle = fs.openSync(path.resolve(folder ?? '/', home), fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK | 0));
    const stat = fs.fstatSync(handle);
    if (!stat.isFile() || stat.size > MAX_BYTES) return err(`"${name}" is not a file of at most 1 MiB.`);
    return ok(fs.readFileSync(handle, 'latin1'));
  } catch (error) {
    return err(`"${name}" cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
  } finally {
    if (handle !== undefined) fs.closeSync(handle);
  }
}

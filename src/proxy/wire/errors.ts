// What goes wrong on the wire, as a stable code, a sentence for people, and the answer that a client gets for it.
import type { LocalAnswer } from '../engine';

export class WireError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = 'WireError';
  }
}

/** Code of an upstream that takes none of the protocols it was offered (RFC 7301, 3.2): it may still speak HTTP/2. */
export const NO_HTTP1 = 'no-common-protocol';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  413: 'Content Too Large',
  421: 'Misdirected Request',
  426: 'Upgrade Required',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
};

/** A JSON answer that says who is speaking, so that an agent does not take it for the upstream's. */
export function errorAnswer(status: number, code: string, message: string): LocalAnswer {
  const refused = status === 403 || status === 421;
  const error = {
    type: refused ? 'sandbox_agent_blocked' : 'sandbox_agent_error',
    code,
    message,
    source: 'Sandbox Agent, the local proxy of this workspace',
  };
  return {
    status,
    reason: REASONS[status] ?? 'Error',
    headers: [
      ['content-type', 'application/json'],
      ['x-sandbox-agent', refused ? `blocked; rule=${code}` : `failed; code=${code}`],
    ],
    body: `${JSON.stringify({ error })}\n`,
  };
}

/** Node's and OpenSSL's connection errors, in words. Unknown ones keep their code. */
export function upstreamError(error: { readonly code?: string | undefined }, where: string): WireError {
  const code = error.code ?? 'unknown';
  const known: Readonly<Record<string, readonly [string, string, number]>> = {
    ECONNREFUSED: ['connect-refused', `${where} refused the connection.`, 502],
    ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: [NO_HTTP1, `${where} speaks no protocol that was offered to it.`, 502],
    ECONNRESET: ['upstream-reset', `${where} closed the connection.`, 502],
    EPIPE: ['upstream-reset', `${where} closed the connection.`, 502],
    ETIMEDOUT: ['connect-timeout', `${where} did not answer in time.`, 504],
    EHOSTUNREACH: ['unreachable', `${where} cannot be reached from this machine.`, 502],
    ENETUNREACH: ['unreachable', `${where} cannot be reached from this machine.`, 502],
    ENODATA: ['dns', `The name of ${where} has no address.`, 502],
    ENOTFOUND: ['dns', `The name of ${where} does not resolve.`, 502],
    EAI_AGAIN: ['dns', `The name of ${where} could not be resolved for now.`, 502],
  };
  const row = known[code];
  if (row) return new WireError(...row);
  if (isVerification(code)) {
    return new WireError(
      'tls-unverified',
      `The certificate of ${where} does not verify (${code}). Nothing was sent. If it is one of your own, name its CA in NODE_EXTRA_CA_CERTS, or under "upstream" of its rule in the policy.`,
      502,
    );
  }
  return new WireError('upstream-failed', `The connection to ${where} failed (${code}).`, 502);
}

/** Verification results of OpenSSL as Node names them, and Node's own for names. */
function isVerification(code: string): boolean {
  return /^(?:ERR_TLS_CERT_ALTNAME|UNABLE_TO_|CERT_|SELF_SIGNED|DEPTH_ZERO|INVALID_|CRL_|ERROR_IN_CERT|HOSTNAME_MISMATCH|PATH_LENGTH)/.test(
    code,
  );
}

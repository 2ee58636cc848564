// One request and its response, as recorded. Built by the proxy after redaction: no field ever holds a real secret.
import type { Action, Layer, Scheme } from '../policy/types';
import type { Finding } from '../secrets/types';

export interface FlowDecision {
  readonly action: Action;
  readonly effective: Action;
  /** Index of the rule in the approved policy text, undefined for `default` and for refusals no rule can change. */
  readonly rule: number | undefined;
  readonly description: string | undefined;
  readonly layer: Layer;
  readonly reason: string;
}

/**
 * `allowed`: answered by the upstream. `blocked`: we refused it. `failed`: we or the upstream could not (error says why).
 * `aborted`: the client went away. `open`: not over yet.
 */
export type FlowOutcome = 'open' | 'allowed' | 'blocked' | 'failed' | 'aborted';

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** The program at the client's end, as the system names it: at most 15 bytes, never its arguments. */
export interface ClientProcess {
  readonly pid: number;
  readonly name: string;
}

export interface Flow {
  /** Increasing within one proxy process. A flow is sent again, whole, when something about it changed. */
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Label of the client that authenticated; `unknown` without authentication. */
  readonly agent: string;
  /** Where the system tells (Linux), once it was found. */
  readonly process?: ClientProcess | undefined;
  /** `connect`: a CONNECT that was refused or whose TLS failed. `tunnel`: passed unread, not inspected. */
  readonly kind: 'request' | 'connect' | 'tunnel';
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** With the query, holding dummies only; cut at 2,048 characters. */
  readonly path: string;
  readonly outcome: FlowOutcome;
  readonly decision: FlowDecision | undefined;
  /** Names of the secrets whose real value went out with this request. */
  readonly injected: readonly string[];
  readonly findings: readonly Finding[];
  readonly requestHeaders: HeaderPairs;
  readonly requestBytes: number;
  readonly status: number | undefined;
  readonly reasonPhrase: string | undefined;
  readonly responseHeaders: HeaderPairs;
  readonly responseBytes: number;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly timing: {
    /** Milliseconds from the start: first byte of the answer, and the end. */
    readonly firstByteMs: number | undefined;
    readonly totalMs: number | undefined;
    /** True where the request went out on a pooled upstream connection. */
    readonly reused: boolean;
  };
}

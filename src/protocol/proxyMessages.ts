// Messages between whoever owns a proxy process (extension host or command line) and that process, over Node's IPC.
// Versioned: a process refuses a `configure` of another version. Secrets travel only here, never in arguments or files.
import type { ParentProxy } from '../core/base/parentProxy';
import type { Flow } from '../core/flows/flow';
import type { BoundSecret, TrustSettings } from '../core/secrets/types';

export const PROTOCOL_VERSION = 1;

/** Who may use the port: the label names the agent, the token is its password in `Proxy-Authorization: Basic`. */
export interface ProxyClient {
  readonly label: string;
  readonly token: string;
}

/** In milliseconds; what is not given has the engine's default. */
export interface ProxyTimeouts {
  /** To a connection that may carry a request. */
  readonly connectMs?: number;
  /** From the end of a request to the beginning of its answer. */
  readonly headMs?: number;
  /** Without a byte in either direction. */
  readonly idleMs?: number;
}

export interface ProxyConfiguration {
  readonly version: typeof PROTOCOL_VERSION;
  /** Port 0: any free port. */
  readonly listen: { readonly host: string; readonly port: number };
  /** `undefined`: no authentication (only `--no-auth` on the command line). */
  readonly clients: readonly ProxyClient[] | undefined;
  /**
   * A second way in without authentication, for a sandbox that cannot send credentials, under a label of its own: a Unix
   * socket where it can use one, else a port. It keeps other users of the machine out, and nobody of the same user.
   */
  readonly open: { readonly label: string; readonly socketPath: string | undefined } | undefined;
  /** The folder's CA, PEM. The key stays in memory here; its file is the owner's business. */
  readonly ca: { readonly cert: string; readonly key: string };
  /** PEM certificates that upstreams may chain to: roots of the system, of Node and of the user. */
  readonly upstreamCa: readonly string[];
  /** The proxy that this machine has to use; undefined: upstreams are dialled directly. */
  readonly parent?: ParentProxy | undefined;
  readonly timeouts?: ProxyTimeouts | undefined;
  /** What relative file names in the policy are relative to (absolute path); undefined: they cannot be read. */
  readonly folder?: string | undefined;
  /** The approved policy text. It was parsed before it was approved; a text that does not parse blocks everything. */
  readonly policy: string;
  readonly secrets: readonly BoundSecret[];
  /** Undefined: no other credential than the managed ones. */
  readonly trust?: TrustSettings | undefined;
  /** Whether to send `flows` messages. */
  readonly record: boolean;
  /** Wiring journal to undo when the channel closes without `stop` (absolute path), if there is one. */
  readonly wiringJournal: string | undefined;
}

export type ToProxy =
  | { readonly type: 'configure'; readonly configuration: ProxyConfiguration }
  | { readonly type: 'policy'; readonly text: string }
  | { readonly type: 'secrets'; readonly secrets: readonly BoundSecret[] }
  /** The secrets of `captured` are in the vault, or could not be kept. */
  | { readonly type: 'captured'; readonly id: number; readonly kept: boolean }
  | { readonly type: 'trust'; readonly trust: TrustSettings }
  /** Stop listening, let open exchanges end for at most `graceMs`, then end the process. Wiring is left to the sender. */
  | { readonly type: 'stop'; readonly graceMs: number };

export type FailureCode = 'port-in-use' | 'bad-configuration' | 'internal';

export type FromProxy =
  | { readonly type: 'ready'; readonly version: number }
  | { readonly type: 'listening'; readonly host: string; readonly port: number; readonly openPort: number | undefined }
  | { readonly type: 'failed'; readonly code: FailureCode; readonly message: string }
  /** Batched, at most every 50 ms. Each flow is whole; a later one with the same id replaces it. */
  | { readonly type: 'flows'; readonly flows: readonly Flow[] }
  /** A server gave out new tokens: their dummies go on when they are kept. Answered by `captured`. */
  | { readonly type: 'captured'; readonly id: number; readonly secrets: readonly BoundSecret[] }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly text: string };

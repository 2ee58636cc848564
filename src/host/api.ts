// What a protected folder offers to whoever drives it: the extension or the command line. No editor types here.
// `FolderSession` (host/folderSession.ts) is the implementation.
import type { Disposable } from '../core/base/disposable';
import type { Event } from '../core/base/event';
import type { TrustedCredential } from './trust';
import type { Flow } from '../core/flows/flow';
import type { Policy, Problem } from '../core/policy/types';
import type { Place } from '../core/secrets/types';
import type { ProxyTimeouts } from '../protocol/proxyMessages';

/** What traffic is really held by; never greener than it is (threat-model.md). */
export type Level = 'off' | 'routed' | 'confined commands';

export type FailureReason =
  | 'port-in-use'
  | 'proxy-crashed'
  | 'owned-elsewhere'
  | 'state-unwritable'
  | 'vault-unreadable'
  | 'ca-unreadable'
  | 'internal';

export type SessionState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly port: number; readonly level: Level; readonly since: number }
  | { readonly kind: 'stopping' }
  /** `retryAt`: epoch milliseconds of the next automatic start; undefined when a person must act. */
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      readonly message: string;
      readonly retryAt: number | undefined;
    };

/** One value found in one file (or in the inherited environment, where `file` is undefined). Never the value itself. */
export interface ScannedValue {
  /** Stable for one file content: what `protect` takes back as the user's choice. */
  readonly id: string;
  readonly name: string;
  /** Relative to the folder, with `/`; undefined for the environment. */
  readonly file: string | undefined;
  /** A credential store outside the folder, as the user knows it: `~/.netrc`. Then `file` is absolute. */
  readonly store?: string;
  readonly line: number;
  readonly inComment: boolean;
  readonly ticked: boolean;
  /** Why it is ticked or not, in words for the user. */
  readonly reason: string;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

export interface ScanReport {
  readonly values: readonly ScannedValue[];
  readonly files: readonly string[];
  /** Files that could not be read or parsed, with the reason. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  /** What reads `.env` files by itself and would see dummies (compose `env_file:`, dotenv `override`, …). */
  readonly warnings: readonly string[];
}

export interface ProtectReport {
  readonly swapped: readonly { readonly name: string; readonly file: string }[];
  /** Chosen but not swapped, with the reason. Nothing of these files changed. */
  readonly refused: readonly { readonly name: string; readonly file: string | undefined; readonly reason: string }[];
  /** Remaining copies of a protected value in the folder or its git history. */
  readonly copies: readonly { readonly name: string; readonly where: string }[];
  /** Files open with unsaved changes: the dummies stand in the editor, and in the file once it is saved. */
  readonly unsaved: readonly string[];
}

export interface RestoreReport {
  readonly restored: readonly string[];
  /** Files edited since: the real values were given back in place, the edits kept. */
  readonly merged: readonly string[];
  /** Files that could not be written, and values that found no place any more: they stay in the vault. */
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
  /** Of `failed`: open with unsaved changes. The editor's text has its real values; to be saved, and restored again. */
  readonly unsaved: readonly string[];
}

/** A protected secret as shown: never the value. */
export interface ProtectedSecret {
  readonly name: string;
  readonly dummy: string;
  readonly files: readonly string[];
  readonly fromEnvironment: boolean;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
  /** To be rotated: since when (ISO 8601), and why in the user's words. */
  readonly marked?: { readonly since: string; readonly reason: string };
}

export interface VaultStatus {
  /** Absolute. */
  readonly file: string;
  readonly encrypted: boolean;
  /** A key store opens it; else the recovery code is asked for. */
  readonly keptInStore: boolean;
  /** Secrets in use, and rotated values that are still looked for. */
  readonly secrets: number;
  readonly revoked: number;
  /** Files that hold dummies. */
  readonly files: readonly string[];
}

/** What the user does with the vault itself. All of it changes the vault file in one step, or not at all. */
export interface VaultControlApi {
  status(): Promise<VaultStatus>;
  /**
   * A recovery code to show, and the switch: `confirm` encrypts only where the user has typed the code. `code`: one that the
   * user has already.
   */
  prepareEncryption(code?: string): {
    readonly code: string;
    confirm(typed: string): Promise<void>;
  };
  decrypt(): Promise<void>;
  /** One new file, absolute, sealed with the passphrase. Rejects with `ExportError` or `FileError`. */
  export(file: string, passphrase: string): Promise<void>;
  /** Adds what an export holds; what is here stays. */
  import(file: string, passphrase: string): Promise<ImportReport>;
  /** "This key was seen leaking": it goes on working, and is shown until it is rotated. */
  markForRotation(name: string, reason: string): Promise<void>;
  /**
   * The new value stands behind the same dummy at once; the old one is revoked: still redacted and looked for, never
   * injected. Rejects with `RotateError`.
   */
  rotate(name: string, value: string, reason?: string): Promise<RotateReport>;
}

export interface ImportReport {
  /** Names here of the secrets that came in. */
  readonly added: readonly string[];
  /** How many were here already, the same. */
  readonly known: number;
  /** Came in under another name: the vault has that name with another value. Both are kept. */
  readonly renamed: readonly { readonly name: string; readonly as: string }[];
  /** Not taken in: the vault says something else. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  /** Files whose dummies Restore knows now. */
  readonly files: readonly string[];
}

export interface RotateReport {
  readonly name: string;
  /** The name under which the old value is looked for. */
  readonly revoked: string;
  /** Files whose dummy stands for the new value. */
  readonly files: readonly string[];
}

/** A secret in the environment that the editor or the shell inherited, by name. */
export interface EnvironmentValue {
  readonly name: string;
  /** Agents' terminals get a dummy; else the real value. */
  readonly swapped: boolean;
  /** In words for the user. */
  readonly reason: string;
}

/** Real values are in the files for a while. */
export interface LoanState {
  /** Epoch milliseconds; undefined: until the command that asked for it ends. */
  readonly until: number | undefined;
  /** This session lent them; else another window or program did. */
  readonly own: boolean;
  readonly files: readonly string[];
}

export interface WatchOptions {
  /** Swap values that the vault knows at once, for the same dummy. In a tracked file only where it was swapped before. */
  readonly autoSwap?: boolean;
  /** How long it must be quiet before we look; default 200 ms. */
  readonly quietMs?: number;
}

/** A value that is real in a protected folder: by name, never the value. */
export interface FoundValue {
  /** Not of the session's last scan: scan again before protecting. */
  readonly id: string;
  readonly name: string;
  /** Relative to the folder, with `/`. */
  readonly file: string;
  readonly line: number;
  /** `returned`: the vault has it, and had swapped it. `revoked`: it was rotated. `new`: the vault does not know it. */
  readonly kind: 'returned' | 'revoked' | 'new';
  /** Git tracks the file. */
  readonly tracked: boolean;
  readonly swapped: boolean;
  /** In words for the user. */
  readonly reason: string;
}

/** A value that only the vault has now: its dummy was removed, or its file. */
export interface MissingDummy {
  readonly name: string;
  readonly file: string;
  readonly fileGone: boolean;
}

export interface FoundReal {
  readonly values: readonly FoundValue[];
  readonly missing: readonly MissingDummy[];
  /** Gives the files that were swapped at once their bytes back, and leaves these values alone from now on. */
  readonly undo: (() => Promise<UndoReport>) | undefined;
}

export interface UndoReport {
  readonly undone: readonly string[];
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
}

/** The policy file against the approved text. The approved text is in force, always. */
export interface PolicyState {
  readonly file: string;
  readonly approvedText: string;
  readonly policy: Policy;
  /** A text in the file that differs from the approved one and waits for the user. */
  readonly pending:
    { readonly text: string; readonly problems: readonly Problem[]; readonly valid: boolean } | undefined;
}

export interface PolicyControl {
  readonly state: PolicyState;
  readonly onDidChange: Event<PolicyState>;
  /** Creates the file with commented defaults where there is none, and approves that text. Rejects where it cannot be made. */
  ensureFile(): Promise<void>;
  /**
   * Our own commands: write this text to the file and approve it in one step. A problem with severity `error` in the answer
   * means that nothing was written: the text is invalid, or the file holds a change that waits. Rejects where the file
   * cannot be written.
   */
  write(text: string): Promise<readonly Problem[]>;
  /** The user approved exactly this text after seeing the difference. */
  approve(text: string): Promise<readonly Problem[]>;
  /** Put the approved text back into the file. */
  reject(): Promise<void>;
  /** Look at the file again (a watcher fired). */
  refresh(): Promise<void>;
}

export interface StartOptions {
  readonly level: 'routed' | 'confined commands';
  /** Which of Claude Code's files is written. */
  readonly claudeSettings: 'local' | 'project' | 'user' | 'none';
  /** Only for `confined commands`: chain by the authenticated proxy (default) or `sandbox.network.httpProxyPort`. */
  readonly confinedChain: 'proxy' | 'httpProxyPort';
  /** Towards upstreams. What is not given has the engine's default. */
  readonly timeouts?: ProxyTimeouts | undefined;
}

export interface DoctorLine {
  readonly status: 'ok' | 'warning' | 'problem';
  readonly what: string;
  /** What to do about it; empty when there is nothing. */
  readonly fix: string;
}

export interface Notice {
  readonly severity: 'information' | 'warning' | 'error';
  readonly message: string;
}

/** One folder: its vault, its policy, its proxy process. */
export interface FolderSessionApi extends Disposable {
  /** Real path of the folder. */
  readonly folder: string;
  readonly state: SessionState;
  readonly onDidChangeState: Event<SessionState>;
  /** Flows as they come from the proxy, in batches; a flow with a known id replaces the older one. */
  readonly onDidSeeFlows: Event<readonly Flow[]>;
  /** Things that a person should be told once. */
  readonly onDidNotice: Event<Notice>;
  readonly onDidLog: Event<string>;
  /** Real values turned up in the files of the folder, or dummies were lost; after `watchFiles`. */
  readonly onDidFindReal: Event<FoundReal>;
  readonly policy: PolicyControl;
  readonly vault: VaultControlApi;
  /** Reads the state folder, settles the journals, takes the lock. Idempotent. */
  open(): Promise<void>;
  scan(): Promise<ScanReport>;
  /** Swap the chosen values (ids of the last scan). */
  protect(ids: readonly string[]): Promise<ProtectReport>;
  restore(): Promise<RestoreReport>;
  /** Undefined: the files hold their dummies, as far as they were swapped. */
  readonly loan: LoanState | undefined;
  readonly onDidChangeLoan: Event<void>;
  /**
   * Restore for a while: real values go into the files, and the dummies come back with `takeBack`, after `minutes`, or when a
   * session opens the folder after this process has ended. Rejects where that is so already.
   */
  lend(minutes: number | undefined): Promise<RestoreReport>;
  /** The dummies go back. What is refused stays lent, and is tried again. */
  takeBack(): Promise<ProtectReport>;
  /** Looks out for real values until it is disposed of, or the session is. Once a session. */
  watchFiles(options: WatchOptions): Promise<Disposable>;
  secrets(): Promise<readonly ProtectedSecret[]>;
  /** Credentials that the user said are theirs, each on one host; never their text. */
  trusted(): Promise<readonly TrustedCredential[]>;
  /** `hash`: of a finding `foreign-credential`. Counts for the next request. */
  trust(host: string, hash: string): Promise<void>;
  /** Returns whether it was trusted. */
  distrust(hash: string): Promise<boolean>;
  start(options: StartOptions): Promise<void>;
  stop(): Promise<void>;
  /** Environment for an agent: proxy, CA, dummies; may be written to a file. Only while running; `undefined` otherwise. */
  agentEnvironment(label: string): Record<string, string> | undefined;
  /** For a process that inherits our environment: also variables that hold a known secret among other text. Never for a file. */
  processEnvironment(label: string): Record<string, string> | undefined;
  /** Secrets of the inherited environment, swapped for agents' terminals or not. */
  environment(): readonly EnvironmentValue[];
  /**
   * Real values as process environment, for Run with Real Values: of the env files that a program started in `cwd` (absolute;
   * default: the folder) would load. What it leaves out, and why, comes as a notice.
   */
  realEnvironment(cwd?: string): Promise<Record<string, string>>;
  doctor(): Promise<readonly DoctorLine[]>;
}

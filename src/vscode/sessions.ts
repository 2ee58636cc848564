// One session a workspace folder: opened when the folder is trusted, never before; closed when it leaves the workspace.
import path from 'node:path';
import * as vscode from 'vscode';
import { Emitter } from '../core/base/event';
import { AlarmLog } from '../core/flows/alarms';
import { FlowStore } from '../core/flows/store';
import type { EnvironmentValue, FolderSessionApi, ScanReport } from '../host/api';
import { FolderSession } from '../host/folderSession';
import { VaultError } from '../host/vaultCipher';
import { isTest } from './commands/command';
import { setContext, settings } from './context';
import { envDocuments } from './documents/envDocuments';
import { watchRealValues } from './realValues';
import { type EditorKeys, editorKeys } from './vaultKeys';

/** What another try at the recovery code may cure. */
const CODE_HELPS: ReadonlySet<string> = new Set(['locked', 'mistyped-code', 'wrong-code', 'key-store']);

export interface FolderEntry {
  readonly workspaceFolder: vscode.WorkspaceFolder;
  readonly session: FolderSessionApi;
  readonly flows: FlowStore;
  readonly alarms: AlarmLog;
  /** The last scan; undefined while it has not ended. */
  scan: ScanReport | undefined;
  /** Secrets of the inherited environment, for views. */
  environment: readonly EnvironmentValue[];
  /** Names of protected secrets, for views. */
  secrets: Awaited<ReturnType<FolderSessionApi['secrets']>>;
  /** Why the session could not be opened. */
  readonly failure: string | undefined;
  /** It could not because the vault is encrypted and nobody gave the key: "Unlock Vault" asks again. */
  locked: boolean;
  /** Whether the vault is encrypted, by the last look. */
  encrypted: boolean;
}

export class Sessions implements vscode.Disposable {
  readonly #entries = new Map<string, FolderEntry>();
  /** Folders whose session is being opened: a second event must not open a second one. */
  readonly #opening = new Set<string>();
  readonly #watchers = new Map<FolderEntry, vscode.Disposable>();
  readonly #keys = new Map<string, EditorKeys>();
  /** A session that is opened again in this window does not tell everything again. */
  readonly #alarms = new Map<string, AlarmLog>();
  readonly #changed = new Emitter<void>();
  readonly onDidChange = this.#changed.event;
  readonly #disposables: vscode.Disposable[] = [];
  /** Settles when the folders that are there have been opened. */
  ready: Promise<void> = Promise.resolve();
  /** What a test types as the recovery code. */
  typedCode: (() => string | undefined) | undefined;
  #disposed = false;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const contexts = this.onDidChange(() => this.#contexts());
    this.#disposables.push(
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.#refresh()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#refresh()),
      new vscode.Disposable(() => contexts.dispose()),
    );
    this.#refresh();
  }

  /** In the order of the workspace: sessions open at the same time and are ready in any order. */
  get all(): readonly FolderEntry[] {
    return trustedFolders().flatMap(({ uri }) => this.#entries.get(uri.toString()) ?? []);
  }

  /** The folder that a file or a folder belongs to; the only one where there is one. */
  of(uri: vscode.Uri | undefined): FolderEntry | undefined {
    if (uri) {
      const folder = vscode.workspace.getWorkspaceFolder(uri);
      const entry = folder && this.#entries.get(folder.uri.toString());
      if (entry) return entry;
    }
    return this.#entries.size === 1 ? this.all[0] : undefined;
  }

  /** The folder a command means: where it was called, of the active editor, or chosen by the user. */
  async pick(uri?: vscode.Uri): Promise<FolderEntry | undefined> {
    await this.ready;
    const known = this.of(uri ?? vscode.window.activeTextEditor?.document.uri);
    if (known) return known;
    if (this.#entries.size === 0) {
      void vscode.window.showWarningMessage(
        vscode.workspace.isTrusted
          ? vscode.l10n.t('Open a folder first: Sandbox Agent protects folders.')
          : vscode.l10n.t('This workspace is not trusted: Sandbox Agent does nothing in it.'),
      );
      return undefined;
    }
    const choice = await vscode.window.showQuickPick(
      this.all.map((entry) => ({ label: entry.workspaceFolder.name, description: entry.session.state.kind, entry })),
      { placeHolder: vscode.l10n.t('Which folder?') },
    );
    return choice?.entry;
  }

  /** Scans again and reads the vault, for the views. */
  async update(entry: FolderEntry): Promise<void> {
    if (entry.failure !== undefined) return;
    try {
      entry.secrets = await entry.session.secrets();
      entry.environment = entry.session.environment();
      entry.encrypted = (await entry.session.vault.status()).encrypted;
      entry.scan = await entry.session.scan();
    } catch (error) {
      this.log.error((error as Error).message);
      // Encrypted by another program meanwhile, with a key that is not here.
      if (isLocked(error) && !entry.locked) {
        entry.locked = true;
        this.#failed(entry.workspaceFolder.name, (error as Error).message, true);
      }
    }
    this.#changed.fire();
  }

  /** A session that could not be opened, or whose vault is locked now, opened again: the user is asked again. */
  async reopen(entry: FolderEntry): Promise<FolderEntry | undefined> {
    const key = entry.workspaceFolder.uri.toString();
    if (this.#entries.get(key) !== entry) return this.#entries.get(key);
    this.#entries.delete(key);
    this.#watchers.get(entry)?.dispose();
    this.#watchers.delete(entry);
    this.#keys.get(key)?.askAgain();
    if (entry.failure === undefined) {
      if (entry.session.loan?.own === true) await entry.session.takeBack().catch(() => undefined);
      await entry.session.stop().catch(() => undefined);
    }
    entry.session.dispose();
    await this.#open(entry.workspaceFolder);
    return this.#entries.get(key);
  }

  #refresh(): void {
    const folders = trustedFolders();
    const wanted = new Set(folders.map(({ uri }) => uri.toString()));
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key)) continue;
      this.#entries.delete(key);
      this.#watchers.get(entry)?.dispose();
      this.#watchers.delete(entry);
      void entry.session.stop().finally(() => entry.session.dispose());
    }
    const opening = folders
      .filter(({ uri }) => !this.#entries.has(uri.toString()) && !this.#opening.has(uri.toString()))
      .map((folder) =>
        this.#open(folder).catch((error: unknown) => {
          this.log.error(`[${folder.name}] ${error instanceof Error ? error.message : String(error)}`);
        }),
      );
    this.ready = Promise.all([this.ready, ...opening]).then(() => undefined);
    this.#changed.fire();
  }

  async #open(workspaceFolder: vscode.WorkspaceFolder): Promise<void> {
    const key = workspaceFolder.uri.toString();
    this.#opening.add(key);
    const dist = path.join(this.context.extensionPath, 'dist');
    const keys = this.#keysOf(workspaceFolder);
    const session = new FolderSession({
      folder: workspaceFolder.uri.fsPath,
      proxyScript: path.join(dist, 'proxy.js'),
      preloadScript: path.join(dist, 'preload.cjs'),
      policyFile: settings.policyFile(),
      keys,
      documents: envDocuments,
      what: 'VS Code',
    });
    let failure: string | undefined;
    let locked = false;
    const name = workspaceFolder.name;
    session.onDidLog((text) => this.log.info(`[${name}] ${text}`));
    session.onDidNotice(({ severity, message }) => this.#notice(severity, message));
    try {
      await session.open();
    } catch (error) {
      failure = (error as Error).message;
      locked = isLocked(error);
      this.log.error(`[${name}] ${failure}`);
    }
    this.#opening.delete(key);
    // The folder may have left the workspace, or the window, while its session was being opened.
    if (this.#disposed || !trustedFolders().some(({ uri }) => uri.toString() === key)) {
      session.dispose();
      return;
    }
    if (failure !== undefined) this.#failed(name, failure, locked);
    const entry: FolderEntry = {
      workspaceFolder,
      session,
      flows: new FlowStore(settings.maxFlows()),
      alarms: this.#alarms.get(key) ?? new AlarmLog(),
      scan: undefined,
      environment: [],
      secrets: [],
      failure,
      locked,
      encrypted: locked,
    };
    this.#entries.set(key, entry);
    this.#alarms.set(key, entry.alarms);
    session.onDidSeeFlows((flows) => {
      entry.flows.add(flows);
      entry.alarms.take(flows);
    });
    session.onDidChangeLoan(() => void this.update(entry));
    session.onDidChangeState((state) => {
      if (state.kind === 'failed') this.log.error(`[${name}] ${state.message}`);
      if (state.kind === 'running' || state.kind === 'stopped')
        void this.context.workspaceState.update(`running ${key}`, state.kind === 'running');
      this.#changed.fire();
    });
    if (failure === undefined) {
      session.policy.onDidChange(() => this.#changed.fire());
      this.#watch(entry);
    }
    this.#changed.fire();
    await this.update(entry);
    if (failure === undefined) await watchRealValues(entry, this, this.log);
    const before = this.context.workspaceState.get<boolean>(`running ${key}`, false);
    if (failure === undefined && before && settings.startOnOpen()) await session.start(settings.startOptions());
  }

  /** The window closes: real values do not stay in files that held dummies. What is not done in time, the next start does. */
  async close(): Promise<void> {
    await Promise.all(
      this.all.map(async ({ session, failure }) => {
        if (failure !== undefined || session.loan?.own !== true) return;
        await session.takeBack().catch((error: unknown) => this.log.error((error as Error).message));
      }),
    );
  }

  #failed(name: string, failure: string, locked: boolean): void {
    const unlock = vscode.l10n.t('Unlock Vault');
    void vscode.window
      .showErrorMessage(
        vscode.l10n.t('Sandbox Agent cannot protect {0}: {1}', name, failure),
        ...(locked ? [unlock] : []),
      )
      .then((action) => action === unlock && vscode.commands.executeCommand('sandboxAgent.unlockVault'));
  }

  #keysOf({ uri, name }: vscode.WorkspaceFolder): EditorKeys {
    const key = uri.toString();
    const typed = isTest(this.context) ? () => this.typedCode?.() : undefined;
    const keys = this.#keys.get(key) ?? editorKeys(this.context.secrets, name, typed);
    this.#keys.set(key, keys);
    return keys;
  }

  #watch(entry: FolderEntry): void {
    const { workspaceFolder, session } = entry;
    const pattern = new vscode.RelativePattern(workspaceFolder, settings.policyFile());
    const watcher = vscode.workspace.createFileSystemWatcher(pattern);
    const refresh = () => void session.policy.refresh();
    this.#watchers.set(
      entry,
      vscode.Disposable.from(
        watcher,
        watcher.onDidChange(refresh),
        watcher.onDidCreate(refresh),
        watcher.onDidDelete(refresh),
      ),
    );
  }

  #notice(severity: 'information' | 'warning' | 'error', message: string): void {
    this.log[severity === 'information' ? 'info' : severity === 'warning' ? 'warn' : 'error'](message);
    if (severity === 'error') void vscode.window.showErrorMessage(message);
    else if (severity === 'warning') void vscode.window.showWarningMessage(message);
    else void vscode.window.showInformationMessage(message);
  }

  #contexts(): void {
    const all = this.all;
    setContext(
      'lent',
      all.some(({ session }) => session.loan !== undefined),
    );
    const states = all.map(({ session }) => session.state.kind);
    setContext('running', states.includes('running'));
    setContext('failed', states.includes('failed') && !states.includes('running'));
    const calm =
      all.length > 0 &&
      all.every(
        ({ session, secrets, failure }) =>
          session.state.kind === 'stopped' && secrets.length === 0 && failure === undefined,
      );
    setContext(
      'locked',
      all.some(({ locked }) => locked),
    );
    setContext(
      'encrypted',
      all.some(({ encrypted }) => encrypted),
    );
    const scanned = all.every(({ scan }) => scan !== undefined);
    const found = all.some(
      ({ scan }) => scan?.values.some(({ ticked, file }) => ticked && file !== undefined) === true,
    );
    setContext('welcome', calm && scanned ? (found ? 'found' : 'nothing') : '');
    // From the first moment, before a session is ready: commands wait for it, and the palette must not hide them until then.
    setContext('opened', trustedFolders().length > 0);
    setContext(
      'policyPending',
      all.some(({ session, failure }) => failure === undefined && session.policy.state.pending !== undefined),
    );
  }

  dispose(): void {
    this.#disposed = true;
    for (const disposable of [...this.#disposables, ...this.#watchers.values()]) disposable.dispose();
    for (const { session } of this.#entries.values()) session.dispose();
    this.#entries.clear();
  }
}

const isLocked = (error: unknown) => error instanceof VaultError && CODE_HELPS.has(error.reason);

/** Folders that may be looked into at all. */
function trustedFolders(): readonly vscode.WorkspaceFolder[] {
  if (!vscode.workspace.isTrusted) return [];
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}

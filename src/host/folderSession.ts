// One protected folder: its vault, its policy, its proxy process, its agents' settings. An explicit state machine; transitions
// run one at a time. What it shows is what is: never greener.
import os from 'node:os';
import path from 'node:path';
import { type AgentEnvironmentOptions, agentEnvironment, wiringEnvironment } from '../core/agents/environment';
import type { Disposable } from '../core/base/disposable';
import { Emitter } from '../core/base/event';
import type { Flow } from '../core/flows/flow';
import type { BoundSecret } from '../core/secrets/types';
import { undoWiring } from '../files/wiring';
import type { IssuedCertificate } from '../files/x509';
import { PROTOCOL_VERSION } from '../protocol/proxyMessages';
import type {
  DoctorLine,
  EnvironmentValue,
  FailureReason,
  FolderSessionApi,
  FoundReal,
  Level,
  LoanState,
  Notice,
  PolicyControl,
  ProtectReport,
  ProtectedSecret,
  RestoreReport,
  ScanReport,
  SessionState,
  StartOptions,
  WatchOptions,
} from './api';
import { takeChangedKeys } from './agentKeys';
import { agentVariables, environmentValues } from './agentVariables';
import { AgentWiring, type Wired } from './agentWiring';
import { loadAuthority, upstreamRoots, writeBundle } from './authority';
import { wiredFiles } from './claudeWiring';
import { diagnose } from './doctor';
import { type Lock, isAlive, ownerNow, takeLock } from './lock';
import type { OpenDocuments } from './openDocuments';
import { DEFAULT_POLICY_FILE, PolicyFile } from './policyFile';
import { Protector } from './protect';
import { type Captured, ProxyProcess, ProxyStartError } from './proxyProcess';
import { realEnvironment } from './realEnvironment';
import { RealWatch } from './realWatch';
import { LENT, restoreFolder, settle } from './restore';
import { servedElsewhere } from './served';
import { type Stored, readStored, writeStored } from './sessionStore';
import { type StateFolder, openStateFolder } from './stateFolder';
import { findStores, type Store, storePlaces } from './stores';
import { findProgram } from './tools';
import { userProxy } from './userProxy';
import { holdsLogin, TrustStore, type TrustedCredential, watchLogins } from './trust';
import { Vault } from './vault';
import type { VaultKeys } from './vaultCipher';
import { VaultControl } from './vaultControl';
import { watchVault } from './vaultWatch';
import { PROGRAM } from './wayBack';

const BACK_OFF_MS = [250, 500, 1_000, 2_000, 4_000];
/** A proxy that ran this long before it crashed starts the count anew. */
const STEADY_MS = 60_000;
const FLOWS_PER_PROCESS = 1e9;
/** A loan whose owner lives and did not end it in time is ended by others so much later. */
const LATE_MS = 60_000;

export interface FolderSessionOptions {
  readonly folder: string;
  /** Absolute paths of dist/proxy.js and dist/preload.cjs. */
  readonly proxyScript: string;
  readonly preloadScript: string | undefined;
  /** Absolute path of dist/restore.mjs; default: beside the proxy. */
  readonly restoreScript?: string;
  /** Relative to the folder, or absolute. */
  readonly policyFile?: string;
  /** What agents would inherit; values that are protected secrets become dummies. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly stateRoot?: string;
  /** The user's home folder; default: the system's answer. */
  readonly home?: string;
  /** What opens an encrypted vault. Without: a vault that is encrypted makes `open` reject with `VaultError` `locked`. */
  readonly keys?: VaultKeys;
  /** Env files with unsaved changes in the editor; without: there is no editor. */
  readonly documents?: OpenDocuments;
  /** Who we are, for another window that finds the lock: `VS Code`, `command line`. */
  readonly what: string;
}

interface Opened {
  readonly state: StateFolder;
  readonly vault: Vault;
  readonly control: VaultControl;
  readonly policy: PolicyFile;
  readonly protector: Protector;
  readonly wiring: AgentWiring;
  readonly trust: TrustStore;
}

interface Running {
  readonly proxy: ProxyProcess;
  readonly port: number;
  readonly level: Exclude<Level, 'off'>;
  readonly options: StartOptions;
  readonly since: number;
  readonly openPort: number | undefined;
}

export class FolderSession implements FolderSessionApi {
  readonly #states = new Emitter<SessionState>();
  readonly #flows = new Emitter<readonly Flow[]>();
  readonly #notices = new Emitter<Notice>();
  readonly #logs = new Emitter<string>();
  readonly onDidChangeState = this.#states.event;
  readonly onDidSeeFlows = this.#flows.event;
  readonly onDidNotice = this.#notices.event;
  readonly onDidLog = this.#logs.event;
  readonly #finds = new Emitter<FoundReal>();
  readonly onDidFindReal = this.#finds.event;
  readonly #loans = new Emitter<void>();
  readonly onDidChangeLoan = this.#loans.event;
  readonly #environment: NodeJS.ProcessEnv;
  #state: SessionState = { kind: 'stopped' };
  #queue: Promise<unknown> = Promise.resolve();
  #opened: Opened | undefined;
  #authority: IssuedCertificate | undefined;
  #stored: Stored | undefined;
  #lock: Lock | undefined;
  #running: Running | undefined;
  #retry: NodeJS.Timeout | undefined;
  #crashes = 0;
  #generation = 0;
  #disposed = false;
  #vaultWatch: Disposable | undefined;
  #loginWatch: Disposable | undefined;
  #trustWatch: Disposable | undefined;
  #realWatch: RealWatch | undefined;
  #loanTimer: NodeJS.Timeout | undefined;
  /** What the proxy was told last, as JSON: never written anywhere. */
  #sentSecrets = '';

  constructor(private readonly options: FolderSessionOptions) {
    this.#environment = options.environment ?? process.env;
  }

  get folder(): string {
    return this.#opened?.state.folder ?? this.options.folder;
  }

  get state(): SessionState {
    return this.#state;
  }

  get policy(): PolicyControl {
    return this.#need().policy;
  }

  get vault(): VaultControl {
    return this.#need().control;
  }

  async open(): Promise<void> {
    if (this.#opened) return;
    const state = await openStateFolder(this.options.folder, this.options.stateRoot);
    const vault = await Vault.open(state, undefined, this.options.keys);
    const control = new VaultControl({
      state,
      vault,
      serial: (work) => this.#serial(work),
      changed: () => this.#sendSecrets(),
    });
    const policy = await PolicyFile.open(
      path.resolve(state.folder, this.options.policyFile ?? DEFAULT_POLICY_FILE),
      state.approvedPolicy,
      state.folder,
    );
    const protector = new Protector({
      folder: state.folder,
      vault,
      environment: this.#environment,
      restoreScript: this.#restoreScript,
      documents: this.options.documents,
      stores: () => findStores(this.#home, this.#environment),
    });
    const wiring = new AgentWiring({
      state,
      protector,
      home: this.#home,
      environment: this.#environment,
      notify: (notice) => this.#notices.fire(notice),
    });
    const trust = await TrustStore.open(state.trust);
    this.#opened = { state, vault, control, policy, protector, wiring, trust };
    await vault.exclusively('settle', async () => {
      await settle({ folder: state.folder, vault });
      // Of this version, and where an earlier one had protected.
      if (vault.dummiesInFiles.size > 0) await protector.writeWayBack().catch(() => undefined);
    });
    await this.#settleLoan(true);
    policy.onDidChange(({ approvedText }) => this.#running?.proxy.send({ type: 'policy', text: approvedText }));
    await this.#settleWiring(state);
  }

  /** Settings that a crash left behind lead agents to a dead port: taken back unless somebody runs this folder. */
  async #settleWiring(state: StateFolder): Promise<void> {
    const taken = await takeLock(state.lock, this.options.what);
    if (!('lock' in taken)) return;
    await undoWiring(state.wiring);
    await taken.lock.release();
  }

  #need(): Opened {
    if (!this.#opened) throw new Error('The session of this folder is not open.');
    return this.#opened;
  }

  async scan(): Promise<ScanReport> {
    await this.#settleLoan();
    const report = await this.#need().protector.scan();
    this.#sendSecrets();
    return report;
  }

  async protect(ids: readonly string[]): Promise<ProtectReport> {
    return this.#serial(async () => {
      const { vault, protector } = this.#need();
      await vault.refresh();
      if (vault.loan) throw new Error(LENT);
      const report = await protector.protect(ids);
      await this.#ensurePolicyFile();
      this.#sendSecrets();
      await this.#rewire();
      await this.#realWatch?.rebase();
      return report;
    });
  }

  async restore(): Promise<RestoreReport> {
    return this.#serial(async () => {
      const { state, vault } = this.#need();
      const report = await restoreFolder({ folder: state.folder, vault, documents: this.options.documents });
      this.#loanEnded();
      this.#sendSecrets();
      await this.#rewire();
      await this.#realWatch?.rebase();
      return report;
    });
  }

  get loan(): LoanState | undefined {
    const loan = this.#opened?.vault.loan;
    if (!loan) return undefined;
    const { owner, until, files } = loan;
    const own = owner.pid === process.pid && isAlive(owner);
    return { own, files, until: until === undefined ? undefined : Date.parse(until) };
  }

  lend(minutes: number | undefined): Promise<RestoreReport> {
    return this.#serial(async () => {
      const { state, vault } = this.#need();
      const until = minutes === undefined ? {} : { until: new Date(Date.now() + minutes * 60_000).toISOString() };
      const lend = { owner: ownerNow(this.options.what), ...until };
      const report = await restoreFolder({ folder: state.folder, vault, documents: this.options.documents, lend });
      await this.#rewire();
      await this.#realWatch?.rebase();
      if (minutes !== undefined && vault.loan)
        this.#loanTimer = setTimeout(() => void this.#loanOver(), minutes * 60_000);
      this.#loans.fire();
      return report;
    });
  }

  takeBack(): Promise<ProtectReport> {
    return this.#serial(() => this.#takeBack());
  }

  async #takeBack(): Promise<ProtectReport> {
    const { state, vault } = this.#need();
    // Of its own: the ids of the scan that a user chooses from must stay valid.
    const protector = new Protector({
      folder: state.folder,
      vault,
      environment: {},
      restoreScript: this.#restoreScript,
      documents: this.options.documents,
      stores: () => findStores(this.#home, this.#environment),
    });
    let report = await protector.takeBack();
    // Written to while we swapped: once more.
    if (report.refused.length > 0) report = await protector.takeBack();
    this.#loanEnded();
    await this.#rewire();
    await this.#realWatch?.rebase();
    return report;
  }

  #loanEnded(): void {
    clearTimeout(this.#loanTimer);
    this.#loanTimer = undefined;
    this.#loans.fire();
  }

  async #loanOver(): Promise<void> {
    try {
      const { refused } = await this.takeBack();
      this.#notices.fire(
        refused.length === 0
          ? { severity: 'information', message: 'The time is over: the dummies are back in the files.' }
          : {
              severity: 'error',
              message: `The time is over, but these files still hold real values: ${[...new Set(refused.map(({ file }) => file))].join(', ')}. ${refused[0]!.reason}`,
            },
      );
    } catch (error) {
      const message = `The dummies could not be put back, and the files hold real values. ${(error as Error).message}`;
      this.#notices.fire({ severity: 'error', message });
    }
  }

  /** What a process lent that ended since, or that lets its time pass, is taken back by whoever looks next. */
  async #settleLoan(opening = false): Promise<void> {
    const { vault } = this.#need();
    const isStale = () => {
      const { loan } = vault;
      // Nobody in this process knows of it yet.
      if (loan && opening && loan.owner.pid === process.pid) return true;
      return loan && (!isAlive(loan.owner) || Date.parse(loan.until ?? '') + LATE_MS < Date.now());
    };
    if (!isStale()) return;
    const settle = async () => {
      await vault.refresh();
      if (!isStale()) return;
      const { swapped, refused } = await this.#takeBack();
      this.#logs.fire(
        `real values were left in files by a program that ended: ${swapped.length} have their dummies again, ${refused.length} could not be swapped`,
      );
    };
    // What opens a session may be serial work itself, and nothing else has begun.
    await (opening ? settle() : this.#serial(settle));
  }

  async watchFiles(options: WatchOptions): Promise<Disposable> {
    const { state, vault } = this.#need();
    this.#realWatch?.dispose();
    const watch = new RealWatch({
      folder: state.folder,
      vault,
      restoreScript: this.#restoreScript,
      documents: this.options.documents,
      options,
      serial: (work) => this.#serial(work),
      found: (report) => this.#finds.fire(report),
      changed: () => this.#rewire(),
      log: (text) => this.#logs.fire(text),
    });
    this.#realWatch = watch;
    await watch.start();
    return watch;
  }

  get #home(): string {
    return this.options.home ?? os.homedir();
  }

  get #restoreScript(): string {
    return this.options.restoreScript ?? path.join(path.dirname(this.options.proxyScript), PROGRAM);
  }

  /** Whether env files of the folder hold dummies now, by the last scan. */
  get isSwapped(): boolean {
    return this.#need().protector.swappedFiles.size > 0;
  }

  async secrets(): Promise<readonly ProtectedSecret[]> {
    const { vault } = this.#need();
    await vault.refresh();
    this.#sendSecrets();
    const bindings = new Map(this.policy.state.policy.secrets.map((binding) => [binding.name, binding]));
    const live = vault.secrets.filter(({ revoked }) => revoked === undefined);
    return live.map(({ name, dummy, provider, hosts, in: places, fromEnvironment, marked }) => ({
      name,
      dummy,
      provider,
      hosts: bindings.get(name)?.hosts ?? hosts,
      in: bindings.get(name)?.in ?? places,
      fromEnvironment,
      files: vault.files.filter(({ pairs }) => pairs.some((pair) => pair.dummy === dummy)).map(({ file }) => file),
      ...(marked ? { marked } : {}),
    }));
  }

  /** A folder that cannot be written is guarded all the same: with the approved text, or the default. */
  async #ensurePolicyFile(): Promise<void> {
    try {
      await this.#need().policy.ensureFile();
    } catch (error) {
      this.#notices.fire({
        severity: 'warning',
        message: `${(error as Error).message} The policy that was approved last, or else the default, is in force.`,
      });
    }
  }

  start(options: StartOptions): Promise<void> {
    return this.#serial(async () => {
      if (this.#running) return;
      clearTimeout(this.#retry);
      this.#crashes = 0;
      await this.open();
      this.#need().wiring.reset();
      await this.#start(options);
    });
  }

  async #start(options: StartOptions): Promise<void> {
    this.#set({ kind: 'starting' });
    try {
      const { state, vault, wiring } = this.#need();
      if (!this.#lock) {
        const taken = await takeLock(state.lock, this.options.what);
        if ('owner' in taken) {
          this.#fail(
            'owned-elsewhere',
            `This folder is protected by another window or program already (${taken.owner.what}, process ${taken.owner.pid}). Its proxy serves this folder; stop it there to start it here.`,
          );
          return;
        }
        this.#lock = taken.lock;
      }
      await this.#ensurePolicyFile();
      const { current, trusted } = await loadAuthority(state, path.basename(state.folder));
      this.#authority = current;
      const roots = await upstreamRoots(this.#environment);
      await writeBundle(state.bundle, roots, trusted);
      await vault.refresh();
      await takeChangedKeys(vault, this.#environment);
      const level = await this.#level(options);
      const { proxy, port, openPort } = await this.#fork(
        roots,
        level,
        options,
        level === 'confined commands' && options.confinedChain === 'httpProxyPort',
      );
      const running: Running = { proxy, port, level, options, since: Date.now(), openPort };
      this.#running = running;
      // Each process counts from 1; what the views hold must not be replaced by another process's flow.
      const base = this.#generation++ * FLOWS_PER_PROCESS;
      proxy.onFlows((flows) =>
        this.#flows.fire(base === 0 ? flows : flows.map((flow) => ({ ...flow, id: flow.id + base }))),
      );
      proxy.onLog((text) => this.#logs.fire(text));
      proxy.onCaptured((captured) => void this.#captured(proxy, captured));
      proxy.onUnexpectedExit((how) => this.#crashed(running, how));
      if (proxy.unexpectedExit !== undefined) this.#crashed(running, proxy.unexpectedExit);
      this.#loginWatch ??= watchLogins(this.#logins, () => void this.#loginsChanged());
      this.#vaultWatch ??= watchVault(state.vault, () => void this.#vaultChanged());
      this.#trustWatch ??= watchVault(state.trust, () => {
        this.#trustChanged().catch((error: unknown) => this.#logs.fire((error as Error).message));
      });
      await wiring.write(this.#wired(running));
      // Crashed meanwhile: that was said, and is not to be painted over.
      if (!this.#isCurrent(running)) return;
      this.#set({ kind: 'running', port, level, since: running.since });
      this.#logs.fire(`running on 127.0.0.1:${port}, level ${level}`);
    } catch (error) {
      await this.#release();
      const reason: FailureReason =
        error instanceof ProxyStartError && error.code === 'port-in-use' ? 'port-in-use' : 'internal';
      this.#fail(reason, (error as Error).message);
    }
  }

  #isCurrent(running: Running): boolean {
    return this.#running === running;
  }

  /** Confined commands need two programs and a policy that enforces; without them the level is what it really is. */
  async #level(options: StartOptions): Promise<Exclude<Level, 'off'>> {
    if (options.level === 'routed') return 'routed';
    const missing = (
      await Promise.all(['bwrap', 'socat'].map(async (name) => ((await findProgram(name)) ? undefined : name)))
    ).filter((name) => name !== undefined);
    if (missing.length > 0) {
      this.#notices.fire({
        severity: 'warning',
        message: `Confined commands need ${missing.join(' and ')}, which this machine does not have. The level is "routed".`,
      });
      return 'routed';
    }
    if (this.policy.state.policy.mode !== 'enforce') {
      this.#notices.fire({
        severity: 'warning',
        message:
          'Confined commands need a policy in mode "enforce": a list of allowed hosts contradicts letting everything through. The level is "routed".',
      });
      return 'routed';
    }
    return 'confined commands';
  }

  async #fork(
    roots: readonly string[],
    level: Level,
    { timeouts }: StartOptions,
    withOpenPort: boolean,
  ): Promise<{ proxy: ProxyProcess; port: number; openPort: number | undefined }> {
    const { state, vault, policy, trust } = this.#need();
    // Where nothing can be written, the question comes again with the next start.
    await vault
      .exclusively('trust', () => trust.keepSalt())
      .catch((error: unknown) => {
        this.#logs.fire((error as Error).message);
      });
    await trust.readLogins(this.#logins);
    const stored = await readStored(state.session);
    const secrets = this.#boundSecrets();
    this.#sentSecrets = JSON.stringify(secrets);
    const { parent, problem } = userProxy(this.#environment, stored.port);
    if (problem !== undefined) this.#notices.fire({ severity: 'warning', message: problem });
    const configuration = {
      version: PROTOCOL_VERSION,
      clients: Object.entries(stored.tokens).map(([label, token]) => ({ label, token })),
      open: withOpenPort ? { label: 'claude-sandbox', socketPath: undefined } : undefined,
      ca: this.#authority!,
      upstreamCa: roots,
      parent,
      timeouts,
      folder: state.folder,
      policy: policy.state.approvedText,
      secrets,
      trust: trust.settings,
      record: true,
      wiringJournal: state.wiring,
    } as const;
    const attempt = async (port: number) => {
      const proxy = new ProxyProcess(this.options.proxyScript);
      const listening = await proxy.start({ ...configuration, listen: { host: '127.0.0.1', port } });
      return { proxy, ...listening };
    };
    let started;
    try {
      started = await attempt(stored.port);
    } catch (error) {
      if (!(error instanceof ProxyStartError) || error.code !== 'port-in-use' || stored.port === 0) throw error;
      started = await attempt(0);
      this.#notices.fire({
        severity: 'warning',
        message: `Port ${stored.port} is taken by another program; the proxy listens on ${started.port} now. Agents that were started before must be started again.`,
      });
    }
    this.#stored = { ...stored, port: started.port, level };
    await writeStored(state.session, this.#stored);
    return started;
  }

  #boundSecrets(): BoundSecret[] {
    return this.#need().vault.secrets.map(({ name, value, dummy, hosts, in: places }) => ({
      name,
      value,
      dummy,
      hosts,
      in: places,
    }));
  }

  /** To a running proxy, if they changed since it was told. */
  #sendSecrets(): void {
    const secrets = this.#boundSecrets();
    const text = JSON.stringify(secrets);
    if (!this.#running || text === this.#sentSecrets) return;
    this.#sentSecrets = text;
    this.#running.proxy.send({ type: 'secrets', secrets });
  }

  /** New tokens of a server go into the vault before their dummies go to the client. */
  async #captured(proxy: ProxyProcess, { id, secrets }: Captured): Promise<void> {
    let kept = true;
    try {
      const { vault } = this.#need();
      await vault.exclusively('keep tokens', () =>
        vault.store(secrets.map((secret) => ({ ...secret, provider: undefined, fromEnvironment: false }))),
      );
      this.#logs.fire(`${secrets.map(({ name }) => name).join(', ')}: new tokens of a server, kept in the vault`);
    } catch (error) {
      kept = false;
      this.#notices.fire({
        severity: 'error',
        message: `New tokens of a server could not be put into the vault: ${(error as Error).message} Their dummies work until the proxy stops; then log in again.`,
      });
    }
    proxy.send({ type: 'captured', id, kept });
    this.#sendSecrets();
  }

  get #logins(): readonly Store[] {
    return storePlaces(this.#home, this.#environment).filter(holdsLogin);
  }

  /** An agent logged in, or renewed its login: its own new credential is no foreign one. */
  async #loginsChanged(): Promise<void> {
    if (this.#opened && (await this.#opened.trust.readLogins(this.#logins))) this.#sendTrust();
  }

  #sendTrust(): void {
    this.#running?.proxy.send({ type: 'trust', trust: this.#need().trust.settings });
  }

  async trusted(): Promise<readonly TrustedCredential[]> {
    await this.#trustChanged();
    return this.#need().trust.trusted;
  }

  async trust(host: string, hash: string): Promise<void> {
    const { vault, trust } = this.#need();
    await vault.exclusively('trust', () => trust.add(host, hash, Date.now()));
    this.#sendTrust();
  }

  async distrust(hash: string): Promise<boolean> {
    const { vault, trust } = this.#need();
    const removed = await vault.exclusively('trust', () => trust.remove(hash));
    this.#sendTrust();
    return removed;
  }

  /** Another program may have written the list: a command line trusts, or trusts no more. */
  async #trustChanged(): Promise<void> {
    const { trust } = this.#need();
    const before = JSON.stringify(trust.settings);
    await trust.refresh();
    // With the salt of now.
    await trust.readLogins(this.#logins);
    if (JSON.stringify(trust.settings) === before) return;
    this.#sendTrust();
    this.#logs.fire('the list of trusted credentials was changed by another program, and counts as it is now');
  }

  /** Another process wrote the vault: a command line protected or restored this folder. */
  async #vaultChanged(): Promise<void> {
    try {
      const { vault } = this.#need();
      await vault.refresh();
      if (JSON.stringify(this.#boundSecrets()) === this.#sentSecrets) return;
      this.#sendSecrets();
      this.#logs.fire('the vault was changed by another program; the proxy knows the secrets of now');
      await this.#serial(() => this.#rewire());
    } catch (error) {
      this.#logs.fire((error as Error).message);
    }
  }

  #wired({ level, options, openPort }: Running): Wired {
    const env = wiringEnvironment(this.#environmentOptions('claude'));
    return { level, options, openPort, env, policy: this.policy.state.policy };
  }

  /** Files were swapped or given back: what agents may read has changed. */
  async #rewire(): Promise<void> {
    if (this.#running) await this.#need().wiring.update(this.#wired(this.#running));
  }

  #environmentOptions(label: string, withParts = false): AgentEnvironmentOptions {
    const { state, vault } = this.#need();
    const stored = this.#stored!;
    const known = stored.tokens[label] === undefined ? 'other' : label;
    return {
      host: '127.0.0.1',
      port: this.#running?.port ?? stored.port,
      label: known,
      token: stored.tokens[known]!,
      caFile: state.caCertificate,
      bundleFile: state.bundle,
      preload: this.options.preloadScript,
      dummies: agentVariables(vault, this.#environment, withParts),
      inherited: this.#environment,
    };
  }

  agentEnvironment(label: string): Record<string, string> | undefined {
    return this.#running ? agentEnvironment(this.#environmentOptions(label)) : undefined;
  }

  processEnvironment(label: string): Record<string, string> | undefined {
    return this.#running ? agentEnvironment(this.#environmentOptions(label, true)) : undefined;
  }

  environment(): readonly EnvironmentValue[] {
    return environmentValues(this.#need().vault, this.#environment);
  }

  async realEnvironment(cwd?: string): Promise<Record<string, string>> {
    const { vault, state } = this.#need();
    await vault.refresh();
    const { env, notices } = await realEnvironment(state.folder, cwd ?? state.folder, vault, this.#environment);
    for (const message of notices) this.#notices.fire({ severity: 'warning', message });
    return { ...env };
  }

  stop(): Promise<void> {
    return this.#serial(async () => {
      clearTimeout(this.#retry);
      this.#retry = undefined;
      if (!this.#running && !this.#lock) {
        this.#set({ kind: 'stopped' });
        return;
      }
      this.#set({ kind: 'stopping' });
      await this.#release();
      this.#set({ kind: 'stopped' });
    });
  }

  /** Wiring first: no agent must be led to a port that is about to close. */
  async #release(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#vaultWatch?.dispose();
    this.#vaultWatch = undefined;
    this.#loginWatch?.dispose();
    this.#loginWatch = undefined;
    this.#trustWatch?.dispose();
    this.#trustWatch = undefined;
    if (this.#opened && this.#lock) {
      const { failed } = await undoWiring(this.#opened.state.wiring);
      for (const { reason } of failed) this.#notices.fire({ severity: 'error', message: reason });
    }
    await running?.proxy.stop();
    await this.#lock?.release();
    this.#lock = undefined;
  }

  #crashed(running: Running, how: string): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    if (Date.now() - running.since > STEADY_MS) this.#crashes = 0;
    const wait = BACK_OFF_MS[this.#crashes++];
    this.#logs.fire(`${how} ${wait === undefined ? 'Given up.' : `Restart in ${wait} ms.`}`);
    if (wait === undefined) {
      void this.#serial(async () => {
        await this.#release();
        this.#fail(
          'proxy-crashed',
          `${how} It crashed ${this.#crashes} times in a row and is not restarted. Agents' settings were taken back, so that they are not led to a dead port: their traffic is not guarded now. See the log, then start again.`,
        );
      });
      return;
    }
    this.#set({
      kind: 'failed',
      reason: 'proxy-crashed',
      message: `${how} It is restarted; until then agents cannot reach the network through it.`,
      retryAt: Date.now() + wait,
    });
    this.#retry = setTimeout(() => {
      void this.#serial(async () => {
        if (!this.#disposed && !this.#running && this.#lock) await this.#start(running.options);
      });
    }, wait);
  }

  async doctor(): Promise<readonly DoctorLine[]> {
    await this.open();
    const { state, policy, wiring } = this.#need();
    return diagnose({
      folder: state.folder,
      directory: state.directory,
      session: this.#state,
      policy: policy.state,
      secrets: await this.secrets(),
      wired: await wiredFiles(state.wiring),
      unwired: await wiring.changedBack(),
      scan: await this.scan(),
      environment: this.#environment,
      variables: this.environment(),
      home: this.#home,
      served: this.#running ? undefined : await servedElsewhere(state),
    });
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work, work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #set(state: SessionState): void {
    this.#state = state;
    this.#states.fire(state);
  }

  #fail(reason: FailureReason, message: string): void {
    this.#set({ kind: 'failed', reason, message, retryAt: undefined });
  }

  /** The end of the owner: the proxy process notices, takes the settings back and ends by itself. */
  dispose(): void {
    this.#disposed = true;
    this.#loginWatch?.dispose();
    this.#trustWatch?.dispose();
    this.#vaultWatch?.dispose();
    this.#realWatch?.dispose();
    clearTimeout(this.#retry);
    clearTimeout(this.#loanTimer);
    this.#running?.proxy.abandon();
    this.#running = undefined;
    void this.#lock?.release();
    for (const emitter of [this.#states, this.#flows, this.#notices, this.#logs, this.#finds, this.#loans])
      emitter.dispose();
  }
}

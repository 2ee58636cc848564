// The forked proxy process of one folder, from the owner's side: start, messages, end. It runs with an environment of its own
// (nothing of the user's, no NODE_OPTIONS) and gets its secrets over IPC only.
import { type ChildProcess, fork } from 'node:child_process';
import { Emitter } from '../core/base/event';
import type { Flow } from '../core/flows/flow';
import type { FailureCode, FromProxy, ProxyConfiguration, ToProxy } from '../protocol/proxyMessages';

const START_MS = 15_000;
const STOP_GRACE_MS = 1_500;

export class ProxyStartError extends Error {
  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message);
    this.name = 'ProxyStartError';
  }
}

export type Captured = Extract<FromProxy, { readonly type: 'captured' }>;

export interface Listening {
  readonly port: number;
  readonly openPort: number | undefined;
}

export class ProxyProcess {
  readonly #flows = new Emitter<readonly Flow[]>();
  readonly #logs = new Emitter<string>();
  readonly #captures = new Emitter<Captured>();
  readonly #exits = new Emitter<string>();
  readonly onFlows = this.#flows.event;
  readonly onLog = this.#logs.event;
  /** Tokens to be kept; to be answered with a message `captured`. */
  readonly onCaptured = this.#captures.event;
  /** The process ended without `stop`: with what, in words. */
  readonly onUnexpectedExit = this.#exits.event;
  #child: ChildProcess | undefined;
  #unexpectedExit: string | undefined;
  #stopping = false;

  /** `script`: absolute path of dist/proxy.js. */
  constructor(private readonly script: string) {}

  /** What `onUnexpectedExit` said, for who listens too late. */
  get unexpectedExit(): string | undefined {
    return this.#unexpectedExit;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the port accepts connections. Rejects with `ProxyStartError`. */
  start(configuration: ProxyConfiguration): Promise<Listening> {
    const child = fork(this.script, [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'json',
      env: scrubbed(),
    });
    this.#child = child;
    child.stderr?.on('data', (text: Buffer) => this.#logs.fire(`proxy: ${text.toString('utf8').trimEnd()}`));
    return new Promise((resolve, reject) => {
      let listening = false;
      const fail = (error: ProxyStartError) => {
        clearTimeout(timer);
        this.#stopping = true;
        child.kill('SIGKILL');
        reject(error);
      };
      const timer = setTimeout(
        () => fail(new ProxyStartError('internal', 'The proxy process did not start within 15 seconds.')),
        START_MS,
      );
      child.on('message', (message: FromProxy) => {
        switch (message.type) {
          case 'ready':
            this.#send({ type: 'configure', configuration });
            return;
          case 'listening':
            listening = true;
            clearTimeout(timer);
            resolve({ port: message.port, openPort: message.openPort });
            return;
          case 'failed':
            fail(new ProxyStartError(message.code, message.message));
            return;
          case 'flows':
            this.#flows.fire(message.flows);
            return;
          case 'captured':
            this.#captures.fire(message);
            return;
          case 'log':
            this.#logs.fire(`proxy ${message.level}: ${message.text}`);
        }
      });
      child.on('error', (error) =>
        fail(
          new ProxyStartError(
            'internal',
            `The proxy process could not be started (${(error as NodeJS.ErrnoException).code ?? error.name}).`,
          ),
        ),
      );
      child.on('exit', (code, signal) => {
        const how = signal ? `was ended by ${signal}` : `ended with code ${code ?? 0}`;
        if (!listening) fail(new ProxyStartError('internal', `The proxy process ${how} before it listened.`));
        else if (!this.#stopping) {
          this.#unexpectedExit = `The proxy process ${how}.`;
          this.#exits.fire(this.#unexpectedExit);
        }
      });
    });
  }

  send(message: ToProxy): void {
    this.#send(message);
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#stopping = true;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#send({ type: 'stop', graceMs: STOP_GRACE_MS });
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS + 2_000);
    await gone;
    clearTimeout(timer);
  }

  /** Drops the channel without a word: the process undoes the wiring itself. For the end of the owner. */
  abandon(): void {
    this.#stopping = true;
    if (this.#child?.connected) this.#child.disconnect();
    this.#child?.unref();
  }

  #send(message: ToProxy): void {
    if (this.#child?.connected) this.#child.send(message);
  }
}

function scrubbed(): NodeJS.ProcessEnv {
  // SystemRoot: sockets on Windows need it. ELECTRON_RUN_AS_NODE: in the editor, the program is Electron.
  const { PATH, TZ, SystemRoot } = process.env;
  return {
    SANDBOX_AGENT_PROXY: '1',
    ELECTRON_RUN_AS_NODE: '1',
    ...(PATH ? { PATH } : {}),
    ...(TZ ? { TZ } : {}),
    ...(SystemRoot ? { SystemRoot } : {}),
  };
}

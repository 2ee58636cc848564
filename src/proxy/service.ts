// One proxy, driven by messages: configure, change policy or secrets, stop. The same in a forked process and in the
// command line's own. It holds policy and secrets in memory only and never writes a file.
import { ruleName } from '../core/policy/explain';
import type { BoundSecret } from '../core/secrets/types';
import type { FromProxy, ProxyConfiguration, ToProxy } from '../protocol/proxyMessages';
import { PROTOCOL_VERSION } from '../protocol/proxyMessages';
import { ClientProcesses } from './clientProcess';
import type { Ends, Engine, Listener } from './engine';
import { Guard } from './pipeline/guard';
import { Pipeline } from './pipeline/pipeline';
import { admitting, authenticator } from './tokens';
import { WireEngine } from './wire/wireEngine';

/** How long an answer waits for the vault, in milliseconds. */
const KEEP_MS = 10_000;

export class ProxyService {
  readonly #guard = new Guard();
  #engine: Engine | undefined;
  /** The second port, where there is one. */
  #open: Engine | undefined;
  #pipeline: Pipeline | undefined;
  #lastCapture = 0;
  readonly #captures = new Map<number, (kept: boolean) => void>();

  constructor(private readonly send: (message: FromProxy) => void) {}

  async handle(message: ToProxy): Promise<void> {
    switch (message.type) {
      case 'configure':
        await this.#configure(message.configuration);
        return;
      case 'policy':
        this.#setPolicy(message.text);
        this.#reconsider();
        return;
      case 'secrets':
        this.#guard.setSecrets(message.secrets);
        this.#reconsider();
        return;
      case 'captured':
        this.#captures.get(message.id)?.(message.kept);
        return;
      case 'trust':
        this.#guard.setTrust(message.trust);
        return;
      case 'stop':
        await this.stop(message.graceMs);
    }
  }

  #reconsider(): void {
    this.#engine?.reconsider();
    this.#open?.reconsider();
  }

  async #configure(configuration: ProxyConfiguration): Promise<void> {
    if ((configuration.version as number) !== PROTOCOL_VERSION || this.#engine) {
      this.send({
        type: 'failed',
        code: 'bad-configuration',
        message:
          'The proxy process is of another version than the extension, or was configured twice. Reload the window.',
      });
      return;
    }
    try {
      this.#guard.setSecrets(configuration.secrets);
      if (configuration.trust) this.#guard.setTrust(configuration.trust);
      this.#guard.folder = configuration.folder;
      this.#setPolicy(configuration.policy);
      this.#pipeline = new Pipeline(
        this.#guard,
        configuration.record ? (flows) => this.send({ type: 'flows', flows }) : undefined,
        (secrets) => this.#keep(secrets),
      );
      const { ca, upstreamCa, parent, timeouts } = configuration;
      // One set for both: neither port is reached through the other.
      const listeners = new Set<Listener>();
      const processes = new ClientProcesses();
      const findPeer = configuration.record ? (ends: Ends) => processes.find(ends) : undefined;
      const shared = { ca, upstreamCa, parent, timeouts, listeners, findPeer, handlers: this.#pipeline };
      this.#engine = new WireEngine({ ...shared, authenticate: authenticator(configuration.clients) });
      const { host, port } = await this.#engine.listen(configuration.listen);
      let openPort: number | undefined;
      if (configuration.open !== undefined) {
        const { label, socketPath } = configuration.open;
        const admit = (ends: Ends) => isOwnUser(processes, ends);
        const open = new WireEngine({
          ...shared,
          authenticate: admitting({ label }),
          admit: socketPath === undefined ? admit : undefined,
        });
        this.#open = open;
        if (socketPath === undefined) openPort = (await open.listen({ host, port: 0 })).port;
        else await open.listenAt(socketPath);
      }
      this.send({ type: 'listening', host, port, openPort });
    } catch (error) {
      // Both or none: nobody could reach, change or stop one that is left over.
      const atOpen = this.#open !== undefined;
      await this.stop(0);
      const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' && !atOpen;
      this.send({
        type: 'failed',
        code: inUse ? 'port-in-use' : 'bad-configuration',
        message: inUse
          ? `Port ${configuration.listen.port} is taken by another program.`
          : `The proxy could not start: ${(error as Error).message}`,
      });
    }
  }

  /** The owner has the vault. Whatever it says, the client gets dummies: they work as long as this process runs. */
  async #keep(secrets: readonly BoundSecret[]): Promise<void> {
    const id = ++this.#lastCapture;
    let late: NodeJS.Timeout | undefined;
    const kept = await new Promise<boolean>((resolve) => {
      late = setTimeout(() => resolve(false), KEEP_MS);
      this.#captures.set(id, resolve);
      this.send({ type: 'captured', id, secrets });
    });
    clearTimeout(late);
    this.#captures.delete(id);
    const names = secrets.map(({ name }) => name).join(', ');
    const text = `${names}: a server gave out new tokens, which could not be put into the vault. Their dummies work until the proxy ends; then log in again.`;
    if (!kept) this.send({ type: 'log', level: 'error', text });
  }

  #setPolicy(policy: string): void {
    const log = (text: string) => this.send({ type: 'log', level: 'error', text });
    if (!this.#guard.setPolicy(policy))
      log('The policy text does not parse: everything is blocked until a valid one comes.');
    for (const [rule, problem] of this.#guard.unusable)
      log(`The requests that ${ruleName(rule)} of the policy allows are refused: ${problem}`);
  }

  async stop(graceMs: number): Promise<void> {
    const engine = this.#engine;
    const open = this.#open;
    this.#engine = undefined;
    this.#open = undefined;
    await Promise.all([engine?.close(graceMs), open?.close(graceMs)]);
    this.#pipeline?.flush();
  }
}

/**
 * Keeps other users of the machine out of the port that asks for no token. Not the user's own processes: they are the same to
 * the system. Where it does not say who connects, only the loopback address stands between.
 */
async function isOwnUser(processes: ClientProcesses, ends: Ends): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const uid = await processes.uidOf(ends);
  return uid === process.getuid?.();
}

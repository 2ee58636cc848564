// What of Claude Code's settings is written while a folder's proxy runs: put together, written, written again when files
// were swapped or given back, and looked at for changes of others.
import { type ClaudeWiring, holdsWiring } from '../core/agents/claudeSettings';
import type { Policy } from '../core/policy/types';
import { readIfThere } from '../files/atomicFile';
import type { Level, Notice, StartOptions } from './api';
import { wireClaude, wiredFiles } from './claudeWiring';
import { denyRules } from './denied';
import type { Protector } from './protect';
import type { StateFolder } from './stateFolder';
import { findStores } from './stores';

export interface AgentWiringDeps {
  readonly state: StateFolder;
  readonly protector: Protector;
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly notify: (notice: Notice) => void;
}

/** How the proxy runs that the settings lead to. */
export interface Wired {
  readonly level: Level;
  readonly options: StartOptions;
  readonly openPort: number | undefined;
  /** Proxy and CA variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly policy: Policy;
}

export class AgentWiring {
  #written: ClaudeWiring | undefined;
  /** Since the user's last start: what there is to say is said once. */
  readonly #told = new Set<string>();

  constructor(private readonly deps: AgentWiringDeps) {}

  /** The user starts anew. */
  reset(): void {
    this.#told.clear();
  }

  async write(wired: Wired): Promise<void> {
    await this.#write(wired, await this.#settings(wired));
  }

  /** What agents may read has changed, perhaps. */
  async update(wired: Wired): Promise<void> {
    const settings = await this.#settings(wired);
    if (this.#written?.deny.join('\n') !== settings.deny.join('\n')) await this.#write(wired, settings);
  }

  /** Settings files that no longer hold what we wrote: an agent, or another tool, changed them back. */
  async changedBack(): Promise<string[]> {
    const changed: string[] = [];
    for (const file of await wiredFiles(this.deps.state.wiring)) {
      const text = (await readIfThere(file))?.toString('utf8');
      if (this.#written && (text === undefined || !holdsWiring(text, this.#written))) changed.push(file);
    }
    return changed;
  }

  async #write({ options }: Wired, settings: ClaudeWiring): Promise<void> {
    const { state, home, notify } = this.deps;
    this.#written = settings;
    const { notices } = await wireClaude({
      folder: state.folder,
      journal: state.wiring,
      where: options.claudeSettings,
      wiring: settings,
      home,
    });
    for (const notice of notices) {
      if (this.#told.has(notice.message)) continue;
      this.#told.add(notice.message);
      notify(notice);
    }
  }

  async #settings({ level, openPort, env, policy }: Wired): Promise<ClaudeWiring> {
    const { state, protector, home, environment } = this.deps;
    const scan = await protector.scan({ readers: false });
    const hosts = policy.rules.filter(({ type }) => type !== 'block').flatMap(({ match }) => match.host ?? []);
    return {
      env,
      deny: await denyRules(
        state.folder,
        state.directory,
        await findStores(home, environment),
        scan,
        protector.swappedFiles,
      ),
      sandbox:
        level === 'confined commands'
          ? {
              enabled: true,
              failIfUnavailable: true,
              allowUnsandboxedCommands: false,
              network: {
                allowedDomains: [...new Set(hosts)],
                ...(openPort === undefined ? {} : { httpProxyPort: openPort }),
              },
            }
          : undefined,
    };
  }
}

// The proxy as a process of its own, bundled from the sources as they are: for what can be measured on a process only.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import type { Flow } from '../../src/core/flows/flow';
import type { FromProxy, ProxyConfiguration, ToProxy } from '../../src/protocol/proxyMessages';
import { testAuthority } from './pki';
import { TOKEN } from './wire';

export class ProxyProcess {
  readonly proxyCa = testAuthority('proxy CA of the test');
  readonly originCa = testAuthority('origin CA of the test');
  /** What it logged: faults, if anything. */
  readonly log: string[] = [];
  proxyPort = 0;
  #child: ChildProcess | undefined;
  readonly #waiting: (() => void)[] = [];
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-proxy-'));

  /** What it recorded, by id: with `record`. */
  readonly flows = new Map<number, Flow>();

  static async start(
    policy: string,
    more: Partial<Pick<ProxyConfiguration, 'secrets' | 'record'>> = {},
  ): Promise<ProxyProcess> {
    const made = new ProxyProcess();
    await made.#start(policy, more);
    return made;
  }

  async #start(policy: string, more: Partial<ProxyConfiguration>): Promise<void> {
    const outfile = path.join(this.#directory, 'proxy.cjs');
    await build({
      entryPoints: [path.join(import.meta.dirname, '../../src/proxy/main.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      mainFields: ['module', 'main'],
      logLevel: 'error',
    });
    const child = fork(outfile, [], { env: { ...process.env, SANDBOX_AGENT_PROXY: '1' }, execArgv: [] });
    this.#child = child;
    const configuration: ProxyConfiguration = {
      version: 1,
      listen: { host: '127.0.0.1', port: 0 },
      clients: [{ label: 'claude', token: TOKEN }],
      open: undefined,
      ca: this.proxyCa,
      upstreamCa: [this.originCa.cert],
      policy,
      secrets: [],
      record: false,
      wiringJournal: undefined,
      ...more,
    };
    this.proxyPort = await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`The proxy ended with ${code}.`)));
      child.on('message', (message: FromProxy) => {
        if (message.type === 'ready') child.send({ type: 'configure', configuration } satisfies ToProxy);
        else if (message.type === 'listening') resolve(message.port);
        else if (message.type === 'failed') reject(new Error(message.message));
        else if (message.type === 'flows') this.#seen(message.flows);
        else if (message.type === 'log') this.log.push(message.text);
      });
    });
  }

  #seen(flows: readonly Flow[]): void {
    for (const flow of flows) this.flows.set(flow.id, flow);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves as soon as `condition` holds; looked at whenever flows come. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resident memory in MiB; undefined where the system does not say. */
  rss(): number | undefined {
    if (process.platform !== 'linux') return undefined;
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#child!.pid!}/status`, 'utf8'));
    return kib ? Number(kib[1]) / 1024 : undefined;
  }

  async close(): Promise<void> {
    const child = this.#child!;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.send({ type: 'stop', graceMs: 0 } satisfies ToProxy);
    await gone;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

// The product's handlers (policy, injection, redaction, recording) on either engine, with a real TLS origin behind.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Flow } from '../../src/core/flows/flow';
import type { BoundSecret } from '../../src/core/secrets/types';
import type { Engine, EngineOptions } from '../../src/proxy/engine';
import { Guard } from '../../src/proxy/pipeline/guard';
import { Pipeline } from '../../src/proxy/pipeline/pipeline';
import { authenticator } from '../../src/proxy/tokens';
import { WireEngine } from '../../src/proxy/wire/wireEngine';
import { HttpMitmProxyEngine } from '../engines/httpMitmProxy';
import { testAuthority, testLeaf } from './pki';
import { type RawClient, connectTls } from './rawClient';
import { RawOrigin } from './rawOrigin';
import { AUTH, TOKEN } from './wire';

/** Made from parts, so that no scanner takes it for a real one. */
export const REAL = ['sk', 'ant', 'api03', 'R34LR34LR34LR34LR34L0123456789'].join('-');
export const DUMMY = ['sk', 'ant', 'api03', 'D0mmyD0mmyD0mmyD0mmy9876543210'].join('-');

export const SECRET: BoundSecret = {
  name: 'API_KEY',
  value: REAL,
  dummy: DUMMY,
  hosts: ['localhost'],
  in: ['header:x-api-key', 'header:authorization', 'basic', 'query:key'],
};

/** Bound to another host: its dummy has no business in a message to this one. */
export const ELSEWHERE: BoundSecret = {
  name: 'OTHER_KEY',
  value: ['sk', 'ant', 'api03', 'R34LOTHERR34LOTHERR34L012345678'].join('-'),
  dummy: ['sk', 'ant', 'api03', 'D0mmyOTHERD0mmyOTHER98765432100'].join('-'),
  hosts: ['other.example'],
  in: ['header:authorization'],
};

/** The origin of a test, on any port. */
export const ALLOW_LOCALHOST = `version: 1
mode: enforce
rules:
  - type: allow
    addresses: any
    condition: { match: { host: localhost, port: any } }
`;

export class GuardedFixture {
  readonly guard = new Guard();
  readonly flows = new Map<number, Flow>();
  readonly pipeline = new Pipeline(this.guard, (batch) => {
    for (const flow of batch) this.flows.set(flow.id, flow);
    for (const resolve of this.#waiting.splice(0)) resolve();
  });
  readonly proxyCa = testAuthority('proxy CA of the test');
  readonly originCa = testAuthority('origin CA of the test');
  readonly origin = new RawOrigin(testLeaf(this.originCa));
  readonly engine: Engine;
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-test-'));
  readonly #waiting: (() => void)[] = [];
  readonly #clients: RawClient[] = [];
  proxyPort = 0;
  originPort = 0;

  private constructor(kind: 'wire' | 'http-mitm-proxy', more: Partial<EngineOptions>) {
    const options = {
      authenticate: authenticator([{ label: 'claude', token: TOKEN }]),
      ca: this.proxyCa,
      upstreamCa: [this.originCa.cert],
      handlers: this.pipeline,
      ...more,
    };
    this.engine = kind === 'wire' ? new WireEngine(options) : new HttpMitmProxyEngine(options, this.#directory);
  }

  /** `policy` may say PORT for the port of the origin. */
  static async open(
    kind: 'wire' | 'http-mitm-proxy',
    policy: string,
    secrets: readonly BoundSecret[] = [SECRET],
    more: Partial<EngineOptions> = {},
  ): Promise<GuardedFixture> {
    const fixture = new GuardedFixture(kind, more);
    fixture.originPort = await fixture.origin.listen();
    fixture.guard.setSecrets(secrets);
    if (!fixture.setPolicy(policy)) throw new Error('the policy of the test does not parse');
    fixture.proxyPort = (await fixture.engine.listen({ host: '127.0.0.1', port: 0 })).port;
    return fixture;
  }

  setPolicy(text: string): boolean {
    return this.guard.setPolicy(text.replaceAll('PORT', String(this.originPort)));
  }

  get authority(): string {
    return `localhost:${this.originPort}`;
  }

  async connect(authority = this.authority): Promise<RawClient> {
    const client = await connectTls({ proxyPort: this.proxyPort, authority, auth: AUTH, ca: this.proxyCa.cert });
    this.#clients.push(client);
    return client;
  }

  /** Sends one request on a new connection and returns everything until the connection ends. */
  async send(line: string, fields = '', body = ''): Promise<string> {
    const client = await this.connect();
    return client
      .write(
        `${line} HTTP/1.1\r\nHost: ${this.authority}\r\nConnection: close\r\n${fields}${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`,
      )
      .end();
  }

  /** The flows once `condition` holds for them. */
  async until(condition: (flows: readonly Flow[]) => boolean): Promise<readonly Flow[]> {
    while (!condition([...this.flows.values()])) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return [...this.flows.values()];
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    await this.engine.close(0);
    await this.origin.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

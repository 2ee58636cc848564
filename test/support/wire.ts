// The wire engine with handlers that let everything through, and an origin behind it. For tests of the wire alone.
import type { Addresses } from '../../src/core/policy/types';
import type {
  BodyTransform,
  EngineOptions,
  Exchange,
  ExchangeEnd,
  Handlers,
  LocalAnswer,
  RequestHead,
  Target,
} from '../../src/proxy/engine';
import { authenticator } from '../../src/proxy/tokens';
import { WireEngine } from '../../src/proxy/wire/wireEngine';
import { testAuthority, testLeaf } from './pki';
import { type RawClient, connectTls } from './rawClient';
import { RawOrigin } from './rawOrigin';

export const TOKEN = 'a-token-of-this-test';
export const AUTH = `Basic ${Buffer.from(`claude:${TOKEN}`).toString('base64')}`;

/** What a test may change about the open handlers, and what they saw. */
export class OpenHandlers implements Handlers {
  addresses: Addresses = 'any';
  answer: LocalAnswer | undefined;
  tunnel = false;
  allowed = true;
  requestBody: (() => BodyTransform) | undefined;
  responseBody: (() => BodyTransform) | undefined;
  readonly requests: { head: RequestHead; target: Target; label: string }[] = [];
  readonly ends: { how: ExchangeEnd; request: number; response: number }[] = [];
  readonly refusals: string[] = [];
  #waiting: (() => void)[] = [];

  connect(): ReturnType<Handlers['connect']> {
    if (!this.tunnel) return { kind: 'intercept' };
    return {
      kind: 'tunnel',
      addresses: this.addresses,
      exchange: this.#exchange({
        method: 'CONNECT',
        path: '',
        fields: { names: [], lower: [], values: [] },
        upgrade: false,
        hasBody: false,
      }),
    };
  }

  request(head: RequestHead, target: Target, client: { label: string }): Exchange {
    this.requests.push({ head, target, label: client.label });
    return this.#exchange(head);
  }

  #exchange(head: RequestHead): Exchange {
    const { answer, addresses, responseBody } = this;
    return {
      verdict: answer
        ? { kind: 'answer', answer }
        : {
            kind: 'forward',
            path: head.path,
            fields: head.fields,
            addresses,
            tls: undefined,
            body: this.requestBody?.(),
          },
      sent: () => undefined,
      interim: (head) => head,
      response: ({ fields, reason }) => ({ fields, reason, body: responseBody?.() }),
      end: (how, bytes) => {
        this.ends.push({ how, ...bytes });
        for (const resolve of this.#waiting.splice(0)) resolve();
      },
      stillAllowed: () => this.allowed,
    };
  }

  refused({ code }: { code: string }): void {
    this.refusals.push(code);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export class WireFixture {
  readonly proxyCa = testAuthority('proxy CA of the test');
  readonly originCa = testAuthority('origin CA of the test');
  readonly origin = new RawOrigin(testLeaf(this.originCa));
  readonly handlers = new OpenHandlers();
  readonly engine: WireEngine;
  readonly clients: RawClient[] = [];
  proxyPort = 0;
  originPort = 0;

  private constructor(options: Partial<EngineOptions>) {
    this.engine = new WireEngine({
      authenticate: authenticator([{ label: 'claude', token: TOKEN }]),
      ca: this.proxyCa,
      upstreamCa: [this.originCa.cert],
      handlers: this.handlers,
      ...options,
    });
  }

  static async open(options: Partial<EngineOptions> = {}): Promise<WireFixture> {
    const fixture = new WireFixture(options);
    fixture.originPort = await fixture.origin.listen();
    fixture.proxyPort = (await fixture.engine.listen({ host: '127.0.0.1', port: 0 })).port;
    return fixture;
  }

  get authority(): string {
    return `localhost:${this.originPort}`;
  }

  async connect(authority = this.authority, servername?: string): Promise<RawClient> {
    const client = await connectTls({
      proxyPort: this.proxyPort,
      authority,
      auth: AUTH,
      ca: this.proxyCa.cert,
      ...(servername === undefined ? {} : { servername }),
    });
    this.clients.push(client);
    return client;
  }

  /** A request head for the origin; `extra` lines end in CRLF. */
  get(extra = '', line = 'GET / HTTP/1.1', host = this.authority): string {
    return `${line}\r\nHost: ${host}\r\n${extra}\r\n`;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.socket.destroy();
    await this.engine.close(0);
    await this.origin.close();
  }
}

// The proxy that this machine has to use (a company's): a connection to an upstream through its CONNECT (RFC 9110, 9.3.6) or
// through SOCKS5. It gets the name and resolves it, so `addresses: public` holds as far as this machine can know: for literals,
// and for names that resolve here too. Its answers are read strictly; its password goes into no message.
import net from 'node:net';
import { authority } from '../../core/base/host';
import { type ParentAddress, type ParentProxy, parseParentUrl } from '../../core/base/parentProxy';
import type { Addresses } from '../../core/policy/types';
import type { Listener, Target } from '../engine';
import { BadMessage, endOfHead, parseHead, parseStatusLine } from '../http1/head';
import { WireError } from '../wire/errors';
import {
  addressesOf,
  checkAddresses,
  checkUnresolved,
  isOwnAddress,
  isOwnListener,
  isThisMachine,
  type Lookup,
  loop,
} from './address';
import type { Attempt } from './attempt';
import { connectFirst } from './happyEyeballs';
import { compileNoProxy } from './noProxy';
import { readAnswer } from './readAnswer';
import { ContextStore, secure } from './secure';
import { askSocks } from './socksClient';

/** How long the parent waits for our own resolver, which may know nothing of the world where there is a parent. */
const LOOKUP_MS = 3_000;
/** How long a name that does not resolve here is not asked for again. */
const UNRESOLVED_MS = 60_000;
const MAX_UNRESOLVED = 1_000;

export class Parent {
  readonly #address: ParentAddress;
  readonly #contexts: ContextStore;
  readonly #direct: (host: string) => boolean;
  /** For messages. */
  readonly #name: string;
  /** Look-ups under way: a resolver that hangs holds one of few threads for each. */
  readonly #looking = new Map<string, Promise<readonly string[]>>();
  /** Names that do not resolve here, and until when that is believed. */
  readonly #unresolved = new Map<string, number>();

  /** `ca`: the engine's. Throws when the URL is none of a proxy. */
  constructor(
    options: ParentProxy,
    ca: readonly string[],
    private readonly lookup: Lookup,
  ) {
    const address = parseParentUrl(options.url);
    if (!address.ok) throw new Error(`the parent proxy cannot be used: ${address.error}`);
    this.#address = address.value;
    this.#name = `the parent proxy ${authority(address.value.host, address.value.port)}`;
    this.#contexts = new ContextStore(ca.length > 0 || options.ca.length > 0 ? [...ca, ...options.ca] : []);
    this.#direct = compileNoProxy(options.noProxy);
  }

  /** Whether a canonical host is reached through it. What means this machine never is: there it would mean another. */
  takes(host: string): boolean {
    return !isThisMachine(host) && !this.#direct(host);
  }

  /**
   * A tunnel to the target. The parent resolves the name, maybe otherwise than we do: under `addresses: public` a name all of
   * whose addresses here are private goes nowhere, and one that does not resolve here goes on. Throws `WireError`, with a
   * code `parent-…` where the parent is the reason.
   */
  async open(target: Target, addresses: Addresses, own: ReadonlySet<Listener>, attempt: Attempt): Promise<net.Socket> {
    checkUnresolved(target.host, addresses);
    const known = addresses === 'public' && net.isIP(target.host) === 0 ? this.#locally(target.host) : undefined;
    // At the same time, so that it costs nothing where it is quick; nothing is asked of the parent before.
    const reached = this.#reach(target, own, attempt);
    reached.catch(() => undefined);
    if (known) checkAddresses(target.host, await known);
    try {
      const socket = await reached;
      if (this.#address.kind === 'socks5') await askSocks(socket, target, this.#address.login, this.#name);
      else await this.#connect(socket, target);
      return socket;
    } catch (error) {
      throw error instanceof WireError ? ofParent(error) : error;
    }
  }

  /** What our resolver says of a name; nothing where it does not know, or takes long. */
  async #locally(host: string): Promise<readonly string[]> {
    if ((this.#unresolved.get(host) ?? 0) > performance.now()) return [];
    let looking = this.#looking.get(host);
    if (!looking) {
      looking = this.lookup(host)
        .catch(() => [])
        .finally(() => this.#looking.delete(host));
      this.#looking.set(host, looking);
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<readonly string[]>((resolve) => {
      timer = setTimeout(() => resolve([]), LOOKUP_MS).unref();
    });
    const found = await Promise.race([looking, late]);
    clearTimeout(timer);
    this.#unresolved.delete(host);
    if (found.length === 0) {
      if (this.#unresolved.size >= MAX_UNRESOLVED) this.#unresolved.delete(this.#unresolved.keys().next().value!);
      this.#unresolved.set(host, performance.now() + UNRESOLVED_MS);
    }
    return found;
  }

  async #reach(target: Target, own: ReadonlySet<Listener>, attempt: Attempt): Promise<net.Socket> {
    const { kind, host, port } = this.#address;
    const found = await addressesOf(host, this.lookup);
    // A parent on this machine may resolve a name to this machine: our own ports are then out of bounds for every name.
    for (const out of found.some(isOwnAddress) ? [port, target.port] : [port])
      if (found.some((address) => isOwnListener(address, out, own))) throw loop();
    const socket = await connectFirst(found, port, this.#name, attempt);
    if (kind !== 'https') return socket;
    const context = this.#contexts.get(undefined);
    return secure(socket, this.#name, { host, context, alpn: ['http/1.1'], insecure: false }, attempt);
  }

  async #connect(socket: net.Socket, target: Target): Promise<void> {
    const where = authority(target.host, target.port);
    const { login } = this.#address;
    const credentials = login && Buffer.from(`${login.user}:${login.password}`).toString('base64');
    const field = credentials === undefined ? '' : `Proxy-Authorization: Basic ${credentials}\r\n`;
    socket.write(`CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n${field}\r\n`);
    const status = await readAnswer(socket, this.#name, (bytes) => {
      try {
        const end = endOfHead(bytes);
        if (end < 0) return undefined;
        return { value: parseStatusLine(parseHead(bytes, end).startLine).status, length: end };
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error;
        throw new WireError('parent-failed', `What ${this.#name} answered is not HTTP. Nothing was sent.`, 502);
      }
    });
    if (status >= 200 && status < 300) return;
    throw refusedByParent(this.#name, where, status);
  }
}

function refusedByParent(name: string, where: string, status: number): WireError {
  if (status === 407) {
    const message = `${name} asks for a user and password (407), or does not take those it was given. Nothing was sent to ${where}. Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT and start the proxy again.`;
    return new WireError('parent-authentication', message, 502);
  }
  if (status === 403) {
    const message = `${name} refuses connections to ${where} (403). The policy here allows it and nothing was sent: ask whoever runs that proxy.`;
    return new WireError('parent-refused', message, 502);
  }
  return new WireError(
    'parent-failed',
    `${name} did not connect to ${where} (status ${status}). Nothing was sent.`,
    502,
  );
}

/** A failure on the way to the parent, told from one of the upstream by its code and words. */
function ofParent({ code, message, status }: WireError): WireError {
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  if (code === 'loop' || code.startsWith('parent-')) return new WireError(code, sentence, status);
  const words = `${sentence} It is the proxy that HTTPS_PROXY names; nothing was sent to the upstream.`;
  return new WireError(`parent-${code}`, words, status);
}

// Puts the real value where a bound host reads it, and nowhere else. A dummy on its way to a host that its secret is not
// bound to ends the request; on its own host, outside the bound places, it stays a dummy. No value goes into a message.
import { compileHosts } from '../policy/hosts';
import type { Scheme } from '../policy/types';
import { createMatcher } from './matcher';
import type { BoundSecret, Finding, FindingKind } from './types';

export interface InjectionTarget {
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  /** A loopback name or address: the only place where a value may go without TLS. */
  readonly loopback: boolean;
  readonly upgrade: boolean;
}

export interface InjectionResult {
  readonly path: string;
  /** The given array itself where no value changed. */
  readonly values: readonly string[];
  readonly injected: readonly string[];
  readonly findings: readonly Finding[];
  /** Set when the request must not go out. */
  readonly refusal: Finding | undefined;
}

export interface BodyScanner {
  /** Names of secrets whose dummy ends in this chunk and that are not bound to the host. */
  push(chunk: Uint8Array): readonly string[];
}

export interface Injection {
  /** `values[i]` belongs to the field `lower[i]`; latin1, one char a byte. `path` is the origin-form target. */
  request(target: InjectionTarget, path: string, lower: readonly string[], values: readonly string[]): InjectionResult;
  bodyScanner(host: string): BodyScanner;
}

/** A value is never put into these, whatever a binding says. */
const NEVER = new Set(['cookie', 'referer', 'user-agent', 'host', 'origin']);

interface Compiled {
  readonly secret: BoundSecret;
  readonly boundTo: (host: string) => boolean;
  readonly headers: ReadonlySet<string>;
  readonly queries: ReadonlySet<string>;
  readonly basic: boolean;
}

export function compileInjection(secrets: readonly BoundSecret[]): Injection {
  const compiled = secrets.map(compile).sort((a, b) => b.secret.dummy.length - a.secret.dummy.length);
  return {
    request: (target, path, lower, values) => new Pass(compiled, target, path, lower, values).run(),
    bodyScanner: (host) => scanner(compiled.filter(({ boundTo }) => !boundTo(host)).map(({ secret }) => secret)),
  };
}

function compile(secret: BoundSecret): Compiled {
  const places = (prefix: string) =>
    secret.in.filter((place) => place.startsWith(prefix)).map((place) => place.slice(prefix.length));
  return {
    secret,
    boundTo: compileHosts(secret.hosts),
    headers: new Set(
      places('header:')
        .map((name) => name.toLowerCase())
        .filter((name) => !NEVER.has(name)),
    ),
    queries: new Set(places('query:')),
    basic: secret.in.includes('basic'),
  };
}

/** One request. Kept as an object: half a dozen things change together. */
class Pass {
  readonly #injected = new Set<string>();
  readonly #findings: Finding[] = [];
  #refusal: Finding | undefined;
  #values: string[] | undefined;
  #path: string;
  /** Bound places that were served: each once (some clients send the same field twice). */
  readonly #served = new Set<string>();

  constructor(
    private readonly secrets: readonly Compiled[],
    private readonly target: InjectionTarget,
    path: string,
    private readonly lower: readonly string[],
    private readonly values: readonly string[],
  ) {
    this.#path = path;
  }

  run(): InjectionResult {
    if (this.secrets.length > 0) {
      this.#query();
      for (let i = 0; i < this.lower.length && !this.#refusal; i++) this.#field(i);
    }
    const refused = this.#refusal !== undefined;
    return {
      path: this.#path,
      values: refused ? this.values : (this.#values ?? this.values),
      injected: refused ? [] : [...this.#injected],
      findings: this.#findings,
      refusal: this.#refusal,
    };
  }

  #field(i: number): void {
    const name = this.lower[i]!;
    const value = this.values[i]!;
    if (name === 'authorization' && /^basic /i.test(value)) {
      this.#basic(i, value);
      return;
    }
    for (const entry of this.secrets) {
      const { dummy } = entry.secret;
      if (!holds(value, dummy)) continue;
      const place = `header:${name}`;
      // The value alone, or behind one scheme word (RFC 9110, 11.4): `Bearer`, `token`, `Bot`.
      const bare =
        value === dummy ||
        (value.endsWith(` ${dummy}`) && /^[A-Za-z][A-Za-z0-9-]*$/.test(value.slice(0, -dummy.length - 1)));
      if (!this.#may(entry, place, bare && entry.headers.has(name))) continue;
      const real = binary(entry.secret.value);
      if (/[\r\n\0]/.test(real)) {
        this.#find('dummy-elsewhere', entry, place, 'marked');
        continue;
      }
      this.#set(i, value.slice(0, value.length - dummy.length) + real);
      this.#injected.add(entry.secret.name);
      return;
    }
  }

  #basic(i: number, value: string): void {
    const encoded = value.slice(6).trim();
    let text: string;
    try {
      text = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    } catch {
      return;
    }
    const colon = text.indexOf(':');
    const parts = colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
    let changed = false;
    for (const entry of this.secrets) {
      if (this.#refusal) return;
      const { dummy } = entry.secret;
      if (!text.includes(dummy)) continue;
      const at = parts.indexOf(dummy);
      if (!this.#may(entry, 'basic', at >= 0 && entry.basic)) continue;
      parts[at] = binary(entry.secret.value);
      this.#injected.add(entry.secret.name);
      changed = true;
    }
    if (changed) this.#set(i, `${value.slice(0, 6)}${btoa(parts.join(':'))}`);
  }

  #query(): void {
    for (const entry of this.secrets) {
      if (this.#refusal) return;
      const { dummy } = entry.secret;
      if (!holds(this.#path, dummy)) continue;
      const mark = this.#path.indexOf('?');
      const inPath = holds(mark < 0 ? this.#path : this.#path.slice(0, mark), dummy);
      let place = 'path';
      let bound = false;
      let next = this.#path;
      if (!inPath) {
        const parts = this.#path.slice(mark + 1).split('&');
        for (const [index, part] of parts.entries()) {
          if (!holds(part, dummy)) continue;
          const equals = part.indexOf('=');
          const name = equals < 0 ? '' : part.slice(0, equals);
          place = `query:${name.slice(0, 40)}`;
          bound = part.slice(equals + 1) === dummy && entry.queries.has(name);
          if (!bound) break;
          parts[index] = `${name}=${percentEncode(entry.secret.value)}`;
        }
        next = `${this.#path.slice(0, mark + 1)}${parts.join('&')}`;
      }
      if (!this.#may(entry, place, bound)) continue;
      this.#path = next;
      this.#injected.add(entry.secret.name);
    }
  }

  /** Whether the value may go here; records what was seen where it may not. */
  #may(entry: Compiled, place: string, bound: boolean): boolean {
    const { scheme, host, loopback } = this.target;
    if (!entry.boundTo(host)) {
      this.#refusal = this.#find('dummy-unbound', entry, place, 'blocked');
      return false;
    }
    const key = `${entry.secret.name} ${place}`;
    if (!bound || this.#served.has(key)) {
      this.#find('dummy-elsewhere', entry, place, 'marked');
      return false;
    }
    if (scheme !== 'https' && scheme !== 'wss' && !loopback) {
      this.#refusal = this.#find('dummy-cleartext', entry, place, 'blocked');
      return false;
    }
    this.#served.add(key);
    return true;
  }

  #find(kind: FindingKind, { secret }: Compiled, place: string, action: Finding['action']): Finding {
    const finding: Finding = { kind, secret: secret.name, place, action };
    this.#findings.push(finding);
    return finding;
  }

  #set(i: number, value: string): void {
    this.#values ??= [...this.values];
    this.#values[i] = value;
  }
}

/** The dummy as it stands, or percent-encoded in part or as a whole (its characters need no escape, but may have one). */
function holds(text: string, dummy: string): boolean {
  if (text.includes(dummy)) return true;
  if (!text.includes('%')) return false;
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))).includes(dummy);
}

/** UTF-8 bytes as latin1, which is how the wire holds header values. */
function binary(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : String.fromCharCode(...new TextEncoder().encode(text));
}

function percentEncode(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) =>
      /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}

function scanner(secrets: readonly BoundSecret[]): BodyScanner {
  const patterns = secrets.map(({ dummy }) => new TextEncoder().encode(dummy));
  const matcher = createMatcher(patterns);
  let held = new Uint8Array(0);
  return {
    push(chunk) {
      let bytes = chunk;
      if (held.length > 0) {
        bytes = new Uint8Array(held.length + chunk.length);
        bytes.set(held);
        bytes.set(chunk, held.length);
      }
      const names: string[] = [];
      let at = 0;
      for (let match = matcher.find(bytes, 0); match; match = matcher.find(bytes, at)) {
        names.push(secrets[match.pattern]!.name);
        at = match.at + match.length;
      }
      held = bytes.slice(bytes.length - matcher.tailLength(bytes.subarray(at)));
      return names;
    },
  };
}

// Puts the real value where a bound host reads it, and nowhere else. A dummy on its way to a host that its secret is not
// bound to ends the request; on its own host, outside the bound places, it stays a dummy. No value goes into a message.
import { compileHosts } from '../policy/hosts';
import type { Scheme } from '../policy/types';
import { basicParts, decodeBase64, percentDecode, percentEncode, toLatin1 } from './encodings';
import { createMatcher, type Matcher } from './matcher';
import type { BoundSecret, Finding, FindingKind } from './types';

export interface InjectionTarget {
  readonly scheme: Scheme;
  /** Canonical (core/base/host). */
  readonly host: string;
  readonly port: number;
  /** A loopback name or address: the only place where a value may go without TLS. */
  readonly loopback: boolean;
  readonly upgrade: boolean;
  /** The policy has the certificate of the upstream not verified. */
  readonly unverified?: boolean | undefined;
}

export interface InjectionResult {
  readonly path: string;
  /** The given array itself where no value changed. */
  readonly values: readonly string[];
  /** Names of the secrets whose real value goes out. */
  readonly injected: readonly string[];
  readonly findings: readonly Finding[];
  /** Set when the request must not go out; `path` and `values` are then as given. */
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

/** A value is never put into these, whatever a binding says: they are logged, cached, or sent on by others. */
const NEVER = new Set(['cookie', 'set-cookie', 'referer', 'user-agent', 'host', 'origin', 'proxy-authorization']);
/** RFC 9110, 5.5: a field value with these would end the field. A binding cannot change that. */
const UNFIT_FOR_FIELD = /[\0-\x08\x0a-\x1f\x7f]/;

interface Compiled {
  readonly secret: BoundSecret;
  readonly dummyLower: string;
  readonly boundTo: (host: string) => boolean;
  readonly headers: ReadonlySet<string>;
  readonly queries: ReadonlySet<string>;
  readonly basic: boolean;
  readonly path: boolean;
}

export function compileInjection(secrets: readonly BoundSecret[]): Injection {
  // An empty dummy would be found everywhere.
  const usable = secrets.filter(({ dummy }) => dummy !== '');
  const compiled = usable.map(compile).sort((a, b) => b.secret.dummy.length - a.secret.dummy.length);
  const encoder = new TextEncoder();
  const anyDummy = createMatcher(compiled.map(({ dummyLower }) => encoder.encode(dummyLower)));
  const scanners = new Map<string, Matcher>();
  return {
    request(target, path, lower, values) {
      // Most requests carry no dummy: one pass over the head says so.
      const head =
        readings(`${target.host}\n${path}\n${lower.join('\n')}\n${values.join('\n')}`) + basicTexts(lower, values);
      if (!anyDummy.find(encoder.encode(head.toLowerCase()), 0))
        return { path, values, injected: [], findings: [], refusal: undefined };
      return new Pass(compiled, target, path, lower, values).run();
    },
    bodyScanner(host) {
      const unbound = compiled.filter(({ boundTo }) => !boundTo(host)).map(({ secret }) => secret);
      // The same few hosts come again and again; a stranger's many names must not fill the memory.
      const key = unbound.map(({ name }) => name).join('\n');
      let matcher = scanners.get(key);
      if (!matcher) {
        matcher = createMatcher(unbound.map(({ dummy }) => encoder.encode(dummy)));
        if (scanners.size < 64) scanners.set(key, matcher);
      }
      return new Scanner(matcher, unbound);
    },
  };
}

function compile(secret: BoundSecret): Compiled {
  const places = (prefix: string) =>
    secret.in.filter((place) => place.startsWith(prefix)).map((place) => place.slice(prefix.length));
  const headers = places('header:').map((name) => name.toLowerCase());
  return {
    secret,
    dummyLower: secret.dummy.toLowerCase(),
    boundTo: compileHosts(secret.hosts),
    headers: new Set(headers.filter((name) => !NEVER.has(name))),
    queries: new Set(places('query:')),
    basic: secret.in.includes('basic'),
    path: secret.in.includes('path'),
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
    private readonly path: string,
    private readonly lower: readonly string[],
    private readonly values: readonly string[],
  ) {
    this.#path = path;
  }

  run(): InjectionResult {
    this.#elsewhere('host', this.target.host, 'dummyLower');
    this.#query();
    for (let i = 0; i < this.lower.length && !this.#refusal; i++) {
      this.#elsewhere('header name', this.lower[i]!, 'dummyLower');
      this.#field(i);
    }
    if (this.#refusal)
      return {
        path: this.path,
        values: this.values,
        injected: [],
        findings: this.#findings,
        refusal: this.#refusal,
      };
    return {
      path: this.#path,
      values: this.#values ?? this.values,
      injected: [...this.#injected],
      findings: this.#findings,
      refusal: undefined,
    };
  }

  /** Dummies in a text where no value ever goes. */
  #elsewhere(place: string, text: string, form: 'dummy' | 'dummyLower' = 'dummy'): void {
    const all = readings(text);
    for (const entry of this.secrets) {
      if (this.#refusal) return;
      const dummy = form === 'dummy' ? entry.secret.dummy : entry.dummyLower;
      if (all.includes(dummy)) this.#may(entry, place, false);
    }
  }

  #field(i: number): void {
    const name = this.lower[i]!;
    const value = this.values[i]!;
    if (name === 'authorization' && this.#basic(i, value)) return;
    const all = readings(value);
    for (const entry of this.secrets) {
      if (this.#refusal) return;
      const { dummy } = entry.secret;
      if (!all.includes(dummy)) continue;
      // The value alone, or behind one scheme word (RFC 9110, 11.4): `Bearer`, `token`, `Bot`.
      const bare =
        value.endsWith(dummy) && /^(?:(?!basic )[A-Za-z][A-Za-z0-9-]* +)?$/i.test(value.slice(0, -dummy.length));
      const real = toLatin1(entry.secret.value);
      const bound = bare && entry.headers.has(name) && !UNFIT_FOR_FIELD.test(real);
      if (!this.#may(entry, `header:${name}`, bound)) continue;
      this.#set(i, value.slice(0, -dummy.length) + real);
      this.#injected.add(entry.secret.name);
      return;
    }
  }

  /** User and password inside Basic credentials (RFC 7617). False when the value is something else. */
  #basic(i: number, value: string): boolean {
    const match = BASIC.exec(value);
    const text = match ? decodeBase64(match[2]!) : undefined;
    if (!match || text === undefined) return false;
    const parts = basicParts(text);
    // A dummy that stands there as it is happens to be base64, too.
    const all = `${readings(text)}\n${readings(value)}`;
    let changed = false;
    for (const entry of this.secrets) {
      if (this.#refusal) return true;
      const { dummy } = entry.secret;
      if (!all.includes(dummy)) continue;
      const at = parts.indexOf(dummy);
      const real = toLatin1(entry.secret.value);
      // A user ends at the first colon: a value with one would read as another user and password.
      const fits = at === 1 || !real.includes(':');
      if (!this.#may(entry, 'basic', at >= 0 && entry.basic && fits)) continue;
      parts[at] = real;
      this.#injected.add(entry.secret.name);
      changed = true;
    }
    if (changed) this.#set(i, `${match[1]!}${btoa(parts.join(':'))}`);
    return true;
  }

  #query(): void {
    const mark = this.path.indexOf('?');
    const segments = this.#segments(mark < 0 ? this.path : this.path.slice(0, mark));
    this.#path = mark < 0 ? segments : segments + this.path.slice(mark);
    if (mark < 0) return;
    const parts = this.path.slice(mark + 1).split('&');
    let changed = false;
    for (const [index, part] of parts.entries()) {
      const all = readings(part);
      const equals = part.indexOf('=');
      const name = equals < 0 ? '' : part.slice(0, equals);
      for (const entry of this.secrets) {
        if (this.#refusal) return;
        if (!all.includes(entry.secret.dummy)) continue;
        const bound = entry.queries.has(name) && part.slice(equals + 1) === entry.secret.dummy;
        // A name of the client's making may itself hold something secret: only plain words are repeated.
        const place = bound || /^[A-Za-z_-]{1,24}$/.test(name) ? `query:${name}` : 'query';
        if (!this.#may(entry, place, bound)) continue;
        parts[index] = `${name}=${percentEncode(entry.secret.value)}`;
        this.#injected.add(entry.secret.name);
        changed = true;
        break;
      }
    }
    if (changed) this.#path = `${segments}?${parts.join('&')}`;
  }

  /** Place `path`: a segment that is the dummy, or ends with it after a word (Telegram's `/bot<token>/`). */
  #segments(path: string): string {
    if (!this.secrets.some(({ path: served }) => served)) {
      this.#elsewhere('path', path);
      return path;
    }
    const segments = path.split('/');
    const others = [...segments];
    for (const [i, segment] of segments.entries()) {
      const plain = percentDecode(segment);
      for (const entry of this.secrets) {
        const { dummy, value } = entry.secret;
        if (!entry.path || !plain.endsWith(dummy)) continue;
        const word = plain.slice(0, -dummy.length);
        if (!/^[A-Za-z]{0,12}$/.test(word)) continue;
        others[i] = '';
        if (!this.#may(entry, 'path', true)) break;
        // A value that would be another segment, or end the path, is written in escapes; so it is one segment for everyone.
        segments[i] = `${word}${percentEncode(value, ":@!$&'()*+,;=")}`;
        this.#injected.add(entry.secret.name);
        break;
      }
      if (this.#refusal) return path;
    }
    this.#elsewhere('path', others.join('/'));
    return segments.join('/');
  }

  /** Whether the value may go here; records what was seen where it may not. */
  #may(entry: Compiled, place: string, bound: boolean): boolean {
    const { scheme, host, loopback, unverified } = this.target;
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
    if (unverified === true) {
      this.#refusal = this.#find('dummy-unverified', entry, place, 'blocked');
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

const BASIC = /^(basic[ \t]+)(\S+)[ \t]*$/i;

/** What Basic credentials of the head say, for the quick pass. */
function basicTexts(lower: readonly string[], values: readonly string[]): string {
  let out = '';
  for (let i = 0; i < lower.length; i++) {
    if (lower[i] !== 'authorization') continue;
    const match = BASIC.exec(values[i]!);
    const text = match ? decodeBase64(match[2]!) : undefined;
    if (text !== undefined) out += `\n${readings(text)}`;
  }
  return out;
}

/**
 * A text and what it is when percent-decoded once and twice, one below the other. A dummy's characters need no escape, but
 * may have one; it holds no line end, so it is never found across two readings.
 */
function readings(text: string): string {
  if (!text.includes('%')) return text;
  const once = percentDecode(text);
  return once.includes('%') ? `${text}\n${once}\n${percentDecode(once)}` : `${text}\n${once}`;
}

class Scanner implements BodyScanner {
  #held: Uint8Array | undefined;

  constructor(
    private readonly matcher: Matcher,
    private readonly secrets: readonly BoundSecret[],
  ) {}

  push(chunk: Uint8Array): readonly string[] {
    let bytes = chunk;
    if (this.#held) {
      bytes = new Uint8Array(this.#held.length + chunk.length);
      bytes.set(this.#held);
      bytes.set(chunk, this.#held.length);
    }
    const names: string[] = [];
    let at = 0;
    for (let match = this.matcher.find(bytes, 0); match; match = this.matcher.find(bytes, at)) {
      names.push(this.secrets[match.pattern]!.name);
      at = match.at + match.length;
    }
    const rest = bytes.subarray(at);
    const tail = this.matcher.tailLength(rest);
    // A copy: the caller may use the memory of its chunk again.
    this.#held = tail > 0 ? Uint8Array.from(rest.subarray(rest.length - tail)) : undefined;
    return names;
  }
}

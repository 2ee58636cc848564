// The policy and the secrets in force, compiled for the hot path. Replaced whole on a change, never edited.
import { randomBytes } from 'node:crypto';
import { type Result, ok } from '../../core/base/result';
import { type CompiledPolicy, compilePolicy } from '../../core/policy/evaluate';
import { compileHosts } from '../../core/policy/hosts';
import { parsePolicy } from '../../core/policy/parse';
import type { Policy, Rule } from '../../core/policy/types';
import { type AwsKey, awsKeys } from '../../core/secrets/aws';
import { type Detector, createDetector } from '../../core/secrets/detect';
import { type Injection, compileInjection } from '../../core/secrets/inject';
import { type BodyInjection, compileBodyInjection } from '../../core/secrets/injectBody';
import { findKeyShapes } from '../../core/secrets/keyShapes';
import { PROVIDERS } from '../../core/secrets/providerTable';
import { type Redactor, createRedactor } from '../../core/secrets/redact';
import { type SplitWatch, createSplitWatch } from '../../core/secrets/splitWatch';
import type { BoundSecret, TrustSettings } from '../../core/secrets/types';
import { Trust } from '../../files/trust';
import { DECODERS } from '../codecs/contentCoding';
import type { UpstreamTls } from '../engine';
import { readUpstreamTls } from './upstreamFiles';

/** Blocks everything: in force when a text that does not parse reaches the proxy. It should have been refused before. */
const NOTHING: Policy = { mode: 'enforce', default: 'block', rules: [], secrets: [], tests: [] };

const TITLES: ReadonlyMap<string, string> = new Map(PROVIDERS.map(({ id, title }) => [id, title]));
const MAX_HOSTS = 256;

export class Guard {
  #policy: Policy = NOTHING;
  #given: readonly BoundSecret[] = [];
  #fresh: readonly BoundSecret[] = [];
  #bound: readonly BoundSecret[] = [];
  #compiled: CompiledPolicy = compilePolicy(NOTHING);
  #injection: Injection = compileInjection([]);
  #bodies: BodyInjection = compileBodyInjection([]);
  #awsKeys: readonly AwsKey[] = [];
  #detector: Detector = createDetector([], DECODERS);
  #trust = new Trust({ salt: randomBytes(32).toString('base64url'), hashes: [] });
  readonly #byHost = new Map<string, readonly BoundSecret[]>();
  #hosts: readonly (readonly [BoundSecret, (host: string) => boolean])[] = [];
  #split: SplitWatch = createSplitWatch([]);
  #known: ReadonlySet<string> = new Set();
  /** Whose values detection and redaction were made for, as JSON. */
  #searched = '[]';
  #redactor: Redactor = createRedactor([]);
  #upstreams: ReadonlyMap<Rule, Result<UpstreamTls, string>> = new Map();
  /** What file names in the policy are relative to (absolute path); undefined: relative ones cannot be read. */
  folder: string | undefined;

  get policy(): CompiledPolicy {
    return this.#compiled;
  }

  get injection(): Injection {
    return this.#injection;
  }

  get bodies(): BodyInjection {
    return this.#bodies;
  }

  get awsKeys(): readonly AwsKey[] {
    return this.#awsKeys;
  }

  get detector(): Detector {
    return this.#detector;
  }

  /** Pieces of values over several requests: what it has seen so far stays with it. */
  get split(): SplitWatch {
    return this.#split;
  }

  /** Titles of the providers of keys in a text that are none of ours. */
  unknownKeys(data: Uint8Array | string): readonly string[] {
    return [...new Set(findKeyShapes(data, this.#known).map(({ provider }) => TITLES.get(provider) ?? provider))];
  }

  get redactor(): Redactor {
    return this.#redactor;
  }

  get secrets(): readonly BoundSecret[] {
    return this.#bound;
  }

  /** TLS towards the upstreams of a rule: undefined where it says nothing, an error where its files are no good. */
  upstreamTls(rule: Rule | undefined): Result<UpstreamTls | undefined, string> {
    return (rule && this.#upstreams.get(rule)) ?? ok(undefined);
  }

  /** The rules whose `upstream` cannot be used, each with a sentence. Their requests are refused. */
  get unusable(): readonly (readonly [Rule, string])[] {
    return [...this.#upstreams].flatMap(([rule, tls]) => (tls.ok ? [] : [[rule, tls.error] as const]));
  }

  /** Reads the files that it names. Returns whether the text is valid. An invalid one blocks everything: whoever sends it was to check it first. */
  setPolicy(text: string): boolean {
    const { policy } = parsePolicy(text);
    this.#policy = policy ?? NOTHING;
    this.#compiled = compilePolicy(this.#policy);
    this.#upstreams = new Map(
      this.#policy.rules.flatMap((rule) =>
        rule.upstream ? [[rule, readUpstreamTls(rule.upstream, this.folder)] as const] : [],
      ),
    );
    this.#bind();
    return policy !== undefined;
  }

  /** Tokens that a server gave out just now: known from this moment on, whoever keeps them. */
  addSecrets(secrets: readonly BoundSecret[]): void {
    const names = new Set(secrets.map(({ name }) => name));
    this.#fresh = [...this.#fresh.filter(({ name }) => !names.has(name)), ...secrets];
    this.#given = this.#given.filter(({ name }) => !names.has(name));
    this.#bind();
  }

  /** Credentials beside the managed ones. Without any, everything else is foreign. */
  setTrust(trust: TrustSettings): void {
    this.#trust = new Trust(trust);
  }

  get trust(): Trust {
    return this.#trust;
  }

  /** Secrets that requests to this host may carry. */
  boundTo(host: string): readonly BoundSecret[] {
    let bound = this.#byHost.get(host);
    if (!bound) {
      bound = this.#hosts.flatMap(([secret, matches]) => (matches(host) ? [secret] : []));
      // The same few hosts come again and again; a stranger's many names must not fill the memory.
      if (this.#byHost.size < MAX_HOSTS) this.#byHost.set(host, bound);
    }
    return bound;
  }

  setSecrets(secrets: readonly BoundSecret[]): void {
    this.#given = secrets;
    const kept = new Set(secrets.map(({ value }) => value));
    this.#fresh = this.#fresh.filter(({ value }) => !kept.has(value));
    this.#bind();
  }

  /** `secrets:` of the approved policy says where a secret may go; the provider table only where it says nothing. */
  #bind(): void {
    const bindings = new Map(this.#policy.secrets.map((binding) => [binding.name, binding]));
    this.#bound = [...this.#given, ...this.#fresh].map((secret) => {
      const binding = bindings.get(secret.name);
      return binding ? { ...secret, hosts: binding.hosts, in: binding.in } : secret;
    });
    this.#injection = compileInjection(this.#bound);
    this.#byHost.clear();
    this.#hosts = this.#bound.flatMap((secret) =>
      secret.in.length > 0 && secret.hosts.length > 0 ? [[secret, compileHosts(secret.hosts)] as const] : [],
    );
    this.#bodies = compileBodyInjection(this.#bound);
    this.#awsKeys = awsKeys(this.#bound);
    this.#search();
  }

  /** What is looked for says nothing of hosts and places: a change of the policy leaves it as it is. */
  #search(): void {
    const searched = JSON.stringify(this.#bound.map(({ name, value, dummy }) => [name, value, dummy]));
    if (searched === this.#searched) return;
    this.#searched = searched;
    this.#detector = createDetector(this.#bound, DECODERS);
    this.#split = createSplitWatch(this.#bound);
    this.#known = new Set(this.#bound.flatMap(({ value, dummy }) => [value, dummy]));
    this.#redactor = createRedactor(this.#bound);
  }
}

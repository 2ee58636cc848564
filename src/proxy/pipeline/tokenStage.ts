// OAuth: where a client traded a dummy for a new token, the new token is a secret as well. It is kept, and its dummy goes on: the
// client never has the real one. Only answers to a grant of a managed refresh token are looked at: from anything else, whoever
// writes an answer could make a secret of what he likes.
import { randomBytes } from 'node:crypto';
import { makeDummy } from '../../core/env/dummy';
import { readFields } from '../../core/secrets/bodyFields';
import { lookupProvider } from '../../core/secrets/providers';
import type { BoundSecret } from '../../core/secrets/types';
import type { ResponseHead } from '../engine';
import { fieldOf } from '../fields';
import type { Guard } from './guard';
import type { FlowContext, Stage } from './stage';

/** Resolves when they are kept for good, or cannot be. */
export type KeepTokens = (secrets: readonly BoundSecret[]) => Promise<void>;

/** RFC 6749, 5.1, and the spelling of some vendors; the last name of a path into the answer. */
const FIELD = /(?:^|\.)(?:access_?token|refresh_?token)$/i;
/** The grant (RFC 6749, 6): what was traded must be a managed refresh token, and nothing else was put in. */
export const GRANT = /^body:(?:.*\.)?refresh_?token$/i;
const MAX_BYTES = 1024 * 1024;
/** A token is one word of this length, with letters and digits: nothing that stands in ordinary answers and requests. */
const TOKEN = /^(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9._~+/=|-]{20,4096}$/;
/** Of each kind the last two are known: of an older one nobody has the dummy any more. */
const GENERATIONS = 2;

export class TokenStage implements Stage {
  /** The name that was used last, by its base. */
  readonly #last = new Map<string, string>();

  constructor(
    private readonly guard: Guard,
    private readonly keep: KeepTokens | undefined,
  ) {}

  response(context: FlowContext, head: ResponseHead): void {
    const { response, granted, injected, request } = context;
    const status = head.status >= 200 && head.status <= 299;
    if (!response || !granted || injected.length !== 1 || request.method !== 'POST' || !head.hasBody || !status) return;
    const type = fieldOf(head.fields, 'content-type')?.split(';')[0]!.trim().toLowerCase();
    if (type !== 'application/json') return;
    response.hold = { maxBytes: MAX_BYTES, judge: (body) => this.#judge(granted, body) };
  }

  async #judge(parent: BoundSecret, body: Buffer): Promise<Buffer> {
    const read = readFields('application/json', body);
    if (!read) return body;
    const fresh = new Map<string, BoundSecret>();
    for (const { name, value: text } of read.fields) {
      const value = Buffer.from(text, 'latin1').toString('utf8');
      if (!FIELD.test(name) || !TOKEN.test(value) || fresh.has(value) || this.#isKnown(value)) continue;
      const secret = this.#secretOf(parent, name.slice(name.lastIndexOf('.') + 1), value, [...fresh.values()]);
      if (secret) fresh.set(value, secret);
    }
    if (fresh.size > 0) {
      this.guard.addSecrets([...fresh.values()]);
      await this.keep?.([...fresh.values()]);
    }
    // Wherever they stand in the answer: vendors say them twice, under other names.
    const stream = this.guard.redactor.stream();
    return Buffer.concat([stream.push(body), stream.end()]);
  }

  #isKnown(text: string): boolean {
    return this.guard.secrets.some(({ value, dummy }) => text === value || text === dummy);
  }

  /** Undefined: so short that its dummy could be guessed. */
  #secretOf(
    parent: BoundSecret,
    field: string,
    value: string,
    others: readonly BoundSecret[],
  ): BoundSecret | undefined {
    const all = [...this.guard.secrets, ...others];
    const isTaken = (text: string) => all.some((secret) => secret.value === text || secret.dummy === text);
    const made = makeDummy(value, { randomBytes: (count) => randomBytes(count), isTaken });
    if (!made.ok) return undefined;
    const refresh = /refresh/i.test(field);
    const base = `${parent.name.replace(/ (?:access|refresh) token(?: \d+)?$/, '')} ${refresh ? 'refresh' : 'access'} token`;
    const names = Array.from({ length: GENERATIONS }, (_, i) => (i === 0 ? base : `${base} ${i + 1}`));
    const last = this.#last.get(base);
    const free = names.find((name) => !all.some((secret) => secret.name === name));
    const name = free ?? names.find((one) => one !== last)!;
    this.#last.set(base, name);
    // Never by the shape of what a server answered. Where nobody knows where such tokens go, the user is asked on first use.
    const known = lookupProvider(parent.name, parent.value);
    const hosts = refresh ? parent.hosts : (known?.hosts ?? []);
    const places = refresh ? parent.in : [...new Set(['header:authorization', ...(known?.in ?? [])])];
    return { name, value, dummy: made.value, hosts, in: places };
  }
}

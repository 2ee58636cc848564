// OAuth: where a client traded a dummy for a new token, the new token is a secret as well. It is kept, and its dummy goes on: the
// client never has the real one. Only answers of token endpoints to requests that a real value was put into are looked at.
import { randomBytes } from 'node:crypto';
import { makeDummy } from '../../core/env/dummy';
import { readFields } from '../../core/secrets/bodyFields';
import { toLatin1 } from '../../core/secrets/encodings';
import { lookupProvider } from '../../core/secrets/providers';
import type { BoundSecret } from '../../core/secrets/types';
import type { ResponseHead } from '../engine';
import { fieldOf } from '../fields';
import type { Guard } from './guard';
import type { FlowContext, Stage } from './stage';

/** Resolves when they are kept for good, or cannot be. */
export type KeepTokens = (secrets: readonly BoundSecret[]) => Promise<void>;

/** RFC 6749, 3.2 leaves the path open; these are the ones in use. */
const TOKEN_PATH = /(?:^|[/_.-])(?:o?auth2?|tokens?|access_token|login)(?=$|[/?_.-])/i;
/** RFC 6749, 5.1, and the spelling of some vendors. */
const FIELDS = new Set(['access_token', 'refresh_token', 'accessToken', 'refreshToken']);
const MAX_BYTES = 1024 * 1024;
const MIN_LENGTH = 12;

export class TokenStage implements Stage {
  constructor(
    private readonly guard: Guard,
    private readonly keep: KeepTokens | undefined,
  ) {}

  response(context: FlowContext, head: ResponseHead): void {
    const { response, injected, request } = context;
    if (!response || injected.length === 0 || !head.hasBody || head.status < 200 || head.status > 299) return;
    const type = fieldOf(head.fields, 'content-type') ?? '';
    if (!/[/+]json\b/i.test(type) || !TOKEN_PATH.test(request.path)) return;
    response.hold = { maxBytes: MAX_BYTES, judge: (body) => this.#judge(context, body) };
  }

  async #judge(context: FlowContext, body: Buffer): Promise<Buffer> {
    const read = readFields('application/json', body, FIELDS);
    if (!read) return body;
    const parent = this.guard.secrets.find(({ name }) => context.injected.includes(name));
    const fresh: BoundSecret[] = [];
    const out: Buffer[] = [];
    let from = 0;
    for (const field of read.fields) {
      const value = Buffer.from(field.value, 'latin1').toString('utf8');
      if (!parent || value.length < MIN_LENGTH || this.#isDummy(field.value)) continue;
      const known = this.guard.secrets.find((secret) => secret.value === value);
      const secret = known ?? this.#secretOf(parent, field.name, value, fresh);
      const dummy = secret && read.encode(secret.dummy);
      if (dummy === undefined) continue;
      if (!known) fresh.push(secret!);
      out.push(body.subarray(from, field.from), Buffer.from(dummy, 'latin1'));
      from = field.to;
    }
    if (fresh.length > 0) {
      this.guard.addSecrets(fresh);
      await this.keep?.(fresh);
    }
    return out.length === 0 ? body : Buffer.concat([...out, body.subarray(from)]);
  }

  #isDummy(text: string): boolean {
    return this.guard.secrets.some(({ dummy }) => toLatin1(dummy) === text);
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
    const provider = refresh ? undefined : lookupProvider(field.toUpperCase(), value);
    const base = `${parent.name.replace(/ (?:access|refresh) token.*$/, '')} ${refresh ? 'refresh' : 'access'} token`;
    let name = base;
    for (let i = 2; all.some((secret) => secret.name === name); i++) name = `${base} ${i}`;
    const places = refresh ? [`body:${field}`, 'body:refresh_token'] : ['header:authorization', 'query:access_token'];
    return {
      name,
      value,
      dummy: made.value,
      // Where the one that was traded for it may go, and where such tokens go.
      hosts: [...new Set([...parent.hosts, ...(provider?.hosts ?? [])])],
      in: [...new Set([...places, ...(provider?.in ?? []), ...(refresh ? parent.in : [])])],
    };
  }
}

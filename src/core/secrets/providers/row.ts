// What a row of the provider table says, and how one is written down. A row holds no secret and no example of one.
import { AWS_PLACE } from '../aws';
import type { Place } from '../types';

/**
 * `http`: sent with requests. `aws`: requests are signed with it, and signed again on their way. The others do not travel in HTTP as they are, or the program
 * itself needs the real one: a dummy would break it, so they are shown and left unticked.
 */
export type SecretKind = 'http' | 'aws' | 'signing' | 'webhook' | 'encryption' | 'database';

export interface Provider {
  readonly id: string;
  readonly title: string;
  /** Names of variables, whole, in upper case. */
  readonly names: readonly string[];
  /**
   * Shapes of values, whole; a match alone says whose it is. Capture groups are what is no secret in it (prefix, key id,
   * region): dummies keep them.
   */
  readonly shapes: readonly RegExp[];
  /** Shapes that others use as well: they count where the name says nothing else. */
  readonly weakShapes: readonly RegExp[];
  /** Rows of one family share shapes: the name decides between them, and the first row where it says nothing. */
  readonly family: string | undefined;
  /** Patterns as in policy rules. Empty: every customer has hosts of their own, the user binds it. */
  readonly hosts: readonly string[];
  /** Where the provider reads it; some of them (`body:…`, `path`) may not be served by injection yet. */
  readonly in: readonly Place[];
  readonly kind: SecretKind;
  /** Requests to `hosts` are conversations with a model: what the agent read is mentioned there. */
  readonly modelApi: boolean;
  /** Model APIs among hosts that do other things as well, or that take another credential. */
  readonly modelHosts: readonly string[];
  /** The vendor's documentation, without the scheme. */
  readonly source: string;
}

type Given = Partial<Omit<Provider, 'id' | 'title' | 'source' | 'names'>> & {
  /** Separated by spaces; `{A,B}` stands for either. */
  readonly names?: string;
};

const BEARER: readonly Place[] = ['header:authorization'];

export function provider(id: string, title: string, source: string, { names = '', ...given }: Given): Provider {
  return {
    id,
    title,
    source,
    names: names.split(/\s+/).flatMap((name) => (name === '' ? [] : expandNames(name))),
    shapes: [],
    weakShapes: [],
    family: undefined,
    hosts: [],
    in: given.kind === undefined || given.kind === 'http' ? BEARER : given.kind === 'aws' ? [AWS_PLACE] : [],
    kind: 'http',
    modelApi: false,
    modelHosts: [],
    ...given,
  };
}

/** `A_{B,C}` as `A_B` and `A_C`. Braces do not nest. */
export function expandNames(pattern: string): string[] {
  const match = /^([^{]*)\{([^}]*)\}(.*)$/.exec(pattern);
  if (!match) return [pattern];
  const [, head = '', choices = '', tail = ''] = match;
  const tails = expandNames(tail);
  return choices.split(',').flatMap((choice) => tails.map((rest) => head + choice + rest));
}

/** UUID as a part of a shape. */
export const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** `prefix` (no secret) and a UUID. */
export const withUuid = (prefix: string) => new RegExp(`^(${prefix})${UUID}$`);

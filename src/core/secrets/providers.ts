// Finds whose a secret is, by its shape and by the name of its variable. The table itself is in providerTable.ts. What is
// looked up may be anything that a file holds: the work is bounded by an index, and no shape goes back over a text.
import { compileHosts } from '../policy/hosts';
import { AWS_PLACE } from './aws';
import { PROVIDERS, type Provider } from './providerTable';
import type { Place } from './types';

/** What frameworks and people put around a name does not change whose it is. */
const PREFIX =
  /^(?:NEXT_PUBLIC_|VITE_|REACT_APP_|EXPO_PUBLIC_|NUXT_(?:PUBLIC_)?|TF_VAR_|MY_|APP_|PROD(?:UCTION)?_|DEV_|STAGING_|TEST_|OLD_|NEW_)+/;
const SUFFIX = /(?:_(?:\d{1,2}|PROD(?:UCTION)?|DEV|STAGING|TEST|LIVE|LOCAL|OLD|NEW|BACKUP))+$/;
/** No header that servers take is longer. */
const MAX_LENGTH = 16_384;
const MAX_NAME = 256;

interface IndexedShape {
  readonly provider: Provider;
  readonly shape: RegExp;
  readonly weak: boolean;
  /** Place in the table: of several that match, the first counts. */
  readonly order: number;
}

const BY_NAME: ReadonlyMap<string, Provider> = new Map(
  PROVIDERS.flatMap((row) => row.names.map((name) => [name, row] as const)),
);
/** By the first two characters that a value must have; `''` where a shape leaves them open. In the order of the table. */
const BY_START: ReadonlyMap<string, readonly IndexedShape[]> = indexShapes();

function indexShapes(): Map<string, IndexedShape[]> {
  const index = new Map<string, IndexedShape[]>();
  for (const [order, provider] of PROVIDERS.entries())
    for (const [weak, shapes] of [
      [false, provider.shapes],
      [true, provider.weakShapes],
    ] as const)
      for (const shape of shapes) {
        const start = literalStart(shape.source);
        const key = start.length >= 2 ? start.slice(0, 2) : '';
        index.set(key, [...(index.get(key) ?? []), { provider, shape, weak, order }]);
      }
  return index;
}

/** The characters that a shape begins with, as far as they are written out. */
export function literalStart(source: string): string {
  const match = /^\^\(?((?:[A-Za-z0-9_:~-]|\\[.$])*)(.?)/.exec(source);
  if (match?.[1] === undefined) return '';
  const literal = match[1].replaceAll('\\', '');
  // The last one is optional or repeated; a choice leaves all of them open.
  if (match[2] === '|') return '';
  return /[?*+{]/.test(match[2] ?? '') ? literal.slice(0, -1) : literal;
}

/** What a value is tried against: strong shapes and weak ones. */
export function shapesToTry(value: string): readonly IndexedShape[] {
  if (value.length > MAX_LENGTH) return [];
  return [...(BY_START.get(value.slice(0, 2)) ?? []), ...(BY_START.get('') ?? [])];
}

function matches(value: string): IndexedShape[] {
  return shapesToTry(value)
    .filter(({ shape }) => shape.test(value))
    .sort((a, b) => a.order - b.order);
}

/**
 * The provider of a value: by a shape that only one has, which cannot lie; then by the name of its variable; then by a shape
 * that others use as well. Within a family the name decides.
 */
export function lookupProvider(name: string, value: string): Provider | undefined {
  const found = matches(value);
  const strong = found.filter(({ weak }) => !weak);
  const named = providerNamed(name);
  if (strong.length === 0) return named ?? found[0]?.provider;
  return strong.find(({ provider }) => provider === named)?.provider ?? strong[0]?.provider;
}

function providerNamed(name: string): Provider | undefined {
  if (name.length > MAX_NAME) return undefined;
  const upper = name.toUpperCase();
  return BY_NAME.get(upper) ?? BY_NAME.get(upper.replace(PREFIX, '').replace(SUFFIX, ''));
}

/** Whether a value looks like this provider's, whatever its variable is called. */
export function hasShape({ shapes, weakShapes }: Provider, value: string): boolean {
  const fits = (shape: RegExp) => shape.test(value);
  return value.length <= MAX_LENGTH && (shapes.some(fits) || weakShapes.some(fits));
}

export interface ShapeMatch {
  readonly provider: Provider;
  /** All that the value has; the first is the one of `provider`. */
  readonly shapes: readonly RegExp[];
  /** Spans of what is no secret in the value (prefix, key id, region), in order. */
  readonly kept: readonly (readonly [from: number, to: number])[];
}

/** The shape of a value and the parts of it that are no secret. */
export function matchShape(value: string): ShapeMatch | undefined {
  const found = matches(value);
  const [best, ...others] = found.sort((a, b) => Number(a.weak) - Number(b.weak));
  if (!best) return undefined;
  const { provider, shape } = best;
  const shapes = [shape, ...others.map((other) => other.shape)];
  const spans = new RegExp(shape.source, 'd').exec(value)?.indices?.slice(1) ?? [];
  // A group that took no part has no span.
  const kept = (spans as readonly (readonly [number, number] | undefined)[]).flatMap((span) => (span ? [span] : []));
  return { provider, shapes, kept };
}

/** Whether injection puts values into such a place. */
export function isServedPlace(place: Place): boolean {
  return (
    place === 'basic' ||
    place === 'path' ||
    place === 'websocket' ||
    place === AWS_PLACE ||
    /^(?:header|query|body):./.test(place)
  );
}

/** Whether requests to this host are conversations with a model. */
export const isModelApi: (host: string) => boolean = compileHosts(
  PROVIDERS.flatMap(({ modelApi, hosts, modelHosts }) => (modelApi ? [...hosts, ...modelHosts] : modelHosts)),
);

// Fields of a message, changed as a whole: never in place, since others hold them.
import type { Fields } from './engine';

/** The same object where there are none of these (in lower case). */
export function withoutFields(fields: Fields, drop: ReadonlySet<string>): Fields {
  const keep = fields.lower.map((name) => !drop.has(name));
  if (!keep.includes(false)) return fields;
  const pick = (list: string[]) => list.filter((_, i) => keep[i]);
  return { names: pick(fields.names), lower: pick(fields.lower), values: pick(fields.values) };
}

/** The first one; undefined where there is none. */
export function fieldOf({ lower, values }: Fields, name: string): string | undefined {
  const at = lower.indexOf(name);
  return at < 0 ? undefined : values[at];
}

export const EXPECT: ReadonlySet<string> = new Set(['expect']);

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

/** With another value wherever the field is; the same object where it is not. */
export function withValue(fields: Fields, name: string, value: string): Fields {
  if (!fields.lower.includes(name)) return fields;
  return { ...fields, values: fields.values.map((before, i) => (fields.lower[i] === name ? value : before)) };
}

export const withLength = (fields: Fields, length: number): Fields =>
  withValue(fields, 'content-length', String(length));

/** The members of a comma list over all fields of this name (RFC 9110, 5.6.1), without white space around them. */
export function listOf({ lower, values }: Fields, name: string): string[] {
  return values
    .filter((_, i) => lower[i] === name)
    .flatMap((value) => value.split(','))
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

export const EXPECT: ReadonlySet<string> = new Set(['expect']);

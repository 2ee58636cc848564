// Values in the shapes of the provider table, made at run time from the shapes themselves: none of them is anybody's.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lookupProvider } from '../../../../src/core/secrets/providers';
import type { Provider } from '../../../../src/core/secrets/providers/row';

export const examplesOf = (shape: RegExp, count = 3, seed = 42): string[] =>
  fc.sample(fc.stringMatching(new RegExp(shape.source)), { numRuns: count, seed });

/** [name of a variable, id of the row, a host and a place of it ('' where there is none)] */
export type Known = readonly [name: string, id: string, host: string, place: string];

/** What every group of the table must hold, and a few of its rows in the words of their documentation. */
export function testRows(rows: readonly Provider[], known: readonly Known[]): void {
  it('finds each row by each of its names', () => {
    for (const row of rows)
      for (const name of row.names) expect(`${name}: ${lookupProvider(name, 'x')?.id}`).toBe(`${name}: ${row.id}`);
  });

  it('finds each row by each of its shapes, with its own name where a family shares them', () => {
    for (const row of rows)
      for (const shape of [...row.shapes, ...row.weakShapes])
        for (const example of examplesOf(shape)) {
          const name = row.family === undefined ? 'SOME_VALUE' : row.names[0]!;
          expect(lookupProvider(name, example)?.id).toBe(row.id);
        }
  });

  it.each(known)('%s is of %s, read by %s at %s', (name, id, host, place) => {
    const row = lookupProvider(name, 'x')!;
    expect(row.id).toBe(id);
    expect(rows).toContain(row);
    if (host === '') expect(row.hosts).toEqual([]);
    else expect(row.hosts).toContain(host);
    if (place === '') expect(row.in).toEqual([]);
    else expect(row.in).toContain(place);
  });
}

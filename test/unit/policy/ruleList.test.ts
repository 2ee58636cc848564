import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, matchesGlob } from '../../../src/core/policy/glob';
import { RuleList } from '../../../src/core/policy/ruleList';

const rulesOf = (globs: readonly (readonly string[] | undefined)[]) =>
  globs.map((paths) => ({ paths: paths?.map(compileGlob) }));
function listOf(count: number): RuleList {
  const list = new RuleList();
  for (let i = 0; i < count; i++) list.add(i);
  return list;
}

const segment = fc.constantFrom('a', 'b', 'ab', '', '*', '**', 'a*', '*b', '**a');
const glob = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
const path = fc
  .array(fc.constantFrom('a', 'b', 'ab', '', 'aab'), { maxLength: 6 })
  .map((parts) => `/${parts.join('/')}`);

describe('the rules of a host by path', () => {
  it('leaves out no rule that matches, whatever its globs are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.array(glob, { minLength: 1, maxLength: 3 }), { nil: undefined }), {
          minLength: 20,
          maxLength: 40,
        }),
        fc.oneof(path, fc.constant('*'), fc.constant('')),
        (globs, text) => {
          const rules = rulesOf(globs);
          const found = new Set(listOf(rules.length).forPath(text, rules).flat());
          rules.forEach(({ paths }, index) => {
            const matches = !paths || paths.some((one) => matchesGlob(one, text));
            if (matches) expect(found).toContain(index);
          });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('leaves out nearly all of a thousand that do not', () => {
    const rules = rulesOf(Array.from({ length: 1000 }, (_, i) => [`/repos/org${i}/**`, `/orgs/${i}`, `/user${i}/*/x`]));
    const list = listOf(1000);
    expect(list.forPath('/repos/org500/issues/1', rules).flat()).toEqual([500]);
    expect(list.forPath('/repos/org500', rules).flat()).toEqual([500]);
    expect(list.forPath('/orgs/7', rules).flat()).toEqual([7]);
    expect(list.forPath('/user8/a/x', rules).flat()).toEqual([8]);
    expect(list.forPath('/elsewhere', rules).flat()).toEqual([]);
  });

  it('hands out a few as they are, and takes in what is added later', () => {
    const list = listOf(3);
    expect(list.forPath('/x', rulesOf([['/a'], ['/b'], ['/c']]))).toEqual([[0, 1, 2]]);
    const rules = rulesOf(Array.from({ length: 21 }, (_, i) => [`/${i}`]));
    const many = listOf(20);
    expect(many.forPath('/20', rules).flat()).toEqual([]);
    many.add(20);
    expect(many.forPath('/20', rules).flat()).toEqual([20]);
  });

  it('costs a path of nothing but slashes no more than another', () => {
    const rules = rulesOf(Array.from({ length: 50 }, (_, i) => [`${'/a'.repeat(40)}/${i}`, `/${'x/'.repeat(40)}**`]));
    const list = listOf(50);
    expect(list.forPath('/'.repeat(60_000), rules).length).toBeLessThan(30);
    expect(new Set(list.forPath(`/${'x/'.repeat(50)}`, rules).flat()).size).toBe(50);
    expect(list.forPath(`${'/a'.repeat(40)}/7`, rules).flat()).toContain(7);
  });
});

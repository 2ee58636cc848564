// Rules that a host could match, found by the path instead of tried one by one: a policy may hold hundreds for one host. Keys
// are the literal beginnings of the rules' globs, cut at a slash; a path has as many as it has segments.
import type { CompiledGlob } from './glob';

/** Fewer are tried faster than looked up. */
const WORTH_AN_INDEX = 12;
/** Deeper literal beginnings share the key of this depth: a path of nothing but slashes must not cost more than any other. */
const MAX_DEPTH = 24;

/** What an index needs of a rule. */
interface HasPaths {
  readonly paths: readonly CompiledGlob[] | undefined;
}

export class RuleList {
  /** Indices of rules, ascending. */
  readonly all: number[] = [];
  #byKey: Map<string, number[]> | undefined;

  add(index: number): void {
    this.all.push(index);
    this.#byKey = undefined;
  }

  /** Those that could match a path, ascending within each list; `rules` are the rules that the indices mean. */
  forPath(path: string, rules: readonly HasPaths[]): readonly (readonly number[])[] {
    if (this.all.length < WORTH_AN_INDEX) return [this.all];
    this.#byKey ??= this.#build(rules);
    const found: (readonly number[])[] = [];
    for (const key of keysOf(path)) {
      const list = this.#byKey.get(key);
      if (list) found.push(list);
    }
    return found;
  }

  #build(rules: readonly HasPaths[]): Map<string, number[]> {
    const byKey = new Map<string, number[]>();
    for (const index of this.all) {
      const { paths } = rules[index]!;
      for (const key of new Set(paths ? paths.map(keyOf) : [''])) {
        const list = byKey.get(key);
        if (list) list.push(index);
        else byKey.set(key, [index]);
      }
    }
    return byKey;
  }
}

/** Where a glob is filed: every path that it matches has this key among its own. */
function keyOf({ exact, prefix, parts }: CompiledGlob): string {
  if (exact !== undefined) return `=${exact}`;
  const next = parts[prefix === '' ? 0 : 1];
  // `/**` and `/**/` begin at a segment's end: the whole of the prefix is segments.
  const whole = next && 'wildcard' in next && (next.wildcard === 'below' || next.wildcard === 'between');
  const text = whole ? `${prefix}/` : prefix.slice(0, prefix.lastIndexOf('/') + 1);
  return cut(text);
}

function* keysOf(path: string): Generator<string> {
  yield '';
  yield `=${path}`;
  const text = `${path}/`;
  let slash = text.indexOf('/');
  for (let depth = 0; slash >= 0 && depth < MAX_DEPTH; depth++) {
    yield text.slice(0, slash + 1);
    slash = text.indexOf('/', slash + 1);
  }
}

function cut(text: string): string {
  let end = -1;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const slash = text.indexOf('/', end + 1);
    if (slash < 0) return text;
    end = slash;
  }
  return text.slice(0, end + 1);
}

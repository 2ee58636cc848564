// Path globs: `*` inside a segment, `**` across segments; `/a/**` means `/a` too. Linear in time for any input: no regular expression.

/** A glob cut into literal text and wildcards, made once a rule. */
export type CompiledGlob = readonly (string | Wildcard)[];
type Wildcard = { readonly across: boolean };

export function compileGlob(glob: string): CompiledGlob {
  const parts: (string | Wildcard)[] = [];
  let literal = '';
  for (let i = 0; i < glob.length; i++) {
    if (glob[i] !== '*') {
      literal += glob[i]!;
      continue;
    }
    if (literal !== '') parts.push(literal);
    literal = '';
    let stars = 1;
    while (glob[i + 1] === '*') {
      stars++;
      i++;
    }
    parts.push({ across: stars > 1 });
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

/**
 * Whether the whole of `text` matches. Time is bounded by length × number of wildcards: positions reachable after each
 * part are kept as a set, so nothing is tried twice.
 */
export function matchesGlob(glob: CompiledGlob, text: string): boolean {
  const [first, last] = glob;
  if (glob.length === 1 && typeof first === 'string') return first === text;
  if (
    glob.length === 2 &&
    typeof first === 'string' &&
    typeof last === 'object' &&
    last.across &&
    first.endsWith('/')
  ) {
    return text.startsWith(first) || text === first.slice(0, -1);
  }
  let reachable = new Set<number>([0]);
  for (const part of glob) {
    const next = new Set<number>();
    if (typeof part === 'string') {
      for (const at of reachable) if (text.startsWith(part, at)) next.add(at + part.length);
    } else {
      let until = -1;
      for (const at of [...reachable].sort((a, b) => a - b)) {
        if (at <= until) continue; // reached from an earlier start, and so is all that follows
        for (until = at; ; until++) {
          next.add(until);
          if (until === text.length || (!part.across && text[until] === '/')) break;
        }
      }
    }
    if (next.size === 0) return false;
    reachable = next;
  }
  return reachable.has(text.length);
}

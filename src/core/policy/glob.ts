// Path globs: `*` inside a segment, `**` across segments. As a whole segment `**` may be nothing: `/a/**` means `/a` too,
// `/a/**/b` means `/a/b` too. No regular expressions: time is bounded by text × wildcards for any input.

/** `within`: no slash. `across`: anything. `between`: `/` or `/…/`. `below`: nothing, or `/` and anything. */
type Wildcard = 'within' | 'across' | 'between' | 'below';
type Part = { readonly literal: string } | { readonly wildcard: Wildcard };

/** A glob cut into literal text and wildcards, made once a rule. */
export interface CompiledGlob {
  readonly parts: readonly Part[];
  /** The whole glob, where it has no wildcard. */
  readonly exact: string | undefined;
  /** The text before the first wildcard. */
  readonly prefix: string;
  /** Nothing but a prefix and then `/**` or `**`: the common case. */
  readonly tail: 'below' | 'across' | undefined;
}

export function compileGlob(glob: string): CompiledGlob {
  const parts: Part[] = [];
  const tokens =
    bytes(glob.replace(/(?:\/\*{2,})+(?=\/|$)/g, '/**')).match(/\/\*{2,}\/|\/\*{2,}$|\*+|[^*/]+|\//g) ?? [];
  let literal = '';
  const flush = () => {
    if (literal !== '') parts.push({ literal });
    literal = '';
  };
  for (const token of tokens) {
    const wildcard = wildcardOf(token);
    if (wildcard === undefined) literal += token;
    else {
      flush();
      parts.push({ wildcard });
    }
  }
  flush();
  const [first, second] = parts;
  const prefix = first && 'literal' in first ? first.literal : '';
  const rest = prefix === '' ? first : second;
  const only = parts.length === (prefix === '' ? 1 : 2) && rest && 'wildcard' in rest ? rest.wildcard : undefined;
  return {
    parts,
    exact: parts.length === 0 ? '' : parts.length === 1 && prefix !== '' ? prefix : undefined,
    prefix,
    tail: only === 'below' || only === 'across' ? only : undefined,
  };
}

function wildcardOf(token: string): Wildcard | undefined {
  if (!token.includes('*')) return undefined;
  if (token.startsWith('/')) return token.endsWith('/') ? 'between' : 'below';
  return token.length > 1 ? 'across' : 'within';
}

/** Whether the whole of `text` matches. `text` holds bytes as they travel (one character a byte). */
export function matchesGlob(glob: CompiledGlob, text: string): boolean {
  if (glob.exact !== undefined) return glob.exact === text;
  const { prefix } = glob;
  if (!text.startsWith(prefix)) return false;
  if (glob.tail === 'across') return true;
  if (glob.tail === 'below') return text.length === prefix.length || text.charCodeAt(prefix.length) === SLASH;
  let reachable: readonly number[] = [0];
  for (const part of glob.parts) {
    reachable = 'literal' in part ? afterLiteral(part.literal, text, reachable) : after(part.wildcard, text, reachable);
    if (reachable.length === 0) return false;
  }
  return reachable[reachable.length - 1] === text.length;
}

const SLASH = 47;

const afterLiteral = (literal: string, text: string, from: readonly number[]) =>
  from.filter((at) => text.startsWith(literal, at)).map((at) => at + literal.length);

/** Positions, ascending and without doubles, that a wildcard can end at. */
function after(wildcard: Wildcard, text: string, from: readonly number[]): number[] {
  const ends: number[] = [];
  const range = (start: number, end: number) => {
    for (let at = Math.max(start, (ends[ends.length - 1] ?? -1) + 1); at <= end; at++) ends.push(at);
  };
  switch (wildcard) {
    case 'within':
      for (const at of from) {
        const slash = text.indexOf('/', at);
        range(at, slash < 0 ? text.length : slash);
      }
      return ends;
    case 'across':
      range(from[0]!, text.length);
      return ends;
    case 'between': {
      const first = from.find((at) => text.charCodeAt(at) === SLASH);
      if (first === undefined) return ends;
      for (let at = first; at < text.length; at++) if (text.charCodeAt(at) === SLASH) ends.push(at + 1);
      return ends;
    }
    case 'below': {
      const slash = from.find((at) => text.charCodeAt(at) === SLASH);
      if (slash !== undefined) range(slash + 1, text.length);
      else if (from[from.length - 1] === text.length) ends.push(text.length);
      return ends;
    }
  }
}

/** Paths travel as bytes; what a rule writes beyond ASCII is meant as UTF-8. */
function bytes(text: string): string {
  if (isAscii(text)) return text;
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}

const isAscii = (text: string) => /^[\x00-\x7f]*$/.test(text);

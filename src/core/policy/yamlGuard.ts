// What a policy text may not hold, checked token by token before it is parsed as YAML: the parser recurses, and its work on
// tags, anchors and huge maps grows with the square. The agent can write the file, so a hostile text must cost nothing.
import { CST, Lexer } from 'yaml';
import type { TextRange } from './types';

export interface YamlRefusal {
  readonly code: string;
  readonly message: string;
  readonly range: TextRange;
}

/** UTF-16 units. A policy of a thousand rules has about 200,000. */
const MAX_LENGTH = 512 * 1024;
const MAX_DEPTH = 32;
const MAX_ON_LINE = 8;

/** The first thing in the text that a policy may not hold, or undefined. Linear in the length of the text. */
export function refuseYaml(text: string): YamlRefusal | undefined {
  if (text.length > MAX_LENGTH) return refusal('too-large', 'The policy is larger than 512 kB.', 0, 0);
  let at = 0;
  let depth = 0;
  let onLine = 0;
  let scalar = false;
  for (const token of new Lexer().lex(text)) {
    const type: CST.TokenType | null = scalar ? 'scalar' : CST.tokenType(token);
    scalar = type === 'scalar' && !scalar;
    switch (type) {
      // The lexer marks documents and plain scalars with characters that are not in the text.
      case 'doc-mode':
      case 'flow-error-end':
        continue;
      case 'scalar':
        if (scalar) continue;
        break;
      case 'flow-map-start':
      case 'flow-seq-start':
        if (++depth > MAX_DEPTH) return refusal('too-deep', 'The policy is nested too deeply.', at, token.length);
        break;
      case 'flow-map-end':
      case 'flow-seq-end':
        depth = Math.max(0, depth - 1);
        break;
      case 'newline':
        onLine = 0;
        break;
      case 'seq-item-ind':
      case 'explicit-key-ind':
      case 'map-value-ind':
        if (depth === 0 && ++onLine > MAX_ON_LINE)
          return refusal('too-deep', 'The policy is nested too deeply.', at, token.length);
        break;
      case 'alias':
      case 'anchor':
        return refusal(
          'alias',
          'Anchors (&) and aliases (*) are not allowed in a policy: a rule must say what it means where it stands. A "*" for any host goes in quotes.',
          at,
          token.length,
        );
      case 'tag':
        return refusal('tag', 'YAML tags (!) are not allowed in a policy.', at, token.length);
      case 'directive-line':
        return refusal('directive', 'YAML directives (%) are not allowed in a policy.', at, token.length);
      default:
        break;
    }
    at += token.length;
  }
  return undefined;
}

function refusal(code: string, message: string, at: number, length: number): YamlRefusal {
  return { code, message, range: { start: at, end: at + length } };
}

// Finds credentials that nobody told us of by the shapes that their issuers give them, anywhere in a text or body. Quiet rather
// than complete: a shape that other things have as well is left out, a token stands alone, looks random, and where its issuer
// gives it a checksum, that is right. It keeps and reports no token: where one is, and whose.
import { toBinary } from '../base/bytes';
import { grafanaChecksum, tokenChecksum } from '../env/dummyChecks';
import { PROVIDERS } from './providerTable';
import { literalStart } from './providers';

export interface KeyShape {
  /** Id of the provider; the first one of those that share a shape. */
  readonly provider: string;
  /** Bytes, or characters of a text. */
  readonly at: number;
  readonly length: number;
}

/** Shapes whose beginning is not written out: their first two characters; `''`: any, but they can be told by what follows. */
const BEGINNINGS: Readonly<Record<string, readonly string[]>> = {
  stripe: ['sk', 'rk'],
  aws: ['AK', 'AS'],
  terraform: [''],
  telegram: [''],
  mailchimp: [''],
  deepl: [''],
  discord: [''],
};
/** Strong in a `.env`; in all that is sent, ids and cache keys look like them. */
const LEFT_OUT = new Set(['key-', 'v2.', 'sk', 'dG9r', '4b1d', 'pat', 'cu_', 'sl.', 'cal_', 'fw_', 'secret_', 'pk_']);

interface Shape {
  readonly provider: string;
  /** Sticky. */
  readonly at: RegExp;
}

/** By the first two characters; `''`: any. */
const SHAPES: ReadonlyMap<string, readonly Shape[]> = compile();

function compile(): Map<string, Shape[]> {
  const shapes = new Map<string, Shape[]>();
  const seen = new Set<string>();
  for (const { id, shapes: strong } of PROVIDERS)
    for (const { source } of strong) {
      const start = literalStart(source);
      if (seen.has(source) || LEFT_OUT.has(start) || (start.length < 2 && !(id in BEGINNINGS))) continue;
      seen.add(source);
      const whole = source.slice(1, -1);
      const shape = { provider: id, at: new RegExp(`(?:${whole})(?![A-Za-z0-9_-])`, 'y') };
      for (const key of start.length >= 2 ? [start.slice(0, 2)] : BEGINNINGS[id]!)
        shapes.set(key, [...(shapes.get(key) ?? []), shape]);
    }
  return shapes;
}

const SHORTEST = 20;
/** No header that servers take is longer. */
const LONGEST = 16_384;
/** What a token is made of: it begins at the beginning of such a word, and ends with one. */
const WORD = new Uint8Array(128);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-') WORD[char.charCodeAt(0)] = 1;
const isWord = (code: number) => code < 128 && WORD[code] === 1;
/** What may stand before a word of which it is still a part: base64, a path, a longer name. */
const INSIDE = /[A-Za-z0-9+/.~=][+/.~]$/;

/** `known`: tokens that are no finding (dummies, and values that detection looks for itself). */
export function findKeyShapes(data: Uint8Array | string, known: ReadonlySet<string> = new Set()): readonly KeyShape[] {
  const text = typeof data === 'string' ? data : toBinary(data);
  const found: KeyShape[] = [];
  for (let at = 0; at < text.length;) {
    // Every word of `SHORTEST` characters has one of these.
    if (!isWord(text.charCodeAt(at + 7))) {
      at += 8;
      continue;
    }
    let begin = at + 7;
    while (begin > at && isWord(text.charCodeAt(begin - 1))) begin--;
    let end = at + 8;
    while (end < text.length && isWord(text.charCodeAt(end))) end++;
    const match =
      at > begin || (begin > 0 && isWord(text.charCodeAt(begin - 1))) ? undefined : matchAt(text, begin, end);
    if (match && !known.has(text.slice(begin, begin + match.length))) found.push(match);
    at = Math.max(end, match ? begin + match.length : end);
  }
  return found;
}

function matchAt(text: string, begin: number, end: number): KeyShape | undefined {
  // Some have dots and the like between their words: they need not be long at once.
  if (end - begin < 2 || end - begin > LONGEST) return undefined;
  if (INSIDE.test(text.slice(Math.max(0, begin - 2), begin)) && !text.startsWith('//', begin - 2)) return undefined;
  for (const { provider, at } of [...(SHAPES.get(text.slice(begin, begin + 2)) ?? []), ...(SHAPES.get('') ?? [])]) {
    at.lastIndex = begin;
    const token = at.exec(text)?.[0];
    if (token === undefined || token.length < SHORTEST || !looksRandom(token) || !isChecked(token)) continue;
    return { provider, at: begin, length: token.length };
  }
  return undefined;
}

/** Not a name made of words, a placeholder (`xxxx`, `your-key-here`), or an example that counts up. */
function looksRandom(token: string): boolean {
  const tail = token.slice(-20);
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/].filter((kind) => kind.test(tail)).length;
  if (kinds < 2 || new Set(tail.toLowerCase()).size < 8) return false;
  if (/(.)\1{4}|x{4}|your|example|placeholder|replace|dummy|abcdef|123456/i.test(token)) return false;
  return /[0-9]/.test(tail) || /[a-z][A-Z].*[a-z][A-Z]/.test(tail);
}

/** True where the issuer gives no checksum. */
function isChecked(token: string): boolean {
  const base62 = /^(?:gh[pousr]|npm)_([A-Za-z0-9]{30})([A-Za-z0-9]{6})$/.exec(token);
  if (base62) return tokenChecksum(base62[1]!) === base62[2];
  const grafana = /^(glsa_[A-Za-z0-9]{32})_([0-9a-f]{8})$/.exec(token);
  return grafana ? grafanaChecksum(grafana[1]!) === grafana[2] : true;
}

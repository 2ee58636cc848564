// Dummies: what stands in for a secret. Same UTF-8 length, same prefix, same kind of characters, valid where a client checks
// (checksum, JWT, UUID, private key), unpredictable, and of characters that no URL, JSON or header encoding changes, except for
// the padding of base64. A value whose dummy could be guessed gets none. No reason given here holds the value.
import { type Result, err, ok } from '../base/result';
import { matchShape } from '../secrets/providers';
import { checkedRecipe } from './dummyChecks';
import { keyRecipe } from './dummyPem';
import { type RandomBytes, type Recipe, textRecipe } from './dummyText';

export interface DummyOptions {
  readonly randomBytes: RandomBytes;
  /** Whether a text is a dummy or a secret already. */
  readonly isTaken: (text: string) => boolean;
  /**
   * The value stands in its file character by character, so that its dummy may hold line ends, quotes and backslashes at the
   * same places: then private keys (PEM) and service accounts (JSON) get one.
   */
  readonly verbatim?: boolean | undefined;
}

/** Below this a dummy could be guessed, or found by chance in ordinary text. */
const MIN_RANDOM_BITS = 64;
/** No header that servers take is longer. */
const MAX_LENGTH = 16_384;
/** So many characters of a secret in its dummy would give that much of it away. */
const PIECE = 8;

/** A dummy for a value, or why there is none. Private RSA keys take a second or more. */
export function makeDummy(value: string, { randomBytes, isTaken, verbatim }: DummyOptions): Result<string, string> {
  const recipe = recipeFor(value, verbatim === true);
  if (!recipe.ok) return recipe;
  const pieces = new Set(recipe.value.secret.flatMap(piecesOf));
  const shapes = matchShape(value)?.shapes ?? [];
  for (let attempt = 0; attempt < 16; attempt++) {
    const dummy = recipe.value.make(randomBytes);
    if (dummy === undefined) return err('no private key of the same length came about; try again');
    if (dummy === value || isTaken(dummy) || !shapes.every((shape) => shape.test(dummy))) continue;
    if (pieces.size === 0 || !piecesOf(dummy).some((piece) => pieces.has(piece))) return ok(dummy);
  }
  return err('no dummy could be made that is not in use already');
}

/** Why a value can get no dummy; undefined when it can. */
export function dummyRefusal(value: string, verbatim = false): string | undefined {
  const recipe = recipeFor(value, verbatim);
  return recipe.ok ? undefined : recipe.error;
}

function piecesOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - PIECE + 1) }, (_, at) => text.slice(at, at + PIECE));
}

function recipeFor(value: string, verbatim: boolean): Result<Recipe, string> {
  if (value.length > MAX_LENGTH) return err('it is too long for a credential');
  if (!verbatim && /[\r\n]/.test(value))
    return err('values of several lines (keys in PEM, JSON) are not swapped by this version');
  if (verbatim ? /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(value) : /[\0-\x1f\x7f]/.test(value))
    return err('the value holds control characters');
  if (/[\ufffd\ud800-\udfff]/.test(value.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '')))
    return err('the value is not valid UTF-8');
  const recipe = anyRecipe(value, verbatim);
  if (recipe.ok && recipe.value.bits < MIN_RANDOM_BITS)
    return err('it is too short: a dummy with fewer than 64 random bits could be guessed');
  return recipe;
}

function anyRecipe(value: string, verbatim: boolean): Result<Recipe, string> {
  const key = keyRecipe(value);
  if (key?.ok && !verbatim && value.includes('-----BEGIN '))
    return err('a private key (PEM) is not swapped where its text may be escaped');
  if (key) return key;
  if (/[\r\n]/.test(value)) return err('values of several lines are swapped only where they are a private key');
  if (isJsonObject(value)) return err('JSON: the program reads what is in it, which a dummy would break');
  return ok(checkedRecipe(value) ?? textRecipe(value, matchShape(value)));
}

function isJsonObject(value: string): boolean {
  if (!value.startsWith('{') || !value.endsWith('}')) return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}

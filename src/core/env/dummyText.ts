// Random characters for dummies: of the same kinds as the original's, unbiased, in as many UTF-8 bytes, and such that no
// URL, JSON or header encoding changes them.
import { type ShapeMatch } from '../secrets/providers';

export type RandomBytes = (count: number) => Uint8Array;

/** How to make dummies for one value, and how many bits of each are random. */
export interface Recipe {
  readonly bits: number;
  /** Undefined where none came about. */
  readonly make: (random: RandomBytes) => string | undefined;
  /** The pieces of the original that are secret: no dummy repeats eight characters of one. */
  readonly secret: readonly string[];
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
export const HEX = `${DIGITS}abcdef`;
export const BASE62 = DIGITS + UPPER + LOWER;
export const BASE64URL = `${UPPER}${LOWER}${DIGITS}-_`;
const KINDS = [
  { chars: LOWER, test: /[a-z]/ },
  { chars: UPPER, test: /[A-Z]/ },
  { chars: DIGITS, test: /\d/ },
];
const UUID = /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/i;
/** One or two; a longer run of them is a part of the secret. */
const SEPARATOR = /((?<![._~-])[._~-]{1,2}(?![._~-]))/;
/** A prefix that we do not know, in the form that most vendors give theirs. */
const UNKNOWN_PREFIX =
  /^(?:[A-Za-z]{2,10}_(?:(?:live|test|prod|dev|sandbox|pat|sk|secret|key)_)*|sk-)(?=[A-Za-z0-9]{20,}$)/;

export const utf8Length = (text: string) => new TextEncoder().encode(text).length;

/** Unbiased: a byte beyond the largest multiple of the alphabet is thrown away. Throws when nothing else ever comes. */
export function pick(alphabet: string, count: number, random: RandomBytes): string {
  const limit = 256 - (256 % alphabet.length);
  let out = '';
  for (let round = 0; out.length < count; round++) {
    if (round > 1000) throw new Error('the source of randomness gives nothing usable');
    for (const byte of random(count - out.length + 8))
      if (byte < limit && out.length < count) out += alphabet[byte % alphabet.length]!;
  }
  return out;
}

/** Random text in place of all that is secret in the value; `match` says what is not. */
export function textRecipe(value: string, match: ShapeMatch | undefined): Recipe {
  const prefix = match ? 0 : (UNKNOWN_PREFIX.exec(value)?.[0].length ?? 0);
  const kept = match?.kept ?? [[0, prefix] as const];
  const classes = (match?.shapes ?? []).flatMap(({ source }) => characterClasses(source));
  const secret: string[] = [];
  const parts: (string | Part)[] = [];
  let at = 0;
  for (const [from, to] of [...kept, [value.length, value.length] as const]) {
    if (from > at) {
      secret.push(value.slice(at, from));
      parts.push(...loose(value.slice(at, from), classes));
    }
    parts.push(value.slice(from, to));
    at = to;
  }
  return {
    bits: parts.reduce((sum, part) => sum + (typeof part === 'string' ? 0 : part.bits), 0),
    make: (random) => parts.map((part) => (typeof part === 'string' ? part : part.make(random))).join(''),
    secret,
  };
}

interface Part {
  readonly bits: number;
  readonly make: (random: RandomBytes) => string;
}

/** A piece with nothing to keep: UUIDs in it stay UUIDs, `.`, `_`, `~`, `-` and the padding of base64 stay where they are. */
function loose(text: string, classes: readonly string[]): (string | Part)[] {
  return text.split(UUID).flatMap((piece, index) => {
    if (index % 2 === 1) return [uuidPart(piece)];
    const padding = piece.length % 4 === 0 ? (/^[A-Za-z0-9+/_-]{13,}(={1,2})$/.exec(piece)?.[1] ?? '') : '';
    const body = piece.slice(0, piece.length - padding.length);
    const last = padding !== '' || /[+/_-]/.test(body) ? finalCharacters(body) : undefined;
    const runs = body.split(SEPARATOR);
    return [
      ...runs.map((run, i) =>
        i % 2 === 1 ? run : runPart(run, classes, i === runs.length - 1 && run !== '' ? last : undefined),
      ),
      padding,
    ];
  });
}

/** What base64 of this length may end in, so that strict decoders take it; undefined where the original cannot be base64. */
function finalCharacters(body: string): string | undefined {
  const step = { 2: 16, 3: 4 }[body.length % 4];
  if (step === undefined || body.length < 13) return undefined;
  const canonical = Array.from(BASE64URL).filter((_, index) => index % step === 0);
  return canonical.includes(body.at(-1) ?? '')
    ? canonical.filter((char) => /[A-Za-z0-9]/.test(char)).join('')
    : undefined;
}

function runPart(run: string, classes: readonly string[], last: string | undefined): Part {
  const length = utf8Length(run);
  const kinds = KINDS.filter(({ test }) => test.test(run));
  const ofKinds = kinds.map(({ chars }) => chars).join('') || BASE62;
  const alphabet = narrowest(run, ofKinds, classes);
  const hasAll = (made: string) => kinds.every(({ test }) => test.test(made));
  const make = (random: RandomBytes) =>
    last === undefined ? pick(alphabet, length, random) : pick(alphabet, length - 1, random) + pick(last, 1, random);
  return {
    bits: (last === undefined ? length : length - 1) * Math.log2(alphabet.length),
    make(random) {
      let made = make(random);
      // A validator may ask for a digit or a capital: all kinds of the original, if that comes about in a few tries.
      for (let attempt = 0; attempt < 8 && !hasAll(made); attempt++) made = make(random);
      return made;
    },
  };
}

/** The smallest alphabet that the shape has for such a run, without kinds of characters that the run has not. */
function narrowest(run: string, ofKinds: string, classes: readonly string[]): string {
  const holds = (alphabet: string) =>
    Array.from(run).every((char) => !BASE62.includes(char) || alphabet.includes(char));
  const fitting = classes.filter(holds).sort((a, b) => a.length - b.length)[0] ?? BASE62;
  const alphabet = Array.from(fitting)
    .filter((char) => ofKinds.includes(char))
    .join('');
  // What looks like hex stays hex.
  const hex =
    run.length >= 16 && /\d/.test(run) && /[A-Fa-f]/.test(run) ? [HEX, HEX.toUpperCase()].find(holds) : undefined;
  return hex !== undefined && hex.length < alphabet.length ? hex : alphabet || ofKinds;
}

/** The letters and digits of each character class that a shape names. */
function characterClasses(source: string): string[] {
  return Array.from(source.matchAll(/\[([^\]]+)\]/g), ([, inside = '']) => {
    const shape = new RegExp(`[${inside}]`);
    return Array.from(BASE62)
      .filter((char) => shape.test(char))
      .join('');
  });
}

/** RFC 9562: the version and the variant stay, all else is random. */
function uuidPart(value: string): Part {
  const variant = value[19] ?? '8';
  const variants = ['89ab', 'cd', '01234567', 'ef'].find((group) => group.includes(variant.toLowerCase())) ?? '89ab';
  return {
    bits: 120 + Math.log2(variants.length),
    make(random) {
      const hex = pick(HEX, 30, random);
      const text = [
        hex.slice(0, 8),
        hex.slice(8, 12),
        (value[14] ?? '4') + hex.slice(12, 15),
        pick(variants, 1, random) + hex.slice(15, 18),
        hex.slice(18),
      ].join('-');
      return /[A-F]/.test(value) ? text.toUpperCase() : text.toLowerCase();
    },
  };
}

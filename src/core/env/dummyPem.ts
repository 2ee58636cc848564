// Dummies of private keys in PEM (RFC 7468), alone, in Google's service account JSON, or either of them in base64: a fresh key
// of the same type and size, in a text of the same length, with the lines where they were.
import { concat } from '../base/bytes';
import { type Result, err, ok } from '../base/result';
import { type Der, TAG, readAll, readInteger, readOid, readSequence, toBytes, write, writeInteger } from './dummyDer';
import { randomHex } from './dummyChecks';
import { CURVES, bitLength, ecKey, inverse, randomBits, rsaKeys } from './dummyKeys';
import type { RandomBytes, Recipe } from './dummyText';

/** Larger RSA keys take too long to make here. */
const MAX_RSA_BITS = 4096;
const OID = { rsa: '1.2.840.113549.1.1.1', ec: '1.2.840.10045.2.1' } as const;
/** RFC 8410: X25519, X448, Ed25519, Ed448: any bytes are a key. */
const OCTET_KEYS = new Set(['1.3.101.110', '1.3.101.111', '1.3.101.112', '1.3.101.113']);

type MakeDer = (random: RandomBytes, fits: (der: Uint8Array) => boolean) => Uint8Array | undefined;

/** Undefined: the value holds no private key. An error: it does, and no dummy of it can be made. */
export function keyRecipe(value: string): Result<Recipe, string> | undefined {
  if (value.includes('-----BEGIN ')) return value.trimStart().startsWith('{') ? serviceAccount(value) : pem(value);
  return inBase64(value);
}

/** Base64 of a text that is such a key. */
function inBase64(value: string): Result<Recipe, string> | undefined {
  if (!/^(?:LS0tLS1CRUdJTi|ey[I-L])[A-Za-z0-9+/]+={0,2}$/.test(value) || value.length % 4 !== 0) return undefined;
  const inner = fromBase64(value);
  const recipe = inner?.includes('-----BEGIN ') ? keyRecipe(inner) : undefined;
  if (!recipe?.ok) return recipe;
  return ok({ ...recipe.value, make: (random) => mapped(recipe.value.make(random), btoa) });
}

function serviceAccount(value: string): Result<Recipe, string> {
  const refused = err(
    'it is JSON around a private key, and not a Google service account: no dummy would be of its kind',
  );
  if (typeOfJson(value) !== 'service_account') return refused;
  const field = /("private_key"\s*:\s*")((?:[^"\\]|\\.)*)"/.exec(value);
  if (field?.[1] === undefined || field[2] === undefined) return refused;
  const key = pem(field[2]);
  if (!key.ok) return key;
  const from = field.index + field[1].length;
  const to = from + field[2].length;
  return ok({
    ...key.value,
    make: (random) =>
      mapped(key.value.make(random), (text) =>
        (value.slice(0, from) + text + value.slice(to)).replace(
          /("private_key_id"\s*:\s*")([0-9a-f]+)(?=")/,
          (_, before: string, id: string) => before + randomHex(id.length, random),
        ),
      ),
  });
}

function typeOfJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && 'type' in parsed ? parsed.type : undefined;
  } catch {
    return undefined;
  }
}

function pem(value: string): Result<Recipe, string> {
  const begin = /-----BEGIN ([A-Z0-9 ]{0,40})-----/.exec(value);
  const label = begin?.[1] ?? '';
  const from = begin ? begin.index + begin[0].length : 0;
  const to = value.indexOf(`-----END ${label}-----`, from);
  if (!begin || to < 0) return err('it is a private key (PEM) without its end');
  if (value.includes('-----BEGIN ', from)) return err('it holds several blocks of PEM');
  if (label === 'OPENSSH PRIVATE KEY' || label === 'ENCRYPTED PRIVATE KEY' || value.includes('Proc-Type:'))
    return err(`no dummy can be made of this kind of private key (${label})`);
  // Between the runs of base64: line ends, also written as `\n`, and blanks.
  const runs = value.slice(from, to).split(/(\\r|\\n|[^A-Za-z0-9+/=]+)/);
  const base64 = runs.filter((_, i) => i % 2 === 0).join('');
  const binary = base64.length % 4 === 0 ? fromBase64(base64) : undefined;
  const der = binary === undefined ? undefined : Uint8Array.from(binary, (char) => char.charCodeAt(0));
  const key = der && makeKey(label, der);
  if (!key) return err(`no dummy can be made of this kind of private key (${label})`);
  const fits = (made: Uint8Array) => Math.ceil(made.length / 3) === Math.ceil((binary?.length ?? 0) / 3);
  return ok({
    bits: key.bits,
    // A new key shares with the old one what all keys of its type have.
    secret: [],
    make(random) {
      const made = key.make(random, fits);
      if (!made) return undefined;
      const text = btoa(String.fromCharCode(...made));
      let at = 0;
      const body = runs.map((run, i) => (i % 2 === 1 ? run : text.slice(at, (at += run.length))));
      return value.slice(0, from) + body.join('') + value.slice(to);
    },
  });
}

interface KeyMaker {
  readonly bits: number;
  readonly make: MakeDer;
}

function makeKey(label: string, der: Uint8Array): KeyMaker | undefined {
  if (label === 'RSA PRIVATE KEY') return pkcs1(der);
  if (label === 'EC PRIVATE KEY') return sec1(der, undefined);
  return label === 'PRIVATE KEY' ? pkcs8(der) : undefined;
}

/** RFC 5208. */
function pkcs8(der: Uint8Array): KeyMaker | undefined {
  const [version, algorithm, key, ...more] = readSequence(der) ?? [];
  if (!version || algorithm?.tag !== TAG.sequence || key?.tag !== TAG.octets || more.length > 0) return undefined;
  const [oid, parameters] = readAll(algorithm.content) ?? [];
  if (oid?.tag !== TAG.oid) return undefined;
  const inner = innerKey(readOid(oid.content), parameters, key.content);
  const wrap = (made: Uint8Array) => write(TAG.sequence, again(version), again(algorithm), write(TAG.octets, made));
  return (
    inner && {
      bits: inner.bits,
      make(random, fits) {
        const made = inner.make(random, (candidate) => fits(wrap(candidate)));
        return made && wrap(made);
      },
    }
  );
}

function innerKey(oid: string, parameters: Der | undefined, key: Uint8Array): KeyMaker | undefined {
  if (oid === OID.rsa) return pkcs1(key);
  if (oid === OID.ec) return sec1(key, parameters);
  const octets = OCTET_KEYS.has(oid) ? readAll(key) : undefined;
  const length = octets?.length === 1 && octets[0]?.tag === TAG.octets ? octets[0].content.length : 0;
  if (length === 0) return undefined;
  return { bits: length * 8, make: (random) => write(TAG.octets, toBytes(randomBits(length * 8, random), length)) };
}

/** RFC 8017, A.1.2. */
function pkcs1(der: Uint8Array): KeyMaker | undefined {
  const fields = readSequence(der);
  if (fields?.length !== 9 || fields.some(({ tag }) => tag !== TAG.integer)) return undefined;
  const [, n = 0n, e = 0n] = fields.map(({ content }) => readInteger(content));
  const bits = bitLength(n);
  if (bits < 512 || bits > MAX_RSA_BITS || bits % 2 !== 0 || e < 3n || e % 2n === 0n || bitLength(e) > 64)
    return undefined;
  return {
    bits: bits / 2,
    make(random, fits) {
      for (const { d, p, q, n: modulus } of rsaKeys(bits, e, random)) {
        const numbers = [0n, modulus, e, d, p, q, d % (p - 1n), d % (q - 1n), inverse(q, p) ?? 0n];
        const made = write(TAG.sequence, ...numbers.map(writeInteger));
        if (fits(made)) return made;
      }
      return undefined;
    },
  };
}

/** RFC 5915. The curve stands in the key, or in what is around it. */
function sec1(der: Uint8Array, parameters: Der | undefined): KeyMaker | undefined {
  const [version, secret, ...rest] = readSequence(der) ?? [];
  if (version?.tag !== TAG.integer || secret?.tag !== TAG.octets) return undefined;
  const named = rest.find(({ tag }) => tag === 0xa0);
  const oid = named ? readAll(named.content)?.[0] : parameters;
  const curve = oid?.tag === TAG.oid ? CURVES.get(readOid(oid.content)) : undefined;
  if (!curve) return undefined;
  const size = Math.ceil(bitLength(curve.p) / 8);
  if (secret.content.length !== size) return undefined;
  const kept = rest.flatMap((field) => (field.tag === 0xa0 || field.tag === 0xa1 ? [field] : []));
  return {
    bits: size * 8,
    make(random) {
      const [d, x, y] = ecKey(curve, random);
      const fields = kept.map((field) => (field.tag === 0xa0 ? again(field) : publicKey(field, size, x, y)));
      return write(TAG.sequence, again(version), write(TAG.octets, toBytes(d, size)), ...fields);
    },
  };
}

/** In the form of the original, whole or compressed (SEC 1, 2.3.3). */
function publicKey(field: Der, size: number, x: bigint, y: bigint): Uint8Array {
  const whole = (readAll(field.content)?.[0]?.content.length ?? 0) > size + 2;
  const point = whole
    ? concat([Uint8Array.of(0, 4), toBytes(x, size), toBytes(y, size)])
    : concat([Uint8Array.of(0, y % 2n === 0n ? 2 : 3), toBytes(x, size)]);
  return write(field.tag, write(TAG.bits, point));
}

const mapped = (text: string | undefined, change: (text: string) => string) =>
  text === undefined ? undefined : change(text);

const again = ({ tag, content }: Der) => write(tag, content);

function fromBase64(text: string): string | undefined {
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}

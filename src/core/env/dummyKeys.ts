// Fresh private keys for dummies of keys: RSA and elliptic curves. They must only parse and be consistent (BoringSSL, Go and
// Python check that); nothing is ever protected with them, so nothing here runs in constant time.
import type { RandomBytes } from './dummyText';

export interface RsaKey {
  readonly n: bigint;
  readonly e: bigint;
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
}

/** `[private, x, y]` as numbers. */
export type EcKey = readonly [d: bigint, x: bigint, y: bigint];

export function randomBits(bits: number, random: RandomBytes): bigint {
  let out = 0n;
  for (const byte of random(Math.ceil(bits / 8))) out = (out << 8n) | BigInt(byte);
  return BigInt.asUintN(bits, out);
}

export const bitLength = (value: bigint) => value.toString(2).length;

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let out = 1n;
  const start = base % modulus;
  for (const bit of exponent.toString(2)) {
    out = (out * out) % modulus;
    if (bit === '1') out = (out * start) % modulus;
  }
  return out;
}

/** The inverse in a ring; undefined where there is none. */
export function inverse(value: bigint, modulus: bigint): bigint | undefined {
  let [a, b] = [((value % modulus) + modulus) % modulus, modulus];
  let [x, y] = [1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return a === 1n ? ((x % modulus) + modulus) % modulus : undefined;
}

const SMALL_PRIMES = sieve(8192);

function sieve(limit: number): number[] {
  const composite = new Uint8Array(limit);
  const out: number[] = [];
  for (let i = 3; i < limit; i += 2) {
    if (composite[i]) continue;
    out.push(i);
    for (let j = i * i; j < limit; j += 2 * i) composite[j] = 1;
  }
  return out;
}

/** A prime of so many bits whose predecessor has no factor in common with `e`. The two highest bits are set. */
export function randomPrime(bits: number, e: bigint, random: RandomBytes): bigint {
  for (let round = 0; round < 1000; round++) {
    const start = randomBits(bits, random) | (3n << BigInt(bits - 2)) | 1n;
    const rests = SMALL_PRIMES.map((prime) => Number(start % BigInt(prime)));
    for (let delta = 0; delta < 16_384; delta += 2) {
      if (rests.some((rest, i) => (rest + delta) % (SMALL_PRIMES[i] ?? 3) === 0)) continue;
      const candidate = start + BigInt(delta);
      if (bitLength(candidate) !== bits) break;
      if (isProbablePrime(candidate) && inverse(e, candidate - 1n) !== undefined) return candidate;
    }
  }
  throw new Error('the source of randomness gives nothing usable');
}

/** Miller and Rabin. */
export function isProbablePrime(value: bigint): boolean {
  let odd = value - 1n;
  let twos = 0;
  for (; odd % 2n === 0n; odd /= 2n) twos++;
  return [2n, 3n, 5n, 7n, 11n].every((base) => {
    let x = power(base, odd, value);
    if (x === 1n || x === value - 1n) return true;
    for (let i = 1; i < twos; i++) {
      x = (x * x) % value;
      if (x === value - 1n) return true;
    }
    return false;
  });
}

/**
 * Keys with this size (even) and exponent, one after the other. Which of their numbers have a byte more or less is left to
 * chance; where that does not help, one prime is made a byte shorter and the other longer.
 */
export function* rsaKeys(bits: number, e: bigint, random: RandomBytes): Generator<RsaKey> {
  for (const skew of [0, 8, 16]) {
    const shorter: bigint[] = [];
    const longer: bigint[] = [];
    for (let round = 0; round < 4; round++) {
      const one = randomPrime(bits / 2 - skew, e, random);
      const other = randomPrime(bits / 2 + skew, e, random);
      for (const earlier of longer) yield* orders(one, earlier, bits, e);
      shorter.push(one);
      longer.push(other);
      for (const earlier of shorter) yield* orders(earlier, other, bits, e);
    }
  }
}

function* orders(one: bigint, other: bigint, bits: number, e: bigint): Generator<RsaKey> {
  const n = one * other;
  const phi = (one - 1n) * (other - 1n);
  const [small, d] = [inverse(e, phi / 2n), inverse(e, phi)];
  if (one === other || bitLength(n) !== bits || d === undefined || small === undefined) return;
  for (const exponent of [small, d]) {
    yield { n, e, d: exponent, p: one, q: other };
    yield { n, e, d: exponent, p: other, q: one };
  }
}

interface Curve {
  readonly p: bigint;
  readonly a: bigint;
  readonly order: bigint;
  readonly x: bigint;
  readonly y: bigint;
}

/** SEC 2 (secp256k1) and FIPS 186-4, D.1.2, by object identifier. */
export const CURVES: ReadonlyMap<string, Curve> = new Map<string, Curve>([
  [
    '1.2.840.10045.3.1.7',
    {
      p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
      a: -3n,
      order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
      x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    },
  ],
  [
    '1.3.132.0.34',
    {
      p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
      a: -3n,
      order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
      x: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      y: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    },
  ],
  [
    '1.3.132.0.10',
    {
      p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
      a: 0n,
      order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
      x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
      y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
    },
  ],
  [
    '1.3.132.0.35',
    {
      p: (1n << 521n) - 1n,
      a: -3n,
      order:
        0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
      x: 0x00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
      y: 0x011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
    },
  ],
]);

export function ecKey({ p, a, order, x, y }: Curve, random: RandomBytes): EcKey {
  const d = (randomBits(bitLength(order) + 64, random) % (order - 1n)) + 1n;
  const mod = (value: bigint) => ((value % p) + p) % p;
  const add = (left: Point, right: Point): Point => {
    if (!left || !right) return left ?? right;
    if (left[0] === right[0] && mod(left[1] + right[1]) === 0n) return undefined;
    const [top, bottom] =
      left[0] === right[0] ? [3n * left[0] * left[0] + a, 2n * left[1]] : [right[1] - left[1], right[0] - left[0]];
    const slope = mod(top * (inverse(bottom, p) ?? 0n));
    const third = mod(slope * slope - left[0] - right[0]);
    return [third, mod(slope * (left[0] - third) - left[1])];
  };
  let sum: Point;
  let doubled: Point = [x, y];
  for (const bit of Array.from(d.toString(2)).reverse()) {
    if (bit === '1') sum = add(sum, doubled);
    doubled = add(doubled, doubled);
  }
  return [d, sum?.[0] ?? 0n, sum?.[1] ?? 0n];
}

type Point = readonly [x: bigint, y: bigint] | undefined;

// IP addresses as numbers: parsing in every form that resolvers accept, and which of them are reachable in public.

/** The address as an unsigned 32-bit number, from 1–4 parts, each decimal, octal (leading 0) or hex (WHATWG URL 3.5). */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  const numbers: number[] = [];
  for (const part of parts) {
    const number = parsePart(part);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  const last = numbers.pop()!;
  if (numbers.some((number) => number > 255)) return undefined;
  const room = 256 ** (4 - numbers.length);
  if (last >= room) return undefined;
  return numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), last);
}

function parsePart(part: string): number | undefined {
  if (/^0x[0-9a-f]*$/i.test(part)) return part.length === 2 ? 0 : parseInt(part.slice(2), 16);
  if (/^0[0-7]+$/.test(part)) return parseInt(part, 8);
  if (/^(?:0|[1-9][0-9]*)$/.test(part)) return Number(part);
  return undefined;
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** Eight 16-bit words (RFC 4291, 2.2), with an embedded dotted IPv4 at the end allowed; no zone id. */
export function parseIpv6(text: string): number[] | undefined {
  if (!/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  let source = text;
  const dotted = /^(.*:)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.exec(text);
  if (dotted) {
    if (dotted[2]!.split('.').some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith('0'))))
      return undefined;
    const [a, b, c, d] = dotted[2]!.split('.').map(Number);
    source = `${dotted[1]!}${(a! * 256 + b!).toString(16)}:${(c! * 256 + d!).toString(16)}`;
  }
  const halves = source.split('::');
  if (halves.length > 2) return undefined;
  const words = (half: string | undefined) => (half === undefined || half === '' ? [] : half.split(':'));
  const head = words(halves[0]);
  const tail = words(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  if (!all.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word))) return undefined;
  return all.map((word) => parseInt(word, 16));
}

/** RFC 5952: lower case, no leading zeros, the longest run of zero words (two or more, first of equals) as `::`. */
export function formatIpv6(words: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && words[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
    if (length > 0) at += length - 1;
  }
  const hex = (part: readonly number[]) => part.map((word) => word.toString(16)).join(':');
  return best.at < 0 ? hex(words) : `${hex(words.slice(0, best.at))}::${hex(words.slice(best.at + best.length))}`;
}

export type AddressScope = 'public' | 'loopback' | 'private';

/** IPv4 blocks that are not globally reachable (IANA special-purpose registry; multicast and class E with them). */
const SPECIAL_V4: readonly (readonly [base: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
const special = SPECIAL_V4.map(([base, bits]) => ({ base: parseIpv4(base)!, size: 2 ** (32 - bits) }));

/**
 * Where a canonical IP literal leads: `loopback`, `private` (everything that is not globally reachable: private,
 * link-local with the cloud metadata address, shared, documentation, multicast, reserved) or `public`. IPv6 forms that
 * carry an IPv4 address (mapped, NAT64, 6to4, compatible) are judged by that address. Only 2000::/3 is public in IPv6.
 */
export function addressScope(ip: string): AddressScope {
  if (!ip.includes(':')) {
    const address = parseIpv4(ip);
    return address === undefined ? 'private' : scopeV4(address);
  }
  const words = parseIpv6(ip);
  if (words === undefined) return 'private';
  const zeros = (from: number, to: number) => words.slice(from, to).every((word) => word === 0);
  const low = words[6]! * 0x10000 + words[7]!;
  if (zeros(0, 7) && words[7] === 1) return 'loopback';
  if (zeros(0, 5) && (words[5] === 0xffff || words[5] === 0)) return scopeV4(low);
  if (words[0] === 0x64 && words[1] === 0xff9b) return zeros(2, 6) ? scopeV4(low) : 'private';
  if (words[0] === 0x2002) return scopeV4(words[1]! * 0x10000 + words[2]!);
  if ((words[0]! & 0xe000) !== 0x2000) return 'private';
  if (words[0] === 0x2001 && (words[1]! < 0x200 || words[1] === 0xdb8)) return 'private';
  if (words[0] === 0x3fff && words[1]! < 0x1000) return 'private';
  return 'public';
}

function scopeV4(address: number): AddressScope {
  if (address >= 0x7f000000 && address < 0x80000000) return 'loopback';
  return special.some(({ base, size }) => address >= base && address < base + size) ? 'private' : 'public';
}

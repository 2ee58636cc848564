// HTTP/1.1 messages out of a grammar whose every part is sometimes not what it should be. All from a seed: the same seed makes
// the same messages.

/** mulberry32: small, fast, and good enough to pick with. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Mostly one of `good`, sometimes one of `odd`. */
  mostly<T>(good: readonly T[], odd: readonly T[], probability = 0.03): T {
    return this.chance(probability) ? this.pick(odd) : this.pick(good);
  }
}

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH'];
const ODD_METHODS = ['get', 'G@T', '', 'FOO', 'GET\t', 'PRI', 'X'.repeat(70), 'G\0T'];
const TARGETS = ['/', '/a?b=c', '/%2e%2e/x', '*', 'http://h.example/x?y', '//x', '/a;b'];
const ODD_TARGETS = ['/a b', '/\x80', '/a#b', '', '/\t', 'x', '/\x7f', '/\0', '/a\rb', '?x', 'http://', '/"<>|'];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'];
const ODD_VERSIONS = [
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/01.1',
  'HTTP/0.9',
  'HTTP/1,1',
  'HTTP/11',
  'ICE/1.0',
  '',
];
const ENDS = ['\r\n'];
const ODD_ENDS = ['\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\r\n\t', ' \r\n', '\0\r\n'];
const COLONS = [': ', ':', ':\t', ':  \t '];
const ODD_COLONS = [' :', ':\x0b', '', '\t:', ': \r\n ', '::'];
const NAMES = ['X-A', 'x-a', 'Accept', 'Content-Type', 'Cookie', 'Expect', 'Trailer', 'TE', 'Via', 'X_Y', 'Keep-Alive'];
const ODD_NAMES = [
  'X A',
  'X-A ',
  '',
  ' X',
  'X\0',
  'X\xe9',
  'X(1)',
  'X/Y',
  '"X"',
  'Content-Length\x0b',
  'Transfer-Encoding\t',
  '@',
];
const VALUES = [
  '1',
  '',
  'a b',
  'text/plain; charset=utf-8',
  '"quoted, list"',
  'a,b, c',
  'caf\xe9',
  'a\tb',
  'x'.repeat(200),
];
const ODD_VALUES = ['a\0b', 'a\x01b', 'a\rb', 'a\nb', 'a\x7fb', '\x0bx', 'a\r\n b'];
const LENGTHS = [
  '+5',
  '-5',
  '5, 5',
  '5,6',
  '0x5',
  '5 ',
  ' 5',
  '05',
  '',
  '5\x0b',
  '1e1',
  '999999999999999',
  '99999999999999999999',
  '5;',
  '٥',
];
const CODINGS = [
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'identity',
  'Chunked',
  'chunked ',
  'chunked;q=1',
  '\x0bchunked',
  'xchunked',
  '',
  'chunked\x0b',
  '"chunked"',
  'gzip',
];
const CONNECTIONS = [
  'keep-alive',
  'close',
  'Close, TE',
  'X-A',
  'Upgrade',
  'keep-alive, X-A',
  ', ,',
  'content-length',
  'host',
  'close\0',
];

export interface Generated {
  /** Latin1. */
  readonly text: string;
  readonly kind: 'request' | 'response';
}

export const SENTINEL = 'GET /next HTTP/1.1\r\nHost: next.example\r\n\r\n';

function field(random: Random, name: string, value: string): string {
  return name + random.mostly(COLONS, ODD_COLONS, 0.02) + value + random.mostly(ENDS, ODD_ENDS, 0.01);
}

function chunks(random: Random, body: string): string {
  const end = () => random.mostly(ENDS, ODD_ENDS, 0.015);
  let out = '';
  for (let at = 0; at < body.length;) {
    const size = 1 + random.below(body.length - at);
    const hex = random.mostly(
      [size.toString(16), size.toString(16).toUpperCase()],
      [
        `0${size.toString(16)}`,
        `+${size}`,
        `0x${size.toString(16)}`,
        '',
        ` ${size}`,
        'g',
        (size + 1).toString(16),
        'fffffffffffffffff',
        '-1',
        `${size} `,
      ],
      0.04,
    );
    const extension = random.mostly(
      [''],
      [';a', ';a=b', ';a="b;c"', ' ;a', ';', ';a\nb', '; a = b', ';\x80', ';a\0'],
      0.06,
    );
    out += `${hex}${extension}${end()}${body.slice(at, at + size)}${end()}`;
    at += size;
  }
  const last = random.mostly(['0'], ['00', '000', '', '0;x', '-0', '0x0', ' 0'], 0.03);
  const trailer = random.mostly(
    [''],
    [
      'X-T: 1\r\n',
      'X-T : 1\r\n',
      'Content-Length: 5\r\n',
      'X-T\r\n',
      ' folded\r\n',
      'X-T: a\0\r\n',
      'Transfer-Encoding: chunked\r\n',
    ],
    0.08,
  );
  return `${out}${last}${end()}${trailer}${end()}`;
}

/** Framing fields and the body that goes with them, more or less. */
function framing(random: Random, kind: Generated['kind']): { fields: string[]; body: string } {
  const body = 'hello world, this is a body'.slice(0, random.below(28));
  switch (random.below(kind === 'request' ? 4 : 5)) {
    case 0:
      return { fields: [], body: random.chance(0.1) ? body : '' };
    case 1:
    case 4: {
      const length = random.mostly(
        [String(body.length)],
        [...LENGTHS, String(body.length + 3), String(Math.max(0, body.length - 3))],
        0.08,
      );
      const fields = [field(random, random.pick(['Content-Length', 'content-length']), length)];
      if (random.chance(0.02)) fields.push(field(random, 'Content-Length', random.pick([length, '7'])));
      return { fields, body };
    }
    case 2: {
      const coding = random.mostly(['chunked'], CODINGS, 0.08);
      const fields = [field(random, random.pick(['Transfer-Encoding', 'transfer-encoding']), coding)];
      if (random.chance(0.02)) fields.push(field(random, 'Transfer-Encoding', random.pick(['chunked', 'gzip'])));
      return { fields, body: chunks(random, body) };
    }
    default: {
      if (!random.chance(0.2)) return { fields: [], body: '' };
      const both = [
        field(random, 'Content-Length', String(body.length)),
        field(random, 'Transfer-Encoding', 'chunked'),
      ];
      return {
        fields: random.chance(0.5) ? both : both.reverse(),
        body: random.chance(0.5) ? body : chunks(random, body),
      };
    }
  }
}

export function generate(random: Random, kind: Generated['kind']): Generated {
  const { fields, body } = framing(random, kind);
  if (kind === 'request' && random.chance(0.97))
    fields.unshift(field(random, 'Host', random.mostly(['h.example', 'h.example:80'], ['', 'a b', 'h.example\0'])));
  for (let i = random.below(4); i > 0; i--) {
    const name = random.mostly(NAMES, ODD_NAMES, 0.03);
    fields.splice(random.below(fields.length + 1), 0, field(random, name, random.mostly(VALUES, ODD_VALUES, 0.03)));
  }
  if (random.chance(0.1))
    fields.push(field(random, random.pick(['Connection', 'Proxy-Connection']), random.pick(CONNECTIONS)));
  const space = () => random.mostly([' '], ['  ', '\t', '', '\x0b'], 0.008);
  const version = random.mostly(VERSIONS, ODD_VERSIONS, 0.02);
  const start =
    kind === 'request'
      ? `${random.mostly(METHODS, ODD_METHODS, 0.02)}${space()}${random.mostly(TARGETS, ODD_TARGETS, 0.04)}${space()}${version}`
      : `${version}${space()}${random.mostly(['200', '404', '204', '304', '500', '299', '100', '103'], ['99', '099', '1000', '2x0', '', '600', '-20', '000'], 0.03)}${space()}${random.mostly(['OK', 'Not Found', '', 'caf\xe9'], ['a\0b', 'a\tb', 'a\x7fb', 'a\rb', '\x01'], 0.03)}`;
  const blank = random.mostly(['\r\n'], ['\n', '\r', '\r\n\r\n', '', ' \r\n'], 0.01);
  const before = random.mostly([''], ['\r\n', '\n', '\r\n\r\n', ' ', '\0'], 0.01);
  let text = `${before}${start}${random.mostly(ENDS, ODD_ENDS, 0.01)}${fields.join('')}${blank}${body}`;
  if (random.chance(0.15)) text = mutate(random, text);
  return { text, kind };
}

const INTERESTING = [
  '\0',
  '\t',
  '\n',
  '\r',
  '\r\n',
  ' ',
  ':',
  ';',
  ',',
  '0',
  'f',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '"',
  '-',
  '+',
];

/** One octet more, less, or another one. */
export function mutate(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  switch (random.below(4)) {
    case 0:
      return text.slice(0, at) + random.pick(INTERESTING) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + random.pick(INTERESTING) + text.slice(at + 1);
    default: {
      const to = Math.min(text.length, at + 1 + random.below(8));
      return text.slice(0, to) + text.slice(at, to) + text.slice(to);
    }
  }
}

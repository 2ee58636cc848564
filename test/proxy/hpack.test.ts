// HPACK against the examples of its specification (RFC 7541, appendix C), against itself, and against bytes that nobody meant
// as HPACK.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder, HpackEncoder, HpackError } from '../../src/proxy/http2/hpack';
import { type FieldPairs, block, indexed, integer } from '../support/frames';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const pairs = ({ names, values }: { names: readonly string[]; values: readonly string[] }) =>
  names.map((name, i) => `${name}: ${values[i]!}`);
const decode = (decoder: HpackDecoder, bytes: Buffer) => pairs(decoder.decode(bytes));
const MAX_LIST = 64 * 1024;

describe('RFC 7541, appendix C', () => {
  it.each([
    ['C.1.1: 10 in a prefix of 5 bits', 5, 10, '0a'],
    ['C.1.2: 1337 in a prefix of 5 bits', 5, 1337, '1f9a0a'],
    ['C.1.3: 42 at an octet boundary', 8, 42, '2a'],
  ])('%s', (_, prefix, value, bytes) => {
    expect(integer(0, prefix, value).toString('hex')).toBe(bytes);
  });

  it.each([
    [
      'C.2.1: literal with indexing',
      '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      'custom-key: custom-header',
      true,
    ],
    ['C.2.2: literal without indexing', '040c 2f73 616d 706c 652f 7061 7468', ':path: /sample/path', false],
    ['C.2.3: literal never indexed', '1008 7061 7373 776f 7264 0673 6563 7265 74', 'password: secret', false],
    ['C.2.4: indexed', '82', ':method: GET', false],
  ])('%s', (_, bytes, field, enters) => {
    const decoder = new HpackDecoder(4096, MAX_LIST);
    expect(decode(decoder, hex(bytes))).toEqual([field]);
    if (enters) expect(decode(decoder, hex('be'))).toEqual([field]);
    else expect(() => decoder.decode(hex('be'))).toThrow(HpackError);
  });

  it('C.2.3 says that the field must never be indexed', () => {
    const section = new HpackDecoder(4096, MAX_LIST).decode(hex('1008 7061 7373 776f 7264 0673 6563 7265 74'));
    expect([...section.neverIndexed]).toEqual(['password']);
  });

  const REQUESTS: readonly (readonly string[])[] = [
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
    [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
  ];
  const DATES = ['Mon, 21 Oct 2013 20:13:21 GMT', 'Mon, 21 Oct 2013 20:13:22 GMT'];
  const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
  const RESPONSES: readonly (readonly string[])[] = [
    [':status: 302', 'cache-control: private', `date: ${DATES[0]!}`, 'location: https://www.example.com'],
    [':status: 307', 'cache-control: private', `date: ${DATES[0]!}`, 'location: https://www.example.com'],
    [
      ':status: 200',
      'cache-control: private',
      `date: ${DATES[1]!}`,
      'location: https://www.example.com',
      'content-encoding: gzip',
      `set-cookie: ${COOKIE}`,
    ],
  ];

  it.each([
    [
      'C.3: requests without Huffman',
      4096,
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
      REQUESTS,
    ],
    [
      'C.4: requests with Huffman',
      4096,
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
      REQUESTS,
    ],
    [
      'C.5: responses without Huffman, with eviction',
      256,
      [
        '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
      RESPONSES,
    ],
    [
      'C.6: responses with Huffman, with eviction',
      256,
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
      RESPONSES,
    ],
  ])('%s', (_, size, blocks, lists) => {
    const decoder = new HpackDecoder(size, MAX_LIST);
    expect(blocks.map((bytes) => decode(decoder, hex(bytes)))).toEqual(lists);
  });
});

describe('what is refused', () => {
  it.each([
    ['index 0', '80'],
    ['an index that is not there', 'ff00'],
    ['a name index that is not there', '7f80 0161'],
    ['an integer that never ends', 'ffff ffff ffff ffff ff'],
    ['an integer cut short', 'ff'],
    ['a string longer than its block', '0005 61'],
    ['a block that ends inside a field', '40'],
    ['a table size beyond what was agreed', '3fe2 1f'],
    ['a table size update behind a field', '8220'],
    ['EOS inside a Huffman string', '0084 ffff ffff 0161'],
    ['Huffman padding of a whole octet', '0082 1fff 0161'],
    ['Huffman padding that is not ones', '0081 1800'],
  ])('%s', (_, bytes) => {
    expect(() => new HpackDecoder(4096, MAX_LIST).decode(hex(bytes))).toThrow(HpackError);
  });

  it('a list that grew past all measure: one entry, named again and again', () => {
    const decoder = new HpackDecoder(4096, MAX_LIST);
    const bomb = Buffer.concat([indexed('a', 'x'.repeat(4000)), Buffer.alloc(400, 0xbe)]);
    expect(() => decoder.decode(bomb)).toThrow(HpackError);
  });

  it('a list that is too long is cut short, and the table stays right', () => {
    const decoder = new HpackDecoder(4096, MAX_LIST);
    const long = Buffer.concat([indexed('a', 'x'.repeat(4000)), Buffer.alloc(20, 0xbe), indexed('b', 'last')]);
    const section = decoder.decode(long);
    expect(section.tooLarge).toBe(true);
    expect(decode(decoder, hex('be'))).toEqual(['b: last']);
  });

  it('random octets throw HpackError or nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder(4096, MAX_LIST);
        try {
          for (const bytes of blocks) decoder.decode(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(HpackError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('damaged blocks throw HpackError or nothing', () => {
    const whole = Buffer.concat([
      hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'),
      indexed('a', 'b'),
      block([['c', 'd']]),
    ]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, octet, end) => {
        const bytes = Buffer.from(whole.subarray(0, end));
        if (at < bytes.length) bytes[at] = octet;
        try {
          new HpackDecoder(4096, MAX_LIST).decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(HpackError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

const latin1 = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const name = fc.oneof(
  fc.constantFrom(':status', ':path', ':method', 'cookie', 'authorization', 'x-a', 'x-b', 'date', 'content-type'),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
);
const field = fc.record({
  name,
  value: fc.oneof(
    fc.constantFrom('', 'GET', '200', 'one', 'two'),
    latin1,
    latin1.map((text) => text.repeat(20)),
  ),
  never: fc.boolean(),
});
const step = fc.oneof(
  { weight: 5, arbitrary: fc.array(field, { maxLength: 12 }).map((fields) => ({ fields, resize: undefined })) },
  {
    weight: 1,
    arbitrary: fc.array(fc.nat(5000), { minLength: 1, maxLength: 3 }).map((resize) => ({ fields: [], resize })),
  },
);

describe('the encoder', () => {
  it('is undone by the decoder, whatever the table was resized to meanwhile', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(4096, 1024 * 1024);
        for (const { fields, resize } of steps) {
          for (const size of resize ?? []) encoder.resize(size);
          encoder.begin();
          for (const { name, value, never } of fields) encoder.field(name, value, never);
          const section = decoder.decode(Buffer.from(encoder.end()));
          expect(pairs(section)).toEqual(fields.map(({ name, value }) => `${name}: ${value}`));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never indexes a field that must not be, though the same one was indexed before', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096, MAX_LIST);
    const send = (never: boolean) => {
      encoder.begin();
      encoder.field('x-note', 'value', never);
      return decoder.decode(Buffer.from(encoder.end())).neverIndexed.has('x-note');
    };
    expect([send(false), send(true), send(false)]).toEqual([false, true, false]);
  });

  it.each(['authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-token', 'proxy-authorization'])(
    'keeps %s out of the table',
    (credential) => {
      const encoder = new HpackEncoder();
      encoder.begin();
      encoder.field(credential, 'value', false);
      const decoder = new HpackDecoder(4096, MAX_LIST);
      expect([...decoder.decode(Buffer.from(encoder.end())).neverIndexed]).toEqual([credential]);
      expect(() => decoder.decode(hex('be'))).toThrow(HpackError);
    },
  );

  it('says the smallest size too, when the table shrank and grew between two blocks', () => {
    const encoder = new HpackEncoder();
    encoder.resize(0);
    encoder.resize(4096);
    encoder.begin();
    // RFC 7541, 4.2: the smallest, then the last.
    expect(Buffer.from(encoder.end()).toString('hex')).toBe('203fe11f');
  });

  it('agrees with its peer about every table of up to 4,096 octets after many entries', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096, MAX_LIST);
    for (let i = 0; i < 5000; i++) {
      encoder.begin();
      const fields: FieldPairs = [
        [`x-${i % 97}`, `${i % 13}`],
        ['x-always', 'same'],
        [`y-${i}`, 'once'],
      ];
      for (const [n, v] of fields) encoder.field(n, v, false);
      expect(decode(decoder, Buffer.from(encoder.end()))).toEqual(fields.map(([n, v]) => `${n}: ${v}`));
    }
  });
});

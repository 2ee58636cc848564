// The signing itself: AWS's published examples, the library of AWS's own SDK as an oracle, and bodies in chunks, cut anywhere.
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AwsKey } from '../../src/core/secrets/aws';
import { AwsChunks } from '../../src/proxy/aws/chunks';
import { matchKey, payloadsOf } from '../../src/proxy/aws/match';
import { readSigned, rewriteSigned } from '../../src/proxy/aws/signedRequest';
import { ChunkChain, sha256, signingKey } from '../../src/proxy/aws/signature';
import type { Fields } from '../../src/proxy/engine';
import { signedChunks } from '../support/aws4Verifier';

/** The keys of AWS's documentation, in parts. */
const EXAMPLE_ID = ['AKIA', 'IOSFODNN7', 'EXAMPLE'].join('');
const EXAMPLE_SECRET = ['wJalrXUtnFEMI', 'K7MDENG', 'bPxRfiCYEXAMPLEKEY'].join('/');
const SUITE_SECRET = ['wJalrXUtnFEMI/K7MDENG', 'bPxRfiCYEXAMPLEKEY'].join('+');
const EMPTY = sha256('');

const keyOf = (secret: string): AwsKey => ({
  secret: { name: 'K', value: 'another one', dummy: secret, hosts: [], in: ['aws4'] },
  id: undefined,
  token: undefined,
});

function fieldsOf(headers: readonly (readonly [string, string])[]): Fields {
  return {
    names: headers.map(([name]) => name),
    lower: headers.map(([name]) => name.toLowerCase()),
    values: headers.map(([, value]) => value),
  };
}

interface Example {
  readonly method?: string;
  readonly path: string;
  readonly host?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly scope: string;
  readonly signed: string;
  readonly signature: string;
  readonly body?: string;
  readonly secret?: string;
}

function verifies({ method = 'GET', path, host = '', headers = [], body, secret = '', ...rest }: Example): boolean {
  const fields = fieldsOf([
    ['Host', host],
    ...headers,
    ['Authorization', `AWS4-HMAC-SHA256 Credential=${EXAMPLE_ID}/${rest.scope}, SignedHeaders=${rest.signed}, Signature=${rest.signature}`], // prettier-ignore
  ]);
  const signed = readSigned({ path, fields });
  if (signed === undefined || signed === 'unreadable') throw new Error(String(signed));
  const payloads = payloadsOf(signed, body !== undefined, body === undefined ? undefined : sha256(body))!;
  return matchKey([keyOf(secret)], signed, { method, path, fields, host }, payloads) !== undefined;
}

const S3 = { scope: '20130524/us-east-1/s3/aws4_request', secret: EXAMPLE_SECRET };
const S3_DATE = ['x-amz-date', '20130524T000000Z'] as const;
const BUCKET = 'examplebucket.s3.amazonaws.com';
const SUITE = { scope: '20150830/us-east-1/service/aws4_request', secret: SUITE_SECRET, host: 'example.amazonaws.com' };
const SUITE_DATE = ['X-Amz-Date', '20150830T123600Z'] as const;
const VANILLA = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31';

const EXAMPLES: readonly (readonly [string, Example])[] = [
  [
    'S3: GET Object',
    {
      ...S3,
      path: '/test.txt',
      host: BUCKET,
      headers: [['Range', 'bytes=0-9'], ['x-amz-content-sha256', EMPTY], S3_DATE],
      signed: 'host;range;x-amz-content-sha256;x-amz-date',
      signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    },
  ],
  [
    'S3: PUT Object, with a Date field beside the other',
    {
      ...S3,
      method: 'PUT',
      path: '/test%24file.text',
      host: BUCKET,
      headers: [
        ['Date', 'Fri, 24 May 2013 00:00:00 GMT'],
        S3_DATE,
        ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
        ['x-amz-content-sha256', sha256('Welcome to Amazon S3.')],
      ],
      signed: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
      signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    },
  ],
  [
    'S3: GET Bucket lifecycle, a parameter without a value',
    {
      ...S3,
      path: '/?lifecycle',
      host: BUCKET,
      headers: [['x-amz-content-sha256', EMPTY], S3_DATE],
      signed: 'host;x-amz-content-sha256;x-amz-date',
      signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    },
  ],
  [
    'S3: List Objects',
    {
      ...S3,
      path: '/?max-keys=2&prefix=J',
      host: BUCKET,
      headers: [['x-amz-content-sha256', EMPTY], S3_DATE],
      signed: 'host;x-amz-content-sha256;x-amz-date',
      signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    },
  ],
  [
    'IAM: ListUsers',
    {
      path: '/?Action=ListUsers&Version=2010-05-08',
      host: 'iam.amazonaws.com',
      secret: SUITE_SECRET,
      scope: '20150830/us-east-1/iam/aws4_request',
      headers: [['content-type', 'application/x-www-form-urlencoded; charset=utf-8'], SUITE_DATE],
      signed: 'content-type;host;x-amz-date',
      signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    },
  ],
  ['suite: get-vanilla', { ...SUITE, path: '/', headers: [SUITE_DATE], signed: 'host;x-amz-date', signature: VANILLA }],
  [
    'suite: get-relative',
    { ...SUITE, path: '/example/..', headers: [SUITE_DATE], signed: 'host;x-amz-date', signature: VANILLA },
  ],
  ['suite: get-slash', { ...SUITE, path: '//', headers: [SUITE_DATE], signed: 'host;x-amz-date', signature: VANILLA }],
  [
    'suite: get-vanilla-query-order-key-case',
    {
      ...SUITE,
      path: '/?Param2=value2&Param1=value1',
      headers: [SUITE_DATE],
      signed: 'host;x-amz-date',
      signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    },
  ],
  [
    'suite: get-utf8',
    {
      ...SUITE,
      path: Buffer.from('/ሴ').toString('latin1'),
      headers: [SUITE_DATE],
      signed: 'host;x-amz-date',
      signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
    },
  ],
  [
    'suite: get-header-value-trim',
    {
      ...SUITE,
      path: '/',
      headers: [['My-Header1', 'value1'], ['My-Header2', '"a   b   c"'], SUITE_DATE],
      signed: 'host;my-header1;my-header2;x-amz-date',
      signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    },
  ],
  [
    'suite: post-x-www-form-urlencoded',
    {
      ...SUITE,
      method: 'POST',
      path: '/',
      headers: [['Content-Type', 'application/x-www-form-urlencoded'], SUITE_DATE],
      signed: 'content-type;host;x-amz-date',
      signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
      body: 'Param1=value1',
    },
  ],
];

describe('AWS’s published examples', () => {
  it.each(EXAMPLES)('%s', (_, example) => {
    expect(verifies(example)).toBe(true);
    expect(verifies({ ...example, secret: `${example.secret!}x` })).toBe(false);
    expect(verifies({ ...example, method: 'DELETE' })).toBe(false);
    expect(verifies({ ...example, path: `${example.path}x` })).toBe(false);
    expect(verifies({ ...example, host: 'evil.example' })).toBe(false);
  });

  it('the key of the documentation', () => {
    const scope = { date: '20150830', region: 'us-east-1', service: 'iam' };
    expect(signingKey(SUITE_SECRET, scope).toString('hex')).toBe(
      'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9',
    );
  });

  it('S3: presigned', () => {
    const path = `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${EXAMPLE_ID}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`;
    const fields = fieldsOf([['Host', BUCKET]]);
    const signed = readSigned({ path, fields });
    if (signed === undefined || signed === 'unreadable') throw new Error('not read');
    const input = { method: 'GET', path, fields, host: BUCKET };
    const payloads = payloadsOf(signed, false)!;
    expect(matchKey([keyOf(EXAMPLE_SECRET)], signed, input, payloads)).toBeDefined();
    expect(matchKey([keyOf(SUITE_SECRET)], signed, input, payloads)).toBeUndefined();
  });

  const upload = (more: readonly (readonly [string, string])[], signed: string, signature: string): Example => ({
    ...S3,
    method: 'PUT',
    path: '/examplebucket/chunkObject.txt',
    host: 's3.amazonaws.com',
    headers: [
      S3_DATE,
      ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
      ['Content-Encoding', 'aws-chunked'],
      ['x-amz-decoded-content-length', '66560'],
      ...more,
    ],
    signed,
    signature,
  });
  const time = '20130524T000000Z';
  const scope = { date: '20130524', region: 'us-east-1', service: 's3' };
  const parts = [Buffer.alloc(65536, 'a'), Buffer.alloc(1024, 'a')];
  const chain = (seed: string) => new ChunkChain(signingKey(EXAMPLE_SECRET, scope), time, scope, seed);

  it('S3: an upload in signed chunks', () => {
    const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
    const example = upload(
      [
        ['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
        ['Content-Length', '66824'],
      ],
      'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
      seed,
    );
    expect(verifies(example)).toBe(true);
    const chunks = chain(seed);
    expect([...parts, Buffer.alloc(0)].map((data) => chunks.chunk(data))).toEqual([
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ]);
  });

  it('S3: the same with a trailer', () => {
    const seed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e';
    const example = upload(
      [
        ['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'],
        ['x-amz-trailer', 'x-amz-checksum-crc32c'],
      ],
      'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
      seed,
    );
    expect(verifies(example)).toBe(true);
    const chunks = chain(seed);
    expect([...parts, Buffer.alloc(0)].map((data) => chunks.chunk(data))).toEqual([
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
    ]);
    expect(chunks.trailer('x-amz-checksum-crc32c:sOO8/Q==\n')).toBe(
      'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
    );
  });
});

/** node:crypto for the library. */
class Sha256 {
  readonly #hash;
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }
  reset(): void {
    throw new Error('not used');
  }
}

const WORD = fc.stringMatching(/^[A-Za-z0-9 _.~!'()*+,;:@$&=%-]{1,12}$/);
const encoded = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`); // prettier-ignore

describe('the library of AWS’s SDK', () => {
  it('signs what is known again, for all paths, queries and fields, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(WORD, { maxLength: 4 }),
        // The library keeps them in plain objects.
        fc.dictionary(
          WORD.filter((name) => name !== '__proto__'),
          WORD,
          { maxKeys: 4 },
        ),
        fc.dictionary(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/), {
          maxKeys: 4,
        }),
        fc.constantFrom('s3', 'dynamodb', 'execute-api'),
        fc.boolean(),
        async (segments, query, headers, service, presigned) => {
          const signer = new SignatureV4({
            service,
            region: 'eu-west-1',
            credentials: { accessKeyId: EXAMPLE_ID, secretAccessKey: EXAMPLE_SECRET },
            sha256: Sha256,
            uriEscapePath: service !== 's3',
          });
          const path = `/${segments.map(encoded).join('/')}`;
          const request = { method: 'GET', protocol: 'https:', hostname: 'h.example', path, query };
          const all = { ...headers, host: 'h.example', ...(service === 's3' && presigned ? { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } : {}) }; // prettier-ignore
          const made = presigned
            ? await signer.presign({ ...request, headers: all })
            : await signer.sign({ ...request, headers: all });
          const text = Object.entries(made.query as Record<string, string>).map(([n, v]) => `${encoded(n)}=${encoded(v)}`); // prettier-ignore
          const target = text.length > 0 ? `${path}?${text.join('&')}` : path;
          const fields = fieldsOf(Object.entries(made.headers));
          const signed = readSigned({ path: target, fields });
          if (signed === undefined || signed === 'unreadable') throw new Error('not read');
          const input = { method: 'GET', path: target, fields, host: 'h.example' };
          const payloads = payloadsOf(signed, false)!;
          expect(matchKey([keyOf(EXAMPLE_SECRET)], signed, input, payloads)).toBeDefined();
          expect(matchKey([keyOf(SUITE_SECRET)], signed, input, payloads)).toBeUndefined();
          expect(matchKey([keyOf(EXAMPLE_SECRET)], signed, { ...input, method: 'PUT' }, payloads)).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what is read', () => {
  const good = `AWS4-HMAC-SHA256 Credential=ID/20260101/r/s/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
  const date = ['X-Amz-Date', '20260101T000000Z'] as const;
  const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ID%2F20260101%2Fr%2Fs%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0'.repeat(64)}`;
  const read = (path: string, ...headers: (readonly [string, string])[]) => readSigned({ path, fields: fieldsOf(headers) }); // prettier-ignore

  it('takes every spelling of a signed request for one', () => {
    for (const value of [good, good.replaceAll(', ', ','), good.replaceAll(', ', ' , ')])
      expect(read('/', ['Authorization', value], date)).toMatchObject({ keyId: 'ID', service: 's' });
    for (const text of [
      query,
      query
        .toLowerCase()
        .replace('aws4-hmac-sha256', 'AWS4-HMAC-SHA256')
        .replace('id%2f', 'ID%2f')
        .replace('t000000z', 'T000000Z'),
      query.replaceAll('X-Amz', 'X%2DAmz'),
    ])
      // prettier-ignore
      expect(read(`/a?${text}`)).toMatchObject({ keyId: 'ID', region: 'r' });
    expect(read('/', ['Authorization', 'Bearer x'])).toBeUndefined();
    expect(read('/?x=X-Amz-Date')).toBeUndefined();
    expect(read('/?X-Amz-Date=1')).toBeUndefined();
  });

  it.each([
    ['both ways at once', read(`/?${query}`, ['Authorization', good], date)],
    ['two fields', read('/', ['Authorization', good], ['Authorization', good], date)],
    ['a hidden one', read('/', ['Authorization', 'Bearer x'], ['Authorization', good], date)],
    ['two tokens', read('/', ['Authorization', good], date, ['X-Amz-Security-Token', 'a'], ['x-amz-security-token', 'b'])], // prettier-ignore
    ['a parameter twice', read(`/?${query}&X%2dAmz-Signature=${'1'.repeat(64)}`)],
    ['no date', read('/', ['Authorization', good])],
    ['another date', read('/', ['Authorization', good], ['X-Amz-Date', '20260102T000000Z'])],
    ['a part twice', read('/', ['Authorization', `${good}, Signature=${'0'.repeat(64)}`], date)],
    ['no scope', read('/', ['Authorization', good.replace('aws4_request', 'x')], date)],
    ['a field signed twice', read('/', ['Authorization', good.replace('=host,', '=host;host,')], date)],
    ['another case', read('/', ['Authorization', good.replace('AWS4', 'aws4')], date)],
  ])('not: %s', (_, result) => {
    expect(result).toBe('unreadable');
  });

  it('and is written back without another change', () => {
    const head = { path: `/a?b=c+d&${query}&e`, fields: fieldsOf([['X', good], date]) };
    const signed = readSigned(head)!;
    if (signed === 'unreadable') throw new Error(signed);
    expect(rewriteSigned(head, signed, {})).toEqual(head);
    const changed = rewriteSigned(head, signed, { keyId: 'N$1', signature: '1'.repeat(64) });
    expect(changed.path).toBe(head.path.replace('=ID', '=N%241').replace('0'.repeat(64), '1'.repeat(64)));
    const inHeader = { path: '/', fields: fieldsOf([['Authorization', good], date]) };
    const other = readSigned(inHeader)!;
    if (other === 'unreadable') throw new Error(other);
    expect(rewriteSigned(inHeader, other, { keyId: 'N$1', signature: '1'.repeat(64) }).fields.values[0]).toBe(
      good.replace('=ID', () => '=N$1').replace('0'.repeat(64), '1'.repeat(64)),
    );
  });
});

describe('a body in chunks', () => {
  const client = { keyId: 'ID', secret: 'the dummy', time: '20260101T000000Z', region: 'r', service: 's3' };
  const real = { ...client, secret: 'the real one' };
  const scope = { date: '20260101', region: 'r', service: 's3' };
  const seed = 'a'.repeat(64);
  const realSeed = 'b'.repeat(64);
  const chain = (secret: string, first: string) => new ChunkChain(signingKey(secret, scope), client.time, scope, first);
  class Bad extends Error {}

  function run(body: Buffer, cuts: readonly number[], signed = true, holds = 0): Buffer {
    const chunks = new AwsChunks({
      chains: signed ? { client: chain(client.secret, seed), real: chain(real.secret, realSeed) } : undefined,
      inner: holds > 0 ? holdingBack(holds) : undefined,
      refuse: (why) => {
        throw new Bad(why);
      },
    });
    const out: Buffer[] = [];
    let at = 0;
    for (const cut of [...cuts, body.length]) {
      const end = Math.min(body.length, at + cut);
      if (end > at) out.push(chunks.push(body.subarray(at, end)));
      at = end;
    }
    out.push(chunks.end());
    return Buffer.concat(out);
  }

  /** As a redactor does: the last bytes come with the next ones. */
  function holdingBack(count: number) {
    let held = Buffer.alloc(0);
    return {
      keepsLength: true,
      push(chunk: Buffer) {
        const all = Buffer.concat([held, chunk]);
        const out = all.subarray(0, Math.max(0, all.length - count));
        held = Buffer.from(all.subarray(out.length));
        return out;
      },
      end() {
        const out = held;
        held = Buffer.alloc(0);
        return out;
      },
    };
  }

  it('is signed again, with its lengths and its trailer, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }),
        fc.option(fc.constant('x-amz-checksum-crc32:AAAAAA=='), { nil: undefined }),
        fc.integer({ min: 0, max: 50 }),
        (parts, cuts, trailer, holds) => {
          const data = parts.map((part) => Buffer.from(part));
          const given = signedChunks(client, seed, data, trailer);
          const wanted = signedChunks(real, realSeed, data, trailer);
          expect(run(given, cuts, true, holds).equals(wanted)).toBe(true);
        },
      ),
    );
  });

  it('passes as it is where its chunks are not signed, and in no more than it needs', () => {
    const body = Buffer.from('5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n');
    for (const size of [1, 2, 3, 7, 100])
      for (const holds of [0, 3]) {
        const cuts = Array.from({ length: body.length }, () => size);
        expect(run(body, cuts, false, holds).equals(body)).toBe(true);
      }
  });

  const whole = signedChunks(client, seed, [Buffer.from('hello'), Buffer.from('world')], 'x-amz-checksum-crc32:AA==');
  const text = whole.toString('latin1');
  it.each([
    ['data of another', text.replace('hello', 'hellO'), 'wrong-signature'],
    ['another trailer', text.replace('AA==', 'AB=='), 'wrong-signature'],
    ['a chunk less', text.replace(/^5;[^]*?hello\r\n/, ''), 'wrong-signature'],
    ['the attacker’s own key', signedChunks({ ...client, secret: 'x' }, seed, [Buffer.from('a')]).toString('latin1'), 'wrong-signature'], // prettier-ignore
    ['another seed', signedChunks(client, realSeed, [Buffer.from('a')]).toString('latin1'), 'wrong-signature'],
    ['no end', text.slice(0, -10), 'malformed'],
    ['only a part', text.slice(0, 120), 'malformed'],
    ['something behind it', `${text}x`, 'malformed'],
    ['a chunk without a signature', text.replace(/;chunk-signature=[0-9a-f]+/, ''), 'malformed'],
    ['a trailer that nobody signed', text.replace(/x-amz-trailer-signature:.*\r\n/, ''), 'malformed'],
    ['a longer chunk', text.replace('hello', 'helloo'), 'malformed'],
    ['a line without an end', 'a'.repeat(2000), 'malformed'],
    ['a chunk that nobody can hold', `ffffffff;chunk-signature=${seed}\r\n`, 'malformed'],
  ])('is not taken: %s', (_, body, why) => {
    expect(() => run(Buffer.from(body, 'latin1'), [7, 50])).toThrow(new Bad(why));
  });
});

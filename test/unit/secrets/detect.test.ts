import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Detector, createDetector } from '../../../src/core/secrets/detect';
import { createRedactor } from '../../../src/core/secrets/redact';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { DECODERS as decoders } from '../../../src/proxy/codecs/contentCoding';
import { benignRequests, partsOf } from '../../support/benign';
import { pushBody } from '../../support/packs';
import { findKeyShapes } from '../../../src/core/secrets/keyShapes';
import { createSplitWatch } from '../../../src/core/secrets/splitWatch';
import { body, keys, seeded } from '../env/fakeKeys';

const secret = (name: string, value: string, dummy: string): BoundSecret => ({ name, value, dummy, hosts: [], in: [] });
const A = secret('A', keys.anthropic(1), keys.anthropic(2));
const G = secret('G', keys.github(1), keys.github(2));
const ODD = secret('ODD', `p@ss/w+rd="ö ${body(12)}&<'\\n%41`, body(35, 9));
const PEM = secret('PEM', keys.pem(), body(80, 4));
const ALL = [A, G, ODD, PEM];
const detector = createDetector(ALL, decoders);
const redactor = createRedactor(ALL);

function run(detector: Detector, data: Uint8Array, places: readonly number[] = []) {
  const at = [0, ...places.map((place) => place % (data.length + 1)).sort((a, b) => a - b), data.length];
  const stream = detector.stream();
  const found = at.slice(1).flatMap((end, i) => {
    // A copy that is gone afterwards: nothing may be kept of it.
    const chunk = Uint8Array.from(data.subarray(at[i], end));
    const now = stream.push(chunk);
    chunk.fill(0x7a);
    return now;
  });
  return [...found, ...stream.end()];
}
const names = (found: readonly { secret: string }[]) => [...new Set(found.map((one) => one.secret))].sort();

function base32(data: Uint8Array): string {
  let bits = Array.from(data, (byte) => byte.toString(2).padStart(8, '0')).join('');
  bits += '0'.repeat((5 - (bits.length % 5)) % 5);
  return bits.replace(/.{5}/g, (five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five, 2)]!);
}
const b64 = (data: string | Uint8Array) => Buffer.from(data as string).toString('base64');
const lines = (text: string, width: number, end: string) => text.match(new RegExp(`.{1,${width}}`, 'gs'))!.join(end);
const pairs = (value: string | Uint8Array) =>
  Array.from(Buffer.from(value as string), (byte) => byte.toString(16).padStart(2, '0'));
const every = (value: string, write: (char: string, i: number) => string) => Array.from(value, write).join('');
const percentAll = (value: string | Uint8Array) => pairs(value).map((pair) => `%${pair}`).join(''); // prettier-ignore
const percentSome = (value: string) =>
  Array.from(Buffer.from(value), (byte, i) =>
    i % 3 === 0 || byte > 0x7e || byte === 0x25
      ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
      : String.fromCharCode(byte),
  ).join('');
/** What a mail client writes: what needs it, and lines of 76. */
function quotedPrintable(value: string, width = 20): string {
  const units = Array.from(Buffer.from(value), (byte) =>
    byte === 0x3d || byte < 0x20 || byte > 0x7e
      ? `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
      : String.fromCharCode(byte),
  );
  let out = '';
  for (let i = 0; i < units.length; i += width) out += `${units.slice(i, i + width).join('')}=\r\n`;
  return `Content-Transfer-Encoding: quoted-printable\r\n\r\n${out}`;
}
/** RFC 8878: one frame of one raw block. */
function zstdFrame(text: string): Buffer {
  const data = Buffer.from(text);
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xa0;
  head.writeUInt32LE(data.length, 5);
  head.writeUIntLE((data.length << 3) | 1, 9, 3);
  return Buffer.concat([head, data]);
}
function zipFile(text: string, sized = true): Buffer {
  const data = zlib.deflateRawSync(text);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(sized ? 0 : 8, 6);
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(sized ? data.length : 0, 18);
  head.writeUInt32LE(sized ? text.length : 0, 22);
  head.writeUInt16LE(4, 26);
  return Buffer.concat([head, Buffer.from('.env'), data, Buffer.from('PK\x01\x02 and a directory')]);
}

/** Each makes of a value what goes over the wire. The name begins with the form that is reported. */
const FORMS: Readonly<Record<string, (value: string) => string | Uint8Array>> = {
  plain: (value) => value,
  'plain in JSON': (value) => JSON.stringify({ a: { b: value } }),
  percent: (value) => encodeURIComponent(value),
  'percent, every byte': percentAll,
  'percent, some bytes': percentSome,
  'percent twice': (value) => encodeURIComponent(percentSome(value)),
  'percent three times': (value) => encodeURIComponent(encodeURIComponent(percentSome(value))),
  'percent, a form': (value) => new URLSearchParams({ value }).toString(),
  'json, every character': (value) =>
    Array.from({ length: value.length }, (_, i) => `\\u${value.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  'json, some characters': (value) =>
    JSON.stringify(value).replace(/[aeiou013]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'json in json': (value) => JSON.stringify(JSON.stringify(JSON.stringify({ value }))),
  'json, \\x': (value) => every(toBinary(value), (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`),
  'json, octal': (value) => every(toBinary(value), (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`),
  'html, every character': (value) => every(value, (char) => `&#${char.codePointAt(0)!};`),
  'html, some characters': (value) =>
    every(value, (char, i) =>
      i % 4 === 1 || /[&<>"']/.test(char) ? `&#x${char.codePointAt(0)!.toString(16)};` : char,
    ),
  'mixed escapes': (value) =>
    every(value, (char, i) =>
      i % 3 === 0
        ? `&#${char.codePointAt(0)!};`
        : i % 3 === 1 || /[\\%&]/.test(char)
          ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
          : char,
    ),
  hex: (value) => Buffer.from(value).toString('hex'),
  'hex in mixed case': (value) =>
    every(Buffer.from(value).toString('hex'), (char, i) => (i % 3 ? char : char.toUpperCase())),
  'hex with colons': (value) => pairs(value).join(':').toUpperCase(),
  'hex in lines': (value) => lines(Buffer.from(value).toString('hex'), 13, '\n'),
  base64: b64,
  'base64 behind something': (value) => b64(`x-access-token:${value}\n`),
  'base64 in lines': (value) => lines(b64(value), 16, '\r\n'),
  'base64 in short lines': (value) => lines(b64(value), 5, '\n'),
  'base64 in lines of JSON': (value) => JSON.stringify({ content: lines(b64(value), 11, '\n') }),
  'base64 in lines of JSON in JSON': (value) =>
    JSON.stringify(JSON.stringify({ content: lines(b64(value), 11, '\n') })),
  'base64 in lines of a form': (value) => new URLSearchParams({ data: lines(b64(value), 19, '\r\n') }).toString(),
  'base64 as a part': (value) =>
    `Content-Transfer-Encoding: base64\r\n\r\n${lines(b64(`pre${value}`), 76, '\r\n')}\r\n--b`,
  base32: (value) => base32(Buffer.from(value)),
  'base32 in lines, lower': (value) => lines(base32(Buffer.from(`ab${value}`)).toLowerCase(), 17, '\n'),
  reversed: (value) => Array.from(value).reverse().join(''),
  decimal: (value) => JSON.stringify(Buffer.from(value)),
  'utf-16': (value) => Buffer.from(value, 'utf16le'),
  'base64 of UTF-16': (value) => b64(Buffer.from(value, 'utf16le')),
  'quoted-printable': (value) => quotedPrintable(value),
  'hex with spaces, some escaped': (value) =>
    every(pairs(value).join(' '), (char, i) => (i % 5 === 0 ? `%${char.charCodeAt(0).toString(16)}` : char)),
  'base64 in lines, some characters escaped': (value) =>
    every(lines(b64(value), 16, '\n'), (char, i) => (i % 5 === 0 && char !== '\n' ? `&#${char.charCodeAt(0)};` : char)),
  'compressed, zlib, escaped': (value) =>
    every(
      zlib.deflateSync(value).toString('latin1'),
      (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
    ),
  'compressed, gzip, escaped twice': (value) => encodeURIComponent(percentAll(zlib.gzipSync(value))),
  'json escapes in percent': (value) =>
    encodeURIComponent(every(value, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)),
  'hex in base64': (value) => b64(Buffer.from(value).toString('hex')),
  'base64 in base64': (value) => b64(b64(value)),
  'base64 three times': (value) => b64(b64(b64(value))),
  'percent in base64': (value) => b64(percentSome(value)),
  'base64 in percent': (value) => percentAll(b64(b64(value))),
  'hex in hex': (value) => Buffer.from(Buffer.from(value).toString('hex')).toString('hex'),
  'compressed, gzip': (value) => zlib.gzipSync(`KEY=${value}\n`),
  'compressed, zlib': (value) => zlib.deflateSync(`KEY=${value}\n`),
  'compressed, zlib with a dynamic block': (value) =>
    zlib.deflateSync(`${seededText(3000)}${value}${seededText(3000)}`),
  'compressed, zlib stored': (value) => zlib.deflateSync(`KEY=${value}\n`, { level: 0 }),
  'compressed, zstd': (value) => zstdFrame(`KEY=${value}\n`),
  'compressed, zip': (value) => zipFile(`KEY=${value}\n`),
  'compressed, zip of unknown size': (value) => zipFile(`KEY=${value}\n`, false),
  'compressed in base64': (value) => b64(zlib.gzipSync(value)),
  'compressed in base64, zlib': (value) => b64(zlib.deflateSync(value)),
  'compressed in base64, zstd': (value) => b64(zstdFrame(value)),
  'compressed in base64 in JSON lines': (value) => JSON.stringify({ d: lines(b64(zlib.gzipSync(value)), 60, '\n') }),
  'compressed in hex': (value) => zlib.gzipSync(value).toString('hex'),
  'compressed twice': (value) => zlib.gzipSync(zlib.gzipSync(value)),
  'base64 in compressed': (value) => zlib.gzipSync(b64(value)),
  'reversed in compressed': (value) => zlib.gzipSync(Array.from(value).reverse().join('')),
};
const toBinary = (value: string) => Buffer.from(value).toString('latin1');
const seededText = (length: number) => Buffer.from(seeded(3)(length)).toString('hex');

const around = [
  ['nothing', '', ''],
  ['JSON', '{"a":"', '"}'],
  ['text', 'The answer is = ', ' and so on.\n'],
] as const;
const wrap = (before: string, data: string | Uint8Array, after: string) =>
  Buffer.concat([Buffer.from(before), Buffer.from(data as string), Buffer.from(after)]);

describe.each(Object.entries(FORMS))('%s', (form, make) => {
  const usable = form.startsWith('utf-16') || form.includes('UTF-16') ? [A, G] : ALL;
  it.each(around)('is found in %s', (_, before, after) => {
    for (const { name, value } of usable)
      expect([name, names(run(detector, wrap(before, make(value), after)))]).toEqual([name, [name]]);
  });

  it('is found however it is cut', () => {
    for (const { name, value } of usable.slice(0, 3)) {
      const data = wrap('{"x": "', make(value), '"}');
      for (let i = 0; i <= data.length; i += Math.ceil(data.length / 250))
        expect([i, names(run(detector, data, [i]))]).toEqual([i, [name]]);
      expect(names(run(detector, data, [...data.keys()]))).toEqual([name]);
    }
  });

  it('is found behind the redactor, by one or the other', () => {
    for (const { name, value } of usable) {
      const data = wrap('{"x": "', make(value), '"}');
      for (const places of [[], [data.length >> 1], [...data.keys()].filter((place) => place % 7 === 0)]) {
        const at = [0, ...places, data.length];
        const [masks, hidden] = [redactor.stream(), detector.stream('redacted')];
        const found = at.slice(1).flatMap((end, i) => hidden.push(masks.push(data.subarray(at[i], end))));
        found.push(...hidden.push(masks.end()), ...hidden.end());
        expect([name, new Set([...names(found), ...masks.hits.keys()])]).toEqual([name, new Set([name])]);
      }
    }
  });

  it('says the form', () => {
    const word = form.split(/[ ,]/)[0]!;
    const forms = usable.flatMap(({ value }) => run(detector, wrap('"', make(value), '"'))).map((one) => one.form);
    expect(forms.some((one) => one.startsWith(word === 'mixed' ? 'mixed' : word) || one.includes(word))).toBe(true);
  });

  it('of a dummy is nothing', () => {
    for (const { dummy } of usable) expect(run(detector, wrap('"', make(dummy), '"'))).toEqual([]);
  });
});

describe('host names', () => {
  const host = (name: string) => names(detector.host(name));
  const inLabels = (text: string) => `${lines(text.toLowerCase(), 40, '.')}.evil.example`;
  it.each([
    ['the value', (value: string) => `${value.replaceAll(/[^A-Za-z0-9.-]/g, '')}.evil.example`, [] as string[]],
    ['hex', (value: string) => inLabels(Buffer.from(value).toString('hex')), ['A']],
    ['base32', (value: string) => inLabels(base32(Buffer.from(value))), ['A']],
    ['short labels', (value: string) => `${lines(Buffer.from(value).toString('hex'), 4, '.')}.evil.example`, ['A']],
    ['base64 that lost its case', (value: string) => inLabels(Buffer.from(value).toString('base64url')), ['A']],
  ])('%s', (what, write, expected) => expect(host(write(A.value))).toEqual(what === 'the value' ? ['A'] : expected));
  it('are found as they are', () => {
    expect(host(`${G.value.replace('_', '-')}.example`)).toEqual([]);
    expect(host(`${G.value.toLowerCase()}.example`)).toEqual(['G']);
  });
  it.each([
    'api.example.com',
    'registry.npmjs.org',
    `${A.dummy.toLowerCase()}.example`,
    `${'a1b2'.repeat(15)}.cdn.example`,
  ])('%s is nothing', (name) => expect(host(name)).toEqual([]));
});

describe('text', () => {
  it('is read as it is and as latin1', () => {
    expect(names(detector.text(ODD.value))).toEqual(['ODD']);
    expect(names(detector.text(toBinary(ODD.value)))).toEqual(['ODD']);
    expect(detector.text('Bearer of good news')).toEqual([]);
  });
});

describe('what is not looked for', () => {
  it('is short, or a dummy', () => {
    const short = secret('S', 'elevenbytes', 'other');
    const same = secret('D', body(20), body(20));
    const other = secret('E', body(24, 7), body(30, 8));
    const inside = secret('F', body(30, 8).slice(0, 16), body(16, 3));
    const one = createDetector([short, same, other, inside], decoders);
    expect(one.text(`${short.value} ${same.value} ${other.dummy}`)).toEqual([]);
    expect(names(one.text(other.value))).toEqual(['E']);
    expect(createDetector([], decoders).text(A.value)).toEqual([]);
  });
});

describe('a stream', () => {
  it('says each secret and form once', () => {
    const stream = detector.stream();
    expect(stream.push(Buffer.from(`${A.value} ${A.value}`))).toEqual([{ secret: 'A', form: 'plain' }]);
    expect(stream.push(Buffer.from(`${A.value} ${G.value}`))).toEqual([{ secret: 'G', form: 'plain' }]);
    expect(stream.end()).toEqual([]);
  });

  it('says when it does not inflate any further', () => {
    const bomb = zlib.gzipSync(Buffer.alloc(80 * 1024 * 1024));
    const stream = detector.stream();
    expect(stream.exhausted).toBe(false);
    stream.push(bomb);
    expect(stream.exhausted).toBe(true);
  });

  it('takes malformed compressed data for what it is', () => {
    const whole = zlib.gzipSync(`${seededText(2000)}${A.value}`);
    for (const at of [2, 12, 40, 200, whole.length - 5]) {
      const broken = Buffer.from(whole);
      broken[at]! ^= 0xff;
      run(detector, Buffer.concat([broken, Buffer.from(` ${G.value}`)]));
      expect(names(run(detector, Buffer.concat([broken, Buffer.from(` ${G.value}`)])))).toContain('G');
    }
    expect(run(detector, whole.subarray(0, 30))).toEqual([]);
  });

  it('finds compressed data behind what only looks like it', () => {
    const data = Buffer.concat([Buffer.from('x\x9c x\x01 PACK PK '), zlib.deflateSync(A.value), Buffer.from('x')]);
    expect(names(run(detector, data))).toEqual(['A']);
  });

  it('looks into the window of another size where a body begins with it', () => {
    expect(names(run(detector, zlib.deflateSync(`KEY=${A.value}`, { windowBits: 9 })))).toEqual(['A']);
  });
});

describe('random values', () => {
  const printable = fc.string({ unit: 'binary-ascii', minLength: 16, maxLength: 60 });
  const value = fc.oneof(
    printable,
    fc.string({ unit: 'grapheme', minLength: 12, maxLength: 30 }),
    fc.uint8Array({ minLength: 16, maxLength: 50 }).map((data) => Buffer.from(data).toString('base64')),
    fc.integer({ min: 1, max: 9 }).map((count) => keys.pem(count)),
  );
  const forms = ['plain', 'percent', 'plain in JSON', 'hex', 'hex with colons', 'base64', 'base64 in lines', 'base32', 'hex in base64', 'compressed, gzip', 'compressed in base64', 'json, every character', 'html, every character'] as const; // prettier-ignore
  it.each(forms)('%s is found, however it is cut', (form) => {
    fc.assert(
      fc.property(value, fc.array(fc.nat(), { maxLength: 5 }), fc.nat(20), (text, places, before) => {
        fc.pre(Buffer.byteLength(text) >= 12 && !/[\0-\x08\x0e-\x1f\x7f]/.test(text));
        const one = createDetector([secret('R', text, 'no-dummy-of-mine')], decoders);
        const data = wrap(`${'p'.repeat(before)} "`, FORMS[form]!(text), '" x');
        expect(names(run(one, data, places))).toEqual(['R']);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a push of git', () => {
  const file = (line: string) => `${seededText(4000)}\n${line}\n${seededText(4000)}\n`;
  it.each([
    ['in a file', [file(`KEY=${A.value}`)]],
    ['in a version that is a difference to another', [file('KEY=none'), file(`KEY=${A.value}`), file('KEY=other')]],
    ['in a long insertion', [file('none'), file(`${seededText(100).slice(0, 90)}${A.value}${seededText(100)}`)]],
    ['in base64 in a file', [file(b64(A.value))]],
  ])('%s', (_, versions) => {
    const data = pushBody(versions);
    expect(names(run(detector, data))).toEqual(['A']);
    expect(names(run(detector, data, [10, 150, 170, 200, 300, 1000, 1001, 1002, 4000]))).toEqual(['A']);
  });
});

describe('ordinary requests', () => {
  const many = Array.from({ length: 60 }, (_, i) => secret(`S${i}`, body(20 + i, i + 1), body(20 + i, i + 900)));
  const secrets = [...ALL, secret('W', 'correct-horse-battery-staple', body(28, 4)), ...many];
  const requests = benignRequests(secrets.map(({ dummy }) => dummy));
  const one = createDetector(secrets, decoders);
  const known = new Set(secrets.map(({ dummy }) => dummy));
  it('are many', () => expect(requests.length).toBeGreaterThanOrEqual(200));
  it('give no finding', () => {
    const watch = createSplitWatch(secrets);
    for (const request of requests) {
      const head = [request.path, ...Object.values(request.headers)];
      const found = [
        ...one.host(request.host),
        ...head.flatMap((text) => one.text(text)),
        ...run(one, request.body, [1000, 3000, 3001]),
        ...watch.note(request.host, partsOf(request)),
      ];
      expect([request.name, found]).toEqual([request.name, []]);
      for (const data of [...head, request.body])
        expect([request.name, findKeyShapes(data, known)]).toEqual([request.name, []]);
    }
  });
});

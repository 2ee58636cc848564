import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Detector, createDetector } from '../../../src/core/secrets/detect';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { DECODERS as decoders } from '../../../src/proxy/codecs/contentCoding';
import { body, keys, seeded } from '../env/fakeKeys';

const secret = (name: string, value: string, dummy: string): BoundSecret => ({ name, value, dummy, hosts: [], in: [] });
const A = secret('A', keys.anthropic(1), keys.anthropic(2));
const G = secret('G', keys.github(1), keys.github(2));
const ODD = secret('ODD', `p@ss/w+rd="ö ${body(12)}&<'\\n%41`, body(35, 9));
const PEM = secret('PEM', keys.pem(), body(80, 4));
const ALL = [A, G, ODD, PEM];
const detector = createDetector(ALL, decoders);

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
const pairs = (value: string) => Array.from(Buffer.from(value), (byte) => byte.toString(16).padStart(2, '0'));
const every = (value: string, write: (char: string, i: number) => string) => Array.from(value, write).join('');
const percentAll = (value: string) => pairs(value).map((pair) => `%${pair}`).join(''); // prettier-ignore
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
  'json, every character': (value) => every(value, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
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
      for (let i = 0; i <= data.length; i++) expect([i, names(run(detector, data, [i]))]).toEqual([i, [name]]);
      expect(names(run(detector, data, [...data.keys()]))).toEqual([name]);
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

// The forms in which a real value may leave: what an agent has at hand to hide it with, in a shell, in Python or in Node.
import zlib from 'node:zlib';

export interface Form {
  readonly name: string;
  /** Text where it can stand in a line, bytes where it cannot. */
  readonly encode: (value: string) => string | Buffer;
}

const every = (value: string, one: (byte: number) => string) => Array.from(Buffer.from(value), one).join('');
const hex2 = (byte: number) => byte.toString(16).padStart(2, '0');
const base64 = (value: string | Buffer) => Buffer.from(value).toString('base64');
const hex = (value: string) => Buffer.from(value).toString('hex');
const percentAll = (value: string) => every(value, (byte) => `%${hex2(byte)}`);
const wrap = (text: string, width: number) => text.match(new RegExp(`.{1,${width}}`, 'g'))!.join('\n');

/** RFC 4648, 6. */
function base32(value: string): string {
  const bits = every(value, (byte) => byte.toString(2).padStart(8, '0'));
  const groups = bits
    .match(/.{1,5}/g)!
    .map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(group.padEnd(5, '0'), 2)]!);
  return groups.join('').padEnd(Math.ceil(groups.length / 8) * 8, '=');
}

/** gitformat-pack: one undeltified blob. */
function pack(value: string): Buffer {
  const body = Buffer.from(`API_KEY=${value}\n`);
  const head = Buffer.alloc(12);
  head.write('PACK');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(1, 8);
  // Type 3, size in 4 + 7 bits.
  const size = [0x80 | (3 << 4) | (body.length & 15), body.length >> 4];
  return Buffer.concat([head, Buffer.from(size), zlib.deflateSync(body), Buffer.alloc(20)]);
}

/** ustar, as far as a reader needs it. */
function tar(value: string): Buffer {
  const content = Buffer.from(`API_KEY=${value}\n`);
  const head = Buffer.alloc(512);
  head.write('package/.env');
  head.write(content.length.toString(8).padStart(11, '0'), 124);
  head.write('ustar', 257);
  return Buffer.concat([head, content, Buffer.alloc(1024 - content.length)]);
}

export const FORMS: readonly Form[] = [
  { name: 'plain', encode: (value) => value },
  { name: 'percent', encode: encodeURIComponent },
  { name: 'percent, every byte', encode: percentAll },
  {
    name: 'percent, every second byte',
    encode: (value) => every(value, (byte) => (byte % 2 ? `%${hex2(byte)}` : String.fromCharCode(byte))),
  },
  { name: 'percent, twice', encode: (value) => encodeURIComponent(encodeURIComponent(value)) },
  {
    name: 'percent, three times',
    encode: (value) => encodeURIComponent(encodeURIComponent(encodeURIComponent(value))),
  },
  { name: 'JSON, slashes escaped', encode: (value) => value.replaceAll('/', '\\/') },
  { name: 'JSON, every character', encode: (value) => every(value, (byte) => `\\u00${hex2(byte)}`) },
  { name: 'HTML, decimal', encode: (value) => every(value, (byte) => `&#${byte};`) },
  { name: 'HTML, hexadecimal', encode: (value) => every(value, (byte) => `&#x${hex2(byte)};`) },
  { name: 'base64', encode: base64 },
  { name: 'base64, one byte before', encode: (value) => base64(`x${value}y`) },
  { name: 'base64, two bytes before', encode: (value) => base64(`xx${value}y`) },
  { name: 'base64url', encode: (value) => Buffer.from(`k${value}`).toString('base64url') },
  { name: 'base64, twice', encode: (value) => base64(base64(value)) },
  { name: 'base64, in lines', encode: (value) => wrap(base64(value), 16) },
  { name: 'base64 in JSON lines', encode: (value) => wrap(base64(value), 16).replaceAll('\n', '\\n') },
  { name: 'base32', encode: base32 },
  { name: 'base32, lower case', encode: (value) => base32(value).toLowerCase() },
  { name: 'hex', encode: hex },
  { name: 'hex, upper case', encode: (value) => hex(value).toUpperCase() },
  { name: 'hex with colons', encode: (value) => hex(value).match(/../g)!.join(':') },
  { name: 'hex with spaces', encode: (value) => hex(value).match(/../g)!.join(' ') },
  { name: 'hex as \\x', encode: (value) => every(value, (byte) => `\\x${hex2(byte)}`) },
  { name: 'reversed', encode: (value) => Array.from(value).reverse().join('') },
  { name: 'gzip in base64', encode: (value) => base64(zlib.gzipSync(value)) },
  { name: 'gzip', encode: (value) => zlib.gzipSync(`key: ${value}`) },
  { name: 'zlib', encode: (value) => zlib.deflateSync(`key: ${value}`) },
  { name: 'npm tarball in base64', encode: (value) => base64(zlib.gzipSync(tar(value))) },
  { name: 'git pack', encode: pack },
];

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodedForms, percentDecode, percentEncode, toLatin1 } from '../../../src/core/secrets/encodings';

const hexOf = (char: string) => char.charCodeAt(0).toString(16).padStart(2, '0');
/** RFC 4648, 6: the plainest way to write it down. */
function base32(data: Uint8Array): string {
  let bits = Array.from(data, (byte) => byte.toString(2).padStart(8, '0')).join('');
  bits += '0'.repeat((5 - (bits.length % 5)) % 5);
  const out = bits.replace(/.{5}/g, (five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five, 2)]!);
  return out.padEnd(Math.ceil(out.length / 8) * 8, '=');
}

const anyText = fc.string({ unit: 'grapheme' });

describe('percent encoding', () => {
  it.each([
    ['aZ09-._~', 'aZ09-._~'],
    ['a b&c=d/e?f#g+h%', 'a%20b%26c%3Dd%2Fe%3Ff%23g%2Bh%25'],
    ['ö€😀', '%C3%B6%E2%82%AC%F0%9F%98%80'],
    ['\n\0', '%0A%00'],
    ['', ''],
  ])('%j', (text, encoded) => expect(percentEncode(text)).toBe(encoded));
  it('keeps what it is told to', () => expect(percentEncode('a/b c', '/')).toBe('a/b%20c'));
  it('is read by what clients and servers use', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(decodeURIComponent(percentEncode(text))).toBe(text);
        expect(percentDecode(percentEncode(text))).toBe(toLatin1(text));
      }),
    );
  });
  it.each([
    ['%41%4a', 'AJ'],
    ['%', '%'],
    ['%4', '%4'],
    ['%zz%41', '%zzA'],
    ['%2541', '%41'],
  ])('%s is decoded once', (text, decoded) => expect(percentDecode(text)).toBe(decoded));
});

describe('toLatin1', () => {
  it('is one char a byte of the UTF-8', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(Buffer.from(toLatin1(text), 'latin1')).toEqual(Buffer.from(text, 'utf8'));
      }),
    );
  });
});

describe('encodedForms', () => {
  const find = 'a/b+c=d&é\'f<"g>h i!';
  const forms = new Map(encodedForms(find, 'STAND-IN').map(([form, put]) => [form, put] as const));
  const has = (form: string) => forms.has(form);
  const pairs = Array.from(Buffer.from(find), (byte) => byte.toString(16).padStart(2, '0'));

  it('begins with the plain form and lists each once', () => {
    expect(encodedForms(find, 'STAND-IN')[0]).toEqual([find, 'STAND-IN', 'plain']);
    expect(forms.size).toBe(encodedForms(find, 'STAND-IN').length);
  });

  it.each<readonly [string, string]>([
    ['encodeURIComponent', encodeURIComponent(find)],
    ['lower-case escapes', encodeURIComponent(find).replace(/%../g, (escape) => escape.toLowerCase())],
    ['a form', new URLSearchParams({ x: find }).toString().slice(2)],
    ['JSON', JSON.stringify(find).slice(1, -1)],
    ['JSON of PHP, slashes escaped', JSON.stringify(find).slice(1, -1).replaceAll('/', '\\/')],
    ['JSON of Go', 'a/b+c=d\\u0026é\'f\\u003c\\"g\\u003eh i!'],
    ['HTML', 'a/b+c=d&amp;é&#39;f&lt;&quot;g&gt;h i!'],
    ['hex', Buffer.from(find).toString('hex')],
    ['base64', Buffer.from(find).toString('base64').replace(/=+$/, '')],
    ['base64url', Buffer.from(find).toString('base64url')],
    ['HTML numbers', Array.from(find, (char) => `&#${char.codePointAt(0)!};`).join('')],
    ['HTML hex numbers', Array.from(find, (char) => `&#x${char.codePointAt(0)!.toString(16)};`).join('')],
    ['HTML upper-case hex numbers', Array.from(find, (char) => `&#x${char.codePointAt(0)!.toString(16).toUpperCase()};`).join('')], // prettier-ignore
    ['JSON, every character escaped', Array.from(find, (char) => `\\u00${hexOf(char)}`).join('')],
    ['JSON, every character escaped, upper-case', Array.from(find, (char) => `\\u00${hexOf(char).toUpperCase()}`).join('')], // prettier-ignore
    ['percent twice', encodeURIComponent(encodeURIComponent(find))],
    ['percent three times', encodeURIComponent(encodeURIComponent(encodeURIComponent(find)))],
    ['reversed', Array.from(find).reverse().join('')],
    ...[':', '-', ' ', ','].flatMap((mark) => [
      [`hex with "${mark}"`, pairs.join(mark)] as const,
      [`upper-case hex with "${mark}"`, pairs.join(mark).toUpperCase()] as const,
    ]),
    ...['\\x', '%'].flatMap((mark) => [
      [`hex behind "${mark}"`, pairs.map((pair) => mark + pair).join('')] as const,
      [`upper-case hex behind "${mark}"`, pairs.map((pair) => mark + pair.toUpperCase()).join('')] as const,
    ]),
    ['base32', base32(Buffer.from(find)).replace(/=+$/, '')],
    ['lower-case base32', base32(Buffer.from(find)).replace(/=+$/, '').toLowerCase()],
  ])('knows %s', (_, form) => expect(has(form)).toBe(true));

  it('finds and replaces base64 at every alignment, keeping it decodable', () => {
    const secret = 'S3cretValue-0123456789/+';
    const standIn = 'D4mmyValue-abcdefghijkl~';
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (before, after) => {
        const whole = Buffer.concat([before, Buffer.from(secret), after]);
        for (const encoding of ['base64', 'base64url'] as const) {
          let text = whole.toString(encoding);
          const form = encodedForms(secret, standIn)
            .sort(([a], [b]) => b.length - a.length)
            .find(([form_]) => text.includes(form_));
          expect(form).toBeDefined();
          text = text.replace(form![0], form![1]);
          const decoded = Buffer.from(text, encoding);
          expect(decoded).toHaveLength(whole.length);
          expect(decoded.includes(secret.slice(1, -1))).toBe(false);
          expect(decoded.includes(standIn.slice(1, -1))).toBe(true);
        }
      }),
    );
  });

  it('finds base32 at every alignment, and puts base32 of the stand-in there', () => {
    const secret = 'S3cretValue-0123456789/+';
    const standIn = 'D4mmyValue-abcdefghijkl~';
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (before, after) => {
        const encoded = base32(Buffer.concat([before, Buffer.from(secret), after]));
        for (const text of [encoded, encoded.toLowerCase()]) {
          const form = encodedForms(secret, standIn)
            .sort(([a], [b]) => b.length - a.length)
            .find(([form_]) => text.includes(form_))!;
          expect(form[2]).toBe('base32');
          const replaced = text.replace(form[0], form[1]).toUpperCase();
          // The bits beside it are those of what stands around.
          const inner = base32(Buffer.concat([before, Buffer.from(standIn), after]));
          expect(replaced.slice(Math.ceil((before.length * 8) / 5), Math.floor(((before.length + 24) * 8) / 5))).toBe(
            inner.slice(Math.ceil((before.length * 8) / 5), Math.floor(((before.length + 24) * 8) / 5)),
          );
        }
      }),
    );
  });

  it('keeps the length in the forms of ordinary keys', () => {
    const key = fc.stringMatching(/^[A-Za-z0-9._~-]{20}$/);
    fc.assert(
      fc.property(key, key, (one, other) => {
        for (const [find_, put] of encodedForms(one, other)) expect(put).toHaveLength(find_.length);
      }),
    );
  });

  it('puts entities that say the stand-in, whatever their length', () => {
    const find_ = 'AAAAAAAA';
    const numbers = Array.from(find_, (char) => `&#${char.charCodeAt(0)};`).join('');
    const [, put] = encodedForms(find_, 'zzzz~zAA').find(([form]) => form === numbers)!;
    expect(put.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))).toBe('zzzz~zAA');
    expect(put).toHaveLength(numbers.length);
  });
});

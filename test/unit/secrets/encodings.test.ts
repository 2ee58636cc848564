import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodedForms, percentDecode, percentEncode, toLatin1 } from '../../../src/core/secrets/encodings';

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
  const forms = new Map(encodedForms(find, 'STAND-IN'));
  const has = (form: string) => forms.has(form);

  it('begins with the plain form and lists each once', () => {
    expect(encodedForms(find, 'STAND-IN')[0]).toEqual([find, 'STAND-IN']);
    expect(forms.size).toBe(encodedForms(find, 'STAND-IN').length);
  });

  it.each([
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

  it('keeps the length in the forms of ordinary keys', () => {
    for (const [a, b] of encodedForms('sk-abcDEF_0123456789', 'sk-xyzUVW_9876543210')) expect(a).toHaveLength(b.length);
  });
});

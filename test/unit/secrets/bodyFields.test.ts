import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasFields, readFields } from '../../../src/core/secrets/bodyFields';

const read = (type: string, text: string) => readFields(type, Buffer.from(text))?.fields;
const names = (type: string, text: string) => read(type, text)?.map(({ name, value }) => [name, value]);
const JSON_TYPE = 'application/json; charset=utf-8';
const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary="a b:1"';

it('knows which types have named values', () => {
  for (const type of [JSON_TYPE, 'application/vnd.api+json', 'TEXT/JSON', FORM, MULTIPART])
    expect(hasFields(type)).toBe(true);
  for (const type of [undefined, '', 'text/plain', 'application/octet-stream', 'multipart/mixed; boundary=x'])
    expect(hasFields(type)).toBe(false);
});

/** A name that holds a dot is no path, and what is under it has none. */
function hasDottedName(json: string): boolean {
  let dotted = false;
  JSON.parse(json, (key, value: unknown) => {
    dotted ||= key.includes('.');
    return value;
  });
  return dotted;
}

describe('JSON', () => {
  it('names strings by their path', () => {
    expect(names(JSON_TYPE, '{"a": {"b": ["x", {"c": "y", "n": 1}], "e\\u0041": "z"}, "": "w", "t": true}')).toEqual([
      ['a.b.0', 'x'],
      ['a.b.1.c', 'y'],
      ['a.eA', 'z'],
      ['', 'w'],
    ]);
    expect(names(JSON_TYPE, '"alone"')).toEqual([['', 'alone']]);
    expect(names(JSON_TYPE, '[]')).toEqual([]);
  });

  it('is not misled by punctuation, quotes and escapes in strings', () => {
    expect(names(JSON_TYPE, '{"a":"},[\\"b\\":\\"x\\"","c\\\\":"y","d":"\\ud83d\\ude00 ä"}')).toEqual([
      ['a', '},["b":"x"'],
      ['c\\', 'y'],
      ['d', Buffer.from('😀 ä').toString('latin1')],
    ]);
  });

  it('has no values where the text is not valid', () => {
    for (const bad of ['{"a":"x"', '{"a" "x"}', "{'a':'x'}", '']) expect(read(JSON_TYPE, bad)).toBeUndefined();
    expect(readFields(JSON_TYPE, Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
  });

  it('finds every string of any document, at its span', () => {
    fc.assert(
      fc.property(
        fc.json().filter((json) => !hasDottedName(json)),
        (text) => {
          const bytes = Buffer.from(text);
          const strings: string[] = [];
          JSON.parse(text, (_, value: unknown) => {
            if (typeof value === 'string') strings.push(value);
            return value;
          });
          const { fields } = readFields(JSON_TYPE, bytes)!;
          const seen = fields.map(({ from, to }) => JSON.parse(`"${bytes.toString('utf8', from, to)}"`) as string);
          expect(fields.map(({ value }) => Buffer.from(value, 'latin1').toString())).toEqual(seen);
          // A repeated name counts once for JSON.parse.
          for (const value of strings) expect(seen).toContain(value);
        },
      ),
    );
  });

  it('takes strings of any length and objects of any depth', () => {
    const long = 'x'.repeat(5_000_000);
    expect(read(JSON_TYPE, `{"a":"${long}","b":"y"}`)!.map(({ name }) => name)).toEqual(['a', 'b']);
    const slashes = '\\\\'.repeat(100_000);
    expect(read(JSON_TYPE, `{"a":"${slashes}","b":"y"}`)!.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('writes any value so that it is read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const { encode } = readFields(JSON_TYPE, Buffer.from('{}'))!;
        const text = Buffer.from(`"${encode(value)!}"`, 'latin1').toString('utf8');
        expect(JSON.parse(text)).toBe(value);
      }),
    );
  });
});

describe('a form', () => {
  it('has fields', () => {
    expect(names(FORM, 'a=1&b+c=x%20y+z&flag&d=%C3%A4')).toEqual([
      ['a', '1'],
      ['b c', 'x y z'],
      ['d', Buffer.from('ä').toString('latin1')],
    ]);
    expect(read(FORM, 'k=v&key=secret')![1]).toMatchObject({ from: 8, to: 14 });
  });

  it('writes any value so that it is read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const { encode } = readFields(FORM, Buffer.from('a=1'))!;
        expect(new URLSearchParams(`k=${encode(value)!}`).get('k')).toBe(value);
      }),
    );
  });
});

describe('a multipart form', () => {
  const part = (head: string, body: string) => `--a b:1\r\n${head}\r\n\r\n${body}\r\n`;
  const field = (name: string, more = '') => `Content-Disposition: form-data; name="${name}"${more}`;

  it('has the parts that are fields, not files, not coded', () => {
    const text = `preamble\r\n${part(field('a'), 'one')}${part(`X: y\r\n${field('b')}`, '')}${part(field('f', '; filename="x"'), 'file')}${part(`${field('c')}\r\nContent-Transfer-Encoding: base64`, 'AAAA')}${part(`${field('d')}\r\nContent-Transfer-Encoding: 8bit`, 'last\r\nline')}--a b:1--\r\n`;
    expect(names(MULTIPART, text)).toEqual([
      ['a', 'one'],
      ['b', ''],
      ['d', 'last\r\nline'],
    ]);
    const { from, to } = read(MULTIPART, text)![2]!;
    expect(text.slice(from, to)).toBe('last\r\nline');
  });

  it('has no fields where it is cut or names no boundary', () => {
    expect(names(MULTIPART, '--a b:1\r\nContent-Disposition: form-data; name="a"\r\n\r\nno end')).toEqual([]);
    expect(names(MULTIPART, '')).toEqual([]);
    expect(readFields('multipart/form-data', Buffer.from('x'))).toBeUndefined();
  });

  it('does not write a value that would end its part', () => {
    const { encode } = readFields(MULTIPART, Buffer.from(''))!;
    expect(encode('x\r\n--a b:1--')).toBeUndefined();
    expect(encode('plain')).toBe('plain');
  });
});

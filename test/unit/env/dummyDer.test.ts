import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  TAG,
  readAll,
  readInteger,
  readOid,
  readSequence,
  toBytes,
  write,
  writeInteger,
} from '../../../src/core/env/dummyDer';
import { concat } from '../../../src/core/base/bytes';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

describe('reading', () => {
  it('takes a real key apart, and writing puts it together again', () => {
    const der = Uint8Array.from(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'der' })); // prettier-ignore
    const parts = readSequence(der)!;
    expect(parts.map(({ tag }) => tag)).toEqual([TAG.integer, TAG.sequence, TAG.octets]);
    expect(readAll(parts[1]!.content)!.map(({ content }) => readOid(content))).toEqual([
      '1.2.840.10045.2.1',
      '1.2.840.10045.3.1.7',
    ]);
    expect(write(TAG.sequence, ...parts.map(({ tag, content }) => write(tag, content)))).toEqual(der);
  });

  it.each([
    ['cut off', '3003020101'.slice(0, 8)],
    ['longer than it is', '308201'],
    ['of no definite length', '3080020101'],
    ['of a length of four bytes', '308400000001'],
    ['a tag alone', '30'],
  ])('%s is nothing', (_, hex) => expect(readSequence(bytes(hex))).toBeUndefined());

  it('ends for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void readSequence(any)));
  });

  it('nothing, and what is no sequence', () => {
    expect(readAll(new Uint8Array())).toEqual([]);
    expect(readSequence(bytes('020101'))).toBeUndefined();
    expect(readSequence(bytes('30003000'))).toBeUndefined();
  });
});

describe('integers', () => {
  it.each([
    [0n, '020100'],
    [127n, '02017f'],
    [128n, '02020080'],
    [65537n, '0203010001'],
  ])('%s', (value, hex) => {
    expect(Buffer.from(writeInteger(value)).toString('hex')).toBe(hex);
    expect(readInteger(bytes(hex).subarray(2))).toBe(value);
  });

  it('come back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 3000n }), (value) => {
        expect(readInteger(readAll(writeInteger(value))![0]!.content)).toBe(value);
      }),
    );
  });

  it('have as many bytes as asked for', () => {
    expect(toBytes(1n, 4)).toEqual(bytes('00000001'));
    expect(concat([bytes('01'), bytes('0203')])).toEqual(bytes('010203'));
  });
});

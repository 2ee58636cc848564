import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { dummyRefusal, makeDummy } from '../../../src/core/env/dummy';
import { keyRecipe } from '../../../src/core/env/dummyPem';
import { body, hex, keys } from './fakeKeys';

const dummy = (value: string, verbatim = true) => {
  const made = makeDummy(value, { randomBytes, isTaken: () => false, verbatim });
  if (!made.ok) throw new Error(made.error);
  return made.value;
};
const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const text = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1') => key.export({ type, format: 'pem' }).toString();
const escaped = (pem: string) => pem.trim().replaceAll('\n', '\\n');

const account = (pem: string, space?: number) =>
  JSON.stringify(
    {
      type: 'service_account',
      project_id: 'my-project',
      private_key_id: hex(40),
      private_key: pem,
      client_email: 'me@my-project.iam.gserviceaccount.com',
      token_uri: 'https://oauth2.googleapis.com/token',
    },
    null,
    space,
  );

describe('private keys', () => {
  const made: readonly (readonly [name: string, pem: string])[] = [
    ['RSA, PKCS #8', text(rsa(2048), 'pkcs8')],
    ['RSA, PKCS #1', text(rsa(1024), 'pkcs1')],
    ['P-256, PKCS #8', text(ec('P-256'), 'pkcs8')],
    ['P-256, SEC 1', text(ec('P-256'), 'sec1')],
    ['P-384', text(ec('P-384'), 'pkcs8')],
    ['P-521', text(ec('P-521'), 'sec1')],
    ['secp256k1', text(ec('secp256k1'), 'pkcs8')],
    ['Ed25519', text(generateKeyPairSync('ed25519').privateKey, 'pkcs8')],
    ['X25519', text(generateKeyPairSync('x25519').privateKey, 'pkcs8')],
    ['Ed448', text(generateKeyPairSync('ed448').privateKey, 'pkcs8')],
  ];

  it.each(made)('%s: another key of the same type, in a text of the same form', (_, pem) => {
    const other = dummy(pem);
    expect(other).toHaveLength(pem.length);
    expect(other.split('\n').map(({ length }) => length)).toEqual(pem.split('\n').map(({ length }) => length));
    const [before, after] = [createPrivateKey(pem), createPrivateKey(other)];
    expect(after.asymmetricKeyType).toBe(before.asymmetricKeyType);
    expect(after.asymmetricKeyDetails).toEqual(before.asymmetricKeyDetails);
    expect(after.equals(before)).toBe(false);
    expect(dummy(pem)).not.toBe(other);
    if (before.asymmetricKeyType === 'x25519') return;
    // Private and public halves belong together.
    const digest = before.asymmetricKeyType?.startsWith('ed') === true ? null : 'sha256';
    const signature = sign(digest, Buffer.from('x'), after);
    expect(verify(digest, Buffer.from('x'), createPublicKey(after), signature)).toBe(true);
  });

  it('finds a key of the same length for RSA keys of any', () => {
    for (let i = 0; i < 12; i++) {
      const pem = text(rsa(512), i % 2 === 0 ? 'pkcs8' : 'pkcs1');
      const other = dummy(pem);
      expect(other).toHaveLength(pem.length);
      expect(createPrivateKey(other).asymmetricKeyDetails).toEqual({ modulusLength: 512, publicExponent: 65537n });
    }
  });

  it('keeps line ends, written in whatever way', () => {
    const pem = text(ec('P-256'), 'pkcs8');
    expect(dummy(escaped(pem))).toMatch(
      /^-----BEGIN PRIVATE KEY-----(?:\\n[A-Za-z0-9+/=]+){3}\\n-----END PRIVATE KEY-----$/,
    );
    expect(createPrivateKey(dummy(escaped(pem)).replaceAll('\\n', '\n')).asymmetricKeyType).toBe('ec');
    expect(dummy(pem.replaceAll('\n', '\r\n')).split('\r\n')).toHaveLength(pem.split('\n').length);
    expect(dummy(pem.trim().replaceAll('\n', ' '))).toMatch(
      /^-----BEGIN PRIVATE KEY-----(?: [A-Za-z0-9+/=]+){3} -----END/,
    );
  });

  it('is a key in base64 where the original is', () => {
    const value = Buffer.from(text(ec('P-256'), 'pkcs8')).toString('base64');
    const other = dummy(value, false);
    expect(other).toHaveLength(value.length);
    expect(createPrivateKey(Buffer.from(other, 'base64')).asymmetricKeyType).toBe('ec');
  });
});

describe('Google service accounts', () => {
  const pem = text(rsa(1024), 'pkcs8');

  it.each([
    ['on one line', account(pem)],
    ['on several', account(pem, 2)],
  ])('%s: stays JSON, with another key in it', (_, value) => {
    const other = dummy(value);
    expect(other).toHaveLength(value.length);
    const [before, after] = [JSON.parse(value), JSON.parse(other)] as Record<string, string>[];
    expect({ ...after, private_key: '', private_key_id: '' }).toEqual({
      ...before,
      private_key: '',
      private_key_id: '',
    });
    expect(after!['private_key_id']).toMatch(/^[0-9a-f]{40}$/);
    expect(after!['private_key_id']).not.toBe(before!['private_key_id']);
    expect(createPrivateKey(after!['private_key']!).asymmetricKeyType).toBe('rsa');
    expect(after!['private_key']).not.toBe(pem);
  });

  it('in base64', () => {
    const value = Buffer.from(account(pem)).toString('base64');
    const other = dummy(value, false);
    expect(other).toHaveLength(value.length);
    expect(JSON.parse(Buffer.from(other, 'base64').toString())).toMatchObject({ project_id: 'my-project' });
  });
});

describe('what gets none', () => {
  const encrypted = ec('P-256').export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(); // prettier-ignore
  const openssh = ['-----BEGIN', 'OPENSSH PRIVATE', `KEY-----\n${body(64)}\n-----END`, 'OPENSSH PRIVATE', 'KEY-----'].join(' '); // prettier-ignore
  it.each([
    ['an encrypted key', encrypted, /this kind/],
    ['OpenSSH’s own format', openssh, /this kind/],
    [
      'DSA',
      text(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey, 'pkcs8'),
      /this kind/,
    ],
    ['RSA-PSS', text(generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).privateKey, 'pkcs8'), /this kind/],
    ['what is no key', keys.pem(), /this kind/],
    ['a key without its end', text(ec('P-256'), 'pkcs8').slice(0, 100), /without its end/],
    ['two keys', text(ec('P-256'), 'pkcs8').repeat(2), /several blocks/],
    ['other JSON', JSON.stringify({ key: text(ec('P-256'), 'pkcs8') }), /service account/],
    ['JSON that is none', `{"type": ${text(ec('P-256'), 'pkcs8')}`, /service account/],
  ])('%s', (_, value, reason) => {
    expect(dummyRefusal(value, true)).toMatch(reason);
    expect(dummyRefusal(value, true)).not.toContain(value.split('\n')[1]);
  });

  it('keys whose text may be escaped in the file', () => {
    const pem = text(ec('P-256'), 'pkcs8');
    expect(dummyRefusal(pem)).toMatch(/several lines/);
    expect(dummyRefusal(escaped(pem))).toMatch(/escaped/);
    expect(dummyRefusal(account(pem))).toMatch(/escaped/);
    expect(dummyRefusal(pem, true)).toBeUndefined();
  });

  it('JSON without a key, and text of several lines', () => {
    expect(dummyRefusal('{"apiKey":"a1b2c3d4e5f6a7b8c9d0"}')).toMatch(/JSON/);
    expect(dummyRefusal(`${body(30)}\n${body(30)}`, true)).toMatch(/several lines/);
  });

  it('other values hold no key', () => {
    for (const value of [keys.anthropic(), keys.jwt({ a: 1 }), body(44), 'eyJ', ''])
      expect(keyRecipe(value)).toBeUndefined();
  });
});

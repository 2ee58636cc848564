import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InjectionTarget, compileInjection } from '../../../src/core/secrets/inject';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { bytes, keys } from '../env/fakeKeys';

const secret = (name: string, value: string, dummy: string, rest: Partial<BoundSecret> = {}): BoundSecret => ({
  name,
  value,
  dummy,
  hosts: ['api.example.com'],
  in: ['header:authorization', 'header:x-api-key', 'basic', 'query:key'],
  ...rest,
});
const KEY = secret('KEY', keys.anthropic(1), keys.anthropic(2));
const OTHER = secret('OTHER', keys.github(1), keys.github(2), { hosts: ['other.example'] });
const LOOSE = secret('LOOSE', keys.stripe(1), keys.stripe(2), { hosts: [] });
const D = KEY.dummy;
const R = KEY.value;

const target = (rest: Partial<InjectionTarget> = {}): InjectionTarget => ({
  scheme: 'https',
  host: 'api.example.com',
  port: 443,
  loopback: false,
  upgrade: false,
  ...rest,
});
const base64 = (text: string) => Buffer.from(text).toString('base64');

function send(
  headers: Readonly<Record<string, string>>,
  { path = '/', to = target(), secrets = [KEY, OTHER, LOOSE] as readonly BoundSecret[] } = {},
) {
  const lower = Object.keys(headers);
  const values = Object.values(headers);
  const result = compileInjection(secrets).request(to, path, lower, values);
  const out = Object.fromEntries(lower.map((name, i) => [name, result.values[i]]));
  return { ...result, out, unchanged: result.values === values };
}

describe('the place `path`', () => {
  const BOT = secret('BOT', `12345678:AA${'r'.repeat(33)}`, `87654321:AA${'d'.repeat(33)}`, { in: ['path'] });
  const sendPath = (path: string, rest: Partial<BoundSecret> = {}) =>
    send({}, { path, secrets: [{ ...BOT, ...rest }] });

  it.each([
    [`/bot${BOT.dummy}/sendMessage?x=1`, `/bot${BOT.value}/sendMessage?x=1`],
    [`/bot${BOT.dummy.replace(':', '%3A')}/x`, `/bot${BOT.value}/x`],
    [`/hooks/${BOT.dummy}`, `/hooks/${BOT.value}`],
  ])('is a segment, alone or behind a word: %s', (path, expected) => {
    expect(sendPath(path)).toMatchObject({ path: expected, injected: ['BOT'], findings: [] });
  });

  it('is served once, and what else holds the dummy keeps it', () => {
    const path = `/bot${BOT.dummy}/send/${BOT.dummy}/x-${BOT.dummy}?text=${BOT.dummy}`;
    const result = sendPath(path);
    expect(result.path).toBe(path.replace(BOT.dummy, BOT.value));
    expect(result.findings.every(({ kind }) => kind === 'dummy-elsewhere')).toBe(true);
    expect(result.findings.map(({ place }) => place)).toEqual(['path', 'path', 'query:text']);
  });

  it('writes what would be another segment in escapes', () => {
    expect(sendPath(`/bot${BOT.dummy}/x`, { value: 'a/b?c#d e%' }).path).toBe('/bota%2Fb%3Fc%23d%20e%25/x');
  });

  it('does not serve a secret that is not bound to paths, or to the host', () => {
    expect(sendPath(`/bot${BOT.dummy}/x`, { in: ['query:key'] }).findings).toMatchObject([{ kind: 'dummy-elsewhere' }]);
    expect(sendPath(`/bot${BOT.dummy}/x`, { hosts: ['b.example'] }).refusal).toMatchObject({ kind: 'dummy-unbound' });
    expect(
      send({}, { path: `/bot${BOT.dummy}/x`, secrets: [BOT], to: target({ scheme: 'http' }) }).refusal,
    ).toMatchObject({ kind: 'dummy-cleartext' });
  });
});

describe('puts the value where it is bound', () => {
  it.each([
    ['a bare value', { 'x-api-key': D }, { 'x-api-key': R }],
    ['Bearer', { authorization: `Bearer ${D}` }, { authorization: `Bearer ${R}` }],
    ['token', { authorization: `token ${D}` }, { authorization: `token ${R}` }],
    ['two spaces', { authorization: `Bearer  ${D}` }, { authorization: `Bearer  ${R}` }],
    ['both places', { 'x-api-key': D, authorization: `Bearer ${D}` }, { 'x-api-key': R, authorization: `Bearer ${R}` }],
    ['a user', { authorization: `Basic ${base64(`${D}:`)}` }, { authorization: `Basic ${base64(`${R}:`)}` }],
    ['a password', { authorization: `basic ${base64(`u:${D}`)}` }, { authorization: `basic ${base64(`u:${R}`)}` }],
    ['a user alone', { authorization: `Basic ${base64(D)}` }, { authorization: `Basic ${base64(R)}` }],
  ])('%s', (_, headers, expected) => {
    const result = send(headers);
    expect(result.out).toEqual(expected);
    expect(result).toMatchObject({ injected: ['KEY'], findings: [], refusal: undefined });
  });

  it('a query', () => {
    expect(send({}, { path: `/v1?a=1&key=${D}&b=2` }).path).toBe(`/v1?a=1&key=${R}&b=2`);
  });

  it('escapes for the query and writes UTF-8 into fields', () => {
    const odd = secret('ODD', 'a+b/c=d&e f%ö', 'dummy-dummy-dummy');
    expect(send({}, { path: '/?key=dummy-dummy-dummy', secrets: [odd] }).path).toBe(
      '/?key=a%2Bb%2Fc%3Dd%26e%20f%25%C3%B6',
    );
    expect(send({ 'x-api-key': 'dummy-dummy-dummy' }, { secrets: [odd] }).out).toEqual({
      'x-api-key': 'a+b/c=d&e f%\xc3\xb6',
    });
  });

  it('leaves all other fields, and the arrays it was given, as they are', () => {
    const lower = ['host', 'x-api-key', 'accept'];
    const values = ['api.example.com', D, '*/*'];
    const result = compileInjection([KEY]).request(target(), '/x?y', lower, values);
    expect(result.values).toEqual(['api.example.com', R, '*/*']);
    expect(values).toEqual(['api.example.com', D, '*/*']);
    expect(result.path).toBe('/x?y');
  });

  it('several secrets in one request', () => {
    const both = secret('BOTH', OTHER.value, OTHER.dummy);
    const result = send({ 'x-api-key': D, authorization: `Basic ${base64(`${both.dummy}:x`)}` }, { secrets: [KEY, both] }); // prettier-ignore
    expect(result.out).toEqual({ 'x-api-key': R, authorization: `Basic ${base64(`${both.value}:x`)}` });
    expect([...result.injected].sort()).toEqual(['BOTH', 'KEY']);
  });

  it.each([
    ['wss', target({ scheme: 'wss', upgrade: true })],
    ['loopback without TLS', target({ scheme: 'http', host: '127.0.0.1', loopback: true })],
    ['a subdomain', target({ host: 'a.b.example.org' })],
  ])('%s', (_, to) => {
    const wide = { ...KEY, hosts: ['api.example.com', '127.0.0.1', '*.example.org'] };
    expect(send({ 'x-api-key': D }, { to, secrets: [wide] }).injected).toEqual(['KEY']);
  });
});

describe('leaves the dummy elsewhere on its own host, and marks it', () => {
  it.each([
    ['another field', { 'x-other': D }, 'header:x-other'],
    ['a field of several words', { authorization: `Bearer x ${D}` }, 'header:authorization'],
    ['a part of a value', { 'x-api-key': `${D}x` }, 'header:x-api-key'],
    ['Basic that is not base64', { 'x-api-key': `Basic ${D}` }, 'header:x-api-key'],
    ['a dummy instead of base64', { authorization: `Basic ${D}` }, 'basic'],
    ['a part of a password', { authorization: `Basic ${base64(`u:x${D}`)}` }, 'basic'],
    ['escaped in a field', { 'x-api-key': D.replace('s', '%73') }, 'header:x-api-key'],
    ['a cookie', { cookie: `k=${D}` }, 'header:cookie'],
    ['the name of a field', { [D.toLowerCase()]: '1' }, 'header name'],
  ])('%s', (_, headers, place) => {
    const result = send(headers);
    expect(result.unchanged).toBe(true);
    expect(result.findings).toEqual([{ kind: 'dummy-elsewhere', secret: 'KEY', place, action: 'marked' }]);
    expect(result.refusal).toBeUndefined();
  });

  it.each([
    ['the path', `/x/${D}`, 'path'],
    ['escaped in the path', `/x/${D.replace('k', '%6b')}?y`, 'path'],
    ['escaped twice', `/x/${D.replace('k', '%256b')}`, 'path'],
    ['another parameter', `/?q=${D}`, 'query:q'],
    ['a part of a parameter', `/?key=x${D}`, 'query:key'],
    ['the name of a parameter', `/?${D}=1`, 'query'],
    ['no parameter', `/?${D}`, 'query'],
    ['an escaped parameter', `/?key=${D.replace('k', '%6b')}`, 'query:key'],
  ])('%s', (_, path, place) => {
    const result = send({}, { path });
    expect(result.path).toBe(path);
    expect(result.findings).toEqual([{ kind: 'dummy-elsewhere', secret: 'KEY', place, action: 'marked' }]);
  });

  it('fills a bound place once', () => {
    const lower = ['x-api-key', 'x-api-key'];
    const result = compileInjection([KEY]).request(target(), `/?key=${D}&key=${D}`, lower, [D, D]);
    expect(result.values).toEqual([R, D]);
    expect(result.path).toBe(`/?key=${R}&key=${D}`);
    expect(result.findings.map(({ place }) => place)).toEqual(['query:key', 'header:x-api-key']);
  });

  it('fills a bound parameter though the path holds the dummy, too', () => {
    const result = send({}, { path: `/${D}?key=${D}` });
    expect(result.path).toBe(`/${D}?key=${R}`);
    expect(result.findings).toMatchObject([{ kind: 'dummy-elsewhere', place: 'path' }]);
  });

  it.each(['cookie', 'referer', 'user-agent', 'host', 'origin', 'proxy-authorization'])(
    'never puts a value into %s, whatever the binding says',
    (name) => {
      const bound = { ...KEY, in: [`header:${name}`] };
      const result = send({ [name]: D }, { secrets: [bound] });
      expect(result.unchanged).toBe(true);
      expect(result.injected).toEqual([]);
    },
  );

  it.each(['a\r\nx: y', 'a\nb', 'a\0b'])('never puts %j into a field', (end) => {
    const bad = { ...KEY, value: R + end };
    for (const headers of [{ 'x-api-key': D }, { authorization: `Bearer ${D}` }])
      expect(send(headers, { secrets: [bad] })).toMatchObject({ unchanged: true, injected: [] });
    expect(send({}, { path: `/?key=${D}`, secrets: [bad] }).path).not.toMatch(/[\r\n\0]/);
  });

  it('does not put a value with a colon where a user stands', () => {
    const bad = { ...KEY, value: 'user:and-password' };
    expect(send({ authorization: `Basic ${base64(`${D}:`)}` }, { secrets: [bad] }).unchanged).toBe(true);
    expect(send({ authorization: `Basic ${base64(`u:${D}`)}` }, { secrets: [bad] }).injected).toEqual(['KEY']);
  });
});

describe('refuses', () => {
  const elsewhere = target({ host: 'evil.example' });
  it.each([
    ['a field', { 'x-api-key': D }, '/', 'header:x-api-key'],
    ['any field', { 'x-note': `see ${D} there` }, '/', 'header:x-note'],
    ['Basic', { authorization: `Basic ${base64(`u:${D}`)}` }, '/', 'basic'],
    ['Basic of URL base64', { authorization: `Basic ${Buffer.from(`u:${D}`).toString('base64url')}` }, '/', 'basic'],
    ['a dummy instead of base64', { authorization: `Basic ${D}` }, '/', 'basic'],
    ['an escaped dummy', { referer: `http://x/${D.replace('k', '%6B')}` }, '/', 'header:referer'],
    ['the path', {}, `/${D}`, 'path'],
    ['the query', {}, `/?q=${D}`, 'query:q'],
    ['the name of a field', { [`x-${D.toLowerCase()}`]: '' }, '/', 'header name'],
  ])('a dummy on its way to a stranger: %s', (_, headers, path, place) => {
    const result = send(headers, { path, to: elsewhere });
    const finding = { kind: 'dummy-unbound', secret: 'KEY', place, action: 'blocked' };
    expect(result.refusal).toEqual(finding);
    expect(result.findings).toEqual([finding]);
    expect(result).toMatchObject({ path, unchanged: true, injected: [] });
  });

  it('a dummy as a host name', () => {
    const small = { ...KEY, dummy: 'abcdef0123456789abcdef' };
    const to = target({ host: `${small.dummy}.evil.example` });
    expect(send({}, { to, secrets: [small] }).refusal).toMatchObject({ kind: 'dummy-unbound', place: 'host' });
  });

  it('a secret without hosts, everywhere', () => {
    expect(send({ 'x-api-key': LOOSE.dummy }).refusal).toMatchObject({ kind: 'dummy-unbound', secret: 'LOOSE' });
  });

  it('a bound place of an upstream that is not verified, on this machine too', () => {
    for (const to of [target({ unverified: true }), target({ unverified: true, loopback: true })])
      expect(send({ 'x-api-key': D }, { to }).refusal).toMatchObject({ kind: 'dummy-unverified', action: 'blocked' });
    expect(send({ 'x-other': 'nothing' }, { to: target({ unverified: true }) }).refusal).toBeUndefined();
  });

  it('a bound place over cleartext', () => {
    const to = target({ scheme: 'http' });
    expect(send({ 'x-api-key': D }, { to }).refusal).toMatchObject({ kind: 'dummy-cleartext', action: 'blocked' });
    expect(send({}, { path: `/?key=${D}`, to }).refusal).toMatchObject({ kind: 'dummy-cleartext', place: 'query:key' });
    expect(send({ 'x-api-key': D }, { to: target({ scheme: 'ws' }) }).refusal).toBeDefined();
  });

  it('the whole request, though another secret in it was bound', () => {
    const result = send({ 'x-api-key': D, 'x-other': OTHER.dummy });
    expect(result).toMatchObject({ unchanged: true, injected: [], refusal: { secret: 'OTHER' } });
  });

  it('hosts that only look like the bound one', () => {
    for (const host of ['api.example.com.evil.example', 'xapi.example.com', 'example.com', 'a.api.example.com'])
      expect(send({ 'x-api-key': D }, { to: target({ host }) }).refusal).toBeDefined();
  });
});

describe('without dummies', () => {
  it('gives everything back as it was', () => {
    const headers = { 'x-api-key': keys.anthropic(9), authorization: 'Basic !!!', cookie: 'a=%zz%', 'x-real': R };
    const result = send(headers, { path: '/%zz?a=%' });
    expect(result).toMatchObject({ path: '/%zz?a=%', unchanged: true, injected: [], findings: [], refusal: undefined });
  });

  it('takes no secrets, and secrets that cannot be', () => {
    expect(send({ a: D }, { secrets: [] }).findings).toEqual([]);
    expect(send({ a: 'x' }, { secrets: [{ ...KEY, dummy: '' }] }).findings).toEqual([]);
    expect(send({ a: D }, { secrets: [{ ...KEY, hosts: ['not a host', '*x'] }] }).refusal).toBeDefined();
  });
});

describe('laws', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom(D, OTHER.dummy, LOOSE.dummy, D.replace('k', '%6b'), `Bearer ${D}`, base64(`u:${D}`), 'Basic ', '?key=', '&', '='), // prettier-ignore
  );
  const line = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''));
  const name = fc.constantFrom('authorization', 'x-api-key', 'cookie', 'x-note', 'host', 'referer');
  const scheme = fc.constantFrom('http', 'https', 'ws', 'wss');
  const host = fc.constantFrom('api.example.com', 'other.example', 'evil.example');

  it('no real value leaves but in a bound place, over TLS, to a bound host; nothing that is said holds one', () => {
    fc.assert(
      fc.property(line, fc.array(fc.tuple(name, line)), scheme, host, (path, fields, by, to) => {
        const secrets = [KEY, OTHER, LOOSE];
        const names = fields.map(([field]) => field);
        const result = compileInjection(secrets).request(
          target({ scheme: by, host: to }),
          path,
          names,
          fields.map(([, value]) => value),
        );
        const said = JSON.stringify([result.findings, result.refusal, result.injected]);
        for (const { name: own, value, dummy, hosts } of secrets) {
          expect(said).not.toContain(value);
          expect(said).not.toContain(dummy);
          const out = [result.path, ...result.values].filter((text) => text.includes(value) || text.includes(base64(value).slice(4, -4))); // prettier-ignore
          if (out.length > 0 || result.injected.includes(own)) {
            expect(hosts).toContain(to);
            expect(['https', 'wss']).toContain(by);
            expect(result.refusal).toBeUndefined();
          }
          result.values.forEach((text, i) => {
            if (text.includes(value)) expect(['authorization', 'x-api-key']).toContain(names[i]);
          });
          // A dummy in plain sight of a stranger never goes through.
          if (!hosts.includes(to) && [path, ...fields.map(([, text]) => text)].some((text) => text.includes(dummy)))
            expect(result.refusal).toBeDefined();
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('bodyScanner', () => {
  const scan = (host: string, chunks: readonly string[]) => {
    const scanner = compileInjection([KEY, OTHER, LOOSE]).bodyScanner(host);
    return chunks.map((chunk) => [...scanner.push(bytes(chunk))]);
  };
  it('names the secrets that are not bound to the host', () => {
    expect(scan('api.example.com', [`${D} ${OTHER.dummy} ${LOOSE.dummy}`])).toEqual([['OTHER', 'LOOSE']]);
    expect(scan('evil.example', [`{"key":"${D}"}`])).toEqual([['KEY']]);
    expect(scan('evil.example', ['hello', ''])).toEqual([[], []]);
  });

  it('finds them however the body is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (places) => {
        const whole = `aa${D.slice(0, 20)}${D}bb${LOOSE.dummy}${D}`;
        const at = [0, ...places.map((place) => place % whole.length).sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, i) => whole.slice(at[i], end));
        expect(scan('evil.example', chunks).flat()).toEqual(['KEY', 'LOOSE', 'KEY']);
      }),
    );
  });

  it('does not keep the memory of its chunks', () => {
    const scanner = compileInjection([KEY]).bodyScanner('evil.example');
    const chunk = Buffer.from(D.slice(0, 30));
    expect(scanner.push(chunk)).toEqual([]);
    chunk.fill(0);
    expect(scanner.push(bytes(D.slice(30)))).toEqual(['KEY']);
  });
});

// What is trusted survives, is told to the proxy, and the logins of agents are known when they are renewed.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Trust, credentialHash } from '../../src/files/trust';
import { TrustStore, holdsLogin, watchLogins } from '../../src/host/trust';

let directory: string;
beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-trust-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const store = (file: string) => ({ kind: 'claude' as const, label: file, file });

it('keeps hashes and no text, for this user alone, with one salt', async () => {
  const file = path.join(directory, 'trust.json');
  const trust = await TrustStore.open(file);
  const { salt } = trust.settings;
  const hash = credentialHash(salt, 'api.example.com', 'the-credential');
  await trust.add('api.example.com', hash, 1);
  await trust.add('api.example.com', hash, 2);
  const again = await TrustStore.open(file);
  expect(again.trusted).toEqual([{ hash, host: 'api.example.com', since: 2 }]);
  expect(again.settings).toEqual({ salt, hashes: [hash] });
  expect(new Trust(again.settings).has('api.example.com', 'the-credential')).toBe(true);
  expect(new Trust(again.settings).has('b.example.com', 'the-credential')).toBe(false);
  expect(readFileSync(file, 'utf8')).not.toContain('the-credential');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await again.remove(hash);
  expect((await TrustStore.open(file)).trusted).toEqual([]);
});

it('is shared: what another program writes counts, with its salt, and nothing it wrote is lost', async () => {
  const file = path.join(directory, 'trust.json');
  const [one, other] = [await TrustStore.open(file), await TrustStore.open(file)];
  await one.keepSalt();
  await other.keepSalt();
  const { salt } = one.settings;
  expect(other.settings.salt).toBe(salt);
  const [first, second] = ['a', 'b'].map((text) => credentialHash(salt, 'a.example', text));
  await one.add('a.example', first!, 1);
  await other.add('a.example', second!, 2);
  await one.refresh();
  expect(one.trusted.map(({ hash }) => hash)).toEqual([first, second]);
  expect([await one.remove(first!), await one.remove(first!)]).toEqual([true, false]);
  await other.refresh();
  expect(other.trusted.map(({ hash }) => hash)).toEqual([second]);
  rmSync(file);
  await other.refresh();
  expect(other.settings).toEqual({ salt, hashes: [] });
});

it('trusts nobody when the file is damaged, and nothing that is no hash', async () => {
  const file = path.join(directory, 'trust.json');
  for (const text of [
    '',
    '{',
    '{"version":2}',
    '{"version":1,"salt":"x","trusted":3}',
    '{"version":1,"salt":"x","trusted":[{"hash":"*"}]}',
  ]) {
    writeFileSync(file, text);
    expect((await TrustStore.open(file)).trusted).toEqual([]);
  }
  await expect((await TrustStore.open(file)).add('a.example', 'the-credential-itself', 1)).rejects.toThrow(
    /not the hash/,
  );
});

it('knows the logins of agents on their own hosts, and sees when they are renewed', async () => {
  const file = path.join(directory, '.credentials.json');
  const trust = await TrustStore.open(path.join(directory, 'trust.json'));
  const token = (letter: string) => ['sk', 'ant', 'oat01', letter.repeat(40)].join('-');
  const login = (accessToken: string, more = {}) =>
    writeFileSync(
      file,
      JSON.stringify({ claudeAiOauth: { accessToken, refreshToken: 'not-sent-with-requests' }, ...more }),
    );
  login(token('a'), { nested: { accessToken: 'attackers-own-key-01' }, access_token: 'attackers-own-key-02' });
  expect(await trust.readLogins([store(file), store(path.join(directory, 'none'))])).toBe(true);
  expect(await trust.readLogins([store(file)])).toBe(false);
  const has = (text: string, host = 'api.anthropic.com') => new Trust(trust.settings).has(host, text);
  expect([has(token('a')), has('not-sent-with-requests')]).toEqual([true, false]);
  // Whoever can write the file cannot trust a key of another kind, at another place, or on another host.
  expect([has('attackers-own-key-01'), has('attackers-own-key-02'), has(token('a'), 'api.github.com')]).toEqual([
    false,
    false,
    false,
  ]);
  await new Promise<void>((resolve) => {
    const watch = watchLogins([store(file)], () => {
      watch.dispose();
      resolve();
    });
    login(token('b'));
  });
  expect(await trust.readLogins([store(file)])).toBe(true);
  // Processes that were started with the old one still use it.
  expect([has(token('a')), has(token('b'))]).toEqual([true, true]);
  writeFileSync(file, '{"half":');
  expect(await trust.readLogins([store(file)])).toBe(false);
  expect(has(token('b'))).toBe(true);
  login(token('c'));
  expect(await trust.readLogins([{ ...store(file), kind: 'codex' }])).toBe(false);
});

it('reads the stores of agents only', () => {
  expect(holdsLogin(store('x'))).toBe(true);
  expect(holdsLogin({ ...store('x'), kind: 'netrc' })).toBe(false);
});

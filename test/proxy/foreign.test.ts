// The attacker's own key on an allowed host, by every way a request carries a credential; what is trusted passes.
import { afterEach, describe, expect, it } from 'vitest';
import { Trust, hashForAllHosts } from '../../src/files/trust';
import { DUMMY, ELSEWHERE, GuardedFixture, REAL, SECRET } from '../support/guarded';

const policy = (more = '') => `version: 1
mode: monitor
rules:
  - type: allow
    addresses: any
    ${more}
    condition: { match: { host: [localhost, "127.0.0.1"], port: any } }
`;
const OWN = ['attackers', 'own', 'key', '0123456789'].join('-');

let fixture: GuardedFixture;
afterEach(() => fixture.close());
const open = async (more = '', secrets = [SECRET, ELSEWHERE]) =>
  (fixture = await GuardedFixture.open('wire', policy(more), secrets));

describe('a credential that is not the managed one', () => {
  it.each([
    ['a bearer', '/', `Authorization: Bearer ${OWN}`],
    ['another scheme', '/', `Authorization: token ${OWN}`],
    ['Basic', '/', `Authorization: Basic ${btoa(`user:${OWN}`)}`],
    ['a key field', '/', `x-api-key: ${OWN}`],
    ['a vendor’s field', '/', `dd-api-key: ${OWN}`],
    ['a bound parameter', `/?key=${OWN}`, 'X: 1'],
    ['a known parameter', `/?access_token=${OWN}`, 'X: 1'],
    ['beside the managed one', '/', `x-api-key: ${DUMMY}\r\nAuthorization: Bearer ${OWN}`],
    ['one that only begins like it', '/', `x-api-key: ${DUMMY}x`],
  ])('is refused on its host, in every mode: %s', async (_, path, fields) => {
    await open();
    const answer = await fixture.send(`GET ${path}`, `${fields}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('that is not API_KEY');
    expect(answer).not.toContain(OWN);
    expect(fixture.origin.heads).toEqual([]);
    const [flow] = await fixture.until(([one]) => one?.outcome === 'blocked');
    expect(flow!.findings.at(-1)).toMatchObject({ kind: 'foreign-credential', secret: 'API_KEY', action: 'blocked' });
    expect(JSON.stringify(flow)).not.toContain(OWN);
  });

  it('is nobody’s business on a host without a managed one, unless the rule says so', async () => {
    await open('', [ELSEWHERE]);
    expect(await fixture.send('GET /', `x-api-key: ${OWN}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    fixture.setPolicy(policy('credentials: managed'));
    expect(await fixture.send('GET /', `x-api-key: ${OWN}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('passes where the rule says any; none lets not even the managed one pass', async () => {
    await open('credentials: any');
    expect(await fixture.send('GET /', `x-api-key: ${OWN}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    fixture.setPolicy(policy('credentials: none'));
    expect(await fixture.send('GET /', `x-api-key: ${DUMMY}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await fixture.send('GET /')).toMatch(/^HTTP\/1\.1 200 /);
  });
});

it('the managed one passes: as dummy, and as the value itself, which is shown', async () => {
  await open();
  expect(await fixture.send('GET /', `x-api-key: ${DUMMY}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await fixture.send('GET /', `Authorization: Basic ${btoa(`u:${REAL}`)}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(fixture.origin.heads[1]).toContain(btoa(`u:${REAL}`));
  const flows = await fixture.until((all) => all.length === 2 && all.every(({ outcome }) => outcome === 'allowed'));
  expect(flows[1]!.findings).toMatchObject([
    { kind: 'real-value', secret: 'API_KEY', place: 'header:authorization', action: 'marked' },
  ]);
});

it('a trusted one passes, on its host only, and one that is good for every host passes everywhere', async () => {
  await open();
  await fixture.send('GET /', `x-api-key: ${OWN}\r\n`);
  const [flow] = await fixture.until(([one]) => one?.outcome === 'blocked');
  const hash = flow!.findings[0]!.credential!;
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  // The salt of this guard is its own: trust what it hashed, and nothing else.
  const { salt } = (fixture.guard.trust as unknown as { settings: { salt: string } }).settings;
  fixture.guard.setTrust({ salt, hashes: [hash] });
  expect(await fixture.send('GET /', `x-api-key: ${OWN}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await fixture.send('GET /', `x-api-key: ${OWN}2\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
  expect(new Trust({ salt, hashes: [hash] }).has('other.example', OWN)).toBe(false);
  fixture.guard.setTrust({ salt, hashes: [hashForAllHosts(salt, `${OWN}2`)] });
  expect(await fixture.send('GET /', `Authorization: Bearer ${OWN}2\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await fixture.send('GET /', `x-api-key: ${OWN}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
});

// The inherited environment in agents' terminals: known secrets, whole or as a part, become dummies; the rest of what looks like a
// secret is listed by name.
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { FolderSession } from '../../src/host/folderSession';
import { ANTHROPIC, FILES, GITHUB, TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
let session: FolderSession;
afterEach(() => {
  session.dispose();
  workspace.remove();
});

const AWS = ['wJalrXUtnFEMI', 'K7MDENG', 'bPxRfiCYzzzzzzzKEY0'].join('/');

it('holds dummies for every known secret, also inside of other text, and lists what stays real', async () => {
  workspace = new TestWorkspace({ ...FILES, 'odd.env': 'ODD_TOKEN=a/b+c&d=e0123456789xyzQ\n' });
  const odd = 'a/b+c&d=e0123456789xyzQ';
  session = new FolderSession({
    folder: workspace.folder,
    proxyScript: path.join(import.meta.dirname, '../../dist/proxy.js'),
    preloadScript: undefined,
    environment: {
      PATH: '/bin',
      OTHER_NAME: ANTHROPIC,
      CURL_HEADER: `Authorization: Bearer ${GITHUB}`,
      ODD_URL: `https://x:${encodeURIComponent(odd)}@api.example/`,
      AWS_SECRET_ACCESS_KEY: AWS,
      LONG_ID: 'a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6',
    },
    stateRoot: workspace.stateRoot,
    home: workspace.base,
    what: 'a test',
  });
  await session.open();
  const scan = await session.scan();
  await session.protect(
    scan.values
      .filter(({ ticked, name, file }) => file !== undefined && (ticked || name === 'ODD_TOKEN'))
      .map(({ id }) => id),
  );
  await session.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
  const env = session.processEnvironment('terminal')!;
  // What may end in a file or on the clipboard has nothing whose rest could be another secret.
  const written = session.agentEnvironment('terminal')!;
  expect(written['OTHER_NAME']).toBe(env['OTHER_NAME']);
  expect(written['CURL_HEADER']).toBeUndefined();
  const dummies = new Map((await session.secrets()).map(({ name, dummy }) => [name, dummy]));
  expect(env['OTHER_NAME']).toBe(dummies.get('ANTHROPIC_API_KEY'));
  expect(env['CURL_HEADER']).toBe(`Authorization: Bearer ${dummies.get('GITHUB_TOKEN')!}`);
  expect(env['ODD_URL']).toBe(`https://x:${dummies.get('ODD_TOKEN')!}@api.example/`);
  expect(env['PATH']).toBeUndefined();
  expect(env['AWS_SECRET_ACCESS_KEY']).toBeUndefined();
  expect(session.environment().map(({ name, swapped }) => [name, swapped])).toEqual([
    ['OTHER_NAME', true],
    ['CURL_HEADER', true],
    ['ODD_URL', true],
    ['AWS_SECRET_ACCESS_KEY', false],
  ]);
  const lines = JSON.stringify(await session.doctor());
  expect(lines).toMatch(/agents' terminals get dummies for: OTHER_NAME, CURL_HEADER, ODD_URL/);
  expect(lines).toMatch(/AWS_SECRET_ACCESS_KEY of the inherited environment is real/);
  for (const value of [ANTHROPIC, GITHUB, AWS, odd]) expect(lines).not.toContain(value);
  await session.stop();
});

// Two folders in one workspace: a session, a vault and a proxy each.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { extensionApi, runAll } from './harness';

export function run(): Promise<void> {
  return runAll([
    [
      'each folder has its own vault, proxy and port',
      async () => {
        const { sessions } = await extensionApi();
        await sessions.ready;
        assert.equal(sessions.all.length, 2);
        const before = sessions.all.map(({ session }) => readFileSync(path.join(session.folder, '.env'), 'utf8'));
        const ports: number[] = [];
        for (const { session } of sessions.all) {
          const scan = await session.scan();
          await session.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
          await session.start({ level: 'routed', claudeSettings: 'none', confinedChain: 'proxy' });
          assert.equal(session.state.kind, 'running');
          ports.push(session.state.port);
        }
        assert.equal(new Set(ports).size, 2);
        const names = await Promise.all(
          sessions.all.map(async ({ session }) => (await session.secrets()).map(({ name }) => name)),
        );
        assert.deepEqual(names, [['DEMO_API_KEY'], ['OTHER_TOKEN']]);
        for (const { session } of sessions.all) {
          await session.stop();
          await session.restore();
        }
        assert.deepEqual(
          sessions.all.map(({ session }) => readFileSync(path.join(session.folder, '.env'), 'utf8')),
          before,
        );
      },
    ],
  ]);
}

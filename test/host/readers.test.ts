// Programs that read env files themselves are named before the swap, with the way to give them the real values.
import { afterEach, expect, it } from 'vitest';
import { readersOfFiles } from '../../src/host/readers';
import { TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
afterEach(() => workspace.remove());

it('finds compose files, Dockerfiles, deploy scripts and dotenv with override, beside each env file too', async () => {
  workspace = new TestWorkspace({
    'compose.yaml': 'services:\n  app:\n    env_file: .env\n',
    'packages/api/Dockerfile': 'FROM x\nCOPY .env /app/\n',
    'packages/api/package.json': '{"scripts":{"deploy":"wrangler secret bulk .dev.vars"}}',
    'packages/api/load.mjs': "import dotenv from 'dotenv';\ndotenv.config({ override: true });\n",
    'packages/api/load.py': 'from dotenv import load_dotenv\nload_dotenv(override=True)\n',
    'packages/none/compose.yaml': 'services: { app: { env_file: .env } }\n',
    'packages/calm/main.js': "require('dotenv').config();\n",
  });
  const found = await readersOfFiles(workspace.folder, ['.env', 'packages/api/.env', 'packages/calm/.env']);
  expect(found.map((text) => text.split(/ (?:hands|copies|runs|loads) /)[0])).toEqual([
    'compose.yaml',
    'packages/api/Dockerfile',
    'A script in packages/api/package.json',
    'packages/api/load.mjs',
    'packages/api/load.py',
  ]);
  expect(found.slice(0, 3).every((text) => text.includes('Restore for a While'))).toBe(true);
});

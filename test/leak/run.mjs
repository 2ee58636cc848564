// `npm run leaktest`: the leak test, and docs/leaktest.md from what came out.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { ensureDependencies, root } from '../../scripts/setup.mjs';

await ensureDependencies();
const file = path.join(root, 'docs/leaktest.md');
execFileSync(path.join(root, 'node_modules/.bin/vitest'), ['run', '--project', 'leak'], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, LEAKTEST_DOCUMENT: file },
});
execFileSync(path.join(root, 'node_modules/.bin/prettier'), ['--write', '--log-level', 'warn', file], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
console.log(`written: ${path.relative(root, file)}`);

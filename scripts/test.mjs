// `npm test`: every kind of check and test, each counted, one summary. Runs on a fresh machine with Node and git alone:
// what a stage needs it installs itself. `--only a,b` runs some stages; the last line is "N passed, N failed".
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ensureDependencies, root } from './setup.mjs';

const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1].split(',') : undefined;
const artifacts = path.join(root, 'artifacts');
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    child.on('error', (error) => {
      console.error(String(error));
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** A tool whose exit code is the whole answer counts as one test. */
const tool = (name, steps) => async () => {
  for (const [command, args] of steps)
    if ((await run(command, args)) !== 0) return { passed: 0, failed: 1, skipped: 0, failures: [name] };
  return { passed: 1, failed: 0, skipped: 0, failures: [] };
};

/** A vitest project, counted from its JSON report; one that ran nothing has failed. */
const vitest = (project) => async () => {
  const report = path.join(artifacts, `${project}.json`);
  rmSync(report, { force: true });
  const code = await run(bin('vitest'), [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0, failures: [`${project}: no report`] };
  const { testResults, numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
  const failures = testResults.flatMap((file) =>
    file.assertionResults.filter((test) => test.status === 'failed').map((test) => `${project}: ${test.fullName}`),
  );
  const broken = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  failures.push(...broken.map((file) => `${project}: ${path.relative(root, file.name)} did not run`));
  const failed = numFailedTests + broken.length;
  return {
    passed: numPassedTests,
    failed: failed === 0 && (code !== 0 || numPassedTests === 0) ? 1 : failed,
    skipped: numPendingTests,
    failures,
  };
};

/** A script of ours that writes [{name, ok, error?, skipped?}]. */
const script = (name, file) => async () => {
  const report = path.join(artifacts, `${name}.json`);
  rmSync(report, { force: true });
  const code = await run(process.execPath, [path.join(root, file), '--json', report]);
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0, failures: [`${name}: no report (exit ${code})`] };
  const tests = JSON.parse(readFileSync(report, 'utf8'));
  const failures = tests.filter((test) => !test.ok && !test.skipped).map((test) => `${name}: ${test.name}`);
  const passed = tests.filter((test) => test.ok).length;
  return {
    passed,
    failed: failures.length === 0 && (code !== 0 || passed === 0) ? 1 : failures.length,
    skipped: tests.filter((test) => test.skipped).length,
    failures,
  };
};

const stages = {
  types: tool('types', [
    [bin('tsc'), ['-p', 'tsconfig.json']],
    [bin('tsc'), ['-p', 'src/core/tsconfig.json']],
    [bin('tsc'), ['-p', 'src/webview/tsconfig.json']],
  ]),
  lint: tool('lint', [[bin('eslint'), ['--max-warnings', '0', 'src', 'test']]]),
  format: tool('format', [[bin('prettier'), ['--check', '--log-level', 'warn', '.']]]),
  'dead-code': tool('dead code', [[bin('knip'), []]]),
  build: tool('build', [[process.execPath, ['esbuild.mjs']]]),
  unit: vitest('unit'),
  proxy: vitest('proxy'),
  leak: vitest('leak'),
  host: vitest('host'),
  terminal: tool('npm start -- --no-editor', [[process.execPath, ['scripts/start.mjs', '--no-editor']]]),
  vscode: script('vscode', 'scripts/testVscode.mjs'),
  e2e: script('e2e', 'scripts/testE2e.mjs'),
  agent: vitest('agent'),
};
const needsBuild = new Set(['proxy', 'host', 'terminal', 'vscode', 'e2e', 'agent']);

await ensureDependencies();
mkdirSync(artifacts, { recursive: true });
const names = Object.keys(stages).filter(
  (name) => !only || only.includes(name) || (name === 'build' && only.some((wanted) => needsBuild.has(wanted))),
);
for (const name of only ?? [])
  if (!(name in stages)) throw new Error(`no stage "${name}": ${Object.keys(stages).join(', ')}`);
const total = { passed: 0, failed: 0, skipped: 0 };
const rows = [];
const failures = [];
for (const name of names) {
  console.log(`\n=== ${name}`);
  const from = Date.now();
  const result = await stages[name]();
  for (const key of Object.keys(total)) total[key] += result[key];
  failures.push(...result.failures);
  rows.push(
    `${name.padEnd(10)} ${String(result.passed).padStart(5)} passed ${String(result.failed).padStart(3)} failed ${String(result.skipped).padStart(3)} skipped ${((Date.now() - from) / 1000).toFixed(1).padStart(7)} s`,
  );
  if (name === 'build' && result.failed > 0) break;
}
console.log(`\n${rows.join('\n')}`);
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed === 0 ? 0 : 1);

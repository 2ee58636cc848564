// The suites inside the extension host of a real VS Code. `--json FILE` writes [{name, ok, error?}]. With VSCODE_EXECUTABLE the
// desktop editor runs them through @vscode/test-electron, else the server does.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildAll, ensureDependencies, root } from './setup.mjs';

await ensureDependencies();
const { build } = await import('esbuild');
const { makeDemo } = await import('./demo.mjs');
const { launchBrowser, runExtensionTests, startServer, writeExtension } = await import('./vscodeServer.mjs');

await buildAll();
const out = path.join(root, 'out/test/vscode');
await build({
  entryPoints: ['index.ts', 'untrusted.ts', 'multiRoot.ts']
    .map((file) => path.join(root, 'test/vscode', file))
    .filter(existsSync),
  outdir: out,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  mainFields: ['module', 'main'],
  logLevel: 'warning',
});

const results = [];
async function suite(
  name,
  file,
  { trust = true, environment = {}, folder, workspace, extensionsDir, home, extra = {} },
) {
  if (!existsSync(path.join(out, `${file}.js`))) return;
  const report = path.join(root, 'artifacts', `vscode-${file}.json`);
  mkdirSync(path.dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const env = { ...environment, SANDBOX_AGENT_TEST: JSON.stringify({ report, ...extra }) };
  let code;
  const log = [];
  if (process.env.VSCODE_EXECUTABLE) {
    const { runTests } = await import('@vscode/test-electron');
    code = await runTests({
      vscodeExecutablePath: process.env.VSCODE_EXECUTABLE,
      extensionDevelopmentPath: root,
      extensionTestsPath: path.join(out, `${file}.js`),
      extensionTestsEnv: env,
      launchArgs: [
        workspace ?? folder,
        ...(trust ? ['--disable-workspace-trust'] : []),
        ...(extensionsDir ? ['--extensions-dir', extensionsDir] : []),
      ],
    }).catch(() => 1);
  } else {
    // In a browser VS Code saves by itself after a second: tests of unsaved documents would depend on how fast they are.
    const settings = { 'files.autoSave': 'off' };
    const server = await startServer({ environment: env, trust, extensionsDir, home, settings });
    const browser = await launchBrowser();
    code = await runExtensionTests({
      server,
      browser,
      folder,
      workspace,
      tests: path.join(out, `${file}.js`),
      onLog: (type, args) => log.push(`${type} ${JSON.stringify(args)}`),
    });
    await browser.close();
    await server.stop();
  }
  const tests = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : [];
  if (tests.length === 0)
    tests.push({ name: 'the suite ran', ok: false, error: `ended with ${code}\n${log.slice(-20).join('\n')}` });
  else if (code === 'timeout') tests.push({ name: 'the suite ended in time', ok: false, error: 'timeout' });
  for (const test of tests) {
    results.push({ ...test, name: `${name}: ${test.name}` });
    console.log(
      `${test.ok ? '✓' : test.skipped ? '○ skipped' : '✗'} ${name}: ${test.name}${test.error ? `\n${test.error}` : ''}`,
    );
  }
}

const demo = await makeDemo();
const helpers = makeHelpers(demo.base);
const extra = {
  real: demo.real,
  url: demo.url,
  port: demo.api.port,
  env: demo.env,
  policy: demo.policy,
  inherited: `sk-ant-api03-${randomBytes(70).toString('base64url').slice(0, 93)}AA`,
  seen: helpers.seen,
  claude: helpers.claudeSaw,
  ownHome: !process.env.VSCODE_EXECUTABLE,
};
try {
  await suite('trusted', 'index', {
    folder: demo.folder,
    environment: {
      NODE_EXTRA_CA_CERTS: demo.caFile,
      ANTHROPIC_API_KEY: extra.inherited,
    },
    extensionsDir: helpers.extensions,
    home: helpers.home,
    extra,
  });
  await suite('untrusted', 'untrusted', { folder: demo.folder, trust: false, extra });
  await suite('multi-root', 'multiRoot', { workspace: makeWorkspace(demo), extra });
} finally {
  await demo.api.close();
  rmSync(demo.base, { recursive: true, force: true });
}

/** A `claude` on the PATH, and the extension that its panel is in: both only say what they were given. */
function makeHelpers(base) {
  const seen = path.join(base, 'seen.cjs');
  const claudeSaw = path.join(base, 'claude.json');
  writeFileSync(
    seen,
    `const { createHash } = require('node:crypto');
const { renameSync, writeFileSync } = require('node:fs');
const hash = (text) => createHash('sha256').update(text).digest('hex');
const [, , file] = process.argv;
const seen = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, hash(value)]));
writeFileSync(file + '.new', JSON.stringify(seen));
renameSync(file + '.new', file);
`,
  );
  const programs = path.join(base, 'programs');
  mkdirSync(programs);
  writeFileSync(path.join(programs, 'claude'), `#!/bin/sh\nexec "${process.execPath}" "${seen}" "${claudeSaw}"\n`, {
    mode: 0o755,
  });
  const extensions = path.join(base, 'extensions');
  const properties = { 'claudeCode.environmentVariables': { type: 'array', default: [] } };
  writeExtension(extensions, {
    name: 'claude-code',
    publisher: 'anthropic',
    version: '0.0.1',
    contributes: { configuration: { properties } },
  });
  // The editor and its terminals take the PATH from the user's shell, as it is on a machine where claude is installed.
  const home = path.join(base, 'home');
  mkdirSync(home);
  for (const file of ['.profile', '.bashrc', '.zshenv'])
    writeFileSync(path.join(home, file), `export PATH="${programs}:$PATH"\n`);
  return { seen, claudeSaw, extensions, home };
}

function makeWorkspace({ base, folder }) {
  const second = path.join(base, 'second');
  mkdirSync(second, { recursive: true });
  writeFileSync(path.join(second, '.env'), `OTHER_TOKEN=${'tok_'}${'9f8e7d6c5b4a3928171605'.repeat(2)}\n`);
  const file = path.join(base, 'two.code-workspace');
  writeFileSync(file, JSON.stringify({ folders: [{ path: folder }, { path: second }] }));
  return file;
}

const json = process.argv.indexOf('--json');
if (json > 0) writeFileSync(process.argv[json + 1], JSON.stringify(results));
const failed = results.filter(({ ok, skipped }) => !ok && !skipped).length;
const skipped = results.filter((test) => test.skipped).length;
console.log(
  `${results.length - failed - skipped} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exit(failed === 0 ? 0 : 1);

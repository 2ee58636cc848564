// The whole job without an editor: scan, protect, proxy, real clients, restore. The product's own services, a real proxy
// process, a real upstream that accepts only the real key.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { makeDemo } from './demo.mjs';
import { root } from './setup.mjs';

const run = (command, args, options) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ code: error.code, output }));
    child.on('exit', (code) => resolve({ code, output }));
  });

export async function runInTerminal() {
  const demo = await makeDemo();
  const problems = [];
  const expect = (condition, what) => {
    if (!condition) problems.push(what);
  };
  const flows = new Map();
  let session;
  try {
    const outfile = path.join(demo.base, 'session.cjs');
    const entry = path.join(demo.base, 'entry.ts');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(
      entry,
      `export { FolderSession } from ${JSON.stringify(path.join(root, 'src/host/folderSession'))};\nexport { outcomeLine } from ${JSON.stringify(path.join(root, 'src/core/flows/describe'))};\n`,
    );
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
      mainFields: ['module', 'main'],
      nodePaths: [path.join(root, 'node_modules')],
    });
    const { createRequire } = await import('node:module');
    const { FolderSession, outcomeLine } = createRequire(import.meta.url)(outfile);
    const environment = { ...process.env, NODE_EXTRA_CA_CERTS: demo.caFile };
    session = new FolderSession({
      folder: demo.folder,
      proxyScript: path.join(root, 'dist/proxy.js'),
      preloadScript: path.join(root, 'dist/preload.cjs'),
      environment,
      stateRoot: path.join(demo.base, 'state'),
      what: 'npm start',
    });
    session.onDidNotice(({ message }) => console.error(`note: ${message}`));
    session.onDidSeeFlows((batch) => batch.forEach((flow) => flows.set(flow.id, flow)));
    await session.open();
    await session.policy.approve(demo.policy);

    const scan = await session.scan();
    const chosen = scan.values.filter((value) => value.ticked && value.file);
    await session.protect(chosen.map(({ id }) => id));
    const swapped = readFileSync(path.join(demo.folder, '.env'), 'utf8');
    expect(
      chosen.length === 1 && !swapped.includes(demo.real) && swapped.length === demo.env.length,
      'the key was not swapped',
    );
    console.log(`protected ${chosen.map(({ name, file }) => `${name} in ${file}`).join(', ')}`);

    await session.start({ level: 'routed', claudeSettings: 'local', confinedChain: 'proxy' });
    expect(session.state.kind === 'running', session.state.message ?? 'the proxy does not run');
    // The demo API is on this machine, which agents' NO_PROXY leaves out; here it plays a host of the world.
    const agent = { ...environment, ...session.agentEnvironment('terminal'), NO_PROXY: '', no_proxy: '' };
    const ask = (target) => run(process.execPath, ['ask.mjs', target], { cwd: demo.folder, env: agent });
    const injected = await ask('/hello');
    expect(injected.output.includes('hello, whoever'), `the key was not injected for fetch: ${injected.output}`);
    const blocked = await ask('/admin/keys');
    expect(
      blocked.output.startsWith('403') && blocked.output.includes('No administration'),
      `the block did not explain itself: ${blocked.output}`,
    );
    const curl = await run('curl', ['-sS', `${demo.url}/status`], { cwd: demo.folder, env: agent });
    if (curl.code === 'ENOENT') {
      const plain = await run(
        process.execPath,
        ['-e', `fetch('${demo.url}/status').then(async (r) => console.log(await r.text()))`],
        { cwd: demo.folder, env: agent },
      );
      expect(plain.output.includes('up'), 'the allowed request failed');
    } else expect(curl.output.includes('up'), `the allowed request failed: ${curl.output}`);
    expect(demo.api.seen.real === 1, 'the API did not see the real key exactly once');

    await session.stop();
    const outcomes = [...flows.values()].map((flow) => ({ flow, line: outcomeLine(flow) }));
    for (const { line } of outcomes) console.log(line);
    for (const wanted of [/ allowed$/, / injected DEMO_API_KEY$/, / blocked rule 1 "No administration"$/])
      expect(
        outcomes.some(({ line }) => wanted.test(line)),
        `no flow ended in ${wanted.source}`,
      );
    expect(outcomes.length === 3, `${outcomes.length} flows instead of 3`);
    expect(!JSON.stringify([...flows.values()]).includes(demo.real), 'a flow holds the real key');

    await session.restore();
    expect(readFileSync(path.join(demo.folder, '.env'), 'utf8') === demo.env, 'the .env is not what it was');
    console.log('restored .env, byte for byte');
  } catch (error) {
    problems.push(error.stack ?? String(error));
  } finally {
    await session?.stop();
    session?.dispose();
    await demo.api.close();
    rmSync(demo.base, { recursive: true, force: true });
  }
  for (const problem of problems) console.error(`not as it should be: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

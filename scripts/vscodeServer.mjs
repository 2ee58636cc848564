// A real VS Code where none can be downloaded: the server inside the npm package code-server, with a real extension host, opened
// in a real browser. Everything comes from npm (or is on the machine already), pinned, cached under .vscode-test/.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensurePrograms } from './debian.mjs';
import { npm, root, toolCache } from './setup.mjs';

const CODE_SERVER = '4.139.1';
const NODE = '24.11.1';
const SPARTICUZ = '153.0.0';

/** Installs into the cache once; a broken half-install is redone. */
function provision(name, install) {
  const directory = path.join(toolCache, name);
  if (existsSync(directory)) return directory;
  console.error(`Installing ${name} (once)…`);
  const temporary = `${directory}.installing`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  writeFileSync(path.join(temporary, 'package.json'), '{"private":true}');
  install(temporary);
  renameSync(temporary, directory);
  return directory;
}
const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--no-package-lock'];

/** `{node, server}`: Node 24 and the inner VS Code server (not the wrapper: it does not pass the smoke-test flag). */
export function ensureServer() {
  const directory = provision(`code-server-${CODE_SERVER}`, (target) => {
    npm(['install', ...quiet, `node@${NODE}`, `code-server@${CODE_SERVER}`], { cwd: target });
    execFileSync(process.execPath, ['node_modules/node/installArchSpecificPackage.js'], {
      cwd: target,
      stdio: 'ignore',
      env: { ...process.env, npm_config_loglevel: 'error' },
    });
    const vscode = path.join(target, 'node_modules/code-server/lib/vscode');
    npm(['install', ...quiet, '--omit=dev'], { cwd: vscode });
    npm(['install', ...quiet, '--omit=dev'], { cwd: path.join(vscode, 'extensions') });
  });
  return {
    node: path.join(directory, 'node_modules/.bin/node'),
    server: path.join(directory, 'node_modules/code-server/lib/vscode/out/server-main.js'),
  };
}

/** A Chromium: named by CHROMIUM, on the machine, from Debian's packages where they can be installed, or from npm. */
export async function ensureChromium() {
  const known = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  const there = () => known.find((file) => file && existsSync(file));
  if (!there()) ensurePrograms({ chromium: 'chromium' });
  const found = there();
  if (found) return { executable: found, env: {} };
  const directory = provision(`sparticuz-chromium-${SPARTICUZ}`, (target) =>
    npm(['install', ...quiet, `@sparticuz/chromium@${SPARTICUZ}`], { cwd: target }),
  );
  // The package unpacks into the temporary folder: into one of ours, so that nothing else is taken for it.
  const unpacked = path.join(directory, 'unpacked');
  mkdirSync(unpacked, { recursive: true });
  const { TMPDIR } = process.env;
  process.env.TMPDIR = unpacked;
  try {
    const packageFolder = path.join(directory, 'node_modules/@sparticuz/chromium');
    const { default: chromium, inflate } = await import(path.join(packageFolder, 'build/index.js'));
    const executable = await chromium.executablePath();
    // It brings the shared libraries that a bare machine lacks, packed for the function runtimes it was made for.
    const libraries = await inflate(path.join(packageFolder, 'bin/al2023.tar.br'));
    const searched = [path.join(libraries, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
    return { executable, env: { LD_LIBRARY_PATH: searched, FONTCONFIG_PATH: path.join(unpacked, 'fonts') } };
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}

/**
 * Starts a server with a home, state and data folder of its own. `environment` is what the editor inherits, `settings` what its
 * machine settings say beside ours.
 * `{url, port, home, stop}`.
 */
export async function startServer({
  environment = {},
  trust = true,
  home: given,
  port = 0,
  extensionsDir,
  settings = {},
} = {}) {
  const { node, server } = ensureServer();
  const home = given ?? realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-vscode-')));
  writeSettings(home, settings);
  const args = [
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--without-connection-token',
    '--accept-server-license-terms',
    '--enable-smoke-test-driver',
    '--disable-telemetry',
    '--telemetry-level',
    'off',
    '--server-data-dir',
    path.join(home, 'server'),
  ];
  if (trust) args.push('--disable-workspace-trust');
  if (extensionsDir) args.push('--extensions-dir', extensionsDir);
  const child = spawn(node, [server, ...args], {
    env: {
      ...process.env,
      HOME: home,
      XDG_STATE_HOME: path.join(home, 'state'),
      ANTHROPIC_API_KEY: undefined,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  const listening = await new Promise((resolve, reject) => {
    let log = '';
    const onData = (text) => {
      log += text;
      const match = /listening on (\d+)/i.exec(log);
      if (match) resolve(Number(match[1]));
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('exit', (code) => reject(new Error(`the VS Code server ended with ${code}: ${log.slice(-2000)}`)));
  });
  const stop = async ({ keepHome = false } = {}) => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    if (child.exitCode === null && child.signalCode === null) await gone;
    clearTimeout(timer);
    if (!keepHome && !given) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { port: listening, url: `http://127.0.0.1:${listening}`, home, stop, pid: child.pid };
}

/** Machine settings of a server: a quiet editor, and what the caller wants. */
function writeSettings(home, settings) {
  const file = path.join(home, 'server/data/Machine/settings.json');
  mkdirSync(path.dirname(file), { recursive: true });
  const quietEditor = {
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'workbench.startupEditor': 'none',
    'workbench.tips.enabled': false,
    'chat.disableAIFeatures': true,
  };
  writeFileSync(file, JSON.stringify({ ...quietEditor, ...settings }));
}

export function workbenchUrl(server, folder, { tests, workspace, ...options } = {}) {
  const extension = 'extension' in options ? options.extension : root;
  const uri = (file) => `vscode-remote://127.0.0.1:${server.port}${file}`;
  const payload = [
    ...(extension ? [['extensionDevelopmentPath', uri(extension)]] : []),
    ['skipWelcome', 'true'],
    ...(tests ? [['extensionTestsPath', uri(tests)]] : []),
  ];
  const open = workspace ? `workspace=${encodeURIComponent(workspace)}` : `folder=${encodeURIComponent(folder)}`;
  return `${server.url}/?${open}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
}

/** Puts a VSIX into an extensions folder, as a user's `--install-extension` does. */
export function installExtension(vsix, extensionsDir) {
  const { node, server } = ensureServer();
  execFileSync(
    node,
    [
      server,
      '--accept-server-license-terms',
      '--extensions-dir',
      extensionsDir,
      '--server-data-dir',
      `${extensionsDir}-data`,
      '--install-extension',
      vsix,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

/** An extension that is only what a test needs, in an extensions folder. `main`: text of an ES module. */
export function writeExtension(extensionsDir, manifest, main) {
  const directory = path.join(extensionsDir, `${manifest.publisher}.${manifest.name}-${manifest.version}`);
  mkdirSync(directory, { recursive: true });
  const whole = { engines: { vscode: '^1.100.0' }, ...manifest, ...(main ? { main: './main.mjs' } : {}) };
  writeFileSync(path.join(directory, 'package.json'), JSON.stringify(whole));
  if (main) writeFileSync(path.join(directory, 'main.mjs'), main);
}

export async function launchBrowser() {
  const { chromium } = await import('playwright-core');
  const { executable, env } = await ensureChromium();
  return chromium.launch({
    executablePath: executable,
    env: { ...process.env, ...env },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}

/** Runs a suite inside the extension host. Resolves with what its `run()` ended with: 0 for success. */
export async function runExtensionTests({ server, browser, folder, workspace, tests, timeoutMs = 180_000, onLog }) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  let exit;
  const exited = new Promise((resolve) => (exit = resolve));
  await page.exposeFunction('codeAutomationLog', (type, args) => onLog?.(type, args));
  await page.exposeFunction('codeAutomationExit', (code) => exit(code));
  await page.goto(workbenchUrl(server, folder, { tests, workspace }));
  const timer = setTimeout(() => exit('timeout'), timeoutMs);
  const code = await exited;
  clearTimeout(timer);
  await context.close();
  return code;
}

/** `npm start`: the desktop editor where there is one, else the server with its address printed, until Ctrl-C. */
export async function openEditor({ folder, environment = {} }) {
  const absolute = realpathSync(folder);
  if (process.env.DISPLAY || process.platform !== 'linux') {
    try {
      execFileSync('code', ['--extensionDevelopmentPath', root, '--new-window', absolute], {
        stdio: 'ignore',
        env: { ...process.env, ...environment },
        shell: process.platform === 'win32',
      });
      console.log('Opened in VS Code. End this with Ctrl-C when you are done with the demo.');
      await new Promise((resolve) => process.once('SIGINT', resolve));
      process.exit(0);
    } catch {
      // No desktop editor: the browser then.
    }
  }
  const server = await startServer({ environment });
  console.log(`\nVS Code with Sandbox Agent is at\n\n  ${workbenchUrl(server, absolute)}\n\nCtrl-C ends it.`);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
  });
  await server.stop();
  process.exit(0);
}

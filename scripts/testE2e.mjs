// Browser tests on the workbench of a real VS Code: what a user sees and does, with screenshots kept in artifacts/screenshots.
// `--json FILE` writes [{name, ok, error?}].
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildAll, ensureDependencies, root } from './setup.mjs';

await ensureDependencies();
const { makeDemo } = await import('./demo.mjs');
const { installExtension, launchBrowser, startServer, workbenchUrl, writeExtension } =
  await import('./vscodeServer.mjs');
const { Workbench } = await import('../test/e2e/workbench.mjs');

await buildAll();
const shots = path.join(root, 'artifacts/screenshots');
mkdirSync(shots, { recursive: true });
for (const shot of readdirSync(shots)) rmSync(path.join(shots, shot));
const demo = await makeDemo();
const other = path.join(demo.base, 'other');
mkdirSync(other);
const extensionsDir = path.join(demo.base, 'extensions');
const names = {
  run: 'Run',
  restore: 'Restore',
  protect: 'Protect',
  approve: 'Approve',
  debug: 'Debug',
  api: 'Take the API',
};
const commands = Object.entries(names).map(([name, title]) => ({
  command: `other.${name}`,
  title,
  category: 'Other Extension',
}));
writeExtension(
  extensionsDir,
  { name: 'extension', publisher: 'other', version: '0.0.1', contributes: { commands } },
  readFileSync(path.join(root, 'test/e2e/otherExtension.mjs'), 'utf8'),
);
const server = await startServer({
  environment: { NODE_EXTRA_CA_CERTS: demo.caFile, OTHER_EXTENSION_OUT: other },
  extensionsDir,
});
writeFileSync(path.join(server.home, '.netrc'), 'machine api.example login me password Zq7-vX2.kP9_mN4rT6wB8yC1\n');
const browser = await launchBrowser();
const context = await browser.newContext({
  viewport: { width: 1400, height: 900 },
  reducedMotion: 'reduce',
  permissions: ['clipboard-read', 'clipboard-write'],
});
const page = await context.newPage();
const workbench = new Workbench(page, shots);
const results = [];

async function test(name, run) {
  try {
    await run();
    results.push({ name, ok: true });
    console.log(`✓ ${name}`);
  } catch (error) {
    results.push({ name, ok: false, error: error.stack ?? String(error) });
    console.log(`✗ ${name}\n${error.stack ?? error}`);
    await workbench.screenshot(`failed-${results.length}`).catch(() => undefined);
  }
}
const expect = (condition, what) => {
  if (!condition) throw new Error(what);
};
/** The editor saves in its own time. */
async function eventually(condition, what) {
  for (let i = 0; i < 100 && !condition(); i++) await page.waitForTimeout(50);
  expect(condition(), what);
}
const env = () => readFileSync(path.join(demo.folder, '.env'), 'utf8');
const policy = () => readFileSync(path.join(demo.folder, '.sandbox-agent/policy.yaml'), 'utf8');

/** A real client with what "Copy Proxy Environment" puts on the clipboard, run by a real shell. */
let environment = '';
const ask = (target) =>
  new Promise((resolve) => {
    execFile(
      'sh',
      ['-c', `${environment}\nexport NO_PROXY= no_proxy=\nexec "${process.execPath}" ask.mjs ${target}`],
      { cwd: demo.folder },
      (_, stdout, stderr) => resolve(stdout + stderr),
    );
  });

/**
 * A notification with its buttons. A window that nobody touched since may keep its toasts back; the list has them all, the
 * newest on top, and shows no more than three at a time.
 */
async function notification(text) {
  const item = page.locator('.notification-list-item').filter({ hasText: text });
  for (let attempt = 1; ; attempt++) {
    await workbench.command('Notifications: Show Notifications');
    await page.keyboard.press('Home');
    try {
      await item.waitFor({ timeout: 5_000 });
      return item;
    } catch (error) {
      if (attempt === 4) throw error;
    }
  }
}

/** Requests with a key of somebody's choice, all at once; the answers' statuses. */
const withKey = (key, ...urls) =>
  new Promise((resolve) => {
    const script = `Promise.all(process.argv.slice(1).map((url) => fetch(url, { headers: { authorization: 'Bearer ${key}' } }))).then((all) => console.log(all.map(({ status }) => status).join()))`;
    execFile(
      'sh',
      ['-c', `${environment}\nexport NO_PROXY= no_proxy=\nexec "${process.execPath}" -e "${script}" ${urls.join(' ')}`],
      { cwd: demo.folder },
      (_, stdout, stderr) => resolve((stdout + stderr).trim()),
    );
  });

/** A request without any key. */
const plain = (target) =>
  new Promise((resolve) => {
    execFile(
      'sh',
      [
        '-c',
        `${environment}\nexport NO_PROXY= no_proxy=\nexec "${process.execPath}" -e "fetch('${demo.url}${target}')"`,
      ],
      { cwd: demo.folder },
      resolve,
    );
  });

try {
  await page.goto(workbenchUrl(server, demo.folder));
  await test('the view says what was found and offers one button', async () => {
    await workbench.openView('Sandbox Agent');
    await page.getByRole('button', { name: 'Protect Workspace' }).first().waitFor({ timeout: 30_000 });
    await page.getByText('This folder has .env files').first().waitFor();
    await workbench.screenshot('1-found');
  });

  await test('a policy that the folder brought waits for approval', async () => {
    await workbench.command('Sandbox Agent: Approve the Waiting Policy Change');
    await page.locator('.monaco-diff-editor').getByText('No administration').first().waitFor();
    await page.locator('.monaco-dialog-box').waitFor();
    await workbench.screenshot('1-approve');
    const question = await workbench.answer('Approve');
    expect(question.includes('mode enforce'), `the question does not say what changes: ${question}`);
    await page.getByRole('tab', { name: /waiting for approval/ }).waitFor({ state: 'detached' });
    await workbench.clearNotifications();
  });

  await test('another extension gets no session, and cannot answer for the user', async () => {
    await workbench.command('Other Extension: Take the API');
    await eventually(() => existsSync(path.join(other, 'api')), 'the other extension did not run');
    expect(readFileSync(path.join(other, 'api'), 'utf8') === 'undefined', 'the other extension got an API');
    await workbench.command('Other Extension: Protect');
    const pick = page.locator('.quick-input-widget');
    await pick.getByText('DEMO_API_KEY').waitFor();
    await page.keyboard.press('Escape');
    await pick.waitFor({ state: 'hidden' });
    expect(env() === demo.env, 'the other extension swapped values');
  });

  await test('Protect shows each value with its reason, ticked or not, and swaps after a confirmation', async () => {
    await workbench.command('Sandbox Agent: Protect Workspace');
    const pick = page.locator('.quick-input-widget');
    await pick.getByText('DEMO_API_KEY').waitFor();
    expect(
      (await pick
        .locator(
          '.quick-input-list-entry input[type=checkbox]:checked, .quick-input-list .monaco-checkbox.checked, .quick-input-list [role=checkbox][aria-checked=true]',
        )
        .count()) > 0,
      'nothing is ticked',
    );
    await pick.getByText('~/.netrc, for every folder').waitFor();
    await workbench.screenshot('2-protect');
    await page.keyboard.press('Enter');
    await workbench.answer('Swap');
    await page.getByText('value is swapped').first().waitFor();
    expect(!env().includes(demo.real) && env().length === demo.env.length, 'the file was not swapped');
  });

  await test('Start runs the proxy; view and status bar say so', async () => {
    await workbench.clearNotifications();
    await workbench.command('Sandbox Agent: Start');
    await page.getByText('Level: routed').first().waitFor();
    await page.locator('.statusbar').getByText('Guarded').waitFor();
    await workbench.clearNotifications();
  });

  await test('a command of another extension runs with real values, or restores them, on the word of the user only', async () => {
    const ran = path.join(other, 'ran');
    await workbench.command('Other Extension: Restore');
    await workbench.answer('Cancel');
    expect(!env().includes(demo.real), 'the other extension restored the real values');
    await workbench.command('Other Extension: Run');
    await page.locator('.monaco-dialog-box').waitFor();
    await workbench.screenshot('2-run-real');
    const question = await workbench.answer('Cancel');
    expect(question.includes(`touch "${ran}"`), `the question does not show what would run: ${question}`);
    await workbench.command('Other Extension: Run');
    await page.locator('.monaco-dialog-box').waitFor();
    expect(!existsSync(ran), 'it ran although the user said no');
    await workbench.answer('Run');
    await eventually(() => existsSync(ran), 'it did not run although the user said yes');
    const debugged = path.join(other, 'debugged');
    await workbench.command('Other Extension: Debug');
    await page.locator('.monaco-dialog-box').waitFor();
    await workbench.screenshot('2-debug-real');
    const shown = await workbench.answer('Cancel');
    expect(/program: \S*debugged\.cjs/.test(shown), `the question does not show what would be debugged: ${shown}`);
    await workbench.command('Other Extension: Debug');
    await page.locator('.monaco-dialog-box').waitFor();
    expect(!existsSync(debugged), 'it was debugged although the user said no');
    await workbench.answer('Run');
    await eventually(() => existsSync(debugged), 'it was not debugged although the user said yes');
    rmSync(debugged);
    await workbench.command('Other Extension: Debug');
    await eventually(() => existsSync(debugged), 'the same configuration is asked about twice');
    await workbench.command('Terminal: Kill All Terminals');
    await workbench.clearNotifications();
  });

  await test('flows arrive live: one allowed, one injected, one blocked', async () => {
    await workbench.command('Sandbox Agent: Copy Proxy Environment');
    await page.getByText('The proxy environment is on the clipboard').first().waitFor();
    environment = await page.evaluate(() => navigator.clipboard.readText());
    expect(
      environment.includes('HTTPS_PROXY') && !environment.includes(demo.real),
      'the environment is not on the clipboard',
    );
    await workbench.clearNotifications();
    expect((await ask('/hello')).includes('hello, whoever'), 'the key was not injected');
    expect((await ask('/admin/keys')).startsWith('403'), 'the endpoint was not blocked');
    await plain('/status');
    const tree = page.getByRole('tree', { name: /Flows/ });
    await tree.getByText('GET 200 /hello').waitFor();
    await tree.getByText('DEMO_API_KEY · rule 2').waitFor();
    await tree.getByText('rule 1 · No administration').waitFor();
    await tree.getByText('GET 403 /admin/keys').waitFor();
    await tree.getByText('GET 200 /status').waitFor();
    await workbench.screenshot('3-flows');
  });

  await test('a flow opens as a read-only document', async () => {
    await page.getByRole('tree', { name: /Flows/ }).getByText('GET 200 /hello').click();
    await page.locator('.editor-instance').getByText('the real value went out in its place').waitFor();
    await workbench.screenshot('4-flow');
  });

  await test('Quick fix: Block host, from the lightbulb on a URL in a file', async () => {
    await workbench.openFile('README.md');
    const lines = readFileSync(path.join(demo.folder, 'README.md'), 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes(`${demo.url}/hello`));
    await workbench.goTo(line + 1, lines[line].indexOf(demo.url) + 4);
    const action = await workbench.lightbulb('Quick fix: Block host localhost');
    await workbench.screenshot('5-quick-fix');
    await action.click();
    await page.getByText('localhost is blocked').first().waitFor();
    expect((await ask('/hello')).includes('Block localhost'), 'the next request was not blocked');
    expect(policy().includes('description: No administration'), 'the rest of the policy is gone');
    await workbench.clearNotifications();
  });

  await test('the policy panel removes, adds and changes rules, and they count at once', async () => {
    await workbench.command('Sandbox Agent: Open Policy');
    const panel = await workbench.webview('h1');
    await panel.getByText('in force').waitFor();
    await panel.getByRole('button', { name: 'Remove rule 1' }).click();
    await panel.getByRole('row').filter({ hasText: 'Block localhost' }).waitFor({ state: 'detached' });
    await panel.getByText('in force').waitFor();
    expect((await ask('/hello')).startsWith('200'), 'the removed rule still counts');
    await panel.getByRole('button', { name: 'Add a rule' }).click();
    await panel.getByLabel('Host', { exact: true }).fill('*.example.com');
    await panel.getByLabel('Method', { exact: true }).fill('get, head');
    await panel.getByLabel('Description', { exact: true }).fill('Nothing from the examples');
    await panel.getByRole('button', { name: 'Save the rule' }).click();
    await panel.getByRole('row').filter({ hasText: 'Nothing from the examples' }).waitFor();
    await panel.getByRole('button', { name: 'Edit rule 3' }).click();
    await panel.getByLabel('Path', { exact: true }).fill('/private/**');
    await panel.getByRole('button', { name: 'Save the rule' }).click();
    await panel.getByText('/private/**').waitFor();
    await panel.getByText('in force').waitFor();
    await eventually(
      () => /\*\.example\.com[^\n]*GET, HEAD[^\n]*\/private/.test(policy()),
      'the changed rule is not in the file',
    );
    await workbench.screenshot('6-policy');
  });

  await test('a change by somebody else shows in the panel and can be put back', async () => {
    const before = policy();
    writeFileSync(path.join(demo.folder, '.sandbox-agent/policy.yaml'), 'version: 1\nmode: monitor\nrules: []\n');
    const panel = await workbench.webview('h1');
    await panel.getByText('This text waits for your approval.').waitFor();
    await workbench.screenshot('7-waiting');
    await panel.getByRole('button', { name: 'Put the approved text back' }).click();
    await panel.getByText('in force').waitFor();
    await eventually(() => policy() === before, 'the approved text is not back');
    await workbench.clearNotifications();
  });

  await test('what is approved is the text that was shown, also when the file changed meanwhile', async () => {
    const before = policy();
    const file = path.join(demo.folder, '.sandbox-agent/policy.yaml');
    writeFileSync(file, before.replace('Nothing from the examples', 'What the user looks at'));
    await (await workbench.webview('h1')).getByText('This text waits for your approval.').waitFor();
    await workbench.command('Other Extension: Approve');
    await page.locator('.monaco-diff-editor').getByText('What the user looks at').waitFor();
    await page.locator('.monaco-dialog-box').waitFor();
    writeFileSync(file, 'version: 1\nmode: monitor\nrules: []\n');
    await workbench.answer('Approve');
    await page.getByRole('tab', { name: /waiting for approval/ }).waitFor({ state: 'detached' });
    await page.getByRole('treeitem', { name: /Policy: enforce/ }).waitFor();
    const panel = await workbench.webview('h1');
    await panel.getByText('This text waits for your approval.').waitFor();
    await panel.getByRole('button', { name: 'Put the approved text back' }).click();
    await eventually(() => policy().includes('What the user looks at'), 'another text than the shown one was approved');
    await panel.getByText('in force').waitFor();
    writeFileSync(file, before);
    // The panel shows this text, and not one from before it.
    await panel.getByText('Nothing from the examples').waitFor();
    await panel.getByRole('button', { name: 'Approve this text' }).click();
    await workbench.answer('Approve');
    await page.getByRole('tab', { name: /waiting for approval/ }).waitFor({ state: 'detached' });
    await panel.getByText('in force').waitFor();
    expect(policy() === before, 'the text that was approved in the panel is not in the file');
    await workbench.clearNotifications();
  });

  await test('Open as Text shows the file', async () => {
    const panel = await workbench.webview('h1');
    await panel.getByRole('button', { name: 'Open as Text' }).click();
    await page.locator('.view-lines').getByText('Nothing from the examples').waitFor();
  });

  await test('a stand-in on its way to a host that nobody bound it to is a question, and Bind answers it', async () => {
    writeFileSync(
      path.join(demo.folder, '.sandbox-agent/policy.yaml'),
      policy().replace(/^secrets:\n(?: .*\n)*/m, '# Nobody said yet where secrets go.\n'),
    );
    const waiting = await notification('not by a command of yours');
    await waiting.getByRole('button', { name: 'Approve…' }).click();
    await workbench.answer('Approve');
    await page.getByRole('tab', { name: /waiting for approval/ }).waitFor({ state: 'detached' });
    await workbench.clearNotifications();
    expect((await ask('/first')).startsWith('403'), 'a stand-in without a binding went out');
    await ask('/second');
    const question = await notification('DEMO_API_KEY was about to go to localhost');
    await page.locator('.statusbar').getByText('1 alarm').waitFor();
    await page.getByRole('tree', { name: /Flows/ }).getByText('GET 403 /second').waitFor();
    expect(
      (await page.locator('.notification-list-item').filter({ hasText: 'was about to go' }).count()) === 1,
      'it is asked twice',
    );
    await workbench.screenshot('7-first-use');
    await question.getByRole('button', { name: 'Bind to localhost' }).click();
    await eventually(() => /DEMO_API_KEY: \{ hosts: \[localhost\]/.test(policy()), 'the binding is not in the policy');
    expect((await ask('/hello')).startsWith('200'), 'the next request was not served');
    await page.locator('.statusbar').getByText('1 alarm').waitFor({ state: 'detached' });
    await workbench.clearNotifications();
  });

  await test('a foreign credential is a question; Trust asks once more, and Trusted Credentials takes it back', async () => {
    const own = 'somebodys-own-key-0123456789';
    expect((await withKey(own, `${demo.url}/foreign`)) === '403', 'a foreign credential went out');
    const question = await notification('used a credential at localhost that is not DEMO_API_KEY');
    await workbench.screenshot('7-foreign');
    await question.getByRole('button', { name: 'Trust This Credential' }).click();
    await page.locator('.monaco-dialog-box').waitFor();
    await workbench.screenshot('7-trust');
    const text = await workbench.answer('Trust');
    expect(text.includes('salted hash') && text.includes('this host only'), `it does not say what it means: ${text}`);
    for (let i = 0; i < 50 && (await withKey(own, `${demo.url}/foreign`)) !== '401'; i++)
      await page.waitForTimeout(100);
    expect((await withKey(own, `${demo.url}/foreign`)) === '401', 'the trusted credential is refused');
    await workbench.command('Sandbox Agent: Trusted Credentials');
    const entry = page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'localhost' });
    await entry.hover();
    await workbench.screenshot('7-trusted');
    await entry.getByRole('button', { name: 'Trust it no more' }).click();
    await entry.waitFor({ state: 'hidden' });
    expect((await withKey(own, `${demo.url}/foreign`)) === '403', 'what is trusted no more still passes');
    await workbench.clearNotifications();
  });

  await test('a real value on its way out is an error, and the list of alarms has it', async () => {
    await plain(`/leak?data=${demo.real}`);
    const alarm = await notification('sent the real value of DEMO_API_KEY to localhost');
    await page.getByRole('tree', { name: /Flows/ }).locator('.codicon-report').first().waitFor();
    await workbench.screenshot('7-real-value');
    await alarm.getByRole('button', { name: 'Show Flow' }).click();
    await page.locator('.editor-instance').getByText('the real value was on its way out').waitFor();
    await workbench.screenshot('7-alarm-flow');
    await workbench.command('Sandbox Agent: Show Alarms');
    await page.locator('.quick-input-list').getByText('the real value was on its way out').waitFor();
    await workbench.screenshot('7-alarms');
    await page.keyboard.press('Escape');
    await page.locator('.statusbar').getByText(/alarm/).waitFor({ state: 'detached' });
    await workbench.clearNotifications();
  });

  await test('a stand-in on its way elsewhere is an alarm for each host, and many at a time are told as one', async () => {
    const dummy = /DEMO_API_KEY="(.*)"/.exec(env())[1];
    const urls = ['one', 'two', 'three', 'four', 'five'].map((host) => `https://${host}.example/collect`);
    const statuses = await withKey(dummy, ...urls);
    expect(statuses === '403,403,403,403,403', `the stand-in went somewhere: ${statuses}`);
    const more = await notification('There are 2 more alarms');
    const told = page.locator('.notification-list-item').filter({ hasText: 'sent the stand-in of DEMO_API_KEY to' });
    await page.locator('.statusbar').getByText('5 alarms').waitFor();
    await workbench.screenshot('7-honeytoken');
    const host = /to (\w+\.example)/.exec(await told.first().innerText())[1];
    await told.first().getByRole('button', { name: 'Block Host' }).click();
    await eventually(() => policy().includes(`Block ${host}`), `${host} is not blocked in the policy`);
    await notification('There are 2 more alarms');
    await more.getByRole('button', { name: 'Show Alarms' }).click();
    for (const url of urls) await page.locator('.quick-input-list').getByText(new URL(url).host).waitFor();
    await page.keyboard.press('Escape');
    await workbench.clearNotifications();
  });

  await workbench.widenSideBar(105);
  await page.setViewportSize({ width: 1400, height: 640 });
  for (const [theme, name] of [
    ['Light Modern', 'light'],
    ['Dark Modern', 'dark'],
    ['Dark High Contrast', 'high-contrast'],
  ]) {
    await test(`looks right in ${theme}`, async () => {
      await workbench.theme(theme);
      await page
        .locator(`.monaco-workbench.${{ light: 'vs', dark: 'vs-dark', 'high-contrast': 'hc-black' }[name]}`)
        .waitFor();
      await workbench.command('View: Close All Editors');
      await workbench.command('Sandbox Agent: Clear Flows');
      const tree = page.getByRole('tree', { name: /Flows/ });
      await tree.getByText('GET 403 /admin/keys').waitFor({ state: 'detached' });
      await plain('/status');
      await ask('/hello');
      await ask('/admin/keys');
      for (const text of ['GET 200 /status', 'GET 200 /hello', 'GET 403 /admin/keys'])
        await tree.getByText(text).waitFor();
      await workbench.command('Sandbox Agent: Open Policy');
      const panel = await workbench.webview('h1');
      await panel.getByText('in force').waitFor();
      await workbench.clearNotifications();
      await workbench.screenshot(`8-${name}`);
    });
  }

  await test('a real value that is back in the file is swapped again, and Undo gives it back', async () => {
    await workbench.clearNotifications();
    const swapped = env();
    writeFileSync(path.join(demo.folder, '.env'), demo.env);
    await eventually(() => env() === swapped, 'the dummy is not back');
    // A window that nobody touched since may keep its toasts back; the list has them all.
    await workbench.command('Notifications: Show Notifications');
    const toast = page.locator('.notification-list-item').filter({ hasText: 'was real again' });
    await toast.waitFor();
    await workbench.screenshot('9-returned');
    await toast.getByRole('button', { name: 'Undo' }).click();
    await eventually(() => env() === demo.env, 'the real value is not back after Undo');
    writeFileSync(path.join(demo.folder, '.env'), swapped);
    await workbench.clearNotifications();
  });

  await test('a reloaded window finds the same port and token again', async () => {
    await page.reload();
    await workbench.openView('Sandbox Agent');
    await page.locator('.statusbar').getByText('Guarded').waitFor({ timeout: 30_000 });
    expect((await ask('/hello')).startsWith('200'), 'the environment of before the reload no longer works');
  });

  await test('Restore for a While shows a clock that ends it', async () => {
    const swapped = env();
    await workbench.command('Sandbox Agent: Restore for a While');
    await workbench.answer('Restore for 10 Minutes');
    const clock = page.locator('.statusbar').getByText(/Real values for \d/);
    await clock.waitFor();
    expect(env() === demo.env, 'the real values are not in the file');
    await workbench.screenshot('9-for-a-while');
    await clock.click();
    await clock.waitFor({ state: 'hidden' });
    expect(env() === swapped, 'the dummies are not back');
  });

  await test('Encrypt Vault shows the code once, and is switched on when it was typed back', async () => {
    await workbench.command('Sandbox Agent: Encrypt Vault');
    await page.locator('.monaco-dialog-box').waitFor();
    await workbench.screenshot('9-recovery-code');
    const question = await workbench.answer('I Have Written It Down');
    const code = /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){6}/.exec(question)?.[0];
    expect(code !== undefined, `the dialog shows no code: ${question}`);
    const input = page.locator('.quick-input-widget input').first();
    await input.fill(code.replace(/.$/, (char) => (char === '0' ? '1' : '0')));
    await page.getByText('That is not the code that was shown.').waitFor();
    await input.fill(code.toLowerCase());
    await page.keyboard.press('Enter');
    await page.getByText('The vault is encrypted').first().waitFor();
    await workbench.clearNotifications();
    // The browser edition keeps its secrets no longer than the page: the code is asked for, and opens.
    await page.reload();
    await page.getByText('Type the recovery code that was shown').waitFor({ timeout: 30_000 });
    await workbench.screenshot('9-locked');
    await input.fill(code);
    await page.keyboard.press('Enter');
    await page.locator('.statusbar').getByText('Guarded').waitFor({ timeout: 30_000 });
  });

  await test('Stop and Restore leave the files as they were', async () => {
    await workbench.command('Sandbox Agent: Stop');
    await page.locator('.statusbar').getByText('Off').waitFor();
    await workbench.command('Sandbox Agent: Restore Real Values');
    await workbench.answer('Restore');
    await page.getByText('1 file holds its real values again').first().waitFor();
    expect(env() === demo.env, 'the .env is not what it was');
  });

  await test('the VSIX installs and runs in a server of its own', async () => {
    const { makePackage } = await import('./package.mjs');
    const vsix = await makePackage(path.join(demo.base, 'sandbox-agent.vsix'));
    const extensions = path.join(demo.base, 'extensions');
    installExtension(vsix, extensions);
    const second = await startServer({ extensionsDir: extensions });
    try {
      const other = await context.newPage();
      await other.goto(workbenchUrl(second, demo.folder, { extension: undefined }));
      const installed = new Workbench(other, shots);
      await installed.openView('Sandbox Agent');
      await other.getByRole('button', { name: 'Protect Workspace' }).first().waitFor({ timeout: 30_000 });
      await other.close();
    } finally {
      await second.stop();
    }
  });
} finally {
  await browser.close();
  await server.stop();
  await demo.api.close();
  rmSync(demo.base, { recursive: true, force: true });
}

const json = process.argv.indexOf('--json');
if (json > 0) writeFileSync(process.argv[json + 1], JSON.stringify(results));
const failed = results.filter(({ ok }) => !ok).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

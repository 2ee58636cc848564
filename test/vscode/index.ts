// The suite inside the extension host of a real VS Code: real commands, a real forked proxy, real clients, real files.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import manifest from '../../package.json';
import { alarmTests } from './alarms';
import { claudePanelTests } from './claudePanel';
import { claudeSettingsTests } from './claudeSettings';
import { extensionApi, onlyEntry, runAll, setting, until } from './harness';
import { envFileTests } from './envFiles';
import { realRunTests } from './realRuns';
import { terminalTests } from './terminals';
import { vaultTests } from './vault';

const command = (name: string, ...args: unknown[]) => vscode.commands.executeCommand(`sandboxAgent.${name}`, ...args);

/** A real Node process with the agent's environment; the demo API is on this machine, which NO_PROXY leaves out. */
async function ask(target: string): Promise<string> {
  const entry = await onlyEntry();
  const env = {
    ...process.env,
    ...entry.session.agentEnvironment('terminal'),
    NO_PROXY: '',
    no_proxy: '',
    ELECTRON_RUN_AS_NODE: '1',
  };
  return new Promise((resolve) => {
    execFile(process.execPath, ['ask.mjs', target], { cwd: entry.session.folder, env }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

const envFile = async () => path.join((await onlyEntry()).session.folder, '.env');

export function run(): Promise<void> {
  let port = 0;
  return runAll([
    [
      'activates, and has every command of its manifest',
      async () => {
        const from = performance.now();
        await extensionApi();
        const commands = new Set(await vscode.commands.getCommands(true));
        for (const { command: id } of manifest.contributes.commands) assert.ok(commands.has(id), id);
        writeFileSync(`${setting.report}.activation`, String(performance.now() - from));
      },
    ],
    [
      'does not touch a file or start anything by itself',
      async () => {
        const entry = await onlyEntry();
        assert.equal(entry.session.state.kind, 'stopped');
        assert.equal(readFileSync(await envFile(), 'utf8'), setting.env);
        assert.equal(existsSync(path.join(entry.session.folder, '.claude')), false);
      },
    ],
    [
      'holds a policy that a clone brought until the user approves it',
      async () => {
        const { session, workspaceFolder } = await onlyEntry();
        assert.equal(session.policy.state.pending?.text, setting.policy);
        assert.equal(session.policy.state.policy.mode, 'monitor');
        // In words of the panel: the text that the user saw there is no longer what the file holds.
        await command('approvePolicy', { folder: workspaceFolder.uri.toString(), text: `${setting.policy}# more\n` });
        assert.equal(session.policy.state.pending.text, setting.policy);
        assert.equal(session.policy.state.policy.mode, 'monitor');
        await command('approvePolicy', { unattended: true });
        assert.equal(session.policy.state.pending, undefined);
        assert.equal(session.policy.state.policy.mode, 'enforce');
      },
    ],
    [
      'Protect swaps the key and starts; nothing else in the file changes by a byte',
      async () => {
        const { mode } = statSync(await envFile());
        await command('protect', { ids: 'ticked' });
        const entry = await onlyEntry();
        assert.equal(entry.session.state.kind, 'running');
        port = entry.session.state.port;
        const swapped = readFileSync(await envFile(), 'utf8');
        assert.ok(!swapped.includes(setting.real));
        const secrets = await entry.session.secrets();
        assert.deepEqual(secrets.map(({ name }) => name).sort(), ['ANTHROPIC_API_KEY', 'DEMO_API_KEY']);
        const secret = secrets.find(({ name }) => name === 'DEMO_API_KEY')!;
        assert.equal(secret.dummy.length, setting.real.length);
        assert.equal(swapped, setting.env.replace(setting.real, secret.dummy));
        assert.equal(statSync(await envFile()).mode, mode);
      },
    ],
    [
      "writes Claude Code's settings with proxy, certificate and denied folders, excluded from git",
      async () => {
        const { session } = await onlyEntry();
        const text = readFileSync(path.join(session.folder, '.claude', 'settings.local.json'), 'utf8');
        const settings = JSON.parse(text) as {
          env: Record<string, string>;
          permissions: { deny: string[] };
          sandbox?: unknown;
        };
        assert.match(settings.env['HTTPS_PROXY'] ?? '', new RegExp(`^http://claude:[^@]+@127\\.0\\.0\\.1:${port}$`));
        assert.equal(settings.env['NO_PROXY'], 'localhost,127.0.0.1,::1');
        assert.ok(settings.permissions.deny.length > 0);
        assert.equal(settings.sandbox, undefined);
        assert.ok(!text.includes(setting.real));
        assert.match(
          readFileSync(path.join(session.folder, '.git', 'info', 'exclude'), 'utf8'),
          /^\/\.claude\/settings\.local\.json$/m,
        );
      },
    ],
    [
      'the upstream gets the real key, the agent only ever had the dummy, and the flow says so',
      async () => {
        assert.match(await ask('/hello'), /200 .*hello, whoever holds the real key/);
        const { flows } = await onlyEntry();
        await until(flows.onDidChange, () =>
          flows.flows.some(({ path: target, outcome }) => target === '/hello' && outcome === 'allowed'),
        );
        const flow = flows.flows.find(({ path: target }) => target === '/hello')!;
        assert.deepEqual(flow.injected, ['DEMO_API_KEY']);
        assert.equal(flow.decision?.description, 'The demo API');
        assert.ok(!JSON.stringify(flows.flows).includes(setting.real));
      },
    ],
    [
      'opens a flow as a read-only document without a real value',
      async () => {
        const entry = await onlyEntry();
        const flow = entry.flows.flows.find(({ path: target }) => target === '/hello')!;
        await command('openFlow', { kind: 'flow', entry, flow });
        const { document } = vscode.window.activeTextEditor!;
        assert.equal(document.uri.scheme, 'sandbox-agent-flow');
        assert.match(document.getText(), /injected {3}DEMO_API_KEY/);
        assert.ok(!document.getText().includes(setting.real));
      },
    ],
    [
      'a blocked endpoint answers 403 and explains itself',
      async () => assert.match(await ask('/admin/keys'), /^403 .*[^]*No administration/),
    ],
    [
      'the lightbulb on a URL blocks its host in every mode, effective on the next request, formatting kept',
      async () => {
        const { session } = await onlyEntry();
        const readme = await vscode.workspace.openTextDocument(path.join(session.folder, 'README.md'));
        const at = readme.positionAt(readme.getText().indexOf('https://localhost') + 3);
        const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
          'vscode.executeCodeActionProvider',
          readme.uri,
          new vscode.Range(at, at),
        );
        const action = actions.find(({ title }) => title === 'Quick fix: Block host localhost');
        assert.ok(action?.command, actions.map(({ title }) => title).join());
        await vscode.commands.executeCommand(action.command.command, ...(action.command.arguments as unknown[]));
        const text = readFileSync(session.policy.state.file, 'utf8');
        assert.equal(session.policy.state.approvedText, text);
        assert.ok(text.endsWith(setting.policy.slice(setting.policy.indexOf('  - type: block'))));
        assert.match(await ask('/hello'), /^403 .*[^]*Block localhost/);
        await session.policy.write(setting.policy.replace('mode: enforce', 'mode: monitor'));
        await command('blockHost', 'localhost');
        assert.match(await ask('/hello'), /^403 /);
        await session.policy.write(setting.policy);
        assert.match(await ask('/hello'), /^200 /);
      },
    ],
    [
      'a change of the policy file by somebody else waits, and the approved text stays in force',
      async () => {
        const { session } = await onlyEntry();
        const { sessions } = await extensionApi();
        const wide = 'version: 1\nmode: monitor\nrules: []\n';
        writeFileSync(session.policy.state.file, wide);
        await command('blockHost', 'localhost');
        assert.equal(readFileSync(session.policy.state.file, 'utf8'), wide);
        await until(sessions.onDidChange, () => session.policy.state.pending?.text === wide);
        assert.equal(session.policy.state.policy.mode, 'enforce');
        assert.match(await ask('/admin/keys'), /^403 /);
        await command('rejectPolicy');
        assert.equal(readFileSync(session.policy.state.file, 'utf8'), setting.policy);
        assert.equal(session.policy.state.pending, undefined);
      },
    ],
    [
      'errors of the policy show at their line and column, and an invalid file opens nothing',
      async () => {
        const { session } = await onlyEntry();
        const { sessions } = await extensionApi();
        const uri = vscode.Uri.file(session.policy.state.file);
        writeFileSync(uri.fsPath, setting.policy.replace('mode: enforce', 'moed: enforce'));
        await until(sessions.onDidChange, () => session.policy.state.pending?.valid === false);
        const errors = () =>
          vscode.languages.getDiagnostics(uri).filter(({ severity }) => severity === vscode.DiagnosticSeverity.Error);
        // The editor may have read the file while it was empty, half written: what counts is what it says in the end.
        await until(
          (listener) => vscode.languages.onDidChangeDiagnostics(listener),
          () => errors().some(({ range }) => range.start.line === 1 && range.start.character === 0),
        );
        assert.equal(errors().length, 1);
        assert.match(errors()[0]!.message, /"moed".*mode/);
        assert.match(await ask('/admin/keys'), /^403 /);
        await command('rejectPolicy');
      },
    ],
    ...alarmTests,
    [
      'a crashed proxy comes back by itself on the same port, with a visible reason',
      async () => {
        const { session } = await onlyEntry();
        const seen: string[] = [];
        const subscription = session.onDidChangeState((state) => seen.push(state.kind));
        const pid = await proxyPid();
        process.kill(pid, 'SIGKILL');
        await until(session.onDidChangeState, () => seen.includes('running'));
        subscription.dispose();
        assert.deepEqual(seen, ['failed', 'starting', 'running']);
        assert.equal(session.state.kind === 'running' && session.state.port, port);
        assert.match(await ask('/hello'), /^200 /);
      },
    ],
    [
      'stop takes the settings back and start finds the same port and token again',
      async () => {
        const { session } = await onlyEntry();
        const before = session.agentEnvironment('claude')!['HTTPS_PROXY'];
        await command('stop');
        assert.equal(session.state.kind, 'stopped');
        assert.equal(existsSync(path.join(session.folder, '.claude')), false);
        assert.ok(!readFileSync(path.join(session.folder, '.git', 'info', 'exclude'), 'utf8').includes('.claude'));
        await command('start');
        assert.equal(session.agentEnvironment('claude')!['HTTPS_PROXY'], before);
      },
    ],
    [
      'Claude Code settings of the user with comments are kept, and invalid or tracked ones are left alone',
      async () => {
        const { session } = await onlyEntry();
        await command('stop');
        const file = path.join(session.folder, '.claude', 'settings.local.json');
        await vscode.workspace.fs.createDirectory(vscode.Uri.file(path.dirname(file)));
        const own = '{\n  // mine\n  "model": "opus", // keep\n  "env": { "FOO": "bar" }\n}\n';
        writeFileSync(file, own);
        await command('start');
        const merged = readFileSync(file, 'utf8');
        assert.ok(
          merged.includes('// mine') &&
            merged.includes('"model": "opus", // keep') &&
            merged.includes('"FOO": "bar"') &&
            merged.includes('HTTPS_PROXY'),
        );
        await command('stop');
        assert.equal(readFileSync(file, 'utf8'), own);
        writeFileSync(file, '{ not json');
        await command('start');
        assert.equal(session.state.kind, 'running');
        assert.equal(readFileSync(file, 'utf8'), '{ not json');
        await command('stop');
        await vscode.workspace.fs.delete(vscode.Uri.file(path.dirname(file)), { recursive: true });
      },
    ],
    ...terminalTests,
    ...claudeSettingsTests,
    ...claudePanelTests,
    ...envFileTests,
    ...realRunTests,
    [
      'Doctor says what is and what is not',
      async () => {
        const lines = (await command('doctor')) as { status: string; what: string }[];
        assert.ok(lines.some(({ status, what }) => status === 'ok' && what.includes(String(port))));
        assert.ok(lines.some(({ status, what }) => status === 'warning' && what.includes('routed')));
        assert.ok(!JSON.stringify(lines).includes(setting.real));
      },
    ],
    [
      'a second window on the folder says that the first one serves it',
      async () => {
        const { session } = await onlyEntry();
        const { FolderSession } = await import('../../src/host/folderSession');
        const dist = path.join(vscode.extensions.getExtension('sandbox-agent.sandbox-agent')!.extensionPath, 'dist');
        const other = new FolderSession({
          folder: session.folder,
          proxyScript: path.join(dist, 'proxy.js'),
          preloadScript: undefined,
          what: 'another window',
        });
        await other.open();
        await other.start({ level: 'routed', claudeSettings: 'local', confinedChain: 'proxy' });
        assert.equal(other.state.kind === 'failed' && other.state.reason, 'owned-elsewhere');
        assert.equal(session.state.kind, 'running');
        other.dispose();
        assert.match(await ask('/hello'), /^200 /);
      },
    ],
    [
      'Stop and Restore leave everything as it was, byte for byte',
      async () => {
        const { session } = await onlyEntry();
        await command('stop');
        await command('restore', { unattended: true });
        assert.equal(readFileSync(await envFile(), 'utf8'), setting.env);
        assert.equal(existsSync(path.join(session.folder, '.claude')), false);
        assert.equal(existsSync(path.join(session.folder, '.vscode')), false);
        assert.deepEqual(await session.secrets(), []);
      },
    ],
    [
      'protected again, for the tests of the vault',
      async () => {
        await command('protect', { ids: 'ticked' });
        assert.ok(!readFileSync(await envFile(), 'utf8').includes(setting.real));
      },
    ],
    ...vaultTests,
  ]);
}

/** The proxy that this extension host forked. */
function proxyPid(): Promise<number> {
  return new Promise((resolve, reject) => {
    execFile('ps', ['-eo', 'pid,ppid,args'], (_, stdout) => {
      const ours = stdout
        .split('\n')
        .map((line) => /^\s*(\d+)\s+(\d+)\s(.*)$/.exec(line))
        .find((row) => Number(row?.[2]) === process.pid && row?.[3]?.includes('proxy.js') === true);
      if (ours) resolve(Number(ours[1]));
      else reject(new Error('no proxy process'));
    });
  });
}

// run: protect, start the proxy, run a command through it, stop, restore what was not protected before.
import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { AlarmLog } from '../core/flows/alarms';
import { describeFinding } from '../core/flows/describe';
import type { FolderSession } from '../host/folderSession';
import { note, openSession, UsageError } from './options';

export async function runCommand(args: readonly string[]): Promise<number> {
  const split = args.indexOf('--');
  const { values } = parseArgs({
    args: args.slice(0, split < 0 ? args.length : split),
    options: {
      dir: { type: 'string' },
      real: { type: 'boolean' },
      restore: { type: 'boolean' },
      sandbox: { type: 'boolean' },
      label: { type: 'string' },
      'approve-policy': { type: 'boolean' },
      'claude-settings': { type: 'string' },
    },
  });
  const command = split < 0 ? [] : args.slice(split + 1);
  if (command.length === 0) throw new UsageError('run … -- CMD: which command?');
  if (values.sandbox) throw new UsageError('"--sandbox" is not in this version. Nothing was run.');
  if (values.real && values.restore) throw new UsageError('run --real or run --restore: one of them.');
  const where = values['claude-settings'] ?? 'local';
  if (where !== 'local' && where !== 'project' && where !== 'user' && where !== 'none')
    throw new UsageError('--claude-settings must be local, project, user or none.');
  const session = await openSession(values.dir ?? '.');
  session.onDidNotice(({ message }) => note(message));
  if (values.real) {
    try {
      const real = await session.realEnvironment(await fs.realpath(process.cwd()));
      if (Object.keys(real).length === 0)
        note(`No real values of ${session.folder} apply here: the command runs with the environment as it is.`);
      return await execute(command, { ...process.env, ...real });
    } finally {
      session.dispose();
    }
  }
  if (values.restore) return lentRun(session, command);
  return protectedRun(session, command, values.label ?? 'claude', values['approve-policy'] === true, where);
}

/** For programs that read the env files themselves: real values in the files while the command runs. */
async function lentRun(session: FolderSession, command: readonly string[]): Promise<number> {
  const { failed } = await session.lend(undefined);
  for (const { file, reason } of failed) note(`not given back: ${file}: ${reason}`);
  try {
    if (session.loan === undefined) note('No file holds a dummy: the command runs as it is.');
    return await execute(command, process.env);
  } finally {
    const { refused } = await session.takeBack();
    for (const { name, file, reason } of refused) note(`still real: ${name}${file ? ` in ${file}` : ''}: ${reason}`);
    session.dispose();
  }
}

async function protectedRun(
  session: FolderSession,
  command: readonly string[],
  label: string,
  approve: boolean,
  claudeSettings: 'local' | 'project' | 'user' | 'none',
): Promise<number> {
  const scan = await session.scan();
  // Not by the vault: it may hold values for which no file has a dummy any more.
  const before = session.isSwapped || (await session.secrets()).some(({ fromEnvironment }) => fromEnvironment);
  const { pending } = session.policy.state;
  if (pending && approve) {
    const problems = await session.policy.approve(pending.text);
    for (const { line, column, message } of problems)
      note(`${session.policy.state.file}:${line}:${column}: ${message}`);
  } else if (pending)
    note(
      'The policy file holds a change that nobody approved: the approved text (or the default) is in force. Say --approve-policy to approve it.',
    );
  const report = await session.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  for (const { name, file, reason } of report.refused)
    note(`not swapped: ${name}${file ? ` in ${file}` : ''}: ${reason}`);
  const alarms = new AlarmLog();
  session.onDidSeeFlows((flows) => alarms.take(flows));
  try {
    await session.start({ level: 'routed', claudeSettings, confinedChain: 'proxy' });
    if (session.state.kind !== 'running') {
      note(
        `The proxy does not run, so the command was not started. ${session.state.kind === 'failed' ? session.state.message : ''}`,
      );
      return 1;
    }
    return await execute(command, { ...process.env, ...session.processEnvironment(label) });
  } finally {
    await session.stop();
    say(alarms);
    if (!before) {
      const { failed } = await session.restore();
      for (const { file, reason } of failed) note(`not wholly restored: ${file}: ${reason}`);
    }
    session.dispose();
  }
}

/** At the end: while the command runs the terminal is its own. Oldest first. */
function say(alarms: AlarmLog): void {
  for (const { flow, finding } of [...alarms.all].reverse()) {
    note(`alarm: ${flow.agent}, ${flow.host}: ${describeFinding(finding)}.`);
    if (finding.credential !== undefined)
      note(`  If it is yours: sandbox-agent trust --host ${flow.host} ${finding.credential}`);
  }
}

/** The command's exit code, or 128 and the number of the signal that ended it, as shells do. */
function execute([file, ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { stdio: 'inherit', env });
    // The terminal sends Ctrl-C to the whole group: the command decides, we wait and clean up.
    const pass = (signal: NodeJS.Signals) => () => child.kill(signal);
    const handlers = { SIGINT: () => undefined, SIGTERM: pass('SIGTERM'), SIGHUP: pass('SIGHUP') };
    for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler);
    const done = () => {
      for (const [signal, handler] of Object.entries(handlers)) process.removeListener(signal, handler);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      done();
      reject(new Error(`${file!} could not be started (${error.code ?? error.name}).`));
    });
    child.on('exit', (code, signal) => {
      done();
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

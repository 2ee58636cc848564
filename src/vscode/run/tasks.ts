// Tasks of the type `sandbox-agent`: a command that runs with the real values. They go from the vault to the process, never into
// the task, which other extensions can read. A tasks file can be written by agents: the user sees the command, and says yes.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import * as vscode from 'vscode';
import { isTest } from '../commands/command';
import type { FolderEntry, Sessions } from '../sessions';
import { realConfirmed } from '../terminal/profiles';

const TYPE = 'sandbox-agent';

interface Definition extends vscode.TaskDefinition {
  readonly command: string;
  readonly cwd?: string;
}

export function registerTasks(sessions: Sessions, context: vscode.ExtensionContext): vscode.Disposable {
  const confirmed = new Set<string>();
  const allowed = async (entry: FolderEntry, command: string, cwd: string) => {
    const key = JSON.stringify([cwd, command]);
    if (isTest(context) || confirmed.has(key)) return true;
    if (!(await realConfirmed(entry, command))) return false;
    confirmed.add(key);
    return true;
  };
  return vscode.tasks.registerTaskProvider(TYPE, {
    provideTasks: () => [],
    resolveTask: (task) => {
      const { command, cwd } = task.definition as Partial<Definition>;
      if (typeof command !== 'string' || command.trim() === '') return undefined;
      const folder = typeof task.scope === 'object' ? task.scope : undefined;
      // With variables substituted: what is shown is what runs.
      const execution = new vscode.CustomExecution(async (resolved) => {
        const { command: run = command, cwd: at = cwd } = resolved as Partial<Definition>;
        const entry = await sessions.pick(folder?.uri);
        if (!entry || entry.failure !== undefined)
          return new RealTask(undefined, vscode.l10n.t('There are no real values for this folder: nothing was run.'));
        const where = path.resolve(entry.session.folder, at ?? '.');
        if (!(await allowed(entry, run, where)))
          return new RealTask(undefined, vscode.l10n.t('You said no: nothing was run.'));
        return new RealTask({ entry, command: run, cwd: where }, '');
      });
      return new vscode.Task(task.definition, task.scope ?? vscode.TaskScope.Workspace, task.name, TYPE, execution);
    },
  });
}

/** A process without a terminal of its own: its output is shown, lines that are typed go to it. */
class RealTask implements vscode.Pseudoterminal {
  readonly #written = new vscode.EventEmitter<string>();
  readonly #closed = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.#written.event;
  readonly onDidClose = this.#closed.event;
  #child: ChildProcess | undefined;

  constructor(
    private readonly run: { readonly entry: FolderEntry; readonly command: string; readonly cwd: string } | undefined,
    private readonly refusal: string,
  ) {}

  open(): void {
    void this.#start().catch((error: unknown) => this.#end(`${(error as Error).message}\n`, 1));
  }

  async #start(): Promise<void> {
    if (!this.run) {
      this.#end(`${this.refusal}\n`, 1);
      return;
    }
    const { entry, command, cwd } = this.run;
    const env: NodeJS.ProcessEnv = { ...process.env, ...(await entry.session.realEnvironment(cwd)) };
    delete env['ELECTRON_RUN_AS_NODE'];
    this.#write(vscode.l10n.t('Real values, no proxy: {0}', command) + '\n');
    // A group of its own, so that the end of the task ends what it started.
    const child = spawn(command, { shell: true, cwd, env, detached: process.platform !== 'win32' });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => this.#write(text));
    child.on('error', ({ message }) => this.#end(`${message}\n`, 1));
    child.on('close', (code) => this.#end('', code ?? 1));
  }

  handleInput(data: string): void {
    const text = data.replaceAll('\r', '\n');
    this.#write(text);
    this.#child?.stdin?.write(text);
  }

  #write(text: string): void {
    this.#written.fire(text.replace(/\r?\n/g, '\r\n'));
  }

  #end(text: string, code: number): void {
    if (text !== '') this.#write(text);
    this.#child = undefined;
    this.#closed.fire(code);
  }

  close(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      if (process.platform === 'win32') this.#child?.kill();
      else process.kill(-pid, 'SIGTERM');
    } catch {
      // It ended meanwhile.
    }
  }
}

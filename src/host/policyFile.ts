// The policy file against the approved text. The approved text, exactly one per folder, lies outside the workspace and is
// what is in force; the file is a proposal until its text was approved, by the user or by being written by our own commands.
import fs from 'node:fs/promises';
import path from 'node:path';
import { Emitter } from '../core/base/event';
import { defaultPolicyText } from '../core/policy/defaults';
import { parsePolicy } from '../core/policy/parse';
import type { Policy, Problem } from '../core/policy/types';
import { FileError, fileError, isWithin, readIfThere, realPathOf, writeFileAtomic } from '../files/atomicFile';
import type { PolicyControl, PolicyState } from './api';

export const DEFAULT_POLICY_FILE = '.sandbox-agent/policy.yaml';

export class PolicyFile implements PolicyControl {
  readonly #changed = new Emitter<PolicyState>();
  readonly onDidChange = this.#changed.event;
  #state: PolicyState;

  private constructor(
    private readonly file: string,
    private readonly approvedFile: string,
    /** What the file must lie in; undefined where the user's own setting names a place elsewhere. */
    private readonly within: string | undefined,
    approvedText: string,
    policy: Policy,
  ) {
    this.#state = { file, approvedText, policy, pending: undefined };
  }

  /**
   * `approvedFile` lies in the state folder. Where nothing was ever approved the defaults are in force, and a text that is
   * already in the file (a clone brought it) waits like any other change. `folder`: real path of the workspace folder; a
   * policy file in it that is a link out of it is neither read nor written.
   */
  static async open(file: string, approvedFile: string, folder: string): Promise<PolicyFile> {
    const stored = (await readIfThere(approvedFile))?.toString('utf8');
    const text = stored !== undefined && parsePolicy(stored).policy ? stored : defaultPolicyText();
    const within = isWithin(folder, path.resolve(file)) ? folder : undefined;
    const control = new PolicyFile(file, approvedFile, within, text, parsePolicy(text).policy!);
    // A file that cannot be read changes nothing of what is in force.
    await control.refresh().catch(() => undefined);
    return control;
  }

  get state(): PolicyState {
    return this.#state;
  }

  /** Rejects with `FileError` where the file cannot be made: what is approved, or the default, is in force all the same. */
  async ensureFile(): Promise<void> {
    await this.#checkPlace();
    if ((await readIfThere(this.file)) !== undefined) return;
    const text = (await readIfThere(this.approvedFile))?.toString('utf8') ?? defaultPolicyText();
    const { policy } = parsePolicy(text);
    if (policy) await this.#replace(text, policy, undefined);
  }

  /**
   * With a problem of severity `error` nothing was written: the text is invalid, or another change waits. Rejects with
   * `FileError` where the file cannot be written. In each case what was approved before stays in force.
   */
  async write(text: string): Promise<readonly Problem[]> {
    const { policy, problems } = parsePolicy(text);
    if (!policy) return problems;
    await this.#checkPlace();
    // What was saved a moment ago, and no watcher has told of yet, must not be overwritten.
    await this.refresh();
    if (this.#state.pending) return [WAITING];
    const there = (await readIfThere(this.file)) !== undefined;
    await this.#replace(text, policy, there ? this.#state.approvedText : undefined);
    return problems;
  }

  async approve(text: string): Promise<readonly Problem[]> {
    const { policy, problems } = parsePolicy(text);
    if (!policy) return problems;
    await this.#approve(text, policy);
    // Whatever stands in the file now, if it is another text, waits.
    this.#set({ ...this.#state, pending: undefined });
    await this.refresh();
    return problems;
  }

  /** Rejects with `FileError` where the file cannot be written: its text stays unapproved. */
  async reject(): Promise<void> {
    await this.#checkPlace();
    await fs.mkdir(path.dirname(this.file), { recursive: true });
    await writeFileAtomic(this.file, this.#state.approvedText, { mode: 0o644, ...this.#place() });
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const text = (await this.#leadsOut()) ? undefined : (await readIfThere(this.file))?.toString('utf8');
    const { approvedText, pending } = this.#state;
    if (text === undefined || text === approvedText) {
      if (pending) this.#set({ ...this.#state, pending: undefined });
      return;
    }
    if (pending?.text === text) return;
    const { policy, problems } = parsePolicy(text);
    this.#set({ ...this.#state, pending: { text, problems, valid: policy !== undefined } });
  }

  /**
   * Approved first: a crash in between leaves a file that waits for approval, never one that is in force unseen. If the file
   * cannot be written, what was approved before is in force again.
   */
  async #replace(text: string, policy: Policy, expect: string | undefined): Promise<void> {
    const { approvedText: oldText, policy: oldPolicy } = this.#state;
    await this.#approve(text, policy);
    try {
      await fs.mkdir(path.dirname(this.file), { recursive: true });
      await writeFileAtomic(this.file, text, {
        mode: 0o644,
        ...this.#place(),
        ...(expect === undefined ? {} : { expect: Buffer.from(expect) }),
      });
    } catch (error) {
      await this.#approve(oldText, oldPolicy);
      throw fileError(error, this.file);
    }
    this.#set({ ...this.#state, pending: undefined });
  }

  async #leadsOut(): Promise<boolean> {
    return this.within !== undefined && !isWithin(this.within, await realPathOf(this.file));
  }

  async #checkPlace(): Promise<void> {
    if (await this.#leadsOut())
      throw new FileError(
        'outside',
        `The policy file is, or lies behind, a link that leads out of the folder (${path.relative(this.within!, this.file)}). It is neither read nor written; remove the link.`,
      );
  }

  #place(): { within?: string } {
    return this.within === undefined ? {} : { within: this.within };
  }

  async #approve(text: string, policy: Policy): Promise<void> {
    await writeFileAtomic(this.approvedFile, text, { mode: 0o600 });
    this.#state = { ...this.#state, approvedText: text, policy };
  }

  #set(state: PolicyState): void {
    this.#state = state;
    this.#changed.fire(state);
  }
}

const WAITING: Problem = {
  severity: 'error',
  code: 'waiting-change',
  message:
    'The policy file holds a change that waits for approval. Nothing was written and the approved text stays in force; approve the change or put the approved text back, then do this again.',
  range: { start: 0, end: 0 },
  line: 1,
  column: 1,
};

// The policy file against the approved text. The approved text, exactly one per folder, lies outside the workspace and is
// what is in force; the file is a proposal until its text was approved, by the user or by being written by our own commands.
import fs from 'node:fs/promises';
import path from 'node:path';
import { Emitter } from '../core/base/event';
import { defaultPolicyText } from '../core/policy/defaults';
import { parsePolicy } from '../core/policy/parse';
import type { Policy, Problem } from '../core/policy/types';
import { readIfThere, writeFileAtomic } from '../files/atomicFile';
import type { PolicyControl, PolicyState } from './api';

export const DEFAULT_POLICY_FILE = '.sandbox-agent/policy.yaml';

export class PolicyFile implements PolicyControl {
  readonly #changed = new Emitter<PolicyState>();
  readonly onDidChange = this.#changed.event;
  #state: PolicyState;

  private constructor(
    private readonly file: string,
    private readonly approvedFile: string,
    approvedText: string,
    policy: Policy,
  ) {
    this.#state = { file, approvedText, policy, pending: undefined };
  }

  /**
   * `approvedFile` lies in the state folder. Where nothing was ever approved the defaults are in force, and a text that is
   * already in the file (a clone brought it) waits like any other change.
   */
  static async open(file: string, approvedFile: string): Promise<PolicyFile> {
    const stored = (await readIfThere(approvedFile))?.toString('utf8');
    const text = stored !== undefined && parsePolicy(stored).policy ? stored : defaultPolicyText();
    const control = new PolicyFile(file, approvedFile, text, parsePolicy(text).policy!);
    await control.refresh();
    return control;
  }

  get state(): PolicyState {
    return this.#state;
  }

  async ensureFile(): Promise<void> {
    if ((await readIfThere(this.file)) !== undefined) return;
    await this.write((await readIfThere(this.approvedFile))?.toString('utf8') ?? defaultPolicyText());
  }

  async write(text: string): Promise<readonly Problem[]> {
    const { policy, problems } = parsePolicy(text);
    if (!policy) return problems;
    // Approved first: a crash in between leaves a file that waits for approval, never one that is in force unseen.
    await this.#approve(text, policy);
    await fs.mkdir(path.dirname(this.file), { recursive: true });
    await writeFileAtomic(this.file, text, { mode: 0o644 });
    this.#set({ ...this.#state, approvedText: text, policy, pending: undefined });
    return problems;
  }

  async approve(text: string): Promise<readonly Problem[]> {
    const { policy, problems } = parsePolicy(text);
    if (!policy) return problems;
    await this.#approve(text, policy);
    this.#set({ ...this.#state, approvedText: text, policy });
    await this.refresh();
    return problems;
  }

  async reject(): Promise<void> {
    await fs.mkdir(path.dirname(this.file), { recursive: true });
    await writeFileAtomic(this.file, this.#state.approvedText, { mode: 0o644 });
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const text = (await readIfThere(this.file))?.toString('utf8');
    const { approvedText, pending } = this.#state;
    if (text === undefined || text === approvedText) {
      if (pending) this.#set({ ...this.#state, pending: undefined });
      return;
    }
    if (pending?.text === text) return;
    const { policy, problems } = parsePolicy(text);
    this.#set({ ...this.#state, pending: { text, problems, valid: policy !== undefined } });
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

// What every command gets. One command a file; the table is in register.ts.
import type * as vscode from 'vscode';
import type { FolderEntry, Sessions } from '../sessions';

export interface Deps {
  readonly sessions: Sessions;
  readonly log: vscode.LogOutputChannel;
  readonly context: vscode.ExtensionContext;
}

/** Arguments come from views, code actions and tests: each command checks its own. */
export type Command = (deps: Deps, ...args: readonly unknown[]) => Promise<unknown>;

/** The folder of a tree node, if the argument is one. */
export function entryOf(argument: unknown): FolderEntry | undefined {
  return (argument as { entry?: FolderEntry } | undefined)?.entry;
}

// What every command gets. One command a file; the table is in register.ts. Any other extension, and an agent inside one, can
// call a command with arguments of its choice: none may widen what an agent can do without a question to the user.
import * as vscode from 'vscode';
import type { FolderEntry, Sessions } from '../sessions';

export interface Deps {
  readonly sessions: Sessions;
  readonly log: vscode.LogOutputChannel;
  readonly context: vscode.ExtensionContext;
}

/** Arguments come from views, code actions, tests and strangers: each command checks its own. */
export type Command = (deps: Deps, ...args: readonly unknown[]) => Promise<unknown>;

/** Arguments that answer a question for the user count in the editor's own test mode only. */
export function isTest(context: vscode.ExtensionContext): boolean {
  return context.extensionMode === vscode.ExtensionMode.Test;
}

/** What views, code actions and the panel pass: the folder, and the text that the user looked at. Plain data, no sessions. */
export interface FolderArgument {
  /** URI of the workspace folder. */
  readonly folder: string;
  readonly text?: string;
}

export function folderArgument({ workspaceFolder }: FolderEntry, text?: string): FolderArgument {
  return { folder: workspaceFolder.uri.toString(), ...(text === undefined ? {} : { text }) };
}

/** The folder of an argument, if it names one. */
export function entryOf(sessions: Sessions, argument: unknown): FolderEntry | undefined {
  const folder = (argument as Partial<FolderArgument> | undefined)?.folder;
  return typeof folder === 'string' ? sessions.of(vscode.Uri.parse(folder)) : undefined;
}

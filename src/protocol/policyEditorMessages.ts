// Messages between the policy editor's webview and the extension. The webview shows a model and asks for edits; the document
// and its text belong to the extension.
import type { NewRule } from '../core/policy/edit';
import type { Mode, Problem } from '../core/policy/types';

export interface EditorModel {
  /** Undefined: the text has errors and rows cannot be shown. */
  readonly policy:
    { readonly mode: Mode; readonly default: 'block' | 'allow'; readonly rules: readonly NewRule[] } | undefined;
  readonly problems: readonly Pick<Problem, 'severity' | 'message' | 'line' | 'column'>[];
  /** `approved`: this text is in force. `waiting`: it waits for the user. `unsaved`: the document was edited as text. */
  readonly approval: 'approved' | 'waiting' | 'unsaved';
  /** Hosts seen in flows, for completion. */
  readonly hosts: readonly string[];
}

export type ToPolicyEditor =
  { readonly type: 'model'; readonly model: EditorModel } | { readonly type: 'refused'; readonly message: string };

export type FromPolicyEditor =
  | { readonly type: 'ready' }
  | { readonly type: 'add'; readonly rule: NewRule; readonly at: number }
  | { readonly type: 'update'; readonly index: number; readonly rule: NewRule }
  | { readonly type: 'remove'; readonly index: number }
  | { readonly type: 'move'; readonly from: number; readonly to: number }
  | { readonly type: 'mode'; readonly mode: Mode }
  | { readonly type: 'default'; readonly action: 'block' | 'allow' }
  | { readonly type: 'command'; readonly command: 'openAsText' | 'showDifference' | 'approve' | 'putBack' };

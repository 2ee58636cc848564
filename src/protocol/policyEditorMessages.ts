// Messages between the policy editor's webview and the extension. The webview shows a model and asks for edits; the document
// and its text belong to the extension. An edit names the rule it means by place and by what it said: rows move.
import type { NewRule } from '../core/policy/ruleText';
import type { Mode, Policy, Problem } from '../core/policy/types';

export interface EditorModel {
  /** Undefined: the text has errors and rows cannot be shown. */
  readonly policy:
    { readonly mode: Mode; readonly default: Policy['default']; readonly rules: readonly NewRule[] } | undefined;
  /** Of the parser and of the linter. */
  readonly problems: readonly Pick<Problem, 'severity' | 'message' | 'line' | 'column'>[];
  /**
   * `approved`: this text is in force. `waiting`: it waits for the user. `unsaved`: the document was edited as text.
   * `foreign`: not the policy of an open folder, in force nowhere. Rows can be edited only where it is approved.
   */
  readonly approval: 'approved' | 'waiting' | 'unsaved' | 'foreign';
  /** Hosts seen in flows, for completion. */
  readonly hosts: readonly string[];
}

/** `answer`: to the edit that was asked for, with the model as it is then. Edits are answered in order. */
export interface ToPolicyEditor {
  readonly type: 'model';
  readonly model: EditorModel;
  readonly answer: { readonly ok: true } | { readonly ok: false; readonly message: string } | undefined;
}

/** `expected`: what the panel shows at `index`; an edit of another rule is refused. */
interface OfRule {
  readonly index: number;
  readonly expected: NewRule;
}

export type PolicyEdit =
  | { readonly type: 'add'; readonly rule: NewRule; readonly at: number }
  | ({ readonly type: 'update'; readonly rule: NewRule } & OfRule)
  | ({ readonly type: 'remove' } & OfRule)
  | ({ readonly type: 'move'; readonly to: number } & OfRule)
  | { readonly type: 'mode'; readonly mode: Mode }
  | { readonly type: 'default'; readonly action: Policy['default'] };

export type PolicyEditorCommand =
  | { readonly type: 'command'; readonly command: 'showDifference' | 'approve' | 'putBack' }
  /** `line` and `column` are 1-based; undefined: the beginning. */
  | {
      readonly type: 'command';
      readonly command: 'openAsText';
      readonly at: { readonly line: number; readonly column: number } | undefined;
    };

export type FromPolicyEditor = { readonly type: 'ready' } | PolicyEdit | PolicyEditorCommand;

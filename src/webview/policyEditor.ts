// The policy editor's page: rules as rows of a table. Plain DOM. It asks the extension for each edit and draws what comes
// back; it changes nothing by itself.
import { DEFAULTS, MODES } from '../core/policy/fields';
import { type NewRule, sameRule } from '../core/policy/ruleText';
import type { EditorModel, FromPolicyEditor, ToPolicyEditor } from '../protocol/policyEditorMessages';
import { button, el, select } from './dom';
import { COLUMNS, rowEditor, type RowEditor, viewRow } from './policyRow';

declare function acquireVsCodeApi(): { postMessage(message: FromPolicyEditor): void };

const api = acquireVsCodeApi();
const post = (message: FromPolicyEditor) => api.postMessage(message);
const root = document.getElementById('root')!;

/** The row in the user's hands. It is kept, with what was typed, while the rows around it are drawn again. */
interface Editing {
  /** Undefined: a new rule. */
  readonly rule: NewRule | undefined;
  readonly editor: RowEditor;
}
let model: EditorModel | undefined;
let editing: Editing | undefined;
/** The row in the user's hands was sent off. */
let saving = false;
let notice = '';
/** Where the focus goes once the edit that was asked for is drawn. */
let focusNext: string | undefined;

const MODE_HELP = {
  monitor: 'What no rule matches is let through and marked.',
  ask: 'What no rule matches is blocked: there is nobody to ask yet.',
  enforce: 'What no rule matches is blocked.',
} as const;
const APPROVAL = {
  approved: 'in force',
  waiting: 'waits for approval',
  unsaved: 'not saved',
  foreign: 'not in force',
} as const;
/** Rows are edited only on top of what is in force. */
const locked = () => (model?.approval === 'approved' ? undefined : '');

function draw(): void {
  if (!model) return;
  const focused = document.activeElement?.getAttribute('data-focus');
  root.replaceChildren(header(model), ...banners(model), ...(model.policy ? [table(model.policy.rules)] : []));
  const target = focused ?? undefined;
  if (target !== undefined) focus(target);
}

function focus(name: string): void {
  const element = root.querySelector<HTMLElement>(`[data-focus="${CSS.escape(name)}"]`);
  // The end of the list has no way further down: the other arrow is next to it.
  if (element instanceof HTMLButtonElement && element.disabled)
    focus(name.startsWith('up') ? name.replace('up', 'down') : name.replace('down', 'edit'));
  else element?.focus();
}

function header({ policy, approval }: EditorModel): HTMLElement {
  const head = el(
    'header',
    {},
    el('h1', {}, 'Policy'),
    el('span', { class: `state ${approval}`, role: 'status' }, APPROVAL[approval]),
  );
  if (policy) {
    const mode = select(MODES, policy.mode, { 'data-focus': 'mode', disabled: locked() }, (value) =>
      post({ type: 'mode', mode: value }),
    );
    const fallback = select(DEFAULTS, policy.default, { 'data-focus': 'default', disabled: locked() }, (value) =>
      post({ type: 'default', action: value }),
    );
    head.append(
      el('label', { class: 'choice' }, 'Mode', mode),
      el('label', { class: 'choice' }, 'Without a rule', fallback),
    );
  }
  const openText = () => post({ type: 'command', command: 'openAsText', at: undefined });
  head.append(
    el('span', { class: 'grow' }),
    button('Open as Text', 'Open as Text', openText, { class: 'secondary', 'data-focus': 'text' }),
  );
  if (policy) {
    const help = policy.default === 'block' ? MODE_HELP[policy.mode] : 'What no rule matches is allowed.';
    head.append(el('p', { class: 'help' }, `The first rule that matches decides. ${help}`));
  }
  return head;
}

function banners({ approval, problems }: EditorModel): HTMLElement[] {
  const list: HTMLElement[] = [];
  if (notice !== '') list.push(el('div', { class: 'banner error', role: 'alert' }, notice));
  if (approval === 'waiting') {
    const command = (name: 'showDifference' | 'approve' | 'putBack') => () => post({ type: 'command', command: name });
    const valid = !problems.some(({ severity }) => severity === 'error');
    list.push(
      el(
        'div',
        { class: 'banner warning', role: 'alert' },
        el('strong', {}, 'This text waits for your approval. '),
        'It was not written by a command of yours; the approved text is in force. ',
        el(
          'span',
          { class: 'buttons' },
          button('Show difference', 'Show the difference', command('showDifference'), { 'data-focus': 'difference' }),
          ...(valid ? [button('Approve…', 'Approve this text', command('approve'), { 'data-focus': 'approve' })] : []),
          button('Put back', 'Put the approved text back', command('putBack'), {
            class: 'secondary',
            'data-focus': 'back',
          }),
        ),
      ),
    );
  }
  if (approval === 'unsaved')
    list.push(
      el(
        'div',
        { class: 'banner warning', role: 'status' },
        el('strong', {}, 'This text is not saved. '),
        'The approved text is in force. Once it is saved, this text waits for your approval.',
      ),
    );
  if (approval === 'foreign')
    list.push(
      el('div', { class: 'banner warning', role: 'status' }, 'This is not the policy of an open, trusted folder.'),
    );
  problems.forEach(({ severity, line, column, message }, index) =>
    list.push(
      el(
        'div',
        { class: `banner ${severity}`, role: severity === 'error' ? 'alert' : 'note' },
        `Line ${line}, column ${column}: ${message} `,
        el(
          'span',
          { class: 'buttons' },
          button(
            'Show',
            `Show line ${line}`,
            () => post({ type: 'command', command: 'openAsText', at: { line, column } }),
            { class: 'secondary', 'data-focus': `problem ${index}` },
          ),
        ),
      ),
    ),
  );
  return list;
}

function table(rules: readonly NewRule[]): HTMLElement {
  const body = el('tbody');
  const held = editing?.rule;
  // Found by what it said when it was opened: rows above it may have come or gone.
  const place = held ? rules.findIndex((rule) => sameRule(rule, held)) : -1;
  rules.forEach((rule, index) => {
    if (editing && index === place) body.append(editing.editor.element);
    else body.append(viewRow(rule, index, rules.length, locked() === undefined ? actions(rule, index) : undefined));
  });
  if (editing && place < 0) body.append(editing.editor.element);
  if (rules.length === 0 && !editing)
    body.append(
      el('tr', { class: 'nothing' }, el('td', { colspan: String(COLUMNS.length), class: 'empty' }, 'No rules yet.')),
    );
  const heads = COLUMNS.map((text) =>
    el('th', { scope: 'col' }, text === 'Number' || text === 'Actions' ? el('span', { class: 'hidden' }, text) : text),
  );
  return el(
    'section',
    { 'aria-label': 'Rules' },
    el('table', {}, el('thead', {}, el('tr', {}, ...heads)), body),
    button('Add rule', 'Add a rule', () => open(undefined, rules.length), { 'data-focus': 'add', disabled: locked() }),
  );
}

function actions(rule: NewRule, index: number) {
  const ask = (message: FromPolicyEditor, next: string) => {
    focusNext = next;
    post(message);
  };
  return {
    move: (to: number) => ask({ type: 'move', index, to, expected: rule }, to < index ? `up ${to}` : `down ${to}`),
    edit: () => open(rule, index),
    remove: () => ask({ type: 'remove', index, expected: rule }, index === 0 ? 'add' : `remove ${index - 1}`),
  };
}

/** Opens a rule, or an empty row, for editing. */
function open(rule: NewRule | undefined, index: number): void {
  const back = rule ? `edit ${index}` : 'add';
  const editor = rowEditor({
    rule: rule ?? { type: 'block' },
    number: rule ? String(index + 1) : '+',
    hosts: model?.hosts ?? [],
    save: (next) => {
      focusNext = back;
      saving = true;
      const rules = model?.policy?.rules ?? [];
      if (!rule) post({ type: 'add', rule: next, at: rules.length });
      else {
        const place = rules.findIndex((other) => sameRule(other, rule));
        post({ type: 'update', index: place < 0 ? index : place, expected: rule, rule: next });
      }
    },
    cancel: () => {
      editing = undefined;
      saving = false;
      draw();
      focus(back);
    },
  });
  editing = { rule, editor };
  draw();
  editor.focus();
}

window.addEventListener('message', ({ data }: MessageEvent<ToPolicyEditor>) => {
  const { answer } = data;
  // What did not change is not drawn again: it would be read out again, and the pointer would lose its place.
  if (!answer && JSON.stringify(data.model) === JSON.stringify(model)) return;
  ({ model } = data);
  const next = answer?.ok ? focusNext : undefined;
  if (answer) {
    notice = answer.ok || saving ? '' : answer.message;
    if (saving && answer.ok) editing = undefined;
    if (saving && !answer.ok) editing?.editor.refuse(answer.message);
    saving = false;
    focusNext = undefined;
  }
  draw();
  if (next !== undefined) focus(next);
});
post({ type: 'ready' });

// The policy editor's page: rules as rows of a table. Plain DOM; text goes in as text, never as HTML. It asks the extension for
// each edit and draws what comes back.
import type { NewRule } from '../core/policy/edit';
import type { EditorModel, FromPolicyEditor, ToPolicyEditor } from '../protocol/policyEditorMessages';

declare function acquireVsCodeApi(): { postMessage(message: FromPolicyEditor): void };

const api = acquireVsCodeApi();
const root = document.getElementById('root')!;
/** The row being edited: an index, `new`, or none. */
let editing: number | 'new' | undefined;
let current: EditorModel | undefined;

function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function button(
  label: string,
  title: string,
  onClick: () => void,
  attributes: Record<string, string> = {},
): HTMLButtonElement {
  const element = el('button', { type: 'button', title, 'aria-label': title, ...attributes }, label);
  element.addEventListener('click', onClick);
  return element;
}

function select(
  label: string,
  values: readonly string[],
  value: string,
  onChange: (value: string) => void,
): HTMLLabelElement {
  const choice = el(
    'select',
    { 'aria-label': label },
    ...values.map((text) => el('option', text === value ? { value: text, selected: '' } : { value: text }, text)),
  );
  choice.addEventListener('change', () => onChange(choice.value));
  return el('label', { class: 'choice' }, label, choice);
}

const MODE_HELP: Readonly<Record<string, string>> = {
  monitor: 'What no rule allows is let through and marked.',
  ask: 'What no rule allows is blocked: there is nobody to ask yet.',
  enforce: 'What no rule allows is blocked.',
};

function draw(model: EditorModel): void {
  const focused = document.activeElement?.getAttribute('data-focus');
  root.replaceChildren(header(model), ...banners(model), ...(model.policy ? [table(model.policy.rules)] : []));
  if (focused) root.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

function header({ policy, approval }: EditorModel): HTMLElement {
  const state = { approved: 'in force', waiting: 'waits for approval', unsaved: 'not saved' }[approval];
  const head = el(
    'header',
    {},
    el('h1', {}, 'Policy'),
    el('span', { class: `state ${approval}`, role: 'status' }, state),
  );
  if (policy) {
    head.append(
      select('Mode', ['monitor', 'ask', 'enforce'], policy.mode, (mode) =>
        api.postMessage({ type: 'mode', mode: mode as 'monitor' }),
      ),
      select('Without a rule', ['block', 'allow'], policy.default, (action) =>
        api.postMessage({ type: 'default', action: action as 'block' }),
      ),
    );
  }
  head.append(
    el('span', { class: 'grow' }),
    button('Open as Text', 'Open as Text', () => api.postMessage({ type: 'command', command: 'openAsText' }), {
      class: 'secondary',
    }),
  );
  if (policy)
    head.append(
      el(
        'p',
        { class: 'help' },
        `The first rule that matches decides. ${policy.default === 'block' ? (MODE_HELP[policy.mode] ?? '') : 'What no rule matches is allowed.'}`,
      ),
    );
  return head;
}

function banners({ approval, problems }: EditorModel): HTMLElement[] {
  const list = problems.map(({ severity, line, column, message }) =>
    el(
      'div',
      { class: `banner ${severity}`, role: severity === 'error' ? 'alert' : 'note' },
      `Line ${line}, column ${column}: ${message}`,
    ),
  );
  if (approval === 'waiting') {
    const command = (name: 'showDifference' | 'approve' | 'putBack') => () =>
      api.postMessage({ type: 'command', command: name });
    const valid = !problems.some(({ severity }) => severity === 'error');
    list.unshift(
      el(
        'div',
        { class: 'banner warning', role: 'alert' },
        el('strong', {}, 'This text waits for your approval. '),
        'It was not written by a command of yours; the approved text is in force. ',
        button('Show difference', 'Show the difference', command('showDifference')),
        ...(valid ? [button('Approve', 'Approve this text', command('approve'))] : []),
        button('Put back', 'Put the approved text back', command('putBack'), { class: 'secondary' }),
      ),
    );
  }
  return list;
}

const COLUMNS = ['', 'Type', 'Host', 'Method', 'Path', 'Description', ''];

function table(rules: readonly NewRule[]): HTMLElement {
  const body = el('tbody');
  rules.forEach((rule, index) =>
    body.append(editing === index ? editRow(rule, index) : row(rule, index, rules.length)),
  );
  if (editing === 'new') body.append(editRow({ type: 'block' }, 'new'));
  if (rules.length === 0 && editing !== 'new')
    body.append(el('tr', {}, el('td', { colspan: String(COLUMNS.length), class: 'empty' }, 'No rules yet.')));
  const add = button('Add rule', 'Add a rule', () => edit('new'), { 'data-focus': 'add' });
  return el(
    'section',
    { 'aria-label': 'Rules' },
    el(
      'table',
      {},
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ...COLUMNS.map((text, i) =>
            el(
              'th',
              { scope: 'col' },
              text === '' ? el('span', { class: 'hidden' }, i === 0 ? 'Number' : 'Actions') : text,
            ),
          ),
        ),
      ),
      body,
    ),
    add,
  );
}

function row(rule: NewRule, index: number, count: number): HTMLElement {
  const number = index + 1;
  const host = `${(rule.host ?? ['any host']).join(', ')}${rule.port === undefined ? '' : `:${rule.port === 'any' ? '*' : rule.port.join(',')}`}`;
  const actions = el(
    'td',
    { class: 'actions' },
    button('↑', `Move rule ${number} up`, () => api.postMessage({ type: 'move', from: index, to: index - 1 }), {
      'data-focus': `up ${index}`,
      ...(index === 0 ? { disabled: '' } : {}),
    }),
    button('↓', `Move rule ${number} down`, () => api.postMessage({ type: 'move', from: index, to: index + 1 }), {
      'data-focus': `down ${index}`,
      ...(index === count - 1 ? { disabled: '' } : {}),
    }),
    button('Edit', `Edit rule ${number}`, () => edit(index), { 'data-focus': `edit ${index}` }),
    button('Remove', `Remove rule ${number}`, () => api.postMessage({ type: 'remove', index }), {
      'data-focus': `remove ${index}`,
    }),
  );
  return el(
    'tr',
    { class: rule.type },
    el('td', { class: 'number' }, String(number)),
    el('td', {}, el('span', { class: `type ${rule.type}` }, rule.type)),
    el(
      'td',
      { class: 'mono' },
      host,
      ...(rule.addresses === 'any'
        ? [el('span', { class: 'note', title: 'May lead to private and loopback addresses' }, ' any address')]
        : []),
    ),
    el('td', { class: 'mono' }, (rule.method ?? ['any']).join(', ')),
    el('td', { class: 'mono' }, (rule.path ?? ['any']).join(', ')),
    el('td', {}, rule.description ?? ''),
    actions,
  );
}

function editRow(rule: NewRule, index: number | 'new'): HTMLElement {
  const field = (label: string, value: string, hint: string) => {
    const input = el('input', {
      type: 'text',
      'aria-label': label,
      placeholder: hint,
      value,
      spellcheck: 'false',
      'data-focus': `field ${label}`,
    });
    return input;
  };
  const type = el(
    'select',
    { 'aria-label': 'Type', 'data-focus': 'field Type' },
    ...(['allow', 'block', 'tunnel'] as const).map((text) =>
      el('option', text === rule.type ? { value: text, selected: '' } : { value: text }, text),
    ),
  );
  const port = rule.port === undefined ? '' : `:${rule.port === 'any' ? '*' : rule.port.join(',')}`;
  const host = field('Host', `${(rule.host ?? []).join(', ')}${port}`, 'api.example.com or *.example.com');
  host.setAttribute('list', 'hosts');
  const method = field('Method', (rule.method ?? []).join(', '), 'any');
  const path = field('Path', (rule.path ?? []).join(', '), 'any');
  const description = field('Description', rule.description ?? '', 'what for');
  const any = el('input', {
    type: 'checkbox',
    id: 'any-address',
    ...(rule.addresses === 'any' ? { checked: '' } : {}),
  });
  const save = () => {
    const next = read({
      type: type.value,
      host: host.value,
      method: method.value,
      path: path.value,
      description: description.value,
      any: any.checked,
    });
    editing = undefined;
    api.postMessage(
      index === 'new'
        ? { type: 'add', rule: next, at: current?.policy?.rules.length ?? 0 }
        : { type: 'update', index, rule: next },
    );
    if (current) draw(current);
  };
  const cancel = () => {
    editing = undefined;
    if (current) draw(current);
    root.querySelector<HTMLElement>(`[data-focus="${index === 'new' ? 'add' : `edit ${index}`}"]`)?.focus();
  };
  const line = el(
    'tr',
    { class: 'editing' },
    el('td', { class: 'number' }, index === 'new' ? '+' : String(index + 1)),
    el('td', {}, type),
    el(
      'td',
      {},
      host,
      el('datalist', { id: 'hosts' }, ...(current?.hosts ?? []).map((text) => el('option', { value: text }))),
      el('label', { class: 'check', for: 'any-address' }, any, ' private addresses too'),
    ),
    el('td', {}, method),
    el('td', {}, path),
    el('td', {}, description),
    el(
      'td',
      { class: 'actions' },
      button('Save', 'Save the rule', save),
      button('Cancel', 'Cancel', cancel, { class: 'secondary' }),
    ),
  );
  line.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !(event.target instanceof HTMLButtonElement)) save();
    if (event.key === 'Escape') cancel();
  });
  queueMicrotask(() => host.focus());
  return line;
}

function read(fields: {
  type: string;
  host: string;
  method: string;
  path: string;
  description: string;
  any: boolean;
}): NewRule {
  const list = (text: string) => text.split(/[\s,]+/).filter((part) => part !== '');
  const split = /^(.*?)(?::(\*|[\d,]+))?$/.exec(fields.host.trim())!;
  // An IPv6 address ends in what looks like a port: brackets make it plain.
  const hostText = split[1]!.includes(':') && !split[1]!.includes('[') ? fields.host : split[1]!;
  const portText = hostText === fields.host ? undefined : split[2];
  const hosts = list(hostText);
  const methods = list(fields.method).map((text) => text.toUpperCase());
  return {
    type: fields.type as NewRule['type'],
    description: fields.description.trim() || undefined,
    host: hosts.length > 0 ? hosts : undefined,
    port:
      portText === undefined
        ? undefined
        : portText === '*'
          ? 'any'
          : portText
              .split(',')
              .filter((part) => part !== '')
              .map(Number),
    method: methods.length > 0 && methods[0] !== 'ANY' ? methods : undefined,
    path: list(fields.path).length > 0 && fields.path.trim() !== 'any' ? list(fields.path) : undefined,
    addresses: fields.any ? 'any' : undefined,
  };
}

function edit(which: number | 'new'): void {
  editing = which;
  if (current) draw(current);
}

function refuse(message: string): void {
  root.prepend(el('div', { class: 'banner error', role: 'alert' }, message));
}

window.addEventListener('message', ({ data }: MessageEvent<ToPolicyEditor>) => {
  if (data.type === 'refused') {
    refuse(data.message);
    return;
  }
  const first = current === undefined;
  current = data.model;
  // A row under the user's hands is not redrawn.
  if (first || editing === undefined) draw(data.model);
});
api.postMessage({ type: 'ready' });

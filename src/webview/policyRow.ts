// One rule as a row: to look at, and to edit. The row editor checks each field while the user is in it and asks for the change
// only when nothing is wrong; what the parser would refuse never leaves the page.
import { RULE_TYPES } from '../core/policy/fields';
import { readRow, type Row, rowOf } from '../core/policy/row';
import type { NewRule } from '../core/policy/ruleText';
import { button, checkbox, el, select } from './dom';

export const COLUMNS = ['Number', 'Type', 'Host', 'Port', 'Method', 'Path', 'Description', 'Actions'] as const;

export interface RowActions {
  readonly move: (to: number) => void;
  readonly edit: () => void;
  readonly remove: () => void;
}

/** Without `actions` the row can only be looked at. */
export function viewRow(rule: NewRule, index: number, count: number, actions: RowActions | undefined): HTMLElement {
  const number = index + 1;
  const { host, port, method, path, description } = rowOf(rule);
  const cell = (text: string, empty: string) =>
    el('td', { class: text === '' ? 'mono any' : 'mono' }, text === '' ? empty : text);
  const hostCell = cell(host, 'any');
  for (const note of notes(rule)) hostCell.append(el('span', { class: 'note' }, note));
  const act = (label: string, title: string, name: string, onClick: () => void, disabled = false) =>
    button(label, title, onClick, {
      'data-focus': `${name} ${index}`,
      disabled: disabled || !actions ? '' : undefined,
    });
  return el(
    'tr',
    { class: rule.type },
    el('td', { class: 'number' }, String(number)),
    el('td', {}, el('span', { class: `type ${rule.type}` }, rule.type)),
    hostCell,
    cell(port, rule.type === 'block' ? 'any' : 'default'),
    cell(method, 'any'),
    cell(path, 'any'),
    el('td', {}, description),
    el(
      'td',
      { class: 'actions' },
      act('↑', `Move rule ${number} up`, 'up', () => actions?.move(index - 1), index === 0),
      act('↓', `Move rule ${number} down`, 'down', () => actions?.move(index + 1), index === count - 1),
      act('Edit', `Edit rule ${number}`, 'edit', () => actions?.edit()),
      act('Remove', `Remove rule ${number}`, 'remove', () => actions?.remove()),
    ),
  );
}

/** What a row says besides its columns. */
function notes({ addresses, scheme, agent, upstream, websocket, detection, credentials }: NewRule): string[] {
  return [
    ...(addresses === 'any' ? ['also private addresses'] : []),
    ...(scheme ? [`${scheme.join(', ')} only`] : []),
    ...(agent ? [`${agent.join(', ')} only`] : []),
    ...(upstream?.ca ? ['own CA'] : []),
    ...(upstream?.clientCert ? ['client certificate'] : []),
    ...(upstream?.insecure === undefined ? [] : ['certificate not verified']),
    ...(websocket ? ['no WebSocket'] : []),
    ...(detection ? [`real values: ${detection}`] : []),
    ...(credentials ? [`credentials: ${credentials}`] : []),
  ];
}

export interface RowEditor {
  readonly element: HTMLElement;
  /** Why the extension did not take the rule. */
  readonly refuse: (message: string) => void;
  readonly focus: () => void;
}

export interface RowEditorOptions {
  readonly rule: NewRule;
  /** `+` or the number of the rule. */
  readonly number: string;
  /** Hosts to choose from. */
  readonly hosts: readonly string[];
  readonly save: (rule: NewRule) => void;
  readonly cancel: () => void;
}

type TextField = 'host' | 'port' | 'method' | 'path' | 'description';
const FIELDS: readonly (readonly [TextField, label: string, hint: string])[] = [
  ['host', 'Host', 'api.example.com or *.example.com'],
  ['port', 'Port', 'default'],
  ['method', 'Method', 'any'],
  ['path', 'Path', 'any, such as /v1/**'],
  ['description', 'Description', 'what for'],
];

export function rowEditor({ rule, number, hosts, save, cancel }: RowEditorOptions): RowEditor {
  const row = rowOf(rule);
  const type = select(RULE_TYPES, row.type, { 'aria-label': 'Type', 'data-focus': 'field type' }, () => check());
  const inputs = {} as Record<TextField, HTMLInputElement>;
  const messages = new Map<keyof Row, HTMLElement>();
  const cells = new Map<TextField, HTMLElement>();
  for (const [field, label, hint] of FIELDS) {
    const described = `error-${field}`;
    const input = el('input', {
      type: 'text',
      'aria-label': label,
      'aria-describedby': described,
      placeholder: hint,
      value: row[field],
      spellcheck: 'false',
      autocomplete: 'off',
      'data-focus': `field ${field}`,
      list: field === 'host' ? 'seen-hosts' : undefined,
    });
    input.addEventListener('input', () => check());
    const message = el('div', { class: 'wrong', id: described, role: 'status' });
    inputs[field] = input;
    messages.set(field, message);
    cells.set(field, el('td', {}, input, message));
  }
  const anyAddress = checkbox('any-address', 'also private addresses', row.anyAddress);
  const anyHost = checkbox('any-host', 'every host is meant', row.anyHost);
  for (const { input } of [anyAddress, anyHost]) input.addEventListener('change', () => check());
  cells
    .get('host')!
    .append(
      el('datalist', { id: 'seen-hosts' }, ...hosts.map((host) => el('option', { value: host }))),
      anyAddress.line,
      anyHost.line,
    );
  const typeMessage = el('div', { class: 'wrong', role: 'status' });
  messages.set('type', typeMessage);
  const refusal = el('div', { class: 'wrong', role: 'alert' });
  const saveButton = button('Save', 'Save the rule', () => submit(), { 'data-focus': 'save' });

  const read = () =>
    readRow(
      {
        type: RULE_TYPES.find((word) => word === type.value) ?? row.type,
        host: inputs.host.value,
        port: inputs.port.value,
        method: inputs.method.value,
        path: inputs.path.value,
        description: inputs.description.value,
        anyAddress: anyAddress.input.checked,
        anyHost: anyHost.input.checked,
      },
      rule,
    );
  /** Shows what is wrong, field by field; whether nothing is. An untouched new row is not called wrong. */
  const check = (all = true) => {
    const result = read();
    const errors = result.ok ? {} : result.error;
    for (const [field, message] of messages) {
      const wrong = all ? (errors[field] ?? '') : '';
      message.textContent = wrong;
      if (field in inputs) inputs[field as TextField].setAttribute('aria-invalid', String(wrong !== ''));
    }
    for (const line of [anyAddress.line, anyHost.line]) line.hidden = type.value === 'block';
    refusal.textContent = '';
    return result;
  };
  const submit = () => {
    const result = check();
    if (result.ok) {
      saveButton.disabled = true;
      save(result.value);
      return;
    }
    const first = FIELDS.find(([field]) => result.error[field] !== undefined)?.[0];
    (first ? inputs[first] : type).focus();
  };

  const element = el(
    'tr',
    { class: 'editing' },
    el('td', { class: 'number' }, number),
    el('td', {}, type, typeMessage),
    ...FIELDS.map(([field]) => cells.get(field)!),
    el(
      'td',
      { class: 'actions' },
      saveButton,
      button('Cancel', 'Cancel', cancel, { class: 'secondary', 'data-focus': 'cancel' }),
      refusal,
    ),
  );
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) submit();
    if (event.key === 'Escape') cancel();
  });
  check(false);
  return {
    element,
    refuse: (message) => {
      saveButton.disabled = false;
      refusal.textContent = message;
    },
    focus: () => inputs.host.focus(),
  };
}

// Small builders for page elements. Text goes in as text, never as HTML.

export type Attributes = Readonly<Record<string, string | undefined>>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** `title` is what a screen reader says and a pointer shows; `label` may be a sign. */
export function button(
  label: string,
  title: string,
  onClick: () => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  const element = el('button', { type: 'button', title, 'aria-label': title, ...attributes }, label);
  element.addEventListener('click', onClick);
  return element;
}

export function select<T extends string>(
  values: readonly T[],
  value: T,
  attributes: Attributes,
  onChange?: (value: T) => void,
): HTMLSelectElement {
  const options = values.map((text) => el('option', { value: text, selected: text === value ? '' : undefined }, text));
  const element = el('select', attributes, ...options);
  element.addEventListener('change', () => {
    const chosen = values.find((text) => text === element.value);
    if (chosen !== undefined) onChange?.(chosen);
  });
  return element;
}

export function checkbox(id: string, label: string, checked: boolean): { input: HTMLInputElement; line: HTMLElement } {
  const input = el('input', { type: 'checkbox', id, 'data-focus': id, checked: checked ? '' : undefined });
  return { input, line: el('label', { class: 'check', for: id }, input, ` ${label}`) };
}

// Binds a secret to hosts and places by an edit of the policy text, with comments and everything else left as it stands. What
// comes out is parsed again: a text that does not say exactly this, and nothing else than before, is never returned.
import { isMap, isScalar, type YAMLMap } from 'yaml';
import { err, ok } from '../base/result';
import type { Place } from '../secrets/types';
import { type EditResult, eolOf, parseForEdit, readable, setMode } from './edit';
import { checkPlace, parsePolicy } from './parse';
import type { Policy } from './types';
import { applySplice, colonEnd, contentEnd, lineEnd, pairOf, setKey, spliceBetween } from './yamlSplice';

export interface NewBinding {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

/** Keys of the document that `secrets` comes after. */
const BEFORE = ['version', 'mode', 'default', 'rules'];

/** The place of a finding where a value can be bound to it; undefined: somebody has to say where the host reads it. */
export function bindablePlace(place: string): Place | undefined {
  return checkPlace(place) === undefined ? place : undefined;
}

/** What a secret is bound to, with one host and one place more. */
export function withBinding({ name, hosts, in: places }: NewBinding, host: string, place: Place): NewBinding {
  const more = (list: readonly string[], one: string) => (list.includes(one) ? list : [...list, one]);
  return { name, hosts: more(hosts, host), in: more(places, place) };
}

/** Writes `secrets: NAME: {hosts, in}`, in the place of what is there for that name. */
export function bindSecret(text: string, binding: NewBinding): EditResult {
  const before = readable(text);
  if (!before.ok) return before;
  const wanted = sayings(before.value, binding);
  for (const after of [written(text, binding), written(asMapping(text, before.value), binding)]) {
    const { policy } = after === undefined ? { policy: undefined } : parsePolicy(after);
    if (after !== undefined && policy && sayings(policy) === wanted)
      return ok({ text: after, splice: spliceBetween(text, after) });
  }
  const message = `The policy is written in a way that only an edit of its text can change: write ${binding.name} with its hosts and places under "secrets:".`;
  return err({ reason: 'unsupported', message });
}

/** All that a policy says, wherever it stands, with the binding in it. */
function sayings(policy: Policy, binding?: NewBinding): string {
  const secrets = new Map(policy.secrets.map(({ name, hosts, in: places }) => [name, { name, hosts, in: places }]));
  if (binding) secrets.set(binding.name, { name: binding.name, hosts: binding.hosts, in: binding.in });
  const { mode, default: other, rules, tests } = policy;
  const all = [mode, other, rules, tests, [...secrets.values()]];
  return JSON.stringify(all, (key, value: unknown) => (key === 'range' ? undefined : value));
}

/** A list of rules alone, or one rule, as a document that has room for more. */
function asMapping(text: string, { mode }: Policy): string | undefined {
  const other = setMode(text, mode === 'monitor' ? 'enforce' : 'monitor');
  const back = other.ok ? setMode(other.value.text, mode) : other;
  return back.ok ? back.value.text : undefined;
}

function written(text: string | undefined, { name, hosts, in: places }: NewBinding): string | undefined {
  if (text === undefined) return undefined;
  const eol = eolOf(text);
  const root = rootOf(text);
  if (!root || root.has('type')) return undefined;
  const pair = pairOf(root, 'secrets');
  if (!pair && root.flow !== true) {
    // Below what is there, as a block of its own: the next secret gets the next line.
    const last = root.items[root.items.length - 1];
    const at = last ? lineEnd(text, contentEnd(text, root)) : text.length;
    const head = text.slice(0, at);
    const start = head === '' || head.endsWith('\n') ? head : head + eol;
    const block = withKeys(`secrets:${eol}  ${name}: {}${eol}`, name, hosts, places);
    return block === undefined ? undefined : start + block + text.slice(at);
  }
  const map = pair?.value;
  if (pair && root.flow !== true && isScalar(map) && map.value === null) {
    const at = lineEnd(text, colonEnd(text, pair));
    const head = text.slice(0, at).endsWith('\n') ? text.slice(0, at) : text + eol;
    return withKeys(`${head}  ${name}: {}${eol}${text.slice(at)}`, name, hosts, places);
  }
  if (isMap(map) && isMap(map.get(name))) return withKeys(text, name, hosts, places);
  const value = { hosts, in: places };
  const splice =
    isMap(map) && (map.items.length > 0 || map.flow === true)
      ? setKey(text, map, name, value, { before: [], eol })
      : setKey(text, root, 'secrets', { [name]: value }, { before: BEFORE, eol });
  return splice && applySplice(text, splice);
}

/** One key after the other, each found anew in the changed text. */
function withKeys(text: string, name: string, hosts: readonly string[], places: readonly Place[]): string | undefined {
  const eol = eolOf(text);
  let changed = text;
  for (const [key, value] of [
    ['hosts', hosts],
    ['in', places],
  ] as const) {
    const binding = rootOf(changed)?.getIn(['secrets', name]);
    const splice = isMap(binding)
      ? setKey(changed, binding, key, value, { before: key === 'in' ? ['hosts'] : [], eol })
      : undefined;
    if (!splice) return undefined;
    changed = applySplice(changed, splice);
  }
  return changed;
}

function rootOf(text: string): YAMLMap | undefined {
  const root = parseForEdit(text);
  return isMap(root) ? root : undefined;
}

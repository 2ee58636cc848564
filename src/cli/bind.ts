// bind: a secret of this folder to one host more, in one place: an edit of the policy, as the editor's own command makes it.
// As with trust, only a person at a terminal says yes.
import { parseArgs } from 'node:util';
import { canonicalHost } from '../core/base/host';
import { bindSecret, withBinding } from '../core/policy/bind';
import { checkPlace } from '../core/policy/parse';
import { confirm, json, note, openSession, out, UsageError } from './options';

const USE = 'bind NAME --host H --in PLACE [DIR]';

export async function bindCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      host: { type: 'string' },
      in: { type: 'string' },
    },
    allowPositionals: true,
  });
  const [name, folder = '.', ...more] = positionals;
  const { in: place } = values;
  if (name === undefined || values.host === undefined || place === undefined || more.length > 0)
    throw new UsageError(USE);
  const host = canonicalHost(values.host);
  if (!host.ok) throw new UsageError(`"${values.host}" is not a host. Nothing was bound.`);
  const wrong = checkPlace(place);
  if (wrong !== undefined) throw new UsageError(`"${place}": ${wrong}. Nothing was bound.`);
  const session = await openSession(folder);
  try {
    const secret = (await session.secrets()).find((one) => one.name === name);
    if (!secret) {
      note(`No secret ${name} is in the vault of this folder. Nothing was bound.`);
      return 1;
    }
    const target = host.value.host;
    const question = `Bind ${name} to ${target}? From then on its real value goes there, in ${place}.`;
    if (!(await confirm(question))) {
      if (values.json) json({ bound: false });
      else note('Nothing was bound: that takes a yes of a person, at a terminal or in the editor.');
      return 1;
    }
    const { policy } = session;
    await policy.ensureFile();
    const edited = bindSecret(policy.state.approvedText, withBinding(secret, target, place));
    const problem = edited.ok
      ? (await policy.write(edited.value.text)).find(({ severity }) => severity === 'error')
      : edited.error;
    if (problem) {
      note(`Nothing was bound: ${problem.message}`);
      return 1;
    }
    if (values.json) json({ bound: true, name, host: target, in: place });
    else {
      out(`${name} is bound to ${target}, in ${place}. The policy file says so, and is approved.`);
      note('An editor that has this folder open asks before it takes the change over.');
    }
    return 0;
  } finally {
    session.dispose();
  }
}

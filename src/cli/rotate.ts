// rotate: a new value for a secret, typed or piped, behind the same dummy; or only the mark that it needs one.
import { parseArgs } from 'node:util';
import { json, note, openSession, out, UsageError } from './options';
import { typedOrPiped } from './prompt';

export async function rotateCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, mark: { type: 'boolean' }, reason: { type: 'string' } },
    allowPositionals: true,
  });
  const [name, folder = '.', ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError('rotate NAME [DIR] [--reason TEXT] [--mark]');
  if (values.mark === true && values.reason === undefined)
    throw new UsageError('rotate --mark needs --reason TEXT: what happened? Nothing was done.');
  const session = await openSession(folder);
  try {
    if (values.mark === true) {
      await session.vault.markForRotation(name, values.reason!);
      if (values.json) json({ marked: name });
      else out(`${name} is marked for rotation. It goes on working until you rotate it.`);
      return 0;
    }
    const value = await typedOrPiped(`New value of ${name}: `);
    if (value === '') {
      note('No new value was given. Nothing was changed, and the old one is in use.');
      return 1;
    }
    const report = await session.vault.rotate(name, value, values.reason);
    if (values.json) json(report);
    else {
      out(
        `${name} has its new value; the dummy stays the same${report.files.length > 0 ? ` in ${report.files.join(', ')}` : ''}.`,
      );
      out('The old value is never injected any more, but still looked for. Revoke it at the provider.');
    }
    return 0;
  } finally {
    session.dispose();
  }
}

// trust: credentials that are let through beside the managed ones, each on one host, known by the salted hash that a blocked
// request is shown with. The credential itself is never asked for. It widens what an agent may do, and an agent can run us: only
// a person at a terminal says yes, and no option says it for them.
import { parseArgs } from 'node:util';
import { canonicalHost } from '../core/base/host';
import { confirm, json, note, openSession, out, UsageError } from './options';

const USE = 'trust --host H HASH [DIR], trust --list [DIR], trust --remove HASH [DIR]';

export async function trustCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      host: { type: 'string' },
      list: { type: 'boolean' },
      remove: { type: 'string' },
    },
    allowPositionals: true,
  });
  if ([values.host, values.list, values.remove].filter((value) => value !== undefined).length !== 1)
    throw new UsageError(USE);
  const [first, second, ...more] = positionals;
  const hash = values.host === undefined ? undefined : first;
  const folder = values.host === undefined ? first : second;
  if (more.length > 0 || (values.host === undefined && second !== undefined)) throw new UsageError(USE);
  if (values.host !== undefined && hash === undefined) throw new UsageError(`${USE}: which hash?`);
  const host = values.host === undefined ? undefined : canonicalHost(values.host);
  if (host && !host.ok) throw new UsageError(`"${values.host!}" is not a host. Nothing was trusted.`);
  const session = await openSession(folder ?? '.');
  try {
    if (host?.ok) {
      const name = host.value.host;
      const question = `Let requests to ${name} carry a credential that this workspace does not manage? Whoever owns it may receive what agents send there.`;
      if (!(await confirm(question))) {
        if (values.json) json({ trusted: false });
        else note('Nothing was trusted: that takes a yes of a person, at a terminal or in the editor.');
        return 1;
      }
      await session.trust(name, hash!);
      if (values.json) json({ trusted: true, host: name, hash });
      else out(`Trusted on ${name}, and nowhere else. It counts for the next request.`);
      return 0;
    }
    if (values.remove !== undefined) {
      const removed = await session.distrust(values.remove);
      if (values.json) json({ removed });
      else if (removed) out('It is not trusted any more: the next request that carries it is refused.');
      else note('No such hash is trusted here. Nothing was changed.');
      return removed ? 0 : 1;
    }
    const trusted = await session.trusted();
    if (values.json) json(trusted);
    else {
      if (trusted.length === 0) out('No credential is trusted beside the managed ones.');
      for (const one of trusted)
        out(`${one.hash}  ${one.host}  since ${new Date(one.since).toISOString().slice(0, 10)}`);
    }
    return 0;
  } finally {
    session.dispose();
  }
}

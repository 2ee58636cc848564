// NO_PROXY as curl reads it (curl 7.86 and later, lib/noproxy.c): names with all that is below them, addresses, CIDR blocks,
// or a single "*" for everything.
import { compileHosts } from '../../core/policy/hosts';

/** Whether a canonical host is reached without the proxy. An entry that is none of the above matches nothing. */
export function compileNoProxy(text: string): (host: string) => boolean {
  if (text.trim() === '*') return () => true;
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '' && !entry.includes('*'));
  return compileHosts(
    entries.flatMap((entry) => {
      const bare = entry.replace(/^\./, '');
      return [bare, `*.${bare}`];
    }),
  );
}

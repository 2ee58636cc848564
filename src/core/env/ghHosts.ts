// The tokens in gh's hosts.yml, with the spans that their dummies take. gh writes this file itself: block style, one scalar a
// line. What is written in another style is left out rather than guessed at.
import { toBinary } from '../base/bytes';
import type { StoreSecret } from '../secrets/types';

const HOST = /^(?:"([^"\s]+)"|'([^'\s]+)'|([^\s#:"'{[&*!|>-][^\s:#]*)):[ \t]*\r?$/;
const TOKEN = /^[ \t]+oauth_token:[ \t]+(?:"([^"\\]+)"|'([^']+)'|([^\s#"'{[&*!|>][^\s#]*))[ \t]*\r?$/;

export function scanGhHosts(bytes: Uint8Array): StoreSecret[] {
  const text = toBinary(bytes);
  const found: StoreSecret[] = [];
  let host: string | undefined;
  let at = 0;
  for (const line of text.split('\n')) {
    if (/^[^\s#]/.test(line)) {
      const match = HOST.exec(line);
      host = firstOf(match?.slice(1));
    }
    const token = firstOf(TOKEN.exec(line)?.slice(1));
    if (token !== undefined && host !== undefined) {
      const start = at + line.lastIndexOf(token);
      found.push({
        name: `GH_${host}`,
        start,
        end: start + token.length,
        what: `the token of gh for ${host}`,
        hosts: host === 'github.com' ? ['github.com', 'api.github.com', 'uploads.github.com'] : [host],
        in: ['header:authorization', 'basic'],
      });
    }
    at += line.length + 1;
  }
  return found;
}

/** Of groups of which one took part. */
function firstOf(groups: readonly (string | undefined)[] | undefined): string | undefined {
  return groups?.find((group) => group !== undefined);
}

// The credentials in an ~/.npmrc (an ini file), with the spans that their dummies take: `_authToken`, `_auth` and `_password`,
// for one registry or for all. References to variables are no secrets; what is quoted with escapes is left out.
import { toBinary } from '../base/bytes';
import type { StoreSecret } from '../secrets/types';

const LINE =
  /^(?:\xef\xbb\xbf)?[ \t]*(?:(\/\/[^\s=]+?):)?(_authToken|_auth|_password)[ \t]*=[ \t]*(?:"([^"\\\r\n]*)"|'([^'\r\n]*)'|([^"'\s;#][^\s;#]*))[ \t]*\r?$/gm;
const REGISTRY = /^[ \t]*registry[ \t]*=[ \t]*"?https?:\/\/([^/\s"]+)/m;

export function scanNpmrc(bytes: Uint8Array): StoreSecret[] {
  const text = toBinary(bytes);
  const fallback = REGISTRY.exec(text)?.[1] ?? 'registry.npmjs.org';
  return [...text.matchAll(LINE)].flatMap((match): StoreSecret[] => {
    const [line, registry, kind, ...values] = match as readonly (string | undefined)[] as readonly [
      string,
      ...(string | undefined)[],
    ];
    const value = values.find((one) => one !== undefined) ?? '';
    if (value === '' || value.includes('${')) return [];
    const authority = registry === undefined ? fallback : registry.slice(2).split('/')[0]!;
    const host = hostOf(authority);
    const start = match.index + line.lastIndexOf(value);
    const token = kind === '_authToken';
    return [
      {
        name: `NPMRC_${host}${token ? '' : kind!}`,
        start,
        end: start + value.length,
        what: `${token ? 'the token' : kind === '_auth' ? 'user and password' : 'the password'} of npm for ${host}`,
        hosts: [host],
        in: token ? ['header:authorization'] : [],
      },
    ];
  });
}

/** Without user and port. */
const hostOf = (authority: string) => authority.replace(/^.*@/, '').replace(/:\d+$/, '').toLowerCase();

// The readings of a request path. Servers differ in what they make of `%2e`, `//`, `/./`, `;x`, `\` and `%2f`: every
// plausible reading is judged and the strictest decision wins; the bytes themselves are forwarded unchanged.

/** Nothing special in it: the only reading is the path as it stands. */
const PLAIN = /^\/(?:[A-Za-z0-9_~!$&'()*+,=:@-]|\.(?!\.?(?:\/|$))|\/(?!\/))*$/;
const MAX_READINGS = 64;

/** The path of a target without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/**
 * All readings of the path of an origin-form target, the one as sent first. Undefined when no server could make sense of
 * it: a control character or NUL (raw or decoded), or a `%` without two hex digits.
 */
export function readings(target: string): readonly string[] | undefined {
  const path = pathOf(target);
  if (PLAIN.test(path) || path === '*') return [path];
  if (hasControl(path)) return undefined;
  const seen = new Set<string>([path]);
  const decoded: string[] = [path];
  for (let text = path, depth = 0; depth < 2 && text.includes('%'); depth++) {
    const next = decodeOnce(text);
    if (next === undefined) {
      // The client's own text must decode; what a second decoding makes of it need not be meant as an escape.
      if (depth === 0) return undefined;
      break;
    }
    if (hasControl(next)) return undefined;
    decoded.push(next);
    text = next;
  }
  for (const text of decoded) {
    // Query and fragment marks that were hidden by an escape cut the path for a server that decodes first.
    for (const cut of [text, text.replace(/[?#].*$/s, '')]) {
      for (const slashed of [cut, cut.replaceAll('\\', '/')]) {
        for (const bare of [slashed, slashed.replace(/;[^/]*/g, '')]) {
          for (const merged of [bare, bare.replace(/\/{2,}/g, '/')]) {
            for (const reading of [merged, resolveDots(merged)]) {
              if (seen.size < MAX_READINGS) seen.add(reading);
            }
          }
        }
      }
    }
  }
  return [...seen];
}

function decodeOnce(text: string): string | undefined {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      out += text[i]!;
      continue;
    }
    const hex = text.slice(i + 1, i + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) return undefined;
    out += String.fromCharCode(parseInt(hex, 16));
    i += 2;
  }
  return out;
}

// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const hasControl = (text: string) => /[\x00-\x1f\x7f]/.test(text);

/** RFC 3986, 5.2.4: `.` and `..` segments resolved, never above the root. */
function resolveDots(path: string): string {
  if (!path.includes('/.')) return path;
  const out: string[] = [];
  const segments = path.split('/');
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const last = i === segments.length - 1;
    if (segment === '..') {
      out.pop();
      if (last) out.push('');
    } else if (segment === '.') {
      if (last) out.push('');
    } else out.push(segment);
  }
  return `/${out.join('/')}`;
}

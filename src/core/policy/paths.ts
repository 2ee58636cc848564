// The readings of a request path. Servers differ in what they make of `%2e`, `//`, `/./`, `;x`, `\` and `%2f`, and in which
// order: every plausible reading is judged and the strictest decision wins. The bytes that go out are never changed here.

/** Nothing special in it: the only reading is the path as it stands. */
const PLAIN = /^(?=\/)(?:[A-Za-z0-9_~!$&'()*+,=:@-]|\.(?!\.?(?:\/|$))|\/(?!\/))*$/;
/** Real paths have a handful. What has more was built to have them. */
const MAX_READINGS = 256;
/** Characters of all readings together: the time that one request may take from all others. */
const MAX_TEXT = 128 * 1024;
const MAX_DECODES = 2;

/** The path of a target without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/**
 * All readings of the path of an origin-form target, the one as sent first: decoded once and twice, without `;…`, `\` as
 * `/`, slashes merged, dots resolved, cut at a hidden `?` or `#`, in any order. Undefined when no server could make sense
 * of it: a control character (raw or decoded), a `%` without two hex digits, an overlong UTF-8 sequence, or too many.
 */
export function readings(target: string): readonly string[] | undefined {
  const path = pathOf(target);
  if (PLAIN.test(path) || path === '*') return [path];
  if (senseless(path) || !decodes(path)) return undefined;
  const found = new Set<string>([path]);
  let room = MAX_TEXT - path.length;
  const states = new Map<string, readonly [text: string, decoded: number]>([[`0${path}`, [path, 0]]]);
  // A Map visits what is added while it is walked: this runs until nothing new comes out.
  for (const [text, decoded] of states.values()) {
    for (const [next, times] of steps(text, decoded)) {
      if (next === '' || senseless(next)) return undefined;
      if (!found.has(next)) room -= next.length;
      found.add(next);
      states.set(`${times}${next}`, [next, times]);
      if (found.size > MAX_READINGS || room < 0) return undefined;
    }
  }
  return [...found];
}

function* steps(text: string, decoded: number): Generator<readonly [string, number]> {
  if (decoded < MAX_DECODES && text.includes('%') && decodes(text)) {
    yield [decode(text), decoded + 1];
    // Some servers leave an escaped slash alone and decode the rest; it is then data, not structure.
    if (/%(?:2f|5c)/i.test(text)) yield [decode(text, /%(?!2f|5c)[0-9a-f]{2}/gi), decoded + 1];
  }
  if (/[?#]/.test(text)) yield [text.replace(/[?#].*$/s, '') || '/', decoded];
  if (text.includes('\\')) yield [text.replaceAll('\\', '/'), decoded];
  if (text.includes(';')) yield [text.replace(/;[^/]*/g, '') || '/', decoded];
  if (text.includes('//')) yield [text.replace(/\/{2,}/g, '/'), decoded];
  if (/(?:^|\/)\.\.?(?:\/|$)/.test(text)) yield [resolveDots(text), decoded];
}

/** Whether every `%` starts an escape. */
const decodes = (text: string) => !/%(?![0-9a-fA-F]{2})/.test(text);

const decode = (text: string, escapes = /%[0-9a-f]{2}/gi) =>
  text.replace(escapes, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16)));

/** Control characters, and bytes that only a broken decoder reads as `/`, `.` or `\` (RFC 3629, 10: overlong forms). */
const SENSELESS = /[\x00-\x1f\x7f]|[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}/;
const senseless = (text: string) => SENSELESS.test(text);

/** RFC 3986, 5.2.4: `.` and `..` segments resolved, never above the root. */
function resolveDots(path: string): string {
  const out: string[] = [];
  const segments = path.split('/');
  for (let i = path.startsWith('/') ? 1 : 0; i < segments.length; i++) {
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

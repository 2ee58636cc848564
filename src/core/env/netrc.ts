// The passwords in a ~/.netrc, with the spans that their dummies take. Read as curl and Python read it: words, quoted ones too,
// comments, macros up to an empty line. A word with escapes is left out: readers differ in what it says.
import type { StoreSecret } from '../secrets/types';
import { toBinary } from '../base/bytes';

interface Word {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly plain: boolean;
}

export function scanNetrc(bytes: Uint8Array): StoreSecret[] {
  const text = toBinary(bytes);
  const found: StoreSecret[] = [];
  let host: string | undefined;
  for (let at = text.startsWith('\xef\xbb\xbf') ? 3 : 0; ;) {
    const word = next(text, at);
    if (!word) return found;
    at = word.end;
    if (word.text.startsWith('#')) at = endOfLine(text, word.start);
    else if (word.text === 'default') host = undefined;
    else if (word.text === 'macdef') at = endOfMacro(text, at);
    else if (word.text === 'machine' || word.text === 'login' || word.text === 'account' || word.text === 'password') {
      const value = next(text, at);
      if (!value) return found;
      at = value.end;
      if (word.text === 'machine') host = value.text;
      if (word.text === 'password' && value.plain) {
        const quoted = text[value.start] === '"' ? 1 : 0;
        const [start, end] = [value.start + quoted, value.end - quoted];
        if (end > start)
          found.push({
            name: `NETRC_${host ?? 'default'}`,
            start,
            end,
            what: `the password for ${host ?? 'every other host'}`,
            hosts: host === undefined ? [] : [host],
            in: ['basic'],
          });
      }
    }
  }
}

function next(text: string, from: number): Word | undefined {
  let start = from;
  while (start < text.length && isSpace(text[start])) start++;
  if (start >= text.length) return undefined;
  let end = start + 1;
  if (text[start] === '"') {
    while (end < text.length && text[end] !== '"' && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1;
    end = Math.min(end, text.length);
    const closed = text[end] === '"';
    const inner = text.slice(start + 1, end);
    const after = closed ? end + 1 : end;
    const plain = closed && !inner.includes('\\') && (after >= text.length || isSpace(text[after]));
    return { start, end: after, text: inner, plain };
  }
  while (end < text.length && !isSpace(text[end])) end++;
  const raw = text.slice(start, end);
  return { start, end, text: raw, plain: !/[\\"]/.test(raw) };
}

const isSpace = (char: string | undefined) => char === ' ' || char === '\t' || char === '\n' || char === '\r';

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** A macro ends with an empty line. */
function endOfMacro(text: string, at: number): number {
  const end = /\n[ \t]*\r?\n/.exec(text.slice(at));
  return end ? at + end.index + end[0].length : text.length;
}

// How programs read env files, as small references for the tests: dotenv, docker compose, and python-dotenv (the package where
// python3 has it, else its rules in a few lines). undefined: the reader refuses the file.
import { spawnSync } from 'node:child_process';

export type Variables = Readonly<Record<string, string>>;

/** dotenv's expression, as its documentation gives it: https://github.com/motdotla/dotenv (lib/main.js, LINE). */
const LINE =
  /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm;

export function readAsDotenv(text: string): Variables {
  const found: Record<string, string> = {};
  for (const match of text.replace(/\r\n?/g, '\n').matchAll(LINE)) {
    const trimmed = (match[2] ?? '').trim();
    const value = trimmed.replace(/^(['"`])([\s\S]*)\1$/g, '$2');
    found[match[1]!] = trimmed.startsWith('"') ? value.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : value;
  }
  return found;
}

/**
 * docker compose's rules (compose-go, dotenv/parser.go). `anyHash`: older versions end an unquoted value at each `#`, newer
 * ones only behind a space.
 */
export function readAsCompose(text: string, anyHash: boolean): Variables | undefined {
  const found: Record<string, string> = {};
  let rest = text.replaceAll('\r\n', '\n').replace(/^\ufeff/, '');
  for (;;) {
    rest = rest.replace(/^\s+/, '');
    if (rest === '') return found;
    if (rest.startsWith('#')) {
      rest = rest.includes('\n') ? rest.slice(rest.indexOf('\n')) : '';
      continue;
    }
    rest = rest.replace(/^export[ \t]+/, '');
    const key = /^([A-Za-z0-9_.]+)[ \t]*[=:][ \t]*/.exec(rest);
    if (!key) return undefined;
    rest = rest.slice(key[0].length);
    const quote = rest.startsWith('"') ? '"' : rest.startsWith("'") ? "'" : '';
    if (quote === '') {
      const line = /^[^\n]*/.exec(rest)![0];
      rest = rest.slice(line.length);
      found[key[1]!] = line.split(anyHash ? '#' : ' #')[0]!.trimEnd();
      continue;
    }
    let end = 1;
    while (end < rest.length && (rest[end] !== quote || rest[end - 1] === '\\')) end++;
    if (end >= rest.length) return undefined;
    const inner = rest.slice(1, end);
    found[key[1]!] = quote === '"' ? inner.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : inner;
    rest = rest.slice(end + 1);
  }
}

const PYTHON = `
import io, json, re, sys
def own(text):
    found, at = {}, 0
    def take(pattern):
        nonlocal at
        match = re.compile(pattern).match(text, at)
        if match is None: return None
        at = match.end()
        return match
    while at < len(text):
        take(r"\\s*")
        if at >= len(text): break
        start, key, value = at, None, None
        take(r"(?:export[^\\S\\r\\n]+)?")
        if not text.startswith("#", at):
            match = take(r"'([^']+)'") if text.startswith("'", at) else take(r"([^=#\\s]+)")
            if match is None:
                take(r"[^\\r\\n]*(?:\\r\\n|\\r|\\n)?")
                continue
            key = match.group(1)
        take(r"[^\\S\\r\\n]*")
        bad = False
        if take(r"=[^\\S\\r\\n]*"):
            mark = text[at:at + 1]
            if mark in ("'", '"'):
                match = take(r"'((?:\\\\'|[^'])*)'" if mark == "'" else r'"((?:\\\\"|[^"])*)"')
                bad = match is None
                if match:
                    escapes = r"\\\\[\\\\']" if mark == "'" else r"\\\\[\\\\'\\"abfnrtv]"
                    value = re.sub(escapes, lambda m: m.group(0).encode().decode("unicode-escape"), match.group(1))
            else:
                value = re.sub(r"\\s+#.*", "", take(r"([^\\r\\n]*)").group(1)).rstrip()
        if not bad:
            take(r"(?:[^\\S\\r\\n]*#[^\\r\\n]*)?")
            bad = take(r"[^\\S\\r\\n]*(?:\\r\\n|\\n|\\r|$)") is None
        if bad:
            take(r"[^\\r\\n]*(?:\\r\\n|\\r|\\n)?")
        elif key is not None and value is not None:
            found[key] = value
    return found
try:
    from dotenv.parser import parse_stream
    def package(text):
        return {b.key: b.value for b in parse_stream(io.StringIO(text, newline="")) if b.key is not None and b.value is not None and not b.error}
except ImportError:
    package = None
texts = json.load(sys.stdin)
json.dump({"own": [own(t) for t in texts], "package": [package(t) for t in texts] if package else None}, sys.stdout)
`;

export interface PythonReading {
  readonly own: readonly Variables[];
  /** Undefined: python3 has no such package here. */
  readonly package: readonly Variables[] | undefined;
}

/** All at once, in one process. Undefined: there is no python3. */
export function readAsPython(texts: readonly string[]): PythonReading | undefined {
  const { status, stdout, stderr, error } = spawnSync('python3', ['-c', PYTHON], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  if (error) return undefined;
  if (status !== 0) throw new Error(stderr);
  const found = JSON.parse(stdout) as { own: Variables[]; package: Variables[] | null };
  return { own: found.own, package: found.package ?? undefined };
}

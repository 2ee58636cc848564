// From a file's bytes to the secrets in it, each with the span that its dummy will take. splice.ts puts dummies in, and takes
// them out again.
import type { Provider } from '../secrets/providerTable';
import { lookupProvider } from '../secrets/providers';
import type { Place } from '../secrets/types';
import { type Classified, classify } from './classify';
import { dummyRefusal } from './dummy';
import { toBinary } from '../base/bytes';
import { type EnvEntry, decodeBinary, encodeBinary, scanEnv } from './scan';

/** One secret in one file. */
export interface Candidate {
  readonly key: string;
  /** Byte span of the secret in the file. */
  readonly start: number;
  readonly end: number;
  /** The bytes of that span, as a binary string: what Restore writes back. */
  readonly raw: string;
  /** What a program reads, and what goes on the wire. */
  readonly value: string;
  readonly line: number;
  readonly inComment: boolean;
  readonly ticked: boolean;
  readonly reason: string;
  readonly provider: string | undefined;
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

export interface PlanContext {
  /** Whether git tracks the file. */
  readonly tracked: boolean;
  /** Whether a text is a dummy of this workspace: never a secret itself. */
  readonly isDummy: (text: string) => boolean;
}

/** The secrets of an env file, in order. Their spans do not overlap. */
export function planFile(bytes: Uint8Array, context: PlanContext): Candidate[] {
  const text = toBinary(bytes);
  const entries = scanEnv(bytes);
  const found = entries.flatMap((entry) => candidate(entry, text, context) ?? []);
  const loose = looseSecrets(text, entries, found, context);
  return [...found, ...loose].sort((a, b) => a.start - b.start);
}

function candidate(entry: EnvEntry, text: string, context: PlanContext): Candidate | undefined {
  const { key, line, inComment } = entry;
  const at = (start: number, end: number, found: Classified): Candidate => ({
    key,
    start,
    end,
    raw: text.slice(start, end),
    value: found.secret,
    line,
    inComment,
    ...tick(found),
    provider: found.provider,
    hosts: found.hosts,
    in: found.in,
  });
  if (mentionsDummy(entry.value, context)) return undefined;
  // A key that its shape gives away is taken out of a list, JSON or the like alone: looseSecrets finds it.
  const keys = tokens(text, entry.start, entry.reach).filter(({ shape }) => shape);
  if (keys.some(({ start, end }) => start > entry.start || end < entry.reach)) return undefined;
  // A value that some read further: as a whole, so that no half of it stays behind.
  const value = entry.reach > entry.end ? decodeBinary(text.slice(entry.start, entry.reach)) : entry.value;
  const found = classify(key, value, { tracked: context.tracked, doubt: entry.doubt });
  if (!found || context.isDummy(found.secret)) return undefined;
  if (found.from === 0 && found.to === value.length) return at(entry.start, entry.reach, found);
  // A part of a value has a byte span only where nothing in the file is escaped.
  if (encodeBinary(value) === text.slice(entry.start, entry.reach)) {
    const start = entry.start + encodeBinary(value.slice(0, found.from)).length;
    return at(start, start + encodeBinary(value.slice(found.from, found.to)).length, found);
  }
  const reason = `${found.reason}; the value around it holds escapes, which are left alone`;
  return at(entry.start, entry.reach, { ...found, secret: value, ticked: false, reason });
}

/** What can get no dummy is not offered for the swap. */
function tick({ ticked, reason, secret }: Classified): Pick<Candidate, 'ticked' | 'reason'> {
  const refusal = ticked ? dummyRefusal(secret) : undefined;
  return refusal === undefined ? { ticked, reason } : { ticked: false, reason: refusal };
}

function mentionsDummy(value: string, { isDummy }: PlanContext): boolean {
  return isDummy(value) || value.split(/[^A-Za-z0-9_.~-]+/).some((part) => part !== '' && isDummy(part));
}

const TOKEN = /[A-Za-z0-9_.~+/-]{16,}/g;
interface Token {
  readonly start: number;
  readonly end: number;
  /** The provider whose shape it has. */
  readonly shape: Provider | undefined;
}

function tokens(text: string, from: number, to: number): Token[] {
  return [...text.slice(from, to).matchAll(TOKEN)].map((match) => {
    // The end of a sentence is no part of a key.
    const token = match[0].replace(/[./-]+$/, '');
    const start = from + match.index;
    return { start, end: start + token.length, shape: lookupProvider('', token) };
  });
}

/**
 * Secrets that stand outside of what the entries gave: in free comments, lists, JSON, shell lines. Only what its shape
 * gives away: keys of known providers, and private keys.
 */
function looseSecrets(
  text: string,
  entries: readonly EnvEntry[],
  taken: readonly Candidate[],
  context: PlanContext,
): Candidate[] {
  const keys = tokens(text, 0, text.length).flatMap(({ start, end, shape }) =>
    shape ? { start, end, name: nameFor(shape) } : [],
  );
  // At one place the longer first: a block holds what may look like a key.
  const spans = [...keys, ...pemBlocks(text)].sort((a, b) => a.start - b.start || b.end - a.end);
  const found: Candidate[] = [];
  const lineAt = lineCounter(text);
  let free = 0;
  let nextTaken = 0;
  let nextEntry = 0;
  for (const { start, end, name } of spans) {
    while (nextTaken < taken.length && taken[nextTaken]!.end <= start) nextTaken++;
    while (nextEntry < entries.length && entries[nextEntry]!.reach < end) nextEntry++;
    if (start < free || (taken[nextTaken]?.start ?? Infinity) < end) continue;
    const entry = (entries[nextEntry]?.start ?? Infinity) <= start ? entries[nextEntry] : undefined;
    const key = entry?.key ?? name;
    const raw = text.slice(start, end);
    const value = decodeBinary(raw);
    const classified = classify(key, value, { tracked: context.tracked, doubt: undefined });
    if (!classified || context.isDummy(value)) continue;
    const { provider, hosts, in: places } = classified;
    const { line, inComment } = entry ?? lineAt(start);
    found.push({ key, start, end, raw, value, line, inComment, ...tick(classified), provider, hosts, in: places });
    free = end;
  }
  return found;
}

const PEM_BEGIN = '-----BEGIN ';
const PEM_END = '-----END ';

/** By hand, since an expression would look for the end of each beginning anew. */
function pemBlocks(text: string): { readonly start: number; readonly end: number; readonly name: string }[] {
  const blocks = [];
  for (let start = text.indexOf(PEM_BEGIN); start >= 0;) {
    const last = text.indexOf(PEM_END, start);
    const close = last < 0 ? -1 : text.indexOf('-----', last + PEM_END.length);
    if (close < 0) break;
    const end = close + 5;
    blocks.push({ start, end, name: 'PRIVATE_KEY' });
    start = text.indexOf(PEM_BEGIN, end);
  }
  return blocks;
}

/** For offsets in rising order. */
function lineCounter(text: string): (at: number) => { readonly line: number; readonly inComment: boolean } {
  let line = 1;
  let lineStart = 0;
  let counted = 0;
  return (at) => {
    for (; counted < at; counted++) {
      const char = text[counted];
      if (char !== '\n' && (char !== '\r' || text[counted + 1] === '\n')) continue;
      line++;
      lineStart = counted + 1;
    }
    return { line, inComment: /(?:^|\s)#/.test(text.slice(lineStart, at)) };
  };
}

/** A key that stands nowhere behind a name gets its provider's. */
const nameFor = ({ id }: Provider) => `${id.toUpperCase().replaceAll('-', '_')}_KEY`;

// Our HTTP/1.1 core beside Node's parser: every message that one of them takes and the other refuses is explained by a rule
// with a name, and what both take means the same to both. SEED=… runs other messages; SAVE_CORPUS=1 renews the saved ones.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { expect, it } from 'vitest';
import { type Generated, Random, SENTINEL, generate } from '../support/http1Grammar';
import { NodeServer, type Verdict, nodeClient, ours } from '../support/http1Oracles';

const SEED = Number(process.env['SEED'] ?? 20_260_101);
const CASES = 20_000;
const CORPUS = path.join(import.meta.dirname, '../fixtures/http1/corpus.json');

interface Case extends Generated {
  readonly ours: Verdict;
  readonly node: Verdict;
}
interface Rule {
  readonly name: string;
  /** Why it is right that the two differ here. */
  readonly why: string;
  readonly applies: (found: Case) => boolean;
}

const refusedWith =
  (...codes: string[]) =>
  ({ ours: mine }: Case) =>
    'refused' in mine && codes.includes(mine.refused);
const startLine = ({ text }: Case) => text.replace(/^(?:\r\n)+/, '').split('\r\n')[0]!;

/** We refuse, Node does not. */
const STRICTER: readonly Rule[] = [
  {
    name: 'connection-names-an-end-to-end-field',
    why: 'Dropping Host or a framing field on a client’s word changes what the message means (RFC 9110, 7.6.1).',
    applies: refusedWith('bad-connection-option'),
  },
  {
    name: 'one-coding-only',
    why: 'Another coding than one "chunked" is read differently by different servers (RFC 9112, 6.1).',
    applies: refusedWith('bad-transfer-encoding'),
  },
  {
    name: 'start-line-exactly',
    why: 'One space between the parts and HTTP/1.0 or HTTP/1.1; whoever takes more sees other words (RFC 9112, 3).',
    applies: refusedWith('bad-request-line', 'bad-status-line'),
  },
  {
    name: 'no-control-characters',
    why: 'A bare LF or CR, a NUL or another control character is a line end to some (RFC 9112, 2.2).',
    applies: (found) =>
      refusedWith('control-character', 'bare-lf')(found) && /[\x00-\x08\x0a-\x1f\x7f]/.test(found.text),
  },
  {
    name: 'no-empty-line-before-a-response',
    why: 'Only a request may have one before it (RFC 9112, 2.2).',
    applies: (found) =>
      found.kind === 'response' && refusedWith('bad-field-name')(found) && found.text.startsWith('\r\n'),
  },
  {
    name: 'no-framing-in-trailers',
    why: 'A trailer that frames or routes may be merged into the head by the next hop (RFC 9110, 6.5.1).',
    applies: (found) => refusedWith('bad-chunk')(found) && /\r\n(?:content-length|transfer-encoding)/i.test(found.text),
  },
  {
    name: 'one-host',
    why: 'Two Host fields name two hosts (RFC 9112, 3.2).',
    applies: refusedWith('two-hosts'),
  },
];

const KNOWN = new Set(http.METHODS);

/** Node refuses, we do not. */
const LAXER: readonly Rule[] = [
  {
    name: 'any-method-that-is-a-token',
    why: 'Node knows a list; a method is any token (RFC 9110, 9.1), and policies name it.',
    applies: (found) => found.kind === 'request' && !KNOWN.has(startLine(found).split(' ')[0]!),
  },
  {
    name: 'the-target-is-judged-elsewhere',
    why: 'The core does not know whether it stands in a CONNECT: ClientConnection judges the target (refusals.test.ts), and bytes above 127 pass as they are.',
    applies: (found) =>
      found.kind === 'request' && /^\S+ (?:(?!\/|\* )\S+|\S*(?:[^\x21-\x7e]|#|\*.)\S*) HTTP/.test(startLine(found)),
  },
  {
    name: 'chunk-extensions-are-not-read',
    why: 'Without control characters it is certain where an extension ends; it passes as it is (RFC 9112, 7.1.1).',
    applies: ({ text }) => /chunked/i.test(text) && /[0-9a-f]+;[^\r\n\0]*\r\n/i.test(text),
  },
  {
    name: 'bytes-behind-a-response',
    why: 'Node fails the response; we pass it and drop the connection, so that nobody gets those bytes (relay.ts).',
    applies: ({ kind, ours: mine }) => kind === 'response' && 'read' in mine && mine.read.next !== '',
  },
];

const server = new NodeServer();

async function judge({ text, kind }: Generated): Promise<Case> {
  // What follows a request shows where each of them thinks that it ended.
  const bytes = Buffer.from(kind === 'request' ? text + SENTINEL : text, 'latin1');
  return {
    text,
    kind,
    ours: ours(bytes, kind),
    node: await (kind === 'request' ? server.read(bytes) : nodeClient(bytes)),
  };
}

/** The name of the rule that explains the case. Throws where there is none. */
function explain(found: Case): string {
  const { ours: mine, node, kind } = found;
  if ('refused' in mine && 'refused' in node) return 'both-refuse';
  if ('read' in mine && 'read' in node) {
    const { start, fields, length } = mine.read;
    expect({ start, fields, length }).toEqual({
      start: node.read.start,
      fields: node.read.fields,
      length: node.read.length,
    });
    if (kind !== 'request' || node.read.next === undefined) return 'both-take';
    const after = ours(Buffer.from(mine.read.next!, 'latin1'), 'request');
    if ('read' in after) expect(after.read.start).toBe(node.read.next);
    return 'read' in after ? 'both-take' : 'both-take-and-we-refuse-what-follows';
  }
  const rule = ('refused' in mine ? STRICTER : LAXER).find(({ applies }) => applies(found));
  if (!rule) throw new Error(`No rule says why ours is ${word(mine)} and Node’s is ${word(node)}.`);
  return rule.name;
}

const word = (verdict: Verdict) => ('refused' in verdict ? verdict.refused : 'taken');

it(`${CASES} messages of the grammar mean the same to both, or a rule says why not`, async () => {
  const random = new Random(SEED);
  const counts: Record<string, number> = {};
  const examples: Record<string, { kind: Generated['kind']; text: string; ours: string }[]> = {};
  for (let i = 0; i < CASES; i++) {
    const found = await judge(generate(random, i % 5 < 3 ? 'request' : 'response'));
    let name: string;
    try {
      name = explain(found);
    } catch (error) {
      const what = `SEED=${SEED}, message ${i}, a ${found.kind}: ${JSON.stringify(found.text)}`;
      throw new Error(`${what}\n${(error as Error).message}`, { cause: error });
    }
    counts[name] = (counts[name] ?? 0) + 1;
    const list = (examples[name] ??= []);
    // Few and short of each, and of what we refuse each reason.
    const mine = word(found.ours);
    if (found.text.length < 300 && list.filter((other) => other.ours === mine).length < 4)
      list.push({ kind: found.kind, text: found.text, ours: mine });
  }
  console.log(`Differential fuzz, SEED=${SEED}:`, counts);
  if (process.env['SAVE_CORPUS'] === '1') {
    mkdirSync(path.dirname(CORPUS), { recursive: true });
    writeFileSync(CORPUS, `${JSON.stringify(examples, undefined, 2)}\n`);
  }
  // The grammar is of use only while it makes enough of each.
  expect(counts['both-take']).toBeGreaterThan(CASES / 4);
  expect(counts['both-refuse']).toBeGreaterThan(CASES / 10);
}, 60_000);

it.skipIf(!existsSync(CORPUS))('the saved messages are read as they were', async () => {
  const corpus = JSON.parse(readFileSync(CORPUS, 'utf8')) as Record<string, (Generated & { ours: string })[]>;
  const all = Object.values(corpus).flat();
  expect(all.length).toBeGreaterThan(50);
  for (const saved of all) {
    const found = await judge(saved);
    expect({ text: saved.text, ours: word(found.ours) }).toEqual({ text: saved.text, ours: saved.ours });
    expect(explain(found)).toBeTruthy();
  }
});

// docs/leaktest.md: the table of cells, and what detection and substitution cost on the machine that ran it.
import os from 'node:os';
import { createDetector } from '../../src/core/secrets/detect';
import { compileBodyInjection } from '../../src/core/secrets/injectBody';
import { createRedactor } from '../../src/core/secrets/redact';
import type { BoundSecret } from '../../src/core/secrets/types';
import { DECODERS } from '../../src/proxy/codecs/contentCoding';

interface Given {
  /** By form, then place: what became of it under each action, in their order. */
  readonly results: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  readonly places: readonly string[];
  readonly letter: (shown: string) => string;
  readonly benign: number;
}

export function document({ results, places, letter, benign }: Given): string {
  const rows = [...results].map(([form, row]) => [
    form,
    ...places.map((place) => row.get(place)?.map(letter).join('') ?? '–'),
  ]);
  const cells = [...results.values()].reduce((sum, row) => sum + [...row.values()].flat().length, 0);
  return `# Leak test

What \`npm run leaktest\` wrote on ${new Date().toISOString().slice(0, 10)} (Node ${process.versions.node}, ${os.cpus().length} cores). A real value is sent in each form, at each place of a
request, by curl (WebSocket messages by \`ws\`) through the proxy process, under \`detection: block\`, \`mask\` and \`mark\`, in this order. The origin keeps all it gets, and
neither the form nor the value was in it where it says B or M. The same runs in \`npm test\`.

**B** blocked · **M** masked: the dummy in the same form went in its place · **m** marked: it passed, and the flow says so · **–** this form cannot stand there. ${cells} cells.
Under \`mask\` a head is blocked (what it says, it says to somebody), and so is a form that no dummy can be put into.

${table(['form', ...places], rows)}

Also tried: trailers, field names, labels of hosts, pieces over parameters, fields and consecutive requests. Of ${benign} ordinary requests (packages, pushes, images, source maps,
conversations that mention a dummy, …) none was stopped or changed. Nothing that was recorded holds the value.

## What it costs

One run, medians of five; ratios within the table mean something, the figures themselves belong to the machine.

${costs()}
`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const MIB = 1024 * 1024;

function secretsOf(count: number): BoundSecret[] {
  let state = 7;
  const text = (length: number) =>
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'[(state >>> 16) & 63]!;
    }).join('');
  return Array.from({ length: count }, (_, i) => ({
    name: `S${i}`,
    value: `key${i % 7}-${text(36)}`,
    dummy: `key${i % 7}-${text(36)}`.replaceAll(/[+/]/g, 'x'),
    hosts: ['api.example.com'],
    in: i === 0 ? ['body:token'] : ['header:authorization'],
  }));
}

function median(run: () => void): number {
  run();
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return times[2]!;
}

function costs(): string {
  const secrets = secretsOf(100);
  const detector = createDetector(secrets, DECODERS);
  const redactor = createRedactor(secrets);
  const line = JSON.stringify({ role: 'user', content: 'Look at the "code"\n\tand say what it does: `x = a / b` …' });
  const texts: readonly (readonly [string, Buffer])[] = [
    ['a conversation (JSON)', Buffer.from(`${line},`.repeat(Math.ceil((8 * MIB) / line.length)))],
    [
      'random bytes in base64',
      Buffer.from(
        Buffer.from(Array.from({ length: 6 * MIB }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24)).toString('base64'),
      ),
    ],
    ['binary', Buffer.from(Array.from({ length: 8 * MIB }, (_, i) => Math.imul(i, 2_654_435_761) >>> 23))],
  ];
  const pieces = (bytes: Buffer) =>
    Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) => bytes.subarray(i * 65_536, (i + 1) * 65_536));
  const speed = texts.map(([name, bytes]) => {
    const chunks = pieces(bytes);
    const rate = (run: () => { push(chunk: Buffer): unknown; end(): unknown }) => {
      const ms = median(() => {
        const stream = run();
        for (const chunk of chunks) stream.push(chunk);
        stream.end();
      });
      return `${Math.round(bytes.length / MIB / (ms / 1000))}`;
    };
    return [name, rate(() => redactor.stream()), rate(() => detector.stream())];
  });
  const injection = compileBodyInjection(secrets);
  const sizes = [1024, 64 * 1024, MIB, 16 * MIB].map((size) => {
    const body = Buffer.from(`{"token":"${secrets[0]!.dummy}","text":"${'x'.repeat(size)}"}`);
    const ms = median(() => injection.inject({ host: 'api.example.com', unsafe: undefined }, 'application/json', body));
    return [size < MIB ? `${size / 1024} KiB` : `${size / MIB} MiB`, ms < 1 ? ms.toFixed(3) : ms.toFixed(1)];
  });
  return `${table(['text, 100 secrets', 'values, every form that can be replaced, MB/s', 'everything else (escapes, encodings inside each other, compressed data), MB/s'], speed)}

${table(['body with a field to fill', 'substitution, ms'], sizes)}`;
}

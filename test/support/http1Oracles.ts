// Two readers of the same HTTP/1.1 bytes: our sans-IO core, and Node's parser behind its real server and client, on streams in
// memory. Each says what it made of the message, or that it refused it.
import http from 'node:http';
import { Duplex } from 'node:stream';
import { UntilCloseReader } from '../../src/proxy/http1/body';
import { requestBody, responseBody } from '../../src/proxy/http1/framing';
import { BadMessage, endOfHead, parseHead, parseRequestLine, parseStatusLine } from '../../src/proxy/http1/head';

export interface Read {
  /** Method and target, or the status. */
  readonly start: string;
  /** End-to-end fields, names as they came. */
  readonly fields: readonly string[];
  /** Octets of payload. */
  readonly length: number;
  /** What follows the message: the bytes (ours), or method and target of a request that was read there (Node's). */
  readonly next: string | undefined;
}
export type Verdict = { readonly read: Read } | { readonly refused: string };

/** RFC 9110, 7.6.1; and what our core takes for hop-by-hop. */
const HOP = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'upgrade',
  'proxy-authorization',
  'proxy-authenticate',
]);

export function ours(bytes: Buffer, kind: 'request' | 'response'): Verdict {
  try {
    let at = 0;
    const read = (from: number) => {
      let start = from;
      if (kind === 'request') while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
      const rest = bytes.subarray(start);
      const end = endOfHead(rest);
      if (end < 0) throw new BadMessage('incomplete', '');
      const head = parseHead(rest, end);
      at = start + end;
      return head;
    };
    let head = read(0);
    let start: string;
    let reader;
    if (kind === 'request') {
      const line = parseRequestLine(head.startLine);
      start = `${line.method} ${line.target}`;
      reader = requestBody(head.framing);
    } else {
      let line = parseStatusLine(head.startLine);
      for (; line.status < 200; line = parseStatusLine(head.startLine)) {
        if (line.status === 101) throw new BadMessage('unasked-101', '');
        head = read(at);
      }
      start = String(line.status);
      reader = responseBody(head.framing, 'GET', line.status);
    }
    let length = 0;
    if (reader) {
      at += reader.feed(bytes, at, { payload: (chunk) => (length += chunk.length), trailers: () => undefined });
      if (!reader.done && !(reader instanceof UntilCloseReader)) throw new BadMessage('incomplete', '');
    }
    const fields = head.fields.names.map((name, i) => `${name}: ${head.fields.values[i]!}`);
    return { read: { start, fields, length, next: bytes.toString('latin1', at) } };
  } catch (error) {
    if (error instanceof BadMessage) return { refused: error.code };
    throw error;
  }
}

class Memory extends Duplex {
  constructor(private readonly bytes: Buffer | undefined) {
    super({ allowHalfOpen: true });
  }

  override _read(): void {
    if (!this.bytes) return;
    this.push(this.bytes);
    this.push(null);
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
  }

  /** What Node asks of sockets. */
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

function endToEnd(raw: readonly string[]): string[] {
  const named = new Set<string>();
  for (let i = 0; i < raw.length; i += 2)
    if (/^(?:proxy-)?connection$/i.test(raw[i]!))
      for (const option of raw[i + 1]!.toLowerCase().split(',')) named.add(option.trim());
  for (const kept of ['te', 'trailers']) named.delete(kept);
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (HOP.has(name) || named.has(name) || (name === 'te' && raw[i + 1]!.toLowerCase() !== 'trailers')) continue;
    fields.push(`${raw[i]!}: ${raw[i + 1]!}`);
  }
  return fields;
}

/** Node's server: what it makes of the first request, and of what follows. */
export class NodeServer {
  #seen: ((request: http.IncomingMessage) => void) | undefined;
  #failed: ((code: string) => void) | undefined;
  readonly #server = http.createServer(
    { requireHostHeader: false, maxHeaderSize: 64 * 1024, insecureHTTPParser: false, joinDuplicateHeaders: false },
    (request, response) => {
      response.on('error', () => undefined);
      this.#seen?.(request);
      response.end();
    },
  );

  constructor() {
    for (const event of ['checkContinue', 'checkExpectation'])
      this.#server.on(event, (request: http.IncomingMessage, response: http.ServerResponse) =>
        this.#server.emit('request', request, response),
      );
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#failed?.(error.code ?? 'unknown');
      socket.destroy();
    });
  }

  read(bytes: Buffer): Promise<Verdict> {
    const stream = new Memory(bytes);
    stream.on('error', () => undefined);
    return new Promise((resolve) => {
      let first: { request: http.IncomingMessage; length: number } | undefined;
      let next: string | undefined;
      let settled = false;
      const settle = (failure: string | undefined) => {
        if (settled) return;
        settled = true;
        // `complete` is the parser's word; what comes behind it may be an error of its own.
        if (first?.request.complete) {
          const { method, url, rawHeaders, readableLength } = first.request;
          const length = first.length + readableLength;
          const read = { start: `${method!} ${url!}`, fields: endToEnd(rawHeaders), length, next };
          resolve({ read });
        } else resolve({ refused: failure ?? 'incomplete' });
        stream.destroy();
      };
      this.#failed = (code) => settle(code);
      this.#seen = (request) => {
        if (first) {
          next ??= `${request.method!} ${request.url!}`;
          request.resume();
          setImmediate(() => settle(undefined));
          return;
        }
        const entry = { request, length: 0 };
        first = entry;
        request.on('data', (chunk: Buffer) => (entry.length += chunk.length));
        request.on('error', () => undefined);
      };
      whenQuiet(stream, () => settle(undefined));
      this.#server.emit('connection', stream);
    });
  }
}

/** Node's client: what it makes of a response to GET that ends with the connection. */
export function nodeClient(bytes: Buffer): Promise<Verdict> {
  return new Promise((resolve) => {
    const stream = new Memory(bytes);
    const request = http.request({ createConnection: () => stream, host: 'h', maxHeaderSize: 64 * 1024 });
    const refuse = (error: NodeJS.ErrnoException) => {
      resolve({ refused: error.code ?? 'unknown' });
      stream.destroy();
    };
    request.on('error', refuse);
    stream.on('error', refuse);
    request.on('upgrade', () => refuse({ name: '', message: '', code: 'upgrade' }));
    request.on('response', (response) => {
      let length = 0;
      response.on('data', (chunk: Buffer) => (length += chunk.length));
      response.on('error', refuse);
      response.on('end', () => {
        const read = {
          start: String(response.statusCode),
          fields: endToEnd(response.rawHeaders),
          length,
          next: undefined,
        };
        resolve(response.complete ? { read } : { refused: 'incomplete' });
        stream.destroy();
      });
    });
    whenQuiet(stream, () => refuse({ name: '', message: '', code: 'incomplete' }));
    request.end();
  });
}

/** After everything was read, and whatever that set off has had its turn. */
function whenQuiet(stream: Memory, tell: () => void): void {
  let turns = 6;
  const turn = () => (--turns > 0 ? void setImmediate(turn) : tell());
  stream.once('end', turn);
  stream.once('close', turn);
  // A parser that stopped reading.
  setTimeout(tell, 100).unref();
}

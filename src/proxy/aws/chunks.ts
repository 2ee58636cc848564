// Bodies in AWS's chunks (`aws-chunked`), as they stream by: signatures of the client are checked and replaced, every length
// stays. What the chunks carry is shown to another transform without its framing, so that nothing hides between chunks; that
// one may let a body pass or end it, but changes nothing: signatures and checksums of the client's say what it is.
// (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html)
import type { BodyTransform } from '../engine';
import { type ChunkChain, sameSignature } from './signature';

/** What speaks against a body. */
export type BadChunk = 'malformed' | 'wrong-signature';

export interface ChunkSettings {
  /** Undefined: the chunks are not signed. */
  readonly chains: { readonly client: ChunkChain; readonly real: ChunkChain } | undefined;
  readonly inner: BodyTransform | undefined;
  /** Throws. */
  readonly refuse: (why: BadChunk) => never;
}

/** Signed ones are held until they are whole: their signature stands before them. */
const MAX_SIGNED_CHUNK = 16 * 1024 * 1024;
const MAX_LINE = 1024;
const MAX_TRAILERS = 16 * 1024;
const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

export class AwsChunks implements BodyTransform {
  readonly keepsLength = true;
  #state: 'size' | 'data' | 'trailers' | 'over' = 'size';
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Before it is of use to join what is held. */
  #needed = 1;
  /** Of the chunk under way: what is still to come, with the CRLF behind it. */
  #left = 0;
  /** Of a signed one: its first line up to the signature, and that. */
  #begun: { readonly line: string; readonly signature: string } | undefined;
  /** What goes out, in order: bytes, or so many bytes of those that the inner transform lets pass. */
  readonly #plan: (Buffer | number)[] = [];
  #passed: Buffer[] = [];
  #trailerBytes = 0;
  readonly #trailers: string[] = [];

  constructor(private readonly settings: ChunkSettings) {}

  push(bytes: Buffer): Buffer {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes < this.#needed) return NOTHING;
    let rest = this.#held.length === 1 ? bytes : Buffer.concat(this.#held);
    for (let taken = this.#step(rest); taken > 0; taken = this.#step(rest)) rest = rest.subarray(taken);
    this.#held = rest.length > 0 ? [rest] : [];
    this.#heldBytes = rest.length;
    return this.#take();
  }

  end(): Buffer {
    if (this.#state !== 'over') this.settings.refuse('malformed');
    return this.#take();
  }

  /** Those of HTTP itself. */
  trailers(section: Buffer): Buffer {
    return this.settings.inner?.trailers?.(section) ?? section;
  }

  /** How many bytes were dealt with; 0: more are needed, `#needed` in all. */
  #step(bytes: Buffer): number {
    this.#needed = 1;
    if (bytes.length === 0) return 0;
    switch (this.#state) {
      case 'size':
        return this.#size(bytes);
      case 'data':
        return this.settings.chains ? this.#signed(bytes) : this.#unsigned(bytes);
      case 'trailers':
        return this.#trailer(bytes);
      case 'over':
        return this.settings.refuse('malformed');
    }
  }

  #size(bytes: Buffer): number {
    const end = bytes.indexOf(CRLF);
    if (end > MAX_LINE || (end < 0 && bytes.length > MAX_LINE)) this.settings.refuse('malformed');
    if (end < 0) {
      this.#needed = bytes.length + 1;
      return 0;
    }
    const line = bytes.toString('latin1', 0, end);
    const match = /^([0-9a-fA-F]{1,12})(?:(;chunk-signature=)([0-9a-f]{64}))?$/.exec(line);
    const { chains } = this.settings;
    if (!match || (match[3] === undefined) === (chains !== undefined)) return this.settings.refuse('malformed');
    const [, digits = '', mark = '', signature = ''] = match;
    const size = parseInt(digits, 16);
    if (chains && size > MAX_SIGNED_CHUNK) this.settings.refuse('malformed');
    this.#begun = { line: digits + mark, signature };
    if (!chains) this.#plan.push(bytes.subarray(0, end + 2));
    else if (size === 0) this.#sign(NOTHING);
    this.#left = size + 2;
    this.#state = size > 0 ? 'data' : 'trailers';
    if (size === 0) this.#innerEnds();
    return end + 2;
  }

  #sign(data: Buffer): void {
    const { chains, refuse } = this.settings;
    const { line, signature } = this.#begun!;
    if (!sameSignature(chains!.client.chunk(data), signature)) refuse('wrong-signature');
    this.#plan.push(Buffer.from(`${line}${chains!.real.chunk(data)}\r\n`, 'latin1'));
  }

  #signed(bytes: Buffer): number {
    if (bytes.length < this.#left) {
      this.#needed = this.#left;
      return 0;
    }
    const data = bytes.subarray(0, this.#left - 2);
    if (!bytes.subarray(data.length, this.#left).equals(CRLF)) this.settings.refuse('malformed');
    this.#sign(data);
    this.#pass(data);
    this.#plan.push(CRLF);
    this.#state = 'size';
    return this.#left;
  }

  #unsigned(bytes: Buffer): number {
    const data = bytes.subarray(0, Math.max(0, this.#left - 2));
    if (data.length > 0) {
      this.#pass(data);
      this.#left -= data.length;
      return data.length;
    }
    if (bytes.length < 2) {
      this.#needed = 2;
      return 0;
    }
    if (!bytes.subarray(0, 2).equals(CRLF)) this.settings.refuse('malformed');
    this.#plan.push(CRLF);
    this.#state = 'size';
    return 2;
  }

  #trailer(bytes: Buffer): number {
    const end = bytes.indexOf(10);
    if (end < 0) {
      if (bytes.length > MAX_TRAILERS) this.settings.refuse('malformed');
      this.#needed = bytes.length + 1;
      return 0;
    }
    const raw = bytes.toString('latin1', 0, end + 1);
    const line = raw.replace(/[\r\n]+$/, '');
    this.#trailerBytes += raw.length;
    if (this.#trailerBytes > MAX_TRAILERS) this.settings.refuse('malformed');
    if (line === '') this.#over(bytes.subarray(0, end + 1));
    else this.#trailerLine(raw, line);
    return end + 1;
  }

  #trailerLine(raw: string, line: string): void {
    const { chains, refuse } = this.settings;
    const [, name, value] = /^([A-Za-z0-9-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return refuse('malformed');
    const shown = Buffer.from(`${line}\r\n\r\n`, 'latin1');
    if (name.toLowerCase() !== 'x-amz-trailer-signature') {
      this.settings.inner?.trailers?.(shown);
      this.#trailers.push(`${name.toLowerCase()}:${value}\n`);
      this.#plan.push(Buffer.from(raw, 'latin1'));
      return;
    }
    const lines = this.#trailers.splice(0).join('');
    if (!chains || lines === '') return refuse('malformed');
    if (!sameSignature(chains.client.trailer(lines), value)) refuse('wrong-signature');
    this.#plan.push(Buffer.from(raw.replace(value, chains.real.trailer(lines)), 'latin1'));
  }

  #over(blank: Buffer): void {
    // Trailers that are signed by nobody.
    if (this.settings.chains && this.#trailers.length > 0) this.settings.refuse('malformed');
    this.#plan.push(blank);
    this.#state = 'over';
  }

  #pass(data: Buffer): void {
    const { inner } = this.settings;
    this.#plan.push(data.length);
    this.#passed.push(inner ? inner.push(data) : data);
  }

  #innerEnds(): void {
    const { inner } = this.settings;
    if (inner) this.#passed.push(inner.end());
  }

  #take(): Buffer {
    const out: Buffer[] = [];
    let passed = Buffer.concat(this.#passed);
    while (this.#plan.length > 0) {
      const next = this.#plan[0]!;
      if (typeof next !== 'number') out.push(next);
      else {
        const part = passed.subarray(0, next);
        passed = passed.subarray(part.length);
        out.push(part);
        if (part.length < next) {
          this.#plan[0] = next - part.length;
          break;
        }
      }
      this.#plan.shift();
    }
    this.#passed = passed.length > 0 ? [passed] : [];
    return out.length === 1 ? out[0]! : Buffer.concat(out);
  }
}

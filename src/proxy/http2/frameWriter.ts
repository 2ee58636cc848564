// The sending half of the frame layer: frames of one tick leave in one write. END_STREAM may still be set on a frame that has
// not left (RFC 9113, 6.1 and 6.2): one frame less for most messages.
import type { ErrorCode } from './frames';
import { ACK, FRAME_HEADER, Flag, FrameType, type Setting, frame, frameHeader } from './frames';
import { HpackEncoder } from './hpack';

/** A field list to send: names in lower case, pseudo-fields first. */
export interface FieldList {
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly neverIndexed?: ReadonlySet<string> | undefined;
}

/** A frame that END_STREAM may be set on until `flush` says otherwise. */
export interface LastFrame {
  readonly header: Buffer;
  readonly flush: number;
}

export class FrameWriter {
  readonly #encoder = new HpackEncoder();
  #out: Buffer[] = [];
  #outBytes = 0;
  #scheduled = false;
  /** Writes to the socket so far. */
  #flushes = 0;

  /** `write`: octets to the socket, at the end of the tick. */
  constructor(private readonly write: (chunks: readonly Buffer[], bytes: number) => void) {}

  put(bytes: Buffer): void {
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    this.#flushes++;
    if (this.#outBytes === 0) return;
    const out = this.#out;
    const bytes = this.#outBytes;
    this.#out = [];
    this.#outBytes = 0;
    this.write(out, bytes);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  resizeTable(size: number): void {
    this.#encoder.resize(size);
  }

  settings(pairs: readonly (readonly [Setting, number])[]): void {
    const bytes = frame(FrameType.Settings, 0, 0, pairs.length * 6);
    pairs.forEach(([id, value], i) => {
      bytes.writeUInt16BE(id, FRAME_HEADER + i * 6);
      bytes.writeUInt32BE(value, FRAME_HEADER + i * 6 + 2);
    });
    this.put(bytes);
  }

  settingsTaken(): void {
    this.put(frame(FrameType.Settings, ACK, 0, 0));
  }

  ping(): void {
    this.put(frame(FrameType.Ping, 0, 0, 8).fill(0, FRAME_HEADER));
  }

  pong(payload: Buffer): void {
    const answer = frame(FrameType.Ping, ACK, 0, 8);
    payload.copy(answer, FRAME_HEADER);
    this.put(answer);
  }

  goAway(last: number, code: ErrorCode, why: string): void {
    const words = Buffer.from(why, 'latin1');
    const bytes = frame(FrameType.GoAway, 0, 0, 8 + words.length);
    bytes.writeUInt32BE(last, FRAME_HEADER);
    bytes.writeUInt32BE(code, FRAME_HEADER + 4);
    words.copy(bytes, FRAME_HEADER + 8);
    this.put(bytes);
  }

  windowUpdate(id: number, increment: number): void {
    const bytes = frame(FrameType.WindowUpdate, 0, id, 4);
    bytes.writeUInt32BE(increment, FRAME_HEADER);
    this.put(bytes);
  }

  reset(id: number, code: number): void {
    const bytes = frame(FrameType.RstStream, 0, id, 4);
    bytes.writeUInt32BE(code, FRAME_HEADER);
    this.put(bytes);
  }

  /** Frames of at most `size` octets. Returns the frame, where it is one. */
  headers(id: number, list: FieldList, ends: boolean, size: number): LastFrame | undefined {
    const { names, values, neverIndexed } = list;
    this.#encoder.begin();
    for (let i = 0; i < names.length; i++)
      this.#encoder.field(names[i]!, values[i]!, neverIndexed?.has(names[i]!) ?? false);
    const block = this.#encoder.end();
    let flags = ends ? Flag.EndStream : 0;
    for (let at = 0, type = FrameType.Headers; ; type = FrameType.Continuation) {
      const count = Math.min(size, block.length - at);
      const bytes = frame(type, flags, id, count);
      block.copy(bytes, FRAME_HEADER, at, at + count);
      at += count;
      if (at === block.length) bytes[4]! |= Flag.EndHeaders;
      this.put(bytes);
      if (at === block.length) return type === FrameType.Headers ? { header: bytes, flush: this.#flushes } : undefined;
      flags = 0;
    }
  }

  data(id: number, chunk: Buffer): LastFrame {
    const header = frameHeader(FrameType.Data, 0, id, chunk.length);
    this.put(header);
    this.put(chunk);
    return { header, flush: this.#flushes };
  }

  /** END_STREAM, on the frame that was written last if it has not left. */
  end(id: number, last: LastFrame | undefined): void {
    if (last?.flush === this.#flushes) last.header[4]! |= Flag.EndStream;
    else this.put(frameHeader(FrameType.Data, Flag.EndStream, id, 0));
  }
}

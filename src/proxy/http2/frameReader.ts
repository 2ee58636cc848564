// The receiving half of the frame layer (RFC 9113, sections 4 and 6.1–6.2): octets in, whole frames, payload of DATA as it
// comes, and whole field sections out. It knows the order that frames must have, not what streams are.
import { Http2Error } from './error';
import { ACK, DEFAULT_FRAME_SIZE, ErrorCode, FRAME_HEADER, Flag, FrameType, PREFACE } from './frames';
import { type FieldSection, HpackDecoder } from './hpack';

export interface FrameListener {
  /** Any frame but DATA, HEADERS and CONTINUATION: `bytes[from, to)` is its payload. Types that nobody knows come too. */
  frame(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): void;
  /** A DATA frame of `length` octets begins, of which `padding` are none of the body. */
  dataBegins(id: number, length: number, padding: number): void;
  data(chunk: Buffer): void;
  dataEnds(endStream: boolean): void;
  section(id: number, section: FieldSection, endStream: boolean): void;
  /** Something that cost the sender nothing. */
  idle(): void;
}

/** Longest field list that is kept, in octets with 32 a field (RFC 9113, 6.5.2). */
export const MAX_LIST = 64 * 1024;
/** Compressed, over all CONTINUATION frames. */
const MAX_BLOCK = 128 * 1024;

export class FrameReader {
  readonly #decoder = new HpackDecoder(4096, MAX_LIST);
  #partial: Buffer | undefined;
  #preface: number;
  #settingsSeen = false;
  // --- a DATA frame under way
  #dataLeft = 0;
  #dataPadding = 0;
  #dataEnds = false;
  #inData = false;
  // --- a field block under way
  #block: Buffer[] | undefined;
  #blockBytes = 0;
  #blockStream = 0;
  #blockEnds = false;

  /** `afterPreface`: a client speaks first, with the preface; a server does not. */
  constructor(
    afterPreface: boolean,
    private readonly listener: FrameListener,
  ) {
    this.#preface = afterPreface ? 0 : PREFACE.length;
  }

  /** The first frame came whole. */
  get begun(): boolean {
    return this.#settingsSeen;
  }

  /** Reads until `stopped()` or the end of the bytes. Throws `Http2Error` or `HpackError`: the connection is over. */
  feed(chunk: Buffer, stopped: () => boolean): void {
    let bytes = chunk;
    if (this.#partial) {
      bytes = Buffer.concat([this.#partial, chunk]);
      this.#partial = undefined;
    }
    let at = 0;
    if (this.#preface < PREFACE.length) {
      at = this.#readPreface(bytes);
      if (at < 0) return;
    }
    while (!stopped()) {
      const next: number = this.#inData ? this.#readData(bytes, at) : this.#readFrame(bytes, at);
      if (next === at) break;
      at = next;
    }
    // A copy: a few octets must not keep a whole read alive.
    if (at < bytes.length) this.#partial = Buffer.from(bytes.subarray(at));
  }

  #readPreface(bytes: Buffer): number {
    const have = Math.min(bytes.length, PREFACE.length);
    if (PREFACE.compare(bytes, 0, have, 0, have) !== 0)
      throw new Http2Error(ErrorCode.Protocol, 'The connection does not begin with the HTTP/2 preface.');
    if (have < PREFACE.length) {
      this.#partial = Buffer.from(bytes);
      return -1;
    }
    this.#preface = PREFACE.length;
    return PREFACE.length;
  }

  /** One frame from `at` if it is whole (DATA: its header). Returns where the next one begins, or `at`. */
  #readFrame(bytes: Buffer, at: number): number {
    if (bytes.length - at < FRAME_HEADER) return at;
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const id = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    if (length > DEFAULT_FRAME_SIZE) throw new Http2Error(ErrorCode.FrameSize, 'A frame is larger than 16,384 octets.');
    if (!this.#settingsSeen && type !== (FrameType.Settings as number))
      throw new Http2Error(ErrorCode.Protocol, 'The first frame is not SETTINGS.');
    if (this.#block && (type !== (FrameType.Continuation as number) || id !== this.#blockStream))
      throw new Http2Error(ErrorCode.Protocol, 'A field block is interrupted.');
    if (type === (FrameType.Data as number)) return this.#beginData(bytes, at, length, flags, id);
    const from = at + FRAME_HEADER;
    const to = from + length;
    if (bytes.length < to) return at;
    switch (type) {
      case FrameType.Headers as number:
        this.#headers(flags, id, bytes, from, to);
        break;
      case FrameType.Continuation as number:
        if (!this.#block) throw new Http2Error(ErrorCode.Protocol, 'A CONTINUATION continues nothing.');
        if (to === from) this.listener.idle();
        this.#fragment(bytes.subarray(from, to), flags);
        break;
      default:
        if (type === (FrameType.Settings as number) && (flags & ACK) === 0) this.#settingsSeen = true;
        this.listener.frame(type, flags, id, bytes, from, to);
    }
    return to;
  }

  #beginData(bytes: Buffer, at: number, length: number, flags: number, id: number): number {
    const padded = (flags & Flag.Padded) !== 0;
    if (padded && bytes.length - at < FRAME_HEADER + 1) return at;
    let padding = 0;
    if (padded) {
      padding = bytes[at + FRAME_HEADER]!;
      if (length === 0 || padding >= length)
        throw new Http2Error(ErrorCode.Protocol, 'The padding is longer than its frame.');
    }
    const overhead = padded ? padding + 1 : 0;
    this.#inData = true;
    this.#dataLeft = length - overhead;
    this.#dataPadding = padding;
    this.#dataEnds = (flags & Flag.EndStream) !== 0;
    if (length === 0 && !this.#dataEnds) this.listener.idle();
    this.listener.dataBegins(id, length, overhead);
    return at + FRAME_HEADER + (padded ? 1 : 0);
  }

  /** Payload as it comes, without waiting for the whole frame. */
  #readData(bytes: Buffer, from: number): number {
    let at = from;
    if (this.#dataLeft > 0) {
      const count = Math.min(this.#dataLeft, bytes.length - at);
      if (count === 0) return from;
      this.#dataLeft -= count;
      this.listener.data(bytes.subarray(at, at + count));
      at += count;
      if (this.#dataLeft > 0) return at;
    }
    const padding = Math.min(this.#dataPadding, bytes.length - at);
    this.#dataPadding -= padding;
    at += padding;
    if (this.#dataPadding > 0) return at;
    this.#inData = false;
    this.listener.dataEnds(this.#dataEnds);
    // Even an empty frame moved on, though no octet may have been read here.
    return at === from ? this.#readFrame(bytes, at) : at;
  }

  #headers(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0) throw new Http2Error(ErrorCode.Protocol, 'HEADERS without a stream.');
    let from = start;
    let to = end;
    if (flags & Flag.Padded) {
      const padding = bytes[from++] ?? 0;
      to -= padding;
    }
    if (flags & Flag.Priority) from += 5;
    if (from > to) throw new Http2Error(ErrorCode.Protocol, 'The padding is longer than its frame.');
    this.#block = [];
    this.#blockBytes = 0;
    this.#blockStream = id;
    this.#blockEnds = (flags & Flag.EndStream) !== 0;
    this.#fragment(bytes.subarray(from, to), flags);
  }

  #fragment(bytes: Buffer, flags: number): void {
    const block = this.#block!;
    this.#blockBytes += bytes.length;
    if (this.#blockBytes > MAX_BLOCK)
      throw new Http2Error(ErrorCode.EnhanceYourCalm, 'A field block is longer than 128 KiB.');
    const whole = (flags & Flag.EndHeaders) !== 0;
    if (!whole) {
      block.push(Buffer.from(bytes));
      return;
    }
    this.#block = undefined;
    const section = this.#decoder.decode(block.length === 0 ? bytes : Buffer.concat([...block, bytes]));
    this.listener.section(this.#blockStream, section, this.#blockEnds);
  }
}

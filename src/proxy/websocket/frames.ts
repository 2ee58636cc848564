// Frames of the WebSocket protocol (RFC 6455, 5): bytes in, pieces of frames out, and frames written. No sockets, no I/O.
// Strict: what an endpoint might read in two ways ends the connection. A piece holds the bytes as they came, so that
// what is not changed can be passed on byte for byte.
import { randomFillSync } from 'node:crypto';

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
const PONG = 0xa;

/** RFC 6455, 5.5: control frames carry at most this many bytes. */
export const MAX_CONTROL_BYTES = 125;

/** What a side did wrong. `status` is the close code it is told (RFC 6455, 7.4.1); `code` is for the flow. */
export class BadFrame extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 1002,
  ) {
    super(message);
    this.name = 'BadFrame';
  }
}

/** A part of one frame, as it arrived: the whole of a control frame, any stretch of a data frame. */
export interface FramePiece {
  readonly opcode: number;
  /** The last frame of its message. */
  readonly fin: boolean;
  /** RSV1 of this frame: with permessage-deflate, the message is compressed. Set on first frames only. */
  readonly compressed: boolean;
  /** The bytes on the wire, with the frame's head if this is its first piece. A view; not to be written to. */
  readonly raw: Buffer;
  /** The payload in `raw` without its mask: a view of `raw` where there is none, else a copy. */
  readonly payload: Buffer;
  /** No more of this frame follows. */
  readonly last: boolean;
}

interface Open {
  readonly opcode: number;
  readonly fin: boolean;
  readonly compressed: boolean;
  readonly mask: Buffer | undefined;
  readonly length: number;
  /** Payload bytes that were given out. */
  taken: number;
}

const NOTHING = Buffer.alloc(0);

export class FrameReader {
  #buffer: Buffer = NOTHING;
  #frame: Open | undefined;
  /** A message began and its last frame did not come yet. */
  #fragmented = false;

  /** `from`: which side sends; only a client masks (RFC 6455, 5.1). `deflate`: RSV1 was agreed on (RFC 7692). */
  constructor(
    private readonly from: 'client' | 'server',
    private readonly deflate: boolean,
  ) {}

  push(bytes: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes]);
  }

  /** The next piece, or undefined until more bytes are pushed. Throws `BadFrame`; the reader is of no use after that. */
  next(): FramePiece | undefined {
    let headBytes = 0;
    if (!this.#frame) {
      const head = this.#head();
      if (!head) return undefined;
      headBytes = head.bytes;
      const control = head.frame.opcode >= CLOSE;
      // A control frame is small and means something only as a whole.
      if (control && this.#buffer.length < headBytes + head.frame.length) return undefined;
      this.#frame = head.frame;
      if (!control) this.#fragmented = !head.frame.fin;
    }
    const frame = this.#frame;
    const size = Math.min(frame.length - frame.taken, this.#buffer.length - headBytes);
    if (size === 0 && headBytes === 0 && frame.taken < frame.length) return undefined;
    const raw = this.#buffer.subarray(0, headBytes + size);
    this.#buffer = this.#buffer.subarray(headBytes + size);
    const masked = raw.subarray(headBytes);
    const payload = frame.mask ? applyMask(masked, frame.mask, frame.taken) : masked;
    frame.taken += size;
    const last = frame.taken === frame.length;
    if (last) this.#frame = undefined;
    const { opcode, fin, compressed } = frame;
    if (opcode === CLOSE) checkClose(payload);
    return { opcode, fin, compressed, raw, payload, last };
  }

  /** RFC 6455, 5.2. Undefined while the head is incomplete. */
  #head(): { frame: Open; bytes: number } | undefined {
    const buffer = this.#buffer;
    if (buffer.length < 2) return undefined;
    const first = buffer[0]!;
    const second = buffer[1]!;
    const opcode = first & 0x0f;
    const fin = (first & 0x80) !== 0;
    const compressed = (first & 0x40) !== 0;
    const control = opcode >= CLOSE;
    const short = second & 0x7f;
    if (opcode > PONG || (opcode > BINARY && !control))
      throw new BadFrame('websocket-opcode', 'A frame has a reserved opcode.');
    if ((first & 0x30) !== 0 || (compressed && (!this.deflate || control || opcode === CONTINUATION)))
      throw new BadFrame('websocket-rsv', 'A frame has a reserved bit that no extension was agreed on for.');
    if (((second & 0x80) !== 0) !== (this.from === 'client'))
      throw new BadFrame(
        'websocket-mask',
        this.from === 'client' ? 'A frame of the client is not masked.' : 'A frame of the server is masked.',
      );
    if (control && (!fin || short > MAX_CONTROL_BYTES))
      throw new BadFrame('websocket-control', 'A control frame is fragmented or longer than 125 bytes.');
    if (!control && (opcode === CONTINUATION) !== this.#fragmented)
      throw new BadFrame('websocket-continuation', 'A message continues that did not begin, or begins inside another.');
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const bytes = 2 + lengthBytes + (this.from === 'client' ? 4 : 0);
    if (buffer.length < bytes) return undefined;
    const length = lengthBytes === 0 ? short : readLength(buffer, lengthBytes);
    // A copy: the buffer may be let go before the frame is over.
    const mask = this.from === 'client' ? Buffer.from(buffer.subarray(bytes - 4, bytes)) : undefined;
    return { frame: { opcode, fin, compressed, mask, length, taken: 0 }, bytes };
  }
}

/** RFC 6455, 5.2: the shortest form, and no more than a number can hold. */
function readLength(buffer: Buffer, bytes: 2 | 8): number {
  const length = bytes === 2 ? buffer.readUInt16BE(2) : buffer.readUInt32BE(2) * 2 ** 32 + buffer.readUInt32BE(6);
  if (length < (bytes === 2 ? 126 : 65_536) || length > Number.MAX_SAFE_INTEGER)
    throw new BadFrame('websocket-length', 'The length of a frame is not in its shortest form, or not possible.');
  return length;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** RFC 6455, 5.5.1 and 7.4; registered codes as of IANA's WebSocket registry. */
function checkClose(payload: Buffer): void {
  if (payload.length === 0) return;
  const status = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  const known = (status >= 1000 && status <= 1014 && ![1004, 1005, 1006].includes(status)) || status >= 3000;
  if (!known || status > 4999) throw new BadFrame('websocket-close', 'A close frame has a code that may not be sent.');
  try {
    UTF8.decode(payload.subarray(2));
  } catch {
    throw new BadFrame('websocket-close', 'The reason in a close frame is not UTF-8.', 1007);
  }
}

/** RFC 6455, 5.3: the same operation masks and unmasks. `at`: how many bytes of the frame came before. A new buffer. */
function applyMask(bytes: Buffer, mask: Buffer, at: number): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  const [a, b, c, d] = [mask[at & 3]!, mask[(at + 1) & 3]!, mask[(at + 2) & 3]!, mask[(at + 3) & 3]!];
  const whole = bytes.length & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    out[i] = bytes[i]! ^ a;
    out[i + 1] = bytes[i + 1]! ^ b;
    out[i + 2] = bytes[i + 2]! ^ c;
    out[i + 3] = bytes[i + 3]! ^ d;
  }
  for (; i < bytes.length; i++) out[i] = bytes[i]! ^ mask[(at + i) & 3]!;
  return out;
}

/** A frame without reserved bits, masked with a key that nobody can foretell (RFC 6455, 10.3) when a client sends it. */
export function writeFrame(from: 'client' | 'server', opcode: number, fin: boolean, payload: Buffer): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes + (from === 'client' ? 4 : 0));
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = (from === 'client' ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) {
    head.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    head.writeUInt32BE(length % 2 ** 32, 6);
  }
  if (from === 'server') return Buffer.concat([head, payload]);
  const mask = randomFillSync(head.subarray(head.length - 4));
  return Buffer.concat([head, applyMask(payload, mask, 0)]);
}

/** A close frame. `reason` is ASCII and short. */
export function writeClose(from: 'client' | 'server', status: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(status, 0);
  payload.write(reason, 2, 'latin1');
  return writeFrame(from, CLOSE, true, payload.subarray(0, MAX_CONTROL_BYTES));
}

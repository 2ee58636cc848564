// One direction of a WebSocket whose messages are looked at. A message is held until it is whole (up to 16 MiB), shown to
// the transform, and goes on as the frames it came in, byte for byte, when nothing in it changed. Longer ones are framed
// anew and pass in pieces. Control frames do not wait for the message around them.
//
// permessage-deflate stays as the two ends agreed on it. What changed goes on uncompressed, which a sender may choose for
// any message (RFC 7692, 6). The receiver's window then lacks what the sender's has, so with context takeover every later
// compressed message of this direction goes on uncompressed, too. We never compress: no second window that could get out
// of step, and no real value in one compressor with bytes of the agent's choosing (whose lengths would tell of it).
import type { BodyTransform, MessageTransform } from '../engine';
import { type DeflateParameters, Inflater } from './deflate';
import {
  BadFrame,
  BINARY,
  CLOSE,
  CONTINUATION,
  FrameReader,
  type FramePiece,
  MAX_CONTROL_BYTES,
  TEXT,
  writeFrame,
} from './frames';

/** Messages are seen whole up to this size, in bytes. */
export const MAX_WHOLE_BYTES = 16 * 1024 * 1024;
/** Beyond `MAX_WHOLE_BYTES`, a message that inflates to more than this many times its size is taken for a bomb. */
const MAX_EXPANSION = 100;
/** What holding a piece costs beside its bytes: many empty fragments are not free. */
const PIECE_BYTES = 256;

export interface DirectionOutput {
  send(bytes: Buffer): void;
  /** Done with what `push` returned false for. */
  idle(): void;
  /** `BadFrame`, what the transform threw, or a fault of ours. Called at most once; nothing is sent after it. */
  failed(error: unknown): void;
}

interface Message {
  readonly opcode: typeof TEXT | typeof BINARY;
  readonly compressed: boolean;
  /** The frames as they came, and the payload so far; empty once `long` is set. */
  raw: Buffer[];
  parts: Buffer[];
  held: number;
  wireBytes: number;
  payloadBytes: number;
  /** Set for a message that is too long to be held. */
  long: Pick<BodyTransform, 'push' | 'end'> | undefined;
  /** A frame of it went out already. */
  begun: boolean;
}

export class Direction {
  readonly #reader: FrameReader;
  readonly #inflater: Inflater | undefined;
  #message: Message | undefined;
  #busy = false;
  #over = false;
  /** The receiver's window is no longer the sender's. */
  #apart = false;
  #closed = false;
  #whenDone: (() => void) | undefined;

  constructor(
    private readonly from: 'client' | 'server',
    private readonly deflate: DeflateParameters | undefined,
    private readonly transform: MessageTransform,
    private readonly output: DirectionOutput,
  ) {
    this.#reader = new FrameReader(from, deflate !== undefined);
    this.#inflater = deflate && new Inflater(deflate);
  }

  /** A close frame was passed on: nothing may follow it (RFC 6455, 5.5.1). */
  get closed(): boolean {
    return this.#closed;
  }

  /** False: no more until `idle` is called. What is pushed nevertheless waits its turn. */
  push(bytes: Buffer): boolean {
    if (this.#over || this.#closed) return true;
    this.#reader.push(bytes);
    this.#run();
    return !this.#busy;
  }

  /** The sender ended. Calls `done` when all that it sent in whole messages has been passed on. */
  end(done: () => void): void {
    if (this.#busy) this.#whenDone = done;
    else done();
  }

  /** Nothing more passes, whatever is still under way. */
  stop(): void {
    this.#over = true;
    this.#message = undefined;
    this.#whenDone = undefined;
    this.#inflater?.close();
  }

  #run(): void {
    try {
      while (!this.#busy && !this.#over && !this.#closed) {
        const piece = this.#reader.next();
        if (!piece) return;
        if (piece.opcode >= CLOSE) this.#control(piece);
        else this.#data(piece);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.stop();
    this.output.failed(error);
  }

  #control({ opcode, raw, payload }: FramePiece): void {
    const passed = this.transform.control(payload);
    if (passed === payload) this.output.send(raw);
    else this.output.send(writeFrame(this.from, opcode, true, passed.subarray(0, MAX_CONTROL_BYTES)));
    if (opcode !== CLOSE) return;
    this.#closed = true;
    this.#message = undefined;
  }

  #data(piece: FramePiece): void {
    const message = (this.#message ??= {
      opcode: piece.opcode === TEXT ? TEXT : BINARY,
      compressed: piece.compressed,
      raw: [],
      parts: [],
      held: 0,
      wireBytes: 0,
      payloadBytes: 0,
      long: undefined,
      begun: false,
    });
    if (!message.long) message.raw.push(piece.raw);
    message.held += piece.raw.length + PIECE_BYTES;
    message.wireBytes += piece.raw.length;
    const last = piece.fin && piece.last;
    if (!message.compressed) {
      this.#payload(message, piece.payload);
      if (last) this.#complete(message);
      return;
    }
    this.#busy = true;
    this.#inflater!.push(piece.payload, last, (chunk) => this.#payload(message, chunk)).then(
      () => {
        this.#busy = false;
        if (this.#over) return;
        try {
          if (last) this.#complete(message);
        } catch (error) {
          this.#fail(error);
          return;
        }
        this.#run();
        this.#settled();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** After waiting: the source may go on, or it has ended and everything was passed on. */
  #settled(): void {
    if (this.#busy || this.#over) return;
    this.output.idle();
    const done = this.#whenDone;
    this.#whenDone = undefined;
    done?.();
  }

  #payload(message: Message, chunk: Buffer): void {
    if (this.#over) return;
    message.payloadBytes += chunk.length;
    if (message.payloadBytes > MAX_WHOLE_BYTES && message.payloadBytes > MAX_EXPANSION * message.wireBytes)
      throw new BadFrame('websocket-bomb', 'A compressed message grows beyond all measure.', 1009);
    if (message.long) {
      this.#emit(message, message.long.push(chunk), false);
      return;
    }
    message.parts.push(chunk);
    if (Math.max(message.payloadBytes, message.held) <= MAX_WHOLE_BYTES) return;
    const { parts } = message;
    message.long = this.transform.long(message.opcode === TEXT);
    message.raw = [];
    message.parts = [];
    for (const part of parts) this.#emit(message, message.long.push(part), false);
  }

  #complete(message: Message): void {
    this.#message = undefined;
    if (message.long) {
      this.#leave(message);
      this.#emit(message, message.long.end(), true);
      return;
    }
    const payload = message.parts.length === 1 ? message.parts[0]! : Buffer.concat(message.parts);
    const passed = this.transform.message(payload, message.opcode === TEXT);
    if (passed === payload && !(message.compressed && this.#apart)) {
      for (const raw of message.raw) this.output.send(raw);
      return;
    }
    this.#leave(message);
    this.#emit(message, passed, true);
  }

  /** This message will not enter the receiver's window. */
  #leave({ compressed }: Message): void {
    if (compressed && this.deflate?.takeover) this.#apart = true;
  }

  #emit(message: Message, payload: Buffer, fin: boolean): void {
    if (payload.length === 0 && !fin) return;
    this.output.send(writeFrame(this.from, message.begun ? CONTINUATION : message.opcode, fin, payload));
    message.begun = true;
  }
}

// Frames of WebSockets, read and written, without sockets.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BadFrame,
  BINARY,
  FrameReader,
  type FramePiece,
  TEXT,
  writeClose,
  writeFrame,
} from '../../src/proxy/websocket/frames';

const side = fc.constantFrom('client' as const, 'server' as const);

function readAll(from: 'client' | 'server', chunks: readonly Buffer[]): FramePiece[] {
  const reader = new FrameReader(from, false);
  const pieces: FramePiece[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let piece = reader.next(); piece; piece = reader.next()) pieces.push(piece);
  }
  return pieces;
}

function cut(data: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (data.length + 1)).sort((a, b) => a - b), data.length];
  return at.slice(1).map((end, i) => data.subarray(at[i], end));
}

describe('frames', () => {
  it('are read as they were written, with every byte of the wire kept, however they are cut', () => {
    const length = fc.oneof(fc.nat(10), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_001));
    fc.assert(
      fc.property(side, fc.array(length, { maxLength: 4 }), fc.array(fc.nat()), (from, lengths, places) => {
        const payloads = lengths.map((size, i) => Buffer.alloc(size, `${i} payload `));
        const wire = Buffer.concat(payloads.map((payload) => writeFrame(from, BINARY, true, payload)));
        const pieces = readAll(from, cut(wire, places));
        expect(Buffer.concat(pieces.map(({ raw }) => raw)).equals(wire)).toBe(true);
        expect(Buffer.concat(pieces.map(({ payload }) => payload)).equals(Buffer.concat(payloads))).toBe(true);
        expect(pieces.filter(({ last }) => last)).toHaveLength(lengths.length);
      }),
    );
  });

  it('of a client have masks that differ', () => {
    const masks = new Set(
      Array.from({ length: 50 }, () => writeFrame('client', TEXT, true, Buffer.alloc(0)).toString('hex')),
    );
    expect(masks.size).toBeGreaterThan(45);
  });

  it('may be anything: a piece, a wait, or a refusal', () => {
    fc.assert(
      fc.property(side, fc.array(fc.uint8Array({ maxLength: 40 })), (from, chunks) => {
        try {
          readAll(
            from,
            chunks.map((chunk) => Buffer.from(chunk)),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(BadFrame);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('that close can be read', () => {
    for (const from of ['client', 'server'] as const) {
      const [piece] = readAll(from, [writeClose(from, 1008, 'x'.repeat(200))]);
      expect(piece!.payload.readUInt16BE(0)).toBe(1008);
      expect(piece!.payload).toHaveLength(125);
    }
  });
});

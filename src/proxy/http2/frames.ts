// The frame layer of HTTP/2 in numbers (RFC 9113, sections 4, 6, 7 and 11). Nothing here holds state.

export const enum FrameType {
  Data = 0,
  Headers = 1,
  Priority = 2,
  RstStream = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  GoAway = 7,
  WindowUpdate = 8,
  Continuation = 9,
}

export const enum Flag {
  EndStream = 0x1,
  EndHeaders = 0x4,
  Padded = 0x8,
  Priority = 0x20,
}

/** The same bit as END_STREAM, on SETTINGS and PING. */
export const ACK = 0x1;

export const enum ErrorCode {
  NoError = 0,
  Protocol = 1,
  Internal = 2,
  FlowControl = 3,
  StreamClosed = 5,
  FrameSize = 6,
  RefusedStream = 7,
  Cancel = 8,
  Compression = 9,
  EnhanceYourCalm = 11,
  Http11Required = 13,
}

export const enum Setting {
  HeaderTableSize = 1,
  EnablePush = 2,
  MaxConcurrentStreams = 3,
  InitialWindowSize = 4,
  MaxFrameSize = 5,
  MaxHeaderListSize = 6,
}

export const FRAME_HEADER = 9;
/** What every receiver takes without a word (RFC 9113, 4.2), and what we take. */
export const DEFAULT_FRAME_SIZE = 16_384;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 0x7fffffff;
/** RFC 9113, 3.4. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

const NAMES: Readonly<Record<number, string>> = {
  0: 'NO_ERROR',
  1: 'PROTOCOL_ERROR',
  2: 'INTERNAL_ERROR',
  3: 'FLOW_CONTROL_ERROR',
  4: 'SETTINGS_TIMEOUT',
  5: 'STREAM_CLOSED',
  6: 'FRAME_SIZE_ERROR',
  7: 'REFUSED_STREAM',
  8: 'CANCEL',
  9: 'COMPRESSION_ERROR',
  10: 'CONNECT_ERROR',
  11: 'ENHANCE_YOUR_CALM',
  12: 'INADEQUATE_SECURITY',
  13: 'HTTP_1_1_REQUIRED',
};

/** `CANCEL`, or the number of a code that nobody registered. */
export const errorName = (code: number): string => NAMES[code] ?? `error ${code}`;

/** A frame header with room for `payload` octets behind it. */
export function frame(type: FrameType, flags: number, stream: number, payload: number): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + payload);
  writeHeader(bytes, type, flags, stream, payload);
  return bytes;
}

/** Only the header; the payload of `length` octets follows from elsewhere. */
export function frameHeader(type: FrameType, flags: number, stream: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER);
  writeHeader(bytes, type, flags, stream, length);
  return bytes;
}

function writeHeader(bytes: Buffer, type: number, flags: number, stream: number, length: number): void {
  bytes[0] = length >>> 16;
  bytes[1] = (length >>> 8) & 255;
  bytes[2] = length & 255;
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
}

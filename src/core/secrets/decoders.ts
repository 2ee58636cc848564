// What detection needs of decompressors; the proxy has them (src/proxy/codecs), as the core knows no platform.

/** A decoder that is fed synchronously. Throws when the input is malformed, or when one push would give more than the decoder's own bound. */
export interface StreamDecoder {
  push(chunk: Uint8Array): Uint8Array;
  /** The compressed stream ended; what follows is not part of it. Known at the latest with the first byte that follows. */
  readonly done: boolean;
  /** Bytes of the input that belong to it, so far. */
  readonly consumed: number;
  /** Nothing more is asked of it: it may give back memory. */
  close?(): void;
}

export interface Decoders {
  gzip(): StreamDecoder;
  /** RFC 1950 */
  zlib(): StreamDecoder;
  zstd(): StreamDecoder;
  /** RFC 1951, without a header. */
  raw(): StreamDecoder;
}

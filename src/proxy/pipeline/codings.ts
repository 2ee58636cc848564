// Content codings (RFC 9110, 8.4.1): whether the bytes of a body are what they seem. A name that nobody registered changes
// nothing: servers and tools invent such names for plain bodies, and a body that is not looked at is a way out.
import type { Fields } from '../engine';

const COMPRESSED = /(?:^|[\s,])(?:x-)?(?:gzip|deflate|br|zstd|compress)(?:[\s,;]|$)/i;

export function isCompressed({ lower, values }: Fields): boolean {
  return lower.some((name, i) => name === 'content-encoding' && COMPRESSED.test(values[i]!));
}

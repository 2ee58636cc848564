/** The payload of a chunked body (RFC 9112, 7.1), as far as it has come. */
export function dechunk(raw: Buffer): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; ;) {
    const line = raw.indexOf('\r\n', at);
    const size = parseInt(raw.toString('latin1', at, line < 0 ? at : line), 16);
    if (line < 0 || !(size > 0)) return Buffer.concat(out);
    out.push(raw.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

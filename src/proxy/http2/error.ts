// How a peer broke the rules of a whole connection (RFC 9113, 5.4.1): it ends with a GOAWAY of this code.
import type { ErrorCode } from './frames';

export class Http2Error extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'Http2Error';
  }
}

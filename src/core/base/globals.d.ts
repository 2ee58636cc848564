// The few web-standard globals that the core may use: they exist in every place it runs (Node, browser, worker).
// Anything else (process, Buffer, fetch, timers, crypto) is not for the core: see docs/architecture.md.
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: Uint8Array, options?: { stream?: boolean }): string;
}
declare class URL {
  constructor(url: string, base?: string);
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly href: string;
}
declare function atob(data: string): string;
declare function btoa(data: string): string;

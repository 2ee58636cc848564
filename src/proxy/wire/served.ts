// What the engine needs to know of a client connection that it serves, whatever protocol it carries.
import type { Exchange } from '../engine';

/** One exchange under way. */
export interface Served {
  readonly exchange: Exchange;
  /** A policy change or the end of the engine: nothing more passes, in either direction. */
  cut(code: string, message: string): void;
}

export interface ServedConnection {
  readonly relays: Iterable<Served>;
  /** For a shutdown: an idle connection ends now, a busy one after its responses. */
  drain(): void;
}

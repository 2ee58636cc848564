// The time-outs of an engine, and the words for each when it ends a request: which one it was, what that means, and the
// setting that changes it.
import type { Timeouts } from './engine';
import { WireError } from './wire/errors';

export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 15_000,
  // A model may think for minutes before it answers.
  headMs: 10 * 60_000,
  idleMs: 15 * 60_000,
  handshakeMs: 30_000,
};

const WORDS = {
  connect: (where: string, time: string) => `${where} could not be connected to within ${time}. Nothing was sent.`,
  head: (where: string, time: string) =>
    `${where} got the request and began no answer within ${time}. It may still act on it.`,
  idle: (where: string, time: string) => `No byte came from or went to ${where} for ${time}. It may still act on it.`,
} as const;

/** 504 with the code `connect-timeout`, `head-timeout` or `idle-timeout`. `where`: the upstream, or the parent proxy. */
export function timedOut(which: keyof typeof WORDS, where: string, ms: number): WireError {
  const time = ms < 1_000 ? `${ms} milliseconds` : `${ms / 1_000} seconds`;
  const message = `${WORDS[which](where, time)} This is the ${which} time-out: setting sandboxAgent.timeouts.${which}.`;
  return new WireError(`${which}-timeout`, message, 504);
}

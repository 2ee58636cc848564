// The proxy that another window or program runs for a folder: who owns it, and whether its port answers. It looks; it takes
// no lock and changes nothing.
import net from 'node:net';
import type { Level } from './api';
import { type Owner, lockOwner } from './lock';
import { readStored } from './sessionStore';
import type { StateFolder } from './stateFolder';

export interface Served {
  readonly owner: Owner;
  readonly port: number;
  readonly level: Level | undefined;
  readonly answers: boolean;
}

const PROBE_MS = 1_000;

/** Undefined when no living process owns the folder's proxy. */
export async function servedElsewhere(state: StateFolder): Promise<Served | undefined> {
  const owner = await lockOwner(state.lock);
  if (!owner) return undefined;
  const { port, level } = await readStored(state.session);
  return { owner, port, level, answers: await accepts(port) };
}

function accepts(port: number): Promise<boolean> {
  if (port <= 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS, () => end(false));
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}

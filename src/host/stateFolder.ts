// Where everything about a workspace folder lives that must not be in it: CA, vault, approved policy, tokens, journals.
// One folder a workspace folder under the XDG state directory, 0700; every file in it 0600.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileError, readIfThere, syncFolder, writeFileAtomic } from '../files/atomicFile';

export interface StateFolder {
  /** Real path of the workspace folder. */
  readonly folder: string;
  readonly directory: string;
  readonly caCertificate: string;
  readonly caKey: string;
  readonly bundle: string;
  readonly vault: string;
  readonly approvedPolicy: string;
  readonly session: string;
  readonly trust: string;
  readonly wiring: string;
  readonly lock: string;
}

/** The root of all state (XDG Base Directory; LOCALAPPDATA on Windows). */
export function stateRoot(environment: NodeJS.ProcessEnv = process.env): string {
  const xdg = environment['XDG_STATE_HOME'];
  if (xdg && path.isAbsolute(xdg)) return path.join(xdg, 'sandbox-agent');
  const local = environment['LOCALAPPDATA'];
  if (process.platform === 'win32' && local) return path.join(local, 'sandbox-agent');
  return path.join(os.homedir(), '.local', 'state', 'sandbox-agent');
}

/** Makes the folder where there is none. Rejects when it cannot be made or is open to others. */
export async function openStateFolder(folder: string, root = stateRoot()): Promise<StateFolder> {
  const real = await fs.realpath(folder);
  const directory = path.join(root, 'folders', createHash('sha256').update(real).digest('hex').slice(0, 24));
  const inWords = (error: unknown) => {
    throw fileError(error, directory);
  };
  const first = await fs.mkdir(directory, { recursive: true, mode: 0o700 }).catch(inWords);
  // New folders survive a power cut only when the folder that each stands in was synced.
  if (first !== undefined)
    for (let at = path.dirname(directory); at.length >= path.dirname(first).length; at = path.dirname(at)) {
      await syncFolder(at);
      if (at === path.dirname(at)) break;
    }
  const { mode } = await fs.stat(directory);
  if ((mode & 0o777) !== 0o700) await fs.chmod(directory, 0o700).catch(inWords);
  // For people who look, and for restore.mjs: which folder this is.
  await noteFolder(path.join(directory, 'folder.json'), `${JSON.stringify({ folder: real })}\n`);
  return stateIn(directory, real);
}

/** Whole or not at all: on a full disk the one that is there stays. */
async function noteFolder(file: string, text: string): Promise<void> {
  const now = await readIfThere(file);
  if (now?.toString('utf8') !== text) await writeFileAtomic(file, text, { mode: 0o600 });
}

/** The names of everything in it. */
export function stateIn(directory: string, folder: string): StateFolder {
  const file = (name: string) => path.join(directory, name);
  return {
    folder,
    directory,
    caCertificate: file('ca.pem'),
    caKey: file('ca-key.pem'),
    bundle: file('ca-bundle.pem'),
    vault: file('vault.jsonl'),
    approvedPolicy: file('policy.approved.yaml'),
    session: file('session.json'),
    trust: file('trust.json'),
    wiring: file('wiring.json'),
    lock: file('proxy.lock'),
  };
}

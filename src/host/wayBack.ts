// The uninstall guard: while files hold dummies, a note and a program that restores by itself lie beside the vault, so that an
// uninstalled extension leaves a way back. No values in them. Both go when everything has been given back.
import fs from 'node:fs/promises';
import path from 'node:path';
import { type FaultHook, readIfThere, writeFileAtomic } from '../files/atomicFile';

export const NOTE = 'READ-ME-TO-RESTORE.txt';
export const PROGRAM = 'restore.mjs';

export interface WayBackDeps {
  /** The state folder. */
  readonly directory: string;
  /** Real path. */
  readonly folder: string;
  /** dist/restore.mjs, absolute; undefined or missing: the note alone is written. */
  readonly script: string | undefined;
  readonly fault?: FaultHook;
}

/** Before the first file changes. Rejects with `FileError`: without a way back nothing is swapped. */
export async function writeWayBack({ directory, folder, script, fault }: WayBackDeps): Promise<void> {
  const program = script === undefined ? undefined : await readIfThere(script);
  const write = async (name: string, bytes: Uint8Array | string) => {
    const file = path.join(directory, name);
    const now = await readIfThere(file);
    if (now?.equals(Buffer.from(bytes)) === true) return;
    await writeFileAtomic(file, bytes, { mode: 0o600, ...(fault ? { fault } : {}) });
  };
  if (program) await write(PROGRAM, program);
  await write(NOTE, note(directory, folder, program !== undefined));
}

/** Everything was given back. What cannot be removed does no harm. */
export async function removeWayBack(directory: string): Promise<void> {
  for (const name of [NOTE, PROGRAM]) await fs.rm(path.join(directory, name), { force: true }).catch(() => undefined);
}

function note(directory: string, folder: string, withProgram: boolean): string {
  const steps = withProgram
    ? `To get them back without Sandbox Agent (Node.js 20 or newer is enough):

    node "${path.join(directory, PROGRAM)}"

If the folder was moved meanwhile, say where it is now:

    node "${path.join(directory, PROGRAM)}" "/where/it/is/now"

If you had encrypted the vault, you are asked for your recovery code.
`
    : `To get them back, install Sandbox Agent and run "Restore Real Values", or on the command line:

    sandbox-agent restore "${folder}"
`;
  return `Sandbox Agent: do not delete this folder yet.

In the .env files of

    ${folder}

some secrets are dummies. The real values are in the file vault.jsonl beside this note, and
perhaps nowhere else.

${steps}
Afterwards this note is gone, and this folder may be deleted.
`;
}

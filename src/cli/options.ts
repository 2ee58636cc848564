// What the commands share: help, usage errors, opening a folder's session.
import fs from 'node:fs/promises';
import path from 'node:path';
import { FolderSession } from '../host/folderSession';
import { RECOVERY_CODE, secretFrom } from './prompt';

export class UsageError extends Error {}

export const HELP = `sandbox-agent: keeps secrets out of the reach of coding agents, and shows and limits what they send.

  proxy --listen HOST:PORT --state DIR --policy FILE [--secrets FILE] [--no-auth] [--flows FILE.jsonl]
                                    the proxy alone; SIGHUP reloads policy and secrets, SIGTERM drains and ends;
                                    --no-auth only on a loopback address
  scan [DIR]                        the .env files and what would be swapped
  protect [DIR] [--yes] [--all] [--stores]
                                    swap the ticked values (all with --all) for dummies; with --stores also those of
                                    ~/.netrc, ~/.npmrc and gh, which programs of every folder read
  restore [DIR]                     give the real values back
  run [--dir DIR] [--label NAME] [--approve-policy] -- CMD…
                                    protect, start the proxy, run CMD through it, stop, restore
  run --real [--dir DIR] -- CMD…    no proxy: CMD gets the real values as its environment, those of the env files of the
                                    folder it runs in (.env.local before .env; none of production)
  run --restore [--dir DIR] -- CMD… for programs that read the env files themselves: the files hold the real values while CMD
                                    runs, and their dummies again afterwards
  check METHOD URL [--policy FILE] [--agent LABEL] [-H HEADER]
                                    what the policy says, and why; headers are not matched in this version
  test [--policy FILE]              run the policy's tests
  doctor [DIR]                      what is wired and what is not, each line with its fix
  vault status [DIR]                where the real values are, and whether they are encrypted
  vault new-code                    a recovery code, for where nobody can be asked; keep it before you use it
  vault encrypt [DIR]               encrypt the vault; shows a recovery code and goes on when you have typed it back
  vault decrypt [DIR]               store it as plain text again (mode 0600)
  vault export FILE [DIR]           the vault in one encrypted file, for another machine or a backup
  vault import FILE [DIR]           add what such a file holds; what is here stays
  rotate NAME [DIR] [--reason TEXT] a new value (typed, or by standard input) behind the same dummy; the old one is
                                    never injected any more, but still looked for
  rotate NAME [DIR] --mark --reason TEXT
                                    only mark it: it was seen leaking, and is to be rotated
  bind NAME --host H --in PLACE [DIR]
                                    its real value may go to this host too, in this place: header:NAME, basic, query:NAME,
                                    path, body:NAME or websocket; written into the policy
  trust --host H HASH [DIR]         let a credential that is not managed here through to one host; HASH is what a blocked
                                    request is shown with, by "run" at its end and in the flow
  trust --list [DIR]                what is trusted, where and since when
  trust --remove HASH [DIR]         trust it no more

  Recovery code and passphrase are asked for, or taken from the environment variables SANDBOX_AGENT_RECOVERY_CODE and
  SANDBOX_AGENT_PASSPHRASE; never from an argument, which other programs can read.

  --json prints one JSON document. Exit codes: 0 done, 1 the answer is no, 2 wrong use.
`;

/** Beside this file when built: dist/. */
export const distFile = (name: string) => path.join(__dirname, name);

/** Throws `UsageError` where there is no such folder. */
export async function openSession(folder: string): Promise<FolderSession> {
  const stat = await fs.stat(folder).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'ENOENT'
        ? `There is no folder ${folder}. Nothing was done.`
        : `The folder ${folder} cannot be read (${code ?? 'unknown'}). Nothing was done.`,
    );
  });
  if (!stat.isDirectory()) throw new UsageError(`${folder} is not a folder. Nothing was done.`);
  const session = new FolderSession({
    folder: path.resolve(folder),
    proxyScript: distFile('proxy.js'),
    preloadScript: distFile('preload.cjs'),
    keys: {
      recoveryCode: () => secretFrom(RECOVERY_CODE, 'Recovery code of the vault of this folder: '),
    },
    what: 'command line',
  });
  await session.open();
  return session;
}

export const out = (text: string) => void process.stdout.write(`${text}\n`);
export const note = (text: string) => void process.stderr.write(`${text}\n`);
export const json = (value: unknown) => out(JSON.stringify(value, undefined, 2));

/** Asks on the terminal; without one the answer is no. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question} [y/N] `);
  lines.close();
  return /^y(?:es)?$/i.test(answer.trim());
}

// Secrets that a person gives to a command: typed at a prompt that shows nothing, in an environment variable, or by standard
// input. Never an argument, which every program of the machine can read.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

export const RECOVERY_CODE = 'SANDBOX_AGENT_RECOVERY_CODE';
export const PASSPHRASE = 'SANDBOX_AGENT_PASSPHRASE';

/** Of the variable, or typed; undefined where there is neither. */
export async function secretFrom(variable: string, question: string): Promise<string | undefined> {
  const given = process.env[variable];
  if (given !== undefined && given !== '') return given;
  return process.stdin.isTTY ? typed(question) : undefined;
}

/** Typed without being shown. On a terminal only. */
export async function typed(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  // Only now, when the terminal has stopped to show what is typed.
  process.stderr.write(question);
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

/** Typed, or where there is no terminal all of standard input without its last line end. */
export async function typedOrPiped(question: string): Promise<string> {
  if (process.stdin.isTTY) return typed(question);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

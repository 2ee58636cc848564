// restore.mjs, the program that lies beside a vault while files hold dummies: gives the real values back without the extension
// and without the command line. `node restore.mjs [FOLDER]`; bundled alone, it needs nothing but Node 20.
import fs from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { restoreFolder } from './restore';
import { stateIn } from './stateFolder';
import { Vault } from './vault';

const VARIABLE = 'SANDBOX_AGENT_RECOVERY_CODE';
const say = (text: string) => void process.stdout.write(`${text}\n`);

async function recoveryCode(): Promise<string | undefined> {
  const given = process.env[VARIABLE];
  if (given || !process.stdin.isTTY) return given;
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write('Recovery code of the vault: ');
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

async function main(): Promise<number> {
  const directory = path.dirname(fileURLToPath(import.meta.url));
  const told = process.argv[2];
  const noted = JSON.parse(await fs.readFile(path.join(directory, 'folder.json'), 'utf8')) as { folder: string };
  const folder = await fs.realpath(told ?? noted.folder).catch(() => {
    throw new Error(
      `The folder ${told ?? noted.folder} is not there. Nothing was changed; if it was moved, say where it is: node restore.mjs FOLDER`,
    );
  });
  const vault = await Vault.open(stateIn(directory, folder), undefined, { recoveryCode });
  const { restored, merged, failed } = await restoreFolder({ folder, vault });
  for (const file of restored) say(`restored ${file}`);
  for (const file of merged) say(`restored ${file}, keeping the edits made since`);
  for (const { file, reason } of failed) process.stderr.write(`not wholly restored: ${file}: ${reason}\n`);
  if (restored.length + merged.length + failed.length === 0) say('Nothing was swapped.');
  return failed.length > 0 ? 1 : 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`restore: ${(error as Error).message}\n`);
    process.exitCode = 1;
  },
);

// vault: whether the real values are encrypted, switching that, and taking them to another machine. The recovery code is shown
// on a terminal or printed when it is asked for, and nowhere else.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeRecoveryCode } from '../host/recoveryCode';
import { json, note, openSession, out, UsageError } from './options';
import { PASSPHRASE, RECOVERY_CODE, secretFrom, typed } from './prompt';

interface Call {
  readonly positionals: readonly string[];
  readonly asJson: boolean;
}

const USE = 'vault status|encrypt|decrypt [DIR], vault export|import FILE [DIR], vault new-code';

const COMMANDS: Readonly<Record<string, (call: Call) => Promise<number>>> = {
  status,
  'new-code': newCode,
  encrypt,
  decrypt,
  export: exportCommand,
  import: importCommand,
};

export async function vaultCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' } },
    allowPositionals: true,
  });
  const [name = '', ...rest] = positionals;
  const command = COMMANDS[name];
  if (!command) throw new UsageError(USE);
  return command({ positionals: rest, asJson: values.json === true });
}

/** The folder is the last and only argument left. */
function folderOf(positionals: readonly string[]): string {
  if (positionals.length > 1) throw new UsageError('One folder at a time.');
  return positionals[0] ?? '.';
}

async function status({ positionals, asJson }: Call): Promise<number> {
  const session = await openSession(folderOf(positionals));
  try {
    const found = await session.vault.status();
    if (asJson) json(found);
    else {
      out(`${found.file}: ${found.encrypted ? 'encrypted' : 'not encrypted, mode 0600'}`);
      out(`${found.secrets} secrets, ${found.revoked} revoked values; files with dummies: ${list(found.files)}`);
    }
    return 0;
  } finally {
    session.dispose();
  }
}

const list = (files: readonly string[]) => (files.length > 0 ? files.join(', ') : 'none');

function newCode({ positionals }: Call): Promise<number> {
  if (positionals.length > 0) throw new UsageError('vault new-code has no arguments.');
  out(makeRecoveryCode());
  return Promise.resolve(0);
}

async function encrypt({ positionals, asJson }: Call): Promise<number> {
  const session = await openSession(folderOf(positionals));
  try {
    const given = process.env[RECOVERY_CODE] || undefined;
    if (given === undefined && !process.stdin.isTTY) {
      note(
        `The vault stays as it was: there is nobody to show the recovery code to. Make one with "sandbox-agent vault new-code", keep it, and set ${RECOVERY_CODE} to it.`,
      );
      return 1;
    }
    const pending = session.vault.prepareEncryption(given);
    if (given === undefined) {
      note(`\n    ${pending.code}\n`);
      note('This is the recovery code. Without it the values cannot be read any more: write it down, away from here.');
    }
    await pending.confirm(given ?? (await typed('Type it to switch encryption on: ')));
    if (asJson) json({ encrypted: true });
    else out('The vault is encrypted. Every command on this folder asks for the recovery code from now on.');
    return 0;
  } finally {
    session.dispose();
  }
}

async function decrypt({ positionals, asJson }: Call): Promise<number> {
  const session = await openSession(folderOf(positionals));
  try {
    await session.vault.decrypt();
    if (asJson) json({ encrypted: false });
    else out('The vault is not encrypted any more: a plain file that only you can read (mode 0600).');
    return 0;
  } finally {
    session.dispose();
  }
}

async function exportCommand({ positionals, asJson }: Call): Promise<number> {
  const { file, folder } = fileAndFolder(positionals);
  const session = await openSession(folder);
  try {
    const given = process.env[PASSPHRASE] || undefined;
    const passphrase = await passphraseFor(`Passphrase for ${path.basename(file)}: `);
    if (given === undefined && (await typed('The same again: ')) !== passphrase) {
      note('The two are not the same. Nothing was written.');
      return 1;
    }
    await session.vault.export(file, passphrase);
    if (asJson) json({ exported: file });
    else out(`${file} holds the vault, encrypted. Who has it and the passphrase has the values.`);
    return 0;
  } finally {
    session.dispose();
  }
}

async function importCommand({ positionals, asJson }: Call): Promise<number> {
  const { file, folder } = fileAndFolder(positionals);
  const session = await openSession(folder);
  try {
    const report = await session.vault.import(file, await passphraseFor(`Passphrase of ${path.basename(file)}: `));
    if (asJson) json(report);
    else {
      out(`${report.added.length} secrets came in, ${report.known} were here already.`);
      for (const { name, as } of report.renamed)
        out(`${name} has another value here: that of the file is ${as}, and both are kept.`);
      for (const { name, reason } of report.refused) note(`not taken in: ${name}: ${reason}`);
    }
    return report.refused.length > 0 ? 1 : 0;
  } finally {
    session.dispose();
  }
}

function fileAndFolder([file, ...rest]: readonly string[]): { file: string; folder: string } {
  if (file === undefined) throw new UsageError('vault export|import FILE [DIR]: which file?');
  return { file: path.resolve(file), folder: folderOf(rest) };
}

async function passphraseFor(question: string): Promise<string> {
  const passphrase = await secretFrom(PASSPHRASE, question);
  if (passphrase === undefined)
    throw new UsageError(`There is nobody to ask for the passphrase: set ${PASSPHRASE}. Nothing was done.`);
  return passphrase;
}

// vault: whether the real values are encrypted, and switching that. The recovery code is shown on a terminal or printed when it
// is asked for, and nowhere else.
import { parseArgs } from 'node:util';
import { makeRecoveryCode } from '../host/recoveryCode';
import { json, note, openSession, out, UsageError } from './options';
import { RECOVERY_CODE, typed } from './prompt';

interface Call {
  readonly positionals: readonly string[];
  readonly asJson: boolean;
}

const USE = 'vault status|new-code|encrypt|decrypt [DIR]';

const COMMANDS: Readonly<Record<string, (call: Call) => Promise<number>>> = {
  status,
  'new-code': newCode,
  encrypt,
  decrypt,
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

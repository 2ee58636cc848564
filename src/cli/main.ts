// The command line: arguments to services of host/, results to text or JSON. Exit codes: 0 done, 1 the answer is no, 2 wrong
// use. Nothing prints a real value.
import { bindCommand } from './bind';
import { checkCommand, testCommand } from './check';
import { doctorCommand, protectCommand, restoreCommand, scanCommand } from './folder';
import { HELP, json, UsageError } from './options';
import { proxyCommand } from './proxy';
import { rotateCommand } from './rotate';
import { runCommand } from './run';
import { trustCommand } from './trust';
import { vaultCommand } from './vault';

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  bind: bindCommand,
  check: checkCommand,
  doctor: doctorCommand,
  protect: protectCommand,
  proxy: proxyCommand,
  restore: restoreCommand,
  rotate: rotateCommand,
  run: runCommand,
  scan: scanCommand,
  test: testCommand,
  trust: trustCommand,
  vault: vaultCommand,
};

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(HELP);
    return name === undefined ? 2 : 0;
  }
  if (name === 'flows')
    throw new UsageError('"flows" is not in this version. "proxy --flows FILE" records flows as JSON lines.');
  const command = COMMANDS[name];
  if (!command) throw new UsageError(`There is no command "${name}".`);
  return command(args);
}

// Whoever reads us may stop reading (`| head`): that is no failure, and must not leave a swap or a proxy half way.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

const args = process.argv.slice(2);

main(args).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const usage =
      error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
    const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
    if (own.includes('--json')) json({ error: (error as Error).message });
    process.stderr.write(`sandbox-agent: ${(error as Error).message}\n${usage ? 'See "sandbox-agent --help".\n' : ''}`);
    process.exitCode = usage ? 2 : 1;
  },
);

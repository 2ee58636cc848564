// A process that protects or restores a folder and kills itself at the n-th file operation. Built and forked by the crash
// tests. argv: what, folder, state root, n.
import { randomBytes } from 'node:crypto';
import { Protector } from '../../src/host/protect';
import { restoreFolder } from '../../src/host/restore';
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';

const [what, folder, root, at] = process.argv.slice(2) as [string, string, string, string];
let count = 0;
const fault = () => {
  if (++count === Number(at)) process.kill(process.pid, 'SIGKILL');
};

async function main(): Promise<void> {
  const state = await openStateFolder(folder, root);
  const vault = await Vault.open(state, fault);
  const deps = { folder: state.folder, vault, environment: {}, restoreScript: process.env['RESTORE_SCRIPT'], fault };
  if (what === 'protect') {
    const protector = new Protector(deps);
    const scan = await protector.scan();
    const report = await protector.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
    for (const { file, reason } of report.refused)
      process.stdout.write(`refused ${file ?? 'environment'}: ${reason}\n`);
  } else await restoreFolder(deps);
  process.stdout.write(`operations ${count} ${randomBytes(1).length}\n`);
}

void main();

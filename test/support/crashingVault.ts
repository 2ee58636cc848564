// A process that changes the vault of a folder and kills itself at the n-th file operation. Built and forked by the vault
// tests. argv: what, folder, state root, n. The code, passphrase or new value comes in the environment variable GIVEN; keys
// are kept in the file of the environment variable STORE.
import { openStateFolder } from '../../src/host/stateFolder';
import { Vault } from '../../src/host/vault';
import { FileKeyStore } from './fileKeyStore';
import { vaultAction } from './vaultActions';

const [what, folder, root, at] = process.argv.slice(2) as [string, string, string, string];
const given = process.env['GIVEN'] ?? '';
let count = 0;
const fault = () => {
  if (++count === Number(at)) process.kill(process.pid, 'SIGKILL');
};

async function main(): Promise<void> {
  const state = await openStateFolder(folder, root);
  const vault = await Vault.open(state, fault, {
    ...(process.env['STORE'] ? { store: new FileKeyStore(process.env['STORE']) } : {}),
    recoveryCode: () => Promise.resolve(given),
  });
  await vaultAction(what, state.folder, vault, given, fault);
  process.stdout.write(`operations ${count}\n`);
}

void main();

// A session on a folder that this process may not write, started and stopped. Built and run as another user by the session
// tests. argv: folder, state root, dist/proxy.js. Prints one JSON document.
import { FolderSession } from '../../src/host/folderSession';

const [folder, stateRoot, proxyScript] = process.argv.slice(2) as [string, string, string];

async function main(): Promise<void> {
  const session = new FolderSession({
    folder,
    proxyScript,
    preloadScript: undefined,
    environment: {},
    stateRoot,
    home: stateRoot,
    what: 'a test',
  });
  const notices: string[] = [];
  session.onDidNotice(({ message }) => notices.push(message));
  await session.open();
  await session.start({ level: 'routed', claudeSettings: 'local', confinedChain: 'proxy' });
  const { state } = session;
  const { policy, pending } = session.policy.state;
  const refused = await session.policy
    .write('version: 1\nmode: enforce\nrules: []\n')
    .catch((error: unknown) => (error as Error).message);
  const after = session.policy.state.policy.mode;
  await session.stop();
  session.dispose();
  process.stdout.write(JSON.stringify({ state, notices, mode: policy.mode, pending, refused, after }));
}

void main();

// `npm start`: builds, makes a demo workspace with a local API, opens VS Code on it with the extension.
// `-- DIR` opens a folder. `-- --no-editor` does the whole job in the terminal, one line per flow, and ends with code 0 only
// if every flow ended as it should and the files are what they were.
import { buildAll, ensureDependencies } from './setup.mjs';

await ensureDependencies();
await buildAll();
const args = process.argv.slice(2);
if (args.includes('--no-editor')) {
  const { runInTerminal } = await import('./startTerminal.mjs');
  process.exitCode = await runInTerminal();
} else {
  const { openEditor } = await import('./vscodeServer.mjs');
  const given = args.find((arg) => !arg.startsWith('-'));
  if (given) await openEditor({ folder: given });
  else {
    const { makeDemo } = await import('./demo.mjs');
    const demo = await makeDemo();
    console.log(`Demo workspace: ${demo.folder}\nDemo API: ${demo.url}`);
    await openEditor({ folder: demo.folder, environment: { NODE_EXTRA_CA_CERTS: demo.caFile } });
  }
}

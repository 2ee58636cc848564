// Tells when another process wrote the vault of a folder (a command line protected or restored) or its list of trusted
// credentials, so that a running proxy does not go on with what held yesterday. Best effort: every scan reads the vault again.
import fs from 'node:fs';
import path from 'node:path';
import type { Disposable } from '../core/base/disposable';

const QUIET_MS = 100;

export function watchVault(vaultFile: string, changed: () => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let watcher: fs.FSWatcher | undefined;
  try {
    // The folder, not the file: the file is replaced when it is written anew.
    watcher = fs.watch(path.dirname(vaultFile), { persistent: false }, (_, name) => {
      if (name !== null && name !== path.basename(vaultFile)) return;
      clearTimeout(timer);
      timer = setTimeout(changed, QUIET_MS);
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // No watches left on this system.
  }
  return {
    dispose: () => {
      clearTimeout(timer);
      watcher?.close();
    },
  };
}

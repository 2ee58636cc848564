// A session on a test's folder, with the proxy that was built: not opened yet.
import path from 'node:path';
import { FolderSession } from '../../src/host/folderSession';
import type { TestWorkspace } from './workspace';

export function sessionOf({ folder, stateRoot, base }: TestWorkspace): FolderSession {
  return new FolderSession({
    folder,
    proxyScript: path.join(import.meta.dirname, '../../dist/proxy.js'),
    preloadScript: undefined,
    environment: {},
    stateRoot,
    home: base,
    what: 'a test',
  });
}

// Programs on the PATH, found without running anything.
import fs from 'node:fs/promises';
import path from 'node:path';

/** Absolute path of an executable, or undefined. */
export async function findProgram(name: string, searchPath = process.env['PATH'] ?? ''): Promise<string | undefined> {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', ''] : [''];
  for (const directory of searchPath.split(path.delimiter)) {
    for (const ending of endings) {
      const file = path.join(directory, name + ending);
      const stat = directory === '' ? undefined : await fs.stat(file).catch(() => undefined);
      if (
        stat?.isFile() &&
        (await fs.access(file, fs.constants.X_OK).then(
          () => true,
          () => false,
        ))
      )
        return file;
    }
  }
  return undefined;
}

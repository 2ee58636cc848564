// An append-only file of JSON lines, synced after each: a journal. A torn last line (power cut, kill) is as if never written.
import fs from 'node:fs/promises';
import path from 'node:path';
import { type FaultHook, readIfThere, syncFolder, writeFileAtomic } from './atomicFile';

export class JsonLog<T> {
  constructor(
    readonly file: string,
    private readonly fault: FaultHook = () => undefined,
  ) {}

  /** All whole records in order. A damaged line that is not the last one throws: something else wrote there. */
  async read(): Promise<T[]> {
    const text = (await readIfThere(this.file))?.toString('utf8') ?? '';
    const lines = text.split('\n');
    const torn = lines.pop() !== '';
    return lines.map((line, i) => {
      try {
        return JSON.parse(line) as T;
      } catch {
        throw new Error(
          `Line ${i + 1} of ${this.file} is damaged. The file was left as it is${torn ? ', its last line is torn' : ''}.`,
        );
      }
    });
  }

  /** Durable when it resolves. */
  async append(...records: readonly T[]): Promise<void> {
    await this.fault('log-open');
    const handle = await fs.open(this.file, 'a+', 0o600);
    try {
      // A torn line from before must not swallow this one.
      const { size } = await handle.stat();
      let repair = 0;
      if (size > 0) {
        const last = Buffer.alloc(1);
        await handle.read(last, 0, 1, size - 1);
        if (last[0] !== 10) repair = await this.#tornBytes();
      }
      if (repair > 0) await handle.truncate(size - repair);
      await this.fault('log-write');
      await handle.writeFile(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      await this.fault('log-sync');
      await handle.sync();
      if (size > 0) return;
    } finally {
      await handle.close();
    }
    // A new file: its name is in the folder for good only when the folder was synced too.
    await this.fault('log-sync-folder');
    await syncFolder(path.dirname(this.file));
  }

  async #tornBytes(): Promise<number> {
    const bytes = (await readIfThere(this.file)) ?? Buffer.alloc(0);
    return bytes.length - (bytes.lastIndexOf(10) + 1);
  }

  /** Replaces the whole log. */
  async rewrite(records: readonly T[]): Promise<void> {
    await writeFileAtomic(this.file, records.map((record) => `${JSON.stringify(record)}\n`).join(''), {
      mode: 0o600,
      fault: this.fault,
    });
  }
}

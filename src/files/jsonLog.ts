// An append-only file of JSON lines, synced after each: a journal. A torn last line (power cut, kill) is as if never written.
// How a record becomes a line is a codec's (plain JSON, or sealed); the first line may be the codec's own.
import fs from 'node:fs/promises';
import path from 'node:path';
import { type FaultHook, fileError, readIfThere, syncFolder, writeFileAtomic } from './atomicFile';

export interface LineCodec<T> {
  /** The first line of the file; undefined: the first record is. */
  readonly head: string | undefined;
  /** `line`: from 0, the head counted. */
  encode(record: T, line: number): string;
  /** Throws for what `encode` did not write at this line. */
  decode(text: string, line: number): T;
}

export function plainLines<T>(): LineCodec<T> {
  return {
    head: undefined,
    encode: (record) => JSON.stringify(record),
    decode: (text) => JSON.parse(text) as T,
  };
}

export interface JsonLogOptions<T> {
  readonly fault?: FaultHook;
  /** By the first line as it stands in the file, whole or torn; undefined: no file, or an empty one. */
  readonly codecFor?: (first: string | undefined, torn: boolean) => Promise<LineCodec<T>>;
}

export class JsonLog<T> {
  readonly #fault: FaultHook;
  readonly #codecFor: NonNullable<JsonLogOptions<T>['codecFor']>;
  #codec: LineCodec<T> = plainLines<T>();
  /** Whole lines in the file; undefined: not known, a write failed half way. */
  #lines: number | undefined = 0;

  constructor(
    readonly file: string,
    { fault = () => undefined, codecFor = () => Promise.resolve(plainLines<T>()) }: JsonLogOptions<T> = {},
  ) {
    this.#fault = fault;
    this.#codecFor = codecFor;
  }

  /** All whole records in order. A damaged line that is not the last one throws: something else wrote there. */
  async read(): Promise<T[]> {
    const text = (await readIfThere(this.file))?.toString('utf8') ?? '';
    const lines = text.split('\n');
    const rest = lines.pop()!;
    const torn = rest !== '';
    const codec = await this.#codecFor(lines[0] ?? (torn ? rest : undefined), lines.length === 0);
    this.#codec = codec;
    this.#lines = lines.length;
    const from = codec.head === undefined ? 0 : 1;
    return lines.slice(from).map((line, i) => {
      try {
        return codec.decode(line, i + from);
      } catch {
        throw new Error(
          `Line ${i + from + 1} of ${this.file} is damaged. The file was left as it is${torn ? ', its last line is torn' : ''}, and nothing is swapped or restored from it; put back a copy from a backup, or take the line out where you know what it was.`,
        );
      }
    });
  }

  /** Durable when it resolves. Throws `FileError`; then the records are not in the file. */
  async append(...records: readonly T[]): Promise<void> {
    try {
      await this.#append(records);
    } catch (error) {
      throw fileError(error, this.file);
    }
  }

  async #append(records: readonly T[]): Promise<void> {
    await this.#fault('log-open');
    const handle = await fs.open(this.file, 'a+', 0o600);
    try {
      // A torn line from before must not swallow this one.
      let { size } = await handle.stat();
      if (size > 0) {
        const last = Buffer.alloc(1);
        await handle.read(last, 0, 1, size - 1);
        const repair = last[0] === 10 ? 0 : await this.#tornBytes();
        if (repair > 0) await handle.truncate((size -= repair));
      }
      const first = this.#lines ?? (await this.#countLines());
      const lines = records.map((record, i) => `${this.#codec.encode(record, first + i)}\n`);
      try {
        await this.#fault('log-write');
        await handle.writeFile(lines.join(''));
        await this.#fault('log-sync');
        await handle.sync();
      } catch (error) {
        // Whole lines of it may be there: as if never written, or counted anew.
        this.#lines = await handle.truncate(size).then(
          () => first,
          () => undefined,
        );
        throw error;
      }
      this.#lines = first + records.length;
      if (size > 0) return;
    } finally {
      await handle.close();
    }
    // A new file: its name is in the folder for good only when the folder was synced too.
    await this.#fault('log-sync-folder');
    await syncFolder(path.dirname(this.file));
  }

  async #tornBytes(): Promise<number> {
    const bytes = (await readIfThere(this.file)) ?? Buffer.alloc(0);
    return bytes.length - (bytes.lastIndexOf(10) + 1);
  }

  async #countLines(): Promise<number> {
    return ((await readIfThere(this.file))?.toString('latin1') ?? '').split('\n').length - 1;
  }

  /** Replaces the whole log, from here on in the given codec. Throws `FileError`; then the old one is there. */
  async rewrite(records: readonly T[], codec = this.#codec): Promise<void> {
    const from = codec.head === undefined ? 0 : 1;
    const lines = [
      ...(codec.head === undefined ? [] : [codec.head]),
      ...records.map((record, i) => codec.encode(record, i + from)),
    ];
    await writeFileAtomic(this.file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600, fault: this.#fault });
    this.#codec = codec;
    this.#lines = lines.length;
  }
}

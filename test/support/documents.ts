// Unsaved texts as an editor holds them, for tests without one: by file, absolute.
import { writeFileSync } from 'node:fs';
import type { OpenDocuments } from '../../src/host/openDocuments';

export class TestDocuments implements OpenDocuments {
  readonly texts = new Map<string, string>();
  /** Called before each replacement. */
  beforeReplace: (file: string) => void = () => undefined;

  unsaved(file: string): Uint8Array | undefined {
    const text = this.texts.get(file);
    return text === undefined ? undefined : Buffer.from(text);
  }

  replace(file: string, before: Uint8Array, after: Uint8Array): Promise<void> {
    this.beforeReplace(file);
    if (this.texts.get(file) !== Buffer.from(before).toString())
      return Promise.reject(new Error('the text was changed meanwhile'));
    this.texts.set(file, Buffer.from(after).toString());
    return Promise.resolve();
  }

  save(file: string): void {
    const text = this.texts.get(file)!;
    this.texts.delete(file);
    writeFileSync(file, text);
  }
}

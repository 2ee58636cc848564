// A key store in a file, for processes that are killed: what the editor's secret storage is to the extension.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { KeyStore } from '../../src/host/vaultCipher';

export class FileKeyStore implements KeyStore {
  constructor(private readonly file: string) {}

  get #all(): Record<string, string> {
    return existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, string>) : {};
  }

  get size(): number {
    return Object.keys(this.#all).length;
  }

  async get(id: string): Promise<string | undefined> {
    return this.#all[id];
  }

  async set(id: string, key: string): Promise<void> {
    writeFileSync(this.file, JSON.stringify({ ...this.#all, [id]: key }), { mode: 0o600 });
  }

  async delete(id: string): Promise<void> {
    const left = Object.entries(this.#all).filter(([key]) => key !== id);
    if (existsSync(this.file)) writeFileSync(this.file, JSON.stringify(Object.fromEntries(left)));
  }
}

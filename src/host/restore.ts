// The way back: real values into every file where their dummies stand, and what a crash left half done. A value leaves the
// vault only when it was seen to stand in a file again; one whose dummy is gone stays, and is reported.
import fs from 'node:fs/promises';
import path from 'node:path';
import { restoreBytes } from '../core/env/splice';
import { fromBinary } from '../core/base/bytes';
import {
  FileError,
  type FaultHook,
  isWithin,
  readIfThere,
  realPathOf,
  temporaryFor,
  writeFileAtomic,
} from '../files/atomicFile';
import type { RestoreReport } from './api';
import { findEnvFiles } from './envFiles';
import type { OpenDocuments } from './openDocuments';
import { boundsOf, keepStores, placeOf } from './stores';
import { type Loan, type Vault, type VaultFile, type VaultPair, sha256 } from './vault';
import { removeWayBack } from './wayBack';

export interface RestoreDeps {
  /** Real path. */
  readonly folder: string;
  readonly vault: Vault;
  readonly documents?: OpenDocuments | undefined;
  /** Only for a while: the vault keeps everything, and the dummies go back with `Protector.takeBack`. */
  readonly lend?: Pick<Loan, 'owner' | 'until'>;
  readonly fault?: FaultHook;
}

/** Finishes or takes back what a crash interrupted. Called with the vault's lock held. */
export async function settle({ folder, vault }: Pick<RestoreDeps, 'folder' | 'vault'>): Promise<void> {
  for (const open of vault.unsettled) {
    if (open.temporary !== undefined) await fs.rm(open.temporary, { force: true });
    const bytes = await readIfThere(placeOf(folder, open.file));
    // Only where every value is seen to stand in the file did the swap not happen.
    const intact =
      bytes !== undefined &&
      (sha256(bytes) === open.before ||
        open.pairs.every(({ dummy, raw }) => holds(bytes, raw) && !bytes.includes(dummy)));
    await (intact ? vault.abort(open.file) : vault.end(open.file));
  }
  for (const [file, temporary] of [...vault.leftovers]) {
    await fs.rm(temporary, { force: true });
    await vault.given(file);
  }
  await vault.removeTemporaries();
}

const NOTHING = new Uint8Array();

/** Said where something must wait until the dummies are back. */
export const LENT =
  'The real values of this folder are in its files for a while (Restore for a While, or "run --restore"). Nothing was changed; put the dummies back first, or use Restore to keep the real values there.';

const UNSAVED =
  'it is open with unsaved changes: its real values are back in the editor, and the file itself holds dummies until it is saved. Save it, then run Restore again; until then the vault keeps the values';

/** Gives every file its real values back. What fails, or finds no place any more, keeps its entries in the vault. */
export async function restoreFolder({ folder, vault, documents, lend, fault }: RestoreDeps): Promise<RestoreReport> {
  const restored: string[] = [];
  const merged: string[] = [];
  const failed: { file: string; reason: string }[] = [];
  const unsaved: string[] = [];
  await vault.exclusively('restore', async () => {
    await settle({ folder, vault });
    const entries = vault.files;
    const everyPair = entries.flatMap(({ pairs }) => pairs);
    // Files that were swapped, and env files that a dummy was copied or moved to.
    const candidates = new Set([
      ...entries.map(({ file }) => file),
      ...(await findEnvFiles(folder)).files.map(({ file }) => file),
    ]);
    if (lend) {
      if (vault.loan) throw new Error(LENT);
      const holding = [];
      for (const file of candidates) {
        const bytes = await readIfThere(placeOf(folder, file)).catch(() => undefined);
        const text = documents?.unsaved(placeOf(folder, file));
        if (everyPair.some(({ dummy }) => holds(bytes ?? NOTHING, dummy) || holds(text ?? NOTHING, dummy)))
          holding.push(file);
      }
      if (holding.length === 0) return;
      const dummies = [...new Set(everyPair.map(({ dummy }) => dummy))];
      await vault.lent({ ...lend, files: holding, dummies });
    } else if (vault.loan) await vault.returned();
    /** What stands in the files now. */
    const contents = new Map<string, Uint8Array>();
    /** What editors hold unsaved. */
    const texts = new Map<string, Uint8Array>();
    const moved = new Set<string>();
    const before = new Map<string, Uint8Array>();
    let broken = false;
    for (const file of candidates) {
      const own = entries.filter((entry) => entry.file === file);
      const absolute = placeOf(folder, file);
      try {
        const bytes = await readIfThere(absolute);
        if (bytes === undefined) continue;
        before.set(file, bytes);
        if (!isWithin(boundsOf(folder, file), await realPathOf(absolute)))
          throw new Error('it is a link out of the folder now: nothing was written through it');
        // Its own spans first: the same value may be written differently elsewhere.
        const given = (now: Uint8Array) => {
          const first = restoreBytes(
            now,
            own.flatMap(({ pairs }) => pairs),
          );
          const second = restoreBytes(first.bytes, everyPair);
          return { bytes: second.bytes, replaced: first.replaced + second.replaced };
        };
        const text = documents?.unsaved(absolute);
        if (text) {
          const back = given(text);
          if (back.replaced > 0) await documents!.replace(absolute, text, back.bytes);
          texts.set(file, back.bytes);
          if (given(bytes).replaced > 0) {
            unsaved.push(file);
            throw new Error(UNSAVED);
          }
          if (back.replaced > 0) merged.push(file);
          contents.set(file, bytes);
          continue;
        }
        const second = given(bytes);
        if (second.replaced > 0) {
          const temporary = await temporaryFor(absolute);
          await vault.giving(file, temporary);
          try {
            await writeFileAtomic(absolute, second.bytes, {
              expect: bytes,
              within: boundsOf(folder, file),
              temporary,
              ...(fault ? { fault } : {}),
            });
          } catch (error) {
            await vault.given(file);
            throw error;
          }
          if (own.length === 0) await vault.given(file);
          for (const { dummy } of everyPair) if (bytes.includes(dummy)) moved.add(dummy);
          (own.some(({ before }) => before === sha256(second.bytes)) ? restored : merged).push(file);
        }
        contents.set(file, second.bytes);
      } catch (error) {
        broken = true;
        failed.push({ file, reason: (error as Error).message });
      }
    }
    const stands = ({ dummy, raw }: VaultPair) =>
      moved.has(dummy) || [...contents.values()].some((bytes) => holds(bytes, raw));
    /** An editor that we cannot ask may hold the dummies, and save them when nobody knows them any more. */
    const isHeld = ({ unsaved: wasText, file, pairs }: VaultFile) =>
      wasText === true &&
      documents === undefined &&
      !pairs.some(({ dummy }) => holds(before.get(file) ?? NOTHING, dummy));
    const hasValue = (entry: VaultFile, pair: VaultPair) => {
      if (isHeld(entry)) return false;
      const text = entry.unsaved ? texts.get(entry.file) : undefined;
      return stands(pair) || (text !== undefined && holds(text, pair.raw));
    };
    for (const file of new Set(entries.map((entry) => entry.file))) {
      if (failed.some((failure) => failure.file === file)) continue;
      const left = entries
        .filter((entry) => entry.file === file)
        .map((entry) => ({ ...entry, pairs: entry.pairs.filter((pair) => !hasValue(entry, pair)) }))
        .filter(({ pairs }) => pairs.length > 0);
      try {
        await vault.restored(file, left);
      } catch (error) {
        broken = true;
        const reason = `its real values are back in it, but the vault could not be told so. ${(error as Error).message}`;
        failed.push({ file, reason });
        continue;
      }
      if (left.some((entry) => !isHeld(entry)))
        failed.push({
          file,
          reason: contents.has(file)
            ? lost(
                left.flatMap(({ pairs }) => pairs),
                vault,
              )
            : 'the file is gone: its values stay in the vault until it is back, and Restore is run again',
        });
    }
    // After a write that failed a dummy may stand somewhere still: then everything stays known.
    if (lend) return;
    if (!broken)
      await vault.compact().catch((error: unknown) => {
        const reason = `what was given back could not be taken out of it. ${(error as Error).message}`;
        failed.push({ file: 'the vault', reason });
      });
    if (vault.dummiesInFiles.size === 0) await removeWayBack(vault.directory);
    // What is not taken off the list now is so at the next restore.
    const stores = vault.files.map(({ file }) => file).filter((file) => path.isAbsolute(file));
    await keepStores(vault.directory, stores).catch(() => undefined);
  });
  return { restored, merged, failed, unsaved };
}

/** Undoes the last swap of one file: `bytes` stood in it before. Rejects with `FileError` where it was changed since. */
export async function giveBack(
  { folder, vault, documents, fault }: RestoreDeps,
  file: string,
  bytes: Uint8Array,
): Promise<void> {
  await vault.exclusively('undo', async () => {
    await settle({ folder, vault });
    const own = vault.files.filter((entry) => entry.file === file);
    const last = own.at(-1);
    const absolute = placeOf(folder, file);
    const text = documents?.unsaved(absolute);
    const now = text ?? (await readIfThere(absolute));
    if (!now || last?.before !== sha256(bytes) || last.after !== sha256(now))
      throw new FileError(
        'changed',
        `${path.basename(file)} was changed since it was swapped. It was left as it is and no value is lost; "Restore Real Values" gives them all back.`,
      );
    if (text) {
      await documents!.replace(absolute, text, bytes);
      await vault.restored(file, own.slice(0, -1));
      return;
    }
    const temporary = await temporaryFor(absolute);
    await vault.giving(file, temporary);
    try {
      const options = { expect: now, within: folder, temporary, ...(fault ? { fault } : {}) };
      await writeFileAtomic(absolute, bytes, options);
    } catch (error) {
      await vault.given(file);
      throw error;
    }
    await vault.restored(file, own.slice(0, -1));
  });
}

/** Which values were not given back, and how the user gets them: by their dummies, which are no secrets. */
function lost(pairs: readonly VaultPair[], vault: Vault): string {
  const lines = new Set(
    pairs.map(({ dummy, key }) => {
      const name = key ?? vault.secrets.find((secret) => secret.dummy === dummy)?.name ?? 'a value';
      return dummy.includes('\n') ? name : `${key === undefined ? `${name}, whose dummy is ` : `${name}=`}${dummy}`;
    }),
  );
  return `the dummies of these are no longer in it, so their values were not given back and stay in the vault: ${[...lines].join('; ')}. Put the dummy back where the value belongs and run Restore again; "Run with Real Values" (run --real) still has them`;
}

function holds(bytes: Uint8Array, raw: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(Buffer.from(fromBinary(raw)));
}

// Protect and Restore of files that an editor holds with unsaved changes: the text is swapped, the file under it never written,
// and no value is lost whoever saves, restores or discards what, and when.
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Protector } from '../../src/host/protect';
import { restoreFolder } from '../../src/host/restore';
import { TestDocuments } from '../support/documents';
import { openVault } from '../support/vaults';
import { ANTHROPIC, FILES, TestWorkspace } from '../support/workspace';

let workspace: TestWorkspace;
afterEach(() => workspace.remove());

const TYPED = `${FILES['.env']!}NOTE=not saved\n`;

async function opened(text = TYPED) {
  workspace = new TestWorkspace();
  const documents = new TestDocuments();
  const file = path.join(workspace.folder, '.env');
  documents.texts.set(file, text);
  const { vault, deps } = await openVault(workspace);
  const protector = new Protector({ ...deps, documents });
  const protect = async () => {
    const scan = await protector.scan();
    return protector.protect(scan.values.filter(({ ticked }) => ticked).map(({ id }) => id));
  };
  return { documents, file, vault, protector, protect, deps: { ...deps, documents }, alone: deps };
}

describe('Protect', () => {
  it('swaps the unsaved text and leaves the file; other files are swapped on disk', async () => {
    const { documents, file, protect, protector } = await opened();
    const report = await protect();
    expect(report.refused).toEqual([]);
    expect(report.unsaved).toEqual(['.env']);
    expect(documents.texts.get(file)).toMatch(/NOTE=not saved\n$/);
    expect(documents.texts.get(file)).not.toContain(ANTHROPIC);
    expect(documents.texts.get(file)).toHaveLength(TYPED.length);
    expect(workspace.read('.env')).toBe(FILES['.env']);
    expect(workspace.read('packages/web/.env.local')).not.toBe(FILES['packages/web/.env.local']);
    // The file is said to hold the value still, and is none that agents may read.
    const scan = await protector.scan();
    const rest = scan.values.filter(({ file: of }) => of === '.env');
    expect(rest.map(({ name, ticked, reason }) => [name, ticked, reason.includes('until they are saved')])).toEqual([
      ['ANTHROPIC_API_KEY', false, true],
    ]);
    expect([...protector.swappedFiles]).not.toContain('.env');
    const { refused } = await protector.protect(rest.map(({ id }) => id));
    expect(refused[0]?.reason).toMatch(/open with unsaved changes/);
    expect(workspace.read('.env')).toBe(FILES['.env']);
  });

  it('changes nothing where the text changed meanwhile', async () => {
    const { documents, file, vault, protect } = await opened();
    documents.beforeReplace = () => documents.texts.set(file, `${TYPED}more`);
    const { refused } = await protect();
    expect(refused.map(({ file: of }) => of)).toEqual(['.env']);
    expect(documents.texts.get(file)).toBe(`${TYPED}more`);
    expect(vault.files.filter((entry) => entry.file === '.env')).toEqual([]);
  });
});

describe('Restore', () => {
  it('gives the text back while it is unsaved, and the file when it was saved', async () => {
    const { documents, file, protect, deps } = await opened();
    await protect();
    expect((await restoreFolder(deps)).failed).toEqual([]);
    expect(documents.texts.get(file)).toBe(TYPED);
    expect(workspace.untouched()).toBe(true);
    await protect();
    documents.save(file);
    expect(workspace.read('.env')).not.toContain(ANTHROPIC);
    expect((await restoreFolder(deps)).failed).toEqual([]);
    expect(workspace.read('.env')).toBe(TYPED);
    expect(deps.vault.secrets).toEqual([]);
  });

  it('of a swapped file with unsaved edits gives the text back, keeps the values, and is whole after a save', async () => {
    const { documents, file, vault, protect, deps } = await opened();
    documents.texts.delete(file);
    await protect();
    const swapped = workspace.read('.env');
    documents.texts.set(file, `${swapped}EDIT=1\n`);
    const first = await restoreFolder(deps);
    expect(first.unsaved).toEqual(['.env']);
    expect(first.failed[0]?.reason).toMatch(/Save it, then run Restore again/);
    expect(documents.texts.get(file)).toBe(`${FILES['.env']!}EDIT=1\n`);
    expect(workspace.read('.env')).toBe(swapped);
    expect(vault.byValue(ANTHROPIC)).toBeDefined();
    documents.save(file);
    expect((await restoreFolder(deps)).failed).toEqual([]);
    expect(workspace.read('.env')).toBe(`${FILES['.env']!}EDIT=1\n`);
    expect(vault.secrets).toEqual([]);
  });

  it('of a program that knows no editor keeps the values whose dummies an editor may still save', async () => {
    const { documents, file, vault, protect, alone } = await opened();
    await protect();
    expect((await restoreFolder(alone)).failed).toEqual([]);
    expect(workspace.untouched()).toBe(true);
    expect(vault.byValue(ANTHROPIC)).toBeDefined();
    // Now the editor saves its dummies.
    documents.save(file);
    expect(workspace.read('.env')).not.toContain(ANTHROPIC);
    expect((await restoreFolder(alone)).failed).toEqual([]);
    expect(workspace.read('.env')).toBe(TYPED);
    expect(vault.secrets).toEqual([]);
  });
});

// Env files that are open in an editor with changes that nobody saved: what counts there is the text, and it is changed through
// the editor, which leaves it unsaved. The file under it is never written: the editor would ask which of the two is right.

export interface OpenDocuments {
  /** The unsaved text of a file (absolute), as UTF-8. Undefined: nothing is unsaved, the file counts. */
  unsaved(file: string): Uint8Array | undefined;
  /** Exactly `before` becomes `after`, unsaved as it was. Rejects where the text is another one by now; then nothing changed. */
  replace(file: string, before: Uint8Array, after: Uint8Array): Promise<void>;
}

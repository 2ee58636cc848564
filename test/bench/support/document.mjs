// A generated Markdown document, formatted as `npm test` wants every file of the project.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../../scripts/setup.mjs';

export async function writeDocument(file, markdown) {
  const { format, resolveConfig } = await import('prettier'); // here: on a fresh machine it is installed first
  const config = await resolveConfig(path.join(root, 'docs/any.md'));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, await format(markdown, { ...config, parser: 'markdown' }));
}

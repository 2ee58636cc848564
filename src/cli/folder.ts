// scan, protect, restore and doctor: one folder, the same vault as the extension.
import { parseArgs } from 'node:util';
import type { ScanReport, ScannedValue } from '../host/api';
import { confirm, json, note, openSession, out, UsageError } from './options';

const FLAGS = {
  json: { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  all: { type: 'boolean' },
  stores: { type: 'boolean' },
} as const;

function read(args: readonly string[]): {
  dir: string;
  flags: { json?: boolean; yes?: boolean; all?: boolean; stores?: boolean };
} {
  const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  if (positionals.length > 1) throw new UsageError('One folder at a time.');
  return { dir: positionals[0] ?? '.', flags: values };
}

export async function scanCommand(args: readonly string[]): Promise<number> {
  const { dir, flags } = read(args);
  const session = await openSession(dir);
  const report = await session.scan();
  if (flags.json) json({ folder: session.folder, ...report });
  else print(report);
  session.dispose();
  return 0;
}

function print({ values, files, skipped, warnings }: ScanReport): void {
  if (files.length === 0) out('No .env files.');
  const stores = new Set(values.flatMap(({ file, store }) => (store === undefined ? [] : file)));
  for (const file of [undefined, ...files, ...stores]) {
    const inFile = values.filter((value) => value.file === file);
    if (inFile.length === 0) continue;
    out(inFile[0]!.store ?? file ?? 'environment');
    for (const value of inFile) out(line(value));
  }
  for (const { file, reason } of skipped) note(`not looked at: ${file}: ${reason}`);
  for (const warning of warnings) note(`note: ${warning}`);
}

function line({ ticked, name, line: number, inComment, reason, hosts, in: places }: ScannedValue): string {
  const where = hosts.length > 0 ? `  → ${hosts.join(', ')} (${places.join(', ')})` : '';
  return `  ${ticked ? '[x]' : '[ ]'} ${name}${number > 0 ? ` (line ${number}${inComment ? ', in a comment' : ''})` : ''}: ${reason}${where}`;
}

export async function protectCommand(args: readonly string[]): Promise<number> {
  const { dir, flags } = read(args);
  const session = await openSession(dir);
  session.onDidNotice(({ message }) => note(message));
  try {
    const scan = await session.scan();
    const chosen = scan.values.filter(({ ticked, store, hosts }) =>
      store === undefined ? flags.all === true || ticked : flags.stores === true && hosts.length > 0,
    );
    if (!flags.json) print(scan);
    if (chosen.length === 0) {
      if (flags.json) json({ swapped: [], refused: [], copies: [] });
      else out('Nothing to swap.');
      return 0;
    }
    if (
      flags.yes !== true &&
      !(await confirm(`Swap ${chosen.length} values for dummies? "sandbox-agent restore" gives them back.`))
    ) {
      const reason = 'not confirmed: say --yes where there is nobody to ask';
      if (flags.json)
        json({ swapped: [], refused: chosen.map(({ name, file }) => ({ name, file, reason })), copies: [] });
      else note('Nothing was changed. Say --yes where there is nobody to ask.');
      return 1;
    }
    const report = await session.protect(chosen.map(({ id }) => id));
    if (flags.json) json(report);
    else {
      out(`Swapped ${report.swapped.length} values. The real ones are in the vault of this folder, outside of it.`);
      for (const { name, file, reason } of report.refused)
        note(`not swapped: ${name}${file ? ` in ${file}` : ''}: ${reason}`);
      for (const { name, where } of report.copies) note(`a copy of ${name} is left: ${where}`);
    }
    return report.refused.length > 0 ? 1 : 0;
  } finally {
    session.dispose();
  }
}

export async function restoreCommand(args: readonly string[]): Promise<number> {
  const { dir, flags } = read(args);
  const session = await openSession(dir);
  try {
    const report = await session.restore();
    if (flags.json) json(report);
    else {
      for (const file of report.restored) out(`restored ${file}`);
      for (const file of report.merged) out(`restored ${file}, keeping the edits made since`);
      for (const { file, reason } of report.failed) note(`not wholly restored: ${file}: ${reason}`);
      if (report.restored.length + report.merged.length + report.failed.length === 0) out('Nothing was swapped.');
    }
    return report.failed.length > 0 ? 1 : 0;
  } finally {
    session.dispose();
  }
}

export async function doctorCommand(args: readonly string[]): Promise<number> {
  const { dir, flags } = read(args);
  const session = await openSession(dir);
  const lines = await session.doctor();
  if (flags.json) json(lines);
  else
    for (const { status, what, fix } of lines)
      out(
        `${{ ok: 'ok     ', warning: 'warning', problem: 'problem' }[status]}  ${what}${fix ? `\n         → ${fix}` : ''}`,
      );
  session.dispose();
  return lines.some(({ status }) => status === 'problem') ? 1 : 0;
}

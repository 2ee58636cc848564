// Run with Real Values: what a program started in a folder would have loaded from its env files before the swap. Values of
// other packages and of production are not mixed in; what is left out or stands against another value is said by name.
import path from 'node:path';
import { scanEnv } from '../core/env/scan';
import { restoreBytes } from '../core/env/splice';
import { isWithin, readIfThere } from '../files/atomicFile';
import { findEnvFiles } from './envFiles';
import type { Vault } from './vault';

/** The strongest first, as dotenv, Next and Vite load them for development; then those of wrangler and direnv. */
const LOADED = ['.env.development.local', '.env.local', '.env.development', '.env', '.dev.vars', '.envrc'];

export interface RealEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** Sentences for the user; never a value. */
  readonly notices: readonly string[];
}

interface Source {
  readonly file: string;
  readonly folder: string;
  /** Every variable of the file as a program reads it; `secret`: the vault holds it, or a part of it. */
  readonly variables: ReadonlyMap<string, { readonly value: string; readonly secret: boolean }>;
  /** Values whose dummies are gone from the file. */
  readonly missing: ReadonlyMap<string, string>;
}

/** `folder`: real path. `cwd`: absolute; outside the folder it counts as the folder itself. */
export async function realEnvironment(
  folder: string,
  cwd: string,
  vault: Vault,
  inherited: NodeJS.ProcessEnv,
): Promise<RealEnvironment> {
  const sources = await readSources(folder, vault);
  const own = ownSources(folder, cwd, sources);
  const env: Record<string, string> = {};
  const notices: string[] = [];
  for (const name of namesOf(own.chosen)) {
    const holders = own.chosen.filter(({ variables }) => variables.has(name));
    const winner = holders[0]?.variables.get(name);
    if (winner?.secret === false) continue;
    const value = winner?.value ?? own.chosen.find(({ missing }) => missing.has(name))!.missing.get(name)!;
    const others = sources.filter(({ variables }) => (variables.get(name)?.value ?? value) !== value);
    const rivals = own.ranked ? [] : others.filter((source) => own.chosen.includes(source));
    if (rivals.length > 0) {
      notices.push(
        `${name} has different values in ${files([...holders.slice(0, 1), ...rivals])}, and none of these files comes before the others: it was not given. Run the command in the folder of the one that you mean.`,
      );
      continue;
    }
    env[name] = value;
    if (others.length > 0)
      notices.push(
        `${name} has another value in ${files(others)}; the one of ${holders[0]?.file ?? 'the vault'} is given.`,
      );
  }
  for (const source of own.beside) {
    const names = namesOf([source]).filter((name) => !(name in env));
    if (names.length > 0)
      notices.push(
        `${source.file} is not loaded by programs unless they are told to: ${names.join(', ')} of it was not given.`,
      );
  }
  const taken = vault.secrets.filter(({ fromEnvironment }) => fromEnvironment);
  // Of several that one variable had, the one that it has now.
  for (const { name, variable = name, value } of [
    ...taken.filter((secret) => inherited[secret.variable ?? secret.name] === secret.value),
    ...taken,
  ])
    env[variable] ??= value;
  return { env, notices };
}

const files = (sources: readonly Source[]) => sources.map(({ file }) => file).join(', ');

/** Names of secrets in these files. */
function namesOf(sources: readonly Source[]): string[] {
  return [
    ...new Set(
      sources.flatMap(({ variables, missing }) => [
        ...[...variables].flatMap(([name, { secret }]) => (secret ? [name] : [])),
        ...missing.keys(),
      ]),
    ),
  ];
}

/** The files that count, the strongest first where `ranked`; and those beside them that do not. */
function ownSources(
  folder: string,
  cwd: string,
  sources: readonly Source[],
): { readonly chosen: readonly Source[]; readonly beside: readonly Source[]; readonly ranked: boolean } {
  for (let at = isWithin(folder, cwd) ? cwd : folder; ; at = path.dirname(at)) {
    const here = sources.filter((source) => source.folder === at);
    if (namesOf(here).length > 0) {
      const chosen = loaded(here);
      return { chosen, beside: here.filter((source) => !chosen.includes(source)), ranked: chosen !== here };
    }
    if (at === folder || at === path.dirname(at)) break;
  }
  // Nothing of its own: the packages below, each with what it would load.
  const folders = [...new Set(sources.filter((source) => namesOf([source]).length > 0).map((source) => source.folder))];
  if (folders.length === 1) return ownSources(folder, folders[0]!, sources);
  const chosen = folders.flatMap((at) => loaded(sources.filter((source) => source.folder === at)));
  return { chosen, beside: [], ranked: false };
}

/** The same list where no file of it is one that programs load by themselves: then any is as good as the other. */
function loaded(here: readonly Source[]): readonly Source[] {
  const known = LOADED.flatMap((name) => here.find(({ file }) => path.posix.basename(file) === name) ?? []);
  return known.length > 0 ? known : here;
}

async function readSources(folder: string, vault: Vault): Promise<Source[]> {
  const found = (await findEnvFiles(folder)).files.map(({ file }) => file);
  const names = [...new Set([...found, ...vault.files.map(({ file }) => file)])].filter(
    (file) => !path.isAbsolute(file),
  );
  const everyPair = vault.files.flatMap(({ pairs }) => pairs);
  return Promise.all(
    names.map(async (file): Promise<Source> => {
      const absolute = path.join(folder, file);
      const bytes = (await readIfThere(absolute).catch(() => undefined)) ?? Buffer.alloc(0);
      const own = vault.files.filter((entry) => entry.file === file).flatMap(({ pairs }) => pairs);
      const real = restoreBytes(restoreBytes(bytes, own).bytes, everyPair).bytes;
      const variables = new Map<string, { value: string; secret: boolean }>();
      // A value may hold a secret as a part (a URL's password), compared by the bytes that stood there. The last one counts.
      for (const { key, value, raw, inComment } of scanEnv(real))
        if (!inComment) variables.set(key, { value, secret: everyPair.some((pair) => raw.includes(pair.raw)) });
      const missing = new Map<string, string>();
      for (const { key, dummy } of own) {
        const secret = vault.secrets.find((known) => known.dummy === dummy);
        if (key !== undefined && secret && !variables.has(key) && !bytes.includes(dummy))
          missing.set(key, secret.value);
      }
      return { file, folder: path.dirname(absolute), variables, missing };
    }),
  );
}

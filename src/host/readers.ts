// What reads env files by itself, past the process environment, and would get dummies: told to the user before the swap.
import fs from 'node:fs/promises';
import path from 'node:path';

const COMPOSE = /^(?:docker-)?compose(?:\..+)?\.ya?ml$/;
const RESTORE = 'use "Restore for a While" (sandbox-agent run --restore -- CMD) around it';
const SCRIPT = /\.[cm]?[jt]s$|\.py$/;

/** One sentence for each reader found at the top of the folder and beside the env files (relative to it). */
export async function readersOfFiles(folder: string, files: readonly string[]): Promise<string[]> {
  const places = [...new Set(['.', ...files.map((file) => path.posix.dirname(file))])];
  const found = await Promise.all(places.map((place) => readersIn(path.join(folder, place), place)));
  return found.flat();
}

async function readersIn(folder: string, place: string): Promise<string[]> {
  const shown = (name: string) => (place === '.' ? name : `${place}/${name}`);
  const names = await fs.readdir(folder).catch(() => [] as string[]);
  const read = (name: string) => fs.readFile(path.join(folder, name), 'utf8').catch(() => '');
  const warnings: string[] = [];
  for (const name of names.filter((file) => COMPOSE.test(file))) {
    if (/^\s*env_file\s*:/m.test(await read(name)))
      warnings.push(`${shown(name)} hands the file to its containers (env_file): they would get dummies; ${RESTORE}.`);
  }
  if (names.includes('Dockerfile') && /^\s*COPY\s+(?:\S+\s+)*\.env/m.test(await read('Dockerfile')))
    warnings.push(`${shown('Dockerfile')} copies the file into the image: it would hold dummies; ${RESTORE}.`);
  if (names.includes('package.json')) {
    const text = await read('package.json');
    for (const [pattern, what] of [
      [/wrangler\s+secret\s+bulk|wrangler\s+deploy/, 'wrangler'],
      [/vercel\s+(?:env|deploy)/, 'vercel'],
      [/docker\s+(?:build|compose)/, 'docker'],
      [/(?:serverless|sls)\s+deploy/, 'serverless'],
      [/(?:railway|heroku)\s+\S*(?:variables|config:set|up)/, 'railway or heroku'],
      [/gh\s+secret\s+set\s+(?:-f|--env-file)/, 'gh secret set'],
      [/supabase\s+secrets\s+set/, 'supabase'],
      [/netlify\s+env:import/, 'netlify'],
      [/fly(?:ctl)?\s+secrets\s+import/, 'fly'],
    ] as const) {
      if (pattern.test(text))
        warnings.push(
          `A script in ${shown('package.json')} runs ${what}, which may read the file itself and would upload dummies; ${RESTORE}.`,
        );
    }
  }
  for (const name of names.filter((file) => SCRIPT.test(file))) {
    if (/dotenv[\s\S]{0,200}override\s*(?::\s*true|=\s*True)/.test(await read(name)))
      warnings.push(
        `${shown(name)} loads the file with "override": it wins over the environment that Run with Real Values gives; remove that option.`,
      );
  }
  return warnings;
}

// What is wired and what is not, line by line, each with its fix. It looks; it changes nothing.
import fs from 'node:fs/promises';
import os from 'node:os';
import type { DoctorLine, EnvironmentValue, PolicyState, ProtectedSecret, ScanReport, SessionState } from './api';
import type { Served } from './served';
import { describeStore } from '../core/env/stores';
import { findStores } from './stores';
import { findProgram } from './tools';

export interface Examined {
  readonly folder: string;
  readonly directory: string;
  readonly session: SessionState;
  readonly policy: PolicyState;
  readonly secrets: readonly ProtectedSecret[];
  readonly wired: readonly string[];
  /** Of these: files that were changed back since. */
  readonly unwired: readonly string[];
  readonly scan: ScanReport;
  readonly environment: NodeJS.ProcessEnv;
  /** Secrets in it. */
  readonly variables: readonly EnvironmentValue[];
  readonly home?: string;
  /** The proxy that another window or program runs for this folder; undefined: none, or it is ours. */
  readonly served?: Served | undefined;
}

export async function diagnose(examined: Examined): Promise<DoctorLine[]> {
  const {
    session,
    policy,
    secrets,
    wired,
    unwired,
    scan,
    directory,
    served,
    variables,
    home = os.homedir(),
  } = examined;
  const lines: DoctorLine[] = [];
  const add = (status: DoctorLine['status'], what: string, fix = '') => lines.push({ status, what, fix });

  const running =
    session.kind === 'running'
      ? { port: session.port, level: session.level, by: '' }
      : served?.answers === true
        ? { port: served.port, level: served.level, by: `, run by ${served.owner.what} (process ${served.owner.pid})` }
        : undefined;
  if (running) {
    add('ok', `The proxy listens on 127.0.0.1:${running.port}${running.by}.`);
    if (running.level === 'confined commands')
      add(
        'ok',
        'Level "confined commands": the shell commands of Claude Code have no other way out; the agent process itself is not confined.',
      );
    else
      add(
        'warning',
        'Level "routed": the settings lead agents through the proxy; an agent that ignores them can connect past it.',
        'Choose the level "confined commands" (needs bwrap and socat, and a policy in mode enforce).',
      );
  } else if (served)
    add(
      'problem',
      `${served.owner.what} (process ${served.owner.pid}) serves this folder, but nothing answers on 127.0.0.1:${served.port}: agents that are wired to it have no network, others are not guarded.`,
      'Stop and start it there; end that process if it hangs.',
    );
  else
    add(
      'problem',
      session.kind === 'failed' ? session.message : 'The proxy does not run: agents talk to the network directly.',
      'Start.',
    );

  if (wired.length > 0) add('ok', `Claude Code's settings are written: ${wired.join(', ')}.`);
  else
    add(
      'warning',
      "Claude Code's settings are not written: only agents started from the Sandbox Agent terminal are routed.",
      running ? 'See the messages of Start: the file may be tracked by git or invalid.' : 'Start.',
    );

  for (const file of unwired)
    add(
      'problem',
      `${file} no longer holds the proxy settings: somebody changed it.`,
      'Stop and start to write them again, and look at who changed it.',
    );

  const mode = policy.policy.mode;
  if (mode === 'monitor')
    add(
      'warning',
      'The policy is in mode "monitor": what no rule allows is let through and marked.',
      'Set "mode: enforce" when the rules are as you want them.',
    );
  else add('ok', `The policy is in mode "${mode}".`);
  if (policy.pending)
    add(
      'warning',
      'A change of the policy file waits for your approval; the approved text is in force.',
      'Show the difference and approve it, or put the approved text back.',
    );

  const real = scan.values.filter(({ ticked }) => ticked);
  if (secrets.length > 0)
    add('ok', `${secrets.length} secrets are swapped: ${secrets.map(({ name }) => name).join(', ')}.`);
  if (real.length > 0)
    add(
      'warning',
      `${real.length} values that should be swapped are real: ${[...new Set(real.map(({ name }) => name))].join(', ')}.`,
      'Protect the workspace.',
    );
  for (const { name } of secrets.filter(({ hosts }) => hosts.length === 0))
    add('warning', `${name} is bound to no host: it is never injected.`, 'Bind it under "secrets:" in the policy.');
  for (const { name, marked } of secrets)
    if (marked)
      add(
        'warning',
        `${name} is marked for rotation since ${marked.since.slice(0, 10)}: ${marked.reason}.`,
        `Make a new value at the provider, then "sandbox-agent rotate ${name}".`,
      );
  for (const { file, reason } of scan.skipped) add('warning', `${file} was not looked at: ${reason}.`);
  for (const warning of scan.warnings) add('warning', warning);

  const inTerminals = variables.filter(({ swapped }) => swapped).map(({ name }) => name);
  if (inTerminals.length > 0)
    add('ok', `Of the inherited environment, agents' terminals get dummies for: ${inTerminals.join(', ')}.`);
  for (const { name, swapped, reason } of variables)
    if (!swapped)
      add(
        'warning',
        `${name} of the inherited environment is real in agents' terminals: ${reason}.`,
        'Protect the workspace if it is listed there; else start the editor without it.',
      );
  lines.push(...(await storeLines(examined, home)));
  const [claude, bwrap, socat] = await Promise.all([findProgram('claude'), findProgram('bwrap'), findProgram('socat')]);
  add(
    claude ? 'ok' : 'warning',
    claude ? 'claude is on the PATH.' : 'claude is not on the PATH.',
    claude ? '' : 'Install Claude Code, or start your agent from the Sandbox Agent terminal.',
  );
  if (process.platform === 'linux')
    add(
      bwrap && socat ? 'ok' : 'warning',
      bwrap && socat
        ? 'bwrap and socat are there: commands can be confined.'
        : 'bwrap or socat is missing: commands cannot be confined.',
      bwrap && socat ? '' : 'Install the packages bubblewrap and socat.',
    );
  const mode700 = await fs.stat(directory).then(
    ({ mode: bits }) => (bits & 0o077) === 0,
    () => false,
  );
  add(
    mode700 || process.platform === 'win32' ? 'ok' : 'problem',
    'The state folder is for you alone.',
    mode700 ? '' : `chmod 700 ${directory}`,
  );
  return lines;
}

/** Which kinds of credentials are where; never a value. */
async function storeLines({ environment, secrets, scan }: Examined, home: string): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  for (const { kind, label, file } of await findStores(home, environment)) {
    const bytes = await fs.readFile(file).catch(() => undefined);
    const target = await fs.realpath(file).catch(() => file);
    const kinds = bytes ? describeStore(kind, bytes) : ['credentials that this program cannot read'];
    if (kinds.length === 0) continue;
    const what = `${label} holds ${kinds.join(', ')}`;
    const isSwapped = secrets.some(({ files }) => files.includes(target));
    const isReal = scan.values.some((value) => value.file === target);
    if (isSwapped && !isReal) {
      lines.push({
        status: 'ok',
        what: `${what}: dummies, whose values the vault of this folder has. In every folder, programs that use them work through the proxy of this folder only.`,
        fix: '',
      });
      continue;
    }
    const offer = isReal
      ? ' Or swap it: "Protect Workspace" lists it, as "sandbox-agent protect --stores" does.'
      : ' This version does not swap it.';
    lines.push({
      status: 'warning',
      what: `${what}, which agents can read.`,
      fix: `Claude Code's Read tool is told to leave it alone while the proxy runs, and with the level "confined commands" its commands are kept out as well; another agent's command reads it all the same.${offer}`,
    });
  }
  return lines;
}

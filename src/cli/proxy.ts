// proxy: the proxy alone, for benches, containers and servers. dist/proxy.js is loaded into this process by its path: the same
// service as in a forked one, without a second process.
import { randomBytes } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { addressScope } from '../core/base/address';
import { parsePolicy } from '../core/policy/parse';
import type { BoundSecret } from '../core/secrets/types';
import { loadAuthority, upstreamRoots } from '../host/authority';
import { CLI_LABEL, userProxy } from '../host/userProxy';
import { type FromProxy, PROTOCOL_VERSION, type ToProxy } from '../protocol/proxyMessages';
import { distFile, note, out, UsageError } from './options';

interface ProxyModule {
  serve(send: (message: FromProxy) => void): {
    handle(message: ToProxy): Promise<void>;
    stop(graceMs: number): Promise<void>;
  };
  refuseInspector(): void;
}

const DRAIN_MS = 5_000;

export async function proxyCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      listen: { type: 'string' },
      state: { type: 'string' },
      policy: { type: 'string' },
      secrets: { type: 'string' },
      'no-auth': { type: 'boolean' },
      flows: { type: 'string' },
      har: { type: 'string' },
    },
  });
  if (values.har !== undefined) throw new UsageError('"--har" is not in this version; use --flows FILE.jsonl.');
  const listen = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(values.listen ?? '');
  if (!listen || values.state === undefined || values.policy === undefined)
    throw new UsageError('proxy needs --listen HOST:PORT, --state DIR and --policy FILE.');
  const host = listen[1]!.replace(/^\[|\]$/g, '');
  const port = Number(listen[2]);
  if (port > 65_535)
    throw new UsageError(`${port} is not a port: 0 (any free one) to 65535. The proxy was not started.`);
  if (values['no-auth'] && host.toLowerCase() !== 'localhost' && addressScope(host) !== 'loopback')
    throw new UsageError(
      `"--no-auth" on ${host} would let whoever reaches this machine send requests with your secrets in them. The proxy was not started; listen on 127.0.0.1, or leave "--no-auth" out.`,
    );
  const state = path.resolve(values.state);
  const policyFile = values.policy;
  const policy = await readPolicy(policyFile);
  const secrets = await readSecrets(values.secrets);
  await fs.mkdir(state, { recursive: true, mode: 0o700 });
  const { current: ca } = await loadAuthority(
    { caCertificate: path.join(state, 'ca.pem'), caKey: path.join(state, 'ca-key.pem') },
    path.basename(state),
  );
  const roots = await upstreamRoots(process.env);
  const { parent, problem } = userProxy(process.env, port);
  if (problem !== undefined) note(`warning: ${problem}`);
  const token = values['no-auth'] ? undefined : randomBytes(24).toString('base64url');
  const flows: WriteStream | undefined =
    values.flows === undefined ? undefined : createWriteStream(values.flows, { flags: 'a', mode: 0o600 });

  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the bundle beside this one, by its path
  const module = require(distFile('proxy.js')) as ProxyModule;
  module.refuseInspector();
  return new Promise<number>((resolve) => {
    const finish = (code: number) => {
      if (!flows) resolve(code);
      else flows.end(() => resolve(code));
    };
    const service = module.serve((message) => {
      switch (message.type) {
        case 'listening':
          out(
            JSON.stringify({
              listening: `${message.host}:${message.port}`,
              ca: path.join(state, 'ca.pem'),
              token: token ?? null,
            }),
          );
          return;
        case 'failed':
          note(`sandbox-agent: ${message.message}`);
          finish(1);
          return;
        case 'flows':
          for (const flow of message.flows) flows?.write(`${JSON.stringify(flow)}\n`);
          return;
        case 'captured':
          // There is no vault here: the tokens live as long as this process.
          void service.handle({ type: 'captured', id: message.id, kept: false });
          return;
        case 'log':
          note(`${message.level}: ${message.text}`);
          return;
        case 'ready':
      }
    });
    process.on('SIGHUP', () => {
      // A file that does not hold leaves everything as it is: said, not done.
      Promise.all([readPolicy(policyFile), readSecrets(values.secrets)]).then(
        async ([text, list]) => {
          await service.handle({ type: 'secrets', secrets: list });
          await service.handle({ type: 'policy', text });
          note('reloaded');
        },
        (error: unknown) => note(`not reloaded: ${(error as Error).message}`),
      );
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => void service.stop(DRAIN_MS).then(() => finish(0)));
    void service.handle({
      type: 'configure',
      configuration: {
        version: PROTOCOL_VERSION,
        listen: { host, port },
        clients: token === undefined ? undefined : [{ label: CLI_LABEL, token }],
        open: undefined,
        ca,
        upstreamCa: roots,
        parent,
        folder: process.cwd(),
        policy,
        secrets,
        record: flows !== undefined,
        wiringJournal: undefined,
      },
    });
  });
}

async function readPolicy(file: string): Promise<string> {
  const text = await fs.readFile(file, 'utf8').catch(() => {
    throw new UsageError(`${file} cannot be read.`);
  });
  const { policy, problems } = parsePolicy(text);
  for (const { severity, line, column, message } of problems)
    note(`${file}:${line}:${column}: ${severity}: ${message}`);
  if (!policy) throw new UsageError(`${file} is not a valid policy: nothing of it is in force.`);
  return text;
}

/** A JSON list of `{name, value, dummy, hosts, in}`. Refused when others can read the file. */
async function readSecrets(file: string | undefined): Promise<BoundSecret[]> {
  if (file === undefined) return [];
  const stat = await fs.stat(file).catch(() => {
    throw new UsageError(`${file} cannot be read.`);
  });
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    throw new UsageError(`${file} can be read by others: chmod 600 it first.`);
  let list: unknown;
  try {
    list = JSON.parse(await fs.readFile(file, 'utf8'));
  } catch {
    throw new UsageError(`${file} is not JSON.`);
  }
  const isTexts = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string');
  const isSecret = (item: unknown): item is BoundSecret => {
    const secret = item as Partial<BoundSecret> | null;
    return (
      typeof secret?.name === 'string' &&
      typeof secret.value === 'string' &&
      typeof secret.dummy === 'string' &&
      secret.value.length >= 8 &&
      secret.dummy.length >= 8 &&
      isTexts(secret.hosts) &&
      isTexts(secret.in)
    );
  };
  if (!Array.isArray(list) || !list.every(isSecret))
    throw new UsageError(`${file} must be a list of {name, value, dummy, hosts, in}, values of 8 characters at least.`);
  return list;
}

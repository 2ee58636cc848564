// check and test: what the policy says of a request, with its trace; and the tests that the policy file itself holds.
import fs from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { canonicalHost, splitAuthority } from '../core/base/host';
import { evaluate, ruleName } from '../core/policy/evaluate';
import { parsePolicy } from '../core/policy/parse';
import type { Policy, PolicyRequest, Scheme } from '../core/policy/types';
import { DEFAULT_POLICY_FILE } from '../host/policyFile';
import { json, note, openSession, out, UsageError } from './options';

/** The policy of `--policy`, or the approved text of the folder we are in. */
async function load(file: string | undefined): Promise<{ policy: Policy; name: string }> {
  if (file === undefined) {
    const session = await openSession('.');
    const { policy, pending } = session.policy.state;
    session.dispose();
    if (pending) note(`${DEFAULT_POLICY_FILE} holds a change that waits for approval; the approved text answers.`);
    return { policy, name: 'the approved policy' };
  }
  const text = await fs.readFile(file, 'utf8').catch(() => {
    throw new UsageError(`${file} cannot be read.`);
  });
  const { policy, problems } = parsePolicy(text);
  for (const { severity, line, column, message } of problems)
    note(`${file}:${line}:${column}: ${severity}: ${message}`);
  if (!policy) throw new UsageError(`${file} is not a valid policy.`);
  return { policy, name: file };
}

/** A request as the proxy would see it. Throws `UsageError` for a URL that it would refuse. */
function requestOf(method: string, url: string, agent: string | undefined): PolicyRequest {
  const match = /^(https?|wss?):\/\/([^/?#]+)([^#]*)$/i.exec(url);
  const split = match && splitAuthority(match[2]!);
  const host = split?.ok ? canonicalHost(split.value.host) : undefined;
  if (!match || !split?.ok || !host?.ok) throw new UsageError(`"${url}" is not a URL that the proxy would take.`);
  const scheme = match[1]!.toLowerCase() as Scheme;
  const path = match[3]!;
  return {
    scheme,
    host: host.value.host,
    port: split.value.port ?? (scheme === 'https' || scheme === 'wss' ? 443 : 80),
    method,
    path: path.startsWith('/') ? path : `/${path}`,
    agent,
  };
}

export async function checkCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      policy: { type: 'string' },
      json: { type: 'boolean' },
      agent: { type: 'string' },
      header: { type: 'string', short: 'H', multiple: true },
    },
    allowPositionals: true,
  });
  const [method, url] = positionals;
  if (!method || !url || positionals.length > 2) throw new UsageError('check METHOD URL');
  const request = requestOf(method, url, values.agent);
  if (values.header) note('Headers are not matched in this version: the answer is the same with any of them.');
  const { policy } = await load(values.policy);
  const decision = evaluate(policy, request);
  if (values.json) json(decision);
  else {
    out(`${decision.effective}: ${decision.reason}`);
    for (const { rule, matched, why } of decision.trace)
      out(`  ${matched ? '→' : ' '} ${ruleName(policy.rules[rule]!)}: ${why}`);
  }
  return decision.effective === 'block' ? 1 : 0;
}

export async function testCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { policy: { type: 'string' }, json: { type: 'boolean' } } });
  const { policy, name } = await load(values.policy);
  const results = policy.tests.map(({ request: text, expect }) => {
    const [method, url] = text.split(' ');
    const decision = evaluate(policy, requestOf(method!, url!, undefined));
    return { request: text, expect, action: decision.action, ok: decision.action === expect, reason: decision.reason };
  });
  if (values.json) json(results);
  else {
    for (const { ok, request, expect, reason } of results)
      out(`${ok ? 'ok    ' : 'FAILED'}  ${request}: expected ${expect}. ${reason}`);
    out(`${results.length} tests of ${name}, ${results.filter(({ ok }) => !ok).length} failed`);
  }
  return results.every(({ ok }) => ok) ? 0 : 1;
}

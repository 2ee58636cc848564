// The 403 that explains itself: to the agent, which must be able to tell its user, and to a person in a browser. It holds
// no secret, no value of a header, no query, and nothing about this machine.
import type { Finding } from '../secrets/types';
import { describe, ruleName } from './explain';
import type { Decision, PolicyRequest } from './types';

export interface Refusal {
  readonly json: string;
  readonly html: string;
  /** Value of `x-sandbox-agent`. */
  readonly header: string;
  readonly sentence: string;
}

const FOR_AGENT =
  'This is a decision of the user of this workspace, not a fault of the network. Do not try another way to the same end; tell the user what was blocked and why you wanted it.';

/** Why the policy refused a request, and what the user can do about it. */
export function refusalFor(
  decision: Decision,
  request: PolicyRequest,
  { policyFile }: { readonly policyFile: string },
): Refusal {
  const { rule } = decision;
  if (decision.unreadable)
    return build(
      'blocked_path',
      decision.reason,
      'No rule can allow it: the path has to be written plainly.',
      'path',
      {},
      request,
    );
  const user = rule
    ? `If this should be allowed, change ${ruleName(rule)} in ${policyFile} (command "Sandbox Agent: Open Policy").`
    : `If this should be allowed, add a rule for ${request.host} to ${policyFile} (command "Sandbox Agent: Open Policy").`;
  return build(
    'blocked_by_policy',
    decision.reason,
    user,
    rule ? String(rule.index + 1) : 'default',
    { rule: rule ? { number: rule.index + 1, description: rule.description ?? null } : null },
    request,
  );
}

const FINDING: Readonly<
  Record<Finding['kind'], (finding: Finding, request: PolicyRequest) => readonly [sentence: string, user: string]>
> = {
  'dummy-unbound': ({ secret, place }, { host }) => [
    `The request carries the stand-in of ${secret} (${place}) to ${host}, a host that this secret is not bound to. The real value was not sent.`,
    `If ${host} should receive ${secret}, bind it (command "Sandbox Agent: Bind Secret to This Host", or "sandbox-agent bind"). If not, something tried to send it there.`,
  ],
  'dummy-elsewhere': ({ secret, place }) => [
    `The stand-in of ${secret} is in a place (${place}) where no credential is read.`,
    'Nothing needs to be done.',
  ],
  'dummy-cleartext': ({ secret }, { host }) => [
    `The request would carry ${secret} to ${host} without encryption. The real value was not sent.`,
    'Use https, or a loopback address for a local server.',
  ],
  'dummy-unverified': ({ secret }, { host }) => [
    `The request would carry ${secret} to ${host}, whose certificate is not verified ("insecure" in the policy). The real value was not sent.`,
    'Name the certificate that it may be verified by ("upstream: { ca: FILE }" in its rule) in place of "insecure".',
  ],
  'real-value': ({ secret, place }, { host }) => [
    `The request carries the real value of ${secret} (${place}) to ${host}. It was not sent.`,
    `Something got hold of the real value: find out what, and replace ${secret} at its provider if it may be known elsewhere (command "Sandbox Agent: Rotate Secret"). A rule of the policy may say "detection: mark" where this is meant to happen.`,
  ],
  'foreign-credential': ({ secret, place }, { host }) => [
    `The request carries a credential (${place}) to ${host} that is not ${secret}, the one this workspace uses there. It was not sent: it could belong to somebody who wants to receive data.`,
    `If it is yours, trust it (command "Sandbox Agent: Trust Credential", or "sandbox-agent trust"), or write "credentials: any" into the rule that allows this request.`,
  ],
  'unknown-key': ({ secret, place }, { host }) => [
    `The request carries a key of ${secret} (${place}) to ${host} that this workspace does not know.`,
    'If it is yours, put it into an .env file and protect it, so that it can be looked for.',
  ],
  'echo-redacted': ({ secret }) => [`The answer held the real value of ${secret}.`, 'It was replaced.'],
};

/** Why a request was refused for what it carries. */
export function refusalForFinding(finding: Finding, request: PolicyRequest): Refusal {
  const [sentence, user] = FINDING[finding.kind](finding, request);
  return build('blocked_secret', sentence, user, 'secret', { secret: finding.secret, place: finding.place }, request);
}

function build(
  code: string,
  sentence: string,
  user: string,
  rule: string,
  details: object,
  request: PolicyRequest,
): Refusal {
  const error = {
    type: 'sandbox_agent_blocked',
    code,
    message: sentence,
    request: describe(request),
    ...details,
    for_the_user: user,
    for_the_agent: FOR_AGENT,
  };
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Blocked by Sandbox Agent</title><body style="font:16px system-ui;max-width:40em;margin:4em auto;padding:0 1em"><h1>Blocked by Sandbox Agent</h1><p>${escape(sentence)}</p><p>${escape(user)}</p></body></html>\n`;
  return { json: `${JSON.stringify({ error }, undefined, 2)}\n`, html, header: `blocked; rule=${rule}`, sentence };
}

const escape = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

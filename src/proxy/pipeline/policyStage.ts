// Asks the policy about every request and turns a refusal into an answer that explains itself. Knows nothing of bytes.
import { ruleName } from '../../core/policy/explain';
import { refusalFor, refusalForFinding } from '../../core/policy/refusal';
import type { Rule } from '../../core/policy/types';
import type { Finding } from '../../core/secrets/types';
import type { LocalAnswer } from '../engine';
import { errorAnswer } from '../wire/errors';
import type { Guard } from './guard';
import type { FlowContext, Stage } from './stage';

export class PolicyStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const decision = this.guard.policy.evaluate(context.request);
    context.decision = decision;
    context.addresses = decision.addresses;
    if (decision.effective !== 'block') {
      this.#allowed(context, decision.rule);
      return;
    }
    const refusal = refusalFor(decision, context.request, { policyFile: '.sandbox-agent/policy.yaml' });
    context.answer = refusalAnswer(refusal, context);
  }

  /** What the rule says beside "allow". */
  #allowed(context: FlowContext, rule: Rule | undefined): void {
    if (!rule) return;
    if (rule.websocket === 'refuse' && context.head.upgrade) {
      context.answer = webSocketRefused(rule);
      return;
    }
    const tls = this.guard.upstreamTls(rule);
    if (tls.ok) context.tls = tls.value;
    else {
      const message = `${ruleName(rule)} of the policy names a file that cannot be used: ${tls.error} Nothing was sent. The user has to correct "upstream" in the policy, or the file.`;
      context.failure = { code: 'upstream-file', message };
      context.answer = errorAnswer(502, 'upstream-file', message);
    }
  }
}

/**
 * 426 (RFC 9110, 15.5.22) names what to speak instead: clients that can do without a WebSocket, Codex among them, take it
 * for "use plain requests" and go on at once, while they try again for seconds after a 403 or 404.
 */
function webSocketRefused(rule: Rule): LocalAnswer {
  const message = `${ruleName(rule)} of the policy allows requests to this address, but no WebSocket. Use plain HTTP requests.`;
  const { headers, ...answer } = errorAnswer(426, 'websocket-refused', message);
  return { ...answer, headers: [...headers, ['upgrade', 'HTTP/1.1'], ['connection', 'Upgrade']] };
}

/** Why a request is refused for what it carries, as its answer. The finding is recorded by who found it. */
export function refuseFor(finding: Finding, context: FlowContext): LocalAnswer {
  context.answer = refusalAnswer(refusalForFinding(finding, context.request), context);
  return context.answer;
}

/** 403 as JSON, or as a small page for a client that asks for HTML first. */
function refusalAnswer(
  refusal: { readonly json: string; readonly html: string; readonly header: string },
  context: FlowContext,
): LocalAnswer {
  const accept = context.head.fields.lower.indexOf('accept');
  const html = accept >= 0 && /^\s*text\/html/i.test(context.head.fields.values[accept]!);
  return {
    status: 403,
    reason: 'Forbidden',
    headers: [
      ['content-type', html ? 'text/html; charset=utf-8' : 'application/json'],
      ['x-sandbox-agent', refusal.header],
      ['cache-control', 'no-store'],
    ],
    body: html ? refusal.html : refusal.json,
  };
}

// Asks the policy about every request and turns a refusal into an answer that explains itself. Knows nothing of bytes.
import { refusalFor } from '../../core/policy/refusal';
import type { LocalAnswer } from '../engine';
import type { Guard } from './guard';
import type { FlowContext, Stage } from './stage';

export class PolicyStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const decision = this.guard.policy.evaluate(context.request);
    context.decision = decision;
    context.addresses = decision.addresses;
    if (decision.effective !== 'block') return;
    const refusal = refusalFor(decision, context.request, { policyFile: '.sandbox-agent/policy.yaml' });
    context.answer = refusalAnswer(refusal, context);
  }
}

/** 403 as JSON, or as a small page for a client that asks for HTML first. */
export function refusalAnswer(
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

// The attacker's own key on an allowed host: where a secret of this workspace is bound, a request may carry that one or none.
// Another credential is refused unless the user trusts it (known by a salted hash), or the rule says otherwise.
import { refusalForFinding } from '../../core/policy/refusal';
import { type Credential, findCredentials, isManaged } from '../../core/secrets/credentials';
import type { BoundSecret, Finding } from '../../core/secrets/types';
import type { Guard } from './guard';
import { refusalAnswer } from './policyStage';
import type { FlowContext, Stage } from './stage';

export class ForeignStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const rule = context.decision?.rule?.credentials;
    if (rule === 'any') return;
    const secrets = this.guard.boundTo(context.target.host);
    if (rule === undefined && secrets.length === 0) return;
    const { path, fields } = context.head;
    for (const credential of findCredentials(path, fields.lower, fields.values, secrets)) {
      if (rule !== 'none' && (isManaged(credential, secrets) || this.#isTrusted(context, credential))) continue;
      // The dummy of a secret of another host has its own alarm.
      if (rule !== 'none' && isManaged(credential, this.guard.secrets)) continue;
      refuseForeign(context, this.guard, secrets[0], credential);
      return;
    }
  }

  #isTrusted({ target }: FlowContext, { text, parts }: Credential): boolean {
    const { trust } = this.guard;
    return [text, ...parts].some((one) => trust.has(target.host, one));
  }
}

/** `managed`: the secret that belongs there. Of the credential only a hash is kept. */
export function refuseForeign(
  context: FlowContext,
  { trust }: Guard,
  managed: BoundSecret | undefined,
  { place, text }: Pick<Credential, 'place' | 'text'>,
): void {
  const finding: Finding = {
    kind: 'foreign-credential',
    secret: managed?.name ?? 'the managed credential',
    place,
    action: 'blocked',
    credential: trust.hash(context.target.host, text),
  };
  context.findings.push(finding);
  context.answer = refusalAnswer(refusalForFinding(finding, context.request), context);
}

// The attacker's own key on an allowed host: where a secret of this workspace is bound, a request may carry that one or none.
// Another credential is refused unless the user trusts it (known by a salted hash), or the rule says otherwise.
import { refusalForFinding } from '../../core/policy/refusal';
import { type Credential, findCredentials, isManaged } from '../../core/secrets/credentials';
import type { Finding } from '../../core/secrets/types';
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
      // The dummy of a secret of another host has its own alarm.
      if (rule !== 'none' && isManaged(credential, this.guard.secrets)) continue;
      const secret = secrets[0]?.name ?? 'the managed credential';
      const finding = foreignCredential(context, this.guard, { ...credential, secret });
      if (!finding) continue;
      context.findings.push(finding);
      context.answer = refusalAnswer(refusalForFinding(finding, context.request), context);
      return;
    }
  }
}

/** `secret`: the managed one that it is not. Undefined where it may pass: trusted, or the rule lets any pass. */
export function foreignCredential(
  { target, decision }: FlowContext,
  { trust }: Guard,
  { place, text, parts, secret }: Credential & { readonly secret: string },
): Finding | undefined {
  const rule = decision?.rule?.credentials;
  if (rule === 'any') return undefined;
  if (rule !== 'none' && [text, ...parts].some((one) => trust.has(target.host, one))) return undefined;
  const credential = trust.hash(target.host, text);
  return { kind: 'foreign-credential', secret, place, action: 'blocked', credential };
}

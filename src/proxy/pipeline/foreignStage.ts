// The attacker's own key on an allowed host: where a secret of this workspace is bound, a request may carry that one or none.
// Another credential is refused unless the user trusts it (known by a salted hash), or the rule says otherwise.
import { AWS_PLACE, isCustomerHost } from '../../core/secrets/aws';
import { type Credential, findCredentials, isManaged } from '../../core/secrets/credentials';
import type { BoundSecret, Finding } from '../../core/secrets/types';
import type { Guard } from './guard';
import { refuseFor } from './policyStage';
import type { FlowContext, Stage } from './stage';

export class ForeignStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const rule = context.decision?.rule?.credentials;
    if (rule === 'any') return;
    const { host } = context.target;
    const bound = this.guard.boundTo(host);
    const secrets = isCustomerHost(host) ? bound.filter((secret) => secret.in.some((one) => one !== AWS_PLACE)) : bound;
    if (rule === undefined && secrets.length === 0) return;
    const { path, fields } = context.head;
    for (const credential of findCredentials(path, fields.lower, fields.values, secrets)) {
      // The dummy of a secret of another host has its own alarm.
      if (rule !== 'none' && isManaged(credential, this.guard.secrets)) continue;
      if (mayPass(context, this.guard, credential)) continue;
      foundForeign(context, this.guard, secrets[0], credential);
      if (context.answer) return;
    }
  }
}

/** The user trusts it, or the rule lets any pass. */
export function mayPass(
  { target, decision }: FlowContext,
  { trust }: Guard,
  { text, parts }: Pick<Credential, 'text' | 'parts'>,
): boolean {
  const rule = decision?.rule?.credentials;
  if (rule === 'any') return true;
  return rule !== 'none' && [text, ...parts].some((one) => trust.has(target.host, one));
}

/** What a credential is that may not pass. `secret`: the managed one that it is not. Of the credential only a hash is kept. */
function foreign({ target }: FlowContext, { trust }: Guard, secret: string, { place, text }: Named): Finding {
  const credential = trust.hash(target.host, text);
  return { kind: 'foreign-credential', secret, place, action: 'blocked', credential };
}

type Named = Pick<Credential, 'place' | 'text'>;

/** For credentials in bodies; undefined: it may pass. */
export function foreignCredential(
  context: FlowContext,
  guard: Guard,
  { secret, ...credential }: Credential & { readonly secret: string },
): Finding | undefined {
  return mayPass(context, guard, credential) ? undefined : foreign(context, guard, secret, credential);
}

const PRESIGNED: ReadonlySet<string> = new Set(['query:X-Amz-Signature', 'query:AWSAccessKeyId']);

/**
 * A presigned URL of AWS that fetches something is how packages, layers of images and large files are handed out. It takes nothing
 * along that the same request without a signature would not: where the rule says nothing, it is shown and passes.
 */
const fetches = ({ head, decision }: FlowContext, { place }: Named) =>
  PRESIGNED.has(place) &&
  /^(?:GET|HEAD)$/.test(head.method) &&
  !head.hasBody &&
  !head.upgrade &&
  decision?.rule?.credentials === undefined;

/** `managed`: the secret that belongs there. `ours`: it is one of this workspace, and something about it is wrong. */
export function foundForeign(
  context: FlowContext,
  guard: Guard,
  managed: BoundSecret | undefined,
  credential: Named,
  ours = false,
): void {
  const finding = foreign(context, guard, managed?.name ?? 'the managed credential', credential);
  if (!ours && fetches(context, credential)) {
    context.findings.push({ ...finding, action: 'marked' });
    return;
  }
  context.findings.push(finding);
  refuseFor(finding, context);
}

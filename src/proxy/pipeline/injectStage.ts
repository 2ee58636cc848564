// Puts real values into heads where they are bound, and refuses a request whose head carries a dummy to where it does not belong.
import type { InjectionTarget } from '../../core/secrets/inject';
import { isLoopback } from './findings';
import type { Guard } from './guard';
import { refuseFor } from './policyStage';
import type { FlowContext, Stage } from './stage';

export class InjectStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    if (this.guard.secrets.length === 0) return;
    const { fields } = context;
    const result = this.guard.injection.request(targetOf(context), context.path, fields.lower, fields.values);
    context.findings.push(...result.findings);
    if (result.refusal) {
      const blocked = result.findings.find((finding) => finding.action === 'blocked') ?? {
        ...result.refusal,
        action: 'blocked' as const,
      };
      refuseFor(blocked, context);
      return;
    }
    context.injected.push(...result.injected);
    context.path = result.path;
    if (result.values !== fields.values)
      context.fields = { names: fields.names, lower: fields.lower, values: [...result.values] };
  }

  /** Of a request that is refused already: dummies in its head that belong to another host. Puts nothing in. */
  note(context: FlowContext): void {
    if (this.guard.secrets.length === 0) return;
    const { path, head } = context;
    const { findings } = this.guard.injection.request(targetOf(context), path, head.fields.lower, head.fields.values);
    context.findings.push(...findings.filter(({ kind }) => kind === 'dummy-unbound'));
  }
}

function targetOf({ target, request, head, tls }: FlowContext): InjectionTarget {
  return {
    scheme: request.scheme,
    host: target.host,
    port: target.port,
    loopback: isLoopback(target.host),
    upgrade: head.upgrade,
    unverified: tls?.insecure === true,
  };
}

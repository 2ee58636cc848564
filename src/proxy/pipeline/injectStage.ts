// Puts real values into heads where they are bound, and refuses a request whose head carries a dummy to where it does not belong.
import { refusalForFinding } from '../../core/policy/refusal';
import { isLoopback } from './findings';
import type { Guard } from './guard';
import { refusalAnswer } from './policyStage';
import type { FlowContext, Stage } from './stage';

export class InjectStage implements Stage {
  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    if (this.guard.secrets.length === 0) return;
    const { target, fields, head } = context;
    const place = {
      scheme: context.request.scheme,
      host: target.host,
      port: target.port,
      loopback: isLoopback(target.host),
      upgrade: head.upgrade,
      unverified: context.tls?.insecure === true,
    };
    const result = this.guard.injection.request(place, context.path, fields.lower, fields.values);
    context.findings.push(...result.findings);
    if (result.refusal) {
      const blocked = result.findings.find((finding) => finding.action === 'blocked') ?? {
        ...result.refusal,
        action: 'blocked' as const,
      };
      context.answer = refusalAnswer(refusalForFinding(blocked, context.request), context);
      return;
    }
    context.injected.push(...result.injected);
    context.path = result.path;
    if (result.values !== fields.values)
      context.fields = { names: fields.names, lower: fields.lower, values: [...result.values] };
  }
}

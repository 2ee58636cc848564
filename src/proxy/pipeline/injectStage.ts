// Puts real values in where they are bound, and refuses a request that carries a dummy to where it does not belong.
import { addressScope } from '../../core/base/address';
import { refusalForFinding } from '../../core/policy/refusal';
import { isModelApi } from '../../core/secrets/providers';
import type { Finding } from '../../core/secrets/types';
import { type BodyTransform, RefusedBody } from '../engine';
import type { Guard } from './guard';
import { refusalAnswer } from './policyStage';
import type { FlowContext, Stage } from './stage';

const NOTHING = Buffer.alloc(0);

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
    if (head.hasBody) context.requestBody = this.#bodyScan(context);
  }

  /**
   * Lengths stay: a dummy in a body is never replaced here, it is let through or it ends the request. Whatever
   * `Content-Encoding` says: a label must not hide a plain body, and compressed bytes do not turn into a dummy by chance.
   */
  #bodyScan(context: FlowContext): BodyTransform {
    const scanner = this.guard.injection.bodyScanner(context.target.host);
    // A conversation with a model mentions what the agent read; refusing it would end the session over a worthless dummy.
    const action = isModelApi(context.target.host) ? 'marked' : 'blocked';
    const seen = new Set<string>();
    const look = (bytes: Buffer, place: string) => {
      for (const secret of scanner.push(bytes)) {
        if (seen.has(secret)) continue;
        seen.add(secret);
        const finding: Finding = { kind: 'dummy-unbound', secret, place, action };
        context.findings.push(finding);
        if (action === 'blocked') {
          context.answer = refusalAnswer(refusalForFinding(finding, context.request), context);
          throw new RefusedBody(context.answer);
        }
      }
      return bytes;
    };
    return {
      keepsLength: true,
      push: (chunk) => look(chunk, 'body'),
      end: () => NOTHING,
      trailers: (section) => look(section, 'trailer'),
    };
  }
}

/** The only targets where a value may go without TLS. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return /^[\d.]+$|:/.test(host) && addressScope(host) === 'loopback';
}

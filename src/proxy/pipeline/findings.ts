// What is done about what detection finds in a request: by the rule that allows it, else by whom it is for.
import { addressScope } from '../../core/base/address';
import { isModelApi } from '../../core/secrets/providers';
import type { Finding, FindingKind } from '../../core/secrets/types';
import type { FlowContext } from './stage';

const ACTION = { block: 'blocked', mask: 'masked', mark: 'marked' } as const;

/**
 * A conversation with a model mentions what the agent read, and repeats it at every turn: a dummy there is worthless, and a
 * real value is replaced by its dummy, so that the session can go on. Anywhere else both end the request.
 */
export function detectionFor({ target, decision }: FlowContext): {
  readonly dummies: 'blocked' | 'marked';
  readonly values: Finding['action'];
} {
  const model = isModelApi(target.host);
  const ruled = decision?.rule?.detection;
  return {
    dummies: model || ruled === 'mark' ? 'marked' : 'blocked',
    values: ruled ? ACTION[ruled] : model ? 'masked' : 'blocked',
  };
}

/** Nothing can be masked in a head: what it says, it says to somebody. */
export const headAction = ({ decision }: FlowContext): 'blocked' | 'marked' =>
  decision?.rule?.detection === 'mark' ? 'marked' : 'blocked';

/** What a finding says of the form: nothing where the value stood there as it is, or the place says it. */
export const written = (form: string): Pick<Finding, 'form'> => (form === 'plain' || form === 'split' ? {} : { form });

/** Why no value may be put into a request; undefined: it may. */
export function unsafeFor({
  target,
  tls,
}: FlowContext): Extract<FindingKind, 'dummy-cleartext' | 'dummy-unverified'> | undefined {
  if (target.scheme !== 'https' && !isLoopback(target.host)) return 'dummy-cleartext';
  return tls?.insecure === true ? 'dummy-unverified' : undefined;
}

/** The only targets where a value may go without TLS. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return /^[\d.]+$|:/.test(host) && addressScope(host) === 'loopback';
}

// The proxy that the user's own environment names (a company's), which ours then goes through. Never one of ours: a terminal of
// ours may have started this program.
import { type ParentFound, parentFromEnvironment } from '../core/base/parentProxy';
import { LABELS } from './sessionStore';

/** The label of the command line's `proxy`. */
export const CLI_LABEL = 'agent';

/** `port`: the one that we listen on, or are about to. */
export function userProxy(environment: NodeJS.ProcessEnv, port: number): ParentFound {
  return parentFromEnvironment(environment, { ports: [port], labels: [...LABELS, CLI_LABEL] });
}

// What the features share: the sessions, the flows, the log, and the names of commands, contexts and settings in one place.
import * as vscode from 'vscode';
import type { StartOptions } from '../host/api';

export const VIEW = { session: 'sandboxAgent.session', flows: 'sandboxAgent.flows' } as const;
export const SCHEME = {
  flow: 'sandbox-agent-flow',
  approved: 'sandbox-agent-approved',
  pending: 'sandbox-agent-pending',
} as const;

export type ContextKey =
  'running' | 'failed' | 'opened' | 'welcome' | 'policyPending' | 'locked' | 'encrypted' | 'lent';

export function setContext(key: ContextKey, value: boolean | string): void {
  void vscode.commands.executeCommand('setContext', `sandboxAgent.${key}`, value);
}

const configuration = () => vscode.workspace.getConfiguration('sandboxAgent');

/** Of a setting in seconds. The editor warns of a value that is none, and gives it all the same. */
function milliseconds(name: string, fallback: number): number {
  const seconds = configuration().get<unknown>(name);
  return (typeof seconds === 'number' && seconds >= 1 && seconds <= 86_400 ? seconds : fallback) * 1_000;
}

/** Settings are read when they are needed: a change counts for the next use. Machine scope, see package.json. */
export const settings = {
  policyFile: () => configuration().get<string>('policyFile', '.sandbox-agent/policy.yaml'),
  startOptions: (): StartOptions => ({
    level: configuration().get<StartOptions['level']>('level', 'routed'),
    claudeSettings: configuration().get<StartOptions['claudeSettings']>('claudeSettings', 'local'),
    confinedChain: configuration().get<StartOptions['confinedChain']>('confinedChain', 'proxy'),
    timeouts: {
      connectMs: milliseconds('timeouts.connect', 15),
      headMs: milliseconds('timeouts.head', 600),
      idleMs: milliseconds('timeouts.idle', 900),
    },
  }),
  allTerminals: () => configuration().get<boolean>('allTerminals', false),
  startOnOpen: () => configuration().get<boolean>('startOnOpen', true),
  /** Minutes that real values stay in the files with Restore for a While. */
  restoreMinutes: () => {
    const minutes = configuration().get<unknown>('restoreMinutes');
    return typeof minutes === 'number' && minutes > 0 && minutes <= 120 ? minutes : 10;
  },
  maxFlows: () => configuration().get<number>('maxFlows', 5000),
};

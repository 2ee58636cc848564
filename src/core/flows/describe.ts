// A flow in words: one line for a terminal, and a whole read-only document. It prints what the flow holds, which is redacted.
import type { Finding, FindingKind } from '../secrets/types';
import type { Flow, HeaderPairs } from './flow';

const LEAKS: ReadonlySet<FindingKind> = new Set<FindingKind>(['echo-redacted', 'real-value']);

/** The real value itself was seen on the wire outside of its place: whoever had it may have kept it, so it is to be rotated. */
export const isLeak = ({ kind }: Finding): boolean => LEAKS.has(kind);

/** `https://host:port`, the port only where it is not the scheme's own. */
export function flowOrigin({ scheme, host, port }: Pick<Flow, 'scheme' | 'host' | 'port'>): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${name}${port === (scheme === 'https' || scheme === 'wss' ? 443 : 80) ? '' : `:${port}`}`;
}

/** `allowed`, `injected NAME`, `masked NAME`, `blocked rule 1 "No gists"`, `failed dns`, `aborted`, `open`. */
export function flowOutcome({
  outcome,
  injected,
  decision,
  findings,
  error,
}: Pick<Flow, 'outcome' | 'injected' | 'decision' | 'findings' | 'error'>): string {
  switch (outcome) {
    case 'allowed':
    case 'open': {
      const word = outcome === 'open' ? 'open' : 'allowed';
      const masked = maskedSecrets(findings);
      const parts = [
        ...(injected.length > 0 ? [`injected ${injected.join(', ')}`] : []),
        ...(masked.length > 0 ? [`masked ${masked.join(', ')}`] : []),
      ];
      if (parts.length > 0) return parts.join(', ');
      return decision && decision.action !== decision.effective ? `${word}, no rule` : word;
    }
    case 'blocked': {
      const finding = findings.find(({ action }) => action === 'blocked');
      const seen = finding && `${finding.secret} in ${finding.place}`;
      // What the policy refuses anyway may carry something all the same.
      if (seen !== undefined && decision?.effective !== 'block') return `blocked ${seen}`;
      if (error) return `blocked ${error.code}`;
      const label = decision?.rule === undefined ? 'default' : ruleLabel(decision);
      return `blocked ${label}${seen === undefined ? '' : `, ${seen}`}`;
    }
    case 'failed':
      return `failed ${error?.code ?? 'unknown'}`;
    case 'aborted':
      return 'aborted';
  }
}

/** Secrets whose real value was on its way out, and became a stand-in. */
export function maskedSecrets(findings: readonly Finding[]): readonly string[] {
  const masked = findings.filter(({ kind, action }) => kind === 'real-value' && action === 'masked');
  return [...new Set(masked.map(({ secret }) => secret))];
}

/** What was found, where, in which form, and what was done about it: one sentence. */
export function describeFinding({ kind, secret, place, form, action }: Finding): string {
  const written = form === undefined ? '' : ` (written as ${form})`;
  const what = kind === 'foreign-credential' ? `not ${secret}` : secret;
  return `${what}, in ${placeInWords(place)}: ${FINDING[kind]}${written}; ${ACTION[kind]?.[action] ?? ACTIONS[action]}`;
}

/** `the header authorization`, `Basic credentials (header authorization)`, `the query parameter key`. */
export function placeInWords(place: string): string {
  const [, kind, whole = ''] = /^(header|response header|query|body):?(.*)$/s.exec(place) ?? [];
  // A client makes up its names: none is so long that it tells the reader a story.
  const name = whole.length > MAX_NAME ? `${whole.slice(0, MAX_NAME)}…` : whole;
  switch (kind) {
    case 'header':
      return name.trim() === 'name' ? 'the name of a header' : `the header ${name}`;
    case 'response header':
      return `the header ${name.trim()} of the answer`;
    case 'query':
      return name === '' ? 'a query parameter' : `the query parameter ${name}`;
    case 'body':
      return name === '' ? 'the body' : `the field ${name} of the body`;
    default:
      return PLACES[place] ?? place;
  }
}

const MAX_NAME = 48;

const PLACES: Readonly<Record<string, string>> = {
  aws4: 'the signature of an AWS request',
  basic: 'Basic credentials (header authorization)',
  host: 'the host name',
  path: 'the path',
  trailer: 'a trailer',
  websocket: 'a WebSocket message',
  'response body': 'the body of the answer',
  'several parts': 'several parts of requests, in pieces',
};

/** Who sent it, in a sentence: by the label that its token belongs to, never by what it says of itself. */
export function agentInWords({ agent }: Pick<Flow, 'agent'>): string {
  return AGENTS[agent] ?? agent;
}

const AGENTS: Readonly<Record<string, string>> = {
  claude: 'Claude Code',
  codex: 'Codex',
  gemini: 'Gemini CLI',
  terminal: 'A program in a terminal',
  other: 'A program',
  unknown: 'A program',
};

/** `rule 2 "No gists"`, counted from 1; `default` where no rule decided. */
export function ruleLabel(decision: NonNullable<Flow['decision']>): string {
  if (decision.rule === undefined) return 'default';
  return `rule ${decision.rule + 1}${decision.description ? ` "${decision.description}"` : ''}`;
}

/** `GET https://api.example/x 200 allowed`. */
export function outcomeLine(flow: Flow): string {
  return `${flow.method} ${flowOrigin(flow)}${flow.path} ${flow.status ?? '-'} ${flowOutcome(flow)}`;
}

/** The document that "Open Flow" shows. */
export function describeFlow(flow: Flow): string {
  const { decision, timing } = flow;
  const lines = [
    `${flow.method} ${flowOrigin(flow)}${flow.path}`,
    '',
    `outcome    ${flowOutcome(flow)}`,
    `status     ${flow.status ?? 'none'}${flow.reasonPhrase ? ` ${flow.reasonPhrase}` : ''}`,
    `agent      ${flow.agent}${flow.process ? `, process ${flow.process.name} (${flow.process.pid})` : ''}`,
    `started    ${new Date(flow.startedAt).toISOString()}`,
    `time       ${ms(timing.totalMs)} in all, first byte after ${ms(timing.firstByteMs)}${timing.reused ? ', on an open connection' : ''}`,
    `size       ${flow.requestBytes} bytes sent, ${flow.responseBytes} bytes received`,
  ];
  if (decision) lines.push(`decision   ${decision.effective}: ${decision.reason}`);
  if (flow.kind === 'tunnel') lines.push('inspected  no: a tunnel passes unread');
  if (flow.injected.length > 0)
    lines.push(`injected   ${flow.injected.join(', ')}: the real value went out in its place`);
  for (const finding of flow.findings) {
    lines.push(`finding    ${describeFinding(finding).replace('; ', `\n${' '.repeat(11)}`)}`);
    if (finding.credential !== undefined)
      lines.push(`           sandbox-agent trust --host ${flow.host} ${finding.credential}`);
  }
  if (flow.error) lines.push(`error      ${flow.error.code}: ${flow.error.message}`);
  lines.push(
    '',
    '--- request',
    ...headers(flow.requestHeaders),
    '',
    '--- response',
    ...headers(flow.responseHeaders),
    '',
  );
  return lines.join('\n');
}

const FINDING: Readonly<Record<FindingKind, string>> = {
  'dummy-unbound': 'its stand-in was on the way to a host it is not bound to',
  'dummy-elsewhere': 'its stand-in was outside the places where a credential is read',
  'dummy-cleartext': 'it would have gone without encryption',
  'dummy-unverified': 'it would have gone to a server whose certificate is not verified',
  'real-value': 'the real value was on its way out',
  'foreign-credential': 'another credential was on the way to its host',
  'unknown-key': 'a key that is not of this workspace was on its way out',
  'echo-redacted': 'the answer held the real value',
};

const ACTIONS: Readonly<Record<Finding['action'], string>> = {
  blocked: 'the request was blocked',
  masked: 'it became the stand-in',
  marked: 'it was let pass, and is noted here',
};

const ACTION: Readonly<Partial<Record<FindingKind, Partial<Record<Finding['action'], string>>>>> = {
  'dummy-elsewhere': { marked: 'it stayed a stand-in' },
  'dummy-unbound': { marked: 'it stayed a stand-in' },
};

const headers = (pairs: HeaderPairs) =>
  pairs.length === 0 ? ['(none)'] : pairs.map(([name, value]) => `${name}: ${value}`);
const ms = (value: number | undefined) =>
  value === undefined ? '–' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

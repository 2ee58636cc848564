// The words of the policy language and the checks of single values: shared by the parser, the schema and the panel, and light
// enough for a web page.
import type { Credentials, Detection, Mode, Policy, RuleType, Scheme } from './types';

export const MODES: readonly Mode[] = ['monitor', 'ask', 'enforce'];
export const DEFAULTS: readonly Policy['default'][] = ['block', 'allow'];
export const RULE_TYPES: readonly RuleType[] = ['allow', 'block', 'tunnel'];
export const DETECTIONS: readonly Detection[] = ['block', 'mask', 'mark'];
export const CREDENTIALS: readonly Credentials[] = ['managed', 'none', 'any'];
export const SCHEMES: readonly Scheme[] = ['http', 'https', 'ws', 'wss'];
export const TOP_KEYS = ['version', 'mode', 'default', 'rules', 'secrets', 'tests'] as const;
export const RULE_KEYS = [
  'type',
  'description',
  'condition',
  'action',
  'addresses',
  'acknowledge',
  'upstream',
  'websocket',
  'detection',
  'credentials',
] as const;
export const UPSTREAM_KEYS = ['ca', 'clientCert', 'insecure'] as const;
export const CLIENT_CERT_KEYS = ['cert', 'key'] as const;
export const MATCH_KEYS = ['host', 'port', 'scheme', 'method', 'path', 'agent'] as const;

/** What is wrong with the value, to be put after it; undefined when nothing is. */
export function checkMethod(text: string): string | undefined {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text) || text === '*') return 'is not a method';
  return text === text.toUpperCase() ? undefined : `methods are case-sensitive: write ${text.toUpperCase()}`;
}

export function checkPath(text: string): string | undefined {
  if (!text.startsWith('/') && !text.startsWith('*')) return 'a path starts with "/"';
  return /[?#\s]/.test(text) ? 'a path holds no query, fragment or space ("*" stands for any of them)' : undefined;
}

export function checkScheme(text: string): string | undefined {
  return SCHEMES.some((scheme) => scheme === text) ? undefined : `must be ${SCHEMES.join(', ')}`;
}

export function checkFile(text: string): string | undefined {
  return /[\0-\x1f\x7f]/.test(text) || text.trim() === '' ? 'is not the name of a file' : undefined;
}

export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;
}

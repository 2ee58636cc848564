// Puts a real value into a WebSocket message on its way to a host that reads its credential there (place `websocket`):
// once per message, in text only, never in the clear. Elsewhere the dummy stays what it is. No value goes into a finding.
import { concat } from '../base/bytes';
import { compileHosts } from '../policy/hosts';
import { createMatcher } from './matcher';
import type { BoundSecret, Finding, FindingKind } from './types';

export interface MessageTarget {
  /** Canonical (core/base/host). */
  readonly host: string;
  /** Why no value may go there; undefined: it may (TLS towards a verified upstream, or an upstream on this machine). */
  readonly unsafe: Extract<FindingKind, 'dummy-cleartext' | 'dummy-unverified'> | undefined;
}

export interface MessageInjectionResult {
  /** The given array itself where nothing changed. */
  readonly bytes: Uint8Array;
  /** Names of the secrets whose real value is in `bytes`. */
  readonly injected: readonly string[];
  /** One with the action `blocked`: the message must not go out, and `bytes` is as given. */
  readonly findings: readonly Finding[];
}

/** One message without frames and compression; `text` as RFC 6455, 5.6 has it, in UTF-8. */
export type MessageInjection = (bytes: Uint8Array, text: boolean) => MessageInjectionResult;

const PLACE = 'websocket';
/** Line protocols run over WebSockets: a value must not end a line. */
const UNFIT_FOR_TEXT = /[\0-\x1f\x7f]/;

/** For the messages to one host: secrets that are bound elsewhere are not looked for. */
export function compileMessageInjection(
  secrets: readonly BoundSecret[],
  { host, unsafe }: MessageTarget,
): MessageInjection {
  const bound = secrets.filter(({ dummy, hosts }) => dummy !== '' && compileHosts(hosts)(host));
  const encoder = new TextEncoder();
  const matcher = createMatcher(bound.map(({ dummy }) => encoder.encode(dummy)));
  return (bytes, text) => {
    let match = matcher.find(bytes, 0);
    if (!match) return { bytes, injected: [], findings: [] };
    const json = text && isJson(bytes);
    const injected = new Set<string>();
    const findings: Finding[] = [];
    const out: Uint8Array[] = [];
    let at = 0;
    for (; match; match = matcher.find(bytes, match.at + match.length)) {
      const secret = bound[match.pattern]!;
      const end = match.at + match.length;
      const bears =
        text &&
        secret.in.includes(PLACE) &&
        !injected.has(secret.name) &&
        (json ? isWholeString(bytes, match.at, end) : standsAlone(bytes, match.at, end)) &&
        (json || !UNFIT_FOR_TEXT.test(secret.value));
      if (!bears) {
        findings.push({ kind: 'dummy-elsewhere', secret: secret.name, place: PLACE, action: 'marked' });
        continue;
      }
      if (unsafe) {
        findings.push({ kind: unsafe, secret: secret.name, place: PLACE, action: 'blocked' });
        return { bytes, injected: [], findings };
      }
      const real = json ? JSON.stringify(secret.value).slice(1, -1) : secret.value;
      out.push(bytes.subarray(at, match.at), encoder.encode(real));
      at = end;
      injected.add(secret.name);
    }
    if (injected.size === 0) return { bytes, injected: [], findings };
    return { bytes: concat([...out, bytes.subarray(at)]), injected: [...injected], findings };
  };
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const QUOTE = 0x22;
const COLON = 0x3a;
const SPACE = 0x20;

/**
 * Whether `[at, end)` of a valid JSON text is a whole string value, alone or behind one scheme word (RFC 9110, 11.4): a
 * credential, and not a sentence that mentions it, nor the name of a member, nor JSON inside a string.
 */
function isWholeString(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[end] !== QUOTE) return false;
  let after = end + 1;
  while (isJsonSpace(bytes[after])) after++;
  if (bytes[after] === COLON) return false;
  let before = at;
  if (bytes[before - 1] === SPACE) {
    while (bytes[before - 1] === SPACE) before--;
    const word = before;
    while (isTokenByte(bytes[before - 1])) before--;
    if (before === word) return false;
  }
  // A quote inside a string has a backslash before it; one that begins a string cannot.
  return bytes[before - 1] === QUOTE && bytes[before - 2] !== 0x5c;
}

/** Not a part of something longer. */
function standsAlone(bytes: Uint8Array, at: number, end: number): boolean {
  return !isTokenByte(bytes[at - 1]) && !isTokenByte(bytes[end]);
}

const isJsonSpace = (byte: number | undefined) => byte === SPACE || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/** `[A-Za-z0-9._~-]`: what dummies and scheme words are made of. */
function isTokenByte(byte: number | undefined): boolean {
  return byte !== undefined && /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte));
}

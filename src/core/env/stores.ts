// Credential stores beside the env files: what kinds of credentials are in one, in words and never a value, and for those that can
// be swapped the secrets with their spans.
import type { Candidate } from './swap';
import { dummyRefusal } from './dummy';
import { referenceReason } from './classifyReference';
import { scanGhHosts } from './ghHosts';
import { scanNetrc } from './netrc';
import { scanNpmrc } from './npmrc';
import { toBinary } from '../base/bytes';
import { decodeBinary } from './scan';
import type { StoreSecret } from '../secrets/types';

export type StoreKind = 'aws' | 'netrc' | 'gh' | 'npmrc' | 'claude' | 'codex';

const READERS: Readonly<Partial<Record<StoreKind, (bytes: Uint8Array) => StoreSecret[]>>> = {
  netrc: scanNetrc,
  npmrc: scanNpmrc,
  gh: scanGhHosts,
};

export const isSwappable = (kind: StoreKind): boolean => READERS[kind] !== undefined;

/** Every folder's programs read the same file. */
const SHARED =
  'every program of every folder reads this file: with a dummy in it they work through the proxy of this folder only';
const NOT_PUT_BACK =
  'npm sends it inside Basic in another form, where this version does not put it back: what uses it stops to work for agents and for you';

/** As of an env file, in order; never ticked. `isDummy`: of this folder. */
export function planStore(kind: StoreKind, bytes: Uint8Array, isDummy: (text: string) => boolean): Candidate[] {
  const text = toBinary(bytes);
  return (READERS[kind]?.(bytes) ?? []).flatMap(({ name, start, end, what, hosts, in: places }): Candidate[] => {
    const raw = text.slice(start, end);
    const value = decodeBinary(raw);
    if (isDummy(value) || referenceReason(value) !== undefined || value.includes('\ufffd')) return [];
    const served = places.length > 0 && hosts.length > 0;
    const refusal = dummyRefusal(value);
    const why =
      refusal ?? (places.length === 0 ? NOT_PUT_BACK : hosts.length === 0 ? 'it is bound to no host' : SHARED);
    return [
      {
        key: name.toUpperCase().replace(/[^A-Z0-9]+/g, '_'),
        start,
        end,
        raw,
        value,
        line: text.slice(0, start).split('\n').length,
        inComment: false,
        ticked: false,
        reason: `${what}; ${why}`,
        provider: undefined,
        hosts: served && refusal === undefined ? hosts : [],
        in: places,
      },
    ];
  });
}

/** Kinds of credentials in a store, for the user; empty where none was seen. Names and hosts only, never a value. */
export function describeStore(kind: StoreKind, bytes: Uint8Array): readonly string[] {
  const text = decodeBinary(toBinary(bytes));
  switch (kind) {
    case 'netrc':
    case 'npmrc':
    case 'gh':
      return unique((READERS[kind]?.(bytes) ?? []).map(({ what }) => what));
    case 'aws':
      return unique([
        ...(/^\s*aws_secret_access_key\s*=\s*\S/m.test(text) ? ['access keys'] : []),
        ...(/^\s*aws_session_token\s*=\s*\S/m.test(text) ? ['session tokens'] : []),
      ]);
    case 'claude':
      return keysOf(text, { claudeAiOauth: 'the login of Claude Code', mcpOAuth: 'logins of MCP servers' });
    case 'codex':
      return keysOf(text, { OPENAI_API_KEY: 'an OpenAI API key', tokens: 'the login of Codex' });
  }
}

function keysOf(text: string, known: Readonly<Record<string, string>>): string[] {
  try {
    const parsed = JSON.parse(text) as Record<string, unknown> | null;
    return Object.entries(known).flatMap(([key, what]) => (parsed?.[key] ? what : []));
  } catch {
    return [];
  }
}

const unique = (texts: readonly string[]) => [...new Set(texts)];
